//! What a person did about it: one immutable act.

use super::id::{IncidentId, NodeId, OpId, UserName};
use super::time::Timestamp;

/// Longest note in bytes; an operation as a whole stays under 16 KiB.
pub const NOTE_BYTES_MAX: usize = 8 * 1024;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// "I have seen it and I am on it."
    Ack,
    /// Gives an ack back.
    Unack,
    /// Words for everybody.
    Note {
        /// At most [`NOTE_BYTES_MAX`] bytes.
        text: String,
    },
    /// Ends the incident.
    Resolve {
        /// Also while series fire: their present start is dismissed.
        force: bool,
    },
    /// A kind that this version does not know: kept and passed on, never judged.
    Unknown {
        /// Its name.
        kind: String,
        /// Its arguments, CBOR as they came.
        args: Vec<u8>,
    },
}

impl Act {
    /// Returns the name of the kind on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Ack => "ack",
            Self::Unack => "unack",
            Self::Note { .. } => "note",
            Self::Resolve { .. } => "resolve",
            Self::Unknown { kind, .. } => kind,
        }
    }
}

/// What the person saw when the key was pressed; what quieting is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// [`super::incident::Incident::rev`].
    pub rev: u64,
    /// [`super::incident::Incident::claim_no`].
    pub claim_no: u64,
}

/// One act of one person on one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Makes it happen once, however often it arrives.
    pub op_id: OpId,
    /// The database it was written in.
    pub node: NodeId,
    /// Its place in that database's chain: 1, 2, 3 …
    pub nseq: u64,
    /// Hash of the operation before it in the chain; zeroes for the first.
    pub prev_hash: [u8; 32],
    /// When the key was pressed, by the console's clock: for display, never for a decision.
    pub created_at: Timestamp,
    /// Who did it.
    pub actor: UserName,
    /// About what.
    pub incident: IncidentId,
    /// What the person saw.
    pub basis: Basis,
    /// What was done.
    pub act: Act,
}
