//! Another theme, and files that changed.

use super::super::event::Effect;
use super::super::nearest::did_you_mean;
use super::super::state::State;
use super::super::theme::Loaded;
use crate::domain::time::Timestamp;

/// Takes a theme that was read; the terminal is dressed by then. What is wrong stands in the banner.
pub(super) fn take(state: &mut State, loaded: Loaded, asked: bool, now: Timestamp) {
    let name = loaded.name.clone();
    let whole = state.look.take(loaded).is_some();
    match state.look.problems.first().map(ToString::to_string) {
        Some(problem) if asked => state.warn(problem),
        None if asked && whole => {
            state.tell(format!("theme {name}"), now);
            state.look.chosen = Some(name);
        }
        _ => {}
    }
}

/// Returns what has everything read again and drawn anew.
pub(super) fn reload(state: &State) -> Vec<Effect> {
    let keymap = state.look.keymap_chosen.then(|| state.keymap_names.0.clone());
    vec![Effect::Repaint, Effect::RereadKeymap(keymap), Effect::LoadTheme(state.look.chosen.clone(), false)]
}

/// Asks for the theme of that name; a name that is none is told with the nearest that is.
pub(super) fn choose(state: &mut State, name: &str) -> Vec<Effect> {
    if state.look.names.iter().any(|known| known == name) {
        return vec![Effect::LoadTheme(Some(name.to_owned()), true)];
    }
    let hint = did_you_mean(name, state.look.names.iter().map(String::as_str));
    state.warn(format!("no theme {name:?}{hint}"));
    Vec::new()
}

/// Says which theme is shown, and which there are.
pub(super) fn tell(state: &mut State, now: Timestamp) {
    state.tell(format!("theme {}; there are {}", state.look.name, state.look.names.join(", ")), now);
}
