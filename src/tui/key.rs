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
    /// With Super, which only the kitty protocol reports.
    pub logo: bool,
}

/// Keys that are one control byte, and what a terminal may mean by it; all but these tell letters apart.
const TWINS: [(&str, &str); 5] = [
    ("ctrl-i", "terminals send Tab for it"),
    ("ctrl-m", "terminals send Enter for it"),
    ("ctrl-h", "some terminals send it for Backspace"),
    ("ctrl-j", "some terminals send it for Enter (line feed)"),
    ("ctrl-[", "terminals send Esc for it"),
];

/// Why a key as a keymap writes it may not come, or may come for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It is the same byte as another key.
    Twin(&'static str),
    /// Flow control of some terminals eats it.
    Flow,
    /// Only the kitty keyboard protocol reports it, which is not enabled.
    Kitty,
    /// On a slow link it falls apart into Esc and a letter.
    Alt,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Twin(says) => says,
            Self::Flow => "some terminals take it for flow control and stop the screen",
            Self::Kitty => "only the kitty keyboard protocol reports it, and that is not enabled",
            Self::Alt => "on a slow link it is Esc and then the letter",
        })
    }
}

/// Returns what is doubtful about one key, as it is written.
pub(crate) fn doubt(written: &str) -> Option<Doubt> {
    if let Some((_, says)) = TWINS.iter().find(|(name, _)| name.eq_ignore_ascii_case(written)) {
        return Some(Doubt::Twin(says));
    }
    if ["ctrl-s", "ctrl-q"].iter().any(|name| name.eq_ignore_ascii_case(written)) {
        return Some(Doubt::Flow);
    }
    let press = KeyPress::parse(written)?;
    let is_sign = |c: char| " \\]^_".contains(c);
    let with = press.ctrl || press.alt || press.shift;
    let needs_kitty = match press.key {
        Key::Char(c) if press.ctrl => {
            let shifted = written.contains("shift-") || written.chars().next_back().is_some_and(char::is_uppercase);
            !(c.is_ascii_lowercase() || is_sign(c)) || (c.is_ascii_lowercase() && shifted)
        }
        Key::Char(' ') => written.contains("shift-"),
        Key::Enter | Key::Esc | Key::Backspace => press.ctrl || press.shift,
        Key::Tab => press.ctrl || (press.alt && press.shift),
        // The cursor keys and F1 to F12 carry their modifiers since xterm.
        _ => false,
    };
    match press.key {
        _ if press.logo || needs_kitty => Some(Doubt::Kitty),
        Key::Char(c) if press.alt && with && c.is_alphanumeric() => Some(Doubt::Alt),
        _ => None,
    }
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
        Self { key, ctrl: false, alt: false, shift: false, logo: false }
    }

    /// Returns the press that a text such as `ctrl-d` names, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut press = Self::plain(Key::Enter);
        let mut rest = text;
        loop {
            let (flag, tail) = match rest {
                _ if rest.strip_prefix("ctrl-").is_some_and(|tail| !tail.is_empty()) => (&mut press.ctrl, &rest[5..]),
                _ if rest.strip_prefix("alt-").is_some_and(|tail| !tail.is_empty()) => (&mut press.alt, &rest[4..]),
                _ if rest.strip_prefix("super-").is_some_and(|tail| !tail.is_empty()) => (&mut press.logo, &rest[6..]),
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
                self.key = Key::Char(control_sign(c.to_ascii_lowercase()));
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

/// Returns the sign that stands for all that send the same control byte: Ctrl-7, Ctrl-/ and Ctrl-_ are one key.
fn control_sign(c: char) -> char {
    match c {
        '2' | '@' => ' ',
        '4' => '\\',
        '5' => ']',
        '6' => '^',
        '7' | '/' => '_',
        other => other,
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
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-"), (self.logo, "super-")] {
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
        for text in [
            "super-k",
            "ctrl-_",
            "ctrl-space",
            "j",
            "G",
            "ctrl-d",
            "shift-tab",
            "space",
            "f12",
            "-",
            "ctrl--",
            "alt-x",
            "?",
            "pagedown",
        ] {
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

    #[test]
    fn what_sends_the_same_byte_is_the_same_key() {
        assert_eq!(KeyPress::parse("ctrl-/"), KeyPress::parse("ctrl-_"));
        assert_eq!(KeyPress::parse("ctrl-7"), KeyPress::parse("ctrl-_"));
        assert_eq!(KeyPress::parse("ctrl-@"), KeyPress::parse("ctrl-space"));
    }

    #[test]
    fn keys_that_may_not_come_are_known() {
        let check = |text, expect| assert_eq!(doubt(text), expect, "{text}");
        for text in ["ctrl-i", "ctrl-m", "ctrl-h", "ctrl-j", "ctrl-["] {
            assert!(matches!(doubt(text), Some(Doubt::Twin(_))), "{text}");
        }
        for text in ["ctrl-s", "ctrl-q"] {
            check(text, Some(Doubt::Flow));
        }
        let kitty = ["super-k", "ctrl-shift-d", "ctrl-D", "ctrl-enter", "shift-enter", "ctrl-tab", "ctrl-1", "ctrl-;"];
        for text in kitty.into_iter().chain(["shift-space", "ctrl-backspace"]) {
            check(text, Some(Doubt::Kitty));
        }
        check("alt-x", Some(Doubt::Alt));
        for text in ["a", "G", "ctrl-d", "shift-tab", "ctrl-_", "ctrl-up", "shift-f5", "alt-<", "space", "ctrl-space"] {
            check(text, None);
        }
    }
}
