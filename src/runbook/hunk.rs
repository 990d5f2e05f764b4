//! Hunks: rows that are read together, and how they stand in lines.

use super::changes::{Hunk, HunkKind};
use super::line::{Line, Mark, Role, Span};
use super::plan::{Fate, Plan};
use super::render::cut as fit;
use super::units::{Class, Cut, Unit, Word};
use super::words;
use super::wrap::{Wrap, hard};
use crate::domain::text::SafeText;
use std::ops::Range;

/// Rows of the same section that are shown before and after what changed.
const CONTEXT: usize = 1;
/// Words that are shown of a row that is only there for its neighbour.
const CONTEXT_WORDS: usize = 9;
/// Words that are shown around a change; where more than twice as many stand between two, the rest is left out.
const AROUND: usize = 8;
/// So many words at least are left out together.
const LEFT_OUT_MIN: usize = 3;
/// Most hunks, and most rows of one.
const HUNKS_MAX: usize = 2_000;
const ROWS_MAX: usize = 5_000;

/// How a row is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Same,
    Changed,
    Added,
    Removed,
}

/// A row of a hunk.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    told: Told,
    class: Class,
    words: Vec<(Word, Mark)>,
    marker: String,
    line: usize,
    section: usize,
    /// Its line and section are of the older text.
    old: bool,
    /// Which of the moved ranges it is in.
    moved: Option<usize>,
    /// The first of it is shown (context behind a change), or the last (before one).
    head: bool,
}

/// Returns the hunks of two texts.
pub(super) fn hunks(old: &Cut, new: &Cut, plan: &Plan) -> Vec<Hunk> {
    let rows = rows(old, new, plan);
    let mut hunks = Vec::new();
    let mut from = 0;
    while from < rows.len() && hunks.len() < HUNKS_MAX {
        let to = from + rows[from..].iter().take_while(|row| place(row) == place(&rows[from])).count();
        let moved = rows[from].moved.map(|at| plan.moved[at].1);
        let part = &rows[from..to];
        match moved {
            Some(start) => hunks.push(moved_hunk(old, new, part, &old.units[start])),
            None => {
                spans(part).into_iter().for_each(|span| hunks.push(hunk(old, new, &part[span.clone()], span, part)))
            }
        }
        from = to;
    }
    hunks
}

/// What stands together: a section, or what moved together.
fn place(row: &Row) -> (Option<usize>, Option<(bool, usize)>) {
    // Of what is gone, with its headings, several sections are read in one go.
    (row.moved, row.moved.is_none().then_some((row.old, if row.old { 0 } else { row.section })))
}

/// Returns all rows, in the order of the newer text.
fn rows(old: &Cut, new: &Cut, plan: &Plan) -> Vec<Row> {
    let mut moved = vec![None; new.units.len()];
    for (index, (range, _)) in plan.moved.iter().enumerate() {
        moved[range.clone()].fill(Some(index));
    }
    let mut gone: Vec<usize> = (0..old.units.len()).filter(|at| !plan.kept[*at]).collect();
    gone.sort_by_key(|at| (plan.places[*at], plan.homes[*at].is_some(), *at));
    let mut gone = gone.into_iter().peekable();
    let mut rows = Vec::new();
    for (at, moved) in moved.into_iter().chain([None]).enumerate() {
        while let Some(out) = gone.next_if(|out| plan.places[*out] <= at) {
            let mut row = Row::of(&old.units[out], Told::Removed);
            row.old = true;
            row.moved = plan.homes[out];
            // What is gone from a section that is still there belongs to it; else it stays with its heading.
            let own = old.units[out].section;
            let follows = rows.last().is_some_and(|last: &Row| last.old && last.section == own);
            if let Some(section) = same_section(old, new, out, at).filter(|_| !follows) {
                (row.section, row.old) = (section, false);
                row.line = new.units.get(at.min(new.units.len() - 1)).map_or(1, |unit| unit.line);
            }
            rows.push(row);
        }
        if let Some(unit) = new.units.get(at) {
            push(&mut rows, old, new, plan, at, unit, moved);
        }
    }
    in_blocks(&mut rows);
    rows
}

/// Of lines of code that follow each other, those that are gone stand before those that are new.
fn in_blocks(rows: &mut [Row]) {
    let is_code = |row: &Row| row.class == Class::Code && matches!(row.told, Told::Removed | Told::Added);
    rows.chunk_by_mut(|a, b| is_code(a) && is_code(b) && place(a) == place(b))
        .for_each(|run| run.sort_by_key(|row| row.told == Told::Added));
}

/// Returns the section of the newer text that a gone unit is read with: of the same path, near a place, or all around it.
fn same_section(old: &Cut, new: &Cut, out: usize, at: usize) -> Option<usize> {
    let path = &old.paths[old.units[out].section];
    if matches!(old.units[out].class, Class::Heading(_)) {
        return None;
    }
    let near = [at.checked_sub(1), Some(at)].into_iter().flatten().filter_map(|at| new.units.get(at));
    let mut near = near.map(|unit| unit.section);
    let (first, next) = (near.next()?, near.next());
    let same = [Some(first), next].into_iter().flatten().find(|section| new.paths[*section] == *path);
    // Of a section that was renamed: what stands within the new one is read with it.
    same.or((Some(first) == next).then_some(first))
}

fn push(rows: &mut Vec<Row>, old: &Cut, new: &Cut, plan: &Plan, at: usize, unit: &Unit, moved: Option<usize>) {
    let mut row = Row::of(unit, Told::Same);
    row.moved = moved;
    match &plan.new[at] {
        Fate::Same(_) => rows.push(row),
        Fate::Joined => {}
        Fate::Added => rows.push(Row { moved, ..Row::of(unit, Told::Added) }),
        Fate::Changed(from) => {
            let joined = (at + 1..new.units.len()).take_while(|next| plan.new[*next] == Fate::Joined);
            let now = together(std::iter::once(at).chain(joined).map(|at| &new.units[at]));
            let was = together(from.iter().map(|at| &old.units[*at]));
            row.words = words::compared(&was, &now);
            if row.words.iter().all(|(_, mark)| *mark == Mark::Same) {
                return rows.push(row);
            }
            row.told = Told::Changed;
            if unit.class == Class::Code { rows.extend(in_two(&row)) } else { rows.push(row) }
        }
    }
}

/// The words of several units, one behind the other.
fn together<'u>(units: impl Iterator<Item = &'u Unit>) -> Vec<Word> {
    let mut all: Vec<Word> = Vec::new();
    for unit in units {
        let first = all.len();
        all.extend(unit.words.iter().cloned());
        if let Some(word) = all.get_mut(first).filter(|_| first > 0) {
            word.space = true;
        }
    }
    all
}

/// A line of code is told as it was and as it is: both can be read whole.
fn in_two(row: &Row) -> [Row; 2] {
    let side = |told, other| {
        let words = row.words.iter().filter(|(_, mark)| *mark != other).cloned().collect();
        Row { told, words, ..row.clone() }
    };
    [side(Told::Removed, Mark::Added), side(Told::Added, Mark::Removed)]
}

impl Row {
    fn of(unit: &Unit, told: Told) -> Self {
        let mark = match told {
            Told::Added => Mark::Added,
            Told::Removed => Mark::Removed,
            _ => Mark::Same,
        };
        Self {
            told,
            class: unit.class,
            words: unit.words.iter().map(|word| (word.clone(), mark)).collect(),
            marker: unit.marker.clone(),
            line: unit.line,
            section: unit.section,
            old: false,
            moved: None,
            head: false,
        }
    }
}

/// Returns which rows are read together, of one place, without what is only there for them.
fn spans(rows: &[Row]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (at, _) in rows.iter().enumerate().filter(|(_, row)| row.told != Told::Same) {
        match spans.last_mut().filter(|last| at <= last.end + 2 * CONTEXT) {
            Some(last) => last.end = at + 1,
            None => spans.push(at..at + 1),
        }
    }
    spans
}

fn hunk(old: &Cut, new: &Cut, rows: &[Row], span: Range<usize>, all: &[Row]) -> Hunk {
    let told = |told| rows.iter().all(|row| row.told == told);
    let kind = match (told(Told::Added), told(Told::Removed)) {
        (true, _) => HunkKind::Added,
        (_, true) => HunkKind::Removed,
        _ => HunkKind::Changed,
    };
    let before =
        all[span.start.saturating_sub(CONTEXT)..span.start].iter().map(|row| Row { head: false, ..row.clone() });
    let after = all[span.end..(span.end + CONTEXT).min(all.len())].iter().map(|row| Row { head: true, ..row.clone() });
    // The heading is said by the path.
    let mut shown: Vec<Row> = before.filter(|row| !matches!(row.class, Class::Heading(_))).collect();
    shown.extend(rows.iter().take(ROWS_MAX).cloned());
    shown.extend(after);
    Hunk { kind, path: path(old, new, &rows[0]), line: rows[0].line, rows: shown }
}

/// What moved, with only what changed in it.
fn moved_hunk(old: &Cut, new: &Cut, rows: &[Row], from: &Unit) -> Hunk {
    let mut shown: Vec<Row> = rows.iter().take(1).map(|row| Row { head: true, ..row.clone() }).collect();
    for span in spans(rows) {
        let around = span.start.saturating_sub(CONTEXT).max(1)..(span.end + CONTEXT).min(rows.len());
        shown.extend(rows.get(around).into_iter().flatten().take(ROWS_MAX).cloned());
    }
    let mut was = old.paths[from.section].clone();
    if matches!(from.class, Class::Heading(_)) {
        was.pop();
    }
    let kind = HunkKind::Moved { from: was, from_line: from.line };
    Hunk { kind, path: path(old, new, &rows[0]), line: rows[0].line, rows: shown }
}

/// Returns the headings above a row; of a heading those above it.
fn path(old: &Cut, new: &Cut, row: &Row) -> Vec<SafeText> {
    let mut path = if row.old { &old.paths } else { &new.paths }[row.section].clone();
    if matches!(row.class, Class::Heading(_)) {
        path.pop();
    }
    path
}

/// Returns the lines of a hunk.
pub(super) fn lines(hunk: &Hunk, width: usize) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    for spans in title(hunk, width).lines(width) {
        out.push(Line { spans: spans.1, source: hunk.line, block: 0, task: None });
    }
    for (index, row) in hunk.rows.iter().enumerate() {
        let laid = row.lines(width);
        out.extend(laid.into_iter().map(|spans| Line { spans, source: row.line, block: index, task: None }));
    }
    out
}

/// Returns where it stands; of a path that is longer than a line the innermost.
fn title(hunk: &Hunk, width: usize) -> Wrap {
    let mut wrap = titled(hunk, 0);
    for skip in 1..hunk.path.len() {
        if wrap.widths().1 <= width {
            break;
        }
        wrap = titled(hunk, skip);
    }
    wrap
}

fn titled(hunk: &Hunk, skip: usize) -> Wrap {
    let mut wrap = Wrap::default();
    let path = |wrap: &mut Wrap, path: &[SafeText], skip: usize| {
        if skip > 0 {
            wrap.push(&Span::ours("… › ", Role::Marker));
        }
        for (index, title) in path.iter().skip(skip).enumerate() {
            if index > 0 {
                wrap.push(&Span::ours(" › ", Role::Marker));
            }
            wrap.push(&Span::new(title.clone(), Role::Heading(2)));
        }
        if path.is_empty() {
            wrap.push(&Span::ours("at the top", Role::Heading(2)));
        }
    };
    wrap.push(&Span::ours("@ ", Role::Marker));
    path(&mut wrap, &hunk.path, skip);
    let said = |text: String| Span::new(SafeText::line(&text, 100), Role::Marker);
    match &hunk.kind {
        HunkKind::Changed => wrap.push(&said(format!(" · line {}", hunk.line))),
        HunkKind::Added => wrap.push(&said(format!(" · added, line {}", hunk.line))),
        HunkKind::Removed => wrap.push(&said(" · removed".to_owned())),
        HunkKind::Moved { from, from_line } => {
            wrap.push(&said(format!(" · line {}, moved here from line {from_line}", hunk.line)));
            if *from != hunk.path {
                wrap.push(&said(", ".to_owned()));
                path(&mut wrap, from, from.len().saturating_sub(1));
            }
        }
    }
    wrap
}

impl Row {
    fn lines(&self, width: usize) -> Vec<Vec<Span>> {
        let gutter = match self.told {
            Told::Same => "  ",
            Told::Changed => "~ ",
            Told::Added => "+ ",
            Told::Removed => "- ",
        };
        let mark = match self.told {
            Told::Added => Mark::Added,
            Told::Removed => Mark::Removed,
            _ => Mark::Same,
        };
        let marker = SafeText::line(&self.marker, 40).truncated(width / 2);
        let indent = marker.width();
        let laid = self.laid(width - 2 - indent);
        let mut out = Vec::new();
        for (index, (_, words)) in laid.into_iter().enumerate() {
            let code = self.class == Class::Code;
            let before = if index == 0 || code { marker.clone() } else { SafeText::default().padded(indent) };
            let mut spans = vec![Span { mark, ..Span::ours(gutter, Role::Marker) }, Span::new(before, Role::Marker)];
            spans.extend(words);
            fit(&mut spans, width);
            out.push(spans);
        }
        out
    }

    fn laid(&self, cells: usize) -> Vec<super::wrap::Laid> {
        let spans = self.spans();
        if self.class == Class::Code {
            return hard(&spans, self.line, cells);
        }
        let mut wrap = Wrap::default();
        spans.iter().for_each(|span| wrap.push(span));
        wrap.lines(cells)
    }

    /// Returns its words as spans; those that are far from any change are left out.
    fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut cut = false;
        let shown = self.shown();
        for (index, (word, mark)) in self.words.iter().enumerate() {
            if !shown[index] {
                cut = true;
                continue;
            }
            let space = if word.space && index > 0 || cut { " " } else { "" };
            if std::mem::take(&mut cut) {
                spans.push(Span::ours(" …", Role::Marker));
            }
            let role = match self.class {
                Class::Heading(level) => Role::Heading(level),
                _ => word.role,
            };
            let join = spans.last().is_some_and(|last| last.mark == *mark);
            if !space.is_empty() {
                let mark = if join { *mark } else { Mark::Same };
                spans.push(Span { mark, ..Span::ours(" ", role) });
            }
            let text = SafeText::line(&word.text, usize::MAX);
            match spans.last_mut().filter(|last| last.mark == *mark && last.role == role) {
                Some(last) => last.text.push(&text),
                None => spans.push(Span { text, role, mark: *mark }),
            }
        }
        if cut {
            spans.push(Span::ours(" …", Role::Marker));
        }
        spans
    }

    /// Returns which of its words are shown.
    fn shown(&self) -> Vec<bool> {
        if !matches!(self.class, Class::Prose | Class::Html) || matches!(self.told, Told::Added | Told::Removed) {
            return vec![true; self.words.len()];
        }
        // What no space parts is one word.
        let mut number = 0;
        let numbers: Vec<usize> = self
            .words
            .iter()
            .map(|(word, _)| {
                number += usize::from(word.space);
                number
            })
            .collect();
        let shown = |at: &usize| match self.told {
            Told::Same if self.head => *at < CONTEXT_WORDS,
            _ => at + CONTEXT_WORDS > number,
        };
        if self.told == Told::Same {
            return numbers.iter().map(shown).collect();
        }
        let changed = numbers.iter().zip(&self.words).filter(|(_, (_, mark))| *mark != Mark::Same);
        let changed: Vec<usize> = changed.map(|(at, _)| *at).collect();
        let near = |at: &usize| {
            let next = changed.partition_point(|changed| changed < at);
            let before = next.checked_sub(1).map(|before| changed[before]);
            [before, changed.get(next).copied()].into_iter().flatten().any(|changed| changed.abs_diff(*at) <= AROUND)
        };
        let mut shown: Vec<bool> = numbers.iter().map(near).collect();
        // What is hardly longer than the dots that would stand for it is shown.
        let mut at = 0;
        while at < shown.len() {
            let run = shown[at..].iter().take_while(|other| **other == shown[at]).count();
            if numbers[at + run - 1] - numbers[at] < LEFT_OUT_MIN {
                shown[at..at + run].fill(true);
            }
            at += run;
        }
        shown
    }
}
