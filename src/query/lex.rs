//! The characters of a query: where words, quotes and signs begin and end.

use super::error::QueryError;
use std::ops::Range;

/// Where reading stands in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

/// A sign between a name and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    NotEqual,
    Match,
    NotMatch,
    Less,
    AtMost,
    More,
    AtLeast,
    Any,
}

impl Sign {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Any => ":",
        }
    }
}

/// Longer ones first; what is none of ours stands with what was meant.
const SIGNS: [(&str, Result<Sign, &str>); 13] = [
    ("==", Err("=")),
    ("=~", Ok(Sign::Match)),
    ("=<", Err("<=")),
    ("=>", Err(">=")),
    ("<>", Err("!=")),
    ("~=", Err("=~")),
    ("!=", Ok(Sign::NotEqual)),
    ("!~", Ok(Sign::NotMatch)),
    ("<=", Ok(Sign::AtMost)),
    (">=", Ok(Sign::AtLeast)),
    ("=", Ok(Sign::Equal)),
    ("<", Ok(Sign::Less)),
    (">", Ok(Sign::More)),
];

/// A value as it was written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) span: Range<usize>,
}

impl<'t> Cursor<'t> {
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes the character if it is the next.
    pub(super) fn take(&mut self, c: char) -> bool {
        let takes = self.peek() == Some(c);
        if takes {
            self.at += c.len_utf8();
        }
        takes
    }

    /// Returns the next run of characters that belong to a word: up to a space, a bracket, a comma, a quote or a sign.
    pub(super) fn word(&self) -> &'t str {
        let rest = self.rest();
        &rest[..rest.char_indices().find(|(at, c)| ends_word(&rest[*at..], *c)).map_or(rest.len(), |(at, _)| at)]
    }

    /// Returns whether the next word is this one.
    pub(super) fn at_word(&self, word: &str) -> bool {
        self.word() == word && !self.rest()[word.len()..].starts_with(':')
    }

    /// Takes a sign, with space before it; `:` stands close.
    pub(super) fn sign(&mut self) -> Result<Option<(Sign, Range<usize>)>, QueryError> {
        if self.take(':') {
            return Ok(Some((Sign::Any, self.at - 1..self.at)));
        }
        let mut ahead = self.clone();
        ahead.skip_space();
        let Some((text, sign)) = SIGNS.iter().find(|(text, _)| ahead.rest().starts_with(text)) else {
            return Ok(None);
        };
        let span = ahead.at..ahead.at + text.len();
        self.at = span.end;
        match sign {
            Ok(sign) => Ok(Some((*sign, span))),
            Err(meant) => {
                let error = QueryError::at(span, format!("`{text}` is no operator"));
                Err(error.hint(format!("write `{meant}`")))
            }
        }
    }

    /// Returns what stands between this quote and the next, as it is written.
    pub(super) fn quoted(&mut self) -> Result<(&'t str, Range<usize>), QueryError> {
        let start = self.at;
        let inner = start + 1;
        let mut escaped = false;
        for (at, c) in self.text[inner..].char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at = inner + at + 1;
                    return Ok((&self.text[inner..inner + at], start..self.at));
                }
                _ => {}
            }
        }
        self.at = self.text.len();
        Err(QueryError::at(start..self.text.len(), "this quote is not closed").hint("write `\"` at its end"))
    }

    /// Takes a value in quotes, or up to a space, a comma or a bracket that was not opened in it.
    pub(super) fn value(&mut self) -> Result<Option<Written>, QueryError> {
        if self.peek() == Some('"') {
            let (raw, span) = self.quoted()?;
            self.must_part()?;
            return Ok(Some(Written { text: unescape(raw), quoted: true, span }));
        }
        self.refuse_quotes()?;
        let (start, mut open) = (self.at, Vec::new());
        for c in self.rest().chars() {
            match c {
                '(' => open.push(')'),
                '{' => open.push('}'),
                '[' => open.push(']'),
                ')' | '}' | ']' if open.last() == Some(&c) => {
                    open.pop();
                }
                ')' | '}' => break,
                ',' if open.is_empty() => break,
                '"' => break,
                c if c.is_whitespace() => break,
                _ => {}
            }
            self.at += c.len_utf8();
        }
        let span = start..self.at;
        self.must_part()?;
        Ok((!span.is_empty()).then(|| Written { text: self.text[span.clone()].to_owned(), quoted: false, span }))
    }

    /// Refuses the quotes of other languages.
    pub(super) fn refuse_quotes(&self) -> Result<(), QueryError> {
        match self.peek() {
            Some(c @ ('\'' | '`' | '“' | '”')) => {
                let span = self.at..self.at + c.len_utf8();
                Err(QueryError::at(span, format!("no quote: {c}")).hint("quotes are double: \"disk full\""))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a value to which the next thing is glued.
    fn must_part(&self) -> Result<(), QueryError> {
        match self.peek() {
            Some(c) if !c.is_whitespace() && !matches!(c, ',' | ')' | '}') => {
                let error = QueryError::at(self.at..self.at + c.len_utf8(), "two things without a space between them");
                Err(error.hint("put a space here, or the whole value into quotes"))
            }
            _ => Ok(()),
        }
    }
}

fn ends_word(rest: &str, c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '(' | ')' | '{' | '}' | ',' | '"' | '=' | '<' | '>' | ':')
        || (matches!(c, '!' | '~') && (rest[1..].starts_with(['=', '~'])))
}

/// Returns what a quoted text means: `\n`, `\"` and `\\` are what they are everywhere, any other `\` is itself, as in Alertmanager.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(c @ ('"' | '\\')) => out.push(c),
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    out
}

/// Returns the text in quotes, so that [`unescape`] reads it back.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
