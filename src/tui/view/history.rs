//! The list of what was done on this screen.

use super::super::action::Action;
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::past::Done;
use super::super::state::State;
use super::super::theme::Role;
use super::paint::{Canvas, Line};
use super::words;
use ratatui::layout::Rect;

/// Lines above the first act.
const HEAD: usize = 2;

/// Draws the list, scrolled so that the line under the cursor is seen.
pub(super) fn draw(state: &State, at: usize, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.body;
    let lines = lines(state, at);
    let rows = usize::from(area.height).max(1);
    let line = HEAD + at;
    let scroll = (line + 1).saturating_sub(rows);
    canvas.lines(area, &lines, scroll);
    let y = area.y + line.saturating_sub(scroll) as u16;
    if line < lines.len() && y < area.bottom() {
        canvas.cursor(Rect { y, height: 1, ..area }, Role::Cursor);
    }
}

fn lines(state: &State, at: usize) -> Vec<Line> {
    let count = state.past.deeds().count();
    let undo = state.keymap.keys_of(Action::UndoLast, &[Context::Sheet]);
    let how = undo
        .first()
        .map_or(String::new(), |binding| format!(" {} takes the one under the cursor back.", binding.label()));
    let mut lines = vec![
        Line::of(Role::Title, &format!(" What you did on this screen: {count}, the newest first")),
        Line::of(Role::Dim, &how),
    ];
    lines.extend(state.past.deeds().enumerate().map(|(place, done)| line(state, done, place == at)));
    lines
}

fn line(state: &State, done: &Done, selected: bool) -> Line {
    let line = Line::of(Role::Title, if selected { "> " } else { "  " })
        .cell(Role::Dim, 6, &words::clock(done.at))
        .cell(Role::Title, 5, &done.submission.number.to_string())
        .cell(Role::Text, 16, &done.service)
        .with(Role::Text, &words::act(&done.submission.act))
        .with(Role::Dim, ": ");
    match &done.outcome {
        _ if done.op.is_some_and(|op| state.past.is_undone(op)) => line.with(Role::Dim, "taken back"),
        Some((text, true)) => line.safe(Role::Text, text.clone()),
        Some((text, false)) => line.safe(Role::StateNew, text.clone()),
        None if state.is_live() => line.with(Role::StatePending, "waits for the hub"),
        None => line.with(Role::StatePending, "saved here only, NOT sent"),
    }
}
