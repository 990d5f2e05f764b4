//! Patterns: regular expressions as Go reads them, and words with `*`.

use regex::{Regex, RegexBuilder};

/// Longest regular expression in bytes.
pub const REGEX_BYTES_MAX: usize = 512;
/// Bytes that a compiled one may take.
const SIZE_MAX: usize = 1 << 20;
/// Bytes of what it remembers while it matches.
const DFA_MAX: usize = 2 << 20;
/// Go takes no greater counts in `x{n}`.
const REPEAT_MAX: u32 = 1000;

/// A regular expression that matches the whole of a text, in time linear in it. Written as Go's, meant as Go's.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Returns the pattern of that text.
    ///
    /// # Errors
    /// Says in a few words why it is none.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > REGEX_BYTES_MAX {
            return Err(format!("a regular expression has at most {REGEX_BYTES_MAX} bytes, this one {}", text.len()));
        }
        let rust = from_go(text)?;
        let built = RegexBuilder::new(&format!("^(?:{rust})$")).size_limit(SIZE_MAX).dfa_size_limit(DFA_MAX).build();
        match built {
            Ok(regex) => Ok(Self { text: text.to_owned(), regex }),
            Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression grows too large".to_owned()),
            Err(error) => Err(reason(&error)),
        }
    }

    /// Returns its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether it matches the whole of `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Returns the last line of what the library says: the others draw the expression.
fn reason(error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default().trim();
    format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
}

/// Returns an expression of Go's in the words of our library: what both would read differently is spelt out.
fn from_go(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    // Whether what came last was a count of what came before it: a second one is none.
    let mut counted = false;
    while let Some(c) = rest.chars().next() {
        let mut now_counted = false;
        let taken = match c {
            '\\' => escape(rest, false, &mut out)?,
            '[' => class(rest, &mut out)?,
            '(' => group(rest, &mut out)?,
            '*' | '+' | '?' => {
                if counted {
                    return Err("not a regular expression: two counts behind each other".to_owned());
                }
                let lazy = usize::from(rest[1..].starts_with('?'));
                out.push_str(&rest[..=lazy]);
                now_counted = true;
                1 + lazy
            }
            '{' => match repeat(rest)? {
                Some(taken) if !counted => {
                    let lazy = usize::from(rest[taken..].starts_with('?'));
                    out.push_str(&rest[..taken + lazy]);
                    now_counted = true;
                    taken + lazy
                }
                Some(_) => return Err("not a regular expression: two counts behind each other".to_owned()),
                None => {
                    out.push_str("\\{");
                    1
                }
            },
            '}' => {
                out.push_str("\\}");
                1
            }
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        counted = now_counted;
        rest = &rest[taken..];
    }
    Ok(out)
}

/// Returns the length of a count such as `{2,5}`, or `None` where the brace is only a brace.
fn repeat(rest: &str) -> Result<Option<usize>, String> {
    let Some(end) = rest.find('}') else { return Ok(None) };
    let (low, high) = rest[1..end].split_once(',').map_or((&rest[1..end], None), |(low, high)| (low, Some(high)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(low) || high.is_some_and(|high| !high.is_empty() && !digits(high)) {
        return Ok(None);
    }
    let large = |text: &str| text.parse::<u32>().map_or(true, |count| count > REPEAT_MAX);
    if large(low) || high.is_some_and(|high| !high.is_empty() && large(high)) {
        return Err(format!("not a regular expression: counts go to {REPEAT_MAX}"));
    }
    Ok(Some(end + 1))
}

/// Copies the beginning of a group; refuses what only our library knows.
fn group(rest: &str, out: &mut String) -> Result<usize, String> {
    let Some(flags) = rest.strip_prefix("(?") else {
        out.push('(');
        return Ok(1);
    };
    if flags.starts_with("P<") || flags.starts_with('<') {
        let end = flags.find('>').ok_or("not a regular expression: a group's name does not end")?;
        out.push_str(&rest[..2 + end + 1]);
        return Ok(2 + end + 1);
    }
    let end = flags.find([':', ')']).ok_or("not a regular expression: a group does not end")?;
    if let Some(wrong) = flags[..end].chars().find(|flag| !matches!(flag, 'i' | 'm' | 's' | 'U' | '-')) {
        return Err(format!("not a regular expression: no flag `{wrong}` in a group"));
    }
    out.push_str(&rest[..2 + end + 1]);
    Ok(2 + end + 1)
}

/// Copies a class such as `[a-z]`; what would be a set operation or a class within it is meant as its characters.
fn class(rest: &str, out: &mut String) -> Result<usize, String> {
    let unclosed = || "not a regular expression: `[` is not closed".to_owned();
    let mut at = 1;
    out.push('[');
    if rest[at..].starts_with('^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let c = rest[at..].chars().next().ok_or_else(unclosed)?;
        match c {
            ']' if at > first => {
                out.push(']');
                return Ok(at + 1);
            }
            '\\' => at += escape(&rest[at..], true, out)?,
            '[' if rest[at..].starts_with("[:") && rest[at..].contains(":]") => {
                let end = at + rest[at..].find(":]").ok_or_else(unclosed)? + 2;
                out.push_str(&rest[at..end]);
                at = end;
            }
            '[' | ']' | '&' | '~' | '^' => {
                out.push('\\');
                out.push(c);
                at += 1;
            }
            // A double one would be a difference of sets.
            '-' if rest[at + 1..].starts_with('-') => {
                out.push_str("\\-");
                at += 1;
            }
            c => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
}

/// Copies an escape; classes of letters are ASCII's, as in Go.
fn escape(rest: &str, in_class: bool, out: &mut String) -> Result<usize, String> {
    let c = rest[1..].chars().next().ok_or("not a regular expression: it ends in a `\\`")?;
    let ascii = |inner: &str| if in_class { inner.to_owned() } else { format!("[{inner}]") };
    match c {
        'd' => out.push_str(&ascii("0-9")),
        'w' => out.push_str(&ascii("0-9A-Za-z_")),
        's' => out.push_str(&ascii("\\t\\n\\x0C\\r ")),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'B' | 'A' | 'z' if !in_class => out.push_str(&rest[..2]),
        'Q' => {
            let quoted = &rest[2..];
            let (inner, taken) = quoted.find("\\E").map_or((quoted, rest.len()), |end| (&quoted[..end], 2 + end + 2));
            out.push_str(&regex::escape(inner));
            return Ok(taken);
        }
        'p' | 'P' | 'x' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' => out.push_str(&rest[..2]),
        '0'..='7' => {
            let digits = rest[1..].bytes().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let number = u32::from_str_radix(&rest[1..=digits], 8).unwrap_or(0);
            // A single digit other than zero would refer back, which takes more than linear time.
            if c != '0' && digits == 1 {
                return Err(format!("not a regular expression: no `\\{c}` in it"));
            }
            out.push_str(&format!("\\x{{{number:x}}}"));
            return Ok(1 + digits);
        }
        c if c.is_ascii_punctuation() => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        c => return Err(format!("not a regular expression: no `\\{c}` in it")),
    }
    // `\p{Greek}` and `\x{1F600}` bring a brace of their own, which is none of a count.
    if matches!(c, 'p' | 'P' | 'x') && rest[2..].starts_with('{') {
        let end = rest[2..].find('}').ok_or("not a regular expression: a brace does not close")?;
        out.push_str(&rest[2..2 + end + 1]);
        return Ok(2 + end + 1);
    }
    Ok(1 + c.len_utf8())
}

/// A word in which `*` stands for anything; compared in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// Lower case, between the stars; one for a word without any.
    pieces: Vec<String>,
}

impl Glob {
    /// Returns the pattern in which each `*` stands for anything.
    pub fn starred(text: &str) -> Self {
        let mut pieces: Vec<String> = text.to_lowercase().split('*').map(str::to_owned).collect();
        // `a**b` is `a*b`.
        let last = pieces.len() - 1;
        let mut index = 0;
        pieces.retain(|piece| {
            let keep = index == 0 || index == last || !piece.is_empty();
            index += 1;
            keep
        });
        Self { pieces }
    }

    /// Returns the pattern of this very text, stars included.
    pub fn literal(text: &str) -> Self {
        Self { pieces: vec![text.to_lowercase()] }
    }

    /// Returns its text, and whether a star in it stands for anything.
    pub fn text(&self) -> (String, bool) {
        (self.pieces.join("*"), self.pieces.len() > 1)
    }

    /// Returns whether the text is like it.
    pub fn is_match(&self, text: &str) -> bool {
        if text.bytes().any(|byte| byte >= 0x80 || byte.is_ascii_uppercase()) {
            return self.matches_lower(&text.to_lowercase());
        }
        self.matches_lower(text)
    }

    /// Returns whether a text that is lower case already is like it.
    pub(super) fn matches_lower(&self, text: &str) -> bool {
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else { return false };
        if self.pieces.len() == 1 {
            return text == first;
        }
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in &self.pieces[1..self.pieces.len() - 1] {
            let Some(at) = rest.find(piece.as_str()) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Returns whether `needle`, which is lower case, stands somewhere in `text`, in any case.
pub fn contains(text: &str, needle: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(needle);
    }
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let Some(first) = needle.first() else { return true };
    let other = first.to_ascii_uppercase();
    let starts = text.len().saturating_sub(needle.len() - 1);
    (0..starts)
        .any(|at| (text[at] == *first || text[at] == other) && text[at..at + needle.len()].eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: bool) {
        assert_eq!(Pattern::new(pattern).map(|pattern| pattern.is_match(text)), Ok(expect), "{pattern} {text}");
    }

    #[test]
    fn a_pattern_is_anchored_and_means_what_go_means() {
        check("eu-.*", "eu-1", true);
        check("eu-.*", "neu-1", false);
        check("a|b", "ab", false);
        check(r"\d+", "12", true);
        check(r"\d+", "١٢", false);
        check(r"\w", "é", false);
        check(r"[\w-]+", "a-b", true);
        check("[[a]", "[", true);
        check("[a&&b]+", "a&b", true);
        check("[a--z]", "-", true);
        check("[]a]+", "]a", true);
        check("x{", "x{", true);
        check("x{,2}", "x{,2}", true);
        check("x{2}", "xx", true);
        check(r"\<a\>", "<a>", true);
        check(r"\Qa.b\E+", "a.bb", true);
        check(r"\Qa.b\E+", "axb", false);
        check(r"\p{Greek}", "λ", true);
        check("(?i)PAY", "pay", true);
        check(r"\x{41}\101", "AA", true);
        check("[[:alpha:]]+", "ab", true);
        check("", "", true);
        check(".*", "two\nlines", false);
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in ["(", "a**", "x{2}{3}", "x{1001}", r"\u0041", r"\1", r"(?x)a", r"\Z", "[a", "*", "a\\", "[z-a]"]
        {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::new(&"a".repeat(513)).is_err());
        assert!(Pattern::new("(((a{100}){100}){100})").is_err(), "grows");
    }

    #[test]
    fn stars_stand_for_anything_and_case_does_not_count() {
        for (glob, text, expect) in [
            ("pay*", "Payments", true),
            ("pay*", "pay", true),
            ("*api", "payments-api", true),
            ("p*-*i", "payments-api", true),
            ("pay", "payments", false),
            ("*", "", true),
            ("a**b", "axb", true),
            ("ab*b", "ab", false),
            ("ÄB", "äb", true),
        ] {
            assert_eq!(Glob::starred(glob).is_match(text), expect, "{glob} {text}");
        }
        assert!(Glob::literal("a*").is_match("a*") && !Glob::literal("a*").is_match("ab"));
    }

    #[test]
    fn a_part_is_found_in_any_case() {
        for (text, needle, expect) in [
            ("Disk Full", "k f", true),
            ("disk", "", true),
            ("", "a", false),
            ("a", "ab", false),
            ("ÄRGER", "ärg", true),
        ] {
            assert_eq!(contains(text, needle), expect, "{text} {needle}");
        }
    }
}
