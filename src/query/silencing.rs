//! Queries of labels alone, as silences have them: a list of matchers, each of which must hold.

use super::Query;
use super::tree::{Atom, Kind, TextTest};
use crate::domain::label::Labels;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One matcher, as Alertmanager's API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelMatcher {
    /// The label.
    pub name: String,
    /// Its value, or the pattern for all of it.
    pub value: String,
    /// Whether the value is a pattern.
    #[serde(default)]
    pub is_regex: bool,
    /// Whether it must fit; `false` is `!=` and `!~`.
    #[serde(default = "yes")]
    pub is_equal: bool,
}

fn yes() -> bool {
    true
}

/// Returns the query in braces that matchers mean.
pub fn braces(matchers: &[LabelMatcher]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    let one = |matcher: &LabelMatcher| {
        let sign = match (matcher.is_equal, matcher.is_regex) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        };
        let classic = super::matchers::is_classic(&matcher.name);
        let name = if classic { matcher.name.clone() } else { quoted(&matcher.name) };
        format!("{name}{sign}{}", quoted(&matcher.value))
    };
    format!("{{{}}}", matchers.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// Returns the matchers of a query of labels alone, or `None` when it asks for anything else.
pub fn matchers(query: &Query) -> Option<Vec<LabelMatcher>> {
    let one = |kind: &Kind| match kind {
        Kind::Atom(Atom::Label { name, negated, test }) => {
            let (value, is_regex) = match test {
                TextTest::Is(value) => (value.clone(), false),
                TextTest::Matches(pattern) => (pattern.text().to_owned(), true),
                TextTest::Like(_) => return None,
            };
            Some(LabelMatcher { name: name.clone(), value, is_regex, is_equal: !negated })
        }
        _ => None,
    };
    if query.is_all() {
        return Some(Vec::new());
    }
    query.tree().musts().iter().map(|part| one(&part.kind)).collect()
}

/// Returns the query of a silence's text, and the text as it is kept.
///
/// # Errors
/// What is wrong with it, for people: it asks for labels alone, and for at least one whole value.
pub fn silencing(text: &str) -> Result<(Query, String), String> {
    let read = Query::parse(text).map_err(|error| error.to_string())?;
    let Some(list) = matchers(&read) else {
        return Err("a silence takes label matchers only, such as {service=\"pay\", cluster=~\"eu-.*\"}".to_owned());
    };
    if read.equalities().is_empty() {
        let why = "it would cover more than anybody means";
        return Err(format!(
            "a silence needs at least one label that is equal to a value, such as service=\"pay\": {why}"
        ));
    }
    let text = braces(&list);
    Ok((Query::parse(&text).map_err(|error| error.to_string())?, text))
}

/// Parts `QUERY 2h REASON` into the query, how long, and why, which may be empty; `None` where there is no query or no span behind it.
pub fn timed(words: &str) -> Option<(&str, Duration, &str)> {
    let spans = words.match_indices(' ').map(|(at, _)| at);
    spans.into_iter().find_map(|at| {
        let (query, rest) = (words[..at].trim(), words[at..].trim_start());
        let (span, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let within = crate::domain::source::read_span(span)?;
        (!query.is_empty() && Query::parse(query).is_ok()).then_some((query, within, reason.trim()))
    })
}

/// Returns a text in braces that fits these labels and, of others, those that share the most telling of them.
pub fn proposed(labels: &Labels) -> String {
    let telling = ["alertname", "service", "job", "cluster", "instance"];
    let one = |name: &str| {
        let value = labels.get(name)?.to_owned();
        Some(LabelMatcher { name: name.to_owned(), value, is_regex: false, is_equal: true })
    };
    braces(&telling.into_iter().filter_map(one).take(3).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_come_back_from_their_text() {
        let list = r#"[{"name":"a","value":"x \"y\" \\ \n","isRegex":false},{"name":"b c","value":"e.*","isRegex":true,"isEqual":false}]"#;
        let list: Vec<LabelMatcher> = serde_json::from_str(list).unwrap();
        let text = braces(&list);
        let (query, kept) = silencing(&text).unwrap();
        assert_eq!((matchers(&query).unwrap(), kept), (list, text));
    }

    #[test]
    fn a_silence_asks_for_labels_and_for_one_whole_value() {
        assert_eq!(silencing(r#"{service="pay",cluster=~"eu-.*"}"#).unwrap().1, r#"{service="pay", cluster=~"eu-.*"}"#);
        for wide in ["{}", "", r#"{a=~".+"}"#, r#"{a!="b"}"#, r#"{a=""}"#] {
            assert!(silencing(wide).unwrap_err().contains("at least one label"), "{wide}");
        }
        for other in ["severity<=3", r#"{a="b"} or {a="c"}"#, "disk"] {
            assert!(silencing(other).unwrap_err().contains("label matchers only"), "{other}");
        }
        assert!(silencing("{a=").is_err());
    }
}
