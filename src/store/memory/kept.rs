//! A table in memory that remembers how to undo what the open transaction did to it.

use super::super::StoreError;
use std::collections::BTreeMap;

/// Rows by key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept<K, V> {
    rows: BTreeMap<K, V>,
    /// What stood there before, oldest first.
    undo: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Kept<K, V> {
    pub fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    /// Puts a row, over the one that has the key.
    pub fn put(&mut self, key: K, row: V) {
        let before = self.rows.insert(key.clone(), row);
        self.undo.push((key, before));
    }

    /// Puts a row of a new key; another row that has it breaks `rule`.
    pub fn add(&mut self, key: K, row: V, rule: &str) -> Result<(), StoreError> {
        if self.rows.contains_key(&key) {
            return Err(StoreError::broken(rule));
        }
        self.put(key, row);
        Ok(())
    }

    pub fn remove(&mut self, key: &K) {
        if let Some((key, before)) = self.rows.remove_entry(key) {
            self.undo.push((key, Some(before)));
        }
    }
}

/// A table, whatever it holds, at the end of a transaction.
pub(super) trait Journal {
    fn commit(&mut self);
    fn roll_back(&mut self);
}

impl<K: Ord, V> Journal for Kept<K, V> {
    fn commit(&mut self) {
        self.undo.clear();
    }

    fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}
