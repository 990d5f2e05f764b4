//! One line of text being typed.

use unicode_segmentation::UnicodeSegmentation;

/// A line with a cursor; moves by what a reader takes for one character.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Editor {
    text: String,
    /// Where the cursor stands, in bytes, always between two characters.
    at: usize,
}

impl Editor {
    /// Most bytes of a line; more than the longest note would be cut by the hub anyway.
    pub(crate) const BYTES_MAX: usize = crate::domain::op::NOTE_BYTES_MAX;

    /// Returns the line with the cursor behind it.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// Returns the line with the cursor at that byte, or at the character's beginning in whose middle that is.
    pub(crate) fn with_cursor(text: String, at: usize) -> Self {
        Self { at: text.floor_char_boundary(at), text }
    }

    /// Returns the line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns what stands before the cursor, and behind it.
    pub(crate) fn split(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// Puts text in at the cursor, line ends and other controls as spaces; returns whether all of it had room.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let clean: String = text.replace("\r\n", " ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let room = Self::BYTES_MAX.saturating_sub(self.text.len());
        let end = clean.floor_char_boundary(room);
        self.text.insert_str(self.at, &clean[..end]);
        self.at += end;
        end == clean.len()
    }

    pub(crate) fn left(&mut self) {
        self.at -= self.split().0.graphemes(true).next_back().map_or(0, str::len);
    }

    pub(crate) fn right(&mut self) {
        self.at += self.split().1.graphemes(true).next().map_or(0, str::len);
    }

    pub(crate) fn home(&mut self) {
        self.at = 0;
    }

    pub(crate) fn end(&mut self) {
        self.at = self.text.len();
    }

    pub(crate) fn backspace(&mut self) {
        let end = self.at;
        self.left();
        self.text.replace_range(self.at..end, "");
    }

    pub(crate) fn delete(&mut self) {
        let length = self.split().1.graphemes(true).next().map_or(0, str::len);
        self.text.replace_range(self.at..self.at + length, "");
    }

    pub(crate) fn kill_word(&mut self) {
        let before = self.split().0.trim_end();
        let start = before.rfind(' ').map_or(0, |space| space + 1);
        self.text.replace_range(start..self.at, "");
        self.at = start;
    }

    pub(crate) fn kill_line(&mut self) {
        self.text.replace_range(..self.at, "");
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_of_several_lines_is_one_line() {
        let mut editor = Editor::default();
        assert!(editor.insert("a\r\nb\tc\x1b[2J"));
        assert_eq!(editor.text(), "a b c [2J");
    }

    #[test]
    fn a_character_of_several_code_points_goes_at_once() {
        let mut editor = Editor::new("xe\u{301}");
        editor.backspace();
        assert_eq!(editor.text(), "x");
        editor.kill_word();
        editor.backspace();
        editor.delete();
        assert_eq!(editor.text(), "");
    }

    #[test]
    fn words_are_killed_one_by_one() {
        let mut editor = Editor::new("look at this ");
        editor.kill_word();
        assert_eq!(editor.text(), "look at ");
        editor.left();
        editor.insert("!");
        assert_eq!(editor.text(), "look at! ");
    }

    #[test]
    fn it_takes_no_more_than_a_note_holds() {
        let mut editor = Editor::default();
        assert!(!editor.insert(&"ü".repeat(Editor::BYTES_MAX)));
        assert!(editor.text().len() <= Editor::BYTES_MAX);
    }
}
