//! Lines as they are shown: spans of safe text, each with what it is.

use crate::domain::text::SafeText;

/// What a span is; the theme says how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Plain words.
    Text,
    /// Words in bold.
    Strong,
    /// Words in italics.
    Emphasis,
    /// Words struck out.
    Struck,
    /// Code within words.
    Code,
    /// A line of a code block.
    CodeBlock,
    /// A heading, of level 1 to 6.
    Heading(u8),
    /// The words of a link, or what stands for a picture.
    Link,
    /// Where a link goes.
    LinkTarget,
    /// Words in a quotation.
    Quote,
    /// The name and the bar of a callout.
    Callout(Callout),
    /// What parts the cells of a table.
    TableRule,
    /// A cell of a table's head.
    TableHead,
    /// What the text does not say itself: bullets, numbers, bars, notes on the form.
    Marker,
    /// The box of a checklist item, three cells: `[ ]`, or `[x]` where the text has it ticked.
    Task(bool),
    /// HTML, shown as it was written.
    Html,
    /// A value put in from a label.
    Filled,
    /// A template that was left as written: no such label, or its value cannot stand safely at this place.
    Unfilled,
}

/// The kinds of callouts (`> [!NOTE]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Callout {
    /// Useful to know.
    Note,
    /// Advice.
    Tip,
    /// Needed to succeed.
    Important,
    /// Something may go wrong.
    Warning,
    /// Something will.
    Caution,
}

impl Callout {
    /// Returns the word it is shown by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "NOTE",
            Self::Tip => "TIP",
            Self::Important => "IMPORTANT",
            Self::Warning => "WARNING",
            Self::Caution => "CAUTION",
        }
    }
}

/// Whether a span is in both texts; always [`Mark::Same`] outside a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mark {
    /// In both.
    #[default]
    Same,
    /// Only in the newer text.
    Added,
    /// Only in the older one.
    Removed,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What is shown.
    pub text: SafeText,
    /// What it is.
    pub role: Role,
    /// Whether it is new or gone, in a diff.
    pub mark: Mark,
}

impl Span {
    /// Returns a span that is in both texts.
    pub fn new(text: SafeText, role: Role) -> Self {
        Self { text, role, mark: Mark::Same }
    }

    /// Returns other text of the same kind.
    pub(super) fn with(&self, text: SafeText) -> Self {
        Self { text, role: self.role, mark: self.mark }
    }

    /// Returns words of ours.
    pub(super) fn ours(text: &'static str, role: Role) -> Self {
        Self::new(SafeText::from_static(text), role)
    }

    /// Returns so many spaces.
    pub(super) fn gap(cells: usize) -> Self {
        Self::new(SafeText::default().padded(cells), Role::Text)
    }
}

/// One line of the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// What stands in it, from left to right.
    pub spans: Vec<Span>,
    /// Which line of the file it comes from, from 1; in a diff of the newer file, save in lines that are removed.
    pub source: usize,
    /// Which block of the page it belongs to (its place in the page), or in a diff which row of the hunk.
    pub block: usize,
    /// The checklist item that begins in this line: its place in [`Page::tasks`](super::Page::tasks).
    pub task: Option<usize>,
}

impl Line {
    /// Returns how many cells it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// Returns its text without styles: for searching, logs and plain output.
    pub fn text(&self) -> String {
        let text: String = self.spans.iter().map(|span| span.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// Returns its text with what is gone as `[-so-]` and what is new as `{+so+}`: for where nothing has a colour.
    pub fn marked(&self) -> String {
        let mut text = String::new();
        let mut open = Mark::Same;
        for (index, span) in self.spans.iter().enumerate() {
            // The sign before the line says itself what it says.
            let mark = if index == 0 && span.role == Role::Marker { Mark::Same } else { span.mark };
            if mark != open {
                text.push_str(["", "+}", "-]"][open as usize]);
                text.push_str(["", "{+", "[-"][mark as usize]);
                open = mark;
            }
            text.push_str(span.text.as_str());
        }
        text.push_str(["", "+}", "-]"][open as usize]);
        text.trim_end().to_owned()
    }
}
