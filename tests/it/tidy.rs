//! The house rules that a machine can check: which module may use which, and what stands only in one place.
//!
//! The checker reads paths (`a::b::c`, nested `use` groups opened out) in source whose comments and strings are blanked.
//! Its own tests feed it wrong snippets, so that it is known to bite.

mod source;

use source::{Code, Place};
use std::path::Path;

/// From left to right: a module may use itself and what has a smaller rank. The same rank does not meet.
///
/// `main` and `lib` (rank 8) are files beside the modules.
const RANKS: &[(&str, u8)] = &[
    ("domain", 0),
    ("query", 1),
    ("ingest", 1),
    ("log", 1),
    ("rules", 2),
    ("runbook", 2),
    ("config", 3),
    ("store", 4),
    ("sync", 5),
    ("notify", 6),
    ("hub", 7),
    ("tui", 7),
    ("cli", 8),
    ("main", 9),
    ("lib", 8),
];

/// Modules without clock, randomness and I/O.
const PLAIN: &[&str] = &["src/domain", "src/query", "src/ingest", "src/runbook"];

/// Where SQL stands: not in `store/hub`, whose transactions are the same for each back end.
const SQL: &[&str] = &["src/store/sqlite", "src/store/mirror", "src/store/mod.rs", "src/store/tests"];

/// A path that stands only in some files, and why.
struct Fence {
    /// Neighbouring segments: `std::fs` is found in `std::fs::read`. With an empty one at the end, something must follow.
    path: &'static [&'static str],
    /// Beginnings of file names.
    files: Files,
    why: &'static str,
}

enum Files {
    Only(&'static [&'static str]),
    NotIn(&'static [&'static str]),
}

const fn plain(path: &'static [&'static str]) -> Fence {
    Fence {
        path,
        files: Files::NotIn(PLAIN),
        why: "domain, query, ingest and runbook are plain: no clock, randomness or I/O",
    }
}

const NO_SLEEP: &str = "tests wait for what they need, not for time";

const FENCES: &[Fence] = &[
    Fence { path: &["rusqlite"], files: Files::Only(SQL), why: "SQL stands in store alone, and not in its rules" },
    Fence {
        path: &["KeyCode"],
        files: Files::Only(&["src/tui/keymap", "src/tui/input"]),
        why: "keys stand in keymaps",
    },
    Fence { path: &["Color", ""], files: Files::Only(&["src/tui/theme"]), why: "colours stand in themes" },
    plain(&["SystemTime"]),
    plain(&["Instant", "now"]),
    plain(&["Timestamp", "now"]),
    plain(&["Zoned", "now"]),
    plain(&["Uuid", "now_v7"]),
    plain(&["Uuid", "new_v4"]),
    plain(&["getrandom"]),
    plain(&["std", "fs"]),
    plain(&["std", "net"]),
    plain(&["std", "process"]),
    plain(&["std", "env"]),
    plain(&["tokio"]),
];

/// What no code does outside tests.
const NOWHERE: &[&str] = &[".unwrap()", "todo!", "dbg!", "unimplemented!"];

/// Returns what is wrong with one file, as `path:line: what`; `path` begins with `src/` or `tests/`.
fn check(path: &str, text: &str) -> Vec<String> {
    let code = Code::read(path, text);
    let mut found = Vec::new();
    if !text.starts_with("//!") && !text.starts_with("#![doc") {
        found.push((1, "begins without `//!`: say what the file is for".to_owned()));
    }
    for place in &code.paths {
        let wrong = [arrow(path, place), fence(path, place), sleep(path, place)];
        found.extend(wrong.into_iter().flatten().map(|what| (place.line, what)));
    }
    for (index, line) in code.blanked.lines().enumerate() {
        let number = index + 1;
        let in_tests = code.in_tests(number);
        let words = NOWHERE.iter().filter(|word| !in_tests && source::has_word(line, word));
        found.extend(words.map(|word| (number, format!("`{word}` outside tests"))));
        if line.trim_start().starts_with(concat!("#[", "ignore")) {
            found.push((number, "an ignored test is none".to_owned()));
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(line, what)| format!("{path}:{line}: {what}")).collect()
}

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// Returns what is wrong with a path that begins at the crate's root.
fn arrow(path: &str, place: &Place) -> Option<String> {
    let from = source::module_of(path)?;
    let to = place.top_module()?;
    let Some(own) = rank(from) else { return Some(format!("`{from}` has no place in the order of RANKS")) };
    if own == 8 || from == to {
        return None;
    }
    match rank(to) {
        Some(used) if used < own => None,
        Some(_) => Some(format!("`{from}` must not use `{to}`: arrows point to the left")),
        None => Some(format!("`crate::{to}` is no module in the order of RANKS")),
    }
}

fn fence(path: &str, place: &Place) -> Option<String> {
    let begins = |names: &[&str]| names.iter().any(|name| path.starts_with(name));
    let broken = |fence: &&Fence| {
        let outside = match fence.files {
            Files::Only(names) => !begins(names),
            Files::NotIn(names) => begins(names) && !place.in_tests,
        };
        outside && path.starts_with("src/") && place.holds(fence.path)
    };
    FENCES.iter().find(broken).map(|fence| format!("`{}`: {}", place.text(), fence.why))
}

fn sleep(path: &str, place: &Place) -> Option<String> {
    let sleeps = place.holds(&["thread", "sleep"]) || place.holds(&["tokio", "time", "sleep"]);
    (sleeps && (place.in_tests || path.starts_with("tests/"))).then(|| format!("`{}`: {NO_SLEEP}", place.text()))
}

#[test]
fn every_file_keeps_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = ["src", "tests"].iter().flat_map(|folder| source::rust_files(root, folder)).collect();
    assert!(
        files.iter().any(|(path, _)| path == "src/lib.rs") && files.iter().any(|(path, _)| path == "tests/it/tidy.rs")
    );
    let found: Vec<_> = files.iter().flat_map(|(path, text)| check(path, text)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Asserts that the checker finds something that holds each of `expected`, in this order, and nothing else.
#[track_caller]
fn finds(path: &str, text: &str, expected: &[&str]) {
    let found = check(path, &format!("//! x\n{text}"));
    let all = found.len() == expected.len() && found.iter().zip(expected).all(|(line, part)| line.contains(part));
    assert!(all, "{text}\nfound {found:#?}\nexpected {expected:#?}");
}

#[test]
fn wrong_arrows_are_found() {
    finds("src/domain/id.rs", "use crate::store::Row;", &["rs:2: `domain` must not use `store`"]);
    finds("src/ingest/mod.rs", "use crate::query::Tree;", &["`ingest` must not use `query`"]);
    finds("src/hub/mod.rs", "fn f() { crate::tui::run() }", &["`hub` must not use `tui`"]);
    finds(
        "src/tui/mod.rs",
        "use crate::{\n  domain::{id, label},\n  hub::{self, api},\n};",
        &["rs:4: `tui` must not use `hub`"],
    );
    finds(
        "src/notify/mod.rs",
        "use crate::{tui, hub};",
        &["`notify` must not use `hub`", "`notify` must not use `tui`"],
    );
    finds("src/query/mod.rs", "use crate::config::Config;", &["`query` must not use `config`"]);
    finds("src/config.rs", "use crate::store::Row;", &["`config` must not use `store`"]);
    finds("src/sync/feed.rs", "use super::super::hub;", &["`sync` must not use `hub`"]);
    finds("src/sync/feed.rs", "pub(in crate::cli) use crate::r#hub::x;", &["must not use `cli`", "must not use `hub`"]);
    finds(
        "src/store/mod.rs",
        "#[cfg(test)]\nmod tests {\n  use crate::sync::Feed;\n}",
        &["`store` must not use `sync`"],
    );
    finds("src/helpers/mod.rs", "use crate::domain::id;", &["`helpers` has no place"]);
    finds("src/sync/mod.rs", "use crate::helpers::x;\nuse crate::*;", &["`crate::helpers`", "`crate::*`"]);
}

#[test]
fn right_arrows_are_not() {
    finds(
        "src/sync/feed.rs",
        "use crate::{domain::id, query, ingest, config::Config, store::{Row, sqlite}, sync::push};",
        &[],
    );
    finds("src/config.rs", "use crate::{domain::label::Labels, ingest::Limits};", &[]);
    finds("src/cli/serve.rs", "use crate::{hub, tui, notify};", &[]);
    finds("src/main.rs", "use crate::cli;", &[]);
    finds(
        "src/domain/id.rs",
        "// crate::store\n/* /* */ crate::hub */\nconst X: &str = r#\"\"crate::tui\"#; // '",
        &[],
    );
    finds("src/domain/id.rs", "fn f<'a>(x: &'a str) -> char { '\"' } // crate::hub\nuse super::label;", &[]);
    finds("src/domain/id.rs", "#[cfg(test)]\nmod tests {\n    use super::super::label;\n}", &[]);
}

#[test]
fn what_stands_in_one_place_only_is_found_elsewhere() {
    finds("src/hub/mod.rs", "fn f(c: &rusqlite::Connection) {}", &["SQL stands in store alone"]);
    finds("src/store/hub/work.rs", "use rusqlite::Transaction;", &["SQL stands in store alone"]);
    finds("src/tui/view.rs", "use crossterm::event::{KeyCode, KeyEvent};", &["keys stand in keymaps"]);
    finds("src/tui/view.rs", "const C: X = ratatui::style::Color::Red;", &["colours stand in themes"]);
    finds("src/domain/id.rs", "use std::{fmt, fs};", &["`std::fs`"]);
    finds("src/query/mod.rs", "fn f() { Instant::now(); }", &["`Instant::now`"]);
    finds("src/ingest/mod.rs", "use std::time::SystemTime;", &["SystemTime"]);
    finds(
        "src/domain/id.rs",
        "fn f() { getrandom::fill(x); tokio::spawn(y); Uuid::now_v7(); }",
        &["Uuid", "getrandom", "tokio"],
    );
}

#[test]
fn what_stands_in_its_place_is_not() {
    finds("src/store/sqlite/mod.rs", "use rusqlite::Connection;", &[]);
    finds("src/tui/keymap/parse.rs", "use crossterm::event::KeyCode;", &[]);
    finds("src/tui/input.rs", "fn f(code: KeyCode) {}", &[]);
    finds("src/tui/theme.rs", "const RED: Color = Color::Red;", &[]);
    finds("src/tui/view.rs", "use ratatui::style::Color;\nfn f(color: Color) {}", &[]);
    finds("src/hub/mod.rs", "use std::{fs, net};\nfn f() { Instant::now(); }", &[]);
    finds("src/ingest/mod.rs", "#[cfg(test)]\nmod tests {\n  fn f() { std::fs::read(x); }\n}", &[]);
}

#[test]
fn panics_outside_tests_are_found() {
    finds("src/hub/mod.rs", "fn f() { x.unwrap() }", &["`.unwrap()` outside tests"]);
    finds(
        "src/hub/mod.rs",
        "fn f() { todo!(); dbg!(x); unimplemented!() }",
        &["`dbg!`", "`todo!`", "`unimplemented!`"],
    );
    finds("src/hub/mod.rs", "#[cfg(test)]\nmod tests;\nfn f() { x.unwrap() }", &["rs:4: `.unwrap()`"]);
    finds("src/hub/mod.rs", "#[cfg(test)]\nmod tests {\n  fn f() { x.unwrap() }\n}\nfn g() { x.unwrap() }", &["rs:6"]);
    finds("src/hub/tests.rs", "fn f() { x.unwrap() }", &[]);
    finds("src/hub/mod.rs", "/// `x.unwrap()`, todo!\nfn f() { x.unwrap_or(1); my_todo!() }", &[]);
}

#[test]
fn sleeping_and_ignored_tests_are_found() {
    finds("tests/it/x.rs", "use std::thread::{sleep, spawn};", &[NO_SLEEP]);
    finds("tests/it/x.rs", "async fn f() { tokio::{time::{sleep}} }", &[NO_SLEEP]);
    finds("src/sync/mod.rs", "#[cfg(test)]\nmod tests {\n  use std::thread::{sleep};\n}", &[NO_SLEEP]);
    finds("src/sync/mod.rs", "use std::thread::{sleep};", &[]);
    finds("tests/it/x.rs", concat!("#[test]\n#[", "ignore]\nfn f() {}"), &["rs:3: an ignored test is none"]);
}

#[test]
fn a_file_without_a_purpose_is_found() {
    assert_eq!(check("src/domain/id.rs", "use std::fmt;").len(), 1);
    assert_eq!(check("src/lib.rs", "#![doc = include_str!(\"architecture.md\")]"), Vec::<String>::new());
}
