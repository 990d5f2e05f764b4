//! What was done on this screen since it was opened, and what became of it: for history, undo by name, and redo.

use super::state::Submission;
use crate::domain::id::{IncidentId, OpId};
use crate::domain::op::Act;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::picture::{Answer, Row, Waiting};
use std::collections::{HashSet, VecDeque};

/// Most acts that are remembered.
const DONE_MAX: usize = 500;
/// How far the mirror's clock reading may lie before the key's: both are of this machine.
const SLACK: std::time::Duration = std::time::Duration::from_secs(5);

/// One act of this screen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Done {
    pub(crate) submission: Submission,
    pub(crate) service: String,
    /// When its key was pressed.
    pub(crate) at: Timestamp,
    /// Which operation it became, once that is known.
    pub(crate) op: Option<OpId>,
    /// What the hub said, and whether that is what was asked for.
    pub(crate) outcome: Option<(SafeText, bool)>,
}

/// What was done, and what of it was taken back.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Past {
    /// The oldest first.
    done: VecDeque<Done>,
    /// What was taken back and not done again, the latest last.
    undone: Vec<OpId>,
}

impl Past {
    /// Returns what was done, the newest first.
    pub(crate) fn deeds(&self) -> impl Iterator<Item = &Done> {
        self.done.iter().rev()
    }

    /// Returns whether that operation was taken back and not done again.
    pub(crate) fn is_undone(&self, op: OpId) -> bool {
        self.undone.contains(&op)
    }

    /// Returns what was taken back last.
    pub(crate) fn to_redo(&self) -> Option<&Done> {
        let op = self.undone.last()?;
        self.done.iter().find(|done| done.op == Some(*op))
    }

    /// Remembers an act that was handed to the mirror.
    pub(crate) fn record(&mut self, submission: Submission, service: String, at: Timestamp) {
        match &submission.act {
            Act::Undo { op, .. } => self.undone.push(*op),
            Act::Note { .. } => {}
            // Whatever was done since stands in the way of doing an earlier act again.
            _ => {
                let of = |op: &OpId| self.done.iter().find(|done| done.op == Some(*op));
                let gone: HashSet<OpId> = self
                    .undone
                    .iter()
                    .copied()
                    .filter(|op| of(op).is_none_or(|done| done.submission.incident == submission.incident))
                    .collect();
                self.undone.retain(|op| !gone.contains(op));
            }
        }
        if self.done.len() >= DONE_MAX {
            self.done.pop_front();
        }
        self.done.push_back(Done { submission, service, at, op: None, outcome: None });
    }

    /// Forgets the latest act: the mirror did not take it.
    pub(crate) fn forget_latest(&mut self) {
        if let Some(Done { submission: Submission { act: Act::Undo { .. }, .. }, .. }) = self.done.pop_back() {
            self.undone.pop();
        }
    }

    /// Learns from the rows which operations the acts became.
    pub(crate) fn learn<'a>(&mut self, row_of: impl Fn(IncidentId) -> Option<&'a Row>) {
        let mut known: HashSet<OpId> = self.done.iter().filter_map(|done| done.op).collect();
        for done in self.done.iter_mut().filter(|done| done.op.is_none()) {
            let Some(row) = row_of(done.submission.incident) else { continue };
            let is_it = |waiting: &&Waiting| {
                waiting.act == done.submission.act
                    && done.at <= waiting.created_at.plus(SLACK)
                    && !known.contains(&waiting.op_id)
            };
            if let Some(waiting) = row.waiting.iter().find(is_it) {
                done.op = Some(waiting.op_id);
                known.insert(waiting.op_id);
            }
        }
    }

    /// Learns what the hub said.
    pub(crate) fn hear(&mut self, answer: &Answer) {
        let of_op = |done: &&mut Done| done.op == Some(answer.op_id);
        let alike = |done: &&mut Done| {
            done.op.is_none() && done.submission.incident == answer.incident && done.submission.act == answer.act
        };
        let found = match self.done.iter_mut().find(of_op) {
            Some(done) => Some(done),
            None => self.done.iter_mut().find(alike),
        };
        let Some(done) = found else { return };
        let welcome = answer.verdict.is_welcome();
        (done.op, done.outcome) =
            (Some(answer.op_id), Some((SafeText::line(&answer.verdict.sentence(), 200), welcome)));
        if let (Act::Undo { op, .. }, false) = (&answer.act, welcome) {
            // It was not taken back.
            self.undone.retain(|undone| undone != op);
        }
    }
}
