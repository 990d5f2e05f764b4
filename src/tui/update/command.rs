//! The command line: words for what keys do.

use super::super::action::Action;
use super::super::event::{Effect, Exit};
use super::super::nearest::did_you_mean;
use super::super::state::{State, Submission};
use super::{act, filter, perform};
use crate::domain::id::IncidentId;
use crate::domain::op::{Act, Basis};
use crate::domain::time::Timestamp;

/// The short commands. Every action's full name is one too.
const COMMANDS: [(&str, Action); 7] = [
    ("ack", Action::IncidentAck),
    ("unack", Action::IncidentUnack),
    ("note", Action::IncidentNote),
    ("resolve", Action::IncidentResolve),
    ("filter", Action::FilterOpen),
    ("quit", Action::AppQuit),
    ("help", Action::HelpOpen),
];

/// Leaves without a question.
const QUIT_AT_ONCE: &str = "quit!";

/// Returns the commands that begin so, for the line under the prompt; with the cursor behind the word, none.
pub(crate) fn matching(typed: &str) -> Vec<&'static str> {
    if typed.contains(' ') {
        return Vec::new();
    }
    let long = Action::ALL.iter().filter(|_| typed.contains('.')).map(|action| action.name());
    COMMANDS.iter().map(|(name, _)| *name).chain(long).filter(|name| name.starts_with(typed)).collect()
}

/// Returns the command as far as all that begin so agree, with a space behind when it is the only one; `None` where none begins so.
pub(super) fn complete(typed: &str) -> Option<String> {
    match matching(typed).as_slice() {
        [] => None,
        [only] => Some(format!("{only} ")),
        [first, rest @ ..] => {
            let common = |name: &&str| first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
            let length = rest.iter().map(common).min().unwrap_or(first.len());
            Some(first[..length].to_owned())
        }
    }
}

/// Does what a command says. `meant` is the incident that was selected when the prompt opened: no other may be acted on.
pub(super) fn run(state: &mut State, line: &str, meant: Option<IncidentId>, now: Timestamp) -> Vec<Effect> {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let short = COMMANDS.iter().find(|(name, _)| *name == word).map(|(_, action)| *action);
    match (short.or_else(|| Action::parse(word)), rest.trim()) {
        (None, _) if word.is_empty() => Vec::new(),
        (None, "") if word == QUIT_AT_ONCE => vec![Effect::Leave(Exit::Quit)],
        (None, _) => {
            let hint = did_you_mean(word, COMMANDS.iter().map(|(name, _)| *name));
            state.warn(format!("no command {word:?}{hint}"));
            Vec::new()
        }
        (Some(action), _) if action.reaches_others() && state.selected != meant => {
            state.warn("the incident under the cursor changed while you typed; nothing was done");
            Vec::new()
        }
        (Some(action), "") => perform(state, action, now),
        (Some(Action::FilterOpen), words) => {
            let words = if words == "clear" { "" } else { words };
            filter::set(state, words.to_owned());
            Vec::new()
        }
        (Some(Action::IncidentNote), text) => note(state, text.to_owned(), now),
        (Some(_), _) => {
            state.warn(format!("{word} takes no words; nothing was done"));
            Vec::new()
        }
    }
}

fn note(state: &mut State, text: String, now: Timestamp) -> Vec<Effect> {
    let Some(incident) = state.row().map(|row| row.incident.clone()) else {
        state.tell("no incident is selected", now);
        return Vec::new();
    };
    let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
    act::submit(
        state,
        Submission { incident: incident.id, number: incident.number, basis, act: Act::Note { text } },
        now,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_completes_as_far_as_it_is_certain() {
        assert_eq!(complete("un"), Some("unack ".into()));
        assert_eq!(complete("incident.a"), Some("incident.ack ".into()));
        assert_eq!(complete("incident"), None);
        assert_eq!(complete("x"), None);
        assert_eq!(complete(""), Some(String::new()));
    }
}
