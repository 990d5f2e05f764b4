//! What a mirror holds, as text: two mirrors of the same state have equal texts, whoever wrote them and in how many steps.

use super::database::Database;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Fields of a series that count messages: they reach the feed with the next change that matters, not by themselves.
const COUNTERS: [&str; 3] = ["last_seen", "deliveries", "promise_ms"];

/// Returns the one mirror in this folder.
#[track_caller]
pub fn in_folder(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).expect("there is data");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    found.retain(|path| path.extension().is_some_and(|kind| kind == "db"));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Returns the confirmed rows of a mirror, each on a line, in one order; without generations, which count restarts of the hub's history.
pub fn dump(path: &Path) -> String {
    text_of(&Database::copy(path))
}

/// As [`dump`], of a mirror whose console runs.
pub fn dump_of_running(path: &Path) -> String {
    text_of(&Database::of_running(path))
}

fn text_of(database: &Database) -> String {
    let rows = |sql: &str| database.pairs::<String, String>(sql, ());
    let mut text = String::new();
    for (key, body) in
        rows("SELECT hex(id) || ' ' || number || ' ' || coalesce(resolved_at, '-'), body FROM incident ORDER BY 1")
    {
        text.push_str(&format!("incident {key} {body}\n"));
    }
    let keys = "SELECT source || ' ' || hex(fingerprint) || ' ' || coalesce(hex(incident), '-') || ' ' || coalesce(over_since, '-'), body
         FROM series ORDER BY 1";
    for (key, body) in rows(keys) {
        text.push_str(&format!("series {key} {}\n", without_counters(&body)));
    }
    for (key, body) in rows("SELECT seq || ' ' || hex(incident), body FROM line ORDER BY seq") {
        text.push_str(&format!("line {key} {body}\n"));
    }
    for (key, body) in rows("SELECT id || ' ' || person || ' ' || channel || ' ' || open, body FROM page ORDER BY 1") {
        text.push_str(&format!("page {key} {body}\n"));
    }
    text
}

fn without_counters(body: &str) -> String {
    let mut series: Value = serde_json::from_str(body).expect("a series is JSON");
    let fields = series.as_object_mut().expect("a series is an object");
    COUNTERS.iter().for_each(|name| drop(fields.remove(*name)));
    // While it burns, the end is how long the sender's word holds, which each repeat renews.
    if fields["state"] == "firing" {
        fields.remove("ends_at");
    }
    series.to_string()
}
