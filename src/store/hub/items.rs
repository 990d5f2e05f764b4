//! Shared items: written by their own transactions, or inside one that does more.

use super::super::StoreError;
use super::Rules;
use super::tables::{Tables, gone_body, item_body};
use super::work::{Committed, Work};
use crate::domain::item::{ITEMS_MAX, Item, ItemKind};
use crate::domain::time::Timestamp;

/// Writes items in a transaction of their own.
pub(in crate::store) fn put<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    items: &[Item],
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for item in items {
        work.put_item(item)?;
    }
    work.write()
}

/// Takes items away in a transaction of its own.
pub(in crate::store) fn remove<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    ids: &[(ItemKind, String)],
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for (kind, id) in ids {
        work.remove_item(*kind, id)?;
    }
    work.write()
}

impl<T: Tables> Work<'_, T> {
    /// Writes an item; one that is as it was is no change. Where there are too many of its kind, what ended first makes room.
    pub fn put_item(&mut self, item: &Item) -> Result<(), StoreError> {
        let (kind, id) = (item.kind(), item.id());
        let before = self.tables.item(kind, &id)?;
        if before.as_ref() == Some(item) {
            return Ok(());
        }
        let body = item_body(item)?;
        let longest = kind.bytes_max();
        if body.len() > longest {
            let text = format!("this {} is longer than {longest} bytes", kind.word());
            return Err(StoreError::Items(text));
        }
        if before.is_none() {
            self.make_room(kind)?;
        }
        let seq = self.next_seq();
        self.tables.put_item(item, &body, seq)
    }

    fn make_room(&mut self, kind: ItemKind) -> Result<(), StoreError> {
        let (count, over) = self.tables.count_items(kind, self.now)?;
        match over {
            _ if count < ITEMS_MAX => Ok(()),
            Some(id) => self.tables.forget_item(kind, &id),
            None => Err(StoreError::Items(format!("there are {ITEMS_MAX} of kind {} already", kind.word()))),
        }
    }

    /// Takes an item away; none is no change.
    pub fn remove_item(&mut self, kind: ItemKind, id: &str) -> Result<(), StoreError> {
        if self.tables.item(kind, id)?.is_none() {
            return Ok(());
        }
        let (seq, now) = (self.next_seq(), self.now);
        self.tables.leave_item(kind, id, now, &gone_body(kind, id)?, seq)
    }
}
