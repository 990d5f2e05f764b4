//! Which words of a unit are new, and which are gone.

use super::line::Mark;
use super::units::Word;
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::ops::Range;

/// Most pairs of words that are compared; beyond, all is told as gone and new.
const PAIRS_MAX: usize = 4_000_000;
/// So few words between two changes are told with them: scattered ones that happen to be equal make nothing easier to read.
const ISLAND_MAX: usize = 2;

struct Step {
    same: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// Returns the words of both texts in order, each with whether it is in both.
pub(super) fn compared(old: &[Word], new: &[Word]) -> Vec<(Word, Mark)> {
    let mut out = Vec::with_capacity(old.len() + new.len());
    for step in joined(steps(old, new), new) {
        if step.same {
            out.extend(new[step.new].iter().map(|word| (word.clone(), Mark::Same)));
        } else {
            out.extend(old[step.old].iter().map(|word| (word.clone(), Mark::Removed)));
            out.extend(new[step.new].iter().map(|word| (word.clone(), Mark::Added)));
        }
    }
    out
}

fn steps(old: &[Word], new: &[Word]) -> Vec<Step> {
    if old.len().saturating_mul(new.len()) > PAIRS_MAX {
        return vec![Step { same: false, old: 0..old.len(), new: 0..new.len() }];
    }
    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }
    let ops = capture_diff_slices(Algorithm::Myers, &texts(old), &texts(new));
    // What only one text has does not always say rightly where it stands in the other: the lengths do.
    let (mut old, mut new) = (0, 0);
    let step = |op: similar::DiffOp| {
        let (tag, gone, come) = op.as_tag_tuple();
        let (from_old, from_new) = (old, new);
        (old, new) = (old + gone.len(), new + come.len());
        Step { same: tag == DiffTag::Equal, old: from_old..old, new: from_new..new }
    };
    ops.into_iter().map(step).collect()
}

/// Joins changes with only an island between them.
fn joined(steps: Vec<Step>, new: &[Word]) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    let count = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        let letters = new[step.new.clone()].iter().filter(|word| word.text.starts_with(char::is_alphanumeric)).count();
        let island = step.same && index > 0 && index + 1 < count && letters < ISLAND_MAX;
        match out.last_mut() {
            Some(last) if !last.same && (island || !step.same) => {
                last.old.end = step.old.end;
                last.new.end = step.new.end;
            }
            _ => out.push(step),
        }
    }
    out
}
