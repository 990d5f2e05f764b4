//! How many series fire over time: a step function from their episodes, and its bars.

use super::span::{Axis, dropped, fire_end, unknown_since};
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// How many fired and how many were unknown from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    at: Timestamp,
    firing: u32,
    unknown: u32,
}

/// A step function over time.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// In order of their times.
    steps: Vec<Step>,
    /// Before this, episodes of some series were dropped: nobody here knows the count.
    known_from: Option<Timestamp>,
}

impl Steps {
    /// Returns the steps of these series.
    pub(super) fn of(series: &[Series]) -> Self {
        let mut turns: Vec<(Timestamp, i64, i64)> = Vec::new();
        for one in series {
            for episode in &one.episodes {
                turns.push((episode.started_at, 1, 0));
                turns.extend(fire_end(one, episode).map(|end| (end.max(episode.started_at), -1, 0)));
            }
            turns.extend(unknown_since(one).map(|since| (since, 0, 1)));
        }
        turns.sort_unstable();
        let (mut firing, mut unknown, mut steps) = (0, 0, Vec::<Step>::new());
        for (at, fires, lost) in turns {
            (firing, unknown) = (firing + fires, unknown + lost);
            let count = |count: i64| u32::try_from(count).unwrap_or(0);
            let step = Step { at, firing: count(firing), unknown: count(unknown) };
            match steps.last_mut() {
                Some(last) if last.at == at => *last = step,
                _ => steps.push(step),
            }
        }
        Self { steps, known_from: series.iter().filter_map(dropped).max() }
    }

    /// Returns the most that fired in each cell of the axis; `None` is a gap: nobody knows of any that fires, though some may.
    pub(crate) fn counts(&self, axis: &Axis) -> Vec<Option<u32>> {
        let mut cells: Vec<(u32, u32)> = vec![(0, 0); axis.cells];
        let ends = self.steps.iter().skip(1).map(|step| step.at).chain([axis.to]);
        for (step, end) in self.steps.iter().zip(ends) {
            if end < axis.from || step.at > axis.to {
                continue;
            }
            // A step ends before the next begins.
            let last = axis.cell(end.minus(Duration::from_millis(1)).max(step.at));
            for (firing, unknown) in &mut cells[axis.cell(step.at)..=last] {
                (*firing, *unknown) = (step.firing.max(*firing), step.unknown.max(*unknown));
            }
        }
        let known = |cell: usize| self.known_from.is_none_or(|from| axis.begin(cell) >= from);
        let counts = cells.into_iter().enumerate();
        counts
            .map(|(cell, (firing, unknown))| (known(cell) && (firing > 0 || unknown == 0)).then_some(firing))
            .collect()
    }
}

/// Returns how full each of `rows` cells of one bar is, the top one first, in `steps` parts of a cell: 0 is empty. What is not nothing shows.
pub(crate) fn column(value: u32, max: u32, rows: usize, steps: usize) -> Vec<usize> {
    let parts = (u64::from(value) * (rows * steps) as u64).div_ceil(u64::from(max.max(1))) as usize;
    (0..rows).rev().map(|row| parts.saturating_sub(row * steps).min(steps)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_from_below_and_the_least_still_shows() {
        assert_eq!(column(3, 3, 2, 3), [3, 3]);
        assert_eq!(column(1, 100, 2, 3), [0, 1]);
        assert_eq!(column(0, 3, 2, 3), [0, 0]);
        assert_eq!(column(2, 3, 2, 3), [1, 3]);
    }
}
