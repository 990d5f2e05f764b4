//! One matcher as Alertmanager's API takes it in `filter=`, and matchers as its silences carry them.
//!
//! Alertmanager has two readers: the one it always had, and since 0.27 one that takes any name in quotes. Where both read a text the old
//! one counts; what only one of them reads is taken too, as Alertmanager does by default. A brace around a matcher is refused there.

use super::lex::Sign;
use super::matchers::{go_unquote, is_classic};
use super::pattern::Pattern;
use super::tree::{Atom, Kind, Node, TextTest};
use super::{Query, QueryError};
use serde::{Deserialize, Serialize};

/// A matcher in the fields of Alertmanager's silences.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelMatcher {
    /// Whose value.
    pub name: String,
    /// The value, or the regular expression.
    pub value: String,
    /// Whether it is a regular expression.
    pub is_regex: bool,
    /// Whether it must match, not must not; absent is `true`, for senders older than this field.
    #[serde(default = "yes")]
    pub is_equal: bool,
}

fn yes() -> bool {
    true
}

impl LabelMatcher {
    /// Returns the query that asks this.
    ///
    /// # Errors
    /// [`QueryError`] where the value is no regular expression, or the name is empty; its span is of the value or the name.
    pub fn query(&self) -> Result<Query, QueryError> {
        if self.name.is_empty() {
            return Err(QueryError::at(0..0, "the name of a label is empty"));
        }
        let wrong = |message: String| QueryError::at(0..self.value.len(), message);
        let test = match self.is_regex {
            true => TextTest::Matches(Pattern::new(&self.value).map_err(wrong)?),
            false => TextTest::Is(self.value.clone()),
        };
        let atom = Atom::Label { name: self.name.clone(), negated: !self.is_equal, test };
        Query::parse(&Node::atom(0..0, atom).to_string())
    }

    /// Returns the matchers that a query consists of, or `None` when it asks anything else.
    pub fn of(query: &Query) -> Option<Vec<Self>> {
        let parts = query.tree().musts().iter().filter(|part| part.kind != Kind::All);
        parts
            .map(|part| match &part.kind {
                Kind::Atom(Atom::Label { name, negated, test }) => {
                    let (value, is_regex) = match test {
                        TextTest::Is(value) => (value.clone(), false),
                        TextTest::Matches(pattern) => (pattern.text().to_owned(), true),
                        TextTest::Like(_) => return None,
                    };
                    Some(Self { name: name.clone(), value, is_regex, is_equal: !negated })
                }
                _ => None,
            })
            .collect()
    }
}

/// Returns the query of one matcher such as `job=~"api|web"`; the value may stand without quotes, and be empty.
///
/// # Errors
/// [`QueryError`] where Alertmanager refuses the text as well.
pub fn matcher(text: &str) -> Result<Query, QueryError> {
    let whole = 0..text.len();
    if text.len() > super::TEXT_BYTES_MAX {
        return Err(QueryError::at(whole, "bad matcher format: it is too long"));
    }
    let bad = |why: &str| QueryError::at(whole.clone(), format!("bad matcher format: {why}"));
    let (name, sign, value) = match classic(text) {
        Ok(read) => read,
        Err(why) => utf8(text).ok_or_else(|| bad(why))?,
    };
    let is_regex = matches!(sign, Sign::Match | Sign::NotMatch);
    let is_equal = matches!(sign, Sign::Equal | Sign::Match);
    LabelMatcher { name, value, is_regex, is_equal }.query()
}

type Read = (String, Sign, String);

const SIGNS: [(&str, Sign); 4] =
    [("=~", Sign::Match), ("!~", Sign::NotMatch), ("!=", Sign::NotEqual), ("=", Sign::Equal)];

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Reads what Alertmanager always read: a plain name, a sign, and anything.
fn classic(text: &str) -> Result<Read, &'static str> {
    let text = text.trim_start_matches(is_space);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start_matches(is_space);
    let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
    let (true, Some((written, sign))) = (is_classic(name), sign) else {
        return Err("write such as job=~\"api|web\"");
    };
    let raw = rest[written.len()..].trim_matches(is_space);
    Ok((name.to_owned(), *sign, classic_value(raw).ok_or("a double quote in the value is not escaped")?))
}

fn classic_value(raw: &str) -> Option<String> {
    let (mut out, mut closed) = (String::with_capacity(raw.len()), !raw.starts_with('"'));
    let mut chars = raw.strip_prefix('"').unwrap_or(raw).chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '"' if closed || !chars.as_str().is_empty() => return None,
            '"' => closed = true,
            c => out.push(c),
        }
    }
    closed.then_some(out)
}

/// Reads what Alertmanager reads since 0.27: any name, in quotes where it must.
fn utf8(text: &str) -> Option<Read> {
    let (name, rest) = token(text.trim_start())?;
    let rest = rest.trim_start();
    let (written, sign) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    let (value, rest) = token(rest[written.len()..].trim_start())?;
    let rest = rest.trim();
    (!name.is_empty() && (rest.is_empty() || rest == ",")).then_some((name, *sign, value))
}

/// Returns the text of the first token, in quotes or not, and what stands behind it.
fn token(text: &str) -> Option<(String, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = inner.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        return Some((go_unquote(&inner[..end])?, &inner[end + 1..]));
    }
    let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
    let end = text.find(reserved).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::SourceName;
    use crate::domain::label::{LabelLimits, Labels};
    use crate::domain::time::Timestamp;
    use crate::query::{AlertSubject, Eyes};

    fn check(text: &str, expect: bool) {
        let labels = Labels::new([("alertname", "Disk full"), ("job", "node")], &LabelLimits::LABELS).unwrap();
        let source = SourceName::parse("prometheus").unwrap();
        let subject = AlertSubject { source: &source, labels: &labels };
        let query = matcher(text).unwrap();
        assert_eq!(query.matches(&subject, &Eyes::nobody(Timestamp::from_millis(0))), expect, "{text}");
    }

    #[test]
    fn the_four_operators_mean_what_alertmanager_means() {
        check("job=\"node\"", true);
        check("job=node", true);
        check("job!=node", false);
        check("job=~\"no.*\"", true);
        check("job=~\"no\"", false);
        check("job!~\"api|web\"", true);
        check("pod=\"\"", true);
        check("pod=", true);
        check(" alertname = Disk full ", true);
        check("\"job\"=\"\\x6eode\"", true);
        check("owner=\"\"", true);
        check("severity=S1", false);
    }

    #[test]
    fn only_a_plain_equality_wants_one_label() {
        let equal = |text| matcher(text).unwrap().equalities().len();
        assert_eq!(equal("job=\"node\""), 1);
        for text in ["job=\"\"", "job!=node", "job=~node", "job!~node"] {
            assert_eq!(equal(text), 0, "{text}");
        }
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for text in ["", "job", "=x", "job=~\"(\"", "job=\"x", "{job=x}", "a=b\"c", &format!("a=~{}", "b".repeat(600))]
        {
            assert!(matcher(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_query_of_matchers_is_what_a_silence_carries() {
        let query = Query::parse("{service=\"pay\", cluster!~\"eu-.*\"}").unwrap();
        let matchers = LabelMatcher::of(&query).unwrap();
        let json = serde_json::to_value(&matchers).unwrap();
        assert_eq!(
            json[1],
            serde_json::json!({"name": "cluster", "value": "eu-.*", "isRegex": true, "isEqual": false})
        );
        let queries: Vec<Query> = matchers.iter().map(|matcher| matcher.query().unwrap()).collect();
        assert_eq!(Query::all_of(&queries).as_ref(), Ok(&query));
        assert_eq!(LabelMatcher::of(&Query::all()), Some(Vec::new()));
        for text in ["a=1 or b=2", "state:new", "a:b", "-a=1", "disk"] {
            assert_eq!(LabelMatcher::of(&Query::parse(text).unwrap()), None, "{text}");
        }
        let old: LabelMatcher = serde_json::from_str(r#"{"name":"a","value":"b","isRegex":false}"#).unwrap();
        assert!(old.is_equal);
    }
}
