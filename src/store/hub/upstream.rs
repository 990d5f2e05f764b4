//! What Alertmanagers in front hide, kept as silences that are theirs.

use super::super::StoreError;
use super::tables::Tables;
use super::work::Work;
use super::{Due, Rules};

use crate::domain::item::{Item, ItemKind, Silence};
use crate::domain::silence::ADMIN_MAX;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the Alertmanagers in front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fronts {
    /// The names of all that count; what others said hides nothing any more.
    pub configured: BTreeSet<String>,
    /// The name of one, and all that it hides now; ends may lie beyond any reach.
    pub said: Option<(String, Vec<Silence>)>,
}

/// Silences that one transaction writes: alerts come in between two of them.
const WRITTEN_MAX: usize = 200;

/// Takes that in, as far as one transaction goes. Where nothing is new, nothing is written; else what no longer counts is gone, and what
/// burns under it pages. What takes the place of another counts before that goes.
pub(in crate::store) fn hear<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    fronts: &Fronts,
    now: Timestamp,
) -> Result<Due, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let mut kept = BTreeMap::new();
    for item in work.tables.items_ending_after(ItemKind::Silence, now)? {
        let Item::Silence(silence) = item else { continue };
        if let Some(up) = &silence.upstream {
            kept.insert(silence.id.clone(), (up.name.clone(), silence));
        }
    }
    let said = fronts.said.as_ref().filter(|(name, _)| fronts.configured.contains(name));
    // Of two with one id the last counts.
    let list: BTreeMap<&String, &Silence> =
        said.iter().flat_map(|(_, list)| list).map(|silence| (&silence.id, silence)).collect();
    let newer = |silence: &&Silence| renewed(kept.get(&silence.id).map(|(_, kept)| kept), silence, now);
    let newer = list.values().filter_map(newer).map(Write::Put);
    let over = |(id, (name, _)): &(&String, &(String, Silence))| {
        let speaks = said.is_some_and(|(speaker, _)| speaker == name);
        !fronts.configured.contains(name) || (speaks && !list.contains_key(id))
    };
    let gone = kept.iter().filter(over).map(|(id, _)| Write::Remove(id));
    let mut written = 0;
    for write in newer.chain(gone).take(WRITTEN_MAX) {
        match write {
            Write::Put(silence) => work.put_item(&Item::Silence(silence))?,
            Write::Remove(id) => work.remove_item(ItemKind::Silence, id)?,
        }
        written += 1;
    }
    if written > 0 {
        work.cover_all()?;
    }
    Ok(Due { committed: work.write()?, more: written == WRITTEN_MAX })
}

/// What is to be done with one of them.
enum Write<'k> {
    Put(Silence),
    Remove(&'k str),
}

/// Returns what is to be written for one that is said again: one that lasts for long is written for some days at a time, so that no timer
/// lies beyond what the hub's own rules allow, and it is not written at each word.
fn renewed(kept: Option<&Silence>, said: &Silence, now: Timestamp) -> Option<Silence> {
    let reach = now.plus(ADMIN_MAX);
    let fresh = Silence { ends_at: said.ends_at.min(reach), ..said.clone() };
    let Some(kept) = kept else { return Some(fresh) };
    let lasting = said.ends_at > reach && kept.ends_at > now.plus(ADMIN_MAX / 2) && kept.ends_at <= reach;
    // A beginning that is only known as "now" is the first one.
    let same = Silence {
        ends_at: if lasting { kept.ends_at } else { fresh.ends_at },
        starts_at: kept.starts_at,
        updated_at: kept.updated_at,
        ..fresh
    };
    (same != *kept).then_some(same)
}
