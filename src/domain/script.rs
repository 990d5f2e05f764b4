//! Words in letters of several scripts: `pаyments` with a Cyrillic `а` reads as `payments` and is another service.
//!
//! The rule is Unicode's "highly restrictive" level (UTS 39, 5.2): one script; or Latin beside the scripts that Chinese, Japanese and
//! Korean are written in. One exception: Greek letters that look like no Latin one stay units and symbols (`μs`, `kΩ`, `Δt`).

use unicode_script::{Script, UnicodeScript as _};

/// Which scripts the letters of one word are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Word {
    latin: bool,
    east: bool,
    /// The one other script.
    other: Option<Script>,
    /// More than one other.
    several: bool,
}

impl Word {
    /// Takes the next letter, digit or mark of the word in.
    pub fn take(&mut self, c: char) {
        match c.script() {
            Script::Common | Script::Inherited | Script::Unknown => {}
            Script::Latin => self.latin = true,
            Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo => self.east = true,
            Script::Greek if !looks_latin(c) => {}
            other => self.several |= self.other.replace(other).is_some_and(|before| before != other),
        }
    }

    /// Returns whether the word mixes scripts as no language does.
    pub fn is_mixed(&self) -> bool {
        self.several || (self.other.is_some() && (self.latin || self.east))
    }
}

/// Returns whether a Greek letter can be taken for a Latin one.
fn looks_latin(c: char) -> bool {
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυχϲϳ".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, mixed: bool) {
        let mut scripts = Word::default();
        word.chars().for_each(|c| scripts.take(c));
        assert_eq!(scripts.is_mixed(), mixed, "{word}");
    }

    #[test]
    fn look_alikes_among_latin_letters_are_mixed() {
        check("p\u{430}yments", true); // Cyrillic a
        check("\u{391}PI", true); // Greek Alpha
        check("api\u{578}", true); // Armenian vo, as n
        check("ѕсоре\u{1d5}", true);
        check("\u{430}\u{3bf}", true);
        check("漢字\u{430}", true);
    }

    #[test]
    fn what_languages_and_engineers_write_is_not() {
        for word in [
            "payments",
            "Zürich",
            "база",
            "λόγος",
            "データbase2",
            "磁盘IO",
            "디스크x",
            "μs",
            "kΩ",
            "Δt",
            "π2",
            "שלום",
            "k8s",
            "5µs",
            "",
        ] {
            check(word, false);
        }
    }
}
