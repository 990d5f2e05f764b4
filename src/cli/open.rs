//! From arguments and files to a mirror and the way to its hub.

use super::{Globals, output};
use crate::config::{Console, Paths};
use crate::domain::id::OpId;
use crate::domain::incident::Incident;
use crate::store::file;
use crate::store::mirror::Mirror;
use crate::sync::client::{ClientError, HubAddress, HubClient};
use crate::sync::console::Parts;
use crate::sync::device::{Device, KnownHub};
use crate::sync::once::{ExchangeError, exchange};
use crate::sync::{clock, teller, token};
use anyhow::{Context as _, bail};
use std::path::Path;
use std::time::Duration;

/// How long a command waits for a hub before it goes on with what is mirrored.
pub const ASK_WITHIN: Duration = Duration::from_secs(5);

/// Returns where files lie and what the configuration says.
pub fn settings(globals: &Globals) -> anyhow::Result<(Paths, Console)> {
    let paths = Paths::find(globals.home.clone())?;
    let login = login();
    let mut console = Console::read(&paths, globals.hub.clone(), &login)?;
    if let Some(file) = &globals.token_file {
        console.token_file = Some(file.clone());
    }
    Ok((paths, console))
}

/// Returns the login name: by the environment, else (in cron jobs and containers) by the user database.
pub fn login() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    named.or_else(|| login_in(&std::fs::read_to_string("/etc/passwd").ok()?)).unwrap_or_default()
}

fn login_in(passwd: &str) -> Option<String> {
    let own = rustix::process::geteuid().as_raw().to_string();
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .into_iter()
        .find(|fields| fields.get(2) == Some(&own.as_str()))
        .and_then(|fields| Some((*fields.first()?).to_owned()))
}

/// Returns the configured hub's address, or that of this user's own hub.
pub fn address(paths: &Paths, console: &Console) -> anyhow::Result<HubAddress> {
    match &console.hub {
        Some(text) => Ok(HubAddress::parse(text)?),
        None => Ok(HubAddress::Unix(paths.hub().join("hub.sock"))),
    }
}

/// Opens the mirror of the hub at that address. Asks the hub who it is only when it was never met there.
pub async fn parts(paths: &Paths, console: &Console, address: HubAddress) -> anyhow::Result<Parts> {
    let mut device = Device::open(&paths.data, console.user.clone()).context("opening this console's directory")?;
    let admin_token = admin_token(console.token_file.as_deref())?;
    let known = device.known_hub(&address).context("reading which hubs are known")?;
    let client = HubClient::new(address.clone(), known.as_ref().and_then(KnownHub::trust).as_ref())?;
    let (known, card) = match known {
        Some(known) => (known, None),
        None => {
            let card = first_card(&client, admin_token.as_deref()).await?;
            device.remember_hub(&address, &card).context("remembering the hub")?;
            (KnownHub { key: card.hub_key.clone(), trust: None, user: None }, Some(card))
        }
    };
    // Who one is at a hub that was joined, the hub said.
    device.user = known.user.clone().unwrap_or(device.user);
    let mut mirror =
        Mirror::open(&device.mirror_of(known.short_key()), &device.user, teller::fresh_node(), clock::now())
            .context("opening the mirror")?;
    if mirror.is_copy().context("looking at the mirror")? {
        device.become_another(&mut mirror).context("making the copied mirror a node of its own")?;
    }
    let peers = console.peers.clone();
    Ok(Parts { device, mirror, client, card, hub_key: known.key, admin_token, embedded: false, peers })
}

async fn first_card(client: &HubClient, admin_token: Option<&str>) -> anyhow::Result<crate::sync::wire::HubCard> {
    match tokio::time::timeout(ASK_WITHIN, client.card(admin_token)).await {
        Ok(Ok(card)) => Ok(card),
        Ok(Err(ClientError::Denied)) if admin_token.is_some() => {
            bail!("the hub at {} refuses the token of --token-file; it must be the hub's admin.token", client.address())
        }
        Ok(Err(ClientError::Denied)) => bail!(
            "the hub at {} wants to know this console first: give its admin token by --token-file (the hub's admin.token), or use its socket",
            client.address()
        ),
        Ok(Err(error)) => {
            let remedy = match client.address() {
                HubAddress::Unix(_) => "start it with `nightdesk serve` or `nightdesk`",
                _ => "look whether it runs; `nightdesk doctor` says more",
            };
            Err(error).context(format!("nothing is mirrored from that hub yet; {remedy}"))
        }
        Err(_) => bail!("the hub at {} does not answer, and nothing is mirrored from it yet", client.address()),
    }
}

/// Returns the admin token; a file that others may read is refused.
pub fn admin_token(path: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let token = file::read_secret(path)?.with_context(|| format!("{} does not exist", path.display()))?;
    Ok(Some(token))
}

/// Returns the way to the hub, what one is let in by there, and who one is: for a command that asks it something and needs no mirror.
pub fn reach(globals: &Globals) -> anyhow::Result<(HubClient, Option<String>, String)> {
    let (paths, console) = settings(globals)?;
    let address = address(&paths, &console)?;
    let device = Device::open(&paths.data, console.user.clone())?;
    let known = device.known_hub(&address)?;
    let user = known.as_ref().and_then(|known| known.user.clone()).unwrap_or(console.user.clone());
    let token = match (admin_token(console.token_file.as_deref())?, &known) {
        (Some(token), _) => Some(token),
        (None, Some(known)) => {
            Mirror::open(&device.mirror_of(known.short_key()), &user, teller::fresh_node(), clock::now())?
                .note(token::NOTE)?
        }
        (None, None) => None,
    };
    let client = HubClient::new(address, known.and_then(|known| known.trust()).as_ref())?;
    Ok((client, token, user.to_string()))
}

/// A mirror that was brought up to date as far as a hub answered.
pub struct Opened {
    /// What it is made of.
    pub parts: Parts,
    /// Why it is not up to date, if it is not.
    pub behind: Option<ExchangeError>,
}

/// Opens the mirror for a command and exchanges with the hub, once.
pub async fn exchanged(globals: &Globals) -> anyhow::Result<Opened> {
    let (paths, console) = settings(globals)?;
    let address = address(&paths, &console)?;
    let mut parts = parts(&paths, &console, address).await?;
    let behind = again(&mut parts).await;
    tell(&mut parts.mirror, &[])?;
    Ok(Opened { parts, behind })
}

/// Exchanges with the hub; returns why not, if it did not work.
pub async fn again(parts: &mut Parts) -> Option<ExchangeError> {
    let mut held = parts.mirror.cursor().ok();
    loop {
        match tokio::time::timeout(ASK_WITHIN, exchange(parts)).await {
            Ok(Err(ExchangeError::OtherHub(card))) => {
                let remembered = parts.device.remember_hub(parts.client.address(), &card);
                return Some(remembered.err().map_or(ExchangeError::OtherHub(card), ExchangeError::Mirror));
            }
            Ok(outcome) => return outcome.err(),
            Err(_) => {
                // Who comes back from a week away is told page by page: while it gets on, the hub does answer.
                let now = parts.mirror.cursor().ok();
                if now.is_none() || now == held {
                    return Some(ClientError::Slow(parts.client.address().clone()).into());
                }
                held = now;
            }
        }
    }
}

/// Says on standard error what became of operations that waited and are answered now; `own` is told by the command itself.
pub fn tell(mirror: &mut Mirror, own: &[OpId]) -> anyhow::Result<()> {
    for told in mirror.tell()?.into_iter().filter(|told| !own.contains(&told.op.op_id)) {
        let Some(verdict) = told.verdict else { continue };
        let name = match told.op.act.runbook() {
            Some(runbook) => runbook.to_string(),
            None => mirror
                .incident(told.op.incident)?
                .map_or(told.op.incident.to_string(), |incident| incident.number.to_string()),
        };
        eprintln!(
            "nightdesk: {} {name} of {}: {}",
            told.op.act.kind(),
            told.op.created_at.date_and_second(),
            output::text(&verdict.sentence())
        );
    }
    Ok(())
}

/// Returns the one incident that the text names.
pub fn find(mirror: &mut Mirror, text: &str) -> anyhow::Result<Incident> {
    let mut found = mirror.find(text)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!("no incident {text:?} is known here; `nightdesk list` shows them"),
        more => bail!("{text:?} names {more} incidents; give more digits of the id"),
    }
}
