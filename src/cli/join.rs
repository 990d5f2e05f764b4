//! `nightdesk join`: this machine becomes a person's console at a hub elsewhere.

use super::open::{ASK_WITHIN, settings};
use super::{Exit, Globals, output};
use crate::config::Paths;
use crate::domain::id::UserName;
use crate::domain::scope::Scope;
use crate::store::mirror::Mirror;
use crate::sync::client::{ClientError, HubAddress, HubClient};
use crate::sync::device::{Device, KnownHub};
use crate::sync::enrolment::{Code, Join, Joined, Offer};
use crate::sync::tls::{Trust, first_meeting};
use crate::sync::{clock, teller, token};
use anyhow::{Context as _, bail};
use clap::Args;
use std::io::{BufRead as _, IsTerminal as _, Read as _};

/// Longest line that is read as a code.
const CODE_BYTES_MAX: u64 = 4096;

/// Arguments of `join`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The code that `nightdesk enrol` printed; without it, it is asked for, so that no history keeps it.
    pub code: Option<String>,
}

/// Meets the hub by the code, and writes down what the console needs from then on.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let text = match &arguments.code {
        Some(code) => code.clone(),
        None => ask()?,
    };
    let code = Code::parse(&text)?;
    let (paths, _) = settings(globals)?;
    let address = HubAddress::parse(&format!("https://{}", code.address))?;
    let runtime = super::small_runtime()?;
    let Met { hub_key, user, scope } = runtime.block_on(async {
        match tokio::time::timeout(ASK_WITHIN * 2, meet(&paths, &address, &code)).await {
            Ok(met) => met,
            Err(_) => bail!("the hub at {address} does not answer; the code stays good until it runs out"),
        }
    })?;
    let as_what = if scope == Scope::Viewer { ", to look only" } else { "" };
    output::say!("joined {address} as {user}{as_what}; its key is {}", hub_key.get(..16).unwrap_or_default());
    output::say!("{}", into_config(&paths, &address)?);
    Ok(Exit::Confirmed)
}

fn ask() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("Paste the code: ");
    }
    let mut line = String::new();
    std::io::stdin().lock().take(CODE_BYTES_MAX).read_line(&mut line).context("reading the code")?;
    Ok(line)
}

struct Met {
    hub_key: String,
    user: UserName,
    scope: Scope,
}

async fn meet(paths: &Paths, address: &HubAddress, code: &Code) -> anyhow::Result<Met> {
    let (client, by_fingerprint) = match code.authority {
        Some(fingerprint) => {
            let (config, found) = first_meeting(fingerprint).context("setting TLS up")?;
            (HubClient::with_config(address.clone(), config)?, Some(found))
        }
        None => (HubClient::new(address.clone(), Some(&Trust::Public))?, None),
    };
    let offer = client.offer(&code.secret).await.map_err(refused)?;
    let trust = match by_fingerprint {
        Some(found) => Trust::Authority(found.found().context("the hub did not show its authority")?),
        None => Trust::Public,
    };
    let Offer { hub, user, .. } = &offer;
    let scope = offer.scope().context("the hub offers what this version does not know; upgrade it")?;
    let known = KnownHub { key: hub.hub_key.clone(), trust: Some(trust.to_text()), user: Some(user.clone()) };
    let device = Device::open(&paths.data, user.clone()).context("opening this console's directory")?;
    let mut mirror = Mirror::open(&device.mirror_of(known.short_key()), user, teller::fresh_node(), clock::now())
        .context("opening the mirror")?;
    let join = Join::new(&device.key, mirror.node(), &known.key, &code.hash());
    let Joined { token, .. } = client.join(&code.secret, &join).await.map_err(refused)?;
    mirror.set_note(token::NOTE_SCOPE, scope.word()).context("writing the scope down")?;
    teller::keep_token(&mut mirror, &token, clock::now()).context("writing the token down")?;
    device.pin_hub(address, &known).context("remembering the hub")?;
    Ok(Met { hub_key: known.key, user: offer.user, scope })
}

fn refused(error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Denied => anyhow::anyhow!("this code was used, ran out, or was never made; ask for a new one"),
        ClientError::NotTheHub { address, why } => anyhow::anyhow!(
            "{address} is not the hub that made this code ({why}): somebody is in between, or the hub was made anew; nothing was sent"
        ),
        error => error.into(),
    }
}

/// Writes the hub into `config.toml`, where no other stands; returns what was done, or what is to be done by hand.
fn into_config(paths: &Paths, address: &HubAddress) -> anyhow::Result<String> {
    let path = paths.config.join("config.toml");
    let line = format!("hub = \"{address}\"\n");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let stands: Option<String> = toml::from_str::<toml::Table>(&text)
        .ok()
        .and_then(|table| Some(table.get("hub")?.as_str().unwrap_or_default().to_owned()));
    match stands {
        Some(hub) if hub == address.to_string() => Ok(format!("{} names it already", path.display())),
        Some(_) => Ok(format!("another hub stands in {}; write there: {}", path.display(), line.trim_end())),
        None => {
            std::fs::create_dir_all(&paths.config).context("making the directory of the configuration")?;
            // At the top, for what comes before the first table belongs to no table.
            crate::store::file::write_private(&path, (line + &text).as_bytes())?;
            Ok(format!("written to {}", path.display()))
        }
    }
}
