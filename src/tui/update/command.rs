//! The command line: words for what keys do.

use super::super::action::{Action, Group};
use super::super::editor::Editor;
use super::super::event::{Effect, Exit};
use super::super::links;
use super::super::nearest::did_you_mean;
use super::super::order::Sort;
use super::super::palette;
use super::super::state::{Gist, Mode, State};
use super::super::topic::Topic;
use super::super::verb::{self, VERBS};
use super::{act, bell, bulk, filter, guard, hands, keys, panes, perform, read, reader, sight, silence, theme};
use crate::domain::id::{IncidentId, UserName};
use crate::domain::incident::Incident;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The short commands beside the verbs. Every action's full name is one too.
const COMMANDS: &[(&str, Action)] = &[
    ("undo", Action::UndoLast),
    ("redo", Action::UndoRedo),
    ("history", Action::HistoryOpen),
    ("open", Action::DetailOpen),
    ("back", Action::PageBack),
    ("sort", Action::SortSeverity),
    ("freeze", Action::ListFreeze),
    ("ro", Action::ReadOnlyOn),
    ("rw", Action::ReadOnlyOff),
    ("inbox", Action::InboxOpen),
    ("page", Action::PageGo),
    ("marks", Action::MarkAll),
    ("results", Action::ResultsOpen),
    ("filter", Action::FilterOpen),
    ("quit", Action::AppQuit),
    ("q", Action::AppQuit),
    ("help", Action::HelpOpen),
    ("keys", Action::HelpOpen),
    ("keymap", Action::KeymapChoose),
    ("theme", Action::ThemeChoose),
    ("unmark", Action::MarkClear),
    ("log", Action::LogOpen),
    ("doctor", Action::DoctorOpen),
    ("whatsnew", Action::WhatsNewOpen),
    ("crash", Action::CrashOpen),
    ("paths", Action::PathsOpen),
    ("ack-all", Action::BulkAck),
    ("shift", Action::ShiftHandover),
    ("bell", Action::BellSet),
    ("mute", Action::BellMute),
    ("clip", Action::ClipShow),
    ("copy", Action::CopyId),
    ("links", Action::LinkOpen),
    ("layout", Action::LayoutPanes),
    ("tz", Action::ClockZone),
    ("suspend", Action::AppSuspend),
    ("changes", Action::ChangesOpen),
    ("sources", Action::SourcesOpen),
    ("funnel", Action::FunnelOpen),
    ("claims", Action::ClaimsOpen),
    ("view", Action::ViewsOpen),
    ("views", Action::ViewsOpen),
    ("past", Action::PastOpen),
    ("mark", Action::MarkAll),
    ("claim", Action::ClaimMake),
    ("silence", Action::SilenceMake),
    ("silences", Action::SilencesOpen),
    ("why", Action::TabWhy),
    ("similar", Action::TabSimilar),
    ("runbook", Action::TabRunbook),
    ("read", Action::RunbookRead),
    ("find", Action::RunbookFind),
    ("remark", Action::RunbookRemark),
    ("heading", Action::RunbookOutline),
    ("runbooks", Action::RunbooksOpen),
    ("unread", Action::UnreadOpen),
    ("gaps", Action::GapsOpen),
    ("template", Action::RunbookNew),
];

/// Leaves without a question.
const QUIT_AT_ONCE: &str = "quit!";

fn names() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|(name, ..)| *name).chain(COMMANDS.iter().map(|(name, _)| *name))
}

/// Returns what a word names.
pub(crate) fn named(word: &str) -> Option<Action> {
    let verb = VERBS.iter().find(|(name, ..)| *name == word).map(|(_, action, _)| *action);
    let short = || COMMANDS.iter().find(|(name, _)| *name == word).map(|(_, action)| *action);
    verb.or_else(short).or_else(|| Action::parse(word))
}

/// Returns the word by which people call an action on the command line: a short one where there is one, else its name.
pub(crate) fn spoken(action: Action) -> &'static str {
    let verb = VERBS.iter().find(|(_, verb, _)| *verb == action).map(|(word, ..)| *word);
    let short = || COMMANDS.iter().find(|(_, command)| *command == action).map(|(word, _)| *word);
    verb.or_else(short).unwrap_or_else(|| action.name())
}

/// Returns every command: its word, what it does, and what may stand behind it. What only a prompt can do is none.
pub(crate) fn commands() -> Vec<(&'static str, Action, &'static str)> {
    let short = COMMANDS.iter().map(|(word, action)| (*word, *action, usage(*action)));
    let mut all: Vec<_> = VERBS.iter().copied().chain(short).collect();
    let long = Action::ALL.iter().filter(|action| action.group() != Group::Prompt);
    let long: Vec<_> = long.filter(|action| all.iter().all(|(_, known, _)| known != *action)).collect();
    all.extend(long.into_iter().map(|action| (action.name(), *action, "")));
    all
}

fn usage(action: Action) -> &'static str {
    match action {
        Action::HelpOpen => "[WORDS]",
        Action::DetailOpen => "[NUMBER]",
        Action::TabRunbook => "[NAME]",
        Action::RunbookFind => "WORDS",
        Action::RunbookRemark => "LINE WORDS",
        Action::RunbookOutline => "HEADING",
        Action::RunbooksOpen => "[WORDS]",
        Action::UnreadOpen => "[PERSON]",
        Action::ClaimMake => "QUERY 4h REASON",
        Action::SilenceMake => "{LABEL=\"VALUE\"} 2h REASON",
        Action::ChangesOpen => "[6h]",
        Action::FunnelOpen => "[DAYS]",
        Action::SortSeverity => "severity | time | owner",
        Action::LayoutPanes => "auto | 1 | 2 | 3",
        Action::ClockZone => "utc | local",
        Action::KeymapChoose | Action::ThemeChoose => "NAME",
        Action::FilterOpen => "QUERY | clear",
        Action::MarkAll => "[all | clear | QUERY]",
        Action::PastOpen => "[QUERY]",
        Action::ViewsOpen => "[NAME | save NAME [1-9] | drop NAME]",
        _ => "",
    }
}

/// What stands behind a command, so that it can be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    Person,
    Incident,
    Keymap,
    Theme,
    View,
    Runbook,
    Heading,
    /// One of these.
    Words(&'static [&'static str]),
}

/// Returns what stands behind a command, where that can be offered.
pub(crate) fn argument(action: Action) -> Option<Argument> {
    match action {
        verb if verb::names_a_person(verb) => Some(Argument::Person),
        Action::IncidentMerge | Action::DetailOpen => Some(Argument::Incident),
        Action::SortSeverity => Some(Argument::Words(&["severity", "time", "owner"])),
        Action::LayoutPanes => Some(Argument::Words(&["auto", "1", "2", "3"])),
        Action::ClockZone => Some(Argument::Words(&["utc", "local"])),
        Action::KeymapChoose => Some(Argument::Keymap),
        Action::ThemeChoose => Some(Argument::Theme),
        Action::FilterOpen => Some(Argument::Words(&["clear"])),
        Action::ViewsOpen => Some(Argument::View),
        Action::TabRunbook => Some(Argument::Runbook),
        Action::RunbookOutline => Some(Argument::Heading),
        Action::UnreadOpen => Some(Argument::Person),
        Action::MarkAll => Some(Argument::Words(&["all", "clear"])),
        Action::IncidentResolve => Some(Argument::Words(&["force"])),
        Action::IncidentSnooze => Some(Argument::Words(&["15m", "1h", "4h", "change", "shift"])),
        _ => None,
    }
}

fn is_verb(action: Action) -> bool {
    VERBS.iter().any(|(_, verb, _)| *verb == action)
}

/// Returns the commands that begin so, for the line under the prompt; with the cursor behind the word, none.
pub(crate) fn matching(typed: &str) -> Vec<&'static str> {
    if typed.contains(' ') {
        return Vec::new();
    }
    let long = Action::ALL.iter().filter(|_| typed.contains('.')).map(|action| action.name());
    names().chain(long).filter(|name| name.starts_with(typed)).collect()
}

/// Returns the person as far as all whose names begin so agree.
pub(super) fn complete_person(before: &str, typed: &str, people: &BTreeSet<UserName>) -> Option<String> {
    agreed(before, people.iter().map(UserName::as_str).filter(|name| name.starts_with(typed)).collect())
}

fn agreed(before: &str, names: Vec<&str>) -> Option<String> {
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("{before}{only} ")),
        [first, rest @ ..] => {
            let common = |name: &&str| first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
            let length = rest.iter().map(common).min().unwrap_or(first.len());
            Some(format!("{before}{}", &first[..first.floor_char_boundary(length)]))
        }
    }
}

/// Returns what a command would come to, where it is a verb with words.
pub(super) fn gist(state: &State, line: &str, targets: &[Arc<Incident>], now: Timestamp) -> Gist {
    let (word, rest) = line.trim_start().split_once(' ').unwrap_or((line.trim(), ""));
    match named(word).filter(|action| is_verb(*action) && line.contains(' ')) {
        Some(verb) if rest.trim().is_empty() => Ok(SafeText::line(verb::usage(verb), 200)),
        Some(verb) => act::gist(state, verb, rest, targets, now),
        None => Ok(SafeText::default()),
    }
}

/// Opens the command line with words in it, on what is selected or marked now.
pub(super) fn open(state: &mut State, words: impl Into<String>) {
    let (incident, targets) = (state.selected, state.targets());
    state.mode = Mode::Command { editor: Editor::new(words), incident, targets, says: Ok(SafeText::default()) };
    palette::refresh(state);
}

/// Opens the command line on a verb about the labels that the incident's series have in common, for so long.
pub(super) fn open_on_common(state: &mut State, verb: &str, span: &str) {
    let matcher = state.digest().map(|digest| links::matcher(&digest.detail.series).0);
    let matcher = matcher.filter(|matcher| matcher.len() > 2).unwrap_or_default();
    open(state, format!("{verb} {matcher} {span} "));
}

/// Does what a command says. `meant` is the incident that was selected when the prompt opened, `targets` what it was meant for, as it was
/// then: no other may be acted on.
pub(super) fn run(
    state: &mut State,
    line: &str,
    meant: Option<IncidentId>,
    targets: Vec<Arc<Incident>>,
    now: Timestamp,
) -> Vec<Effect> {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    match (named(word), rest.trim()) {
        (None, _) if word.is_empty() => Vec::new(),
        (None, "") if word == QUIT_AT_ONCE => vec![Effect::Leave(Exit::Quit)],
        (None, _) => {
            let hint = did_you_mean(word, names());
            state.warn(format!("no command {word:?}{hint}"));
            Vec::new()
        }
        (Some(Action::ShiftHandover), words) if !words.is_empty() => bulk::shift_to(state, words, now),
        (Some(action), _) if guard::refuses(state, action) => Vec::new(),
        (Some(action), _) if is_moved(state, action, meant) => {
            state.warn("the incident under the cursor changed while you typed; nothing was done");
            Vec::new()
        }
        (Some(action), "") => perform(state, action, now),
        (Some(Action::BellSet), words) => {
            bell::set(state, words, now);
            Vec::new()
        }
        (Some(Action::CopyId), word) if !word.is_empty() => hands::copy_by_word(state, word, now),
        (Some(Action::ClipShow), "show") => perform(state, Action::ClipShow, now),
        (Some(Action::DetailOpen), words) => {
            sight::jump_to(state, words, now);
            Vec::new()
        }
        (Some(Action::SortSeverity), words) => {
            match Sort::parse(words) {
                Some(sort) => sight::sort(state, sort, now),
                None => state.warn(format!("sort by severity, time or owner; {words:?} is none of them")),
            }
            Vec::new()
        }
        (Some(Action::FilterOpen), words) => {
            filter::said(state, words);
            Vec::new()
        }
        (Some(Action::SilenceMake), words) => {
            silence::said(state, words);
            Vec::new()
        }
        (Some(Action::TabRunbook), name) => {
            reader::open_book(state, name, now);
            Vec::new()
        }
        (Some(Action::RunbookRemark), words) => reader::remark(state, words, now),
        (Some(Action::RunbookFind), words) => {
            reader::find(state, words, now);
            Vec::new()
        }
        (Some(Action::RunbookOutline), title) => {
            reader::go_to_heading(state, title, now);
            Vec::new()
        }
        (Some(Action::ViewsOpen), words) => filter::view(state, words, now),
        (Some(Action::HelpOpen), words) => {
            keys::help_on(state, words);
            Vec::new()
        }
        (Some(Action::ThemeChoose), name) => theme::choose(state, name),
        (Some(Action::KeymapChoose), name) => vec![Effect::LoadKeymap(name.to_owned())],
        (Some(action @ (Action::LayoutPanes | Action::ClockZone)), words) => panes::said(state, action, words, now),
        (Some(action), words) if let Some(topic) = Topic::of(action) => read::open(state, topic, words),
        (Some(Action::MarkAll), "clear") => perform(state, Action::MarkClear, now),
        (Some(Action::MarkAll), "all") => perform(state, Action::MarkAll, now),
        (Some(Action::MarkAll), words) => {
            bulk::mark_fitting(state, words, now);
            Vec::new()
        }
        (Some(_), _) if targets.is_empty() => {
            state.tell("no incident is selected", now);
            Vec::new()
        }
        (Some(verb), words) if is_verb(verb) => act::said(state, verb, words, targets, now),
        (Some(_), _) => {
            state.warn(format!("{word} takes no words; nothing was done"));
            Vec::new()
        }
    }
}

/// Returns whether a verb was meant for another incident than the one under the cursor now.
fn is_moved(state: &State, action: Action, meant: Option<IncidentId>) -> bool {
    is_verb(action) && state.marks.is_empty() && state.selected != meant
}
