//! Words that hide rows.

use super::super::editor::Editor;
use super::super::order;
use super::super::state::{Mode, State};

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
