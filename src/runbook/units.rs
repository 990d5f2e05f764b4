//! A page as units that are compared: a paragraph, a heading, a line of code, a row of a table; each in words.

use super::blocks::{Block, Kind, Nest, Words};
use super::line::Role;
use super::page::Page;
use super::wrap::untabbed;
use crate::domain::text::SafeText;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Longest heading in a path, in characters.
const TITLE_CHARS_MAX: usize = 80;

/// What a unit is: only equal ones are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Heading(u8),
    Prose,
    Code,
    Row,
    Html,
}

/// A word, a sign, or in code a run of spaces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) role: Role,
    /// Whether a space stands before it.
    pub(super) space: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) class: Class,
    pub(super) words: Vec<Word>,
    /// Equal for what says the same.
    pub(super) key: u64,
    /// Its words without signs, sorted: to tell what is alike.
    pub(super) bag: Vec<u64>,
    pub(super) section: usize,
    pub(super) line: usize,
    /// What stands before its first line.
    pub(super) marker: String,
}

/// A page, cut.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub(super) units: Vec<Unit>,
    /// The heading path of each section; that of 0 is empty.
    pub(super) paths: Vec<Vec<SafeText>>,
}

/// Returns the units of a page.
pub(super) fn cut(page: &Page) -> Cut {
    let mut cut = Cut { units: Vec::new(), paths: vec![Vec::new()] };
    let mut levels: Vec<(u8, SafeText)> = Vec::new();
    for block in &page.blocks {
        if let Kind::Heading(level, words) = &block.kind {
            levels.retain(|(above, _)| above < level);
            levels.push((*level, SafeText::line(&words.plain(), TITLE_CHARS_MAX)));
            cut.paths.push(levels.iter().map(|(_, title)| title.clone()).collect());
        }
        cut.block(block);
    }
    cut
}

impl Cut {
    fn block(&mut self, block: &Block) {
        let marker = marker(block);
        match &block.kind {
            Kind::Words(words) => self.push(Class::Prose, split(words), block.line, marker),
            Kind::Heading(level, words) => {
                let hashes = "#".repeat(usize::from(*level)) + " ";
                self.push(Class::Heading(*level), split(words), block.line, hashes);
            }
            Kind::Code { lines, .. } => {
                for (line, text) in lines {
                    self.push(Class::Code, code(&untabbed(text)), *line, "┃ ".to_owned());
                }
            }
            Kind::Html(lines) => {
                for (line, text) in lines {
                    let mut words = Vec::new();
                    tokens(text, Role::Html, &mut words);
                    self.push(Class::Html, words, *line, String::new());
                }
            }
            Kind::Table { head, rows } => {
                self.push(Class::Row, row(head), block.line, String::new());
                for (line, cells) in rows {
                    self.push(Class::Row, row(cells), *line, String::new());
                }
            }
            Kind::Rule => {}
        }
    }

    fn push(&mut self, class: Class, words: Vec<Word>, line: usize, marker: String) {
        // What says nothing need not be read; a blank line of code parts nothing a reader must know.
        if words.iter().all(|word| word.text.trim().is_empty()) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        // Prose stays what it is in a list or without one; a heading at another level is one still.
        match class {
            Class::Heading(_) => 0u8,
            Class::Prose | Class::Html => 1,
            Class::Code => 2,
            Class::Row => 3,
        }
        .hash(&mut hasher);
        words.iter().for_each(|word| word.text.hash(&mut hasher));
        let mut bag: Vec<u64> =
            words.iter().filter(|word| is_letters(&word.text)).map(|word| hashed(&word.text)).collect();
        if bag.is_empty() {
            bag = words.iter().map(|word| hashed(&word.text)).collect();
        }
        bag.sort_unstable();
        let section = self.paths.len() - 1;
        self.units.push(Unit { class, words, key: hasher.finish(), bag, section, line, marker });
    }
}

fn hashed(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn is_letters(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn marker(block: &Block) -> String {
    let own = &block.nest[block.nest.len() - block.opens..];
    let indent = "  ".repeat(block.nest.len().saturating_sub(1));
    match own.last() {
        Some(Nest::Item { task: Some(done), .. }) => indent + if *done { "[x] " } else { "[ ] " },
        Some(Nest::Item { marker, .. }) => format!("{indent}{marker} "),
        Some(Nest::Note(label)) => format!("{indent}[^{}]: ", label.chars().take(12).collect::<String>()),
        _ if block.nest.iter().any(|nest| matches!(nest, Nest::Quote(_))) => indent + "│ ",
        _ => "  ".repeat(block.nest.len()),
    }
}

fn split(words: &Words) -> Vec<Word> {
    let mut out = Vec::new();
    let mut space = false;
    for piece in &words.pieces {
        let first = out.len();
        let leads = piece.text.starts_with(char::is_whitespace);
        tokens(&piece.text, piece.role, &mut out);
        if let Some(word) = out.get_mut(first) {
            word.space = space || leads;
        }
        let spaces = piece.text.ends_with(char::is_whitespace);
        space = if out.len() > first { spaces } else { space || spaces };
    }
    out
}

/// Words and signs; runs of letters, digits and `_` stay together.
fn tokens(text: &str, role: Role, out: &mut Vec<Word>) {
    let (mut space, mut open) = (false, false);
    for c in text.chars() {
        let letter = c.is_alphanumeric() || c == '_';
        if c.is_whitespace() {
            (space, open) = (true, false);
            continue;
        }
        match out.last_mut().filter(|_| open && letter) {
            Some(word) => word.text.push(c),
            None => out.push(Word { text: c.to_string(), role, space }),
        }
        (space, open) = (false, letter);
    }
}

/// A line of code, of which every space counts but those at its end.
fn code(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let class = |c: char| if c == ' ' { 0 } else { 1 + u8::from(c.is_alphanumeric() || c == '_') };
    for c in text.trim_end().chars() {
        let same =
            |word: &Word| class(c) != 1 && word.text.chars().next().is_some_and(|first| class(first) == class(c));
        match out.last_mut().filter(|word| same(word)) {
            Some(word) => word.text.push(c),
            None => out.push(Word { text: c.to_string(), role: Role::CodeBlock, space: false }),
        }
    }
    out
}

fn row(cells: &[Words]) -> Vec<Word> {
    let mut out = Vec::new();
    for (column, cell) in cells.iter().enumerate() {
        if column > 0 {
            out.push(Word { text: "│".to_owned(), role: Role::TableRule, space: true });
        }
        let mut words = split(cell);
        if let Some(first) = words.first_mut() {
            first.space = column > 0;
        }
        out.extend(words);
    }
    out
}

/// Returns how much two units have in common: 0 nothing, 1 all.
pub(super) fn likeness(a: &Unit, b: &Unit) -> f64 {
    2.0 * common(&a.bag, &b.bag) as f64 / (a.bag.len() + b.bag.len()).max(1) as f64
}

/// Returns how many words stand in both.
pub(super) fn common(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, count) = (i + 1, j + 1, count + 1),
        }
    }
    count
}
