//! What is only read, and what the hub knows of consoles.

use super::super::{Cursor, FeedPage, FeedRow, StoreError};
use super::start;
use super::tables::Tables;
use crate::domain::event::SeriesKey;
use crate::domain::id::NodeId;
use crate::domain::series::Series;

/// Bytes of rows in one page of the feed, but for a row that is longer by itself.
pub(in crate::store) const FEED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Returns the branch of history and the newest change.
pub(in crate::store) fn head<T: Tables>(tables: &T) -> Result<Cursor, StoreError> {
    Ok(Cursor { epoch: tables.meta(start::EPOCH)?.unwrap_or_default(), seq: tables.head()? })
}

/// Returns every row that changed after a place, newest state only, in the order of the changes.
pub(in crate::store) fn feed<T: Tables>(
    tables: &T,
    after: u64,
    max: usize,
    verdicts: Option<NodeId>,
) -> Result<FeedPage, StoreError> {
    let Cursor { epoch, seq: head } = head(tables)?;
    let mut rows = tables.changes(after, max, verdicts)?;
    let full = rows.len() == max;
    let cut = cut_to(&mut rows, FEED_BYTES_MAX);
    // A full page ends at its last row; a short one saw everything up to the head.
    let next = if full || cut { rows.last().map_or(head, |row| row.seq) } else { head };
    Ok(FeedPage { epoch, after, next, head, rows, signatures: None })
}

/// Leaves away rows at the end that are more than so many bytes together, but never the first; returns whether there were such.
fn cut_to(rows: &mut Vec<FeedRow>, bytes_max: usize) -> bool {
    let mut bytes = 0;
    let fits = |row: &FeedRow| {
        bytes += row.body.len();
        bytes <= bytes_max
    };
    let whole = rows.iter().map(fits).take_while(|fits| *fits).count();
    let cut = whole.max(1) < rows.len();
    rows.truncate(whole.max(1));
    cut
}

/// Returns series that burn or are unknown, by row after `after`, and the last row.
pub(in crate::store) fn burning<T: Tables>(
    tables: &T,
    after: i64,
    max: usize,
) -> Result<(Vec<Series>, Option<i64>), StoreError> {
    let rows = tables.burning(after, max)?;
    let last = rows.last().map(|row| row.id);
    Ok((rows.into_iter().map(|row| row.series).collect(), last))
}

/// Returns these series, as far as they exist.
pub(in crate::store) fn series<T: Tables>(tables: &T, keys: &[SeriesKey]) -> Result<Vec<Series>, StoreError> {
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(tables.series(key)?.map(|row| row.series));
    }
    Ok(found)
}
