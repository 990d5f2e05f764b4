//! Whole lines instead of keys: what a verb with its words does, and how a typed line answers what is asked.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::state::{Mode, Needs, Preview, State};
use super::{act, attention, guard, history, look, perform, prompt};
use crate::domain::incident::Incident;
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// Does a verb to these incidents, or asks for what is missing.
pub(crate) fn verb(
    state: &mut State,
    verb: Action,
    words: &str,
    targets: Vec<Arc<Incident>>,
    now: Timestamp,
) -> Vec<Effect> {
    if guard::refuses(state, verb) {
        return Vec::new();
    }
    if words.is_empty() { act::start(state, verb, targets, now) } else { act::said(state, verb, words, targets, now) }
}

/// Returns whether a read-only console refuses that, and says so.
pub(crate) fn refuses(state: &mut State, action: Action) -> bool {
    guard::refuses(state, action)
}

/// Takes away whatever a read-only console must not ask.
pub(crate) fn only_look(state: &State, effects: &mut Vec<Effect>) {
    guard::only_look(state, effects);
}

/// Does what needs no incident.
pub(crate) fn action(state: &mut State, action: Action, now: Timestamp) -> Vec<Effect> {
    if guard::refuses(state, action) {
        return Vec::new();
    }
    perform(state, action, now)
}

/// Tells what was before the person's eyes: every line was printed, and they typed one since.
pub(crate) fn present(state: &mut State) -> Option<Effect> {
    attention::present(state)
}

/// Takes away what a console that only looks must not ask, and remembers what is asked.
pub(crate) fn seal(state: &mut State, effects: &mut Vec<Effect>, now: Timestamp) {
    state.now = now;
    guard::only_look(state, effects);
    history::record(state, effects, now);
}

/// Asks for the series and the timeline of the selected incident.
pub(crate) fn detail(state: &mut State) -> Option<Effect> {
    look(state)
}

/// Takes the line as the answer to the open question, menu or prompt. Whatever is no answer leaves it.
pub(crate) fn answer(state: &mut State, line: &str, now: Timestamp) -> Vec<Effect> {
    let line = line.trim();
    let says_yes = matches!(line, "y" | "yes");
    match &mut state.mode {
        Mode::Confirm(_) | Mode::Preview(Preview { needs: Needs::Yes, .. }) if says_yes => {
            prompt::answer(state, false, now)
        }
        Mode::Confirm(confirm) if confirm.force.is_some() && line == "force" => prompt::answer(state, true, now),
        Mode::Preview(Preview { needs: Needs::Count(editor), .. }) if !line.is_empty() => {
            *editor = Editor::new(line);
            prompt::accept(state, now)
        }
        Mode::Menu { choices, .. } if !line.is_empty() => match line.parse::<usize>() {
            Ok(number) if (1..=choices.len()).contains(&number) => act::choose(state, number - 1, now),
            _ => worded(state, line, now),
        },
        Mode::Entry { editor, .. } if !line.is_empty() => {
            *editor = Editor::new(line);
            prompt::accept(state, now)
        }
        _ => {
            prompt::cancel(state);
            state.tell("left: nothing was done", now);
            Vec::new()
        }
    }
}

/// Takes words where a menu offered choices.
fn worded(state: &mut State, words: &str, now: Timestamp) -> Vec<Effect> {
    act::choose_other(state, now);
    if let Mode::Entry { editor, .. } = &mut state.mode {
        *editor = Editor::new(words);
        return prompt::accept(state, now);
    }
    Vec::new()
}
