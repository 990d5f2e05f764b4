//! Lines of safe words, and how they get into the buffer.

use super::super::theme::{Role, Theme};
use crate::domain::text::SafeText;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;

/// Most characters of one piece of text; nothing longer fits on a line of any screen.
const CHARS_MAX: usize = 500;

#[cfg(test)]
thread_local! {
    /// Pieces of lines made by this thread: what drawing costs, without a clock.
    pub(crate) static BUILT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One line of the screen, piece by piece.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Line {
    pieces: Vec<(SafeText, Role)>,
}

impl Line {
    /// Returns a line of these words.
    pub(crate) fn of(role: Role, raw: &str) -> Self {
        Self::default().with(role, raw)
    }

    /// Returns the line with these words behind; the only way in for text from outside, made safe here and once.
    pub(crate) fn with(self, role: Role, raw: &str) -> Self {
        self.safe(role, SafeText::line(raw, CHARS_MAX))
    }

    /// Returns the line with words behind that are safe already.
    pub(crate) fn safe(mut self, role: Role, text: SafeText) -> Self {
        #[cfg(test)]
        BUILT.set(BUILT.get() + 1);
        self.pieces.push((text, role));
        self
    }

    /// Returns the line with these words behind in exactly so many cells, and a space.
    pub(crate) fn cell(self, role: Role, cells: usize, raw: &str) -> Self {
        self.safe(role, SafeText::line(raw, CHARS_MAX).padded(cells)).with(Role::Text, " ")
    }

    /// Returns how many cells it takes.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(text, _)| text.width()).sum()
    }

    /// Returns the line with another behind.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }
}

/// A buffer and what its roles look like.
pub(crate) struct Canvas<'a> {
    pub(crate) buffer: &'a mut Buffer,
    pub(crate) theme: &'a Theme,
}

impl Canvas<'_> {
    /// Draws a line into the first row of the area, cut at its end with `~`.
    pub(crate) fn line(&mut self, area: Rect, line: &Line) {
        let (mut x, mut left) = (area.x, usize::from(area.width));
        for (text, role) in &line.pieces {
            let shown = text.truncated(left);
            let cut = shown != *text;
            self.buffer.set_string(x, area.y, shown.as_str(), self.theme.style(*role));
            x += shown.width() as u16;
            left -= shown.width();
            if cut || left == 0 {
                break;
            }
        }
    }

    /// Draws one line at the left and one at the right; the right one is never cut for the left.
    pub(crate) fn ends(&mut self, area: Rect, left: &Line, right: &Line) {
        let width = (right.width() as u16).min(area.width);
        let room = area.width - width;
        self.line(Rect { width: room.saturating_sub(1), ..area }, left);
        self.line(Rect { x: area.x + room, width, ..area }, right);
    }

    /// Draws lines one under the other, leaving out the first `skip`.
    pub(crate) fn lines(&mut self, area: Rect, lines: &[Line], skip: usize) {
        for (row, line) in area.rows().zip(lines.iter().skip(skip)) {
            self.line(row, line);
        }
    }

    /// Lays a role's style over a whole area.
    pub(crate) fn tint(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area, self.theme.style(role));
    }
}

/// Returns the text in lines of at most `cells` cells, broken between words where that is possible; at most `lines_max` lines.
///
/// Raw pieces are measured as they will be shown, so that each is made safe once.
pub(crate) fn wrap(raw: &str, cells: usize, lines_max: usize) -> Vec<String> {
    let mut lines = Lines { done: Vec::new(), line: String::new(), used: 0, cells };
    for word in raw.trim_end().split_inclusive([' ', '\n']) {
        if lines.done.len() >= lines_max {
            break;
        }
        lines.word(word.trim_end_matches('\n'));
        if word.ends_with('\n') {
            lines.end();
        }
    }
    lines.end();
    lines.done.truncate(lines_max);
    lines.done
}

/// A text being broken into lines.
struct Lines {
    done: Vec<String>,
    line: String,
    /// Cells that the line takes so far.
    used: usize,
    cells: usize,
}

impl Lines {
    /// Puts a word on the line, or on the next where it does not fit; one that fits on no line is broken.
    fn word(&mut self, word: &str) {
        if self.used > 0 && self.used + cells_of(word.trim_end()) > self.cells {
            self.end();
        }
        for grapheme in word.graphemes(true) {
            let width = cells_of(grapheme);
            if self.used > 0 && self.used + width > self.cells && grapheme != " " {
                self.end();
            }
            self.line.push_str(grapheme);
            self.used += width;
        }
    }

    fn end(&mut self) {
        self.line.truncate(self.line.trim_end_matches(' ').len());
        self.done.push(std::mem::take(&mut self.line));
        self.used = 0;
    }
}

/// Returns how many cells a raw text will take once it is safe.
fn cells_of(raw: &str) -> usize {
    match raw.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        true => raw.len(),
        false => SafeText::line(raw, usize::MAX).width(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_long_ones_are_broken() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4, 9), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\nb\n", 4, 9), ["a", "b"]);
        assert_eq!(wrap("one two three", 7, 1), ["one two"]);
        assert_eq!(wrap("", 7, 3), [""]);
    }
}
