//! Styled words into lines of so many cells.

use super::fill::{self, Ask, Part, Shell};
use super::line::{Mark, Role, Span};
use crate::domain::text::SafeText;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What stands together in one line, if it is not longer than one.
#[derive(Debug, Default, Clone)]
struct Word {
    spans: Vec<Span>,
    width: usize,
    /// How the space before it is marked; `None` where it has none.
    space: Option<(Role, Mark)>,
    /// Whether a line begins with it.
    breaks: bool,
    /// In which line of the file it stands.
    source: usize,
}

/// Words in one line, and the line of the file that the first of them stands in.
pub(super) type Laid = (usize, Vec<Span>);

/// Returns spans with labels put in; `shell` as in [`fill::parts`].
pub(super) fn filled(text: &str, role: Role, shell: &mut Shell, ask: Ask<'_>) -> Vec<Span> {
    let span = |part| match part {
        Part::Written(text) => Span::new(SafeText::line(text, usize::MAX), role),
        Part::Filled(value) => Span::new(value, Role::Filled),
        Part::Unfilled(text) => Span::new(SafeText::line(text, usize::MAX), Role::Unfilled),
    };
    fill::parts(text, role, shell, ask).into_iter().map(span).collect()
}

/// Collects words, then lays them into lines.
#[derive(Default)]
pub(super) struct Wrap {
    words: Vec<Word>,
    /// Whether the next part begins a word.
    apart: Option<(Role, Mark)>,
    breaks: bool,
    open: bool,
    source: usize,
}

impl Wrap {
    /// Puts spans behind what is there. Spaces part words; wide characters are words of their own.
    pub(super) fn push(&mut self, span: &Span) {
        let text = span.text.as_str();
        let mut from = 0;
        for (at, grapheme) in text.grapheme_indices(true) {
            if grapheme == " " {
                self.part(span, from, at);
                self.space(span.role, span.mark);
                from = at + 1;
            } else if grapheme.width() >= 2 {
                self.part(span, from, at);
                self.open = false;
                self.part(span, at, at + grapheme.len());
                self.open = false;
                from = at + grapheme.len();
            }
        }
        self.part(span, from, text.len());
    }

    /// Puts a space there.
    pub(super) fn space(&mut self, role: Role, mark: Mark) {
        self.open = false;
        self.apart.get_or_insert((role, mark));
    }

    /// Says in which line of the file the next parts stand.
    pub(super) fn at(&mut self, source: usize) {
        self.source = source;
    }

    /// Begins a line.
    pub(super) fn feed(&mut self) {
        self.breaks = true;
        self.open = false;
    }

    /// Returns the same, of this line of the file where it has no words of its own.
    pub(super) fn at_least(mut self, source: usize) -> Self {
        if self.words.is_empty() {
            self.source = source;
        }
        self
    }

    /// Puts the words of another behind its own.
    pub(super) fn append(&mut self, more: Self) {
        let mut words = more.words.into_iter();
        if let Some(mut first) = words.next() {
            if let Some(space) = self.apart.take() {
                first.space.get_or_insert(space);
            }
            self.words.push(first);
        }
        self.words.extend(words);
        (self.apart, self.breaks, self.open, self.source) = (more.apart, more.breaks, false, more.source);
    }

    fn part(&mut self, span: &Span, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let text = span.text.part(from..to);
        let width = text.width();
        let span = span.with(text);
        match self.words.last_mut().filter(|_| self.open) {
            Some(word) => {
                word.width += width;
                word.spans.push(span);
            }
            None => {
                let (space, breaks) = (self.apart.take(), std::mem::take(&mut self.breaks));
                self.words.push(Word { spans: vec![span], width, space, breaks, source: self.source });
            }
        }
        self.open = true;
    }

    /// Returns the width of the longest word, and of everything in one line.
    pub(super) fn widths(&self) -> (usize, usize) {
        let longest = self.words.iter().map(|word| word.width).max().unwrap_or(0);
        (longest, self.words.iter().map(|word| word.width + usize::from(word.space.is_some())).sum())
    }

    /// Returns the lines, each of at most `cells` cells, of which there is at least two; at least one line, maybe empty.
    pub(super) fn lines(self, cells: usize) -> Vec<Laid> {
        let cells = cells.max(2);
        let first = self.words.first().map_or(self.source, |word| word.source);
        let (mut lines, mut used) = (vec![(first, Vec::new())], 0);
        for word in self.words {
            let space = usize::from(word.space.is_some() && used > 0);
            if used > 0 && (word.breaks || used + space + word.width > cells) {
                lines.push((word.source, Vec::new()));
                used = 0;
            } else if let (1, Some((role, mark))) = (space, word.space) {
                let space = SafeText::default().padded(1);
                put(&mut lines, Span { text: space, role, mark });
                used += 1;
            }
            if word.width <= cells {
                used += word.width;
                word.spans.into_iter().for_each(|span| put(&mut lines, span));
            } else {
                used = put_long(&mut lines, word, cells);
            }
        }
        lines
    }
}

/// Puts a word that is longer than a line into as many as it takes; returns what the last one has.
fn put_long(lines: &mut Vec<Laid>, word: Word, cells: usize) -> usize {
    let mut used = 0;
    for span in word.spans {
        let mut from = 0;
        for (at, grapheme) in span.text.as_str().grapheme_indices(true) {
            if used + grapheme.width() > cells {
                put(lines, span.with(span.text.part(from..at)));
                lines.push((word.source, Vec::new()));
                (from, used) = (at, 0);
            }
            used += grapheme.width();
        }
        put(lines, span.with(span.text.part(from..usize::MAX)));
    }
    used
}

/// Puts a span into the last line, joined to one of its kind.
fn put(lines: &mut [Laid], span: Span) {
    let Some((_, line)) = lines.last_mut() else { return };
    if span.text.as_str().is_empty() {
        return;
    }
    match line.last_mut() {
        Some(last) if last.role == span.role && last.mark == span.mark => last.text.push(&span.text),
        _ => line.push(span),
    }
}

/// Returns code in lines of at most `cells` cells: nothing is left out, and each line that goes on from the one above says so.
pub(super) fn hard(spans: &[Span], source: usize, cells: usize) -> Vec<Laid> {
    let cells = cells.max(4);
    let (mut lines, mut used) = (vec![(source, Vec::new())], 0);
    for span in spans {
        let mut from = 0;
        for (at, grapheme) in span.text.as_str().grapheme_indices(true) {
            if used + grapheme.width() > cells {
                put(&mut lines, span.with(span.text.part(from..at)));
                lines.push((source, vec![Span::ours("↪ ", Role::Marker)]));
                (from, used) = (at, 2);
            }
            used += grapheme.width();
        }
        put(&mut lines, span.with(span.text.part(from..usize::MAX)));
    }
    lines
}

/// Returns code with its tabs as spaces, up to the next column of four.
pub(super) fn untabbed(text: &str) -> String {
    if !text.contains('\t') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for c in text.chars() {
        let count = if c == '\t' { 4 - column % 4 } else { 1 };
        column += count;
        if c == '\t' { out.extend(std::iter::repeat_n(' ', count)) } else { out.push(c) }
    }
    out
}
