//! A page: Markdown in flat blocks, and what can be asked of it.

use super::blocks::{Block, Kind, Nest};
use super::fill::{self, Labels};
use super::line::Line;
use crate::domain::text::SafeText;
use std::collections::BTreeMap;

/// Narrowest width that lines are made for; below it they are made as for this one.
pub const WIDTH_MIN: usize = 8;
/// Most lines of one page; the last says that more was left out.
pub const LINES_MAX: usize = 30_000;
/// Longest title of a heading, in characters.
const TITLE_CHARS_MAX: usize = 200;
/// Longest text of a task, in characters.
const TASK_CHARS_MAX: usize = 500;

/// A text, read.
///
/// Its blocks are flat, each with what it is nested in, so that no depth of nesting is a depth of calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    pub(super) blocks: Vec<Block>,
    /// Whether the text had more blocks than are taken.
    pub(super) cut: bool,
}

/// A heading of the outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its words, templates as written.
    pub title: SafeText,
    /// In which line of the file.
    pub line: usize,
    /// Its block, as [`Line::block`].
    pub block: usize,
}

/// A block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// What language it is said to be in; may be empty.
    pub language: SafeText,
    /// What stands in it, as written, without the line feed at its end: not made safe, for the clipboard alone.
    pub text: String,
    /// In which line of the file its text begins.
    pub line: usize,
    /// Its block, as [`Line::block`].
    pub block: usize,
}

/// A checklist item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// 16 hexadecimal digits, of its words (without markup, case and how they are spaced) and of how many items before it have the same.
    pub id: String,
    /// Its words, templates as written.
    pub text: SafeText,
    /// In which line of the file.
    pub line: usize,
    /// Its block, as [`Line::block`].
    pub block: usize,
    /// Whether the text itself has it ticked.
    pub done: bool,
}

impl Page {
    /// Reads Markdown whose first line is this one of its file.
    pub fn read(body: &str, first_line: usize) -> Self {
        super::blocks::read(body, first_line)
    }

    /// Returns the page as lines of at most `width` cells (of [`WIDTH_MIN`], where that is more), templates filled from the labels. At most
    /// [`LINES_MAX`].
    pub fn lines<L: Labels + ?Sized>(&self, width: usize, labels: &L) -> Vec<Line> {
        super::render::lines(self, width.max(WIDTH_MIN), &|name| labels.label(name))
    }

    /// Returns its headings, in order.
    pub fn outline(&self) -> Vec<Heading> {
        let headings = self.blocks.iter().enumerate().filter_map(|(block, found)| match &found.kind {
            Kind::Heading(level, words) => {
                let title = SafeText::line(&words.plain(), TITLE_CHARS_MAX);
                Some(Heading { level: *level, title, line: found.line, block })
            }
            _ => None,
        });
        headings.collect()
    }

    /// Returns its blocks of code, in order.
    pub fn code_blocks(&self) -> Vec<CodeBlock> {
        let blocks = self.blocks.iter().enumerate().filter_map(|(block, found)| match &found.kind {
            Kind::Code { language, lines } => {
                let text = lines.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
                let line = lines.first().map_or(found.line, |(line, _)| *line);
                Some(CodeBlock { language: SafeText::line(language, 40), text, line, block })
            }
            _ => None,
        });
        blocks.collect()
    }

    /// Returns its checklist items, in order.
    pub fn tasks(&self) -> Vec<Task> {
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut tasks = Vec::new();
        for (block, found) in self.blocks.iter().enumerate() {
            let Some(done) = found.task() else { continue };
            let plain = found.plain();
            let normal = plain.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let nth = seen.entry(normal.clone()).or_default();
            let id = task_id(&normal, *nth);
            *nth += 1;
            let text = SafeText::line(plain.trim(), TASK_CHARS_MAX);
            tasks.push(Task { id, text, line: found.line, block, done });
        }
        tasks
    }
}

impl CodeBlock {
    /// Returns the text to copy, with labels put in where that is safe, and the templates that were left as written.
    pub fn filled<L: Labels + ?Sized>(&self, labels: &L) -> (String, Vec<SafeText>) {
        fill::copied(&self.text, &|name| labels.label(name))
    }
}

impl Block {
    /// Returns whether a checklist item begins here, and whether it is ticked.
    pub(super) fn task(&self) -> Option<bool> {
        let own = &self.nest[self.nest.len() - self.opens..];
        own.iter().rev().find_map(|nest| match nest {
            Nest::Item { task, .. } => *task,
            _ => None,
        })
    }

    /// Returns its words without markup; empty for what has none.
    pub(super) fn plain(&self) -> String {
        match &self.kind {
            Kind::Words(words) | Kind::Heading(_, words) => words.plain(),
            Kind::Code { lines, .. } | Kind::Html(lines) => {
                lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
            }
            Kind::Table { .. } | Kind::Rule => String::new(),
        }
    }
}

fn task_id(normal: &str, nth: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&nth.to_le_bytes());
    hasher.update(normal.as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}
