//! The beginning of a runbook for alerts that have none.

use crate::domain::text::SafeText;
use std::collections::BTreeMap;

/// Labels that say what an alert is about, and not where: the first that are there make the `match`.
const TELLING: [&str; 4] = ["alertname", "service", "job", "namespace"];
/// Most labels of the `match`.
const LABELS_MAX: usize = 2;
/// Labels that are listed as they may stand in the text.
const LISTED_MAX: usize = 8;

/// Returns a whole file: a front matter that fits these labels, and headings that ask what must be known at night.
pub fn template(title: &str, owner: &str, labels: &BTreeMap<String, String>) -> String {
    let plain = |text: &str| SafeText::line(text, 120).to_string();
    let telling = TELLING.iter().filter_map(|name| Some((*name, labels.get(*name)?))).take(LABELS_MAX);
    // As JSON: both the language of queries and that of the front matter read it.
    let matchers: Vec<String> =
        telling.map(|(name, value)| format!("{name}={}", serde_json::Value::from(plain(value)))).collect();
    let query = match matchers.is_empty() {
        true => "{alertname=\"...\"}".to_owned(),
        false => format!("{{{}}}", matchers.join(", ")),
    };
    let quoted = |text: &str| text.replace('\'', "''");
    let listed: Vec<String> = labels.keys().take(LISTED_MAX).map(|name| format!("`{{{{ labels.{name} }}}}`")).collect();
    format!(
        "---\ntitle: '{}'\nowner: '{}'\nmatch: '{}'\n---\n# {}\n\nWhat it means, and who notices. In the text: {}.\n\n\
         ## First look\n\n- [ ] \n\n## What to do\n\n1. \n\n## When that does not help\n\n",
        quoted(&plain(title)),
        quoted(&plain(owner)),
        quoted(&query),
        plain(title),
        if listed.is_empty() { "no labels".to_owned() } else { listed.join(", ") },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::Runbook;

    #[test]
    fn it_is_read_back_and_fits_its_labels() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        for (labels, query) in [
            (of(&[("alertname", "Down"), ("service", "pay"), ("job", "x")]), r#"{alertname="Down", service="pay"}"#),
            (of(&[("alertname", "it's \"so\": #1 \\ \u{1b}")]), "{alertname=\"it's \\\"so\\\": #1 \\\\ \u{241b}\"}"),
            (of(&[("instance", "a")]), r#"{alertname="..."}"#),
        ] {
            let text = template("it's: #1\nworse", "mira's", &labels);
            let read = Runbook::read(text.as_bytes(), "new.md").unwrap_or_else(|mistake| panic!("{mistake}: {text}"));
            assert_eq!(read.matches[0].text(), query, "{text}");
            assert_eq!(read.owner.as_deref(), Some("mira's"));
            assert_eq!(read.page().tasks().len(), 1);
        }
    }
}
