//! From text to tree.

use super::error::QueryError;
use super::field::{self, Field};
use super::lex::{Cursor, Sign, Written, unescape};
use super::matchers;
use super::pattern::{Glob, Pattern};
use super::tree::{Atom, Node, TextTest};
use super::value;
use crate::domain::nearest::nearest;
use std::ops::Range;

/// Longest text of a query in bytes.
pub const TEXT_BYTES_MAX: usize = 4096;
/// How deep parentheses and `not` may stand in each other.
pub const DEPTH_MAX: usize = 32;
/// Most questions in a query.
pub const ATOMS_MAX: usize = 256;
/// Most regular expressions in a query: each may take megabytes.
pub const REGEXES_MAX: usize = 16;

/// Words and signs of other languages, with ours.
const FOREIGN: [(&str, &str); 8] = [
    ("AND", "and"),
    ("OR", "or"),
    ("NOT", "not"),
    ("&&", "and"),
    ("||", "or"),
    ("&", "and"),
    ("|", "or"),
    ("unless", "and not"),
];

/// Reads one text.
pub(super) struct Parser<'t> {
    pub(super) cursor: Cursor<'t>,
    depth: usize,
    atoms: usize,
    regexes: usize,
}

/// Returns the tree of a text.
pub(super) fn parse(text: &str) -> Result<Node, QueryError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("a query has at most {TEXT_BYTES_MAX} bytes, this one {}", text.len());
        return Err(QueryError::at(0..text.len(), message).hint("leave out what others say as well"));
    }
    let mut parser = Parser { cursor: Cursor { text, at: 0 }, depth: 0, atoms: 0, regexes: 0 };
    parser.cursor.skip_space();
    if parser.cursor.rest().is_empty() {
        return Ok(Node::and(0..text.len(), Vec::new()));
    }
    let node = parser.or()?;
    parser.cursor.skip_space();
    match parser.cursor.peek() {
        None => Ok(node),
        Some(c) => Err(QueryError::at(parser.here(c), format!("`{c}` closes nothing")).hint("leave it out")),
    }
}

impl Parser<'_> {
    fn here(&self, c: char) -> Range<usize> {
        self.cursor.at..self.cursor.at + c.len_utf8()
    }

    fn or(&mut self) -> Result<Node, QueryError> {
        let start = self.cursor.at;
        let mut parts = vec![self.and()?];
        while self.keyword("or") {
            parts.push(self.and()?);
        }
        Ok(Node::or(start..self.cursor.at, parts))
    }

    fn and(&mut self) -> Result<Node, QueryError> {
        let start = self.cursor.at;
        let mut parts = vec![self.not()?];
        loop {
            let end = self.cursor.at;
            self.cursor.skip_space();
            if matches!(self.cursor.peek(), None | Some(')' | '}')) || self.cursor.at_word("or") {
                self.cursor.at = end;
                return Ok(Node::and(start..end, parts));
            }
            self.keyword("and");
            parts.push(self.not()?);
        }
    }

    /// Takes the keyword if it is next.
    fn keyword(&mut self, word: &str) -> bool {
        let mut ahead = self.cursor.clone();
        ahead.skip_space();
        let takes = ahead.at_word(word);
        if takes {
            self.cursor.at = ahead.at + word.len();
        }
        takes
    }

    fn not(&mut self) -> Result<Node, QueryError> {
        self.cursor.skip_space();
        let start = self.cursor.at;
        let sign = self.bang() || self.cursor.peek() == Some('-');
        if sign {
            self.cursor.at += 1;
        }
        if sign || self.keyword("not") {
            let part = self.deeper(start, Self::not)?;
            return Ok(Node::negated(start..self.cursor.at, part));
        }
        self.part()
    }

    /// Returns whether a `!` stands here that begins no sign.
    fn bang(&self) -> bool {
        self.cursor.rest().strip_prefix('!').is_some_and(|rest| !rest.starts_with(['=', '~']))
    }

    fn deeper(
        &mut self,
        start: usize,
        read: impl FnOnce(&mut Self) -> Result<Node, QueryError>,
    ) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("parentheses and `not` stand more than {DEPTH_MAX} deep");
            return Err(QueryError::at(start..start + 1, message).hint("write it flatter"));
        }
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn part(&mut self) -> Result<Node, QueryError> {
        let start = self.cursor.at;
        let Some(c) = self.cursor.peek() else {
            return Err(QueryError::at(start..start, "something is missing here").hint("a word, or such as state:new"));
        };
        match c {
            '(' => self.parenthesis(start),
            '{' => matchers::braces(self),
            '"' => self.quote(start),
            ')' | '}' => {
                Err(QueryError::at(self.here(c), "something is missing before this")
                    .hint("a word, or such as state:new"))
            }
            ',' => Err(QueryError::at(self.here(c), "a comma stands within braces, or between values of a `:`")
                .hint("write a space, or `and`, or state:new,acked")),
            '=' | '<' | '>' | ':' | '!' => Err(QueryError::at(self.here(c), format!("no name stands before `{c}`"))
                .hint("such as severity<=3 or cluster=eu-1")),
            _ => {
                self.cursor.refuse_quotes()?;
                self.word(start)
            }
        }
    }

    fn parenthesis(&mut self, start: usize) -> Result<Node, QueryError> {
        self.cursor.take('(');
        self.cursor.skip_space();
        if self.cursor.peek() == Some(')') {
            let error = QueryError::at(start..self.cursor.at + 1, "nothing stands in these parentheses");
            return Err(error.hint("leave them out"));
        }
        let mut node = self.deeper(start, Self::or)?;
        self.cursor.skip_space();
        if !self.cursor.take(')') {
            return Err(QueryError::at(start..start + 1, "this parenthesis is not closed").hint("write `)`"));
        }
        node.span = start..self.cursor.at;
        Ok(node)
    }

    /// Reads a text in quotes, which is the name of a label when a sign follows.
    fn quote(&mut self, start: usize) -> Result<Node, QueryError> {
        let (raw, span) = self.cursor.quoted()?;
        let text = unescape(raw);
        match self.cursor.sign()? {
            Some(sign) if text.is_empty() => {
                Err(QueryError::at(span.start..sign.1.end, "the name of a label is empty"))
            }
            Some((sign, at)) => self.label(start, &text, sign, at),
            None => self.atom(start, Atom::Text(vec![text.to_lowercase()])),
        }
    }

    fn word(&mut self, start: usize) -> Result<Node, QueryError> {
        let word = self.cursor.word();
        self.refuse_foreign(start, word)?;
        self.cursor.at += word.len();
        let rest = self.cursor.rest();
        // An address is text: `10.0.0.1:9100`, `http://pay`.
        if rest.starts_with(':') && (!is_name(word) || rest.starts_with("://")) {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '"')).unwrap_or(rest.len());
            self.cursor.at += end;
            let text = self.cursor.text[start..self.cursor.at].to_lowercase();
            return self.atom(start, Atom::Text(vec![text]));
        }
        match self.cursor.sign()? {
            None => self.atom(start, Atom::Text(vec![word.to_lowercase()])),
            Some((sign, at)) => match (word.strip_prefix("label."), Field::named(word)) {
                (Some(name), _) if !name.is_empty() => self.label(start, name, sign, at),
                (_, Some(field)) => self.field(start, field, sign, at),
                _ => self.label(start, word, sign, at),
            },
        }
    }

    fn refuse_foreign(&self, start: usize, word: &str) -> Result<(), QueryError> {
        let found = FOREIGN.iter().find_map(|(foreign, ours)| {
            let within = foreign.len() == 2 && !foreign.as_bytes()[0].is_ascii_alphabetic();
            let at = if within { word.find(foreign)? } else { (word == *foreign).then_some(0)? };
            Some((start + at..start + at + foreign.len(), *foreign, *ours))
        });
        // A label may have such a name.
        let followed = self.cursor.rest()[word.len()..].trim_start().starts_with([':', '=', '!']);
        match found {
            Some((span, foreign, ours)) if !followed => {
                let error = QueryError::at(span, format!("`{foreign}` is no word of this language"));
                Err(error.hint(format!("write `{ours}`, or \"{foreign}\" for the text")))
            }
            _ => Ok(()),
        }
    }

    fn field(&mut self, start: usize, field: Field, sign: Sign, at: Range<usize>) -> Result<Node, QueryError> {
        let values = self.values(field.name(), sign, at.clone(), &value::hint(field))?;
        self.count_regex(sign, &values)?;
        let read = value::Asked { field, sign, at, start };
        let (atom, negated) = read.of(&values)?;
        let node = self.atom(start, atom)?;
        Ok(if negated { Node::negated(node.span.clone(), node) } else { node })
    }

    fn label(&mut self, start: usize, name: &str, sign: Sign, at: Range<usize>) -> Result<Node, QueryError> {
        if matches!(sign, Sign::Less | Sign::AtMost | Sign::More | Sign::AtLeast) {
            let error =
                QueryError::at(start..at.end, format!("`{name}` is a label, and labels are not greater or less"));
            let meant = nearest(name, field::names()).map(|name| format!("did you mean `{name}`? "));
            let compared = "severity, age, number, flaps and series are compared";
            return Err(error.hint(format!("{}{compared}", meant.unwrap_or_default())));
        }
        let values = self.values(name, sign, at, "in quotes where it is empty: \"\"")?;
        let (negated, test) = self.text_test(sign, &values)?;
        self.atom(start, Atom::Label { name: name.to_owned(), negated, test })
    }

    /// Returns whether the opposite is asked, and the question to a text.
    pub(super) fn text_test(&mut self, sign: Sign, values: &[Written]) -> Result<(bool, TextTest), QueryError> {
        self.count_regex(sign, values)?;
        text_test(sign, values)
    }

    fn count_regex(&mut self, sign: Sign, values: &[Written]) -> Result<(), QueryError> {
        self.regexes += usize::from(matches!(sign, Sign::Match | Sign::NotMatch));
        if self.regexes <= REGEXES_MAX {
            return Ok(());
        }
        let message = format!("a query has at most {REGEXES_MAX} regular expressions");
        let span = values.first().map_or(0..0, |value| value.span.clone());
        Err(QueryError::at(span, message).hint("one can name several: cluster=~\"eu-1|eu-2\""))
    }

    /// Reads the value behind a sign, or the values behind a `:`.
    fn values(&mut self, name: &str, sign: Sign, at: Range<usize>, hint: &str) -> Result<Vec<Written>, QueryError> {
        if sign != Sign::Any {
            self.cursor.skip_space();
        }
        let missing = || {
            let error = QueryError::at(at.clone(), format!("a value is missing behind `{name}{}`", sign.text()));
            Err(error.hint(hint.to_owned()))
        };
        if sign != Sign::Any && self.cursor.rest().starts_with(['=', '~', '<', '>']) {
            let c = self.cursor.peek().unwrap_or('=');
            let wrong = QueryError::at(at.start..self.cursor.at + 1, format!("`{}{c}` is no operator", sign.text()));
            return Err(wrong.hint("they are = != =~ !~ < <= > >= and :"));
        }
        let Some(first) = self.cursor.value()? else { return missing() };
        let mut values = vec![first];
        while self.cursor.peek() == Some(',') {
            let comma = self.cursor.at;
            if sign != Sign::Any {
                let error = QueryError::at(comma..comma + 1, format!("`{}` takes one value", sign.text()));
                return Err(error.hint(format!("for any of several write {name}:{},..", values[0].text)));
            }
            self.cursor.at += 1;
            match self.cursor.value()? {
                Some(value) => values.push(value),
                // Another value is about to be typed.
                None if self.cursor.peek() != Some(',') => break,
                None => return Err(QueryError::at(comma..self.cursor.at + 1, "a value is missing between commas")),
            }
            if values.len() > ATOMS_MAX {
                let span = values[0].span.start..self.cursor.at;
                return Err(QueryError::at(span, format!("a `:` takes at most {ATOMS_MAX} values")));
            }
        }
        Ok(values)
    }

    /// Counts a question and returns its node, from `start` to here.
    pub(super) fn atom(&mut self, start: usize, atom: Atom) -> Result<Node, QueryError> {
        self.atoms += 1;
        let span = start..self.cursor.at;
        if self.atoms > ATOMS_MAX {
            let error = QueryError::at(span, format!("a query asks at most {ATOMS_MAX} questions"));
            return Err(error.hint("state:new,acked asks one, and so does cluster=~\"a|b|c\""));
        }
        Ok(Node::atom(span, atom))
    }
}

/// Returns whether the opposite is asked, and the question to a text.
pub(super) fn text_test(sign: Sign, values: &[Written]) -> Result<(bool, TextTest), QueryError> {
    let first = &values[0];
    let test = match sign {
        Sign::Any => TextTest::Like(values.iter().map(glob).collect()),
        Sign::Match | Sign::NotMatch => {
            TextTest::Matches(Pattern::new(&first.text).map_err(|wrong| QueryError::at(first.span.clone(), wrong))?)
        }
        _ => TextTest::Is(first.text.clone()),
    };
    Ok((matches!(sign, Sign::NotEqual | Sign::NotMatch), test))
}

/// Returns the pattern of a value; stars in quotes are stars.
pub(super) fn glob(value: &Written) -> Glob {
    if value.quoted { Glob::literal(&value.text) } else { Glob::starred(&value.text) }
}

/// Returns whether a word may stand before a `:` as a name: letters, digits, `_`, and `.` as in `label.env`.
pub(super) fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}
