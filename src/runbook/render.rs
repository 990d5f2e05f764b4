//! A page in lines of a width.

use super::blocks::{Block, Kind, Nest, Words};
use super::fill::{Ask, Shell};
use super::line::{Line, Role, Span};
use super::page::{LINES_MAX, Page};
use super::table;
use super::wrap::{Laid, Wrap, filled, hard, untabbed};
use crate::domain::text::SafeText;

/// Longest marker of a list or a footnote, in cells.
const MARKER_CELLS_MAX: usize = 16;

/// Returns the lines of a page.
pub(super) fn lines(page: &Page, width: usize, ask: Ask<'_>) -> Vec<Line> {
    let mut out = Out { lines: Vec::new(), width };
    let mut tasks = 0;
    for (index, block) in page.blocks.iter().enumerate() {
        let task = block.task().map(|_| {
            tasks += 1;
            tasks - 1
        });
        out.block(index, block, task, ask);
        if out.is_full() {
            break;
        }
    }
    if page.cut || out.is_full() {
        out.lines.truncate(LINES_MAX - 1);
        let span = Span::ours("‹the text is longer than is shown›", Role::Marker);
        out.push(Line { spans: vec![span], ..out.lines.last().cloned().unwrap_or_default() });
    }
    out.lines
}

struct Out {
    lines: Vec<Line>,
    width: usize,
}

impl Out {
    fn is_full(&self) -> bool {
        self.lines.len() >= LINES_MAX
    }

    fn block(&mut self, index: usize, block: &Block, task: Option<usize>, ask: Ask<'_>) {
        let prefix = Prefix::of(block, self.width);
        if block.gap {
            self.push(Line { spans: prefix.gap.clone(), source: block.line, block: index, task: None });
        }
        let cells = self.width - prefix.cells;
        let mut first = true;
        for (source, spans) in callout_head(block).into_iter().chain(content(block, cells, ask)) {
            if self.is_full() {
                return;
            }
            let before = if first { &prefix.first } else { &prefix.rest };
            let spans = before.iter().cloned().chain(spans).collect();
            self.push(Line { spans, source, block: index, task: task.filter(|_| first) });
            first = false;
        }
    }

    fn push(&mut self, mut line: Line) {
        if line.width() > self.width {
            cut(&mut line.spans, self.width);
        }
        self.lines.push(line);
    }
}

/// Cuts what no wrapping could make fit.
pub(super) fn cut(spans: &mut Vec<Span>, mut cells: usize) {
    for span in spans.iter_mut() {
        span.text = span.text.truncated(cells);
        cells -= span.text.width();
    }
    spans.retain(|span| !span.text.as_str().is_empty());
}

/// What stands before the lines of a block.
pub(super) struct Prefix {
    first: Vec<Span>,
    pub(super) rest: Vec<Span>,
    gap: Vec<Span>,
    cells: usize,
}

impl Prefix {
    /// Returns the prefix of a block; of deep nesting the innermost is shown, on no more than half of the width.
    fn of(block: &Block, width: usize) -> Self {
        let old = block.nest.len() - block.opens;
        let mut prefix = Self { first: Vec::new(), rest: Vec::new(), gap: Vec::new(), cells: 0 };
        let marks: Vec<(Span, Span)> = block.nest.iter().map(marks).collect();
        let mut skipped = 0;
        let mut cells: usize = marks.iter().map(|(first, _)| first.text.width()).sum();
        while cells > width / 2 {
            cells -= marks[skipped].0.text.width();
            skipped += 1;
        }
        for (at, (first, rest)) in marks.into_iter().enumerate().skip(skipped) {
            if at < old {
                prefix.gap.push(rest.clone());
            }
            prefix.first.push(if at < old { rest.clone() } else { first });
            prefix.rest.push(rest);
        }
        while prefix.gap.pop_if(|span| span.role == Role::Text).is_some() {}
        prefix.cells = cells;
        prefix
    }
}

/// Returns what stands before the first line, and before the others; of one width.
fn marks(nest: &Nest) -> (Span, Span) {
    match nest {
        Nest::Quote(None) => (Span::ours("│ ", Role::Quote), Span::ours("│ ", Role::Quote)),
        Nest::Quote(Some(kind)) => (Span::ours("▌ ", Role::Callout(*kind)), Span::ours("▌ ", Role::Callout(*kind))),
        Nest::Item { task: Some(done), .. } => {
            let text = if *done { "[x] " } else { "[ ] " };
            (Span::ours(text, Role::Task(*done)), Span::gap(4))
        }
        Nest::Item { marker, task: None } => marked(marker),
        Nest::Note(label) => marked(&format!("[^{label}]:")),
    }
}

fn marked(marker: &str) -> (Span, Span) {
    let text = SafeText::line(marker, MARKER_CELLS_MAX).truncated(MARKER_CELLS_MAX);
    let cells = text.width() + 1;
    (Span::new(text.padded(cells), Role::Marker), Span::gap(cells))
}

/// Returns the line that names a callout, where it begins.
fn callout_head(block: &Block) -> Option<Laid> {
    let own = &block.nest[block.nest.len() - block.opens..];
    let kind = own.iter().find_map(|nest| match nest {
        Nest::Quote(kind) => *kind,
        _ => None,
    })?;
    Some((block.line, vec![Span::ours(kind.word(), Role::Callout(kind))]))
}

fn content(block: &Block, cells: usize, ask: Ask<'_>) -> Vec<Laid> {
    match &block.kind {
        Kind::Words(words) => wrapped(words, ask, None).at_least(block.line).lines(cells),
        Kind::Heading(level, words) => heading(*level, words, block.line, cells, ask),
        Kind::Code { lines, .. } => code(lines, block.line, cells, ask),
        Kind::Html(lines) => lines.iter().flat_map(|(line, text)| html(*line, text, cells)).collect(),
        Kind::Table { head, rows } => table::lines(head, rows, block.line, cells, ask),
        Kind::Rule => vec![(block.line, vec![rule(cells)])],
    }
}

fn rule(cells: usize) -> Span {
    Span::new(SafeText::line(&"─".repeat(cells.min(40)), usize::MAX), Role::Marker)
}

/// Returns words to be wrapped, with labels put in; plain ones in this role, where there is one.
pub(super) fn wrapped(words: &Words, ask: Ask<'_>, plain: Option<Role>) -> Wrap {
    let mut wrap = Wrap::default();
    for piece in &words.pieces {
        wrap.at(piece.line);
        let role = plain.filter(|_| matches!(piece.role, Role::Text | Role::Quote)).unwrap_or(piece.role);
        let mut shell = Shell::default();
        for (index, text) in piece.text.split('\n').enumerate() {
            if index > 0 {
                wrap.feed();
            }
            filled(text, role, &mut shell, ask).iter().for_each(|span| wrap.push(span));
        }
    }
    wrap
}

fn heading(level: u8, words: &Words, line: usize, cells: usize, ask: Ask<'_>) -> Vec<Laid> {
    let role = Role::Heading(level);
    let mut wrap = Wrap::default();
    let hashes = SafeText::line(&"#".repeat(usize::from(level)), 6);
    wrap.at(line);
    wrap.push(&Span::new(hashes, Role::Marker));
    wrap.space(role, super::line::Mark::Same);
    wrap.append(wrapped(words, ask, Some(role)));
    wrap.lines(cells)
}

/// Code stands behind a bar, so that it is seen where it begins and ends.
fn code(lines: &[(usize, String)], line: usize, cells: usize, ask: Ask<'_>) -> Vec<Laid> {
    let mut shell = Shell::default();
    let mut out = Vec::new();
    for (source, text) in lines {
        let spans = filled(&untabbed(text), Role::CodeBlock, &mut shell, ask);
        out.extend(hard(&spans, *source, cells.saturating_sub(2)));
    }
    if out.is_empty() {
        out.push((line, Vec::new()));
    }
    for (_, spans) in &mut out {
        spans.insert(0, Span::ours("┃ ", Role::Marker));
    }
    out
}

fn html(line: usize, text: &str, cells: usize) -> Vec<Laid> {
    let mut wrap = Wrap::default();
    wrap.at(line);
    wrap.push(&Span::new(SafeText::line(&untabbed(text), usize::MAX), Role::Html));
    wrap.lines(cells)
}
