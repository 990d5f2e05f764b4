//! Which runbooks an incident has: those that its rules name, and those whose queries its series fit; the most specific first.

use super::{AlertSubject, Eyes, Query};
use crate::domain::item::Items;
use crate::domain::runbook::RunbookName;
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// The annotation that names a runbook.
pub const URL: &str = "runbook_url";
/// Series of one incident that are looked at.
const SERIES_MAX: usize = 200;

/// A runbook of an incident, and why it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which.
    pub name: RunbookName,
    /// Why, such as `runbook_url https://...` or `match service="pay"`.
    pub why: String,
    /// The heading that the rule's address points at, as addresses write it; empty: none.
    pub anchor: String,
    /// How much it takes to fit: the higher, the more specific.
    weight: usize,
}

/// The queries of all runbooks, read once.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    books: Vec<Book>,
    /// By address, as [`plain`] has it.
    by_url: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Book {
    name: RunbookName,
    queries: Vec<Query>,
}

impl Shelf {
    /// Reads the queries of all runbooks; one that this version cannot read fits nothing.
    pub fn of(items: &Items) -> Self {
        let mut shelf = Self::default();
        for runbook in items.runbooks.values() {
            let at = shelf.books.len();
            for url in &runbook.urls {
                shelf.by_url.entry(plain(url)).or_default().push(at);
            }
            let queries = runbook.matches.iter().filter_map(|text| Query::parse(text).ok()).collect();
            shelf.books.push(Book { name: runbook.name.clone(), queries });
        }
        shelf
    }

    /// Returns the runbooks of these series, the most specific first: what a rule names by its address, then by how much a query asks.
    pub fn matching(&self, series: &[Series], now: Timestamp) -> Vec<Match> {
        let mut found: BTreeMap<usize, Match> = BTreeMap::new();
        for series in series.iter().take(SERIES_MAX) {
            if let Some(url) = series.annotations.get(URL) {
                for at in self.by_url.get(&plain(url)).into_iter().flatten() {
                    let book = &self.books[*at];
                    let anchor = url.split_once('#').map_or("", |(_, anchor)| anchor);
                    put(&mut found, *at, book, usize::MAX, || (format!("{URL} {url}"), anchor.to_owned()));
                }
            }
            let (subject, eyes) = (AlertSubject { source: &series.source, labels: &series.labels }, Eyes::nobody(now));
            for (at, book) in self.books.iter().enumerate() {
                for query in book.queries.iter().filter(|query| query.matches(&subject, &eyes)) {
                    put(&mut found, at, book, weight(query), || (format!("match {}", query.text()), String::new()));
                }
            }
        }
        let mut found: Vec<Match> = found.into_values().collect();
        found.sort_by(|a, b| (b.weight, &a.name).cmp(&(a.weight, &b.name)));
        found
    }
}

fn put(found: &mut BTreeMap<usize, Match>, at: usize, book: &Book, weight: usize, why: impl Fn() -> (String, String)) {
    if found.get(&at).is_none_or(|before| before.weight < weight) {
        let (why, anchor) = why();
        found.insert(at, Match { name: book.name.clone(), why, anchor, weight });
    }
}

/// Returns how much a query asks: equal labels count double, all else single.
fn weight(query: &Query) -> usize {
    let mut atoms = 0;
    query.tree().each_atom(&mut |_| atoms += 1);
    atoms + query.equalities().len()
}

/// Returns an address without what does not tell two pages apart: case, the part behind `#` and `?`, endings.
fn plain(url: &str) -> String {
    let url = url.split(['#', '?']).next().unwrap_or_default().trim().to_lowercase();
    let url = url.trim_end_matches('/');
    let end = [".md", ".markdown", ".html", ".htm"].iter().find_map(|end| url.strip_suffix(end));
    end.unwrap_or(url).trim_start_matches("http://").trim_start_matches("https://").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Alert, End, Event};
    use crate::domain::id::SourceName;
    use crate::domain::item::Item;
    use crate::domain::label::{IdentityRule, LabelLimits, Labels};
    use crate::domain::runbook::Runbook;

    fn shelf(runbooks: &[(&str, &[&str], &[&str])]) -> Shelf {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let one = |(name, matches, urls): &(&str, &[&str], &[&str])| {
            let runbook = Runbook::unread(RunbookName::parse(name).unwrap());
            Item::Runbook(Runbook { matches: texts(matches), urls: texts(urls), ..runbook })
        };
        Shelf::of(&runbooks.iter().map(one).collect())
    }

    fn series(labels: &[(&str, &str)], url: &str) -> Series {
        let labels = Labels::new(labels.iter().copied(), &LabelLimits::LABELS).unwrap();
        let annotations = Labels::new([(URL, url)], &LabelLimits::ANNOTATIONS).unwrap();
        let (source, at) = (SourceName::parse("prometheus").unwrap(), Timestamp::from_millis(0));
        let alert = Alert { labels, annotations, starts_at: Some(at), end: End::Open, generator_url: String::new() };
        Series::begin(&Event::new(source, alert, &IdentityRule::default(), at)).0
    }

    fn names(found: &[Match]) -> Vec<&str> {
        found.iter().map(|found| found.name.as_str()).collect()
    }

    #[test]
    fn the_most_specific_stands_first_and_says_why() {
        let shelf = shelf(&[
            ("all.md", &[""], &[]),
            ("pay.md", &["service=pay"], &[]),
            ("paydown.md", &["service=other", r#"{service="pay", alertname="Down"}"#], &[]),
            ("regex.md", &["service=~p.* and alertname=Down"], &[]),
            ("named.md", &[], &["https://runbooks.example/Down"]),
            ("broken.md", &["((("], &[]),
        ]);
        let down = series(&[("alertname", "Down"), ("service", "pay")], "http://runbooks.example/down.html#top");
        let found = shelf.matching(&[down], Timestamp::from_millis(0));
        assert_eq!(names(&found), ["named.md", "paydown.md", "regex.md", "pay.md", "all.md"]);
        assert_eq!(found[0].why, "runbook_url http://runbooks.example/down.html#top");
        assert_eq!((found[0].anchor.as_str(), found[1].anchor.as_str()), ("top", ""));
        assert_eq!(found[1].why, r#"match {service="pay", alertname="Down"}"#);
        let other = series(&[("alertname", "Full"), ("service", "db")], "");
        assert_eq!(names(&shelf.matching(&[other], Timestamp::from_millis(0))), ["all.md"]);
    }
}
