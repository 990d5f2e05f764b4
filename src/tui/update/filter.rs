//! Words that hide rows.

use super::super::editor::Editor;
use super::super::order;
use super::super::state::{Mode, State};
use crate::domain::time::Timestamp;

/// Opens the prompt with the words that hold now.
pub(super) fn open(state: &mut State) {
    state.mode = Mode::Filter { editor: Editor::new(state.filter.clone()), before: state.filter.clone() };
}

/// Takes these words from now on.
pub(super) fn set(state: &mut State, filter: String) {
    if state.filter != filter {
        state.filter = filter;
        order::arrange_anew(state);
    }
}

/// Shows only these, or all again where they are what is shown.
pub(super) fn quick(state: &mut State, words: &str, now: Timestamp) {
    let words = if state.filter == words { "" } else { words };
    set(state, words.to_owned());
    let says =
        if words.is_empty() { "all are shown".to_owned() } else { format!("only {words}; the same again shows all") };
    state.tell(says, now);
}
