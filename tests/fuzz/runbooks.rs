//! Runbooks: whatever a text is, it is shown in bounded, safe lines of the width; a file is taken or its mistake has its line; and what
//! changed between two texts is nothing for equal ones.

use nightdesk::runbook::{Line, Page, Runbook, changes, page};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Pieces of Markdown, and what a terminal must not get.
pub const WORDS: &[&str] = &[
    "# ",
    "## ",
    "\n\n",
    "\n",
    "- ",
    "* ",
    "1. ",
    "- [ ] ",
    "- [x] ",
    "> ",
    "> [!WARNING]\n> ",
    "```\n",
    "```sh\n",
    "    ",
    "\t",
    "`",
    "``",
    "**",
    "*",
    "_",
    "~~",
    "[",
    "](",
    ")",
    "![",
    "]: ",
    "[^1]",
    "[^1]: ",
    "<",
    ">",
    "<br>",
    "<div>",
    "</div>",
    "<!--",
    "-->",
    "|",
    "|-|-|\n",
    "| a | b |\n",
    "---\n",
    "===\n",
    "\\",
    "&amp;",
    "&#27;",
    "http://x.example/",
    "{{ labels.namespace }}",
    "{{ $labels.node }}",
    "{{",
    "}}",
    "\u{1b}[2J",
    "\u{1b}]8;;x\u{7}",
    "\u{9b}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\0",
    "\r",
    "\r\n",
    "\u{a0}",
    "\u{301}",
    "日本",
    "👩‍👩‍👧",
    "restart",
    "the node",
    "word",
    ". ",
    "$",
    "'",
    "\"",
    "\n=====\n",
];

/// Pieces of front matter.
pub const FRONT_WORDS: &[&str] = &[
    "---\n",
    "title: ",
    "owner: ",
    "match: ",
    "runbook_url: ",
    "weight: 1\n",
    "tags: [a]\n",
    "- ",
    "  - ",
    "\n",
    ": ",
    "'",
    "\"",
    "'{a=\"b\"}'\n",
    "{a=\"b\"}",
    "severity<=2",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "!x ",
    "|\n  ",
    ">\n  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "? ",
    "# ",
    "%YAML 1.1\n",
    "...\n",
    "null",
    "~",
    "1e999",
    "0x1",
    "\t",
    "\u{1b}[2J",
    "\u{202e}",
    "\0",
    "\r",
    "https://x.example/a",
    "a",
    " ",
];

const PARTED: &str = "\n=====\n";

static LABELS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let pairs = [("namespace", "shop"), ("node", "n 1'; reboot\u{1b}[2J")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
});

/// Markdown to begin with.
pub fn corpus() -> Vec<String> {
    let everything = include_str!("../../src/runbook/tests/everything.md");
    let mut texts: Vec<String> = everything.split("\n\n").map(str::to_owned).collect();
    texts.push(everything.to_owned());
    texts
}

/// Files to begin with.
pub fn files() -> Vec<String> {
    let fronts = [
        "title: A node's disk is full\nowner: team storage\nmatch: '{alertname=\"Disk\"}'\nrunbook_url: https://x.example/disk\n",
        "match:\n  - '{alertname=\"Disk\"}'\n  - severity<=2\nrunbook_url: [https://a.example, https://b.example]\n",
        "title: x\nweight: 20\ntags: [a, b]\n",
        "",
    ];
    fronts.map(|front| format!("---\n{front}---\n# Words\n")).into()
}

/// Two texts each, one behind the other.
pub fn pairs() -> Vec<String> {
    let texts = corpus();
    let pair = |pair: &[String]| format!("{}\n\n{}{PARTED}{}\n\n{}", pair[0], pair[1], pair[1], pair[0]);
    texts.windows(2).map(pair).chain(texts.iter().map(|text| format!("{text}{PARTED}{text}"))).collect()
}

fn hold(lines: &[Line], width: usize) {
    assert!(lines.len() <= page::LINES_MAX, "{} lines", lines.len());
    for line in lines {
        assert!(line.width() <= width, "{} cells of {width}: {:?}", line.width(), line.text());
        let bad = line
            .text()
            .chars()
            .find(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        assert!(bad.is_none(), "{bad:?} in {:?}", line.text());
    }
}

/// Reads and shows a text.
pub fn run(text: &str) -> bool {
    let page = Page::read(text, 1);
    for width in [1, 20, 80] {
        hold(&page.lines(width, &*LABELS), width.max(page::WIDTH_MIN));
    }
    let blocks = page.code_blocks();
    blocks.iter().for_each(|block| drop(block.filled(&*LABELS)));
    page.tasks().len() + page.outline().len() + blocks.len() > 0
}

/// Reads a file.
pub fn run_front(text: &str) -> bool {
    match Runbook::read(text.as_bytes(), "x.md") {
        Ok(runbook) => {
            assert!(!runbook.title.as_str().chars().any(char::is_control), "{:?}", runbook.title);
            true
        }
        Err(mistake) => {
            let lines = text.split(['\n', '\r']).count();
            assert!((1..=lines + 1).contains(&mistake.line), "line {} of {lines}", mistake.line);
            let said = mistake.to_string();
            assert!(!said.chars().any(char::is_control) && said.len() < 8192, "{said:?}");
            false
        }
    }
}

/// Compares two texts.
pub fn run_changes(text: &str) -> bool {
    let (old, new) = text.split_once(PARTED).unwrap_or((text, ""));
    let (old, new) = (Page::read(old, 1), Page::read(new, 1));
    assert!(changes(&new, &new).hunks.is_empty() && changes(&old, &old).hunks.is_empty(), "it differs from itself");
    let there = changes(&old, &new);
    for hunk in &there.hunks {
        for width in [1, 20, 80] {
            hold(&hunk.lines(width), width.max(page::WIDTH_MIN));
        }
    }
    assert_eq!(there.hunks.is_empty(), changes(&new, &old).hunks.is_empty(), "it differs one way alone");
    !there.hunks.is_empty()
}
