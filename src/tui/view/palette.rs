//! What the command line offers, over the bottom of the body. On a screen without room for it the line stands alone.

use super::super::layout::Layout;
use super::super::palette::{self, Offer};
use super::super::state::{Mode, State};
use super::super::theme::Role;
use super::paint::{Canvas, Line};
use crate::domain::text::SafeText;
use ratatui::layout::Rect;

/// Rows of the body that the list leaves.
const LIST_ROWS: u16 = 4;
/// Most rows of the list.
const ROWS_MAX: u16 = 12;
/// Most rows while a filter is typed.
const FILTER_ROWS_MAX: u16 = 6;
/// Columns below which names stand without their descriptions.
const DESCRIBED: u16 = 60;
/// Cells of a key.
const KEY: usize = 12;

/// Returns whether the list has room.
pub(super) fn has_room(layout: &Layout) -> bool {
    layout.body.height >= LIST_ROWS + 3
}

/// Draws the list.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if !matches!(state.mode, Mode::Command { .. } | Mode::Filter { .. }) {
        return;
    }
    let offers = &state.palette.offers;
    if offers.is_empty() || !has_room(layout) {
        return;
    }
    let body = layout.body;
    // Who filters looks at the rows that are left.
    let rows_max = if matches!(state.mode, Mode::Filter { .. }) { FILTER_ROWS_MAX } else { ROWS_MAX };
    let rows = (offers.len() as u16 + 1).min(rows_max).min(body.height - LIST_ROWS);
    let area = Rect { y: body.bottom() - rows, height: rows, ..body };
    super::clear(canvas, area);
    canvas.line(area, &Line::of(Role::BorderFocus, &"-".repeat(area.width.into())));
    let shown = usize::from(rows - 1);
    let top = state.palette.at.map_or(0, |at| (at + 1).saturating_sub(shown));
    let name_max = if area.width >= DESCRIBED { 26 } else { 16 };
    let name = offers.iter().map(|offer| SafeText::line(&offer.name, 60).width()).max().unwrap_or(0).clamp(6, name_max);
    for (place, offer) in offers.iter().enumerate().skip(top).take(shown) {
        let row = Rect { y: area.y + 1 + (place - top) as u16, height: 1, ..area };
        let chosen = state.palette.at == Some(place);
        let (left, right) = line(state, offer, chosen, row.width, name);
        canvas.ends(row, &left, &right);
        if chosen {
            canvas.cursor(row, Role::Cursor);
        }
    }
}

fn line(state: &State, offer: &Offer, chosen: bool, width: u16, name: usize) -> (Line, Line) {
    let targets = match &state.mode {
        Mode::Command { targets, .. } => &targets[..],
        _ => &[],
    };
    let bar = offer.action.and_then(|action| palette::bar(state, action, targets));
    let hint = offer.action.and_then(|action| palette::hint(state, action));
    let role = if bar.is_some() { Role::Dim } else { Role::Text };
    let key = offer.action.and_then(|action| state.key_for(action, state.pane_contexts())).map(|key| key.label());
    let mark = Line::of(Role::Title, if chosen { "> " } else { "  " });
    let words = match (bar, hint) {
        (Some(bar), _) => format!("({bar})"),
        (None, Some(hint)) => format!("({hint}) {}", offer.help),
        (None, None) => offer.help.clone(),
    };
    let left = match width >= DESCRIBED || bar.is_some() {
        true => mark.cell(role, name, &offer.name).with(if bar.is_some() { role } else { Role::Dim }, &words),
        false => mark.with(role, &offer.name),
    };
    let key = key.filter(|key| key.len() <= KEY).unwrap_or_default();
    (left, Line::of(Role::FooterKey, &key).with(Role::Text, " "))
}
