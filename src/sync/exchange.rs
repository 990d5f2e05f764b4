//! The exchange with a hub without the network: plans that a table can test, and steps on the mirror that a simulation can take.

use super::wire::{OpResult, PUSH_BYTES_MAX, PUSH_OPS_MAX, PushAnswer};
use crate::domain::envelope::SignedOp;
use crate::store::StoreError;
use crate::store::mirror::Mirror;

/// Returns as many of the operations, from the first on, as one push takes: by count they were chosen, by bytes they are cut here.
pub fn one_push(mut ops: Vec<SignedOp>) -> Vec<SignedOp> {
    let mut bytes = 0;
    let fit = ops
        .iter()
        .take_while(|op| {
            bytes += op.bytes.len();
            bytes <= PUSH_BYTES_MAX
        })
        .count();
    // One operation always fits: it is shorter than a push.
    ops.truncate(fit.max(1));
    ops
}

/// How far pushing has come: which operations are sent next.
#[derive(Debug, Default)]
pub struct Pushing {
    from: Option<u64>,
}

impl Pushing {
    /// Returns the number of the chain from which on to send; `None` sends what waits.
    pub fn from(&self) -> Option<u64> {
        self.from
    }

    /// Takes the hub's answer; returns whether to send on. If not, a person must look, and nothing is lost.
    pub fn goes_on(&mut self, answer: &PushAnswer) -> bool {
        match after_push(answer) {
            Next::More => self.from = None,
            Next::From(nseq) if self.from != Some(nseq) => self.from = Some(nseq),
            // The hub wants what this console does not have, or refuses.
            Next::From(_) | Next::Stuck => return false,
        }
        true
    }
}

/// Returns the operations of one push: what waits, or all from a number of the chain on.
///
/// # Errors
/// [`StoreError`].
pub fn outgoing(mirror: &mut Mirror, from: Option<u64>) -> Result<Vec<SignedOp>, StoreError> {
    let ops = match from {
        Some(nseq) => mirror.ops_from(nseq, PUSH_OPS_MAX)?,
        None => mirror.waiting(PUSH_OPS_MAX)?,
    };
    Ok(one_push(ops))
}

/// Keeps the verdicts that a push brought.
///
/// # Errors
/// [`StoreError`]; none was kept then.
pub fn keep(mirror: &mut Mirror, answer: PushAnswer) -> Result<(), StoreError> {
    let judged = answer.answers.into_iter().filter_map(|one| match one.result {
        OpResult::Judged(verdict) => Some((one.op_id, verdict)),
        OpResult::Gap(_) | OpResult::Fork | OpResult::Invalid(_) => None,
    });
    mirror.settle(judged.collect(), answer.head)
}

/// What to do after a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Everything was judged; more may wait.
    More,
    /// The hub lacks operations from this number on: a restored one does.
    From(u64),
    /// Something cannot be delivered as it is.
    Stuck,
}

/// Returns why the hub cannot take an operation of this push, for people, if there is one that it cannot.
pub fn stuck(answer: &PushAnswer) -> Option<String> {
    answer.answers.iter().find_map(|one| match &one.result {
        OpResult::Judged(_) | OpResult::Gap(_) => None,
        OpResult::Fork => Some("this console's database was copied or restored".to_owned()),
        OpResult::Invalid(reason) => Some(reason.clone()),
    })
}

/// Returns what to do after this answer.
pub fn after_push(answer: &PushAnswer) -> Next {
    for one in &answer.answers {
        match one.result {
            OpResult::Judged(_) => {}
            OpResult::Gap(expected) => return Next::From(expected),
            OpResult::Fork | OpResult::Invalid(_) => return Next::Stuck,
        }
    }
    Next::More
}

#[cfg(test)]
mod tests {
    use super::super::wire::OpAnswer;
    use super::*;
    use crate::domain::id::OpId;
    use crate::domain::judge::Verdict;

    fn check(results: Vec<OpResult>, expect: Next) {
        let answers = results.into_iter().map(|result| OpAnswer { op_id: OpId::from_bytes([1; 16]), result }).collect();
        assert_eq!(after_push(&PushAnswer { head: 1, answers }), expect);
    }

    #[test]
    fn a_gap_names_where_to_go_on_and_a_fork_stops() {
        check(vec![], Next::More);
        check(vec![OpResult::Judged(Verdict::Applied)], Next::More);
        check(vec![OpResult::Judged(Verdict::Applied), OpResult::Gap(3), OpResult::Gap(3)], Next::From(3));
        check(vec![OpResult::Fork], Next::Stuck);
        check(vec![OpResult::Invalid("x".into())], Next::Stuck);
    }
}
