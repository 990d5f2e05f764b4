//! `nightdesk ack`, `unack`, `note`, `resolve`.

use super::open::{Opened, again, exchanged, find, tell};
use super::{Exit, Globals, Target, output};
use crate::domain::judge::Verdict;
use crate::domain::op::{Act, Basis, NOTE_BYTES_MAX};
use crate::sync::teller::{Draft, append};
use anyhow::bail;
use serde_json::json;

/// Returns the act of noting that text.
pub fn note(text: String) -> anyhow::Result<Act> {
    if text.trim().is_empty() {
        bail!("the note is empty");
    }
    if text.len() > NOTE_BYTES_MAX {
        bail!("the note is {} bytes long; at most {NOTE_BYTES_MAX} are taken", text.len());
    }
    Ok(Act::Note { text })
}

/// Does it here, sends it, and says what the hub made of it.
pub fn run(globals: &Globals, target: &Target, act: Act) -> anyhow::Result<Exit> {
    super::small_runtime()?.block_on(async {
        let Opened { mut parts, .. } = exchanged(globals).await?;
        let incident = find(&mut parts.mirror, &target.id)?;
        let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
        let name = act.kind().to_owned();
        let signed = append(&mut parts.mirror, &parts.device, Draft { incident: incident.id, basis, act })?;
        let behind = again(&mut parts).await;
        tell(&mut parts.mirror, Some(signed.op.op_id))?;
        let verdict = parts.mirror.own_op(signed.op.op_id)?.and_then(|own| own.verdict);
        let incident = parts.mirror.incident(incident.id)?.unwrap_or(incident);
        let exit = exit_of(verdict.as_ref());
        if target.json {
            let mut object = output::incident(&incident, usize::from(verdict.is_none()));
            object["op"] = json!({ "op_id": signed.op.op_id.to_string(), "kind": name, "verdict": verdict });
            output::say!("{}", output::json_line(&object));
            return Ok(exit);
        }
        match verdict {
            Some(verdict) => output::say!("{name} {}: {}", incident.number, output::text(&verdict.sentence())),
            None => {
                let why = behind.map_or(String::new(), |error| format!(" ({})", output::text(&error.to_string())));
                output::say!(
                    "{name} {}: saved here only, NOT confirmed{why}; it is sent when a hub answers",
                    incident.number
                );
            }
        }
        Ok(exit)
    })
}

fn exit_of(verdict: Option<&Verdict>) -> Exit {
    match verdict {
        None => Exit::Waiting,
        Some(verdict) if verdict.is_welcome() => Exit::Confirmed,
        Some(_) => Exit::NotDone,
    }
}
