//! `nightdesk quarantine`.

use super::open::{address, admin_token, settings};
use super::{Exit, Globals, output};
use crate::store::mirror::Mirror;
use crate::sync::client::HubClient;
use crate::sync::device::Device;
use crate::sync::{clock, teller, token};
use clap::Args;
use serde_json::Value;

/// Arguments of `quarantine`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Prints one JSON object a line; `raw_hex` has the bytes as they came.
    #[arg(long)]
    json: bool,
}

/// Lists what the hub could not take, newest first. Asks the hub: consoles do not mirror it.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (paths, console) = settings(globals)?;
    let address = address(&paths, &console)?;
    let device = Device::open(&paths.data, console.user.clone())?;
    // A console that is known has its token in the mirror; else the admin token or the socket must do.
    let known = device.known_hub(&address)?;
    let token = match &known {
        Some(known) => {
            let user = known.user.as_ref().unwrap_or(&console.user);
            Mirror::open(&device.mirror_of(known.short_key()), user, teller::fresh_node(), clock::now())?
                .note(token::NOTE)?
        }
        None => None,
    };
    let token = token.or(admin_token(console.token_file.as_deref())?);
    let client = HubClient::new(address, known.and_then(|known| known.trust()).as_ref())?;
    let rows = super::small_runtime()?.block_on(client.quarantine(token.as_deref()))?;
    for row in &rows {
        if arguments.json {
            output::say!("{}", output::json_line(row));
            continue;
        }
        let field = |name: &str| match &row[name] {
            Value::String(text) => output::text(text),
            other => other.to_string(),
        };
        output::say!("{} {} {} {} bytes", field("received_at"), field("source"), field("format"), field("raw_bytes"));
        output::say!("  {}", field("reason"));
        output::say!("  {}", field("raw"));
    }
    if rows.is_empty() && !arguments.json {
        output::say!("Nothing is in quarantine.");
    }
    Ok(Exit::Confirmed)
}
