//! A key as people write it: `j`, `ctrl-d`, `shift-tab`, `G`, `space`.

use std::fmt;

/// What was pressed, without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character; an upper-case letter means shifted.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// F1 to F12.
    Function(u8),
}

/// One press: our own plain type, so that nothing but `input.rs` knows the terminal library's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPress {
    /// Which key.
    pub key: Key,
    /// With Ctrl.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
    /// With Shift; never for characters, which are upper case instead.
    pub shift: bool,
}

/// Names of keys that are no characters.
const NAMES: [(&str, Key); 14] = [
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("tab", Key::Tab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("space", Key::Char(' ')),
];

impl KeyPress {
    /// Returns the press of a key alone.
    pub fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }

    /// Returns the press that a text such as `ctrl-d` names, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut press = Self::plain(Key::Enter);
        let mut rest = text;
        loop {
            let (flag, tail) = match rest {
                _ if rest.strip_prefix("ctrl-").is_some_and(|tail| !tail.is_empty()) => (&mut press.ctrl, &rest[5..]),
                _ if rest.strip_prefix("alt-").is_some_and(|tail| !tail.is_empty()) => (&mut press.alt, &rest[4..]),
                _ if rest.strip_prefix("shift-").is_some_and(|tail| !tail.is_empty()) => (&mut press.shift, &rest[6..]),
                _ => break,
            };
            if std::mem::replace(flag, true) {
                return None;
            }
            rest = tail;
        }
        press.key = named(rest)?;
        Some(press.normal())
    }

    /// Returns the presses of a sequence; a space separates them.
    pub fn parse_sequence(text: &str) -> Option<Vec<Self>> {
        let keys: Option<Vec<Self>> = text.split_whitespace().map(Self::parse).collect();
        keys.filter(|keys| !keys.is_empty())
    }

    /// Returns the same press in the one form that is compared: a shifted letter is upper case, a shifted sign is the sign.
    pub fn normal(mut self) -> Self {
        if let Key::Char(c) = self.key {
            if self.shift && c.is_ascii_lowercase() {
                self.key = Key::Char(c.to_ascii_uppercase());
            }
            if self.ctrl {
                self.key = Key::Char(c.to_ascii_lowercase());
            }
            self.shift = false;
        }
        self
    }

    /// Returns the character to write into a prompt, if this press is one.
    pub fn text(self) -> Option<char> {
        match self.key {
            Key::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

fn named(text: &str) -> Option<Key> {
    if let Some((_, key)) = NAMES.iter().find(|(name, _)| *name == text) {
        return Some(*key);
    }
    if let Some(number) = text.strip_prefix('f').and_then(|number| number.parse().ok()).filter(|n| (1..=12).contains(n))
    {
        return Some(Key::Function(number));
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_control() => Some(Key::Char(c)),
        _ => None,
    }
}

/// Returns the names of all keys that are no characters, for "did you mean".
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (NAMES.iter().find(|(_, key)| *key == self.key), self.key) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Key::Function(number)) => write!(f, "f{number}"),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, _) => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for text in ["j", "G", "ctrl-d", "shift-tab", "space", "f12", "-", "ctrl--", "alt-x", "?", "pagedown"] {
            assert_eq!(KeyPress::parse(text).map(|key| key.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "ctrl-", "entr", "f13", "ctrl-ctrl-x", "\x1b"] {
            assert_eq!(KeyPress::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn shift_and_a_letter_is_the_upper_case_letter() {
        assert_eq!(KeyPress::parse("shift-g"), KeyPress::parse("G"));
        assert_eq!(KeyPress::parse("ctrl-D"), KeyPress::parse("ctrl-d"));
    }
}
