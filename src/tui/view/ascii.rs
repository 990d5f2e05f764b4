//! A finished frame in ASCII, for terminals and locales that have no more.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

/// Spells every cell in one ASCII character. The marks of [`crate::domain::text`] keep their shape, so `<202e>` still is an escape; whatever
/// else is beyond ASCII is `?` in each cell that it took.
pub(super) fn spell(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width) {
        let mut covered = false;
        for cell in row {
            if std::mem::take(&mut covered) {
                cell.set_symbol("?");
            } else if !cell.symbol().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                covered = cell.symbol().width() > 1;
                let spelt = spelt(cell.symbol());
                cell.set_symbol(spelt);
            }
        }
    }
}

fn spelt(symbol: &str) -> &'static str {
    match symbol {
        "‹" => "<",
        "›" => ">",
        "…" => "~",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn every_cell_is_ascii_and_none_moves() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 24, 1));
        buffer.set_string(0, 0, "aé 磁盘 ‹202e› ␛ e\u{301} end", Style::new());
        spell(&mut buffer);
        let line: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(line.trim_end(), "a? ???? <202e> ? ? end");
    }
}
