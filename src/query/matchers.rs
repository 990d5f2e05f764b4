//! Label matchers in braces, as Prometheus and Alertmanager write them.

use super::error::QueryError;
use super::lex::{Sign, Written, unescape};
use super::parse::Parser;
use super::tree::{Atom, Node};
use std::ops::Range;

/// Reads `{service="pay", cluster=~"eu-.*"}`; the cursor stands on the brace.
pub(super) fn braces(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let start = parser.cursor.at;
    parser.cursor.take('{');
    let mut parts = Vec::new();
    loop {
        parser.cursor.skip_space();
        if parser.cursor.take('}') {
            return Ok(Node::and(start..parser.cursor.at, parts));
        }
        unclosed(parser, start)?;
        parts.push(matcher(parser, start)?);
        parser.cursor.skip_space();
        unclosed(parser, start)?;
        let at = parser.cursor.at;
        if !parser.cursor.take(',') && parser.cursor.peek() != Some('}') {
            let error = QueryError::at(at..at, "a comma is missing here");
            return Err(
                error.hint("within braces: {service=\"pay\", cluster=~\"eu-.*\"}; values with spaces in quotes")
            );
        }
    }
}

fn unclosed(parser: &Parser<'_>, start: usize) -> Result<(), QueryError> {
    match parser.cursor.peek() {
        Some(_) => Ok(()),
        None => Err(QueryError::at(start..start + 1, "this brace is not closed").hint("write `}`")),
    }
}

fn matcher(parser: &mut Parser<'_>, opened: usize) -> Result<Node, QueryError> {
    let start = parser.cursor.at;
    let (name, classic) = name(parser)?;
    let named = start..parser.cursor.at;
    parser.cursor.skip_space();
    unclosed(parser, opened)?;
    let Some((sign, at)) = sign(parser)? else {
        let error = QueryError::at(named, format!("behind `{name}` there must be =, !=, =~ or !~"));
        return Err(error.hint("within braces stand labels only, such as {service=\"pay\"}; fields stand outside"));
    };
    let value = value(parser, classic, at)?;
    let (negated, test) = parser.text_test(sign, std::slice::from_ref(&value))?;
    parser.atom(start, Atom::Label { name, negated, test })
}

/// Reads a label's name, bare or in quotes, and says whether it is one that was always allowed.
fn name(parser: &mut Parser<'_>) -> Result<(String, bool), QueryError> {
    let start = parser.cursor.at;
    if parser.cursor.peek() == Some('"') {
        let (raw, span) = parser.cursor.quoted()?;
        let name = go_unquote(raw).ok_or_else(|| escape_error(span.clone()))?;
        return match name.is_empty() {
            true => Err(QueryError::at(span, "the name of a label is empty")),
            false => Ok((name, false)),
        };
    }
    parser.cursor.refuse_quotes()?;
    let rest = parser.cursor.rest();
    let end = rest.find(is_reserved).unwrap_or(rest.len());
    parser.cursor.at += end;
    if end == 0 {
        let c = rest.chars().next().unwrap_or(' ');
        let error = QueryError::at(start..start + c.len_utf8(), "the name of a label is missing here");
        return Err(error.hint("such as {service=\"pay\"}"));
    }
    let name = &rest[..end];
    Ok((name.to_owned(), is_classic(name)))
}

fn sign(parser: &mut Parser<'_>) -> Result<Option<(Sign, Range<usize>)>, QueryError> {
    let labels_only = matches!(parser.cursor.peek(), Some('=' | '!' | '~'));
    if labels_only { parser.cursor.sign() } else { Ok(None) }
}

/// Reads a value; a bare one may be empty, as in Alertmanager.
fn value(parser: &mut Parser<'_>, classic: bool, at: Range<usize>) -> Result<Written, QueryError> {
    parser.cursor.skip_space();
    if parser.cursor.peek() == Some('"') {
        let (raw, span) = parser.cursor.quoted()?;
        // What Alertmanager always read it reads as ever; what came with names in quotes has the escapes of Go.
        let text = if classic { Some(unescape(raw)) } else { go_unquote(raw) };
        let text = text.ok_or_else(|| escape_error(span.clone()))?;
        return Ok(Written { text, quoted: true, span });
    }
    parser.cursor.refuse_quotes()?;
    let start = parser.cursor.at;
    let rest = parser.cursor.rest();
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | '"')).unwrap_or(rest.len());
    parser.cursor.at += end;
    let text = &rest[..end];
    if text.starts_with(['=', '~']) {
        let wrong = at.start..start + 1;
        return Err(QueryError::at(wrong, "no such operator").hint("within braces they are = != =~ !~"));
    }
    let text = if classic { unescape(text) } else { text.to_owned() };
    Ok(Written { text, quoted: false, span: start..parser.cursor.at })
}

/// Returns whether the name is one of those that need no quotes anywhere.
pub(super) fn is_classic(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':'))
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

/// Returns whether the character ends a bare name.
pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`<>".contains(c)
}

fn escape_error(span: Range<usize>) -> QueryError {
    QueryError::at(span, "an escape in these quotes is none").hint("write \\\\ for a backslash")
}

/// Returns what a text between double quotes means in Go, or `None` when Go refuses it.
pub(super) fn go_unquote(raw: &str) -> Option<String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' | '"' => return None,
            '\\' => rest = go_escape(rest, &mut out)?,
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(out).ok()
}

/// Adds what an escape means and returns what stands behind it.
fn go_escape<'t>(rest: &'t str, out: &mut Vec<u8>) -> Option<&'t str> {
    let kind = *rest.as_bytes().first()?;
    let simple = match kind {
        b'a' => Some(7),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(10),
        b'r' => Some(13),
        b't' => Some(9),
        b'v' => Some(11),
        b'\\' | b'"' => Some(kind),
        _ => None,
    };
    if let Some(byte) = simple {
        out.push(byte);
        return Some(&rest[1..]);
    }
    let (skip, digits, radix) = match kind {
        b'x' => (1, 2, 16),
        b'u' => (1, 4, 16),
        b'U' => (1, 8, 16),
        b'0'..=b'7' => (0, 3, 8),
        _ => return None,
    };
    let text = rest.get(skip..skip + digits)?;
    let number = text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, radix).ok())??;
    match kind {
        // These name bytes, the others characters.
        b'x' | b'0'..=b'7' => out.push(u8::try_from(number).ok()?),
        _ => out.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    Some(&rest[skip + digits..])
}
