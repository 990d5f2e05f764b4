//! What people can do to an incident, in the words that they type: one reading for prompts, menus and the command line.

use super::action::Action;
use super::state::State;
use crate::domain::id::UserName;
use crate::domain::incident::{Incident, Life};
use crate::domain::op::{Act, NOTE_BYTES_MAX, REASON_BYTES_MAX};
use crate::domain::paging::Paging;
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::sync::foresight;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;

/// How long an offer stands when nothing else is said.
pub(crate) const OFFER_FOR: Duration = Duration::from_secs(20 * 60);
/// How long "until it changes" lasts at most: what the hub allows for a snooze.
const SNOOZE_MAX: Duration = Duration::from_secs(24 * 3600);

/// The verbs of the palette with what may stand behind them.
pub(crate) const VERBS: [(&str, Action, &str); 18] = [
    ("ack", Action::IncidentAck, ""),
    ("unack", Action::IncidentUnack, ""),
    ("take", Action::IncidentTake, ""),
    ("snooze", Action::IncidentSnooze, "1h | 04:20 | tomorrow 09:00 | change | shift; more words: 4h change"),
    ("wait", Action::IncidentWait, "WHEN [#TICKET] FOR WHAT"),
    ("escalate", Action::IncidentEscalate, "[PERSON], else the next level"),
    ("offer", Action::IncidentOffer, "PERSON [UNTIL]"),
    ("accept", Action::IncidentAccept, ""),
    ("decline", Action::IncidentDecline, ""),
    ("assign", Action::IncidentAssign, "PERSON"),
    ("severity", Action::IncidentSeverity, "S1 (worst) to S9"),
    ("note", Action::IncidentNote, "WORDS"),
    ("resolve", Action::IncidentResolve, "[force]"),
    ("reopen", Action::IncidentReopen, ""),
    ("merge", Action::IncidentMerge, "NUMBER of the one that goes on"),
    ("split", Action::IncidentSplit, "LABEL=VALUE or the beginning of a fingerprint, several"),
    ("still", Action::IncidentStill, ""),
    ("handover", Action::ShiftHandover, "PERSON [UNTIL]: all that is yours"),
];

/// Returns the word of a verb.
pub(crate) fn word(verb: Action) -> &'static str {
    VERBS.iter().find(|(_, action, _)| *action == verb).map_or(verb.short(), |(word, ..)| word)
}

/// Returns what may stand behind the verb.
pub(crate) fn usage(verb: Action) -> &'static str {
    let usage = VERBS.iter().find(|(_, action, _)| *action == verb).map(|(.., usage)| *usage);
    usage.unwrap_or(if verb == Action::RunbookRemark { "LINE WORDS, to the author of the runbook" } else { "" })
}

/// Returns whether a person's name stands behind the verb.
pub(crate) fn names_a_person(verb: Action) -> bool {
    matches!(verb, Action::IncidentEscalate | Action::IncidentOffer | Action::IncidentAssign | Action::ShiftHandover)
}

/// Returns whether the verb makes something quiet: what must wait for the hub, while calls go on.
pub(crate) fn is_quieting(verb: Action) -> bool {
    matches!(
        verb,
        Action::IncidentAck
            | Action::IncidentTake
            | Action::IncidentSnooze
            | Action::IncidentWait
            | Action::IncidentAccept
            | Action::IncidentResolve
            | Action::IncidentMerge
    )
}

/// What words are read by.
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State,
    pub(crate) now: Timestamp,
}

impl Scene<'_> {
    fn zone(&self) -> &TimeZone {
        &self.state.zone
    }

    fn user(&self) -> &UserName {
        &self.state.picture.user
    }

    fn paging(&self) -> Option<&Paging> {
        self.state.picture.known.paging.as_ref()
    }

    /// Returns a time to come as people are told it.
    pub(crate) fn told(&self, at: Timestamp) -> String {
        when::told(at, self.now, self.zone())
    }

    /// Returns the act that the words mean on that incident.
    ///
    /// # Errors
    /// What is wrong or missing, for the person who types.
    pub(crate) fn act(&self, verb: Action, words: &str, incident: &Incident) -> Result<Act, String> {
        let words = words.trim();
        let plain = |act: Act| match words {
            "" => Ok(act),
            _ => Err(format!("{} takes no words", word(verb))),
        };
        match verb {
            Action::IncidentAck | Action::IncidentStill => plain(Act::Ack),
            Action::IncidentUnack => plain(Act::Unack),
            Action::IncidentTake => plain(Act::TakeOver),
            Action::IncidentReopen => self.reopen(incident).and_then(plain),
            Action::IncidentAccept => plain(Act::Accept { offer: self.offer(incident)? }),
            Action::IncidentDecline => plain(Act::Decline { offer: self.offer(incident)? }),
            Action::IncidentResolve => match words {
                "" | "force" => Ok(Act::Resolve { force: words == "force" }),
                _ => Err("resolve takes no words but force".into()),
            },
            Action::IncidentSnooze => self.snooze(words),
            Action::IncidentWait => self.wait(words),
            Action::IncidentEscalate => {
                let to = if words.is_empty() { None } else { Some(self.person(words)?) };
                Ok(Act::Escalate { to, level_seen: incident.level })
            }
            Action::IncidentOffer | Action::ShiftHandover => self.hand_over(words),
            Action::IncidentAssign => Ok(Act::Assign { to: self.person(words)? }),
            Action::IncidentSeverity => Ok(Act::SetSeverity { to: severity(words)? }),
            Action::IncidentNote => note(words),
            Action::IncidentMerge => self.merge(words, incident),
            Action::IncidentSplit => self.split(words, incident),
            _ => Err("nothing to do".into()),
        }
    }

    /// An open incident is not reopened, and nobody is called: asking would promise it. What a waiting resolve ends may be.
    fn reopen(&self, incident: &Incident) -> Result<Act, String> {
        let row = self.state.row_of(incident.id);
        let ends = row.is_some_and(|row| row.waiting.iter().any(|one| matches!(one.act, Act::Resolve { .. })));
        if incident.life == Life::Resolved || ends {
            Ok(Act::Reopen)
        } else {
            Err(format!("{} is not resolved", incident.number))
        }
    }

    fn offer(&self, incident: &Incident) -> Result<crate::domain::id::OpId, String> {
        let offer = incident.offer.as_ref().filter(|offer| offer.to == *self.user());
        offer.map(|offer| offer.op).ok_or_else(|| format!("{} is not offered to you", incident.number))
    }

    fn snooze(&self, words: &str) -> Result<Act, String> {
        let (words, until_change) = match words.strip_suffix("change") {
            Some(rest) if rest.is_empty() || rest.ends_with(' ') => (rest.trim(), true),
            _ => (words, false),
        };
        let until = match words {
            "" if until_change => self.now.plus(SNOOZE_MAX),
            "" => return Err("until when?".into()),
            "shift" => self.shift_end().ok_or("no shift of yours is known to end")?,
            _ => self.time(words)?,
        };
        if until.since(self.now) > SNOOZE_MAX {
            return Err("a snooze lasts a day at most; :wait lasts longer".into());
        }
        Ok(Act::Snooze { until, until_change })
    }

    /// Returns when the person's shift ends, where a list says.
    pub(crate) fn shift_end(&self) -> Option<Timestamp> {
        self.paging()?.shift_end(self.user(), self.now)
    }

    fn wait(&self, words: &str) -> Result<Act, String> {
        let (until, rest) = self.leading_time(words)?;
        let (ticket, reason) = match rest.strip_prefix('#') {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", rest),
        };
        let reason = reason.trim();
        if reason.is_empty() {
            return Err("for what? a disk, a vendor".into());
        }
        if reason.len() > REASON_BYTES_MAX || ticket.len() > REASON_BYTES_MAX {
            return Err(format!("at most {REASON_BYTES_MAX} bytes are taken"));
        }
        Ok(Act::Wait { reason: reason.to_owned(), ticket: ticket.to_owned(), until })
    }

    /// Reads a time of one word or of two, as `tomorrow 09:00`, and returns what stands behind it.
    fn leading_time<'w>(&self, words: &'w str) -> Result<(Timestamp, &'w str), String> {
        let ends = words.match_indices(' ').map(|(at, _)| at).chain([words.len()]);
        let mut heads: Vec<usize> = ends.take(2).collect();
        heads.reverse();
        for end in heads {
            if let Ok(at) = self.time(&words[..end]) {
                return Ok((at, words[end..].trim()));
            }
        }
        let first = words.split(' ').next().unwrap_or_default();
        if first.is_empty() { Err("until when?".into()) } else { self.time(first).map(|at| (at, "")) }
    }

    fn time(&self, words: &str) -> Result<Timestamp, String> {
        when::parse(words, self.now, self.zone()).map_err(|error| error.to_string())
    }

    fn person(&self, words: &str) -> Result<UserName, String> {
        if words.is_empty() {
            return Err("who?".into());
        }
        let person = UserName::parse(words).map_err(|error| error.to_string())?;
        let known = &self.state.picture.known;
        // Who is not known here may still be known to the hub; with the hub's own list there is no doubt.
        if known.paging.is_some() && !known.people.contains(&person) {
            return Err(format!("the hub knows nobody named {person}"));
        }
        Ok(person)
    }

    fn hand_over(&self, words: &str) -> Result<Act, String> {
        let (person, until) = words.split_once(' ').unwrap_or((words, ""));
        let expires_at = if until.trim().is_empty() { self.now.plus(OFFER_FOR) } else { self.time(until.trim())? };
        let to = self.person(person)?;
        if to == *self.user() { Err("that is you".into()) } else { Ok(Act::Offer { to, expires_at }) }
    }

    fn merge(&self, words: &str, incident: &Incident) -> Result<Act, String> {
        let open = |number: u64| {
            let rows = self.state.picture.rows.iter().map(|row| &row.incident);
            rows.into_iter().find(|other| other.number.0 == number && other.life != Life::Resolved)
        };
        let number = words.parse().map_err(|_| "into which? give its number".to_owned())?;
        match open(number) {
            Some(other) if other.id == incident.id => Err("that is this one".into()),
            Some(other) => Ok(Act::Merge { into: other.id }),
            None => Err(format!("no open incident {number} is known here")),
        }
    }

    fn split(&self, words: &str, incident: &Incident) -> Result<Act, String> {
        let detail = self.state.picture.detail.as_deref().filter(|detail| detail.incident == incident.id);
        let detail = detail.ok_or("its series are not read yet; look at it first")?;
        let series = foresight::named_series(&detail.series, words.split_whitespace());
        series.map(|series| Act::Split { series }).map_err(|error| error.to_string())
    }

    /// Returns what the words would come to, for the line under a prompt.
    ///
    /// # Errors
    /// What is wrong or missing.
    pub(crate) fn gist(&self, verb: Action, words: &str, targets: &[Arc<Incident>]) -> Result<String, String> {
        let Some(first) = targets.first() else { return Err("no incident is selected".into()) };
        let act = self.act(verb, words, first)?;
        let would = foresight::foretold(first, self.user(), &act, self.now, self.paging());
        Ok(match &act {
            Act::Snooze { until, until_change } => {
                let or = if *until_change { ", or until it gets worse" } else { "" };
                format!("wakes {}{or}", self.told(*until))
            }
            Act::Wait { until, reason, ticket } => {
                let ticket = if ticket.is_empty() { String::new() } else { format!(" ({ticket})") };
                format!("waits for {reason}{ticket} until {}", self.told(*until))
            }
            Act::Offer { to, expires_at } => {
                format!("{to} may accept until {}; yours until then", self.told(*expires_at))
            }
            Act::Escalate { to: None, .. } => self.level_called(first),
            Act::Note { text } => format!("{} bytes, for everybody", text.len()),
            Act::Split { series } => format!("{} of {} series go", series.len(), first.tally.total()),
            _ => would,
        })
    }

    /// Returns whom an escalation to the next level calls.
    pub(crate) fn level_called(&self, incident: &Incident) -> String {
        let (level, who) = self.next_level(incident);
        match who.is_empty() {
            true => format!("calls level {level}"),
            false => format!("calls level {level}: {}", who.join(", ")),
        }
    }

    fn next_level(&self, incident: &Incident) -> (u32, Vec<String>) {
        let Some(paging) = self.paging() else { return (incident.level + 1, Vec::new()) };
        let level = incident.level.min((paging.levels_of(incident.course.policy()).len().max(1) - 1) as u32);
        let who = paging.callees(incident.course.policy(), level, self.now, &self.state.picture.known.people);
        (level + 1, who.iter().map(ToString::to_string).collect())
    }

    /// Returns who takes over when the person's shift ends: who is on call beside them, else who is next.
    pub(crate) fn next_on_call(&self) -> Option<UserName> {
        let paging = self.paging()?;
        let other = |person: &UserName| person != self.user();
        let beside = paging.on_duty(self.now).into_iter().find(other);
        beside.or_else(|| {
            let coming = paging.on_call.iter().filter(|shift| shift.from > self.now && other(&shift.person));
            coming.min_by_key(|shift| shift.from).map(|shift| shift.person.clone())
        })
    }
}

fn severity(words: &str) -> Result<Severity, String> {
    let number = words.strip_prefix(['S', 's']).unwrap_or(words);
    let number = number.parse::<u8>().ok().filter(|_| number.len() == 1);
    number.and_then(|number| Severity::new(number).ok()).ok_or_else(|| "write S1 (worst) to S9".to_owned())
}

fn note(words: &str) -> Result<Act, String> {
    match words.len() {
        0 => Err("the note is empty".into()),
        more if more > NOTE_BYTES_MAX => Err(format!("at most {NOTE_BYTES_MAX} bytes are taken")),
        _ => Ok(Act::Note { text: words.to_owned() }),
    }
}

/// Returns when calls go on while something quieting is not confirmed; `None` where nobody is called.
pub(crate) fn threat(incident: &Incident) -> Option<String> {
    foresight::next_call(incident).map(|call| format!("{call} may still fire until the hub confirms"))
}
