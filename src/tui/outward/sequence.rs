//! The sequences that may reach the terminal beside the drawing: made here and nowhere else, of our own words and printable ASCII.

use crate::domain::text::SafeText;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Most characters of a note: more than a desktop shows.
const NOTE_CHARS_MAX: usize = 200;

/// Bytes for the terminal, whole and harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence(Vec<u8>);

/// Which sequence a terminal shows a note for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoteKind {
    /// OSC 9.
    Nine,
    /// OSC 777.
    Urxvt,
    /// OSC 99.
    Kitty,
}

impl Sequence {
    /// Returns the bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Returns what puts a text into the terminal's clipboard. Ends with BEL, which every terminal and multiplexer takes.
    pub(crate) fn copy(text: &str) -> Self {
        Self(format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text)).into_bytes())
    }

    /// Returns what asks the terminal for a note. The text begins with a word: a digit and `;` could be taken for something else.
    pub(crate) fn note(kind: NoteKind, text: &SafeText) -> Self {
        let text = printable(text);
        let sequence = match kind {
            NoteKind::Nine => format!("\x1b]9;{text}\x1b\\"),
            NoteKind::Urxvt => format!("\x1b]777;notify;nightdesk;{text}\x1b\\"),
            NoteKind::Kitty => format!("\x1b]99;;{text}\x1b\\"),
        };
        Self(sequence.into_bytes())
    }

    /// Returns the sequence as tmux and screen hand it on to their own terminal, where they are allowed to.
    pub(crate) fn passed_through(self) -> Self {
        let mut bytes = b"\x1bPtmux;".to_vec();
        for byte in self.0 {
            if byte == 0x1b {
                bytes.push(byte);
            }
            bytes.push(byte);
        }
        bytes.extend(b"\x1b\\");
        Self(bytes)
    }
}

/// Returns the text in printable ASCII without `;`, which separates parts. A terminal that does not read UTF-8 would take bytes of other
/// characters for ends of sequences.
fn printable(text: &SafeText) -> String {
    let plain = |c: char| match c {
        ';' => ',',
        ' '..='~' => c,
        _ => '?',
    };
    let text: String = text.as_str().chars().take(NOTE_CHARS_MAX).map(plain).collect();
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) { text } else { format!("Page: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kind: NoteKind, text: &str) -> String {
        String::from_utf8(Sequence::note(kind, &SafeText::line(text, 1000)).into_bytes()).unwrap()
    }

    #[test]
    fn a_note_is_a_word_of_ours_and_printable() {
        assert_eq!(note(NoteKind::Nine, "Page: S1 12 pay"), "\x1b]9;Page: S1 12 pay\x1b\\");
        assert_eq!(note(NoteKind::Urxvt, "Page: a;b"), "\x1b]777;notify;nightdesk;Page: a,b\x1b\\");
        assert_eq!(note(NoteKind::Kitty, "4;1;x\x1b]0;y\x07ü"), "\x1b]99;;Page: 4,1,x?]0,y??\x1b\\");
        assert!(note(NoteKind::Nine, &"x".repeat(5000)).len() < 220);
        for kind in [NoteKind::Nine, NoteKind::Urxvt, NoteKind::Kitty] {
            let whole = note(kind, "a\u{9c}b\x1b\\c\u{202e}\u{1f600}");
            let inner = &whole[1..whole.len() - 2];
            assert!(inner.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{whole:?}");
        }
    }

    #[test]
    fn a_copy_is_base64_of_what_is_seen() {
        let copy = Sequence::copy("{a=\"b\"}").into_bytes();
        assert_eq!(copy, b"\x1b]52;c;e2E9ImIifQ==\x07");
        assert_eq!(Sequence::copy("a").passed_through().into_bytes(), b"\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\");
        let longest = "x".repeat(super::super::errand::COPY_BYTES_MAX);
        assert_eq!(Sequence::copy(&longest).into_bytes().len() - "\x1b]52;c;\x07".len(), 74_992);
    }
}
