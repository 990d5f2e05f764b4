//! What a terminal sends, byte by byte, read as the console reads it: for `nightdesk keys press`.
//!
//! The console itself reads by the terminal library, which does not tell the bytes; what it makes of them is said here once more.

use super::key::{Key, KeyPress};

/// One thing that the terminal sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// The key, or `None` for what the console does not take for a key.
    pub(crate) key: Option<KeyPress>,
}

impl Sent {
    /// Returns the bytes as people write them: `\e[A`, `a`, `\x01`.
    pub(crate) fn escaped(&self) -> String {
        let text = |byte: &u8| match byte {
            0x1b => "\\e".to_owned(),
            b'\\' => "\\\\".to_owned(),
            0x21..=0x7e => char::from(*byte).to_string(),
            other => format!("\\x{other:02x}"),
        };
        self.bytes.iter().map(text).collect()
    }
}

/// Cuts bytes that came together into keys. A lone Esc at the end is a key: whoever waits for more must do so before.
pub(crate) fn split(mut bytes: &[u8]) -> Vec<Sent> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (length, key) = first(bytes);
        let (head, rest) = bytes.split_at(length.clamp(1, bytes.len()));
        all.push(Sent { bytes: head.to_vec(), key: key.map(KeyPress::normal) });
        bytes = rest;
    }
    all
}

/// Returns how many bytes the first key has, and which it is.
fn first(bytes: &[u8]) -> (usize, Option<KeyPress>) {
    match bytes {
        [0x1b] => (1, Some(KeyPress::plain(Key::Esc))),
        [0x1b, 0x1b, ..] => (1, Some(KeyPress::plain(Key::Esc))),
        [0x1b, b'[', ..] => control_sequence(bytes),
        [0x1b, b'O', letter, ..] => (3, letter_key(*letter).map(KeyPress::plain)),
        [0x1b, rest @ ..] => {
            let (length, key) = first(rest);
            (length + 1, key.map(|key| KeyPress { alt: true, ..key }))
        }
        _ => plain(bytes),
    }
}

fn plain(bytes: &[u8]) -> (usize, Option<KeyPress>) {
    let control = |c: u8| KeyPress { ctrl: true, ..KeyPress::plain(Key::Char(char::from(c))) };
    match bytes[0] {
        b'\r' => (1, Some(KeyPress::plain(Key::Enter))),
        b'\t' => (1, Some(KeyPress::plain(Key::Tab))),
        0x7f => (1, Some(KeyPress::plain(Key::Backspace))),
        0 => (1, Some(control(b' '))),
        byte @ 1..=0x1a => (1, Some(control(byte - 1 + b'a'))),
        byte @ 0x1c..=0x1f => (1, Some(control(byte - 0x1c + b'4'))),
        first => {
            let length = match first {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xff => 4,
                _ => 1,
            };
            let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
            (length, text.and_then(|text| text.chars().next()).map(|c| KeyPress::plain(Key::Char(c))))
        }
    }
}

/// Reads `\e[` and what belongs to it.
fn control_sequence(bytes: &[u8]) -> (usize, Option<KeyPress>) {
    // The Linux console's F1 to F5.
    if let [_, _, b'[', letter @ b'A'..=b'E', ..] = bytes {
        return (4, Some(KeyPress::plain(Key::Function(letter - b'A' + 1))));
    }
    let Some(end) = bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)) else { return (bytes.len(), None) };
    let (length, last) = (end + 3, bytes[end + 2]);
    let words = std::str::from_utf8(&bytes[2..end + 2]).unwrap_or_default();
    let mut numbers = words.split(';').map(|word| word.split(':').next().and_then(|word| word.parse::<u32>().ok()));
    let (number, modifiers) = (numbers.next().flatten(), numbers.next().flatten().unwrap_or(1).saturating_sub(1));
    let key = match (last, number) {
        (b'Z', _) => return (length, Some(KeyPress { shift: true, ..KeyPress::plain(Key::Tab) })),
        (b'~', Some(number)) => tilde_key(number),
        (b'u', Some(code)) => coded_key(code),
        // The terminal's answer to where its cursor is; so is an F3 with modifiers, which the console cannot tell from it.
        (b'R', Some(_)) => None,
        (letter, _) => letter_key(letter),
    };
    let held = |bit| modifiers & bit != 0;
    let press = key.map(|key| KeyPress { key, shift: held(1), alt: held(2), ctrl: held(4), logo: held(8) });
    (length, press)
}

fn letter_key(letter: u8) -> Option<Key> {
    Some(match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'P'..=b'S' => Key::Function(letter - b'P' + 1),
        _ => return None,
    })
}

fn tilde_key(number: u32) -> Option<Key> {
    Some(match number {
        1 | 7 => Key::Home,
        3 => Key::Delete,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        11..=15 => Key::Function(number as u8 - 10),
        17..=21 => Key::Function(number as u8 - 11),
        23..=24 => Key::Function(number as u8 - 12),
        _ => return None,
    })
}

/// The kitty protocol's way to name a key by its code point; the console does not ask for it, and reads it where it comes.
fn coded_key(code: u32) -> Option<Key> {
    Some(match code {
        9 => Key::Tab,
        13 => Key::Enter,
        27 => Key::Esc,
        127 => Key::Backspace,
        _ => Key::Char(char::from_u32(code).filter(|c| !c.is_control())?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expect: &[(&str, &str)]) {
        let sent = split(bytes);
        let told: Vec<(String, String)> = sent
            .iter()
            .map(|sent| (sent.escaped(), sent.key.map_or_else(|| "-".to_owned(), |key| key.to_string())))
            .collect();
        let told: Vec<(&str, &str)> = told.iter().map(|(bytes, key)| (bytes.as_str(), key.as_str())).collect();
        assert_eq!(told, expect);
    }

    #[test]
    fn bytes_are_keys() {
        check(b"aG?", &[("a", "a"), ("G", "G"), ("?", "?")]);
        check(
            b"\x01\x1a\x1f\x00",
            &[("\\x01", "ctrl-a"), ("\\x1a", "ctrl-z"), ("\\x1f", "ctrl-_"), ("\\x00", "ctrl-space")],
        );
        check(
            b"\r\t\x7f\x08\n",
            &[("\\x0d", "enter"), ("\\x09", "tab"), ("\\x7f", "backspace"), ("\\x08", "ctrl-h"), ("\\x0a", "ctrl-j")],
        );
        check("ü".as_bytes(), &[("\\xc3\\xbc", "ü")]);
        check(b" ", &[("\\x20", "space")]);
    }

    #[test]
    fn sequences_are_keys() {
        check(b"\x1b[A\x1bOB\x1b[Z", &[("\\e[A", "up"), ("\\eOB", "down"), ("\\e[Z", "shift-tab")]);
        check(
            b"\x1b[1;5C\x1b[3~\x1b[5;2~",
            &[("\\e[1;5C", "ctrl-right"), ("\\e[3~", "delete"), ("\\e[5;2~", "shift-pageup")],
        );
        check(
            b"\x1bOP\x1b[15~\x1b[24~\x1b[[C",
            &[("\\eOP", "f1"), ("\\e[15~", "f5"), ("\\e[24~", "f12"), ("\\e[[C", "f3")],
        );
        check(b"\x1bx\x1b", &[("\\ex", "alt-x"), ("\\e", "esc")]);
        check(b"\x1b\x1b", &[("\\e", "esc"), ("\\e", "esc")]);
        check(b"\x1b[13;5u", &[("\\e[13;5u", "ctrl-enter")]);
    }

    #[test]
    fn what_is_no_key_has_its_bytes() {
        check(b"\x1b[?6ca", &[("\\e[?6c", "-"), ("a", "a")]);
        check(b"\xff", &[("\\xff", "-")]);
        check(b"\x1b[12", &[("\\e[12", "-")]);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for a in 0..=255 {
            for b in 0..=255 {
                for bytes in [&[a, b][..], &[0x1b, a, b], &[0x1b, b'[', a, b], &[0x1b, b'[', b'1', b';', a, b]] {
                    let all: Vec<u8> = split(bytes).into_iter().flat_map(|sent| sent.bytes).collect();
                    assert_eq!(all, bytes);
                }
            }
        }
    }
}
