//! `nightdesk inbox`: what stays until the person dismisses it.

use super::open::{Opened, exchanged};
use super::{Exit, Globals, output};
use crate::domain::id::{IncidentId, OpId};
use crate::domain::time::Timestamp;
use crate::store::mirror::Mirror;
use crate::sync::picture::{Letter, LetterId, Matter, Picture};
use anyhow::bail;
use clap::Args;
use serde_json::json;

/// Arguments of `inbox`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Puts the letter of that number away, as the list names it, or `all`. May be given more than once.
    #[arg(long, value_name = "N|all")]
    dismiss: Vec<String>,
}

/// A letter and the name by which it is dismissed; the name does not move when others go.
struct Named {
    name: String,
    letter: Letter,
}

/// Lists letters, oldest first, or puts some away.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Opened { mut parts, behind } = super::small_runtime()?.block_on(exchanged(globals))?;
    let letters = letters(&mut parts.mirror)?;
    if let Some(error) = &behind {
        eprintln!("nightdesk: as last mirrored: {}", output::text(&error.to_string()));
    }
    if !arguments.dismiss.is_empty() {
        let (answers, losses) = chosen(&letters, &arguments.dismiss)?;
        parts.mirror.dismiss(&answers, &losses)?;
        output::say!("{} put away", answers.len() + losses.len());
        return Ok(Exit::Confirmed);
    }
    for named in &letters {
        say(named, arguments.json);
    }
    if letters.is_empty() && !arguments.json {
        output::say!("Nothing waits to be read.");
    }
    Ok(Exit::Confirmed)
}

fn letters(mirror: &mut Mirror) -> anyhow::Result<Vec<Named>> {
    let mut found = Vec::new();
    let mut put = |mirror: &mut Mirror, name, id, incident: IncidentId, at: Timestamp, matter| -> anyhow::Result<()> {
        let number = mirror.incident(incident)?.map(|incident| incident.number);
        found.push(Named { name, letter: Letter { id, incident, number, at, matter } });
        Ok(())
    };
    for own in mirror.inbox(Picture::INBOX_MAX)? {
        let Some(verdict) = own.verdict else { continue };
        let matter = Matter::Answer { act: own.op.act, verdict };
        let id = LetterId::Answer(own.op.op_id);
        put(mirror, own.op.nseq.to_string(), id, own.op.incident, own.op.created_at, matter)?;
    }
    for loss in mirror.losses(Picture::INBOX_MAX)? {
        let matter = Matter::Lost { owner: loss.owner, why: loss.why };
        put(mirror, format!("L{}", loss.no), LetterId::Loss(loss.no), loss.incident, loss.learned_at, matter)?;
    }
    found.sort_by_key(|named| named.letter.at);
    Ok(found)
}

fn chosen(letters: &[Named], names: &[String]) -> anyhow::Result<(Vec<OpId>, Vec<u64>)> {
    let (mut answers, mut losses) = (Vec::new(), Vec::new());
    for name in names {
        let fits = |named: &&Named| name == "all" || named.name.eq_ignore_ascii_case(name);
        let before = answers.len() + losses.len();
        for named in letters.iter().filter(fits) {
            match named.letter.id {
                LetterId::Answer(op_id) => answers.push(op_id),
                LetterId::Loss(no) => losses.push(no),
            }
        }
        if answers.len() + losses.len() == before && name != "all" {
            bail!("no letter {name:?}; `nightdesk inbox` lists them; nothing was put away");
        }
    }
    Ok((answers, losses))
}

fn say(named: &Named, as_json: bool) {
    let Named { name, letter } = named;
    let number = letter.number.map_or_else(|| letter.incident.to_string(), |number| number.to_string());
    if !as_json {
        let text = output::text(&letter.sentence());
        return output::say!("{name:<6} {} {number}: {text}", letter.at.date_and_second());
    }
    let (kind, verdict) = match &letter.matter {
        Matter::Answer { act, verdict } => (act.kind(), Some(verdict)),
        Matter::Lost { .. } => ("lost", None),
    };
    let owner = match &letter.matter {
        Matter::Lost { owner, .. } => owner.as_ref(),
        Matter::Answer { .. } => None,
    };
    let object = json!({
        "v": 1,
        "letter": name,
        "incident": letter.incident.to_string(),
        "number": letter.number.map(|number| number.0),
        "at": letter.at.to_string(),
        "kind": kind,
        "verdict": verdict,
        "owner": owner,
        "text": letter.sentence(),
    });
    output::say!("{}", output::json_line(&object));
}
