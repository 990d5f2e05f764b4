//! What a text is compared with: a value, a regular expression, a beginning.

use super::error::QueryError;
use regex::{Regex, RegexBuilder};
use std::fmt;
use std::ops::Range;

/// Longest regular expression, in bytes.
pub const REGEX_BYTES_MAX: usize = 512;
/// Most memory that a compiled expression may take, in bytes.
const REGEX_SIZE_MAX: usize = 1 << 20;
/// Most memory that its lazy automaton may take, in bytes.
const REGEX_DFA_MAX: usize = 2 << 20;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Op {
    /// All of them, the longer before what begins them.
    pub const ALL: [Self; 8] = [
        Self::Matches,
        Self::NotMatches,
        Self::NotEqual,
        Self::AtMost,
        Self::AtLeast,
        Self::Equal,
        Self::Less,
        Self::More,
    ];

    /// Returns how it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Returns whether it needs an order.
    pub fn orders(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::More | Self::AtLeast)
    }

    pub(super) fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal | Self::Matches => left == right,
            Self::NotEqual | Self::NotMatches => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// What a text must be.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// This.
    Is(String),
    /// As this expression says, from its beginning to its end.
    Matches(Regex, String),
    /// With this at its beginning, whatever the case.
    Begins(String),
    /// This, whatever the case.
    IsLike(String),
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Is(a), Self::Is(b)) | (Self::Begins(a), Self::Begins(b)) | (Self::IsLike(a), Self::IsLike(b)) => {
                a == b
            }
            (Self::Matches(_, a), Self::Matches(_, b)) => a == b,
            (Self::Is(_) | Self::Matches(..) | Self::Begins(_) | Self::IsLike(_), _) => false,
        }
    }
}

impl Pattern {
    /// Returns whether the text is as it says.
    pub fn fits(&self, text: &str) -> bool {
        match self {
            Self::Is(wanted) => text == wanted,
            Self::Matches(regex, _) => regex.is_match(text),
            Self::Begins(wanted) => begins(text, wanted),
            Self::IsLike(wanted) => text.len() == wanted.len() && begins(text, wanted) || lower(text) == *wanted,
        }
    }

    /// Reads a regular expression that must match a whole text.
    pub(super) fn whole(text: &str, span: Range<usize>) -> Result<Self, QueryError> {
        let regex = compile(&format!("^(?s:{text})$"), text, span, false)?;
        Ok(Self::Matches(regex, text.to_owned()))
    }
}

fn begins(text: &str, wanted: &str) -> bool {
    match text.get(..wanted.len()) {
        Some(head) if head.eq_ignore_ascii_case(wanted) => true,
        _ => lower(text).starts_with(wanted),
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// Reads a regular expression that may match anywhere, whatever the case.
pub(super) fn anywhere(text: &str, span: Range<usize>) -> Result<Regex, QueryError> {
    compile(text, text, span, true)
}

fn compile(pattern: &str, written: &str, span: Range<usize>, ignore_case: bool) -> Result<Regex, QueryError> {
    if written.len() > REGEX_BYTES_MAX {
        let message = format!("the expression is {} bytes long, at most {REGEX_BYTES_MAX} are taken", written.len());
        return Err(QueryError::new(span, message));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(REGEX_SIZE_MAX)
        .dfa_size_limit(REGEX_DFA_MAX)
        .build()
        .map_err(|error| QueryError::new(span, why(&error)))
}

fn why(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the expression is too big; write fewer repetitions".to_owned(),
        other => {
            // The crate draws the pattern over several lines; what is wrong stands on the last one.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("not a regular expression: {}", last.trim_start_matches("error: "))
        }
    }
}

/// Text that is looked for, whatever its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    written: String,
    lower: String,
}

impl Needle {
    pub(super) fn new(written: &str) -> Self {
        Self { written: written.to_owned(), lower: written.to_lowercase() }
    }

    /// Returns it as it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Returns whether the text holds it.
    pub fn is_in(&self, text: &str) -> bool {
        let needle = self.lower.as_bytes();
        if text.is_ascii() && self.lower.is_ascii() {
            return needle.is_empty()
                || text.as_bytes().windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle));
        }
        text.to_lowercase().contains(&self.lower)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}
