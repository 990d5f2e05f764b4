//! Operations: judged once, answered for ever the same.

use super::super::StoreError;
use super::super::hub::{Pushed, Rules, Submitted};
use super::work::Work;
use crate::domain::envelope::SignedOp;
use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, OpId, SourceName};
use crate::domain::judge::{Judgement, Refusal, Verdict, judge};
use crate::domain::label::Fingerprint;
use crate::domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(in crate::store) fn submit(
    connection: &mut Connection,
    rules: &Rules,
    ops: &[SignedOp],
    now: Timestamp,
) -> Result<Submitted, StoreError> {
    let mut work = Work::begin(connection, rules, now)?;
    let mut answers = Vec::with_capacity(ops.len());
    for op in ops {
        answers.push((op.op.op_id, one(&mut work, op)?));
    }
    let committed = work.commit()?;
    Ok(Submitted { answers, committed })
}

fn one(work: &mut Work<'_>, signed: &SignedOp) -> Result<Pushed, StoreError> {
    let op = &signed.op;
    if let Some((hash, verdict)) = stored_verdict(work, op.op_id)? {
        // The same id with other bytes is no retry: a verdict must not be taken for another act.
        return Ok(if hash == signed.hash() { Pushed::Judged(verdict) } else { Pushed::Fork });
    }
    let (nseq, hash, revoked): (i64, [u8; 32], bool) = work
        .tx
        .prepare_cached("SELECT nseq, hash, revoked_at_seq IS NOT NULL FROM device WHERE node = ?1")?
        .query_row([op.node.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if revoked {
        return Ok(Pushed::Revoked);
    }
    let expected = nseq as u64 + 1;
    if op.nseq > expected {
        return Ok(Pushed::Gap { expected });
    }
    if op.nseq < expected || op.prev_hash != hash {
        return Ok(Pushed::Fork);
    }
    let verdict = verdict(work, signed)?;
    store(work, signed, &verdict)?;
    Ok(Pushed::Judged(verdict))
}

fn stored_verdict(work: &Work<'_>, op_id: OpId) -> Result<Option<([u8; 32], Verdict)>, StoreError> {
    let found: Option<([u8; 32], String)> = work
        .tx
        .prepare_cached("SELECT hash, verdict FROM op WHERE op_id = ?1")?
        .query_row([op_id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(hash, body)| Ok((hash, serde_json::from_str(&body)?))).transpose()
}

fn verdict(work: &mut Work<'_>, signed: &SignedOp) -> Result<Verdict, StoreError> {
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

fn dismiss(work: &mut Work<'_>, incident: IncidentId) -> Result<(), StoreError> {
    let keys: Vec<(String, [u8; 16])> = work
        .tx
        .prepare_cached("SELECT source, fingerprint FROM series WHERE incident = ?1 AND state = 'firing'")?
        .query_map([incident.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (source, fingerprint) in keys {
        let Ok(source) = SourceName::parse(&source) else { continue };
        let key = SeriesKey { source, fingerprint: Fingerprint(fingerprint) };
        let now = work.now;
        if let Some(series) = work.series(&key)? {
            let before = series.state;
            series.dismiss(now);
            // The incident is resolved by now, so this marks the series and counts nothing.
            work.conclude(&key, Some(before))?;
        }
    }
    Ok(())
}

fn store(work: &mut Work<'_>, signed: &SignedOp, verdict: &Verdict) -> Result<(), StoreError> {
    let (op, hash, seq) = (&signed.op, signed.hash(), work.next_seq());
    work.tx
        .prepare_cached(
            "INSERT INTO op (seq, op_id, node, nseq, hash, bytes, incident, judged_at, verdict) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            seq as i64,
            op.op_id.as_bytes(),
            op.node.as_bytes(),
            op.nseq as i64,
            hash,
            signed.bytes,
            op.incident.as_bytes(),
            work.now.as_millis(),
            serde_json::to_string(verdict)?,
        ])?;
    work.tx.prepare_cached("UPDATE device SET nseq = ?2, hash = ?3 WHERE node = ?1")?.execute(params![
        op.node.as_bytes(),
        op.nseq as i64,
        hash
    ])?;
    Ok(())
}
