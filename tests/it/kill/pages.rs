//! Pages over the kills: each decided once, and each at the provider, at most once for an attempt.

use crate::support::database::Database;
use crate::support::provider::{Provider, Request};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What the file must say of pages at any moment.
pub const NONE: [(&str, &str); 4] = [
    (
        "an incident that called somebody without a page",
        "SELECT count(*) FROM incident WHERE (json_extract(body, '$.level') > 0 OR json_extract(body, '$.round') > 0)
         AND id NOT IN (SELECT incident FROM page)",
    ),
    (
        "a page that was decided twice",
        "SELECT count(*) FROM (SELECT 1 FROM page GROUP BY incident, person, json_extract(body, '$.fire_no'),
         json_extract(body, '$.step'), json_extract(body, '$.of'), json_extract(body, '$.round'), json_extract(body, '$.link')
         HAVING count(*) > 1)",
    ),
    (
        "a page that waits without a time",
        "SELECT count(*) FROM page WHERE (json_extract(body, '$.state') IN ('queued', 'sending')) <> (due_at IS NOT NULL)",
    ),
    (
        "a page that was sent in no attempt",
        "SELECT count(*) FROM page WHERE json_extract(body, '$.state') = 'sent' AND json_extract(body, '$.attempts') = 0",
    ),
];

/// Words that were noted once and stand in the timeline more often than that.
pub const TWICE: &str = "SELECT count(*) FROM (SELECT 1 FROM line WHERE json_extract(body, '$.told') = 'note'
     GROUP BY json_extract(body, '$.text') HAVING count(*) > 1)";

/// Compares what the provider got with what the hub says it sent; returns how many pages were sent, and by how many messages.
pub fn compare(provider: &Provider, path: &str, database: &Database) -> (usize, usize) {
    let requests = provider.requests(path);
    let mut attempts = HashMap::<(String, u64), usize>::new();
    let told: HashSet<i64> = requests.iter().flat_map(|request| read(request, &mut attempts)).collect();
    let twice: Vec<_> = attempts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "a message went out more than once in one attempt: {twice:?}");
    let rows = database.pairs::<i64, i64>(
        "SELECT incident.number, json_extract(page.body, '$.attempts') FROM page JOIN incident ON incident.id = page.incident
         WHERE page.channel = 'phone' AND json_extract(page.body, '$.state') = 'sent'",
        (),
    );
    for (incident, _) in &rows {
        assert!(told.contains(incident), "a page about {incident} is said to be sent, and the provider never got it");
    }
    let tried: i64 =
        database.one("SELECT coalesce(sum(json_extract(body, '$.attempts')), 0) FROM page WHERE channel = 'phone'");
    assert!(requests.len() as i64 <= tried, "{} messages for {tried} attempts", requests.len());
    (rows.len(), requests.len())
}

/// Counts the attempt and returns the numbers of the incidents that the message is about.
fn read(request: &Request, attempts: &mut HashMap<(String, u64), usize>) -> Vec<i64> {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_else(|error| panic!("{error}: {}", request.body));
    let id = body["id"].as_str().expect("an id").to_owned();
    *attempts.entry((id, body["attempt"].as_u64().expect("an attempt"))).or_default() += 1;
    let numbers = body["numbers"].as_array().expect("numbers").iter();
    numbers.map(|number| number.as_i64().expect("a number")).collect()
}
