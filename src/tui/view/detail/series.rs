//! The series of an incident: what each was over time, on one axis, and what tells them apart.

use super::super::super::history::{Axis, Column, Digest, Mark, dropped, strip, value};
use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::{Line, wrap};
use super::super::words;
use super::{PINNED_ROWS, Page, Window, chart, text};
use crate::domain::grouping;
use crate::domain::series::{Series, SeriesState};
use crate::domain::text::SafeText;
use crate::sync::picture::Row;

/// Cells from which a series has one line.
const ONE_LINE: usize = 100;
/// Cells of a state.
const STATE: usize = 4;
/// Cells of a value.
const VALUE: usize = 8;
/// Cells of first and last time seen, and of how often it fired.
const SEEN: usize = 17;
/// Lines that the common labels take at most, unfolded.
const COMMON_MAX: usize = 60;

/// Returns the visible part of all series. What is scrolled away is not made: each series takes the same number of lines.
pub(super) fn page(state: &State, row: &Row, window: Window) -> Page {
    let Some(digest) = state.digest() else { return Page::default() };
    let table = Table::of(state, row, digest, window.width);
    let mut pinned = head(state, row, digest, window.width);
    pinned.push(table.headings());
    if window.rows < PINNED_ROWS {
        // The axis and what it stands for are the last to go.
        let axis = pinned.len().saturating_sub(if window.rows < 4 { 0 } else { 1 });
        pinned.drain(..axis);
    }
    pinned.truncate(window.rows.saturating_sub(2).max(1));
    let (each, rows) = (table.each(), window.rows.saturating_sub(pinned.len()));
    let total = digest.order.len() * each;
    if window.count {
        return Page { pinned, lines: Vec::new(), total };
    }
    let first = window.skip / each;
    let shown = (first..digest.order.len()).take(rows / each + 2);
    let lines = shown.filter_map(|place| digest.series(place)).flat_map(|series| table.lines(series));
    Page { lines: lines.skip(window.skip % each).collect(), pinned, total }
}

/// Returns what stands above the series: how many there are, and what they have in common.
fn head(state: &State, row: &Row, digest: &Digest, width: usize) -> Vec<Line> {
    let (shown, tally) = (digest.order.len(), row.incident.tally);
    let all = tally.total() as usize;
    let part = if shown < all { format!(", {shown} of {all} here") } else { String::new() };
    let count = format!("{} firing, {} unknown, {} over{part}", tally.firing, tally.unknown, tally.over);
    let role = if tally.firing > 0 { Role::StripFiring } else { Role::Text };
    let mut lines = vec![Line::of(role, &count)];
    lines.extend(common(state, digest, width));
    lines
}

/// Returns the labels that all series have: in one line, or one a line.
pub(super) fn common(state: &State, digest: &Digest, width: usize) -> Vec<Line> {
    let count = digest.common.len();
    let words: Vec<String> = digest.common.iter().map(|(name, value)| format!("{name}={value}")).collect();
    match (count, state.shape.unfolded, digest.order.len()) {
        (0, ..) => Vec::new(),
        (_, true, _) => {
            let one = |label: &String| Line::of(Role::Dim, "  ").with(Role::Text, label);
            let mut lines = vec![Line::of(Role::Dim, &format!("common ({count}):"))];
            lines.extend(words.iter().take(COMMON_MAX).map(one));
            lines
        }
        // Where one series is all there is, its labels are what it is known by.
        (_, false, 1) => text(Role::Text, "", &words.join(" "), width),
        (_, false, _) => {
            let tail = format!(" ({count})");
            let line = SafeText::line(&format!("common: {}", words.join(" ")), 500);
            let kept = line.truncated(width.saturating_sub(tail.len()));
            vec![Line::default().safe(Role::Dim, kept).with(Role::Dim, &tail)]
        }
    }
}

/// Returns the strips of the first series, for where there is little room.
pub(super) fn few(state: &State, row: &Row, digest: &Digest, width: usize, most: usize) -> Vec<Line> {
    let table = Table::of(state, row, digest, width);
    let mut lines = vec![table.headings()];
    let shown = (0..digest.order.len().min(most)).filter_map(|place| digest.series(place));
    lines.extend(shown.flat_map(|series| table.lines(series)));
    let more = digest.order.len().saturating_sub(most);
    if more > 0 {
        lines.push(Line::of(Role::Dim, &format!("and {more} more series")));
    }
    lines
}

/// How series stand in the lines: the same for all of them.
struct Table<'a> {
    state: &'a State,
    digest: &'a Digest,
    width: usize,
    /// Cells of the labels.
    labels: usize,
    axis: Axis,
    /// All of a series stands in one line.
    wide: bool,
}

impl<'a> Table<'a> {
    fn of(state: &'a State, row: &Row, digest: &'a Digest, width: usize) -> Self {
        let wide = width >= ONE_LINE;
        let wanted: usize = digest.columns.iter().map(|column| column.cells + 1).sum();
        let fixed = STATE + 1 + 3;
        let labels = match wide {
            true => wanted.clamp(8, width * 2 / 5),
            false => width.saturating_sub(fixed + VALUE),
        };
        let cells = match wide {
            true => width.saturating_sub(fixed + labels + 2 + VALUE + 1 + SEEN),
            false => width.saturating_sub(2 + SEEN),
        };
        Self { state, digest, width, labels, axis: chart::axis(state, row, digest, cells), wide }
    }

    /// Returns how many lines one series takes.
    fn each(&self) -> usize {
        let said = self.digest.said.is_none();
        1 + usize::from(!self.wide) + usize::from(said)
    }

    /// Returns the names of the columns where they have room, and the axis over the strips.
    fn headings(&self) -> Line {
        let scale = chart::scale(self.state, &self.axis, 0);
        if !self.wide {
            return Line::of(Role::Dim, " ").then(scale).with(Role::Dim, "  SEEN       FIRED");
        }
        let names = self.cells(Line::of(Role::Dim, "STAT SV "), Role::Dim, |column| &column.name);
        names
            .then(Line::of(Role::Dim, " "))
            .then(scale)
            .with(Role::Dim, "  ")
            .cell(Role::Dim, VALUE, "VALUE")
            .with(Role::Dim, "SEEN        FIRED")
    }

    /// Returns the line with one text a column behind it, in as many cells as the labels have.
    fn cells<'b>(&self, mut line: Line, role: Role, of: impl Fn(&'b Column) -> &'b str) -> Line
    where
        'a: 'b,
    {
        let mut room = self.labels;
        for column in &self.digest.columns {
            let cells = column.cells.max(4).min(room.saturating_sub(1));
            if cells < 4 {
                break;
            }
            line = line.cell(role, cells, of(column));
            room -= cells + 1;
        }
        line.with(Role::Text, &" ".repeat(room))
    }

    fn lines(&self, series: &Series) -> Vec<Line> {
        let (word, role) = series_state(series.state);
        let start = Line::default().cell(role, STATE, word).cell(
            Role::severity(series.severity),
            2,
            &words::severity(series.severity),
        );
        let named = self.named(start, series);
        let value = series.value.clone().unwrap_or_default();
        let strip = self.strip(series);
        let seen = self.seen(series);
        let mut lines = match self.wide {
            true => vec![
                named.with(Role::Dim, "|").then(strip).with(Role::Dim, "| ").cell(Role::Text, VALUE, &value).then(seen),
            ],
            false => {
                let strip = Line::of(Role::Dim, "|").then(strip).with(Role::Dim, "| ").then(seen);
                vec![named.with(Role::Text, &value), strip]
            }
        };
        if self.digest.said.is_none() {
            let said = grouping::summary(series);
            let said = wrap(&said, self.width.saturating_sub(2), 1).pop().unwrap_or_default();
            lines.push(Line::of(Role::Dim, "  ").with(Role::Text, &said));
        }
        lines
    }

    /// Returns the line with the labels that tell the series from others; its source where none does.
    fn named<'b>(&'b self, line: Line, series: &'b Series) -> Line {
        if self.digest.columns.is_empty() {
            let name = format!("{} by {}", series.name(), series.source);
            return line.cell(Role::Title, self.labels.saturating_sub(1), &name);
        }
        self.cells(line, Role::Title, |column| value(series, &column.name))
    }

    fn strip(&self, series: &Series) -> Line {
        let marks = strip(series, &self.axis);
        marks.chunk_by(|a, b| a == b).fold(Line::default(), |line, run| {
            let (cell, role) = shown(run[0]);
            line.with(role, &cell.repeat(run.len()))
        })
    }

    /// Returns first and last time seen, and how often it fired; that episodes were dropped is said.
    fn seen(&self, series: &Series) -> Line {
        let more = if dropped(series).is_some() { "+" } else { "" };
        let moment = |at| words::moment_short(self.state, at, self.axis.to);
        let fired = format!("{}x{more}", series.flaps + 1);
        Line::of(Role::Dim, &format!("{:>5}..{:<5}{fired:>4}", moment(series.first_seen), moment(series.last_seen)))
    }
}

/// Returns the mark of a cell, which tells without colour too.
fn shown(mark: Mark) -> (&'static str, Role) {
    match mark {
        Mark::Before => (" ", Role::StripPending),
        Mark::Over => (".", Role::StripResolved),
        Mark::Unknown => ("?", Role::StripUnknown),
        Mark::Firing => ("#", Role::StripFiring),
    }
}

/// Returns the word of a series' state.
pub(super) fn series_state(state: SeriesState) -> (&'static str, Role) {
    match state {
        SeriesState::Firing => ("FIRE", Role::StripFiring),
        SeriesState::Resolved => ("over", Role::StripResolved),
        SeriesState::Expired => ("expd", Role::StripResolved),
        SeriesState::Unknown => ("UNK", Role::StripUnknown),
        SeriesState::Pending => ("PEND", Role::StripPending),
    }
}
