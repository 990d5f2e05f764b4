//! Lines being typed, and questions being answered. While one is open it takes every key.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::{Effect, Exit};
use super::super::key::KeyPress;
use super::super::state::{Confirm, Deed, Mode, State, Submission};
use super::{act, command, filter};
use crate::domain::op::Act;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;

fn editor(mode: &mut Mode) -> Option<&mut Editor> {
    match mode {
        Mode::Filter { editor, .. } | Mode::Command { editor, .. } | Mode::Note { editor, .. } => Some(editor),
        Mode::Browse | Mode::Help { .. } | Mode::Confirm(_) => None,
    }
}

/// Writes a key's character into the open prompt.
pub(super) fn type_in(state: &mut State, key: KeyPress) {
    if let (Some(editor), Some(c)) = (editor(&mut state.mode), key.text()) {
        let fits = editor.insert(c.encode_utf8(&mut [0; 4]));
        after_edit(state, fits);
    }
}

/// Takes pasted text where a prompt is open; anywhere else it would be taken for keys, so it is thrown away.
pub(super) fn paste(state: &mut State, text: &str, now: Timestamp) -> Vec<Effect> {
    state.pending.clear();
    match editor(&mut state.mode) {
        Some(editor) => {
            let fits = editor.insert(text);
            after_edit(state, fits);
        }
        None => state.tell("pasted text thrown away: no prompt is open", now),
    }
    Vec::new()
}

/// Moves or deletes in the open prompt.
pub(super) fn edit(state: &mut State, action: Action) {
    let Some(editor) = editor(&mut state.mode) else { return };
    match action {
        Action::EditLeft => editor.left(),
        Action::EditRight => editor.right(),
        Action::EditHome => editor.home(),
        Action::EditEnd => editor.end(),
        Action::EditBackspace => editor.backspace(),
        Action::EditDelete => editor.delete(),
        Action::EditKillWord => editor.kill_word(),
        Action::EditKillLine => editor.kill_line(),
        _ => {}
    }
    after_edit(state, true);
}

fn after_edit(state: &mut State, fits: bool) {
    if !fits {
        state.warn("too long: the rest was not taken");
    }
    if let Mode::Filter { editor, .. } = &state.mode {
        let words = editor.text().to_owned();
        filter::set(state, words);
    }
}

/// Completes the command as far as it is certain.
pub(super) fn complete(state: &mut State) {
    if let Mode::Command { editor, .. } = &mut state.mode
        && let Some(text) = command::complete(editor.text())
    {
        *editor = Editor::new(text);
    }
}

/// Takes what was typed.
pub(super) fn accept(state: &mut State, now: Timestamp) -> Vec<Effect> {
    match std::mem::replace(&mut state.mode, Mode::Browse) {
        Mode::Command { editor, incident } => command::run(state, editor.text(), incident, now),
        Mode::Note { incident, number, basis, editor } => {
            let text = editor.text().trim().to_owned();
            state.drafts.remove(&incident);
            if text.is_empty() {
                return Vec::new();
            }
            act::submit(state, Submission { incident, number, basis, act: Act::Note { text } }, now)
        }
        Mode::Filter { .. } | Mode::Browse => Vec::new(),
        // Enter answers no question.
        open @ (Mode::Confirm(_) | Mode::Help { .. }) => {
            state.mode = open;
            Vec::new()
        }
    }
}

/// Closes the prompt; the words of a filter go back to what they were, a note's are kept as a draft.
pub(super) fn cancel(state: &mut State) {
    match std::mem::replace(&mut state.mode, Mode::Browse) {
        Mode::Filter { before, .. } => filter::set(state, before),
        Mode::Note { incident, editor, .. } if editor.text().trim().is_empty() => {
            state.drafts.remove(&incident);
        }
        Mode::Note { incident, editor, .. } => {
            state.drafts.insert(incident, editor.text().to_owned());
        }
        Mode::Command { .. } | Mode::Confirm(_) | Mode::Browse | Mode::Help { .. } => {}
    }
}

/// Answers the open question; force only where it was offered.
pub(super) fn answer(state: &mut State, force: bool, now: Timestamp) -> Vec<Effect> {
    let Mode::Confirm(confirm) = &state.mode else { return Vec::new() };
    let deed = if force { confirm.force.clone() } else { Some(confirm.yes.clone()) };
    let Some(deed) = deed else { return Vec::new() };
    state.mode = Mode::Browse;
    match deed {
        Deed::Submit(submission) => act::submit(state, submission, now),
        Deed::Quit => vec![Effect::Leave(Exit::Quit)],
    }
}

/// Returns the question before leaving, where somebody would miss this console; else `None`.
pub(super) fn farewell(state: &State) -> Option<Confirm> {
    // In a demonstration nobody would miss it.
    let serves = state.picture.ingest.is_some() && !state.picture.demo;
    let sends = serves.then(|| "the hub stops too, for everybody".to_owned());
    let unsent = (state.picture.unsent > 0).then(|| format!("{} operations wait (kept)", state.picture.unsent));
    let reasons: Vec<String> = sends.into_iter().chain(unsent).collect();
    let question = format!("Quit? y, Esc stays: {}", reasons.join(", and "));
    (!reasons.is_empty()).then(|| Confirm { question: SafeText::line(&question, 300), yes: Deed::Quit, force: None })
}
