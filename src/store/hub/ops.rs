//! Operations: judged once, answered for ever the same.

use super::super::StoreError;
use super::pages;
use super::runbooks;
use super::tables::{ChainEnd, JudgedOp, StoredOp, Tables};
use super::work::Work;
use super::{Pushed, Rules, Submitted};
use crate::domain::envelope::SignedOp;
use crate::domain::event::SeriesKey;
use crate::domain::grouping::{Group, group};
use crate::domain::id::{IncidentId, NodeId, Number};
use crate::domain::incident::{Incident, Line, Told};
use crate::domain::judge::{Context, Effect, Judgement, Refusal, Verdict, judge};
use crate::domain::op::{Act, Basis, Op};
use crate::domain::time::Timestamp;
use std::collections::HashMap;

/// Series that one merge or reopening moves.
const MOVED_MAX: usize = 100_000;

pub(in crate::store) fn submit<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    ops: &[SignedOp],
    now: Timestamp,
) -> Result<Submitted, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let mut answers = Vec::with_capacity(ops.len());
    let mut dashed = HashMap::new();
    for op in ops {
        let pushed = one(&mut work, op, &dashed)?;
        if let Pushed::Judged(verdict) = &pushed
            && !(verdict.is_won() || *verdict == Verdict::Applied)
        {
            dashed.entry((op.op.node, op.op.incident)).or_insert(op.op.basis.rev);
        }
        answers.push((op.op.op_id, pushed));
    }
    let committed = work.write()?;
    Ok(Submitted { answers, committed })
}

/// What a console's first operation about an incident went by that did not do what was asked for.
type Dashed = HashMap<(NodeId, IncidentId), u64>;

fn one<T: Tables>(work: &mut Work<'_, T>, signed: &SignedOp, dashed: &Dashed) -> Result<Pushed, StoreError> {
    let op = &signed.op;
    let judged = work.tables.op(op.op_id)?;
    if let Some(StoredOp { hash, bytes, verdict }) = &judged {
        if *hash == signed.hash() || work.tables.reissued(op.node, op.nseq)? == Some(signed.hash()) {
            return Ok(Pushed::Judged(verdict.clone()));
        }
        // The same id with other bytes is a retry only where another node signed the same act of the same person anew: a verdict must not
        // be taken for another act.
        if !is_reissue(bytes, op) {
            return Ok(Pushed::Fork);
        }
    }
    let end =
        work.tables.chain_end(op.node)?.ok_or_else(|| StoreError::broken("an operation is of a known console"))?;
    if work.tables.is_revoked(op.node)? {
        return Ok(Pushed::Revoked);
    }
    let expected = end.nseq + 1;
    if op.nseq > expected {
        return Ok(Pushed::Gap { expected });
    }
    if op.nseq < expected || op.prev_hash != end.hash {
        return Ok(Pushed::Fork);
    }
    if let Some(StoredOp { verdict, .. }) = judged {
        let end = ChainEnd { nseq: op.nseq, hash: signed.hash() };
        work.tables.insert_reissued(op.node, &end)?;
        work.tables.set_chain_end(op.node, &end)?;
        return Ok(Pushed::Judged(verdict));
    }
    // Its console counted on what was asked for before: that the incident has the same revision by now is chance.
    let hoped = dashed.get(&(op.node, op.incident)).is_some_and(|rev| op.basis.rev > *rev);
    let basis = if hoped { Basis { rev: 0, ..op.basis } } else { op.basis };
    let verdict = verdict(work, &Op { basis, ..op.clone() })?;
    store(work, signed, &verdict)?;
    Ok(Pushed::Judged(verdict))
}

/// Returns whether it is the operation that was judged, under another node: a copied database becomes one and signs what waits anew.
fn is_reissue(judged: &[u8], op: &Op) -> bool {
    SignedOp::read(judged.to_vec()).is_ok_and(|SignedOp { op: judged, .. }| {
        judged.node != op.node
            && judged.actor == op.actor
            && judged.incident == op.incident
            && judged.basis == op.basis
            && judged.act == op.act
    })
}

fn verdict<T: Tables>(work: &mut Work<'_, T>, op: &Op) -> Result<Verdict, StoreError> {
    if let Some(verdict) = runbooks::judge(work, op)? {
        return Ok(verdict);
    }
    let (now, rules) = (work.now, work.rules());
    let Some(incident) = work.incident(op.incident)? else {
        return Ok(Verdict::Refused { because: Refusal::NoSuchIncident });
    };
    let (resolved, key, merged) = (incident.open_key.is_none(), incident.group_key.clone(), incident.merged_into);
    let went_on = match merged {
        Some(into) if resolved => work.goes_on(into)?,
        Some(_) | None => None,
    };
    let successor = match went_on {
        // What it was merged into may be over too, and its group burn anew.
        None if resolved => work.open_incident(&key)?,
        known => known,
    };
    let context = Context {
        now,
        rules: rules.domain(),
        successor,
        knows: match op.act.names() {
            Some(person) => rules.paging.everybody(&work.tables.users()?).contains(person),
            None => true,
        },
        target_open: match op.act {
            Act::Merge { into } => work.incident(into)?.is_some_and(|target| target.open_key.is_some()),
            _ => false,
        },
        split: own_series(work, op)?.len() as u32,
    };
    let Some(incident) = work.incident_mut(op.incident)? else {
        return Ok(Verdict::Refused { because: Refusal::NoSuchIncident });
    };
    let heard = incident.was_heard_at(op.basis.rev);
    let Judgement { verdict, line, effects } = judge(incident, op, &context);
    work.note_open(op.incident);
    if let Some(line) = line {
        work.tell(op.incident, line);
    }
    for effect in effects {
        carry_out(work, op, effect)?;
    }
    let answers = matches!(verdict, Verdict::Won { .. } | Verdict::Joined { .. }) || op.act == Act::Ack;
    if answers && heard {
        pages::answered(work, op.incident, &op.actor)?;
    }
    Ok(verdict)
}

/// Returns the series that a split names and that are the incident's, each once.
fn own_series<T: Tables>(work: &mut Work<'_, T>, op: &Op) -> Result<Vec<SeriesKey>, StoreError> {
    let Act::Split { series } = &op.act else { return Ok(Vec::new()) };
    let mut own: Vec<SeriesKey> = Vec::new();
    for key in series {
        let is_own = work.series(key)?.is_some_and(|series| series.incident == Some(op.incident));
        if is_own && !own.contains(key) {
            own.push(key.clone());
        }
    }
    Ok(own)
}

fn carry_out<T: Tables>(work: &mut Work<'_, T>, op: &Op, effect: Effect) -> Result<(), StoreError> {
    match effect {
        Effect::DismissFiring => dismiss(work, op.incident),
        Effect::Recall => recall(work, op.incident),
        Effect::Call(call) => {
            work.call(op.incident, call);
            Ok(())
        }
        Effect::MoveAll(into) => merge(work, op, into),
        Effect::SplitOff => split(work, op),
    }
}

fn dismiss<T: Tables>(work: &mut Work<'_, T>, incident: IncidentId) -> Result<(), StoreError> {
    let now = work.now;
    for key in work.firing_of(incident)? {
        if let Some(series) = work.series(&key)? {
            let before = series.state;
            series.dismiss(now);
            // The incident is resolved by now, so this marks the series and counts nothing.
            work.conclude(&key, Some(before))?;
        }
    }
    Ok(())
}

/// Lets burn again what a person had dismissed, as far as its source says so.
fn recall<T: Tables>(work: &mut Work<'_, T>, incident: IncidentId) -> Result<(), StoreError> {
    let now = work.now;
    for key in work.series_of(incident, MOVED_MAX)? {
        let Some(series) = work.series(&key)? else { continue };
        let before = series.state;
        if series.recall(now) {
            work.conclude(&key, Some(before))?;
        }
    }
    Ok(())
}

fn merge<T: Tables>(work: &mut Work<'_, T>, op: &Op, into: IncidentId) -> Result<(), StoreError> {
    let Some(merged) = work.incident(op.incident)?.cloned() else { return Ok(()) };
    let (key, from) = (merged.group_key.clone(), merged.number);
    for series in work.series_of(op.incident, MOVED_MAX)? {
        work.move_series(&series, into)?;
    }
    carry_severity(work, &merged, into)?;
    if merged.tally.firing + merged.tally.unknown > 0 {
        tell_owner(work, op, merged.number, into)?;
    }
    // Later alerts of that group speak of the incident that goes on.
    work.tables.set_alias(&key, into)?;
    let text = format!("{} merged {from} into this", op.actor);
    work.tell(into, Line::by_hub(work.now, Told::Regrouped, text));
    Ok(())
}

/// Tells who has it, unless it was they who merged: what burns came to it, and a snooze was for less.
fn tell_owner<T: Tables>(work: &mut Work<'_, T>, op: &Op, from: Number, into: IncidentId) -> Result<(), StoreError> {
    let (now, rules) = (work.now, work.rules().domain());
    let anothers = |incident: &Incident| incident.owner.as_ref().is_some_and(|owner| *owner != op.actor);
    if work.incident(into)?.is_some_and(anothers)
        && let Some(incident) = work.incident_mut(into)?
    {
        for call in incident.louder(now, rules, &format!("{} merged {from} into it", op.actor)) {
            work.call(into, call);
        }
    }
    Ok(())
}

/// Lets what a person said of how bad it is go along with the series, as far as it is worse.
fn carry_severity<T: Tables>(work: &mut Work<'_, T>, from: &Incident, to: IncidentId) -> Result<(), StoreError> {
    let (now, rules, said) = (work.now, work.rules().domain(), from.severity_set.is_some());
    if let Some(incident) = work.incident_mut(to)?.filter(|_| said) {
        let happened = incident.raise(from.severity, now, rules);
        work.happened(to, happened);
    }
    Ok(())
}

fn split<T: Tables>(work: &mut Work<'_, T>, op: &Op) -> Result<(), StoreError> {
    let keys = own_series(work, op)?;
    let Some(first) = keys.first() else { return Ok(()) };
    let Some(series) = work.series(first)? else { return Ok(()) };
    let group = Group { key: format!("split:{}", op.op_id), ..group(series) };
    let id = work.open(&group)?;
    for key in &keys {
        work.move_series(key, id)?;
    }
    if let Some(before) = work.incident(op.incident)?.cloned() {
        carry_severity(work, &before, id)?;
        let (from, shown) = (before.number, before.shown());
        let text = format!("{} split it off {from}", op.actor);
        work.tell(id, Line::by_hub(work.now, Told::Regrouped, text));
        work.settle(op.incident, shown)?;
    }
    Ok(())
}

fn store<T: Tables>(work: &mut Work<'_, T>, signed: &SignedOp, verdict: &Verdict) -> Result<(), StoreError> {
    let (op, hash, seq) = (&signed.op, signed.hash(), work.next_seq());
    work.tables.insert_op(&JudgedOp { seq, signed, hash, judged_at: work.now, verdict })?;
    work.tables.set_chain_end(op.node, &ChainEnd { nseq: op.nseq, hash })
}
