//! What people do, one command each: `nightdesk ack`, `snooze`, `escalate`, ...

use super::open::{Opened, again, exchanged, find, tell};
use super::{Exit, Globals, output};
use crate::domain::id::{IncidentId, OpId, UserName};
use crate::domain::incident::{Incident, Life};
use crate::domain::judge::Verdict;
use crate::domain::op::{Act, Basis, NOTE_BYTES_MAX, REASON_BYTES_MAX};
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::store::mirror::Mirror;
use crate::sync::clock;
use crate::sync::console::Parts;
use crate::sync::foresight;
use crate::sync::picture::Detail;
use crate::sync::teller::{Draft, append};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use std::time::Duration;

/// Most incidents of one command.
const AT_ONCE_MAX: usize = 200;
/// How long an offer stands when nothing else is said.
const OFFER_FOR: Duration = Duration::from_secs(20 * 60);
/// How long "until it changes" lasts at most: what the hub allows for a snooze.
const SNOOZE_MAX: Duration = Duration::from_secs(24 * 3600);

/// What can be done about incidents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Acknowledges: "I have seen it and I am on it". On what is yours already: "still on it".
    Ack {
        #[command(flatten)]
        which: MineOr,
    },
    /// Gives an ack back: calling goes on where it stood.
    Unack {
        #[command(flatten)]
        which: MineOr,
    },
    /// Takes an incident from its present owner, who is told.
    Take {
        #[command(flatten)]
        which: Named,
    },
    /// Makes an incident quiet for a while; it is yours meanwhile.
    #[command(group(clap::ArgGroup::new("end").required(true).multiple(true)))]
    Snooze {
        #[command(flatten)]
        which: MineOr,
        /// Until then: 04:20, 04:20Z, "tomorrow 09:00", 2026-01-31 09:00 (your own clock where there is no Z).
        #[arg(long, value_name = "TIME", group = "end", value_parser = time, conflicts_with = "span")]
        until: Option<Timestamp>,
        /// For so long: 15m, 1h, 1h30m.
        #[arg(long = "for", value_name = "SPAN", group = "end", value_parser = time, id = "span")]
        span: Option<Timestamp>,
        /// Also wakes when it gets worse: another service or owner is hit, or its series double. Alone: for a day at most.
        #[arg(long, group = "end")]
        until_change: bool,
    },
    /// Makes an incident quiet because somebody else must act first; survives shifts.
    Wait {
        #[command(flatten)]
        which: MineOr,
        /// When to look again.
        #[arg(long, value_name = "TIME", value_parser = time)]
        until: Timestamp,
        /// For what: a disk, a vendor.
        #[arg(long, value_name = "TEXT", value_parser = words)]
        reason: String,
        /// Where that is followed.
        #[arg(long, value_name = "TEXT", default_value = "", value_parser = ticket)]
        ticket: String,
    },
    /// Calls the next level, or a person, at once. That cannot be taken back; `--dry-run` says what would happen.
    Escalate {
        #[command(flatten)]
        which: Named,
        /// This person instead of the next level.
        #[arg(long, value_name = "PERSON", value_parser = person)]
        to: Option<UserName>,
    },
    /// Offers an incident to a person; it stays yours until that person accepts.
    Offer {
        #[command(flatten)]
        which: MineOr,
        /// To whom.
        #[arg(long, value_name = "PERSON", value_parser = person)]
        to: UserName,
        /// Until when the offer stands (20 minutes when nothing is said).
        #[arg(long, value_name = "TIME", value_parser = time)]
        until: Option<Timestamp>,
    },
    /// Takes what was offered to you.
    Accept {
        #[command(flatten)]
        which: OfferedOr,
    },
    /// Refuses what was offered to you.
    Decline {
        #[command(flatten)]
        which: OfferedOr,
    },
    /// Calls a person to take an incident; nothing else changes until that person acks.
    Assign {
        #[command(flatten)]
        which: Named,
        /// Whom.
        #[arg(long, value_name = "PERSON", value_parser = person)]
        to: UserName,
    },
    /// Says how bad it is.
    Severity {
        #[command(flatten)]
        which: Named,
        /// S1 (worst) to S9.
        #[arg(long, value_name = "S1..S9", value_parser = severity)]
        to: Severity,
    },
    /// Adds words to the timeline.
    Note {
        #[command(flatten)]
        which: Named,
        /// The words.
        text: String,
    },
    /// Ends an incident.
    Resolve {
        #[command(flatten)]
        which: Named,
        /// Also while series fire: their present start is dismissed, and only a newer one fires again.
        #[arg(long)]
        force: bool,
    },
    /// Opens a resolved incident again.
    Reopen {
        #[command(flatten)]
        which: Named,
    },
    /// Moves all series into another incident, which goes on for both.
    Merge {
        #[command(flatten)]
        which: Named,
        /// The one that goes on.
        #[arg(long, value_name = "ID")]
        into: String,
    },
    /// Makes an incident of its own of some of the series.
    Split {
        /// The incident's number, or the beginning of its id.
        id: String,
        /// Series: the beginning of a fingerprint, or label=value. May be given more than once; all that fit any of them go.
        #[arg(long, value_name = "SERIES", required = true)]
        series: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// Takes your latest operation back, or your latest on that incident.
    Undo {
        /// The incident's number, or the beginning of its id.
        id: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

/// How to say what came of it.
#[derive(Debug, Args)]
pub struct How {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only says what each incident would most likely get; nothing is done.
    #[arg(long)]
    dry_run: bool,
}

/// Incidents by name.
#[derive(Debug, Args)]
pub struct Named {
    /// The incidents' numbers, or the beginnings of their ids (four digits or more).
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// Incidents by name, or all that are the person's.
#[derive(Debug, Args)]
pub struct MineOr {
    /// The incidents' numbers, or the beginnings of their ids (four digits or more).
    #[arg(required_unless_present = "all_mine", value_name = "ID")]
    ids: Vec<String>,
    /// Every incident that is yours now.
    #[arg(long, conflicts_with = "ids")]
    all_mine: bool,
    #[command(flatten)]
    how: How,
}

/// Incidents by name, or all that are offered to the person.
#[derive(Debug, Args)]
pub struct OfferedOr {
    /// The incidents' numbers, or the beginnings of their ids (four digits or more).
    #[arg(required_unless_present = "all_offered", value_name = "ID")]
    ids: Vec<String>,
    /// Every incident that is offered to you now.
    #[arg(long, conflicts_with = "ids")]
    all_offered: bool,
    #[command(flatten)]
    how: How,
}

/// Which incidents a command is about.
enum Which<'a> {
    Ids(&'a [String]),
    Mine,
    Offered,
}

impl MineOr {
    fn which(&self) -> Which<'_> {
        if self.all_mine { Which::Mine } else { Which::Ids(&self.ids) }
    }
}

impl OfferedOr {
    fn which(&self) -> Which<'_> {
        if self.all_offered { Which::Offered } else { Which::Ids(&self.ids) }
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    when::parse(text, clock::now(), &jiff::tz::TimeZone::system()).map_err(|error| error.to_string())
}

fn person(text: &str) -> Result<UserName, String> {
    UserName::parse(text).map_err(|error| error.to_string())
}

fn severity(text: &str) -> Result<Severity, String> {
    let number = text.strip_prefix(['S', 's']).unwrap_or(text);
    let number = number.parse::<u8>().ok().filter(|_| number.len() == 1);
    number.and_then(|number| Severity::new(number).ok()).ok_or_else(|| "write S1 (worst) to S9".to_owned())
}

fn words(text: &str) -> Result<String, String> {
    let text = ticket(text.trim())?;
    if text.is_empty() { Err("say for what".to_owned()) } else { Ok(text) }
}

fn ticket(text: &str) -> Result<String, String> {
    if text.len() > REASON_BYTES_MAX {
        return Err(format!("at most {REASON_BYTES_MAX} bytes are taken"));
    }
    Ok(text.to_owned())
}

fn note(text: &str) -> anyhow::Result<Act> {
    if text.trim().is_empty() {
        bail!("the note is empty");
    }
    if text.len() > NOTE_BYTES_MAX {
        bail!("the note is {} bytes long; at most {NOTE_BYTES_MAX} are taken", text.len());
    }
    Ok(Act::Note { text: text.to_owned() })
}

/// Does what the command says and tells what the hub made of it.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    if let Command::Note { text, .. } = command {
        note(text)?;
    }
    super::small_runtime()?.block_on(async {
        let Opened { mut parts, .. } = exchanged(globals).await?;
        let (drafts, how) = match plan(command, &mut parts)? {
            Plan::Do(drafts, how) => (drafts, how),
            Plan::Say(exit) => return Ok(exit),
        };
        if how.dry_run {
            return foretell(&mut parts, &drafts, how);
        }
        carry_out(&mut parts, drafts, how).await
    })
}

/// What is to be done.
enum Plan<'a> {
    Do(Vec<(Incident, Act)>, &'a How),
    /// Nothing; it was said why.
    Say(Exit),
}

fn plan<'a>(command: &'a Command, parts: &mut Parts) -> anyhow::Result<Plan<'a>> {
    let all = |parts: &mut Parts, which: Which<'_>, how: &'a How, act: Act| -> anyhow::Result<Plan<'a>> {
        let incidents = incidents(parts, which)?;
        Ok(Plan::Do(incidents.into_iter().map(|incident| (incident, act.clone())).collect(), how))
    };
    let each = |parts: &mut Parts, which: Which<'_>, how: &'a How, act: &dyn Fn(&Incident) -> anyhow::Result<Act>| {
        let incidents = incidents(parts, which)?;
        let planned = incidents.into_iter().map(|incident| act(&incident).map(|act| (incident, act)));
        Ok(Plan::Do(planned.collect::<anyhow::Result<_>>()?, how))
    };
    let named = |which: &'a Named| (Which::Ids(&which.ids), &which.how);
    match command {
        Command::Ack { which } => all(parts, which.which(), &which.how, Act::Ack),
        Command::Unack { which } => all(parts, which.which(), &which.how, Act::Unack),
        Command::Snooze { which, until, span, until_change } => {
            let until = until.or(*span).unwrap_or_else(|| clock::now().plus(SNOOZE_MAX));
            all(parts, which.which(), &which.how, Act::Snooze { until, until_change: *until_change })
        }
        Command::Wait { which, until, reason, ticket } => {
            let act = Act::Wait { reason: reason.clone(), ticket: ticket.clone(), until: *until };
            all(parts, which.which(), &which.how, act)
        }
        Command::Offer { which, to, until } => {
            let expires_at = until.unwrap_or_else(|| clock::now().plus(OFFER_FOR));
            all(parts, which.which(), &which.how, Act::Offer { to: to.clone(), expires_at })
        }
        Command::Accept { which } => {
            let me = parts.device.user.clone();
            each(parts, which.which(), &which.how, &|incident| Ok(Act::Accept { offer: offered(incident, &me)? }))
        }
        Command::Decline { which } => {
            let me = parts.device.user.clone();
            each(parts, which.which(), &which.how, &|incident| Ok(Act::Decline { offer: offered(incident, &me)? }))
        }
        Command::Take { which } => {
            let (which, how) = named(which);
            all(parts, which, how, Act::TakeOver)
        }
        Command::Escalate { which, to } => {
            let (which, how) = named(which);
            each(parts, which, how, &|incident| Ok(Act::Escalate { to: to.clone(), level_seen: incident.level }))
        }
        Command::Assign { which, to } => {
            let (which, how) = named(which);
            all(parts, which, how, Act::Assign { to: to.clone() })
        }
        Command::Severity { which, to } => {
            let (which, how) = named(which);
            all(parts, which, how, Act::SetSeverity { to: *to })
        }
        Command::Note { which, text } => {
            let (which, how) = named(which);
            all(parts, which, how, note(text)?)
        }
        Command::Resolve { which, force } => {
            let (which, how) = named(which);
            all(parts, which, how, Act::Resolve { force: *force })
        }
        Command::Reopen { which } => {
            let (which, how) = named(which);
            all(parts, which, how, Act::Reopen)
        }
        Command::Merge { which, into } => {
            let into = find(&mut parts.mirror, into)?;
            let (which, how) = named(which);
            each(parts, which, how, &|incident| match incident.id == into.id {
                true => bail!("{} cannot be merged into itself", incident.number),
                false => Ok(Act::Merge { into: into.id }),
            })
        }
        Command::Split { id, series, how } => {
            let incident = find(&mut parts.mirror, id)?;
            let act = split(&mut parts.mirror, &incident, series)?;
            Ok(Plan::Do(vec![(incident, act)], how))
        }
        Command::Undo { id, how } => undo(parts, id.as_deref(), how),
    }
}

/// Returns the incidents that a command is about; all of them, or an error before anything is done.
fn incidents(parts: &mut Parts, which: Which<'_>) -> anyhow::Result<Vec<Incident>> {
    let me = parts.device.user.clone();
    let open = |mirror: &mut Mirror, keep: &dyn Fn(&Incident) -> bool| -> anyhow::Result<Vec<Incident>> {
        let incidents = mirror.incidents(clock::now())?;
        Ok(incidents.into_iter().filter(|incident| keep(incident)).collect())
    };
    let found = match which {
        Which::Ids(ids) => {
            let mut found: Vec<Incident> = Vec::new();
            for id in ids {
                let incident = find(&mut parts.mirror, id)?;
                if !found.iter().any(|known| known.id == incident.id) {
                    found.push(incident);
                }
            }
            found
        }
        Which::Mine => {
            let mine = |incident: &Incident| incident.life == Life::Acked && incident.owner.as_ref() == Some(&me);
            open(&mut parts.mirror, &mine).and_then(|found| some(found, "nothing is yours"))?
        }
        Which::Offered => {
            let to_me = |incident: &Incident| incident.offer.as_ref().is_some_and(|offer| offer.to == me);
            open(&mut parts.mirror, &to_me).and_then(|found| some(found, "nothing is offered to you"))?
        }
    };
    if found.len() > AT_ONCE_MAX {
        bail!("{} incidents; at most {AT_ONCE_MAX} are taken at once", found.len());
    }
    Ok(found)
}

fn some(found: Vec<Incident>, none: &str) -> anyhow::Result<Vec<Incident>> {
    if found.is_empty() { bail!("{none}; nothing was done") } else { Ok(found) }
}

fn offered(incident: &Incident, me: &UserName) -> anyhow::Result<OpId> {
    let offer = incident.offer.as_ref().filter(|offer| offer.to == *me);
    offer.map(|offer| offer.op).with_context(|| format!("{} is not offered to you; nothing was done", incident.number))
}

/// Returns the splitting off of the series that fit any of the words.
fn split(mirror: &mut Mirror, incident: &Incident, words: &[String]) -> anyhow::Result<Act> {
    let series = mirror.series_of(incident.id, Detail::SERIES_MAX)?;
    let series = foresight::named_series(&series, words.iter().map(String::as_str))
        .with_context(|| format!("splitting {}; `nightdesk show {0} --json` lists its series", incident.number))?;
    Ok(Act::Split { series })
}

/// Returns the taking back of the latest operation of this person, on that incident where one is named.
fn undo<'a>(parts: &mut Parts, id: Option<&str>, how: &'a How) -> anyhow::Result<Plan<'a>> {
    let only: Option<IncidentId> = match id {
        Some(id) => Some(find(&mut parts.mirror, id)?.id),
        None => None,
    };
    let mut latest = parts.mirror.latest(1000)?;
    latest.retain(|own| only.is_none_or(|only| own.op.incident == only));
    let mut incidents = std::collections::HashMap::new();
    for own in &latest {
        if let Some(incident) = parts.mirror.incident(own.op.incident)? {
            incidents.insert(incident.id, incident);
        }
    }
    let unshown = parts.mirror.unshown()?;
    let waiting: Vec<_> = unshown.iter().filter(|own| own.is_hopeful()).map(|own| &own.op).collect();
    let found = foresight::undoable(
        &latest,
        &waiting,
        |id| incidents.get(&id).cloned(),
        &parts.device.user,
        clock::now(),
        None,
    );
    let number = |id: &IncidentId| incidents.get(id).map_or(String::new(), |incident| incident.number.to_string());
    // Without a name, only the very latest is meant; with one, the latest there that can be taken back.
    let chosen = found.iter().find(|one| one.refused.is_none() || only.is_none());
    match (chosen.or(found.first()), only) {
        (None, _) => bail!("you did nothing that still stands and can be taken back"),
        (Some(one), _) if one.refused.is_some() => {
            let refused = one.refused.as_deref().unwrap_or_default();
            let words = format!("{} {} is not undone: {refused}", one.kind.word(), number(&one.incident));
            output::say!("{words}");
            if found.len() > 1 {
                eprintln!("nightdesk: `nightdesk undo ID` takes back what stands before it");
            }
            Ok(Plan::Say(Exit::NotDone))
        }
        (Some(one), _) => {
            let incident = incidents.remove(&one.incident).context("the incident is gone")?;
            Ok(Plan::Do(vec![(incident, Act::Undo { op: one.op, kind: one.kind })], how))
        }
    }
}

/// Says what each incident would most likely get.
fn foretell(parts: &mut Parts, planned: &[(Incident, Act)], how: &How) -> anyhow::Result<Exit> {
    let unshown = parts.mirror.unshown()?;
    for (incident, act) in planned {
        let mut then = incident.clone();
        let own = unshown.iter().filter(|own| own.op.incident == incident.id && own.is_hopeful());
        foresight::apply(&mut then, own.map(|own| &own.op));
        let words = foresight::foretold(&then, &parts.device.user, act, clock::now(), None);
        if how.json {
            let mut object = output::incident(incident, 0);
            object["would"] = json!({ "kind": act.kind(), "text": words });
            output::say!("{}", output::json_line(&object));
        } else {
            output::say!("{} {}: {}", act.kind(), incident.number, output::text(&words));
        }
    }
    Ok(Exit::Confirmed)
}

/// Does it here, sends it, and says what the hub made of it.
async fn carry_out(parts: &mut Parts, planned: Vec<(Incident, Act)>, how: &How) -> anyhow::Result<Exit> {
    let mut done: Vec<(OpId, Incident, Act)> = Vec::new();
    for (incident, act) in planned {
        let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
        let draft = Draft { incident: incident.id, basis, act: act.clone() };
        let signed = append(&mut parts.mirror, &parts.device, draft)?;
        done.push((signed.op.op_id, incident, act));
    }
    let behind = again(parts).await.map(|error| error.to_string());
    let own: Vec<OpId> = done.iter().map(|(op_id, ..)| *op_id).collect();
    tell(&mut parts.mirror, &own)?;
    let mut exit = Exit::Confirmed;
    let mut won = Vec::new();
    for (op_id, incident, act) in done {
        let verdict = parts.mirror.own_op(op_id)?.and_then(|own| own.verdict);
        let incident = parts.mirror.incident(incident.id)?.unwrap_or(incident);
        exit = worse(exit, exit_of(verdict.as_ref()));
        if let Some(Verdict::Won { claim_no }) = verdict {
            won.push((incident.id, Basis { rev: incident.rev, claim_no }));
        }
        say(op_id, &incident, &act, verdict.as_ref(), behind.as_deref(), how);
    }
    if exit == Exit::Confirmed {
        seen(parts, won).await?;
    }
    Ok(exit)
}

/// Tells the hub that this person knows what is theirs: the command ends well, and has said so. Where that does not arrive, the hub asks
/// the person once more.
async fn seen(parts: &mut Parts, won: Vec<(IncidentId, Basis)>) -> anyhow::Result<()> {
    if won.is_empty() {
        return Ok(());
    }
    for (incident, basis) in won {
        append(&mut parts.mirror, &parts.device, Draft { incident, basis, act: Act::Seen })?;
    }
    let _ = again(parts).await;
    Ok(())
}

fn say(op_id: OpId, incident: &Incident, act: &Act, verdict: Option<&Verdict>, behind: Option<&str>, how: &How) {
    let name = act.kind();
    if how.json {
        let mut object = output::incident(incident, usize::from(verdict.is_none()));
        object["op"] = json!({ "op_id": op_id.to_string(), "kind": name, "verdict": verdict });
        return output::say!("{}", output::json_line(&object));
    }
    match verdict {
        Some(verdict) => {
            let until = quiet(incident, act, verdict);
            output::say!("{name} {}: {}{until}", incident.number, output::text(&verdict.sentence()));
        }
        None => {
            let why = behind.map_or(String::new(), |error| format!(" ({})", output::text(error)));
            let call = foresight::next_call(incident).map_or(String::new(), |call| format!("; {call} may still fire"));
            output::say!(
                "{name} {}: saved here only, NOT confirmed{why}; it is sent when a hub answers{call}",
                incident.number
            );
        }
    }
}

/// Says until when it is quiet, where that is what was asked for and given.
fn quiet(incident: &Incident, act: &Act, verdict: &Verdict) -> String {
    let asked = matches!(act, Act::Snooze { .. } | Act::Wait { .. }) && (verdict.is_won() || verdict.is_welcome());
    match incident.hold.as_ref().filter(|_| asked) {
        Some(hold) => {
            let until = when::told(hold.until, clock::now(), &jiff::tz::TimeZone::system());
            format!("; quiet until {until}")
        }
        None => String::new(),
    }
}

pub(super) fn exit_of(verdict: Option<&Verdict>) -> Exit {
    match verdict {
        None => Exit::Waiting,
        Some(verdict) if verdict.is_welcome() => Exit::Confirmed,
        Some(_) => Exit::NotDone,
    }
}

/// Returns the status of a command over several: what was not done outweighs what waits.
fn worse(a: Exit, b: Exit) -> Exit {
    [Exit::NotDone, Exit::Waiting].into_iter().find(|exit| a == *exit || b == *exit).unwrap_or(Exit::Confirmed)
}
