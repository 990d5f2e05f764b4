//! Alertmanager's matchers: `name="value"`, `!=`, `=~`, `!~`.

use crate::domain::label::Labels;
use regex::{Regex, RegexBuilder};

/// Longest matcher in bytes.
const BYTES_MAX: usize = 512;

/// One condition on the labels.
#[derive(Debug)]
pub struct Matcher {
    name: String,
    test: Test,
    /// For `!=` and `!~`.
    negated: bool,
}

#[derive(Debug)]
enum Test {
    Equal(String),
    Matches(Regex),
}

/// A matcher that is none, with what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad matcher format: {0}")]
pub struct MatcherError(String);

impl Matcher {
    /// Returns the matcher that a text such as `job=~"api|web"` names; the value may stand without quotes.
    ///
    /// # Errors
    /// [`MatcherError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let shown: String = text.chars().take(80).collect();
        let wrong = |why: &str| MatcherError(format!("{shown}: {why}"));
        if text.len() > BYTES_MAX {
            return Err(wrong("longer than 512 bytes"));
        }
        let at = text.find(['=', '!']).ok_or_else(|| wrong("no = != =~ !~ in it"))?;
        let (name, rest) = (text[..at].trim().trim_matches('"'), &text[at..]);
        if name.is_empty() {
            return Err(wrong("no label name before the operator"));
        }
        let operators = [("=~", true, false), ("!~", true, true), ("!=", false, true), ("=", false, false)];
        let (operator, regex, negated) = operators
            .into_iter()
            .find(|(operator, ..)| rest.starts_with(operator))
            .ok_or_else(|| wrong("no = != =~ !~ in it"))?;
        let value = unquote(rest[operator.len()..].trim()).ok_or_else(|| wrong("the quotes do not close"))?;
        let test = if regex {
            Test::Matches(anchored(&value).map_err(|_| wrong("not a regular expression"))?)
        } else {
            Test::Equal(value)
        };
        Ok(Self { name: name.to_owned(), test, negated })
    }

    /// Returns the one label without which nothing fulfils it, or `None` when it is not as simple.
    pub fn label(&self) -> Option<(&str, &str)> {
        match &self.test {
            Test::Equal(value) if !self.negated && !value.is_empty() => Some((&self.name, value)),
            Test::Equal(_) | Test::Matches(_) => None,
        }
    }

    /// Returns whether the labels fulfil it; an absent label is an empty one.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).unwrap_or_default();
        let holds = match &self.test {
            Test::Equal(wanted) => value == wanted,
            Test::Matches(regex) => regex.is_match(value),
        };
        holds != self.negated
    }
}

fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).dfa_size_limit(2 << 20).build()
}

fn unquote(text: &str) -> Option<String> {
    if !text.starts_with('"') {
        return Some(text.to_owned());
    }
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::label::LabelLimits;

    fn check(matcher: &str, expect: bool) {
        let labels = Labels::new([("alertname", "Disk full"), ("job", "node")], &LabelLimits::LABELS).unwrap();
        assert_eq!(Matcher::parse(matcher).unwrap().matches(&labels), expect, "{matcher}");
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
        check("alertname=\"Disk full\"", true);
    }

    #[test]
    fn only_a_plain_equality_wants_one_label() {
        let label = |text| Matcher::parse(text).unwrap().label().map(|(name, value)| format!("{name} {value}"));
        assert_eq!(label("job=\"node\"").as_deref(), Some("job node"));
        for text in ["job=\"\"", "job!=node", "job=~node", "job!~node"] {
            assert_eq!(label(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for text in ["", "job", "=x", "job=~\"(\"", "job=\"x", &"a=".repeat(400)] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }
}
