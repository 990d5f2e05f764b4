//! Files that are made from the tables. `NIGHTDESK_WRITE=1 cargo test --lib tui::keymap::generated` writes them anew.

use super::{Keymap, markdown, schema};
use std::path::Path;

/// Before and behind the table of the README.
const MARKS: [&str; 2] = ["<!-- nightdesk keys list --markdown -->\n\n", "<!-- end of keys -->"];

/// Compares a file with what it must be, or writes it.
#[track_caller]
fn check(name: &str, change: impl FnOnce(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    let must = change(&is);
    if is == must {
        return;
    }
    if std::env::var_os("NIGHTDESK_WRITE").is_some() {
        return std::fs::write(&path, must).expect("the file can be written");
    }
    let first = is.lines().zip(must.lines()).find(|(is, must)| is != must);
    panic!(
        "{name} is not what the tables say, first {first:?}; NIGHTDESK_WRITE=1 cargo test --lib tui::keymap::generated \
         writes it anew"
    );
}

#[test]
fn the_schema_is_what_the_tables_say() {
    check("keymaps/schema.json", |_| serde_json::to_string_pretty(&schema()).expect("a schema is JSON") + "\n");
}

#[test]
fn the_table_of_the_readme_is_what_the_keymap_says() {
    check("README.md", |readme| {
        let (before, rest) = readme.split_once(MARKS[0]).expect("the README marks where its table of keys begins");
        let (_, behind) = rest.split_once(MARKS[1]).expect("the README marks where its table of keys ends");
        format!("{before}{}{}\n{}{behind}", MARKS[0], markdown(&Keymap::builtin()), MARKS[1])
    });
}
