//! `nightdesk enrol`, `devices`, `revoke`: who is let in, by the hub's administrator.

use super::open::{address, admin_token, settings};
use super::{Exit, Globals, output};
use crate::domain::id::UserName;
use crate::domain::time::Timestamp;
use crate::sync::client::HubClient;
use crate::sync::device::Device;
use crate::sync::enrolment::{CODE_MINUTES, Invitation};
use crate::sync::wire::{DeviceRow, Revocation};
use anyhow::Context as _;
use clap::Args;
use serde_json::json;

/// Arguments of `enrol`.
#[derive(Debug, Args)]
pub struct Enrol {
    /// Who the other machine's user is: the name in their operations.
    user: String,
    /// To look and do nothing.
    #[arg(long)]
    viewer: bool,
    /// Where the other machine reaches this hub, HOST or HOST:PORT; without it, what the hub takes for it.
    #[arg(long, value_name = "HOST")]
    at: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// A user (all their devices), or a node of `nightdesk devices` (eight digits or more).
    who: String,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// A hub, met with the rights of its administrator.
struct Administration {
    client: HubClient,
    token: Option<String>,
}

impl Administration {
    fn open(globals: &Globals) -> anyhow::Result<Self> {
        let (paths, console) = settings(globals)?;
        let address = address(&paths, &console)?;
        let device = Device::open(&paths.data, console.user)?;
        let trust = device.known_hub(&address)?.and_then(|known| known.trust());
        Ok(Self {
            client: HubClient::new(address, trust.as_ref())?,
            token: admin_token(console.token_file.as_deref())?,
        })
    }

    fn hint(&self) -> String {
        format!(
            "asking the hub at {}; this is done on the hub's machine: nightdesk --hub unix:DIR/hub.sock",
            self.client.address()
        )
    }
}

/// Prints a code by which another machine joins.
pub fn enrol(globals: &Globals, arguments: &Enrol) -> anyhow::Result<Exit> {
    let user = UserName::parse(&arguments.user)?;
    let hub = Administration::open(globals)?;
    let invitation = Invitation { user: user.clone(), viewer: arguments.viewer, address: arguments.at.clone() };
    let asked = super::small_runtime()?.block_on(hub.client.invite(&invitation, hub.token.as_deref()));
    let invited = asked.with_context(|| hub.hint())?;
    if arguments.json {
        let ends = Timestamp::from_millis(invited.expires_at_ms).to_string();
        output::say!("{}", output::json_line(&json!({ "user": user, "code": invited.code, "expires_at": ends })));
        return Ok(Exit::Confirmed);
    }
    eprintln!(
        "On the machine of {user}, within {CODE_MINUTES} minutes, run `nightdesk join` and paste this; it works once:"
    );
    output::say!("{}", output::text(&invited.code));
    Ok(Exit::Confirmed)
}

/// Lists who is let in, and who no more.
pub fn devices(globals: &Globals, arguments: &Devices) -> anyhow::Result<Exit> {
    let hub = Administration::open(globals)?;
    let asked = super::small_runtime()?.block_on(hub.client.devices(hub.token.as_deref()));
    for row in &asked.with_context(|| hub.hint())?.devices {
        if arguments.json {
            output::say!("{}", output::json_line(&device_json(row)));
            continue;
        }
        let seen = row.last_used_at_ms.map_or("never seen".to_owned(), |at| format!("seen {}", minute(at)));
        let state = row.revoked_at_ms.map_or(seen, |at| format!("REVOKED {}", minute(at)));
        output::say!("{}  {} {} {state}", row.node, output::cell(row.user.as_str(), 16), output::cell(&row.scope, 8));
    }
    Ok(Exit::Confirmed)
}

fn minute(millis: i64) -> String {
    Timestamp::from_millis(millis).date_and_second()
}

fn device_json(row: &DeviceRow) -> serde_json::Value {
    let time = |at: Option<i64>| at.map(|at| Timestamp::from_millis(at).to_string());
    json!({
        "v": 1, "node": row.node, "user": row.user, "scope": row.scope, "public_key": row.public_key,
        "created_at": time(Some(row.created_at_ms)), "last_used_at": time(row.last_used_at_ms),
        "revoked_at": time(row.revoked_at_ms), "revoked": row.revoked_at_ms.is_some(),
    })
}

/// Lets a person or a device in no more.
pub fn revoke(globals: &Globals, arguments: &Revoke) -> anyhow::Result<Exit> {
    let hub = Administration::open(globals)?;
    let revocation = Revocation { who: arguments.who.clone() };
    let asked = super::small_runtime()?.block_on(hub.client.revoke(&revocation, hub.token.as_deref()));
    let nodes = asked.with_context(|| hub.hint())?.nodes;
    if arguments.json {
        output::say!("{}", output::json_line(&json!({ "v": 1, "revoked": nodes })));
        return Ok(Exit::Confirmed);
    }
    for node in nodes {
        output::say!("{node} revoked: its token is dead, and nothing that its key signed is taken from now on");
    }
    Ok(Exit::Confirmed)
}
