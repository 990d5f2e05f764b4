//! Time in cells: an axis, and what one series was in each cell of it.

use crate::domain::series::{EPISODES_KEPT, Episode, Series, SeriesState};
use crate::domain::time::Timestamp;
use std::time::Duration;

/// The shortest stretch that an axis shows.
const SHORTEST: Duration = Duration::from_secs(60);

/// A stretch of time in so many cells of equal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// How many cells, at least 1.
    pub(crate) cells: usize,
}

impl Axis {
    /// Returns the axis; a stretch too short to show begins earlier.
    pub(crate) fn new(from: Timestamp, to: Timestamp, cells: usize) -> Self {
        Self { from: from.min(to.minus(SHORTEST)), to, cells: cells.max(1) }
    }

    /// Returns the cell in which a moment lies, cut at both ends.
    pub(crate) fn cell(&self, at: Timestamp) -> usize {
        let (span, into) = (self.to.since(self.from).as_millis().max(1), at.since(self.from).as_millis());
        let cell = into * self.cells as u128 / span;
        usize::try_from(cell).unwrap_or(usize::MAX).min(self.cells - 1)
    }

    /// Returns the moment at which a cell begins.
    pub(crate) fn begin(&self, cell: usize) -> Timestamp {
        let span = self.to.since(self.from).as_millis() * cell as u128 / self.cells as u128;
        self.from.plus(Duration::from_millis(u64::try_from(span).unwrap_or(u64::MAX)))
    }

    /// Returns whether any of a stretch lies on the axis.
    fn shows(&self, from: Timestamp, to: Timestamp) -> bool {
        from <= self.to && to >= self.from
    }
}

/// What a series was in one cell; what is worse hides what is better, so that no short fire is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// Before its first episode that is known.
    Before,
    /// It was over.
    Over,
    /// Its source was silent past its word: nobody knows.
    Unknown,
    /// It fired.
    Firing,
}

/// Returns from when the series has been unknown, if it is now.
pub(super) fn unknown_since(series: &Series) -> Option<Timestamp> {
    let lost = series.state == SeriesState::Unknown;
    lost.then(|| series.ends_at.unwrap_or(series.last_seen).max(series.started_at()))
}

/// Returns when an episode's fire ended, as far as it is known; `None` while it burns.
pub(super) fn fire_end(series: &Series, episode: &Episode) -> Option<Timestamp> {
    episode.ended_at.or_else(|| unknown_since(series))
}

/// Returns what a series was in each cell of the axis.
pub(crate) fn strip(series: &Series, axis: &Axis) -> Vec<Mark> {
    let mut marks = vec![Mark::Before; axis.cells];
    let mut lay = |mark: Mark, from: Timestamp, to: Timestamp| {
        if axis.shows(from, to) {
            marks[axis.cell(from)..=axis.cell(to)].iter_mut().for_each(|cell| *cell = mark.max(*cell));
        }
    };
    if let Some(first) = series.episodes.first() {
        lay(Mark::Over, first.started_at, axis.to);
    }
    if let Some(since) = unknown_since(series) {
        lay(Mark::Unknown, since, axis.to);
    }
    for episode in &series.episodes {
        lay(Mark::Firing, episode.started_at, fire_end(series, episode).unwrap_or(axis.to));
    }
    marks
}

/// Returns until when episodes of the series were dropped, where that happened: before that, nobody here knows what it was.
pub(crate) fn dropped(series: &Series) -> Option<Timestamp> {
    let all_kept = series.episodes.len() < EPISODES_KEPT || series.flaps < EPISODES_KEPT as u64;
    series.episodes.first().filter(|_| !all_kept).map(|first| first.started_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000).plus(Duration::from_secs(60 * minute))
    }

    #[test]
    fn a_moment_has_one_cell_and_both_ends_have_theirs() {
        let axis = Axis::new(at(0), at(10), 10);
        assert_eq!([axis.cell(at(0)), axis.cell(at(3)), axis.cell(at(10)), axis.cell(at(99))], [0, 3, 9, 9]);
        assert_eq!([axis.begin(0), axis.begin(5)], [at(0), at(5)]);
        let moment = Axis::new(at(5), at(5), 4);
        assert_eq!((moment.from, moment.to), (at(4), at(5)));
    }
}
