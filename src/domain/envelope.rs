//! An operation as bytes: a CBOR array and an Ed25519 signature behind it.
//!
//! The received bytes are what is verified, stored and passed on; nobody encodes an operation again, so a relay cannot change it.
//!
//! ```text
//! [1, op_id, node, nseq, prev_hash, created_at_ms, actor, incident, rev, claim_no, kind, args] ‖ signature (64 bytes)
//! ```

use super::event::SeriesKey;
use super::id::{IncidentId, NodeId, OpId, SourceName, UserName};
use super::label::Fingerprint;
use super::op::{Act, Basis, Kind, NOTE_BYTES_MAX, Op, REASON_BYTES_MAX, SPLIT_SERIES_MAX};
use super::runbook::{REMARK_BYTES_MAX, Revision, RunbookName, TASK_BYTES_MAX};
use super::severity::Severity;
use super::time::Timestamp;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// Version of the array's layout.
const VERSION: u8 = 1;
/// Fields of the array.
const FIELDS: u64 = 12;
/// Longest envelope in bytes, signature included.
pub const ENVELOPE_BYTES_MAX: usize = 16 * 1024;

/// An operation with the bytes that carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOp {
    /// What the bytes say.
    pub op: Op,
    /// The bytes as they came, signature included.
    pub bytes: Vec<u8>,
}

/// Why bytes are no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Longer than an operation can be.
    #[error("the operation is {0} bytes long, at most {ENVELOPE_BYTES_MAX} are taken")]
    TooLong(usize),
    /// Not the array it must be.
    #[error("the operation cannot be read: {0}")]
    Unreadable(String),
    /// Written in a layout of the future.
    #[error("the operation has version {0}, this program reads {VERSION}: upgrade it")]
    Version(u8),
    /// Signed by another key, or changed on the way.
    #[error("the signature does not belong to the operation")]
    Forged,
}

impl From<minicbor::decode::Error> for EnvelopeError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl SignedOp {
    /// Returns the operation signed with the device's key.
    pub fn sign(op: Op, key: &SigningKey) -> Self {
        let mut bytes = encode(&op);
        let signature = key.sign(&bytes);
        bytes.extend_from_slice(&signature.to_bytes());
        Self { op, bytes }
    }

    /// Returns the operation that the bytes say, before anybody knows whose key it must be.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are no operation of this version.
    pub fn read(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLong(bytes.len()));
        }
        let body_len = bytes.len().checked_sub(Signature::BYTE_SIZE).ok_or(EnvelopeError::Forged)?;
        let op = decode(&bytes[..body_len])?;
        Ok(Self { op, bytes })
    }

    /// Checks that this key signed it.
    ///
    /// # Errors
    /// [`EnvelopeError::Forged`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), EnvelopeError> {
        let (body, signature) = self.bytes.split_at(self.bytes.len() - Signature::BYTE_SIZE);
        let signature = Signature::from_slice(signature).map_err(|_| EnvelopeError::Forged)?;
        key.verify_strict(body, &signature).map_err(|_| EnvelopeError::Forged)
    }

    /// Returns the hash that the next operation of the chain names.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.bytes).as_bytes()
    }
}

fn encode(op: &Op) -> Vec<u8> {
    let mut out = Encoder::new(Vec::with_capacity(192));
    write(&mut out, op).expect("writing to memory cannot fail");
    out.into_writer()
}

type WriteError = minicbor::encode::Error<std::convert::Infallible>;

fn write(out: &mut Encoder<Vec<u8>>, op: &Op) -> Result<(), WriteError> {
    out.array(FIELDS)?.u8(VERSION)?;
    out.bytes(op.op_id.as_bytes())?.bytes(op.node.as_bytes())?.u64(op.nseq)?.bytes(&op.prev_hash)?;
    out.i64(op.created_at.as_millis())?.str(op.actor.as_str())?.bytes(op.incident.as_bytes())?;
    out.u64(op.basis.rev)?.u64(op.basis.claim_no)?.str(op.act.kind())?;
    write_args(out, &op.act)
}

fn write_args(out: &mut Encoder<Vec<u8>>, act: &Act) -> Result<(), WriteError> {
    match act {
        Act::Ack | Act::Unack | Act::TakeOver | Act::Seen | Act::Reopen => out.array(0)?,
        Act::Snooze { until, until_change } => out.array(2)?.i64(until.as_millis())?.bool(*until_change)?,
        Act::Wait { reason, ticket, until } => out.array(3)?.str(reason)?.str(ticket)?.i64(until.as_millis())?,
        Act::Escalate { to: Some(to), level_seen } => out.array(2)?.u32(*level_seen)?.str(to.as_str())?,
        Act::Escalate { to: None, level_seen } => out.array(1)?.u32(*level_seen)?,
        Act::Offer { to, expires_at } => out.array(2)?.str(to.as_str())?.i64(expires_at.as_millis())?,
        Act::Accept { offer } | Act::Decline { offer } => out.array(1)?.bytes(offer.as_bytes())?,
        Act::Assign { to } => out.array(1)?.str(to.as_str())?,
        Act::SetSeverity { to } => out.array(1)?.u8(to.number())?,
        Act::Note { text } => out.array(1)?.str(text)?,
        Act::Resolve { force } => out.array(1)?.bool(*force)?,
        Act::Merge { into } => out.array(1)?.bytes(into.as_bytes())?,
        Act::Split { series } => {
            out.array(series.len() as u64)?;
            for key in series {
                out.array(2)?.str(key.source.as_str())?.bytes(&key.fingerprint.0)?;
            }
            out
        }
        Act::Read { runbook, revision } => out.array(2)?.str(runbook.as_str())?.bytes(&revision.0)?,
        Act::Tick { runbook, task, text, done } => {
            out.array(4)?.str(runbook.as_str())?.str(task)?.str(text)?.bool(*done)?
        }
        Act::Remark { runbook, revision, line, text } => {
            out.array(4)?.str(runbook.as_str())?.bytes(&revision.0)?.u32(*line)?.str(text)?
        }
        Act::Undo { op, kind } => out.array(2)?.bytes(op.as_bytes())?.str(kind.word())?,
        Act::Unknown { args, .. } => {
            out.writer_mut().extend_from_slice(args);
            out
        }
    };
    Ok(())
}

fn decode(body: &[u8]) -> Result<Op, EnvelopeError> {
    let mut input = Decoder::new(body);
    let fields = input.array()?;
    let version = input.u8()?;
    if version != VERSION {
        return Err(EnvelopeError::Version(version));
    }
    if fields != Some(FIELDS) {
        return Err(EnvelopeError::Unreadable(format!("it must have {FIELDS} fields")));
    }
    let op = Op {
        op_id: OpId::from_bytes(fixed(input.bytes()?)?),
        node: NodeId::from_bytes(fixed(input.bytes()?)?),
        nseq: input.u64()?,
        prev_hash: fixed(input.bytes()?)?,
        created_at: Timestamp::from_millis(input.i64()?),
        actor: UserName::parse(input.str()?).map_err(|error| EnvelopeError::Unreadable(error.to_string()))?,
        incident: IncidentId::from_bytes(fixed(input.bytes()?)?),
        basis: Basis { rev: input.u64()?, claim_no: input.u64()? },
        act: act(&mut input)?,
    };
    if input.position() != body.len() {
        return Err(EnvelopeError::Unreadable("bytes behind its end".into()));
    }
    Ok(op)
}

/// Reads the kind and its arguments. A kind of the future, or a known one that undoes such, is kept as it came.
fn act(input: &mut Decoder<'_>) -> Result<Act, EnvelopeError> {
    let word = input.str()?;
    let start = input.position();
    let known = match Kind::of_word(word) {
        Some(kind) => known_act(kind, input)?,
        None => None,
    };
    if let Some(act) = known {
        return Ok(act);
    }
    input.set_position(start);
    if !matches!(input.datatype()?, Type::Array) || word.len() > 64 {
        return Err(EnvelopeError::Unreadable("arguments must be an array".into()));
    }
    input.skip()?;
    Ok(Act::Unknown { kind: word.to_owned(), args: input.input()[start..input.position()].to_vec() })
}

fn known_act(kind: Kind, input: &mut Decoder<'_>) -> Result<Option<Act>, EnvelopeError> {
    let count = input.array()?.ok_or_else(|| EnvelopeError::Unreadable("arguments without a count".into()))?;
    let wanted = match kind {
        Kind::Ack | Kind::Unack | Kind::TakeOver | Kind::Seen | Kind::Reopen => 0..=0,
        Kind::Accept | Kind::Decline | Kind::Assign | Kind::SetSeverity => 1..=1,
        Kind::Note | Kind::Resolve | Kind::Merge => 1..=1,
        Kind::Escalate => 1..=2,
        Kind::Snooze | Kind::Offer | Kind::Read | Kind::Undo => 2..=2,
        Kind::Tick | Kind::Remark => 4..=4,
        Kind::Wait => 3..=3,
        Kind::Split => 1..=SPLIT_SERIES_MAX as u64,
    };
    if !wanted.contains(&count) {
        return Err(EnvelopeError::Unreadable(format!("{} does not take {count} arguments", kind.word())));
    }
    Ok(Some(match kind {
        Kind::Ack => Act::Ack,
        Kind::Unack => Act::Unack,
        Kind::TakeOver => Act::TakeOver,
        Kind::Seen => Act::Seen,
        Kind::Reopen => Act::Reopen,
        Kind::Snooze => Act::Snooze { until: time(input)?, until_change: input.bool()? },
        Kind::Wait => Act::Wait {
            reason: text(input.str()?, "reason", REASON_BYTES_MAX)?,
            ticket: text(input.str()?, "ticket", REASON_BYTES_MAX)?,
            until: time(input)?,
        },
        Kind::Escalate => {
            let level_seen = input.u32()?;
            Act::Escalate { to: if count == 2 { Some(user(input)?) } else { None }, level_seen }
        }
        Kind::Offer => Act::Offer { to: user(input)?, expires_at: time(input)? },
        Kind::Accept => Act::Accept { offer: OpId::from_bytes(fixed(input.bytes()?)?) },
        Kind::Decline => Act::Decline { offer: OpId::from_bytes(fixed(input.bytes()?)?) },
        Kind::Assign => Act::Assign { to: user(input)? },
        Kind::SetSeverity => Act::SetSeverity {
            to: Severity::new(input.u8()?).map_err(|error| EnvelopeError::Unreadable(error.to_string()))?,
        },
        Kind::Note => Act::Note { text: text(input.str()?, "note", NOTE_BYTES_MAX)? },
        Kind::Resolve => Act::Resolve { force: input.bool()? },
        Kind::Merge => Act::Merge { into: IncidentId::from_bytes(fixed(input.bytes()?)?) },
        Kind::Split => Act::Split { series: (0..count).map(|_| series(input)).collect::<Result<_, _>>()? },
        Kind::Read => Act::Read { runbook: runbook(input)?, revision: Revision(fixed(input.bytes()?)?) },
        Kind::Tick => Act::Tick {
            runbook: runbook(input)?,
            task: text(input.str()?, "task", TASK_BYTES_MAX)?,
            text: text(input.str()?, "task", TASK_BYTES_MAX)?,
            done: input.bool()?,
        },
        Kind::Remark => Act::Remark {
            runbook: runbook(input)?,
            revision: Revision(fixed(input.bytes()?)?),
            line: input.u32()?,
            text: text(input.str()?, "remark", REMARK_BYTES_MAX)?,
        },
        Kind::Undo => {
            let op = OpId::from_bytes(fixed(input.bytes()?)?);
            match Kind::of_word(input.str()?) {
                Some(kind) => Act::Undo { op, kind },
                None => return Ok(None),
            }
        }
    }))
}

fn time(input: &mut Decoder<'_>) -> Result<Timestamp, EnvelopeError> {
    Ok(Timestamp::from_millis(input.i64()?))
}

fn user(input: &mut Decoder<'_>) -> Result<UserName, EnvelopeError> {
    UserName::parse(input.str()?).map_err(|error| EnvelopeError::Unreadable(error.to_string()))
}

fn runbook(input: &mut Decoder<'_>) -> Result<RunbookName, EnvelopeError> {
    RunbookName::parse(input.str()?).map_err(|error| EnvelopeError::Unreadable(error.to_string()))
}

fn series(input: &mut Decoder<'_>) -> Result<SeriesKey, EnvelopeError> {
    if input.array()? != Some(2) {
        return Err(EnvelopeError::Unreadable("a series is its source and its fingerprint".into()));
    }
    let source = SourceName::parse(input.str()?).map_err(|error| EnvelopeError::Unreadable(error.to_string()))?;
    Ok(SeriesKey { source, fingerprint: Fingerprint(fixed(input.bytes()?)?) })
}

fn text(text: &str, what: &str, max: usize) -> Result<String, EnvelopeError> {
    if text.len() > max {
        return Err(EnvelopeError::Unreadable(format!(
            "the {what} is {} bytes long, at most {max} are taken",
            text.len()
        )));
    }
    Ok(text.to_owned())
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], EnvelopeError> {
    bytes.try_into().map_err(|_| EnvelopeError::Unreadable(format!("a field must be {N} bytes long")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn op(act: Act) -> Op {
        Op {
            op_id: OpId::from_bytes([1; 16]),
            node: NodeId::from_bytes([2; 16]),
            nseq: 7,
            prev_hash: [3; 32],
            created_at: Timestamp::from_millis(1_700_000_000_123),
            actor: UserName::parse("mira").unwrap(),
            incident: IncidentId::from_bytes([4; 16]),
            basis: Basis { rev: 5, claim_no: 6 },
            act,
        }
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    #[test]
    fn every_kind_reads_back_as_it_was_written() {
        let unknown = Act::Unknown { kind: "teleport".into(), args: vec![0x82, 0x01, 0x02] };
        let acts = crate::domain::op::every_act().into_iter().chain([unknown]);
        for act in acts {
            let signed = SignedOp::sign(op(act), &key());
            let read = SignedOp::read(signed.bytes.clone()).unwrap();
            assert_eq!(read, signed);
            assert_eq!(read.verify(&key().verifying_key()), Ok(()));
        }
    }

    #[test]
    fn another_key_or_a_changed_bit_is_a_forgery() {
        let signed = SignedOp::sign(op(Act::Ack), &key());
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
        assert_eq!(signed.verify(&other), Err(EnvelopeError::Forged));
        for index in 0..signed.bytes.len() {
            let mut bytes = signed.bytes.clone();
            bytes[index] ^= 1;
            assert!(SignedOp::read(bytes).and_then(|op| op.verify(&key().verifying_key())).is_err(), "byte {index}");
        }
    }

    #[test]
    fn the_layout_of_version_one_never_changes() {
        let bytes = SignedOp::sign(op(Act::Note { text: "x".into() }), &key()).bytes;
        let body = super::super::id::hex(&bytes[..bytes.len() - 64]);
        insta::assert_snapshot!(body);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = SignedOp::read(bytes);
        }
    }
}
