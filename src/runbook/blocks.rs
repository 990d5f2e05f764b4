//! Markdown -> flat blocks: one pass over the parser's events.

use super::line::{Callout, Role};
use super::page::Page;
use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// What is nested deeper is shown at this depth.
const DEPTH_MAX: usize = 12;
/// Most blocks of a page, and most rows of a table.
const BLOCKS_MAX: usize = 20_000;
/// Most cells of one table.
const CELLS_MAX: usize = 20_000;
/// Most pieces of one block.
const PIECES_MAX: usize = 20_000;

/// A leaf of the text, with what it is nested in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) kind: Kind,
    /// From the outside inwards.
    pub(super) nest: Vec<Nest>,
    /// How many of the innermost begin with this block.
    pub(super) opens: usize,
    /// In which line of the file it begins.
    pub(super) line: usize,
    /// Whether a blank line stands above it.
    pub(super) gap: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Words(Words),
    Heading(u8, Words),
    Code { language: String, lines: Vec<(usize, String)> },
    Html(Vec<(usize, String)>),
    Table { head: Vec<Words>, rows: Vec<Row> },
    Rule,
}

/// A row of a table: its line in the file, its cells.
pub(super) type Row = (usize, Vec<Words>);

/// What a block is in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Nest {
    Quote(Option<Callout>),
    Item { marker: String, task: Option<bool> },
    Note(String),
}

/// Words with their roles.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Words {
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// As written; a line feed is a break that the author wants.
    pub(super) text: String,
    pub(super) role: Role,
    pub(super) line: usize,
}

impl Words {
    /// Returns the words without markup, and without where links go.
    pub(super) fn plain(&self) -> String {
        let own = self.pieces.iter().filter(|piece| piece.role != Role::LinkTarget);
        own.map(|piece| piece.text.as_str()).collect::<String>().trim().to_owned()
    }

    fn push(&mut self, text: &str, role: Role, line: usize) {
        let full = self.pieces.len() >= PIECES_MAX;
        match self.pieces.last_mut() {
            Some(last) if last.role == role && last.line == line && role != Role::LinkTarget => {
                last.text.push_str(text)
            }
            _ if !full => self.pieces.push(Piece { text: text.to_owned(), role, line }),
            _ => {}
        }
    }
}

/// Returns the page of a text whose first line is this one of its file.
pub(super) fn read(body: &str, first_line: usize) -> Page {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let mut reader = Reader { lines: Lines::new(body, first_line), ..Reader::default() };
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        if reader.page.blocks.len() >= BLOCKS_MAX {
            reader.page.cut = true;
            break;
        }
        reader.event(event, range);
    }
    reader.end_leaf();
    reader.page
}

/// Which line a byte is in: asked for in rising order, mostly.
#[derive(Default)]
struct Lines {
    starts: Vec<usize>,
    first: usize,
}

impl Lines {
    fn new(text: &str, first: usize) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(feeds).collect(), first }
    }

    fn of(&self, at: usize) -> usize {
        self.first + self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }
}

/// A list that is open: what its next item is numbered by.
type List = Option<u64>;

#[derive(Default)]
struct Reader {
    page: Page,
    lines: Lines,
    nest: Vec<Nest>,
    /// How many open containers are too deep to be kept.
    deeper: usize,
    /// How many of the innermost have shown nothing yet.
    fresh: usize,
    lists: Vec<List>,
    /// Lists that are too deep to be kept.
    lists_deeper: usize,
    leaf: Option<Leaf>,
    styles: Vec<Role>,
    target: Vec<(String, usize)>,
    table: Option<Table>,
    /// In which line the last block ended.
    ended: usize,
}

/// The leaf that is being read.
struct Leaf {
    kind: Kind,
    line: usize,
    /// Where the text of code is, when it does not end at a line feed.
    open: bool,
}

#[derive(Default)]
struct Table {
    line: usize,
    head: Vec<Words>,
    rows: Vec<Row>,
    row: Vec<Words>,
    row_line: usize,
    cells: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        let line = self.lines.of(range.start);
        match event {
            Event::Start(tag) => self.start(tag, line),
            Event::End(tag) => self.end(tag, self.lines.of(range.end.saturating_sub(1).max(range.start))),
            Event::Text(text) => self.text(&text, line),
            Event::Code(text) => self.words(&text, Role::Code, line),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.words(&text, Role::Code, line),
            Event::Html(text) => self.html(&text, line),
            Event::InlineHtml(text) => self.inline_html(&text, line),
            Event::FootnoteReference(label) => self.words(&format!("[^{label}]"), Role::Marker, line),
            Event::SoftBreak => self.words(" ", self.style(), line),
            Event::HardBreak => self.words("\n", self.style(), line),
            Event::Rule => self.leaf(Kind::Rule, line),
            Event::TaskListMarker(done) => {
                if let Some(Nest::Item { task, .. }) = self.nest.last_mut().filter(|_| self.deeper == 0) {
                    *task = Some(done);
                }
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, line: usize) {
        match tag {
            Tag::Paragraph => self.leaf(Kind::Words(Words::default()), line),
            Tag::Heading { level, .. } => self.leaf(Kind::Heading(level as u8, Words::default()), line),
            Tag::BlockQuote(kind) => self.open(Nest::Quote(kind.map(callout))),
            Tag::CodeBlock(kind) => self.leaf(Kind::Code { language: language(&kind), lines: Vec::new() }, line),
            Tag::HtmlBlock => self.leaf(Kind::Html(Vec::new()), line),
            Tag::List(first) => self.start_list(first),
            Tag::Item => {
                let marker = self.marker();
                self.open(Nest::Item { marker, task: None });
            }
            Tag::FootnoteDefinition(label) => self.open(Nest::Note(label.to_string())),
            Tag::Table(_) => {
                self.end_leaf();
                self.table = Some(Table { line, ..Table::default() });
            }
            Tag::TableHead | Tag::TableRow => self.start_row(line),
            Tag::TableCell => self.leaf = Some(Leaf { kind: Kind::Words(Words::default()), line, open: false }),
            Tag::Emphasis => self.styles.push(Role::Emphasis),
            Tag::Strong => self.styles.push(Role::Strong),
            Tag::Strikethrough => self.styles.push(Role::Struck),
            Tag::Link { dest_url, .. } => {
                self.styles.push(Role::Link);
                self.start_target(&dest_url);
            }
            Tag::Image { dest_url, .. } => {
                self.styles.push(Role::Link);
                self.start_target(&dest_url);
                self.words("image: ", Role::Marker, line);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, line: usize) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock => self.end_leaf(),
            TagEnd::BlockQuote(_) | TagEnd::Item | TagEnd::FootnoteDefinition => self.close(line),
            TagEnd::List(_) => match self.lists_deeper {
                0 => drop(self.lists.pop()),
                _ => self.lists_deeper -= 1,
            },
            TagEnd::Table => self.end_table(),
            TagEnd::TableHead => self.end_row(true),
            TagEnd::TableRow => self.end_row(false),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => drop(self.styles.pop()),
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                self.end_target(line);
            }
            _ => {}
        }
        if self.leaf.is_none() {
            self.ended = self.ended.max(line);
        }
    }

    /// Returns the role of words here: the innermost that is not plain.
    fn style(&self) -> Role {
        let quoted = self.nest.iter().any(|nest| matches!(nest, Nest::Quote(None)));
        self.styles.last().copied().unwrap_or(if quoted { Role::Quote } else { Role::Text })
    }

    fn text(&mut self, text: &str, line: usize) {
        match self.leaf.as_mut() {
            Some(Leaf { kind: Kind::Code { lines, .. }, open, .. }) => push_lines(lines, text, line, open),
            Some(Leaf { kind: Kind::Html(lines), open, .. }) => push_lines(lines, text, line, open),
            _ => self.words(text, self.style(), line),
        }
    }

    fn html(&mut self, text: &str, line: usize) {
        match self.leaf.as_mut() {
            Some(Leaf { kind: Kind::Html(lines), open, .. }) => push_lines(lines, text, line, open),
            _ => self.words(text, Role::Html, line),
        }
    }

    fn inline_html(&mut self, text: &str, line: usize) {
        let is_break = ["<br>", "<br/>", "<br />"].iter().any(|tag| text.eq_ignore_ascii_case(tag));
        if is_break { self.words("\n", self.style(), line) } else { self.words(text, Role::Html, line) }
    }

    /// Puts words into the leaf; tight lists have items whose words are in no paragraph.
    fn words(&mut self, text: &str, role: Role, line: usize) {
        if self.leaf.is_none() && self.table.is_none() {
            self.leaf(Kind::Words(Words::default()), line);
        }
        if let Some(Leaf { kind: Kind::Words(words) | Kind::Heading(_, words), .. }) = self.leaf.as_mut() {
            let clean = if role == Role::Code { text.replace('\t', " ") } else { text.replace(['\t', '\u{a0}'], " ") };
            words.push(&clean, role, line);
            self.page.cut |= words.pieces.len() >= PIECES_MAX;
        }
    }

    fn start_target(&mut self, url: &CowStr<'_>) {
        let at = self.leaf_words().map_or(0, |words| words.pieces.len());
        self.target.push((url.to_string(), at));
    }

    /// Shows where a link goes, unless its words say just that.
    fn end_target(&mut self, line: usize) {
        let Some((url, at)) = self.target.pop() else { return };
        let shown: String = self.leaf_words().map_or(String::new(), |words| {
            words.pieces.iter().skip(at.saturating_sub(1)).map(|piece| piece.text.as_str()).collect()
        });
        let bare = url.strip_prefix("mailto:").unwrap_or(&url);
        if !bare.is_empty() && !shown.ends_with(bare) {
            self.words(&format!(" <{url}>"), Role::LinkTarget, line);
        }
    }

    fn leaf_words(&self) -> Option<&Words> {
        match self.leaf.as_ref().map(|leaf| &leaf.kind) {
            Some(Kind::Words(words) | Kind::Heading(_, words)) => Some(words),
            _ => None,
        }
    }

    fn leaf(&mut self, kind: Kind, line: usize) {
        self.end_leaf();
        let whole = kind == Kind::Rule;
        self.leaf = Some(Leaf { kind, line, open: false });
        if whole {
            self.end_leaf();
        }
    }

    fn end_leaf(&mut self) {
        if self.table.is_some() {
            return;
        }
        if let Some(leaf) = self.leaf.take() {
            self.push(leaf.kind, leaf.line);
        }
    }

    fn push(&mut self, kind: Kind, line: usize) {
        let gap = match self.page.blocks.last() {
            None => false,
            // Headings and code stand apart; the rest as the author has it.
            Some(last) => {
                let apart = |kind: &Kind| !matches!(kind, Kind::Words(_));
                let tight = self.fresh == 0 && !self.nest.is_empty() && line <= self.ended + 1;
                (apart(&kind) || apart(&last.kind)) && !tight || line > self.ended + 1
            }
        };
        let last_line = match &kind {
            Kind::Code { lines, .. } | Kind::Html(lines) => lines.last().map(|(line, _)| *line),
            Kind::Words(words) => words.pieces.last().map(|piece| piece.line),
            Kind::Table { rows, .. } => rows.last().map(|(line, _)| *line),
            _ => None,
        };
        self.ended = self.ended.max(line).max(last_line.unwrap_or(line));
        let opens = std::mem::take(&mut self.fresh).min(self.nest.len());
        self.page.blocks.push(Block { kind, nest: self.nest.clone(), opens, line, gap });
    }

    fn open(&mut self, nest: Nest) {
        self.end_leaf();
        if self.nest.len() >= DEPTH_MAX {
            self.deeper += 1;
            return;
        }
        self.nest.push(nest);
        self.fresh += 1;
    }

    fn close(&mut self, line: usize) {
        self.end_leaf();
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        // An item without words still has its bullet.
        if self.fresh > 0 {
            self.push(Kind::Words(Words::default()), line);
        }
        self.nest.pop();
    }

    fn start_list(&mut self, first: List) {
        self.end_leaf();
        if self.lists.len() >= DEPTH_MAX { self.lists_deeper += 1 } else { self.lists.push(first) }
    }

    fn marker(&mut self) -> String {
        match self.lists.last_mut().filter(|_| self.lists_deeper == 0) {
            Some(Some(number)) => {
                *number += 1;
                format!("{}.", *number - 1)
            }
            _ => "•".to_owned(),
        }
    }

    fn start_row(&mut self, line: usize) {
        if let Some(table) = self.table.as_mut() {
            table.row_line = line;
        }
    }

    fn end_cell(&mut self) {
        let Some(Leaf { kind: Kind::Words(words), .. }) = self.leaf.take() else { return };
        let Some(table) = self.table.as_mut() else { return };
        if table.cells < CELLS_MAX {
            table.cells += 1;
            table.row.push(words);
        } else {
            self.page.cut = true;
        }
    }

    fn end_row(&mut self, head: bool) {
        let Some(table) = self.table.as_mut() else { return };
        let row = std::mem::take(&mut table.row);
        if head {
            table.head = row;
        } else if table.rows.len() < BLOCKS_MAX && !row.is_empty() {
            table.rows.push((table.row_line, row));
        }
    }

    fn end_table(&mut self) {
        if let Some(table) = self.table.take() {
            self.push(Kind::Table { head: table.head, rows: table.rows }, table.line);
        }
    }
}

/// Puts text that may hold several lines, or a part of one, behind lines.
fn push_lines(lines: &mut Vec<(usize, String)>, text: &str, line: usize, open: &mut bool) {
    for (index, part) in text.split_inclusive('\n').enumerate() {
        let own = part.strip_suffix('\n').unwrap_or(part);
        match lines.last_mut().filter(|_| *open) {
            Some((_, last)) => last.push_str(own),
            None => lines.push((line + index, own.to_owned())),
        }
        *open = own.len() == part.len();
    }
}

fn callout(kind: BlockQuoteKind) -> Callout {
    match kind {
        BlockQuoteKind::Note => Callout::Note,
        BlockQuoteKind::Tip => Callout::Tip,
        BlockQuoteKind::Important => Callout::Important,
        BlockQuoteKind::Warning => Callout::Warning,
        BlockQuoteKind::Caution => Callout::Caution,
    }
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default().to_owned(),
        CodeBlockKind::Indented => String::new(),
    }
}
