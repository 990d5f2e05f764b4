//! Runbooks: which texts there are, which are told, who has read them, what is ticked and remarked.

use super::super::StoreError;
use super::Rules;
use super::tables::Tables;
use super::work::{Committed, Work};
use crate::domain::incident::{Author, Line, Told};
use crate::domain::item::{ITEMS_MAX, Item, ItemKind, text_id, ticks_id};
use crate::domain::judge::{Refusal, Verdict};
use crate::domain::op::{Act, Op};
use crate::domain::runbook::{
    MADE_MAX, Made, REMARKS_MAX, Readers, Remark, Remarks, Revision, Runbook, RunbookName, TICKS_MAX, Text, Ticked,
    Ticks,
};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A runbook as it was found in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As it is now. Where its directory has a history, `made` is that history; else the current text alone.
    pub runbook: Runbook,
    /// Whether it has a history: else each text that the hub saw is one of its own.
    pub has_history: bool,
    /// Texts that the hub may not know yet, the current one among them.
    pub texts: BTreeMap<Revision, String>,
}

/// Takes runbooks in, whole, and forgets those that are gone; what was read of them stays. One that has the text of another that is gone
/// is that file under a new name: who read it has read it.
pub(in crate::store) fn keep<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    found: Vec<Found>,
    gone: &[RunbookName],
    now: Timestamp,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for one in found {
        take(&mut work, one)?;
    }
    hand_on(&mut work, gone)?;
    for name in gone {
        work.remove_item(ItemKind::Runbook, name.as_str())?;
        tell_texts(&mut work, name, &[])?;
    }
    work.write()
}

/// Hands the receipts of what is gone on to what has the same text and was read by nobody.
fn hand_on<T: Tables>(work: &mut Work<'_, T>, gone: &[RunbookName]) -> Result<(), StoreError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (mut leaving, mut heirs) = (Vec::new(), BTreeMap::new());
    for item in work.tables.items(ItemKind::Runbook)? {
        let Item::Runbook(runbook) = item else { continue };
        let Some(revision) = runbook.current().map(|made| made.revision) else { continue };
        match gone.contains(&runbook.name) {
            true => leaving.push((runbook.name, revision)),
            false => drop(heirs.entry(revision).or_insert(runbook.name)),
        }
    }
    for (name, revision) in leaving {
        let Some(heir) = heirs.get(&revision) else { continue };
        let Some(Readers { by, .. }) = readers(work, &name)? else { continue };
        if readers(work, heir)?.is_none() && !is_full(work, ItemKind::Readers)? {
            work.put_item(&Item::Readers(Readers { runbook: heir.clone(), by }))?;
        }
    }
    Ok(())
}

fn take<T: Tables>(work: &mut Work<'_, T>, found: Found) -> Result<(), StoreError> {
    let Found { mut runbook, has_history, texts } = found;
    for (revision, text) in &texts {
        work.tables.put_text(&runbook.name, *revision, text)?;
    }
    if !has_history && let Some(Item::Runbook(before)) = work.tables.item(ItemKind::Runbook, runbook.name.as_str())? {
        runbook.made = gone_on(before.made, runbook.made);
    }
    runbook.made.truncate(MADE_MAX);
    let (name, made) = (runbook.name.clone(), runbook.made.clone());
    work.put_item(&Item::Runbook(runbook))?;
    tell_texts(work, &name, &made)
}

/// Returns what the hub saw of a runbook, with the text that is seen now: the same text is no news, and one that comes back is the newest.
fn gone_on(before: Vec<Made>, now: Vec<Made>) -> Vec<Made> {
    let Some(current) = now.into_iter().next() else { return before };
    if before.first().is_some_and(|made| made.revision == current.revision) {
        return before;
    }
    let earlier = before.into_iter().filter(|made| made.revision != current.revision).collect::<Vec<_>>();
    std::iter::once(current).chain(earlier).collect()
}

/// Lets consoles have the current text and each that somebody has read, and no other. Texts that neither are nor lie in the history are
/// forgotten.
fn tell_texts<T: Tables>(work: &mut Work<'_, T>, name: &RunbookName, made: &[Made]) -> Result<(), StoreError> {
    let readers = readers(work, name)?;
    for revision in work.tables.texts(name)? {
        let is_current = made.first().is_some_and(|made| made.revision == revision);
        let is_read = readers.as_ref().is_some_and(|readers| readers.know(revision));
        if is_current || is_read && !made.is_empty() {
            tell_text(work, name, revision)?;
            continue;
        }
        work.remove_item(ItemKind::Text, &text_id(name, revision))?;
        let is_past = made.is_empty() || made.iter().any(|made| made.revision == revision);
        if !is_past && !is_read {
            work.tables.forget_text(name, revision)?;
        }
    }
    Ok(())
}

fn tell_text<T: Tables>(work: &mut Work<'_, T>, name: &RunbookName, revision: Revision) -> Result<(), StoreError> {
    let Some(text) = work.tables.text(name, revision)? else { return Ok(()) };
    // More than there is room for is not told: the hub keeps it, and consoles show the whole text as they do to who never read it.
    if work.tables.item(ItemKind::Text, &text_id(name, revision))?.is_none() && is_full(work, ItemKind::Text)? {
        return Ok(());
    }
    work.put_item(&Item::Text(Text { runbook: name.clone(), revision, text }))
}

fn readers<T: Tables>(work: &Work<'_, T>, name: &RunbookName) -> Result<Option<Readers>, StoreError> {
    match work.tables.item(ItemKind::Readers, name.as_str())? {
        Some(Item::Readers(readers)) => Ok(Some(readers)),
        Some(_) | None => Ok(None),
    }
}

/// Judges what is said of a runbook; `None` for any other act. None of these changes an incident.
pub(super) fn judge<T: Tables>(work: &mut Work<'_, T>, op: &Op) -> Result<Option<Verdict>, StoreError> {
    let refusal = match &op.act {
        Act::Read { runbook, revision } => read(work, op, runbook, *revision)?,
        Act::Tick { runbook, task, text, done } => tick(work, op, runbook, (task, text), *done)?,
        Act::Remark { runbook, revision, line, text } => remark(work, op, runbook, (*revision, *line), text)?,
        _ => return Ok(None),
    };
    Ok(Some(refusal.map_or(Verdict::Applied, |because| Verdict::Refused { because })))
}

fn read<T: Tables>(
    work: &mut Work<'_, T>,
    op: &Op,
    name: &RunbookName,
    revision: Revision,
) -> Result<Option<Refusal>, StoreError> {
    if work.tables.text(name, revision)?.is_none() {
        return Ok(Some(Refusal::NoSuchRunbook));
    }
    let before = readers(work, name)?;
    if before.is_none() && is_full(work, ItemKind::Readers)? {
        return Ok(Some(Refusal::NoRoom));
    }
    let mut readers = before.unwrap_or_else(|| Readers { runbook: name.clone(), by: BTreeMap::new() });
    if !readers.note(&op.actor, revision, work.now) {
        return Ok(Some(Refusal::NoRoom));
    }
    work.put_item(&Item::Readers(readers))?;
    // Whoever reads on compares with it.
    tell_text(work, name, revision)?;
    Ok(None)
}

fn tick<T: Tables>(
    work: &mut Work<'_, T>,
    op: &Op,
    name: &RunbookName,
    (task, text): (&str, &str),
    done: bool,
) -> Result<Option<Refusal>, StoreError> {
    if work.incident(op.incident)?.is_none() {
        return Ok(Some(Refusal::NoSuchIncident));
    }
    if work.tables.item(ItemKind::Runbook, name.as_str())?.is_none() {
        return Ok(Some(Refusal::NoSuchRunbook));
    }
    let (id, now) = (ticks_id(op.incident, name), work.now);
    let before = match work.tables.item(ItemKind::Ticks, &id)? {
        Some(Item::Ticks(ticks)) => Some(ticks),
        Some(_) | None => None,
    };
    if before.is_none() && is_full(work, ItemKind::Ticks)? {
        return Ok(Some(Refusal::NoRoom));
    }
    let empty = || Ticks { incident: op.incident, runbook: name.clone(), ticked: BTreeMap::new(), at: now };
    let mut ticks = before.unwrap_or_else(empty);
    if ticks.ticked.contains_key(task) == done {
        return Ok(None);
    }
    if done && ticks.ticked.len() >= TICKS_MAX {
        return Ok(Some(Refusal::NoRoom));
    }
    match done {
        true => drop(ticks.ticked.insert(task.into(), Ticked { text: text.into(), by: op.actor.clone(), at: now })),
        false => drop(ticks.ticked.remove(task)),
    }
    ticks.at = now;
    work.put_item(&Item::Ticks(ticks))?;
    tell_tick(work, op, name, text, done);
    Ok(None)
}

fn tell_tick<T: Tables>(work: &mut Work<'_, T>, op: &Op, name: &RunbookName, text: &str, done: bool) {
    let what = if done { "ticked" } else { "unticked" };
    let text = format!("{what} \"{text}\" of {name}");
    work.tell(op.incident, Line { at: work.now, author: Author::User(op.actor.clone()), told: Told::Ticked, text });
}

fn remark<T: Tables>(
    work: &mut Work<'_, T>,
    op: &Op,
    name: &RunbookName,
    (revision, line): (Revision, u32),
    text: &str,
) -> Result<Option<Refusal>, StoreError> {
    if work.tables.text(name, revision)?.is_none() {
        return Ok(Some(Refusal::NoSuchRunbook));
    }
    let before = match work.tables.item(ItemKind::Remarks, name.as_str())? {
        Some(Item::Remarks(remarks)) => Some(remarks),
        Some(_) | None => None,
    };
    if before.is_none() && is_full(work, ItemKind::Remarks)? {
        return Ok(Some(Refusal::NoRoom));
    }
    let mut remarks = before.unwrap_or_else(|| Remarks { runbook: name.clone(), remarks: Vec::new() });
    if remarks.remarks.len() >= REMARKS_MAX {
        // What was said of a text that was replaced gives way to what is said of another.
        let current = match work.tables.item(ItemKind::Runbook, name.as_str())? {
            Some(Item::Runbook(runbook)) => runbook.current().map(|made| made.revision),
            Some(_) | None => None,
        };
        let Some(old) = remarks.remarks.iter().position(|remark| Some(remark.revision) != current) else {
            return Ok(Some(Refusal::NoRoom));
        };
        remarks.remarks.remove(old);
    }
    let (op, by, at) = (op.op_id, op.actor.clone(), work.now);
    remarks.remarks.push(Remark { op, revision, line, text: text.into(), by, at });
    work.put_item(&Item::Remarks(remarks))?;
    tell_text(work, name, revision)?;
    Ok(None)
}

/// Returns whether a new item of that kind would find no room.
fn is_full<T: Tables>(work: &Work<'_, T>, kind: ItemKind) -> Result<bool, StoreError> {
    let (count, over) = work.tables.count_items(kind, work.now)?;
    Ok(count >= ITEMS_MAX && over.is_none())
}
