//! How many series fire over time, as bars on labelled axes. What nobody knows is a gap, not a zero.

use super::super::super::history::{Axis, Digest, column};
use super::super::super::state::{Graph, State};
use super::super::super::theme::Role;
use super::super::paint::Line;
use super::super::words;
use super::roles;
use crate::sync::picture::Row;

/// The parts of a cell from empty to full.
const ASCII: [&str; 4] = [" ", ".", ":", "#"];
/// The same in dots.
const BRAILLE: [&str; 5] = [" ", "⣀", "⣤", "⣶", "⣿"];

/// Returns the chart in `rows` rows of bars, with a title and an axis around them.
pub(super) fn lines(state: &State, row: &Row, digest: &Digest, width: usize, rows: usize) -> Vec<Line> {
    let total = digest.detail.series.len();
    let label = total.to_string().len().max(2);
    let axis = axis(state, row, digest, width.saturating_sub(label + 3));
    let counts = digest.steps.counts(&axis);
    let max = counts.iter().flatten().copied().max().unwrap_or(0).max(1);
    let parts: &[&str] = if state.graph == Graph::Braille { &BRAILLE } else { &ASCII };
    let bars: Vec<Option<Vec<usize>>> =
        counts.iter().map(|count| count.map(|count| column(count, max, rows, parts.len() - 1))).collect();
    let gaps = bars.iter().any(Option::is_none);
    let gap = if gaps { "; blank: nobody knows" } else { "" };
    let span = words::span(axis.to.since(axis.from));
    let mut lines = vec![
        Line::of(Role::Title, "series firing").with(Role::Dim, &format!(" of {total}, most per cell, {span}{gap}")),
    ];
    for place in 0..rows {
        let number = match place {
            0 => max.to_string(),
            _ if place + 1 == rows => "0".to_owned(),
            _ => String::new(),
        };
        let lowest = place + 1 == rows;
        let cell = |bar: &Option<Vec<usize>>| match bar.as_ref().map(|bar| bar[place]) {
            None => " ",
            Some(0) if lowest => "_",
            Some(part) => parts[part],
        };
        let bars: String = bars.iter().map(cell).collect();
        lines.push(Line::of(Role::Dim, &format!("{number:>label$} |")).with(roles::BAR, &bars));
    }
    lines.push(self::scale(state, &axis, label + 2));
    lines
}

/// Returns the axis that all of an incident's strips and charts share, in so many cells.
pub(super) fn axis(state: &State, row: &Row, digest: &Digest, cells: usize) -> Axis {
    let (from, to) = digest.reach(row.incident.opened_at, state.picture.as_of.unwrap_or(row.incident.since));
    Axis::new(from, to, cells)
}

/// Returns the times at both ends of an axis, and in the middle where there is room.
pub(super) fn scale(state: &State, axis: &Axis, indent: usize) -> Line {
    let (left, right) = (words::moment(state, axis.from, axis.to), words::minute(state, axis.to));
    let middle = words::moment(state, axis.begin(axis.cells / 2), axis.to);
    let room = axis.cells.saturating_sub(left.len() + right.len());
    let line = Line::of(Role::Dim, &" ".repeat(indent)).with(Role::Dim, &left);
    if room < middle.len() + 8 {
        return line.with(Role::Dim, &" ".repeat(room.max(1))).with(Role::Dim, &right);
    }
    let before = (axis.cells / 2).saturating_sub(left.len());
    let behind = room.saturating_sub(before + middle.len());
    let gap = |cells: usize| " ".repeat(cells);
    line.with(Role::Dim, &format!("{}{middle}{}{right}", gap(before), gap(behind)))
}
