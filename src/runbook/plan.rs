//! What became of each unit: the same, moved, changed, gone or new.

use super::align;
use super::units::{Class, Unit, common, likeness};
use std::collections::HashMap;
use std::ops::Range;

/// Units less alike than this are not the same one, changed.
const LIKE: f64 = 0.4;
/// What is moved has at least so many words; less would be found by chance.
const MOVED_WORDS_MIN: usize = 6;
/// Of a moved section so much is the same.
const MOVED_LIKE: f64 = 0.5;
/// Gaps of up to so many pairs are searched for units that are alike.
const PAIRS_MAX: usize = 4_000;
/// In so many places it is looked for what stands elsewhere now.
const LOOKS_MAX: usize = 8;
/// So much of a unit's words must be what another lost or won, for it to be a part of that.
const PART: f64 = 0.7;

/// What a unit of the newer text is.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Fate {
    /// As this one of the older text.
    Same(usize),
    /// Made of these, with other words.
    Changed(Vec<usize>),
    /// Told with the unit before it, which was one with it.
    Joined,
    #[default]
    Added,
}

/// What became of all units.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// For each unit of the newer text.
    pub(super) new: Vec<Fate>,
    /// Which units of the newer text came from elsewhere, each range as one, with where it began in the older.
    pub(super) moved: Vec<(Range<usize>, usize)>,
    /// For each unit of the older text whether it is in the newer one, changed or not.
    pub(super) kept: Vec<bool>,
    /// Before which unit of the newer text stands what is gone of the older.
    pub(super) places: Vec<usize>,
    /// For each unit of the older text which of the moved ranges it was in.
    pub(super) homes: Vec<Option<usize>>,
}

impl Plan {
    pub(super) fn of(old: &[Unit], new: &[Unit]) -> Self {
        let pairs = align::equal(old, new);
        let mut plan = Self {
            new: vec![Fate::Added; new.len()],
            moved: Vec::new(),
            kept: vec![false; old.len()],
            homes: Vec::new(),
            places: vec![new.len(); old.len()],
        };
        let mut sections = Vec::new();
        pairs.iter().for_each(|(o, n)| plan.same(*o, *n));
        plan.move_sections(old, new, &mut sections);
        plan.move_units(old, new);
        let (mut o, mut n) = (0, 0);
        for (at_old, at_new) in pairs.into_iter().chain([(old.len(), new.len())]) {
            plan.change(old, new, o..at_old, n..at_new);
            (o, n) = (at_old + 1, at_new + 1);
        }
        plan.place(&sections);
        plan
    }

    /// What is gone stands behind what it followed: old before new.
    fn place(&mut self, sections: &[(Range<usize>, Range<usize>)]) {
        let mut home: Vec<Option<usize>> = vec![None; self.places.len()];
        for (index, (o, _)) in sections.iter().enumerate() {
            home[o.clone()].fill(Some(index));
        }
        let mut elsewhere = vec![false; self.new.len()];
        self.moved.iter().for_each(|(n, _)| elsewhere[n.clone()].fill(true));
        let mut now = vec![None; self.places.len()];
        let mut end = self.new.len();
        for at in (0..self.new.len()).rev() {
            let from = match &self.new[at] {
                Fate::Joined => continue,
                Fate::Added => &[][..],
                Fate::Same(from) => std::slice::from_ref(from),
                Fate::Changed(from) => from,
            };
            let joined = (at + 1..end).take_while(|next| self.new[*next] == Fate::Joined).count();
            from.iter().for_each(|from| now[*from] = Some((at, at + 1 + joined)));
            end = at;
        }
        let mut main = 0;
        let mut inside: Vec<usize> = sections.iter().map(|(_, n)| n.start).collect();
        for (at, place) in self.places.iter_mut().enumerate() {
            let cursor = home[at].map_or(&mut main, |index| &mut inside[index]);
            match now[at] {
                Some((from, to))
                    if home[at].is_some_and(|index| sections[index].1.contains(&from)) || !elsewhere[from] =>
                {
                    *cursor = to.max(*cursor);
                }
                _ => *place = *cursor,
            }
        }
        let moved: HashMap<usize, usize> = self.moved.iter().enumerate().map(|(at, (n, _))| (n.start, at)).collect();
        self.homes = home.iter().map(|index| moved.get(&sections[(*index)?].1.start).copied()).collect();
    }

    fn same(&mut self, o: usize, n: usize) {
        self.new[n] = Fate::Same(o);
        self.kept[o] = true;
    }

    fn is_left(&self, n: usize) -> bool {
        self.new[n] == Fate::Added
    }

    /// Sections that stand elsewhere: their headings are equal, and most of what is in them.
    fn move_sections(&mut self, old: &[Unit], new: &[Unit], taken: &mut Vec<(Range<usize>, Range<usize>)>) {
        let mut headings: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, unit) in old.iter().enumerate() {
            if matches!(unit.class, Class::Heading(_)) && !self.kept[at] {
                headings.entry(unit.key).or_default().push(at);
            }
        }
        for at in 0..new.len() {
            if !self.is_left(at) || !matches!(new[at].class, Class::Heading(_)) {
                continue;
            }
            let n = extent(new, at, |unit| self.is_left(unit));
            for from in headings.get(&new[at].key).into_iter().flatten().take(LOOKS_MAX) {
                let o = extent(old, *from, |unit| !self.kept[unit]);
                if !self.kept[*from] && self.take_section(old, new, o.clone(), n.clone()) {
                    taken.push((o, n.clone()));
                    break;
                }
            }
        }
    }

    fn take_section(&mut self, old: &[Unit], new: &[Unit], o: Range<usize>, n: Range<usize>) -> bool {
        let pairs = align::equal(&old[o.clone()], &new[n.clone()]);
        let weight = |units: &[Unit]| units.iter().map(|unit| unit.bag.len()).sum::<usize>();
        let equal: usize = pairs.iter().map(|(_, at)| new[n.start + at].bag.len()).sum();
        let bags = |units: &[Unit]| {
            let mut all: Vec<u64> = units.iter().flat_map(|unit| unit.bag.iter().copied()).collect();
            all.sort_unstable();
            all
        };
        let total = weight(&old[o.clone()]).max(weight(&new[n.clone()]));
        let alike = equal.max(common(&bags(&old[o.clone()]), &bags(&new[n.clone()])));
        if total < MOVED_WORDS_MIN || (alike as f64) < MOVED_LIKE * total as f64 {
            return false;
        }
        pairs.iter().for_each(|(a, b)| self.same(o.start + a, n.start + b));
        let (mut a, mut b) = (o.start, n.start);
        for (at_old, at_new) in pairs.into_iter().map(|(x, y)| (o.start + x, n.start + y)).chain([(o.end, n.end)]) {
            self.change(old, new, a..at_old, b..at_new);
            (a, b) = (at_old + 1, at_new + 1);
        }
        self.moved.push((n, o.start));
        true
    }

    /// Runs of equal units that stand elsewhere.
    fn move_units(&mut self, old: &[Unit], new: &[Unit]) {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, unit) in old.iter().enumerate() {
            if !self.kept[at] {
                places.entry(unit.key).or_default().push(at);
            }
        }
        let mut at = 0;
        while at < new.len() {
            let starts = places.get(&new[at].key).filter(|_| self.is_left(at));
            let runs = starts.into_iter().flatten().take(LOOKS_MAX).map(|from| (self.run(old, new, *from, at), *from));
            let Some((count, from)) = runs.max_by_key(|(count, _)| *count).filter(|(count, _)| *count > 0) else {
                at += 1;
                continue;
            };
            let words: usize = new[at..at + count].iter().map(|unit| unit.bag.len()).sum();
            if words >= MOVED_WORDS_MIN {
                (0..count).for_each(|step| self.same(from + step, at + step));
                self.moved.push((at..at + count, from));
            }
            at += count;
        }
    }

    fn run(&self, old: &[Unit], new: &[Unit], from: usize, at: usize) -> usize {
        let equal = |step: &usize| {
            let (o, n) = (from + step, at + step);
            o < old.len() && n < new.len() && !self.kept[o] && self.is_left(n) && old[o].key == new[n].key
        };
        (0..).take_while(equal).count()
    }

    /// Pairs what is alike between two equal units.
    fn change(&mut self, old: &[Unit], new: &[Unit], o: Range<usize>, n: Range<usize>) {
        let o: Vec<usize> = o.filter(|at| !self.kept[*at]).collect();
        let n: Vec<usize> = n.filter(|at| self.is_left(*at)).collect();
        if o.is_empty() || n.is_empty() || o.len() * n.len() > PAIRS_MAX {
            return self.change_in_step(old, new, &o, &n);
        }
        for (a, b) in alike(old, new, &o, &n) {
            self.new[b] = Fate::Changed(vec![a]);
            self.kept[a] = true;
        }
        self.join(old, new, &o, &n);
    }

    /// Too many to try all: only those at the same place are looked at.
    fn change_in_step(&mut self, old: &[Unit], new: &[Unit], o: &[usize], n: &[usize]) {
        for (a, b) in o.iter().zip(n) {
            if fit(&old[*a], &new[*b]).is_some() {
                self.new[*b] = Fate::Changed(vec![*a]);
                self.kept[*a] = true;
            }
        }
    }

    /// A paragraph that was parted, or made of several, is told as one.
    fn join(&mut self, old: &[Unit], new: &[Unit], o: &[usize], n: &[usize]) {
        for pair in n.windows(2) {
            let [first, next] = [pair[0], pair[1]];
            if next == first + 1 && self.is_left(next) && new[next].class == Class::Prose {
                let Some((head, from)) = self.origin(first) else { continue };
                let spare =
                    without(&bag(old, &from), &(head..next).flat_map(|at| new[at].bag.clone()).collect::<Vec<_>>());
                if is_part(&new[next], &spare) {
                    self.new[next] = Fate::Joined;
                }
            }
        }
        for at in o {
            if self.kept[*at] || old[*at].class != Class::Prose {
                continue;
            }
            let taker = n.iter().find(
                |n| matches!(&self.new[**n], Fate::Changed(from) if from.iter().any(|own| own.abs_diff(*at) == 1)),
            );
            let Some(taker) = taker.copied().filter(|taker| new[*taker].class == Class::Prose) else { continue };
            let Fate::Changed(from) = &self.new[taker] else { continue };
            let won: Vec<usize> =
                (taker..new.len()).take_while(|n| *n == taker || self.new[*n] == Fate::Joined).collect();
            let spare = without(&bag(new, &won), &bag(old, from));
            if is_part(&old[*at], &spare) {
                let mut from = from.clone();
                from.push(*at);
                from.sort_unstable();
                self.new[taker] = Fate::Changed(from);
                self.kept[*at] = true;
            }
        }
    }

    /// Returns the unit that this one is told with, and what that is made of.
    fn origin(&self, mut at: usize) -> Option<(usize, Vec<usize>)> {
        while self.new[at] == Fate::Joined {
            at = at.checked_sub(1)?;
        }
        match &self.new[at] {
            Fate::Changed(from) => Some((at, from.clone())),
            _ => None,
        }
    }
}

fn bag(units: &[Unit], which: &[usize]) -> Vec<u64> {
    let mut all: Vec<u64> = which.iter().flat_map(|at| units[*at].bag.iter().copied()).collect();
    all.sort_unstable();
    all
}

/// Returns what is in the first and not in the second; both may hold a word several times.
fn without(from: &[u64], what: &[u64]) -> Vec<u64> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    what.iter().for_each(|word| *counts.entry(*word).or_default() += 1);
    let left = |word: &&u64| match counts.get_mut(*word) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    from.iter().filter(left).copied().collect()
}

fn is_part(unit: &Unit, of: &[u64]) -> bool {
    unit.bag.len() >= 3 && common(&unit.bag, of) as f64 >= PART * unit.bag.len() as f64
}

/// Returns a heading's unit with what is below it, as far as all of it is left.
fn extent(units: &[Unit], at: usize, left: impl Fn(usize) -> bool) -> Range<usize> {
    let Class::Heading(level) = units[at].class else { return at..at + 1 };
    let inside = |unit: &usize| left(*unit) && !matches!(units[*unit].class, Class::Heading(other) if other <= level);
    at..at + 1 + (at + 1..units.len()).take_while(inside).count()
}

/// Returns how much two units that may be one have in common.
fn fit(old: &Unit, new: &Unit) -> Option<f64> {
    let kind = |class: Class| match class {
        Class::Heading(_) => 0,
        Class::Prose | Class::Html => 1,
        Class::Code => 2,
        Class::Row => 3,
    };
    let like = likeness(old, new);
    (kind(old.class) == kind(new.class) && like >= LIKE).then_some(like)
}

/// Returns the pairs that have most in common, rising in both.
fn alike(old: &[Unit], new: &[Unit], o: &[usize], n: &[usize]) -> Vec<(usize, usize)> {
    let wide = n.len() + 1;
    let scores: Vec<Option<f64>> = o.iter().flat_map(|a| n.iter().map(|b| fit(&old[*a], &new[*b]))).collect();
    let mut best = vec![0.0f64; (o.len() + 1) * wide];
    for i in (0..o.len()).rev() {
        for j in (0..n.len()).rev() {
            let skip = best[(i + 1) * wide + j].max(best[i * wide + j + 1]);
            let both = scores[i * n.len() + j].map_or(0.0, |score| score + best[(i + 1) * wide + j + 1]);
            best[i * wide + j] = skip.max(both);
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < o.len() && j < n.len() {
        let here = best[i * wide + j];
        let both = scores[i * n.len() + j].map(|score| score + best[(i + 1) * wide + j + 1]);
        if both.is_some_and(|both| both >= here) {
            pairs.push((o[i], n[j]));
            (i, j) = (i + 1, j + 1);
        } else if best[(i + 1) * wide + j] >= here {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}
