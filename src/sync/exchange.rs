//! What is pushed to the hub, and what follows from its answers: no network, so that tests and a simulation can run it.

use super::wire::{OpResult, PUSH_BYTES_MAX, PUSH_OPS_MAX, PushAnswer};
use crate::domain::envelope::SignedOp;
use crate::domain::id::NodeId;
use crate::store::StoreError;
use crate::store::mirror::Mirror;
use std::collections::{BTreeMap, BTreeSet};

/// One round of pushing everything that waits here, own operations first, then those of others: each chain goes on for itself, and one
/// that the hub cannot take holds up no other.
#[derive(Debug, Default)]
pub struct Round {
    /// Chains of which the hub lacks operations, from which number on.
    from: BTreeMap<NodeId, u64>,
    /// Chains that get no further in this round.
    stuck: BTreeSet<NodeId>,
}

/// What an answer means beside the verdicts in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The hub has another operation at a place of the own chain: this database has a twin.
    pub fork: bool,
    /// Why the hub does not take an own operation, for people.
    pub refused: Option<String>,
}

impl Round {
    /// Returns what to push next; nothing when the round is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next(&self, mirror: &mut Mirror) -> Result<Vec<SignedOp>, StoreError> {
        let mut push = Push { ops: Vec::new(), bytes: 0 };
        let own = mirror.refresh_node()?;
        if !self.stuck.contains(&own) {
            let ops = match self.from.get(&own) {
                Some(from) => mirror.ops_from(*from, PUSH_OPS_MAX)?,
                None => mirror.waiting(PUSH_OPS_MAX)?,
            };
            if !push.add(ops) {
                return Ok(push.ops);
            }
        }
        for node in mirror.nodes_waiting()? {
            if self.stuck.contains(&node) {
                continue;
            }
            let ops = match self.from.get(&node) {
                Some(from) => mirror.held_from(node, *from, PUSH_OPS_MAX)?,
                None => mirror.waiting_of(node, 1, PUSH_OPS_MAX)?,
            };
            if !push.add(ops) {
                break;
            }
        }
        Ok(push.ops)
    }

    /// Keeps the verdicts of an answer to what was sent, and notes which chains go on where.
    ///
    /// # Errors
    /// [`StoreError`]; the answer may be taken again.
    pub fn after(&mut self, mirror: &mut Mirror, sent: &[SignedOp], answer: PushAnswer) -> Result<Outcome, StoreError> {
        let own = mirror.refresh_node()?;
        let mut outcome = Outcome::default();
        let mut judged = Vec::new();
        let mut ended: BTreeSet<NodeId> = BTreeSet::new();
        let results = answer.answers.into_iter().map(|one| Some(one.result)).chain(std::iter::repeat_with(|| None));
        for (signed, result) in sent.iter().zip(results) {
            let (node, nseq) = (signed.op.node, signed.op.nseq);
            let verdict = match result {
                Some(OpResult::Judged(verdict)) => {
                    judged.push((signed.op.op_id, verdict));
                    continue;
                }
                // What follows in a chain behind an operation that was not taken says nothing new.
                _ if !ended.insert(node) => continue,
                other => other,
            };
            match verdict {
                Some(OpResult::Gap(expected)) if self.from.insert(node, expected) != Some(expected) => continue,
                Some(OpResult::Fork) if node == own => outcome.fork = true,
                Some(OpResult::Fork) => mirror.stop_node(node, nseq)?,
                Some(OpResult::Invalid(reason)) if node == own => outcome.refused = Some(reason),
                Some(OpResult::Invalid(reason)) => {
                    tracing::warn!(%node, nseq, reason, "the hub does not take what a peer told")
                }
                Some(OpResult::Gap(expected)) if node == own => {
                    outcome.refused =
                        Some(format!("it lacks this console's operation {expected}, which is not here either"));
                }
                // The hub lacks what nobody here has, or did not answer: the chain's author, or the next round, will do.
                Some(OpResult::Gap(_) | OpResult::Judged(_)) | None => {}
            }
            self.stuck.insert(node);
        }
        for node in sent.iter().map(|signed| signed.op.node).filter(|node| !ended.contains(node)) {
            self.from.remove(&node);
        }
        mirror.settle(judged, answer.head)?;
        Ok(outcome)
    }
}

struct Push {
    ops: Vec<SignedOp>,
    bytes: usize,
}

impl Push {
    /// Takes a run of operations from its beginning on; returns whether all of it fitted.
    fn add(&mut self, ops: Vec<SignedOp>) -> bool {
        for op in ops {
            if self.ops.len() == PUSH_OPS_MAX || self.bytes + op.bytes.len() > PUSH_BYTES_MAX {
                return false;
            }
            self.bytes += op.bytes.len();
            self.ops.push(op);
        }
        true
    }
}
