//! The cursor, and the scrolling of panes.

use super::super::order;
use super::super::palette;
use super::super::state::{Focus, Mode, Preview, State};
use super::super::view;
use super::{filter, inbox, prompt, sight};
use crate::domain::time::Timestamp;

/// Moves by so many lines what has the focus.
pub(super) fn by(state: &mut State, lines: isize, now: Timestamp) {
    match (&mut state.mode, state.focus) {
        (
            Mode::Help { scroll }
            | Mode::Results { scroll }
            | Mode::Read { scroll, .. }
            | Mode::Preview(Preview { scroll, .. }),
            _,
        ) => {
            *scroll = scroll.saturating_add_signed(lines);
        }
        (Mode::Inbox { .. }, _) => inbox::by(state, lines),
        (Mode::History { at }, _) => {
            *at = at.saturating_add_signed(lines).min(state.past.deeds().count().saturating_sub(1));
        }
        // A prompt has no lines to move over.
        (Mode::Command { .. }, _) => {
            palette::walk(state, lines);
            prompt::say(state, now);
        }
        (Mode::Filter { .. }, _) => {
            palette::walk(state, lines);
            filter::typed(state);
        }
        (Mode::HelpFilter { .. }, _) => {}
        (Mode::Entry { .. } | Mode::Menu { .. } | Mode::Confirm(_), _) => {}
        (Mode::Browse, _) if state.book.is_some() => {
            state.detail_scroll = state.detail_scroll.saturating_add_signed(lines);
        }
        (Mode::Browse, Focus::Detail) => state.detail_scroll = state.detail_scroll.saturating_add_signed(lines),
        (Mode::Browse, Focus::Side) => state.side_scroll = state.side_scroll.saturating_add_signed(lines),
        (Mode::Browse, Focus::Stream) => cursor(state, lines, now),
    }
    clamp_scroll(state);
}

/// Moves by half of what can be seen.
pub(super) fn by_half_pages(state: &mut State, pages: isize, now: Timestamp) {
    let layout = state.layout();
    let rows = match (&state.mode, state.focus) {
        (
            Mode::Help { .. }
            | Mode::Results { .. }
            | Mode::Read { .. }
            | Mode::Preview(_)
            | Mode::Inbox { .. }
            | Mode::History { .. },
            _,
        ) => layout.body.height,
        (Mode::Browse, _) if state.book.is_some() => layout.body.height,
        (_, Focus::Detail) => layout.detail.map_or(1, |area| area.height),
        (_, Focus::Side) => layout.side.map_or(1, |area| area.height),
        (_, Focus::Stream) => layout.list.height,
    };
    by(state, pages * isize::from((rows / 2).max(1) as i16), now);
}

fn cursor(state: &mut State, lines: isize, now: Timestamp) {
    let last = state.order.len().saturating_sub(1);
    let position = state.position().unwrap_or(0).saturating_add_signed(lines).min(last);
    state.guard.moved_at = Some(now);
    let selected = state.id_at(position);
    if selected != state.selected {
        state.selected = selected;
        (state.detail_scroll, state.side_scroll) = (0, 0);
    }
    sight::follow(state, now);
    order::keep_in_view(state);
}

/// Keeps sheets and detail from being scrolled past their ends.
pub(super) fn clamp_scroll(state: &mut State) {
    let sheet_max = view::sheet_scroll_max(state);
    let (detail_max, side_max) = (view::detail_scroll_max(state), view::side_scroll_max(state));
    if let Mode::Help { scroll }
    | Mode::Results { scroll }
    | Mode::Read { scroll, .. }
    | Mode::Preview(Preview { scroll, .. }) = &mut state.mode
    {
        *scroll = (*scroll).min(sheet_max);
    }
    state.detail_scroll = state.detail_scroll.min(detail_max);
    state.side_scroll = state.side_scroll.min(side_max);
}
