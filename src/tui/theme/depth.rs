//! How many colours a terminal has, and whether it can show more than ASCII, as its surroundings say.

use crate::config::Colors;

/// How many colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Any.
    True,
    /// 256.
    Indexed,
    /// 16.
    Ansi,
    /// None: bold, underlined and reverse alone.
    None,
}

/// Terminals, by the beginning of their name, that never had colours.
const COLOURLESS: [&str; 3] = ["vt1", "vt2", "dumb"];
/// Terminals whose font holds little more than ASCII.
const ASCII: [&str; 2] = ["linux", "dumb"];

/// Looks a variable up; one that is empty is not set.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Depth {
    /// Returns what the settings say; where they leave it open, what `NO_COLOR`, `COLORTERM` and `TERM` say.
    pub(crate) fn of(colors: Colors, variables: Variables<'_>) -> Self {
        match colors {
            Colors::Truecolor => return Self::True,
            Colors::Indexed => return Self::Indexed,
            Colors::Ansi => return Self::Ansi,
            Colors::None => return Self::None,
            Colors::Auto => {}
        }
        let term = variables("TERM").unwrap_or_default();
        if variables("NO_COLOR").is_some() || term.is_empty() || COLOURLESS.iter().any(|name| term.starts_with(name)) {
            return Self::None;
        }
        let colorterm = variables("COLORTERM").unwrap_or_default();
        match term.as_str() {
            // The console of Linux shows sixteen, whatever a session around it left in COLORTERM.
            "linux" => Self::Ansi,
            _ if matches!(colorterm.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") => Self::True,
            _ if term.contains("256color") => Self::Indexed,
            _ => Self::Ansi,
        }
    }
}

/// Returns whether nothing but ASCII may be written: the locale is not UTF-8, or the terminal's font holds no more.
pub(crate) fn is_ascii(variables: Variables<'_>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variables).unwrap_or_default().to_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    !utf8 || variables("TERM").is_some_and(|term| ASCII.contains(&term.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_surroundings_say_how_many_colours() {
        let auto = |set| Depth::of(Colors::Auto, &variables(set));
        assert_eq!(auto(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(auto(&[("TERM", "tmux-256color")]), Depth::Indexed);
        assert_eq!(auto(&[("TERM", "xterm-direct")]), Depth::True);
        assert_eq!(auto(&[("TERM", "xterm")]), Depth::Ansi);
        assert_eq!(auto(&[("TERM", "linux"), ("COLORTERM", "truecolor")]), Depth::Ansi);
        assert_eq!(auto(&[("TERM", "dumb")]), Depth::None);
        assert_eq!(auto(&[("TERM", "vt100")]), Depth::None);
        assert_eq!(auto(&[]), Depth::None);
        assert_eq!(auto(&[("TERM", "xterm"), ("NO_COLOR", "1")]), Depth::None);
    }

    #[test]
    fn what_the_person_says_counts_for_more() {
        let bare = variables(&[("NO_COLOR", "1"), ("TERM", "dumb")]);
        assert_eq!(Depth::of(Colors::Indexed, &bare), Depth::Indexed);
        assert_eq!(Depth::of(Colors::None, &variables(&[("COLORTERM", "truecolor")])), Depth::None);
    }

    #[test]
    fn a_locale_without_utf_8_means_ascii() {
        assert!(!is_ascii(&variables(&[("LANG", "de_DE.UTF-8"), ("TERM", "xterm")])));
        assert!(!is_ascii(&variables(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")])));
        assert!(is_ascii(&variables(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])));
        assert!(is_ascii(&variables(&[])));
        assert!(is_ascii(&variables(&[("LANG", "C.UTF-8"), ("TERM", "linux")])));
    }
}
