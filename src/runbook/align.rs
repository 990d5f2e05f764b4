//! Which units of two texts are the same ones: in order, of as many words as can be; never more work than about the square of a small gap.

use super::units::Unit;
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::collections::HashMap;
use std::ops::Range;

/// Gaps of up to so many pairs are compared pair by pair.
const PAIRS_MAX: usize = 100_000;
/// How often what lies between equal units is looked at anew.
const DEPTH_MAX: usize = 6;

/// Returns pairs of equal units, rising in both.
pub(super) fn equal(old: &[Unit], new: &[Unit]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    within(old, new, 0..old.len(), 0..new.len(), DEPTH_MAX, &mut pairs);
    pairs.sort_unstable();
    pairs
}

fn within(
    old: &[Unit],
    new: &[Unit],
    mut o: Range<usize>,
    mut n: Range<usize>,
    depth: usize,
    pairs: &mut Vec<(usize, usize)>,
) {
    while !o.is_empty() && !n.is_empty() && old[o.start].key == new[n.start].key {
        pairs.push((o.start, n.start));
        (o.start, n.start) = (o.start + 1, n.start + 1);
    }
    while !o.is_empty() && !n.is_empty() && old[o.end - 1].key == new[n.end - 1].key {
        (o.end, n.end) = (o.end - 1, n.end - 1);
        pairs.push((o.end, n.end));
    }
    if o.is_empty() || n.is_empty() {
        return;
    }
    let anchors = if depth > 0 { anchors(old, new, &o, &n) } else { Vec::new() };
    if anchors.is_empty() {
        return small(old, new, o, n, pairs);
    }
    for (at_old, at_new) in anchors.into_iter().chain([(o.end, n.end)]) {
        within(old, new, o.start..at_old, n.start..at_new, depth - 1, pairs);
        if at_old < o.end {
            pairs.push((at_old, at_new));
        }
        (o.start, n.start) = (at_old + 1, at_new + 1);
        if o.start > o.end || n.start > n.end {
            break;
        }
    }
}

/// Returns the heaviest rising row of units that stand once in each.
fn anchors(old: &[Unit], new: &[Unit], o: &Range<usize>, n: &Range<usize>) -> Vec<(usize, usize)> {
    let mut places: HashMap<u64, (usize, usize, usize, usize)> = HashMap::new();
    for at in o.clone() {
        let place = places.entry(old[at].key).or_default();
        (place.0, place.1) = (place.0 + 1, at);
    }
    for at in n.clone() {
        if let Some(place) = places.get_mut(&new[at].key) {
            (place.2, place.3) = (place.2 + 1, at);
        }
    }
    let mut once: Vec<(usize, usize)> =
        places.values().filter(|place| place.0 == 1 && place.2 == 1).map(|place| (place.1, place.3)).collect();
    once.sort_unstable();
    heaviest(&once, |at| new[at].bag.len().max(1), n)
}

/// The heaviest rising row, by a tree of the best so far.
fn heaviest(once: &[(usize, usize)], weight: impl Fn(usize) -> usize, n: &Range<usize>) -> Vec<(usize, usize)> {
    let mut best: Vec<(usize, usize)> = vec![(0, usize::MAX); n.len() + 1];
    let mut before: Vec<usize> = Vec::with_capacity(once.len());
    let mut last = (0, usize::MAX);
    for (index, (_, at)) in once.iter().enumerate() {
        let (mut found, mut place) = ((0, usize::MAX), at - n.start);
        while place > 0 {
            found = if best[place].0 > found.0 { best[place] } else { found };
            place &= place - 1;
        }
        before.push(found.1);
        let own = (found.0 + weight(*at), index);
        last = if own.0 > last.0 { own } else { last };
        place = at - n.start + 1;
        while place < best.len() {
            best[place] = if own.0 > best[place].0 { own } else { best[place] };
            place += place & place.wrapping_neg();
        }
    }
    let mut row = Vec::new();
    let mut at = last.1;
    while at != usize::MAX {
        row.push(once[at]);
        at = before[at];
    }
    row.reverse();
    row
}

fn small(old: &[Unit], new: &[Unit], o: Range<usize>, n: Range<usize>, pairs: &mut Vec<(usize, usize)>) {
    if o.len().saturating_mul(n.len()) > PAIRS_MAX {
        return;
    }
    let keys = |units: &[Unit]| units.iter().map(|unit| unit.key).collect::<Vec<_>>();
    for op in capture_diff_slices(Algorithm::Myers, &keys(&old[o.clone()]), &keys(&new[n.clone()])) {
        if let (DiffTag::Equal, from, to) = op.as_tag_tuple() {
            pairs.extend(from.zip(to).map(|(a, b)| (o.start + a, n.start + b)));
        }
    }
}
