//! Which pane the keys move, how much room it has, and what it shows.

use super::super::action::Action;
use super::super::event::Effect;
use super::super::layout::{Focus, Panes, Stand, Tab, Zoom};
use super::super::order;
use super::super::state::{Mode, State};
use super::{moving, reader};
use crate::domain::time::Timestamp;

/// Goes to another pane, so many places on in the order in which they stand.
pub(super) fn go(state: &mut State, places: isize) {
    if !matches!(state.mode, Mode::Browse) {
        return;
    }
    let layout = state.layout();
    let panes = layout.panes();
    let at = panes.iter().position(|pane| *pane == state.focus).unwrap_or(0) as isize;
    match panes[(at + places).rem_euclid(panes.len() as isize) as usize] {
        Focus::Stream => leave(state),
        // Without an incident there is nothing to go to.
        _ if state.selected.is_none() => {}
        Focus::Detail if layout.stand == Stand::Single => super::open(state),
        pane => state.focus = pane,
    }
    settle(state);
}

/// Goes back to the list.
pub(super) fn leave(state: &mut State) {
    state.open = false;
    state.focus = Focus::Stream;
    (state.detail_scroll, state.side_scroll) = (0, 0);
    order::keep_in_view(state);
}

/// Gives the pane more room or less.
pub(super) fn zoom(state: &mut State, zoom: Zoom) {
    if matches!(state.mode, Mode::Browse) {
        state.shape.zoom = zoom;
        settle(state);
    }
}

/// Shows another part of the incident; where only the list is seen, the incident opens.
pub(super) fn tab(state: &mut State, tab: Tab) {
    if !matches!(state.mode, Mode::Browse) || state.selected.is_none() {
        return;
    }
    reader::leave(state);
    state.shape.tab = tab;
    state.detail_scroll = 0;
    if state.layout().detail.is_none() {
        super::open(state);
    } else if state.focus == Focus::Side {
        state.focus = Focus::Detail;
    }
    settle(state);
}

/// Shows labels that all series have one a line, or in one.
pub(super) fn unfold(state: &mut State) {
    state.shape.unfolded = !state.shape.unfolded;
    moving::clamp_scroll(state);
}

/// Takes so many panes, and says so where the screen has no room for them.
pub(super) fn stand(state: &mut State, panes: Panes, now: Timestamp) {
    (state.shape.panes, state.shape.zoom) = (panes, Zoom::Normal);
    settle(state);
    let fits = match (panes, state.layout().stand) {
        (Panes::Two, Stand::Single) | (Panes::Three, Stand::Single | Stand::Stacked | Stand::Two) => {
            "; this screen has room for fewer"
        }
        _ => "",
    };
    state.tell(format!("layout {}{fits}", panes.word()), now);
}

/// Takes the person's clock for times, or UTC.
pub(super) fn zone(state: &mut State, local: bool, now: Timestamp) {
    state.shape.local = local;
    let zone = state.zone.iana_name().unwrap_or("this machine's time").to_owned();
    state.tell(if local { format!("times are local: {zone}") } else { "times are UTC".to_owned() }, now);
}

/// Does what `:layout` and `:tz` say with a word.
pub(super) fn said(state: &mut State, action: Action, words: &str, now: Timestamp) -> Vec<Effect> {
    match (action, Panes::parse(words), words) {
        (Action::LayoutPanes, Some(panes), _) => stand(state, panes, now),
        (Action::LayoutPanes, None, _) => state.warn(format!("no layout {words:?}: auto, 1, 2 or 3")),
        (_, _, "utc") => zone(state, false, now),
        (_, _, "local") => zone(state, true, now),
        _ => state.warn(format!("no clock {words:?}: utc or local")),
    }
    Vec::new()
}

/// Puts right what no longer fits after the panes changed: the selection stays in view, the focus on a pane that can be seen.
pub(super) fn settle(state: &mut State) {
    if state.focus == Focus::Side && state.layout().side.is_none() {
        state.focus = Focus::Detail;
    }
    order::keep_in_view(state);
    moving::clamp_scroll(state);
}
