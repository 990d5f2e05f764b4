//! What the screen wants done outside of it, and what it hears of that: plain values.

use super::sequence::Sequence;
use crate::domain::text::SafeText;
use serde::Serialize;

/// Most bytes of a copy: what terminals take is counted after base64, and so many bytes become 74,992 of 74,994.
pub(crate) const COPY_BYTES_MAX: usize = 56_244;
/// Incidents that a note names; its count has all of them.
pub(crate) const ITEMS_MAX: usize = 20;

/// Something to do outside of the screen. None is waited for.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Tell of pages, or of an alarm of the console's own, beside the bell.
    Tell(Note),
    /// So many incidents call the person now.
    Calling(usize),
    /// Put this where the person can paste it from. Asked for by a key, never by itself.
    Copy(Clip),
    /// Hand this link to the person's program.
    Open(String),
}

/// What became of an errand.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// To be written to the terminal.
    Emit(Sequence),
    /// What was done, for the person.
    Done(SafeText),
    /// What was not done, for the person.
    Failed(SafeText),
}

/// What is told of pages; serialised, it is what a command gets as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// Of this form.
    pub(crate) schema: u8,
    /// `page`, or `alarm` for what the console rings for by itself because no hub answers.
    pub(crate) event: &'static str,
    /// Who is called.
    pub(crate) user: String,
    /// One line; begins with a word of ours.
    pub(crate) text: SafeText,
    /// How many incidents it is about.
    pub(crate) count: usize,
    /// The worst of them.
    pub(crate) incidents: Vec<Item>,
    /// The bell rings with it. Without, only what makes no sound here is told.
    #[serde(skip)]
    pub(crate) aloud: bool,
}

/// One incident of a note.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    pub(crate) number: Option<u64>,
    pub(crate) severity: Option<String>,
    pub(crate) service: SafeText,
    pub(crate) summary: SafeText,
    /// When the person was called, RFC 3339.
    pub(crate) since: String,
    /// Why, where it was not a level of the policy.
    pub(crate) why: SafeText,
}

/// A text to paste, of characters that a person can see and nothing that a terminal or shell obeys at once: no end of line stands at its
/// end, and within it only where a block of code was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// What it is, in a word or two.
    pub(crate) what: String,
    lines: Vec<SafeText>,
    cut: bool,
}

impl Clip {
    /// Returns a copy of that text in one line, of its beginning where it is too long.
    pub(crate) fn new(what: impl Into<String>, text: &str) -> Self {
        let safe = SafeText::line(text, usize::MAX);
        let end = safe.as_str().floor_char_boundary(COPY_BYTES_MAX);
        let cut = end < safe.as_str().len();
        let text = if cut { safe.head(end) } else { safe };
        Self { what: what.into(), lines: vec![text], cut }
    }

    /// Returns a copy of a text of several lines, of its beginning where it is too long.
    pub(crate) fn of_lines(what: impl Into<String>, text: &str) -> Self {
        let (mut lines, mut bytes, mut cut) = (Vec::new(), 0, false);
        for line in text.trim_end_matches('\n').split('\n') {
            // Tabs are what a person sees as such: they stand in code.
            let parts: Vec<SafeText> = line.split('\t').map(|part| SafeText::line(part, usize::MAX)).collect();
            let safe = parts.iter().map(SafeText::as_str).collect::<Vec<_>>().join("    ");
            bytes += safe.len() + 1;
            if bytes > COPY_BYTES_MAX {
                cut = true;
                break;
            }
            lines.push(SafeText::line(&safe, usize::MAX));
        }
        Self { what: what.into(), lines, cut }
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(SafeText::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Returns its lines.
    pub(crate) fn lines(&self) -> &[SafeText] {
        &self.lines
    }

    /// Returns whether it is only the beginning.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_one_line_that_a_person_can_see_and_that_terminals_take() {
        let clip = Clip::new("note", "rm -rf /\n\u{202e}x");
        assert_eq!((clip.text(), clip.is_cut()), ("rm -rf /␊‹202e›x".to_owned(), false));
        let long = Clip::new("labels", &"é".repeat(COPY_BYTES_MAX));
        assert_eq!((long.text().len(), long.is_cut()), (COPY_BYTES_MAX, true));
    }
}
