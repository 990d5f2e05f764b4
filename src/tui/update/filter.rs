//! Questions that hide rows: typed, by a key, or saved.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::order;
use super::super::palette;
use super::super::state::{Mode, State};
use super::super::views::{self, Edit, OwnView};
use super::read;
use crate::domain::time::Timestamp;
use crate::query::Query;

/// Opens the prompt with the words that hold now.
pub(super) fn open(state: &mut State) {
    let before = state.filter.clone();
    state.mode = Mode::Filter { editor: Editor::new(before.text()), before, wrong: None };
    palette::refresh(state);
}

/// Shows what fits from now on.
pub(super) fn set(state: &mut State, filter: Query) {
    let same = state.filter == filter;
    state.filter = filter;
    if same {
        return;
    }
    let before = state.selected;
    order::arrange_anew(state);
    if state.selected != before && state.pinned > 0 {
        // Who asks for something means what fits, not what is shown because it calls.
        let fits = order::fit(state, &state.filter);
        let first = order::shown_ids(state).into_iter().find(|incident| fits.contains(incident));
        state.selected = first.or(state.selected);
        order::keep_in_view(state);
    }
}

/// Shows all.
pub(super) fn clear(state: &mut State) {
    set(state, Query::all());
}

/// Takes what stands in the prompt, where it is a query; else the last good one goes on, and the prompt says what is wrong.
pub(super) fn typed(state: &mut State) {
    let Mode::Filter { editor, wrong, .. } = &mut state.mode else { return };
    match Query::parse(editor.text()) {
        Ok(query) => {
            *wrong = None;
            set(state, query);
        }
        Err(error) => *wrong = Some(error),
    }
}

/// Takes a filter from the command line.
pub(super) fn said(state: &mut State, words: &str) {
    match Query::parse(if words == "clear" { "" } else { words }) {
        Ok(query) => set(state, query),
        Err(error) => state.warn(format!("{words:?} is no query: {error}")),
    }
}

/// Shows only these, or all again where they are what is shown.
pub(super) fn quick(state: &mut State, words: &str, now: Timestamp) {
    let Ok(query) = Query::parse(words) else { return };
    if state.filter == query {
        clear(state);
        return state.tell("all are shown", now);
    }
    set(state, query);
    state.tell(format!("only {words}; the same again shows all"), now);
}

/// Shows the saved view on the digit of the action, or all again where it is what is shown.
pub(super) fn on_key(state: &mut State, action: Action, now: Timestamp) {
    let digit = action.name().rsplit('-').next().unwrap_or_default();
    match views::on_key(state, digit) {
        Ok((name, query)) => show(state, &name, query, now),
        Err(says) => state.warn(says),
    }
}

fn show(state: &mut State, name: &str, query: Query, now: Timestamp) {
    if state.filter == query {
        clear(state);
        return state.tell("all are shown", now);
    }
    let says = format!("view {name:?}: {}", query.text());
    set(state, query);
    state.tell(says, now);
}

/// Does what the words behind `:view` say: shows one, keeps what is shown, forgets one.
pub(super) fn view(state: &mut State, words: &str, now: Timestamp) -> Vec<Effect> {
    match words.split_once(' ').unwrap_or((words, "")) {
        ("save", name) => return vec![Effect::Views(Edit::Save(name.trim().to_owned(), state.filter.clone()))],
        ("drop", name) => return vec![Effect::Views(Edit::Drop(name.trim().to_owned()))],
        _ => {}
    }
    match views::named(state, words) {
        Ok(query) => show(state, words, query, now),
        Err(says) => state.warn(says),
    }
    Vec::new()
}

/// Takes the person's own views as they are now.
pub(super) fn views_came(state: &mut State, outcome: Result<(Vec<OwnView>, String), String>, now: Timestamp) {
    match outcome {
        Ok((views, says)) => {
            state.views = views;
            if !says.is_empty() {
                state.tell(says, now);
            }
            read::follow(state);
        }
        Err(says) => state.warn(says),
    }
}
