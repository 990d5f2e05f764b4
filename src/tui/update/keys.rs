//! Another keymap, and the help that shows it.

use super::super::editor::Editor;
use super::super::keymap::Loaded;
use super::super::state::{Mode, State};
use crate::domain::time::Timestamp;

/// Takes a keymap that was read. What is wrong in it stands in the banner, as at the start.
pub(super) fn take(state: &mut State, loaded: Loaded, now: Timestamp) {
    state.pending.clear();
    state.keymap = loaded.keymap;
    state.keymap_names = (loaded.name, loaded.names);
    state.problems = loaded.problems;
    match state.problems.first().map(ToString::to_string) {
        Some(problem) => state.warn(problem),
        None => state.tell(format!("keymap {}", state.keymap_names.0), now),
    }
}

/// Says which keymap holds, and which there are.
pub(super) fn tell(state: &mut State, now: Timestamp) {
    let (name, names) = &state.keymap_names;
    state.tell(format!("keymap {name}; there are {}", names.join(", ")), now);
}

pub(super) fn open_help(state: &mut State) {
    state.help_words.clear();
    state.mode = Mode::Help { scroll: 0 };
}

/// Opens the prompt for words that the help's lines must hold.
pub(super) fn filter_help(state: &mut State) {
    let before = state.help_words.clone();
    state.mode = Mode::HelpFilter { editor: Editor::new(before.clone()), before };
}

/// Shows the whole help again; returns whether only a part was shown.
pub(super) fn clear_help(state: &mut State) -> bool {
    matches!(state.mode, Mode::Help { .. }) && !std::mem::take(&mut state.help_words).is_empty()
}
