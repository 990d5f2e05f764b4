//! Real runbooks, hostile ones, and what must hold of each.

mod differences;
mod hostile;

use super::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

pub(super) fn corpus() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    PathBuf::from(if std::path::Path::new(beside).exists() { beside } else { "/work/shared/corpus" })
}

fn json(name: &str) -> serde_json::Value {
    let path = corpus().join(name);
    let bytes =
        std::fs::read(&path).unwrap_or_else(|error| panic!("the corpus lies beside the checkout: {path:?}: {error}"));
    serde_json::from_slice(&bytes).unwrap()
}

fn labels() -> BTreeMap<String, String> {
    let pairs = [("namespace", "shop"), ("node", "n 1'; reboot\x1b[2J"), ("pod", "\u{202e}x"), ("job_name", "backup")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Each runbook of the corpus with its revisions, oldest first.
pub(crate) fn revisions() -> Vec<(String, Vec<Vec<u8>>)> {
    let index = json("runbooks/index.json");
    let runbook = |runbook: &serde_json::Value| {
        let revisions = runbook["revisions"].as_array().unwrap().iter();
        let texts = revisions
            .map(|revision| std::fs::read(corpus().join("runbooks").join(revision["file"].as_str().unwrap())).unwrap());
        (runbook["name"].as_str().unwrap().to_owned(), texts.collect())
    };
    index["runbooks"].as_array().unwrap().iter().map(runbook).collect()
}

fn runbook(path: &str) -> Runbook {
    let bytes = std::fs::read(corpus().join("runbooks").join(path)).unwrap();
    Runbook::read(&bytes, path).unwrap()
}

#[track_caller]
fn lines_hold(lines: &[Line], width: usize, what: &str) {
    for line in lines {
        assert!(line.width() <= width, "{what}: {} cells of {width}: {:?}", line.width(), line.text());
        assert!(line.source >= 1, "{what}: a line from nowhere: {:?}", line.text());
        let bad = line
            .text()
            .chars()
            .find(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'));
        assert!(bad.is_none(), "{what}: {bad:?} in {:?}", line.text());
    }
}

fn page_holds(page: &Page, what: &str) {
    for width in [8, 40, 80, 120] {
        let lines = page.lines(width, &labels());
        lines_hold(&lines, width, what);
        let tasks: Vec<usize> = lines.iter().filter_map(|line| line.task).collect();
        assert!(tasks.iter().copied().eq(0..page.tasks().len()), "{what}: tasks {tasks:?}");
    }
}

fn shown(lines: &[Line]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.text());
        text
    })
}

#[test]
fn every_revision_of_every_runbook_is_shown_at_each_width() {
    let all = revisions();
    assert_eq!(all.len(), 193);
    let mut mistakes = Vec::new();
    for (name, texts) in all {
        for (at, text) in texts.iter().enumerate() {
            let what = format!("{name} {at}");
            match Runbook::read(text, &name) {
                Ok(runbook) => page_holds(&runbook.page(), &what),
                Err(mistake) => mistakes.push(format!("{what}: {mistake}")),
            }
        }
    }
    // One author once wrote two keys into one line.
    let found = "AlertmanagerFailedToSendAlerts 0: line 2: the front matter is no YAML";
    assert!(mistakes.len() == 1 && mistakes[0].starts_with(found), "{mistakes:#?}");
}

#[test]
fn each_revision_is_compared_with_the_one_before() {
    for (name, texts) in revisions() {
        let pages: Vec<Page> = texts.iter().filter_map(|text| Some(Runbook::read(text, &name).ok()?.page())).collect();
        for (at, pair) in pages.windows(2).enumerate() {
            for hunk in &changes(&pair[0], &pair[1]).hunks {
                for width in [8, 40, 80, 120] {
                    lines_hold(&hunk.lines(width), width, &format!("{name} {at}"));
                }
            }
            assert_eq!(changes(&pair[1], &pair[1]).hunks, [], "{name} {at}: nothing changed");
        }
    }
}

#[test]
fn hostile_texts_are_refused_with_a_word_or_shown_safely() {
    use base64::Engine as _;
    let decode = |case: &serde_json::Value| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(case["b64"].as_str().unwrap()).unwrap();
        bytes.repeat(case["repeat"].as_u64().unwrap_or(1) as usize)
    };
    let hostile = json("hostile.json");
    let mut texts: Vec<Vec<u8>> = hostile["cases"].as_array().unwrap().iter().map(decode).collect();
    let naughty = json("blns.json");
    texts.extend(
        naughty["strings"].as_array().unwrap().iter().map(|case| case["s"].as_str().unwrap().as_bytes().to_vec()),
    );
    let mut before = Page::read("# x\n\nwords\n", 1);
    for text in texts {
        let what = format!("{:?}", String::from_utf8_lossy(&text[..text.len().min(200)]));
        match Runbook::read(&text, "hostile.md") {
            Ok(runbook) => {
                let page = runbook.page();
                page_holds(&page, &what);
                changes(&before, &page).hunks.iter().for_each(|hunk| lines_hold(&hunk.lines(40), 40, &what));
                before = page;
            }
            Err(mistake) => assert!(!mistake.to_string().chars().any(char::is_control), "{what}: {mistake}"),
        }
        let framed = [b"---\ntitle: ", text.as_slice(), b"\n---\n# x\n"].concat();
        if let Err(mistake) = Runbook::read(&framed, "hostile.md") {
            assert!(!mistake.to_string().chars().any(char::is_control), "{what}: {mistake}");
        }
    }
}

#[test]
fn deep_and_long_texts_are_bounded() {
    let deep = [
        ">".repeat(10_000) + " x",
        "- ".repeat(10_000) + "x",
        "1. ".repeat(10_000) + "x",
        "[".repeat(10_000),
        "*a ".repeat(10_000),
        (0..400).map(|depth| " ".repeat(depth * 2) + "- a\n").collect(),
        "<div>".repeat(10_000),
        "`".repeat(10_000),
        "> - ".repeat(5_000) + "x",
        "![a](".repeat(10_000),
        "-\n".repeat(100_000),
        "a|".repeat(5_000) + "\n" + &"-|".repeat(5_000) + "\n" + &"|\n".repeat(5_000),
    ];
    for text in deep {
        let page = Page::read(&text, 1);
        for width in [8, 80] {
            let lines = page.lines(width, &());
            assert!(lines.len() <= page::LINES_MAX, "{} lines", lines.len());
            lines_hold(&lines, width, &text[..20]);
        }
        changes(&Page::read("x", 1), &page);
    }
}

#[test]
fn a_page_of_everything() {
    let page = Page::read(include_str!("tests/everything.md"), 1);
    insta::assert_snapshot!("everything_80", shown(&page.lines(80, &labels())));
    insta::assert_snapshot!("everything_36", shown(&page.lines(36, &labels())));
}

#[test]
fn tasks_keep_their_ids_through_rewrapping_and_ticking() {
    let old = Page::read("- [ ] Drain the *node*\n- [ ] Reboot\n- [ ] Reboot\n", 1).tasks();
    let new = Page::read("# x\n\n- [x] drain the\n  node\n- [ ] Reboot\n- [ ] Reboot\n- [ ] More\n", 1).tasks();
    let ids = |tasks: &[Task]| tasks.iter().map(|task| task.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&old), ids(&new)[..3]);
    assert_ne!(old[1].id, old[2].id);
    assert!(new[0].done && !old[0].done);
}

#[test]
fn code_is_copied_as_it_is_written() {
    let blocks = Page::read("a\n\n```sh x\n\tif a; then\n\n  b\nfi\n```\n\n    indented\n\tmore\n", 5).code_blocks();
    assert_eq!(blocks[0].text, "\tif a; then\n\n  b\nfi");
    assert_eq!((blocks[0].language.as_str(), blocks[0].line), ("sh", 8));
    assert_eq!(blocks[1].text, "indented\nmore");
}
