//! Draws the state. Reads only.

mod ascii;
mod detail;
mod help;
mod history;
mod links;
mod paint;
mod palette;
mod panel;
mod pending;
mod sheet;
mod side;
mod status;
mod stream;
mod words;

pub(crate) use links::links_seen;

use super::action::Action;
use super::layout::Layout;
use super::state::{Mode, State};
use super::theme::{Role, Theme};
use paint::Canvas;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::ops::Range;

/// Draws the whole screen. Something true stands on a screen of any size.
pub(crate) fn draw(state: &State, theme: &Theme, buffer: &mut Buffer) {
    let layout = state.layout();
    let mut canvas = Canvas { buffer, theme };
    canvas.tint(canvas.buffer.area, Role::Surface);
    if layout.tiny {
        status::tiny(state, &mut canvas);
    } else {
        frame(state, &layout, &mut canvas);
    }
    sweep(buffer);
    if state.look.ascii {
        ascii::spell(buffer);
    }
}

fn frame(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    status::header(state, layout, canvas);
    status::banner(state, layout, canvas);
    if matches!(state.mode, Mode::Help { .. } | Mode::HelpFilter { .. }) {
        help::draw(state, layout, canvas);
    } else if !sheet::draw(state, layout, canvas) && !links::draw(state, layout, canvas) {
        stream::draw(state, layout, canvas);
        detail::draw(state, layout, canvas);
        side::draw(state, layout, canvas);
        panel::draw(state, layout, canvas);
    }
    palette::draw(state, layout, canvas);
    pending::draw(state, layout, canvas);
    status::status(state, layout, canvas);
    status::toast(state, layout, canvas);
    status::footer(state, layout, canvas);
}

/// Returns the tag of a severity and the word of a state: what tells them apart without colour.
#[cfg(test)]
pub(crate) use {super::order::state_word, words::severity as severity_word};

/// Blanks an area.
fn clear(canvas: &mut Canvas<'_>, area: Rect) -> Rect {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            canvas.buffer[(x, y)].reset();
        }
    }
    canvas.tint(area, Role::Surface);
    area
}

/// Returns how far help, or the sheet that is open, can be scrolled.
pub(crate) fn sheet_scroll_max(state: &State) -> usize {
    let rows = usize::from(state.layout().body.height);
    let lines = match state.mode {
        Mode::Help { .. } | Mode::HelpFilter { .. } => help::lines(state).len(),
        Mode::Preview(_) | Mode::Results { .. } | Mode::Read { .. } => sheet::lines(state).len(),
        _ => return 0,
    };
    lines.saturating_sub(rows)
}

/// Returns how far the detail can be scrolled.
pub(crate) fn detail_scroll_max(state: &State) -> usize {
    // Nobody has scrolled: the lines need not be made to know that this is fine.
    if state.detail_scroll == 0 {
        return 0;
    }
    detail::scroll_max(state, &state.layout())
}

/// Returns the keys of an action, as they are said in a sentence.
pub(crate) fn keys_of(state: &State, action: Action) -> String {
    words::keys(state, action)
}

/// Returns how many cells a line of the detail has.
pub(crate) fn detail_width(state: &State) -> usize {
    detail::width(&state.layout())
}

/// Returns which lines of the runbook are on the screen, where it is what the pane shows.
pub(crate) fn runbook_shown(state: &State) -> Option<Range<usize>> {
    detail::runbook_shown(state, &state.layout())
}

/// Returns how far the third pane can be scrolled.
pub(crate) fn side_scroll_max(state: &State) -> usize {
    if state.side_scroll == 0 { 0 } else { side::scroll_max(state, &state.layout()) }
}

/// Replaces what a terminal could obey or a reader could not see. All text is safe before it gets here; this holds when that fails.
pub(crate) fn sweep(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().chars().any(is_forbidden) {
            cell.set_symbol("?");
        }
    }
}

/// Returns whether the character is a control or turns, hides or tags its neighbours.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns how many pieces of lines this thread has made so far.
#[cfg(test)]
pub(crate) fn built() -> usize {
    paint::BUILT.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn the_sweep_leaves_no_control_character() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        for (cell, symbol) in buffer.content.iter_mut().zip(["\x1b", "a\u{202e}", "é", "\u{9b}"]) {
            cell.set_symbol(symbol);
        }
        sweep(&mut buffer);
        let symbols: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(symbols, ["?", "?", "é", "?"]);
    }
}
