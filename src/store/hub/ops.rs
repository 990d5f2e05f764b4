//! Operations: judged once, answered for ever the same.

use super::super::StoreError;
use super::tables::{ChainEnd, JudgedOp, StoredOp, Tables};
use super::work::Work;
use super::{Pushed, Rules, Submitted};
use crate::domain::envelope::SignedOp;
use crate::domain::id::IncidentId;
use crate::domain::judge::{Judgement, Refusal, Verdict, judge};
use crate::domain::time::Timestamp;

pub(in crate::store) fn submit<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    ops: &[SignedOp],
    now: Timestamp,
) -> Result<Submitted, StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    let mut answers = Vec::with_capacity(ops.len());
    for op in ops {
        answers.push((op.op.op_id, one(&mut work, op)?));
    }
    let committed = work.write()?;
    Ok(Submitted { answers, committed })
}

fn one<T: Tables>(work: &mut Work<'_, T>, signed: &SignedOp) -> Result<Pushed, StoreError> {
    let op = &signed.op;
    if let Some(StoredOp { hash, verdict }) = work.tables.op(op.op_id)? {
        // The same id with other bytes is no retry: a verdict must not be taken for another act.
        return Ok(if hash == signed.hash() { Pushed::Judged(verdict) } else { Pushed::Fork });
    }
    let end =
        work.tables.chain_end(op.node)?.ok_or_else(|| StoreError::broken("an operation is of a known console"))?;
    let expected = end.nseq + 1;
    if op.nseq > expected {
        return Ok(Pushed::Gap { expected });
    }
    if op.nseq < expected || op.prev_hash != end.hash {
        return Ok(Pushed::Fork);
    }
    let verdict = verdict(work, signed)?;
    store(work, signed, &verdict)?;
    Ok(Pushed::Judged(verdict))
}

fn verdict<T: Tables>(work: &mut Work<'_, T>, signed: &SignedOp) -> Result<Verdict, StoreError> {
    let (op, now, timing) = (&signed.op, work.now, work.rules().timing);
    let Some(incident) = work.incident(op.incident)? else {
        return Ok(Verdict::Refused { because: Refusal::NoSuchIncident });
    };
    let (resolved, key) = (incident.open_key.is_none(), incident.group_key.clone());
    let successor = if resolved { work.open_incident(&key)? } else { None };
    let Some(incident) = work.incident_mut(op.incident)? else {
        return Ok(Verdict::Refused { because: Refusal::NoSuchIncident });
    };
    let Judgement { verdict, line, dismiss_firing } = judge(incident, op, successor, now, &timing);
    if let Some(line) = line {
        work.tell(op.incident, line);
    }
    if dismiss_firing {
        dismiss(work, op.incident)?;
    }
    Ok(verdict)
}

fn dismiss<T: Tables>(work: &mut Work<'_, T>, incident: IncidentId) -> Result<(), StoreError> {
    let now = work.now;
    for key in work.tables.firing_of(incident)? {
        if let Some(series) = work.series(&key)? {
            let before = series.state;
            series.dismiss(now);
            // The incident is resolved by now, so this marks the series and counts nothing.
            work.conclude(&key, Some(before))?;
        }
    }
    Ok(())
}

fn store<T: Tables>(work: &mut Work<'_, T>, signed: &SignedOp, verdict: &Verdict) -> Result<(), StoreError> {
    let (op, hash, seq) = (&signed.op, signed.hash(), work.next_seq());
    work.tables.insert_op(&JudgedOp { seq, signed, hash, judged_at: work.now, verdict })?;
    work.tables.set_chain_end(op.node, &ChainEnd { nseq: op.nseq, hash })
}
