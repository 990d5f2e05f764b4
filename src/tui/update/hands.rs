//! Copies and links: on a key of the person's alone, and never of anything but what is selected.

use super::super::action::Action;
use super::super::event::Effect;
use super::super::links::{self, Link};
use super::super::outward::errand::{Clip, Errand, Report};
use super::super::state::{Choice, Mode, State};
use super::super::topic::Topic;
use super::super::view;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::picture::Detail;
use std::sync::Arc;

/// The words of `:copy` and what they copy.
pub(super) const COPIES: [(&str, Action); 5] = [
    ("id", Action::CopyId),
    ("link", Action::CopyLink),
    ("labels", Action::CopyLabels),
    ("md", Action::CopyMarkdown),
    ("runbook", Action::CopyRunbook),
];

/// Returns the detail of the selected incident, once it is read.
fn detail(state: &State) -> Option<Arc<Detail>> {
    state.picture.detail.clone().filter(|detail| state.selected == Some(detail.incident))
}

/// Copies something of the incident under the cursor.
pub(super) fn copy(state: &mut State, what: Action, now: Timestamp) -> Vec<Effect> {
    let Some(incident) = state.row().map(|row| row.incident.clone()).filter(|_| !state.layout().tiny) else {
        state.tell("no incident is selected", now);
        return Vec::new();
    };
    let (number, detail) = (incident.number, detail(state));
    if detail.is_none() && matches!(what, Action::CopyLink | Action::CopyLabels | Action::CopyRunbook) {
        state.tell(format!("the series of {number} are not read yet; open it and try again"), now);
        return Vec::new();
    }
    let found = detail.as_deref();
    let clip = match what {
        Action::CopyId => Some(Clip::new(format!("id {number}"), &number.to_string())),
        Action::CopyMarkdown => Some(Clip::new(format!("summary of {number}"), &links::markdown(&incident, found))),
        Action::CopyLink => {
            found.and_then(links::main_link).map(|link| Clip::new(format!("link of {number}"), &link.url))
        }
        Action::CopyRunbook => {
            found.and_then(links::runbook).map(|link| Clip::new(format!("runbook link of {number}"), &link.url))
        }
        _ => {
            let (matcher, left_out) = found.map(|found| links::matcher(&found.series)).unwrap_or_default();
            let but = if left_out > 0 { format!(" (without {left_out} that cannot be typed)") } else { String::new() };
            (matcher.len() > 2).then(|| Clip::new(format!("labels of {number}{but}"), &matcher))
        }
    };
    match clip {
        Some(clip) => put(state, clip, now),
        None => {
            let what = match what {
                Action::CopyRunbook => "no link to a runbook (annotation runbook_url)",
                Action::CopyLabels => "no label that all its series have in common",
                _ => "no link over http or https",
            };
            state.tell(format!("{number} has {what}"), now);
            Vec::new()
        }
    }
}

pub(super) fn put(state: &mut State, clip: Clip, now: Timestamp) -> Vec<Effect> {
    state.tell(format!("{} ...", clip.what), now);
    state.clip = Some(clip.clone());
    vec![Effect::Outward(Errand::Copy(clip))]
}

/// Copies what the word names.
pub(super) fn copy_by_word(state: &mut State, word: &str, now: Timestamp) -> Vec<Effect> {
    match COPIES.iter().find(|(name, _)| *name == word) {
        Some((_, action)) => copy(state, *action, now),
        None => {
            let names: Vec<&str> = COPIES.iter().map(|(name, _)| *name).collect();
            state.warn(format!("copy what? {}", names.join(", ")));
            Vec::new()
        }
    }
}

/// Shows the last copy: where no clipboard works, it can be marked here.
pub(super) fn show_clip(state: &mut State, now: Timestamp) {
    if state.clip.is_none() {
        return state.tell("nothing was copied here yet", now);
    }
    // Nothing is read for it: it lies in the state.
    state.mode = Mode::Read { topic: Topic::Clip, words: String::new(), lines: Some(Vec::new()), scroll: 0 };
}

/// Lists the links of the incident under the cursor. Nothing is opened but by a digit.
pub(super) fn choose_link(state: &mut State, now: Timestamp) {
    let Some(incident) = state.row().map(|row| row.incident.clone()).filter(|_| !state.layout().tiny) else {
        return state.tell("no incident is selected", now);
    };
    let number = incident.number;
    let Some(detail) = detail(state) else {
        return state.tell(format!("the series of {number} are not read yet; open it and try again"), now);
    };
    let choice = |link: Link| Choice { words: link.url, label: SafeText::from_static(link.kind) };
    let service = state.picture.items.services.get(&incident.service);
    let all = links::with_service(links::links(&detail), service);
    let choices: Vec<Choice> = all.into_iter().map(choice).collect();
    if choices.is_empty() {
        return state.tell(format!("{number} has no link over http or https"), now);
    }
    state.mode = Mode::Menu { verb: Action::LinkOpen, targets: vec![incident], choices };
}

/// Opens a link of the open list, or copies it where no program opens links.
pub(super) fn chosen(state: &mut State, index: usize, now: Timestamp) -> Vec<Effect> {
    let seen = view::links_seen(state);
    let Mode::Menu { choices, targets, .. } = &state.mode else { return Vec::new() };
    let Some(link) = choices.get(index).and_then(|choice| Link::read("", &choice.words)) else { return Vec::new() };
    if index >= seen {
        state.tell("that link has no room on this screen, so it is not opened", now);
        return Vec::new();
    }
    let number = targets.first().map_or(String::new(), |one| one.number.to_string());
    state.mode = Mode::Browse;
    if state.opens_links {
        state.tell(format!("opening {} ...", link.host), now);
        return vec![Effect::Outward(Errand::Open(link.url))];
    }
    put(state, Clip::new(format!("link of {number} (no `open` set)"), &link.url), now)
}

/// Tells what became of an errand, or hands on what is to be written.
pub(super) fn reported(state: &mut State, report: Report, now: Timestamp) -> Vec<Effect> {
    match report {
        Report::Emit(sequence) => return vec![Effect::Emit(sequence)],
        // Bad news that nobody has read yet is not pushed away by good news.
        Report::Done(_) if state.toast.as_ref().is_some_and(|toast| toast.warn) => {}
        Report::Done(text) => state.tell_safe(text, now),
        Report::Failed(text) => state.warn_safe(text),
    }
    Vec::new()
}
