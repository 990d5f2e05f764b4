//! What may follow the first keys of a sequence: a small list, as long as the sequence is not complete.

use super::super::keymap::{self, Arm};
use super::super::layout::Layout;
use super::super::state::State;
use super::super::theme::Role;
use super::paint::{Canvas, Line};
use ratatui::layout::Rect;

/// Cells of one entry with the gap behind it.
const ENTRY: u16 = 26;
/// Rows of the body that it leaves.
const LIST_ROWS: u16 = 2;

/// Draws it over the bottom of the body.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if state.pending.is_empty() {
        return;
    }
    let holds = |condition| state.holds(condition);
    let next = state.keymap.continuations(state.contexts(), &state.pending, &holds);
    let entries: Vec<(String, String)> = next.iter().map(|(keys, arm)| (keymap::label(keys), words(arm))).collect();
    let body = layout.body;
    let room = body.height.saturating_sub(LIST_ROWS);
    if entries.is_empty() || room < 2 {
        return;
    }
    let columns = (body.width / ENTRY).clamp(1, 4);
    let rows = (entries.len() as u16).div_ceil(columns).min(room - 1);
    let area = Rect { y: body.bottom() - rows - 1, height: rows + 1, ..body };
    super::clear(canvas, area);
    let title = format!("- {} ... esc cancels ", keymap::label(&state.pending));
    let rest = usize::from(area.width).saturating_sub(title.chars().count());
    canvas.line(area, &Line::of(Role::BorderFocus, &title).with(Role::BorderFocus, &"-".repeat(rest)));
    let fits = usize::from(rows * columns);
    let hidden = entries.len().saturating_sub(fits);
    let key = entries.iter().map(|(keys, _)| keys.chars().count()).max().unwrap_or(1);
    for (place, (keys, words)) in entries.iter().take(fits).enumerate() {
        let (row, column) = (place as u16 % rows, place as u16 / rows);
        let width = body.width / columns;
        let cell = Rect { x: area.x + column * width, y: area.y + 1 + row, width: width.saturating_sub(1), height: 1 };
        let line = match hidden > 0 && place + 1 == fits {
            true => Line::of(Role::Dim, &format!(" {} more: see help", hidden + 1)),
            false => Line::of(Role::Text, " ").cell(Role::FooterKey, key, keys).with(Role::Text, words),
        };
        canvas.line(cell, &line);
    }
}

/// Returns what a key would do, in a few words: the person's own where there are some.
fn words(arm: &Arm) -> String {
    let short = || arm.actions.iter().map(|action| action.short()).collect::<Vec<_>>().join(", ");
    arm.desc.clone().unwrap_or_else(short)
}
