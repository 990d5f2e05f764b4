//! Text from outside, made safe to show.
//!
//! A terminal obeys bytes, and a reader trusts shapes. Both are taken from the sender here: each character that a terminal could obey, or
//! that a reader could not see, is replaced by a mark, and no mark can be written by the sender himself. So what is shown names exactly one
//! text that was sent (but for the cuts, which have marks of their own, and for the colour of pictures), and nothing that stands between
//! letters is removed, so that nothing can close up into something new.
//!
//! | sent | shown |
//! |---|---|
//! | U+0000..U+001F, U+007F | its control picture: `␛`, `␊`, `␡` |
//! | C1, bidi, zero width, other spaces, fillers, tags, variation selectors, private use, unassigned | `‹202e›`: its code point |
//! | `‹` and control pictures that the sender wrote | `‹2039›`, `‹241b›` |
//! | a combining character without a base | `‹301›` |
//! | a picture with others joined to it | the first, `‹+6›`: terminals agree on no width for the whole |
//! | the selector behind a sign that asks for it in colour | nothing: `⚠` |
//! | a word that mixes look-alikes of several scripts | the word, `‹mixed›` |
//! | what follows the fourth zero-width code point of one grapheme | `‹+12›`: how many |
//! | a byte that is no UTF-8 | `‹x9b›` |
//! | what is longer than asked for | `‹…›` |
//!
//! Making safe text safe again marks its marks: do it once, at the edge; the type remembers.
//!
//! Right-to-left letters stay, without anything that could set a direction beyond them. A terminal that reorders may still draw a row that holds
//! them in another order: isolates would have to be sent as the very characters that are kept out here. Cells keep their width all the same.

use super::script::Word;
use serde::{Serialize, Serializer};
use std::fmt;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Most code points of no width in one grapheme; scripts in use need three, terminals were hung by thousands.
const ZERO_WIDTH_MAX: usize = 4;
/// Most code points in one grapheme; the longest emoji sequences have ten.
const CODE_POINTS_MAX: usize = 12;
/// Stands where the text went on.
const CUT: &str = "‹…›";

/// Stands behind a word in letters of several scripts.
const MIXED: &str = "‹mixed›";

/// Text that may reach a terminal, a log or a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SafeText(String);

impl SafeText {
    /// Returns `raw` as one line; line feeds and tabs become marks as well. What follows `chars_max` characters is cut.
    pub fn line(raw: &str, chars_max: usize) -> Self {
        let (kept, cut) = head(raw, chars_max);
        let mut out = String::with_capacity(kept.len() + if cut { CUT.len() } else { 0 });
        push_safe(&mut out, kept);
        if cut {
            out.push_str(CUT);
        }
        Self(out)
    }

    /// Returns bytes as one line, as [`SafeText::line`]; a byte that is no UTF-8 is shown by its value.
    pub fn bytes(raw: &[u8], chars_max: usize) -> Self {
        // A character has at most four bytes: what is behind them cannot be among the first `chars_max`.
        let kept = &raw[..raw.len().min(chars_max.saturating_mul(4))];
        let (mut out, mut left) = (String::new(), chars_max);
        for chunk in kept.utf8_chunks() {
            let (valid, cut) = head(chunk.valid(), left);
            push_safe(&mut out, valid);
            left -= valid.chars().count();
            if cut || chunk.invalid().len() > left {
                left = 0;
                break;
            }
            left -= chunk.invalid().len();
            chunk.invalid().iter().for_each(|byte| out.push_str(&format!("‹x{byte:02x}›")));
        }
        if kept.len() < raw.len() || (left == 0 && Self::bytes_count(kept) > chars_max) {
            out.push_str(CUT);
        }
        Self(out)
    }

    /// Returns `raw` as lines, split at line feeds, which are the only characters that have no mark. At most `lines_max` lines, of at most
    /// `chars_max` characters together; where more follows, the last line ends with the mark of a cut.
    pub fn block(raw: &str, chars_max: usize, lines_max: usize) -> Vec<Self> {
        let (kept, cut) = head(raw, chars_max);
        let mut rest = kept.split('\n');
        let mut lines: Vec<Self> = rest.by_ref().take(lines_max).map(|line| Self::line(line, usize::MAX)).collect();
        if let Some(last) = lines.last_mut()
            && (cut || rest.next().is_some())
        {
            last.0.push_str(CUT);
        }
        lines
    }

    /// Returns our own words, as they stand in the source.
    pub fn from_static(text: &'static str) -> Self {
        debug_assert!(!text.chars().any(|c| c.is_control()), "our own text holds a control character: {text:?}");
        Self(text.to_owned())
    }

    /// Returns the text in pieces of at most `cells` cells, cut between graphemes.
    pub fn pieces(&self, cells: usize) -> Vec<Self> {
        let mut pieces = vec![Self::default()];
        let mut used = 0;
        for grapheme in self.0.graphemes(true) {
            if used > 0 && used + grapheme.width() > cells {
                pieces.push(Self::default());
                used = 0;
            }
            used += grapheme.width();
            if let Some(last) = pieces.last_mut() {
                last.0.push_str(grapheme);
            }
        }
        pieces
    }

    /// Returns the first `bytes` of the text, or less where that would part a character; nothing says that it was longer.
    pub fn head(&self, bytes: usize) -> Self {
        Self(self.0[..self.0.floor_char_boundary(bytes)].to_owned())
    }

    /// Returns a part of the text: these bytes, or less where an end would part a character.
    pub fn part(&self, bytes: std::ops::Range<usize>) -> Self {
        let end = self.0.floor_char_boundary(bytes.end.min(self.0.len()));
        Self(self.0[self.0.floor_char_boundary(bytes.start).min(end)..end].to_owned())
    }

    /// Puts safe text behind this one.
    pub fn push(&mut self, more: &Self) {
        self.0.push_str(&more.0);
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns how many cells the text takes.
    ///
    /// The sum over its graphemes, because the screen is drawn grapheme by grapheme: ligatures across them save no cell.
    pub fn width(&self) -> usize {
        self.0.graphemes(true).map(UnicodeWidthStr::width).sum()
    }

    /// Returns the text in at most `cells` cells, cut between graphemes; a `~` as the last character says that it was longer.
    pub fn truncated(&self, cells: usize) -> Self {
        if self.width() <= cells {
            return self.clone();
        }
        let (mut used, mut end) = (0, 0);
        for grapheme in self.0.graphemes(true) {
            used += grapheme.width();
            if used >= cells {
                break;
            }
            end += grapheme.len();
        }
        Self(if cells == 0 { String::new() } else { format!("{}~", &self.0[..end]) })
    }

    /// Returns the text in exactly `cells` cells: cut as [`SafeText::truncated`], or filled with spaces.
    pub fn padded(&self, cells: usize) -> Self {
        let mut text = self.truncated(cells);
        text.0.extend(std::iter::repeat_n(' ', cells - text.width()));
        text
    }

    fn bytes_count(raw: &[u8]) -> usize {
        raw.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for SafeText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for SafeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Returns the first `chars_max` characters, and whether there are more. Looks no further than that.
fn head(raw: &str, chars_max: usize) -> (&str, bool) {
    match raw.char_indices().nth(chars_max) {
        Some((end, _)) => (&raw[..end], true),
        None => (raw, false),
    }
}

fn push_safe(out: &mut String, raw: &str) {
    if raw.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return out.push_str(raw);
    }
    let mut word = Word::default();
    for grapheme in raw.graphemes(true) {
        let first = grapheme.chars().next().unwrap_or(' ');
        if first.is_alphanumeric() || first == '_' {
            grapheme.chars().for_each(|c| word.take(c));
        } else {
            end_word(out, &mut word);
        }
        push_grapheme(out, grapheme);
    }
    end_word(out, &mut word);
}

fn end_word(out: &mut String, word: &mut Word) {
    if std::mem::take(word).is_mixed() {
        out.push_str(MIXED);
    }
}

/// What of the current grapheme was kept so far.
#[derive(Default)]
struct Kept {
    code_points: usize,
    zero_width: usize,
    surplus: usize,
    last: Option<char>,
}

fn push_grapheme(out: &mut String, grapheme: &str) {
    let mut kept = Kept::default();
    let mut rest = grapheme.chars();
    while let Some(c) = rest.next() {
        if c == '\u{fe0f}' && kept.last.is_some_and(|last| !last.is_alphabetic()) {
            continue;
        }
        if c == '\u{200d}' && kept.code_points > 0 && is_pictograph_next(rest.clone().next()) {
            kept.surplus += 1;
            continue;
        }
        if is_forbidden(c) || (kept.code_points == 0 && needs_base(c)) {
            // Nothing may lean on a mark: what follows needs a base of its own.
            kept = Kept { surplus: kept.surplus, ..Kept::default() };
            push_mark(out, c);
            continue;
        }
        let zero_width = usize::from(c.width().unwrap_or(0) == 0);
        let full = kept.code_points == CODE_POINTS_MAX || kept.zero_width + zero_width > ZERO_WIDTH_MAX;
        if full || kept.surplus > 0 {
            kept.surplus += 1;
            continue;
        }
        kept.code_points += 1;
        kept.zero_width += zero_width;
        kept.last = Some(c);
        out.push(c);
    }
    if kept.surplus > 0 {
        out.push_str(&format!("‹+{}›", kept.surplus));
    }
}

fn push_mark(out: &mut String, c: char) {
    match c {
        '\0'..='\x1f' => out.push(char::from_u32(0x2400 + c as u32).expect("control pictures are characters")),
        '\x7f' => out.push('␡'),
        _ => out.push_str(&format!("‹{:x}›", c as u32)),
    }
}

/// Returns whether the character must not be shown as itself.
fn is_forbidden(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '‹' | '\u{2400}'..='\u{2426}' => true,
        _ => is_blank(c) || !is_printable(c),
    }
}

/// Returns whether the character is drawn as nothing though it counts as printable: Unicode's default-ignorable ones that are letters or
/// marks (DerivedCoreProperties), and three that fonts leave empty.
fn is_blank(c: char) -> bool {
    matches!(c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}' | '\u{2800}' | '\u{16fe4}' | '\u{1d159}')
}

/// Returns whether Unicode has the character as a letter, mark, number, punctuation or symbol: not as a control, a format character,
/// a separator, for private use, or not at all. The standard library keeps that table for `Debug` alone, so it is asked that way.
fn is_printable(c: char) -> bool {
    // The letter in front keeps a combining character from being escaped for standing first.
    let mut buffer = [b'a'; 5];
    let end = 1 + c.encode_utf8(&mut buffer[1..]).len();
    let text = std::str::from_utf8(&buffer[..end]).expect("a letter and a character");
    text.escape_debug().nth(1) == Some(c)
}

/// Returns whether the character leans on the one before it, or takes no cell by itself.
fn needs_base(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let pair: String = ['a', c].iter().collect();
    c.width().unwrap_or(0) == 0 || pair.graphemes(true).count() == 1
}

/// Returns whether a joiner before `next` joins pictures: what follows it is counted then, not drawn.
fn is_pictograph_next(next: Option<char>) -> bool {
    next.is_some_and(|c| {
        let joined: String = [c, '\u{200d}', c].iter().collect();
        !is_forbidden(c) && joined.graphemes(true).count() == 1 && c.width() == Some(2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(raw: &str, expect: &str) {
        assert_eq!(SafeText::line(raw, 1000).as_str(), expect, "{raw:?}");
    }

    /// Reads the marks back: possible only while no two texts look the same.
    fn unmark(shown: &str) -> Option<String> {
        let (mut raw, mut rest) = (String::new(), shown);
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '‹' => {
                    let (code, after) = rest.split_once('›')?;
                    if code == "mixed" {
                        rest = after;
                        continue;
                    }
                    raw.push(
                        u32::from_str_radix(code, 16)
                            .ok()
                            .filter(|_| !code.starts_with('+'))
                            .and_then(char::from_u32)?,
                    );
                    rest = after;
                }
                '\u{2400}'..='\u{241f}' => raw.push(char::from_u32(c as u32 - 0x2400)?),
                '␡' => raw.push('\x7f'),
                _ => raw.push(c),
            }
        }
        Some(raw)
    }

    /// Returns the text without what only asks for colour.
    fn uncoloured(text: String) -> String {
        text.replace('\u{fe0f}', "")
    }

    /// The invariants of hostile.json, for one text.
    fn holds(text: &SafeText) -> Result<(), String> {
        let bad = |c: &char| {
            c.is_control()
                || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
        };
        if let Some(c) = text.as_str().chars().find(bad) {
            return Err(format!("{c:?} is shown as itself in {text:?}"));
        }
        for grapheme in text.as_str().graphemes(true) {
            let zero = grapheme.chars().filter(|c| c.width().unwrap_or(0) == 0).count();
            if grapheme.width() == 0 || zero > ZERO_WIDTH_MAX {
                return Err(format!("{grapheme:?} is {} wide with {zero} code points of no width", grapheme.width()));
            }
        }
        for cells in [0, 1, 2, 3, 7, 40] {
            let (cut, padded) = (text.truncated(cells), text.padded(cells));
            if cut.width() > cells || padded.width() != cells {
                return Err(format!("in {cells} cells: {cut:?} is {}, {padded:?} is {}", cut.width(), padded.width()));
            }
        }
        Ok(())
    }

    fn corpus(name: &str) -> serde_json::Value {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
        let directory = if std::path::Path::new(beside).exists() { beside } else { "/work/shared/corpus" };
        let path = format!("{directory}/{name}");
        let text = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("the corpus must lie beside the checkout: {path}: {error}"));
        serde_json::from_slice(&text).unwrap()
    }

    fn base64(text: &str) -> Vec<u8> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    }

    #[test]
    fn what_a_terminal_obeys_becomes_a_mark() {
        check("a\x1b[2J\x07\r\n\t\x7f\0", "a␛[2J␇␍␊␉␡␀");
        check("\u{9b}2J\u{9d}0;x\u{9c}", "‹9b›2J‹9d›0;x‹9c›");
        check("x\u{2028}y\u{85}", "x‹2028›y‹85›");
    }

    #[test]
    fn what_nobody_sees_becomes_a_mark() {
        check("invoice\u{202e}gnp.exe", "invoice‹202e›gnp.exe");
        check("api\u{200b}server api\u{200d}server", "api‹200b›server api‹200d›server");
        check("\u{feff}a\u{ad}\u{a0}\u{3000}\u{2800}\u{3164}", "‹feff›a‹ad›‹a0›‹3000›‹2800›‹3164›");
        check("\u{e0041}\u{e0100}\u{e000}\u{378}\u{ffff}", "‹e0041›‹e0100›‹e000›‹378›‹ffff›");
        check("a\u{fe0f} a\u{34f}b", "a‹fe0f› a‹34f›b");
    }

    #[test]
    fn a_sender_cannot_write_a_mark() {
        check("‹202e›", "‹2039›202e›");
        check("␛ ‹+2›", "‹241b› ‹2039›+2›");
    }

    #[test]
    fn words_of_all_scripts_stay() {
        for raw in [
            "磁盘使用率",
            "שלום עולם",
            "क्षत्रिय",
            "กำลังปฏิบัติ",
            "நிர்வாகி",
            "Cafe\u{301}",
            "ᄒ\u{1161}\u{11ab}",
            "🔥🇫🇷",
            "👍🏽",
        ] {
            check(raw, raw);
        }
    }

    #[test]
    fn pictures_take_a_width_that_is_certain() {
        check("⚠\u{fe0f} disk 1\u{fe0f}\u{20e3}", "⚠ disk 1\u{20e3}");
        check("👨\u{200d}👩\u{200d}👧\u{200d}👦 up", "👨‹+6› up");
        check("❤\u{fe0f}\u{200d}🔥", "❤‹+2›");
    }

    #[test]
    fn a_word_of_look_alikes_is_told() {
        check("service p\u{430}yments-api is down", "service p\u{430}yments‹mixed›-api is down");
        check("‹mixed›", "‹2039›mixed›");
        check("база 5μs データbase", "база 5μs データbase");
    }

    #[test]
    fn marks_without_end_are_counted_not_drawn() {
        check(&format!("e{}x", "\u{301}".repeat(50)), "e\u{301}\u{301}\u{301}\u{301}‹+46›x");
        check("\u{301}\u{301}a", "‹301›‹301›a");
        check("🏽x", "‹1f3fd›x");
        check("👨\u{200d}", "👨‹200d›");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(SafeText::line("abcdef", 3).as_str(), "abc‹…›");
        assert_eq!(SafeText::line("abc", 3).as_str(), "abc");
        assert_eq!(SafeText::bytes(b"a\xffbcd", 3).as_str(), "a‹xff›b‹…›");
        assert_eq!(SafeText::bytes(b"a\xffb", 3).as_str(), "a‹xff›b");
    }

    #[test]
    fn a_block_breaks_at_line_feeds_alone() {
        let lines = |raw, chars, max| SafeText::block(raw, chars, max).iter().map(|l| l.0.clone()).collect::<Vec<_>>();
        assert_eq!(lines("a\tb\r\nc\u{2028}d", 100, 10), ["a␉b␍", "c‹2028›d"]);
        assert_eq!(lines("a\nb\nc", 100, 2), ["a", "b‹…›"]);
        assert_eq!(lines("a\nbcd", 3, 9), ["a", "b‹…›"]);
        assert_eq!(lines("a", 3, 0), [""; 0]);
    }

    #[test]
    fn a_cell_keeps_its_width() {
        let disk = SafeText::line("磁盘使用率", 100);
        assert_eq!(disk.width(), 10);
        assert_eq!(disk.truncated(4).as_str(), "磁~");
        assert_eq!(disk.truncated(5).as_str(), "磁盘~");
        assert_eq!(disk.padded(4).as_str(), "磁~ ");
        assert_eq!(SafeText::from_static("ok").padded(4).as_str(), "ok  ");
        assert_eq!(format!("[{:>4}]", SafeText::from_static("ok")), "[  ok]");
    }

    #[test]
    fn every_hostile_case_holds_the_invariants() {
        let cases = corpus("hostile.json");
        for case in cases["cases"].as_array().unwrap() {
            let repeat = case["repeat"].as_u64().unwrap_or(1) as usize;
            let bytes = base64(case["b64"].as_str().unwrap()).repeat(repeat);
            let whole = SafeText::bytes(&bytes, 100_000);
            holds(&whole).unwrap_or_else(|why| panic!("{}: {why}", case["id"]));
            holds(&SafeText::bytes(&bytes, 5)).unwrap();
            if let Ok(text) = std::str::from_utf8(&bytes) {
                assert_eq!(SafeText::line(text, 100_000), whole, "{}", case["id"]);
                SafeText::block(text, 100_000, 100).iter().for_each(|line| holds(line).unwrap());
            }
        }
    }

    #[test]
    fn every_naughty_string_holds_the_invariants_and_reads_back() {
        for entry in corpus("blns.json")["strings"].as_array().unwrap() {
            let raw = entry["s"].as_str().unwrap();
            let text = SafeText::line(raw, 10_000);
            holds(&text).unwrap();
            if !text.as_str().contains("‹+") {
                assert_eq!(unmark(text.as_str()).map(uncoloured), Some(uncoloured(raw.to_owned())));
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_and_reads_back(raw in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{200f}\u{202a}-\u{202e}‹›🏽🇫\u{301}\u{fe0f}\u{1161}👩]|.){0,40}") {
            let text = SafeText::line(&raw, 1000);
            holds(&text).map_err(TestCaseError::fail)?;
            if !text.as_str().contains("‹+") {
                prop_assert_eq!(unmark(text.as_str()).map(uncoloured), Some(uncoloured(raw)));
            }
        }

        #[test]
        fn any_bytes_are_safe_and_in_proportion(raw in proptest::collection::vec(any::<u8>(), 0..200), max in 0usize..50) {
            let text = SafeText::bytes(&raw, max);
            holds(&text).map_err(TestCaseError::fail)?;
            prop_assert!(text.as_str().chars().count() <= max * 8 + 3);
        }
    }
}
