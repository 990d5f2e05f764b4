//! What an incident's series, timeline and pages come to, before anybody draws it: plain values, made once for each detail that comes.

mod chart;
mod span;
mod story;

pub(crate) use chart::{Steps, column};
pub(crate) use span::{Axis, Mark, dropped, strip};
pub(crate) use story::{Entry, Sure, Who};

use crate::domain::grouping;
use crate::domain::series::{Series, SeriesState};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::picture::Detail;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Most cells of a column of labels.
const COLUMN_MAX: usize = 24;
/// Characters of a label that are looked at for the width of its column.
const LABEL_CHARS: usize = 40;
/// How much of the time before an incident stands beside it, at least.
const BEFORE: Duration = Duration::from_secs(30 * 60);

/// A column of labels that differ between the series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Cells of its widest value, up to a limit.
    pub(crate) cells: usize,
}

/// What a detail comes to.
#[derive(Debug)]
pub(crate) struct Digest {
    pub(crate) detail: Arc<Detail>,
    /// The series as indices into the detail's: firing first, then unknown, then over; the worst first.
    pub(crate) order: Vec<usize>,
    /// Labels that all series have, by name; all labels where there is one series.
    pub(crate) common: Vec<(String, String)>,
    /// Labels that differ, the name of the alert first, then what tells most series apart.
    pub(crate) columns: Vec<Column>,
    /// What the series say of themselves where all say the same.
    pub(crate) said: Option<String>,
    /// How many fire and how many are unknown, over time.
    pub(crate) steps: Steps,
    /// What machines and people did, newest first.
    pub(crate) story: Vec<Entry>,
}

impl Digest {
    /// Returns the digest of a detail: the old one where that is of the same.
    pub(crate) fn renewed(old: Option<Arc<Self>>, detail: Option<&Arc<Detail>>) -> Option<Arc<Self>> {
        let detail = detail?;
        old.filter(|old| Arc::ptr_eq(&old.detail, detail)).or_else(|| Some(Arc::new(Self::of(detail.clone()))))
    }

    fn of(detail: Arc<Detail>) -> Self {
        let series = &detail.series;
        let (common, columns) = labels(series);
        let mut order: Vec<usize> = (0..series.len()).collect();
        order.sort_by_cached_key(|index| {
            let one = &series[*index];
            let values: Vec<&str> = columns.iter().map(|column| value(one, &column.name)).collect();
            (rank(one.state), one.severity.map_or(0, |severity| severity.number()), values.join("\0"))
        });
        let said: BTreeSet<String> = series.iter().map(grouping::summary).collect();
        let said = if said.len() == 1 { said.into_iter().next() } else { None };
        Self { order, common, columns, said, steps: Steps::of(series), story: story::of(&detail), detail }
    }

    /// Returns the series at that place of the order.
    pub(crate) fn series(&self, place: usize) -> Option<&Series> {
        self.order.get(place).map(|index| &self.detail.series[*index])
    }

    /// Returns the stretch of time that all strips and charts of the incident share: from a while before it opened, or from when the
    /// first series began if that is later, to the latest that is known. `opened` is the incident's, `known` the hub's latest word.
    pub(crate) fn reach(&self, opened: Timestamp, known: Timestamp) -> (Timestamp, Timestamp) {
        let series = &self.detail.series;
        let burns = series.iter().any(|one| !one.state.is_over());
        let ends = series.iter().flat_map(|one| &one.episodes).map(|one| one.ended_at.unwrap_or(one.started_at));
        let latest = ends.max().unwrap_or(known).max(opened);
        let to = if burns { known.max(latest) } else { latest };
        let starts = series.iter().flat_map(|one| &one.episodes).map(|one| one.started_at);
        let first = starts.min().unwrap_or(opened).min(opened);
        let before = to.since(opened).max(BEFORE);
        (first.max(opened.minus(before)), to)
    }
}

/// Returns the value of a label, empty where it has none.
pub(crate) fn value<'a>(series: &'a Series, name: &str) -> &'a str {
    series.labels.get(name).unwrap_or_default()
}

fn rank(state: SeriesState) -> u8 {
    match state {
        SeriesState::Firing => 0,
        SeriesState::Unknown => 1,
        SeriesState::Pending => 2,
        SeriesState::Resolved | SeriesState::Expired => 3,
    }
}

/// Returns what all series have in common, and the columns of what differs.
fn labels(series: &[Series]) -> (Vec<(String, String)>, Vec<Column>) {
    let names: BTreeSet<&str> = series.iter().flat_map(|one| one.labels.iter().map(|(name, _)| name)).collect();
    let (mut common, mut columns) = (Vec::new(), Vec::new());
    for name in names {
        let mut values: BTreeMap<&str, usize> = BTreeMap::new();
        series.iter().for_each(|one| *values.entry(value(one, name)).or_default() += 1);
        match values.keys().next() {
            Some(only) if values.len() == 1 => common.push((name.to_owned(), (*only).to_owned())),
            _ => {
                let cells = values.keys().map(|value| SafeText::line(value, LABEL_CHARS).width()).max().unwrap_or(0);
                columns.push((values.len(), Column { name: name.to_owned(), cells: cells.min(COLUMN_MAX) }));
            }
        }
    }
    columns.sort_by_key(|(values, column)| (column.name != "alertname", std::cmp::Reverse(*values)));
    (common, columns.into_iter().map(|(_, column)| column).collect())
}
