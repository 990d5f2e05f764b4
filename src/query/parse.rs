//! Text to tree: a reader over the characters, one function for each rule of the grammar.
//!
//! ```text
//! query  = [ or ]
//! or     = and { "or" and }
//! and    = not { ["and"] not }
//! not    = ( "not" | "-" | "!" ) not | atom
//! atom   = "(" or ")" | "{" [ matcher { "," matcher } [","] ] "}" | NAME op VALUE | FIELD ":" VALUE { "," VALUE } | WORD | STRING
//! ```

use super::error::QueryError;
use super::field::{Field, Kind, STATES};
use super::node::{Atom, Node, Order, Person, Test};
use super::pattern::{Needle, Op, Pattern, anywhere};
use super::{ATOMS_MAX, BYTES_MAX, DEPTH_MAX};
use crate::domain::nearest::nearest;
use std::ops::Range;

/// Shorter words for states, as the column shows them.
const STATE_WORDS: [(&str, &str); 7] = [
    ("ack", "acked"),
    ("res", "resolved"),
    ("rcv", "recovering"),
    ("unk", "unknown"),
    ("snz", "snoozed"),
    ("wait", "waiting"),
    ("pend", "pending"),
];

pub(super) fn parse(text: &str) -> Result<Node, QueryError> {
    if text.len() > BYTES_MAX {
        let message = format!("the query is {} bytes long, at most {BYTES_MAX} are taken", text.len());
        return Err(QueryError::new(0..text.len(), message));
    }
    let mut reader = Reader { text, at: 0, atoms: 0 };
    reader.skip_space();
    if reader.is_over() {
        return Ok(Node::All);
    }
    let root = reader.or(0)?;
    if reader.is_over() {
        return Ok(root);
    }
    Err(QueryError::new(reader.next_char(), format!("`{}` closes nothing", reader.char_here())))
}

/// Reads what stands in one `filter` parameter: one matcher, or several in braces.
pub(super) fn matchers(text: &str) -> Result<Vec<Node>, QueryError> {
    if text.len() > BYTES_MAX {
        return Err(QueryError::new(0..text.len(), format!("longer than {BYTES_MAX} bytes")));
    }
    let mut reader = Reader { text, at: 0, atoms: 0 };
    reader.skip_space();
    let found = if reader.peek() == Some('{') { vec![reader.braces()?] } else { reader.list(None)? };
    reader.skip_space();
    if !reader.is_over() {
        return Err(QueryError::new(reader.at..text.len(), "nothing may stand after the matchers"));
    }
    Ok(found)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    atoms: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn is_over(&self) -> bool {
        self.at >= self.text.len()
    }

    fn char_here(&self) -> String {
        self.peek().map(String::from).unwrap_or_default()
    }

    fn next_char(&self) -> Range<usize> {
        self.at..self.at + self.peek().map_or(0, char::len_utf8)
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Returns whether this word comes next, as a word of its own, and not as a name before an operator.
    fn is_keyword(&self, word: &str) -> bool {
        let Some(head) = self.rest().get(..word.len()) else { return false };
        let after = &self.rest()[head.len()..];
        let ends = after.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '{' | '"'));
        head.eq_ignore_ascii_case(word) && ends && !begins_with_sign(after.trim_start())
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = self.is_keyword(word);
        if found {
            self.at += word.len();
            self.skip_space();
        }
        found
    }

    fn or(&mut self, depth: usize) -> Result<Node, QueryError> {
        let mut parts = vec![self.and(depth)?];
        while self.keyword("or") {
            parts.push(self.and(depth)?);
        }
        Ok(Node::or(parts))
    }

    fn and(&mut self, depth: usize) -> Result<Node, QueryError> {
        let mut parts = vec![self.not(depth)?];
        loop {
            self.skip_space();
            if self.keyword("and") {
                parts.push(self.not(depth)?);
                continue;
            }
            if self.is_over() || self.peek() == Some(')') || self.is_keyword("or") {
                return Ok(Node::and(parts));
            }
            parts.push(self.not(depth)?);
        }
    }

    fn not(&mut self, depth: usize) -> Result<Node, QueryError> {
        if depth > DEPTH_MAX {
            return Err(QueryError::new(self.next_char(), format!("nested deeper than {DEPTH_MAX}")));
        }
        self.skip_space();
        let sign = self.rest().len() > 1
            && matches!(self.peek(), Some('-' | '!'))
            && !self.rest()[1..].starts_with(|c: char| c.is_whitespace() || c == ')')
            && !begins_with_sign(self.rest());
        if sign {
            self.at += 1;
        }
        if sign || self.keyword("not") {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        self.atom(depth)
    }

    fn atom(&mut self, depth: usize) -> Result<Node, QueryError> {
        self.skip_space();
        let start = self.at;
        match self.peek() {
            None => Err(QueryError::new(start..start, "something is missing at the end").hint(self.missing())),
            Some(')') => Err(QueryError::new(self.next_char(), "something is missing before `)`").hint(self.missing())),
            Some('(') => {
                self.at += 1;
                let inner = self.or(depth + 1)?;
                self.skip_space();
                if self.take(")") {
                    return Ok(inner);
                }
                Err(QueryError::new(start..start + 1, "`(` is not closed").hint("write `)`"))
            }
            Some('{') => self.braces(),
            Some('"') => {
                let text = self.string()?;
                let span = start..self.at;
                match self.operator()? {
                    Some(op) => self.compared(&text, true, span, op),
                    None => self.keep(span, Test::Text(Needle::new(&text))),
                }
            }
            Some('&' | '|') => self.foreign(),
            Some(_) if begins_with_sign(self.rest()) => {
                let message = format!("`{}` has no name before it", self.char_here());
                Err(QueryError::new(self.next_char(), message).hint("write severity<=3 or service=pay"))
            }
            Some(_) => self.word(),
        }
    }

    fn missing(&self) -> &'static str {
        let before = self.text[..self.at].trim_end();
        if before.ends_with("and") || before.ends_with("or") || before.ends_with("not") {
            "write what else must hold, or take the last word away"
        } else {
            "write a word, a field such as state=new, or a label such as {service=\"pay\"}"
        }
    }

    /// Operators of other languages.
    fn foreign(&mut self) -> Result<Node, QueryError> {
        let (sign, word) = if self.peek() == Some('&') { ("&", "and") } else { ("|", "or") };
        let double = self.rest().starts_with(&sign.repeat(2));
        let end = self.at + if double { 2 } else { 1 };
        Err(QueryError::new(self.at..end, format!("`{}` is not of this language", &self.text[self.at..end]))
            .hint(format!("write {word}")))
    }

    /// A word alone, or a name with what it is compared with.
    fn word(&mut self) -> Result<Node, QueryError> {
        let start = self.at;
        let word = self.bare(|c| matches!(c, '(' | ')' | '{' | '}' | '"' | '=' | '<' | '>'));
        if word.is_empty() {
            return Err(QueryError::new(self.next_char(), format!("`{}` has no meaning here", self.char_here()))
                .hint("put text that holds it in quotes"));
        }
        if let Some((name, _)) = word.split_once(':')
            && let Some(field) = Field::of(name)
        {
            self.at = start + name.len() + 1;
            return self.field_list(field, start);
        }
        let span = start..self.at;
        match self.operator()? {
            Some(op) => self.compared(word, false, span, op),
            None => self.keep(span, Test::Text(Needle::new(word))),
        }
    }

    /// Takes characters until a space, one of those, or an operator that begins with `!`.
    fn bare(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|(at, c)| c.is_whitespace() || ends(*c) || (*c == '!' && begins_with_sign(&rest[*at..])));
        let word = &rest[..end.map_or(rest.len(), |(at, _)| at)];
        self.at += word.len();
        word
    }

    /// Takes an operator, where one comes next.
    fn operator(&mut self) -> Result<Option<Op>, QueryError> {
        let here = self.at;
        self.skip_space();
        let start = self.at;
        let Some(op) = Op::ALL.into_iter().find(|op| self.rest().starts_with(op.sign())) else {
            self.at = here;
            return Ok(None);
        };
        self.at += op.sign().len();
        if self.rest().starts_with(['=', '<', '>']) {
            let end = self.at + 1;
            return Err(QueryError::new(start..end, format!("`{}` is no operator", &self.text[start..end]))
                .hint("the operators are = != =~ !~ < <= > >="));
        }
        self.skip_space();
        Ok(Some(op))
    }

    /// A name, an operator and what comes after it.
    fn compared(&mut self, name: &str, quoted: bool, span: Range<usize>, op: Op) -> Result<Node, QueryError> {
        let start = self.at;
        let value = self.value(op)?;
        let value_span = start..self.at;
        let label = name.strip_prefix("label.").filter(|name| !quoted && !name.is_empty());
        match Field::of(name).filter(|_| !quoted) {
            Some(field) => self.field(field, op, &[(value, value_span)], span.start),
            None => self.label(label.unwrap_or(name), span, op, &value, value_span),
        }
    }

    fn value(&mut self, op: Op) -> Result<String, QueryError> {
        if self.peek() == Some('"') {
            return self.string();
        }
        let start = self.at;
        let value = if matches!(op, Op::Matches | Op::NotMatches) {
            self.expression()
        } else {
            self.bare(|c| matches!(c, '(' | ')' | '{' | '}' | '"' | ','))
        };
        if value.is_empty() {
            return Err(QueryError::new(start..start, format!("a value is missing after `{op}`"))
                .hint("an empty value is written \"\""));
        }
        Ok(value.to_owned())
    }

    /// A regular expression without quotes: up to a space, or to a bracket that it did not open.
    fn expression(&mut self) -> &'t str {
        let (rest, mut open) = (self.rest(), 0_u32);
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '(' => open += 1,
                ')' if open == 0 => return true,
                ')' => open -= 1,
                _ => {}
            }
            c.is_whitespace() || *c == '"'
        });
        let word = &rest[..end.map_or(rest.len(), |(at, _)| at)];
        self.at += word.len();
        word
    }

    /// A text in quotes. A backslash takes a quote, a backslash, and n, t, r for what they stand for; before all else it is itself.
    fn string(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(QueryError::new(start..self.text.len(), "the quotes do not close").hint("write \" at the end"))
    }

    /// Matchers in braces, as Prometheus has them.
    fn braces(&mut self) -> Result<Node, QueryError> {
        let start = self.at;
        self.at += 1;
        let parts = self.list(Some(start))?;
        Ok(Node::and(parts))
    }

    /// Matchers with commas between them; in braces up to the closing one, else one alone to the end.
    fn list(&mut self, opened: Option<usize>) -> Result<Vec<Node>, QueryError> {
        let mut parts = Vec::new();
        loop {
            self.skip_space();
            if opened.is_some() && self.take("}") {
                return Ok(parts);
            }
            if self.is_over() {
                return match opened {
                    Some(start) => Err(QueryError::new(start..start + 1, "`{` is not closed").hint("write `}`")),
                    None if parts.is_empty() => Err(QueryError::new(self.at..self.at, "no matcher in it")),
                    None => Ok(parts),
                };
            }
            parts.push(self.matcher(opened.is_some())?);
            self.skip_space();
            if !self.take(",") && !self.is_over() && self.peek() != Some('}') {
                return Err(QueryError::new(self.next_char(), "a comma is missing between matchers"));
            }
            if opened.is_none() && self.peek() == Some('}') {
                return Ok(parts);
            }
        }
    }

    fn matcher(&mut self, braced: bool) -> Result<Node, QueryError> {
        let start = self.at;
        let name = match self.peek() {
            Some('"') => self.string()?,
            _ => self.bare(|c| matches!(c, '=' | '<' | '>' | ',' | '}' | '{' | '"')).to_owned(),
        };
        let span = start..self.at;
        if name.is_empty() {
            return Err(QueryError::new(span.start..self.next_char().end, "no label name before the operator"));
        }
        let Some(op) = self.operator()? else {
            return Err(QueryError::new(span, format!("no = != =~ !~ after `{name}`"))
                .hint("in braces stand matchers such as job=\"node\""));
        };
        let value_start = self.at;
        let value = match self.peek() {
            Some('"') => self.string()?,
            _ => {
                let rest = self.rest();
                let end = if braced { rest.find([',', '}']) } else { rest.find(',') };
                let value = rest[..end.unwrap_or(rest.len())].trim_end();
                if value.contains('"') {
                    let at = value_start + value.find('"').unwrap_or_default();
                    return Err(QueryError::new(at..at + 1, "a quote stands within a value without quotes"));
                }
                self.at += value.len();
                value.to_owned()
            }
        };
        self.label(&name, span, op, &value, value_start..self.at)
    }

    fn label(
        &mut self,
        name: &str,
        span: Range<usize>,
        op: Op,
        value: &str,
        place: Range<usize>,
    ) -> Result<Node, QueryError> {
        if op.orders() {
            let error = QueryError::new(span, format!("`{name}` is a label, and labels have no order"));
            return Err(match nearest(name, Field::names()) {
                Some(field) => error.hint(format!("did you mean {field}?")),
                None => error.hint("use = != =~ !~, or a field such as severity or age"),
            });
        }
        let whole = span.start..place.end;
        let pattern = match op {
            Op::Matches | Op::NotMatches => Pattern::whole(value, place)?,
            _ => Pattern::Is(value.to_owned()),
        };
        let negated = matches!(op, Op::NotEqual | Op::NotMatches);
        self.keep(whole, Test::Label { name: name.to_owned(), negated, value: pattern })
    }

    /// The values after `field:`.
    fn field_list(&mut self, field: Field, start: usize) -> Result<Node, QueryError> {
        let mut values = Vec::new();
        loop {
            let at = self.at;
            let value = match self.peek() {
                Some('"') => {
                    let text = self.string()?;
                    if self.take("*") { format!("{text}*") } else { text }
                }
                _ => self.bare(|c| matches!(c, '(' | ')' | '{' | '}' | '"' | ',')).to_owned(),
            };
            if value.is_empty() {
                return Err(QueryError::new(at..at, format!("a value is missing after `{}:`", field.name()))
                    .hint(format!("write {}", field.example())));
            }
            values.push((value, at..self.at));
            if !self.take(",") {
                break;
            }
        }
        if let Kind::Name = field.kind() {
            let any = values.iter().map(|(value, _)| like(value)).collect();
            return self.keep(start..self.at, Test::Name { field, any });
        }
        self.field(field, Op::Equal, &values, start)
    }

    fn field(
        &mut self,
        field: Field,
        op: Op,
        values: &[(String, Range<usize>)],
        start: usize,
    ) -> Result<Node, QueryError> {
        let end = values.last().map_or(start, |(_, span)| span.end);
        let test = field_test(field, op, values)?;
        let node = self.keep(start..end, test)?;
        let negated = matches!(op, Op::NotEqual | Op::NotMatches)
            && !matches!(node, Node::Atom(Atom { test: Test::Order(_), .. }));
        Ok(if negated { Node::Not(Box::new(node)) } else { node })
    }

    fn keep(&mut self, span: Range<usize>, test: Test) -> Result<Node, QueryError> {
        self.atoms += 1;
        if self.atoms > ATOMS_MAX {
            return Err(QueryError::new(span, format!("more than {ATOMS_MAX} conditions")));
        }
        Ok(Node::Atom(Atom { span, test }))
    }
}

/// Returns whether an operator comes next.
fn begins_with_sign(text: &str) -> bool {
    text.starts_with(['=', '<', '>']) || text.starts_with("!=") || text.starts_with("!~")
}

/// Reads a value after `:`: whatever its case, and with a `*` at its end any rest.
fn like(value: &str) -> Pattern {
    let lower = value.to_lowercase();
    match lower.strip_suffix('*') {
        Some(beginning) => Pattern::Begins(beginning.to_owned()),
        None => Pattern::IsLike(lower),
    }
}

fn field_test(field: Field, op: Op, values: &[(String, Range<usize>)]) -> Result<Test, QueryError> {
    let all = || values.iter();
    let plain = matches!(op, Op::Equal | Op::NotEqual);
    let regex = matches!(op, Op::Matches | Op::NotMatches);
    let Some((value, span)) = values.first() else { return Err(QueryError::new(0..0, "a value is missing")) };
    let refuse = |what: &str| {
        let message = format!("`{}{op}` has no meaning: {what}", field.name());
        Err(QueryError::new(span.clone(), message).hint(format!("write {}", field.example())))
    };
    match field.kind() {
        Kind::Severity if plain => {
            let any = all().map(|(value, span)| severity(value, span)).collect::<Result<_, _>>()?;
            Ok(Test::SeverityIs(any))
        }
        Kind::Severity if op.orders() => match severity(value, span)? {
            Some(number) => Ok(Test::SeverityOrder(op, number)),
            None => refuse("what is unexamined has no place in the order"),
        },
        Kind::Severity => refuse("a severity is a number"),
        Kind::Word(words) if plain => {
            let any = all().map(|(value, span)| word(field, words, value, span)).collect::<Result<Vec<_>, _>>()?;
            Ok(if any == ["hide"] { Test::HidePages } else { Test::Word(field, any) })
        }
        Kind::Word(_) => refuse("it is one of a few words"),
        Kind::Person if plain => Ok(Test::Owner(all().map(|(value, _)| person(value)).collect())),
        Kind::Person => refuse("it is a person"),
        Kind::Number if !regex => {
            let number = value.strip_prefix('#').unwrap_or(value).parse::<i64>();
            let number = number.map_err(|_| QueryError::new(span.clone(), format!("`{value}` is no whole number")))?;
            if values.len() > 1 {
                return refuse("one number at a time");
            }
            Ok(Test::Order(Order { field, op, value: number }))
        }
        Kind::Number => refuse("it is a number"),
        Kind::Span if op.orders() => {
            let value = span_ms(value).ok_or_else(|| bad_span(value, span))?;
            Ok(Test::Order(Order { field, op, value }))
        }
        Kind::Span => refuse("no age is exactly that"),
        Kind::Name if plain => Ok(Test::Name { field, any: vec![Pattern::Is(value.clone())] }),
        Kind::Name if regex => Ok(Test::Name { field, any: vec![Pattern::whole(value, span.clone())?] }),
        Kind::Name => refuse("it is a name"),
        Kind::Text if plain => match values.len() {
            1 => Ok(Test::Text(Needle::new(value))),
            _ => refuse("one text at a time"),
        },
        Kind::Text if regex => Ok(Test::TextMatches(anywhere(value, span.clone())?, value.clone())),
        Kind::Text => refuse("text has no order"),
    }
}

fn severity(value: &str, span: &Range<usize>) -> Result<Option<u8>, QueryError> {
    let lower = value.to_lowercase();
    if ["unexamined", "s?", "?"].contains(&lower.as_str()) {
        return Ok(None);
    }
    let digits = lower.strip_prefix('s').unwrap_or(&lower);
    match digits.parse::<u8>() {
        Ok(number @ 1..=9) if digits.len() == 1 => Ok(Some(number)),
        _ => Err(QueryError::new(span.clone(), format!("`{value}` is no severity: S1 (worst) to S9, or unexamined"))
            .hint(format!("the label is written {{severity={value:?}}}"))),
    }
}

fn word(
    field: Field,
    words: &'static [&'static str],
    value: &str,
    span: &Range<usize>,
) -> Result<&'static str, QueryError> {
    let lower = value.to_lowercase();
    let short = STATE_WORDS.iter().find(|(short, _)| words == STATES && *short == lower).map(|(_, word)| *word);
    let wanted = short.unwrap_or(&lower);
    words.iter().copied().find(|word| *word == wanted).ok_or_else(|| {
        let error = QueryError::new(span.clone(), format!("`{value}` is no {}", field.name()));
        match nearest(&lower, words.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("it is one of {}", words.join(", "))),
        }
    })
}

fn person(value: &str) -> Person {
    match value.to_lowercase().as_str() {
        "me" => Person::Me,
        "oncall" | "on-call" => Person::OnCall,
        "nobody" | "none" => Person::Nobody,
        name => Person::Named(name.to_owned()),
    }
}

fn bad_span(value: &str, span: &Range<usize>) -> QueryError {
    let error = QueryError::new(span.clone(), format!("`{value}` is no span of time"));
    match value.parse::<u64>() {
        Ok(number) => error.hint(format!("a unit is missing: write {number}s, {number}m, {number}h or {number}d")),
        Err(_) => error.hint("write 90s, 15m, 2h, 3d or 1h30m"),
    }
}

/// The units of spans, the longest first, in milliseconds.
pub(super) const UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `2h`, `1h30m`; in milliseconds.
fn span_ms(text: &str) -> Option<i64> {
    let (mut total, mut rest) = (0_i64, text);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_lowercase).count();
        let (number, unit) = (rest[..digits].parse::<i64>().ok()?, &rest[digits..digits + letters]);
        let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(size)?)?;
        rest = &rest[digits + letters..];
    }
    Some(total)
}
