//! What a back end does once, when it is opened.

use super::super::StoreError;
use super::Rules;
use super::tables::Tables;

/// The branch of history, in the table of what the store knows of itself.
pub(in crate::store) const EPOCH: &str = "epoch";
/// The version of the identity rule that open series are keyed by.
const IDENTITY: &str = "identity";
/// Series that are looked at together.
const PAGE: usize = 1000;

/// Gives new tables their epoch, and keys open series anew when the ignored labels changed.
pub(in crate::store) fn prepare<T: Tables>(tables: &mut T, rules: &Rules, fresh_epoch: &str) -> Result<(), StoreError> {
    if tables.meta(EPOCH)?.is_none() {
        tables.set_meta(EPOCH, fresh_epoch)?;
    }
    let version = rules.identity.version();
    if tables.meta(IDENTITY)?.is_some_and(|stored| stored != version) {
        rekey(tables, rules)?;
    }
    tables.set_meta(IDENTITY, &version)
}

/// Gives each series that still burns the fingerprint of the new rule, so that its next message finds it.
///
/// Where two become one, the older row keeps the fingerprint; the other stays under its old one and runs out or is resolved by hand.
fn rekey<T: Tables>(tables: &mut T, rules: &Rules) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let rows = tables.burning(after, PAGE)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        for mut row in rows {
            row.series.fingerprint = rules.identity.fingerprint(&row.series.labels);
            tables.rekey_series(row.id, &row.series)?;
        }
    }
}
