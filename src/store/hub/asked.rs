//! Queries that stand in items and are asked of every series: read once, not in every transaction.

use crate::query::Query;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Queries by their text; `None` is a text that this program cannot read.
type ByText = BTreeMap<String, Option<Query>>;

/// The queries of one kind of item, of all stores of this program: what a text means is the same for each.
#[derive(Debug)]
pub(super) struct Asked(Mutex<ByText>);

impl Asked {
    pub const fn none() -> Self {
        Self(Mutex::new(ByText::new()))
    }

    /// Returns the query of each text, in order, and forgets all others: no more is held than what counts.
    pub fn of<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Vec<Option<Query>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *known);
        let each = texts.map(|text| {
            if let Some(query) = known.get(text) {
                return query.clone();
            }
            let (text, query) = before.remove_entry(text).unwrap_or_else(|| (text.to_owned(), Query::parse(text).ok()));
            known.insert(text, query.clone());
            query
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_while_it_counts() {
        let asked = Asked::none();
        let first = asked.of(["a=1", "a=", "b=2"].into_iter());
        assert_eq!(first.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        let again = asked.of(["b=2", "b=2", "c=3"].into_iter());
        // A clone is a pointer to the same text.
        let place = |query: &Option<Query>| query.as_ref().map(|query| query.text().as_ptr());
        assert_eq!((place(&again[0]), place(&again[1])), (place(&first[2]), place(&first[2])));
        let held: Vec<String> = asked.0.lock().unwrap().keys().cloned().collect();
        assert_eq!(held, ["b=2", "c=3"]);
        assert_ne!(place(&asked.of(["a=1"].into_iter())[0]), place(&first[0]));
    }
}
