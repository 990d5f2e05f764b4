//! The corpus of real payloads and hostile strings; it lies beside the checkout.

use base64::Engine as _;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One case of `hostile.json`.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What kind of hostility: `osc`, `bidi`, `labels` …
    pub class: String,
    /// The exact bytes, repetitions included.
    pub bytes: Vec<u8>,
}

impl Case {
    /// Returns the bytes as text, if they are.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes.clone()).ok()
    }
}

/// Returns where the corpus lies.
pub fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = if beside.exists() { beside } else { PathBuf::from("/work/shared/corpus") };
    assert!(folder.exists(), "the corpus must lie beside the checkout, in ../shared/corpus");
    folder
}

/// Returns name and bytes of every payload of that format, sorted by name.
pub fn payloads(format: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder().join("payloads").join(format)).expect("the payloads are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    let named = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).expect("a payload can be read"));
    paths.into_iter().map(named).collect()
}

/// Returns every hostile case.
pub fn hostile() -> Vec<Case> {
    let file = read("hostile.json");
    file["cases"].as_array().expect("a list of cases").iter().map(case).collect()
}

/// Returns every hostile text: the cases that are text, and the naughty strings.
pub fn texts() -> Vec<String> {
    let naughty = read("blns.json");
    let strings = naughty["strings"].as_array().expect("a list of strings");
    let naughty = strings.iter().filter_map(|one| one["s"].as_str()).map(str::to_owned);
    let mut texts: Vec<String> = hostile().iter().filter_map(Case::text).chain(naughty).collect();
    texts.retain(|text| !text.is_empty());
    texts
}

/// Returns what of `text` no terminal may get: control characters, and characters that hide or turn others.
pub fn forbidden(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && *c != '\n' || is_invisible(*c))
}

/// U+200D is not among them: it joins emoji, where it is seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Returns a file of the corpus.
pub fn read(name: &str) -> Value {
    let text = std::fs::read(folder().join(name)).expect("the corpus can be read");
    serde_json::from_slice(&text).expect("the corpus is JSON")
}

fn case(value: &Value) -> Case {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let once = base64::engine::general_purpose::STANDARD.decode(text("b64")).expect("base64");
    let times = value["repeat"].as_u64().unwrap_or(1) as usize;
    Case { id: text("id"), class: text("cls"), bytes: once.repeat(times) }
}

#[test]
fn what_no_terminal_may_get_is_known() {
    for bad in ["\u{1b}", "\r", "\t", "\u{7f}", "\u{9b}", "\u{202e}", "\u{200b}", "\u{feff}"] {
        assert!(forbidden(&format!("a{bad}b")).is_some(), "{bad:?}");
    }
    assert_eq!(forbidden("a\nü ␛ 👩\u{200d}🚀"), None);
}
