//! Many series, coded so that a query over all of them takes milliseconds.
//!
//! Each distinct pair of name and value is a number. A question is asked once of each distinct value; the answers of all questions to
//! one pair are the bits of one word. What a series answers is then the union of the words of its pairs, and an incident fits when one
//! of its series does. What an incident says by itself is asked once, and where that settles the query no series is looked at.

use super::complete::Vocabulary;
use super::field::{Field, Kind as FieldKind};
use super::holds::{WORDY, field_says};
use super::subject::{Eyes, IncidentSubject, Value, burns, of_incident};
use super::tree::{Atom, FieldTest, Kind, Node, TextTest};
use super::{ATOMS_MAX, Query};
use crate::domain::id::{IncidentId, SourceName};
use crate::domain::incident::Incident;
use crate::domain::label::Fingerprint;
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use std::collections::{HashMap, HashSet};

/// What a series has beside labels stands among its pairs under names that no label can have.
const OWN: [&str; 3] = ["\0source", "\0flaps", "\0burns"];
const SOURCE: usize = 0;
const FLAPS: usize = 1;
const BURNS: usize = 2;
/// Words of bits for the answers to one query.
const WORDS: usize = ATOMS_MAX / 64;
/// Pairs that nobody has any more, from which on the dictionary is made anew.
const DEAD_MIN: usize = 4096;

/// Label sets of many series by incident, with the dictionary of their names and values.
#[derive(Debug, Clone)]
pub struct Index {
    names: HashMap<Box<str>, u32>,
    values: Vec<Values>,
    pairs: Pairs,
    incidents: HashMap<IncidentId, Coded>,
    series: usize,
}

/// The pairs of one name.
#[derive(Debug, Clone, Default)]
struct Values {
    by_text: HashMap<Box<str>, u32>,
    /// In the order in which they came, which is that of memory.
    all: Vec<u32>,
}

/// Texts behind each other, and where each ends: to walk through them is to walk through memory.
#[derive(Debug, Clone, Default)]
struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }
}

/// What is known of each pair, by its number.
#[derive(Debug, Clone, Default)]
struct Pairs {
    name: Vec<u32>,
    /// Series that have it.
    uses: Vec<u32>,
    /// Which characters its value has, by [`letters`].
    letters: Vec<u64>,
    text: Texts,
    /// The same in lower case.
    lower: Texts,
    dead: usize,
}

/// The series of one incident: the pairs of all behind each other, and where those of each end.
#[derive(Debug, Clone, Default)]
struct Coded {
    keys: Vec<(u32, Fingerprint)>,
    ends: Vec<u32>,
    pairs: Vec<u32>,
}

impl Default for Index {
    fn default() -> Self {
        let mut index = Self {
            names: HashMap::new(),
            values: Vec::new(),
            pairs: Pairs::default(),
            incidents: HashMap::new(),
            series: 0,
        };
        OWN.iter().for_each(|name| {
            index.name(name);
        });
        index
    }
}

impl Index {
    /// Returns how many series it holds.
    pub fn len(&self) -> usize {
        self.series
    }

    /// Returns whether it holds no series.
    pub fn is_empty(&self) -> bool {
        self.series == 0
    }

    /// Returns how many distinct pairs of name and value there are.
    pub fn pairs(&self) -> usize {
        self.pairs.name.len() - self.pairs.dead
    }

    /// Returns whether it holds series of the incident.
    pub fn has(&self, incident: IncidentId) -> bool {
        self.incidents.contains_key(&incident)
    }

    /// Puts a series to its incident, in place of the same one of before.
    pub fn put(&mut self, incident: IncidentId, series: &Series) {
        self.take(incident, &series.source, series.fingerprint);
        let mut coded = self.incidents.remove(&incident).unwrap_or_default();
        self.code(&mut coded, series);
        self.incidents.insert(incident, coded);
    }

    /// Makes these the series of an incident, in place of all it had.
    pub fn set<'s>(&mut self, incident: IncidentId, series: impl IntoIterator<Item = &'s Series>) {
        self.remove(incident);
        let mut coded = Coded::default();
        series.into_iter().for_each(|series| self.code(&mut coded, series));
        self.incidents.insert(incident, coded);
    }

    /// Takes one series from an incident: it speaks of another now.
    pub fn take(&mut self, incident: IncidentId, source: &SourceName, fingerprint: Fingerprint) {
        let Some(source) = self.values[SOURCE].by_text.get(source.as_str()).copied() else { return };
        let Some(coded) = self.incidents.get_mut(&incident) else { return };
        let Some(at) = coded.keys.iter().position(|key| *key == (source, fingerprint)) else { return };
        let (start, end) = (coded.start(at), coded.ends[at] as usize);
        coded.pairs[start..end].iter().for_each(|pair| self.pairs.drop_one(*pair));
        coded.pairs.drain(start..end);
        coded.keys.remove(at);
        coded.ends.remove(at);
        coded.ends[at..].iter_mut().for_each(|other| *other -= (end - start) as u32);
        self.series -= 1;
        self.sweep();
    }

    /// Takes an incident with all its series.
    pub fn remove(&mut self, incident: IncidentId) {
        let Some(coded) = self.incidents.remove(&incident) else { return };
        coded.pairs.iter().for_each(|pair| self.pairs.drop_one(*pair));
        self.series -= coded.keys.len();
        self.sweep();
    }

    /// Takes all incidents that are none of these.
    pub fn keep(&mut self, incidents: &HashSet<IncidentId>) {
        let gone: Vec<IncidentId> = self.incidents.keys().filter(|id| !incidents.contains(id)).copied().collect();
        gone.into_iter().for_each(|id| self.remove(id));
    }

    /// Returns which of the incidents fit the query in these eyes. One without series is asked as if it had one without labels.
    pub fn fits<'i>(
        &self,
        query: &Query,
        incidents: impl IntoIterator<Item = &'i Incident>,
        eyes: &Eyes<'_>,
    ) -> HashSet<IncidentId> {
        let mut plan = Plan::of(query.tree());
        let (mut fits, mut open) = (HashSet::new(), Vec::new());
        for incident in incidents {
            let coded = self.incidents.get(&incident.id).filter(|coded| !coded.keys.is_empty());
            let own = plan.of_incident(incident, eyes);
            match (plan.settled(own), coded) {
                (_, None) => fits.extend(plan.alone(incident, eyes).then_some(incident.id)),
                (Some(settled), _) => fits.extend(settled.then_some(incident.id)),
                (None, Some(coded)) => open.push((incident.id, coded, own)),
            }
        }
        // Values are looked at only where the incidents by themselves leave something open.
        if !open.is_empty() {
            plan.ask_all(self);
        }
        let fitting = open.into_iter().filter(|(_, coded, own)| plan.fits(coded, *own));
        fits.extend(fitting.map(|(id, ..)| id));
        fits
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let number = self.values.len() as u32;
        self.values.push(Values::default());
        self.names.insert(name.into(), number);
        number
    }

    /// Returns the number of a pair, and counts that one more series has it.
    fn pair(&mut self, name: u32, value: &str) -> u32 {
        let values = &mut self.values[name as usize];
        let pair = match values.by_text.get(value) {
            Some(pair) => *pair,
            None => {
                let pair = self.pairs.push(name, value);
                values.by_text.insert(value.into(), pair);
                values.all.push(pair);
                pair
            }
        };
        self.pairs.add_one(pair);
        pair
    }

    fn code(&mut self, coded: &mut Coded, series: &Series) {
        let source = self.pair(SOURCE as u32, series.source.as_str());
        let flaps = self.pair(FLAPS as u32, &series.flaps.to_string());
        let burns = self.pair(BURNS as u32, &burns(series.state).to_string());
        coded.keys.push((source, series.fingerprint));
        coded.pairs.extend([source, flaps, burns]);
        for (name, value) in series.labels.iter() {
            let name = self.name(name);
            let pair = self.pair(name, value);
            coded.pairs.push(pair);
        }
        coded.ends.push(coded.pairs.len() as u32);
        self.series += 1;
    }

    /// Makes the dictionary anew when most of it is of series that are gone.
    fn sweep(&mut self) {
        let all = self.pairs.name.len();
        if self.pairs.dead < DEAD_MIN || self.pairs.dead * 2 < all {
            return;
        }
        let mut anew = vec![u32::MAX; all];
        let mut pairs = Pairs::default();
        for values in &mut self.values {
            values.all.retain(|pair| self.pairs.uses[*pair as usize] > 0);
            values.by_text.retain(|_, pair| self.pairs.uses[*pair as usize] > 0);
            for pair in &mut values.all {
                let old = *pair as usize;
                *pair = pairs.push(self.pairs.name[old], self.pairs.text.get(old));
                pairs.uses[*pair as usize] = self.pairs.uses[old];
                anew[old] = *pair;
            }
            values.by_text.values_mut().for_each(|pair| *pair = anew[*pair as usize]);
        }
        pairs.dead = 0;
        for coded in self.incidents.values_mut() {
            coded.pairs.iter_mut().for_each(|pair| *pair = anew[*pair as usize]);
            coded.keys.iter_mut().for_each(|(source, _)| *source = anew[*source as usize]);
        }
        self.pairs = pairs;
    }
}

impl Pairs {
    /// Adds a pair that nobody has yet.
    fn push(&mut self, name: u32, value: &str) -> u32 {
        let number = self.name.len() as u32;
        let lower = value.to_lowercase();
        self.name.push(name);
        self.uses.push(0);
        self.letters.push(letters(&lower));
        self.text.push(value);
        self.lower.push(&lower);
        self.dead += 1;
        number
    }

    fn add_one(&mut self, pair: u32) {
        let uses = &mut self.uses[pair as usize];
        self.dead -= usize::from(*uses == 0);
        *uses += 1;
    }

    fn drop_one(&mut self, pair: u32) {
        let uses = &mut self.uses[pair as usize];
        *uses -= 1;
        self.dead += usize::from(*uses == 0);
    }
}

impl Coded {
    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.ends[at - 1] as usize }
    }
}

/// Returns which characters a text has, as bits: what lacks a bit of a word cannot hold the word.
fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |bits, byte| bits | 1 << (byte.wrapping_mul(29) >> 2))
}

/// The answers to the questions of one query.
type Bits = [u64; WORDS];

/// A query made ready for the pairs of an index.
struct Plan<'q> {
    root: &'q Node,
    atoms: Vec<&'q Atom>,
    step: Step,
    /// Answers by pair, `words` to each.
    hits: Vec<u64>,
    words: usize,
    /// Questions whose answer is turned round.
    flips: Bits,
    /// Questions that a series may answer otherwise than its incident.
    open: Bits,
}

/// The tree with its questions as numbers.
enum Step {
    All,
    And(Vec<Step>),
    Or(Vec<Step>),
    Not(Box<Step>),
    Atom(usize),
}

impl<'q> Plan<'q> {
    fn of(root: &'q Node) -> Self {
        let mut atoms = Vec::new();
        let step = step(root, &mut atoms);
        let words = atoms.len().div_ceil(64).clamp(1, WORDS);
        let mut plan = Self { root, atoms, step, hits: Vec::new(), words, flips: [0; WORDS], open: [0; WORDS] };
        for (number, atom) in plan.atoms.iter().enumerate() {
            let (flips, open) = match atom {
                Atom::Label { negated, test, .. }
                | Atom::Field { field: Field::Source, negated, test: FieldTest::Text(test) } => {
                    (test.holds(None) != *negated, true)
                }
                Atom::Field { field: Field::Flaps | Field::State, negated, .. } => (*negated, true),
                Atom::Field { negated, .. } => (*negated, false),
                Atom::Text(_) => (false, true),
            };
            plan.flips[number / 64] |= u64::from(flips) << (number % 64);
            plan.open[number / 64] |= u64::from(open) << (number % 64);
        }
        plan
    }

    /// Asks all questions of all distinct values.
    fn ask_all(&mut self, index: &Index) {
        self.open = [0; WORDS];
        self.hits = vec![0; index.pairs.name.len() * self.words];
        for number in 0..self.atoms.len() {
            self.ask(index, number);
        }
    }

    /// Asks one question of all distinct values.
    fn ask(&mut self, index: &Index, number: usize) {
        match self.atoms[number] {
            Atom::Label { name, test, .. } => {
                if let Some(name) = index.names.get(name.as_str()) {
                    self.ask_text(index, number, *name as usize, test);
                }
            }
            Atom::Field { field: Field::Source, test: FieldTest::Text(test), .. } => {
                self.ask_text(index, number, SOURCE, test);
            }
            Atom::Field { field: Field::Flaps, test, .. } => {
                let eyes = Eyes::nobody(Timestamp::from_millis(0));
                let holds = |flaps: &str| test.holds(flaps.parse().map_or(Value::None, Value::Number), &eyes);
                self.hit_where(&index.values[FLAPS], &index.pairs.text, number, holds);
            }
            Atom::Field { field: Field::State, test: FieldTest::Words(any), .. } => {
                let holds = |burns: &str| any & burns.parse().unwrap_or(0) != 0;
                self.hit_where(&index.values[BURNS], &index.pairs.text, number, holds);
            }
            Atom::Field { .. } => {}
            Atom::Text(needles) => needles.iter().for_each(|needle| self.ask_words(index, number, needle)),
        }
    }

    /// Asks a text: where an absent one fulfils it, those that do not are what is looked for.
    fn ask_text(&mut self, index: &Index, number: usize, name: usize, test: &TextTest) {
        let absent = test.holds(None);
        let (values, pairs) = (&index.values[name], &index.pairs);
        match test {
            TextTest::Is(value) if !absent => {
                if let Some(pair) = values.by_text.get(value.as_str()) {
                    self.hit(number, *pair);
                }
            }
            TextTest::Like(globs) => {
                self.hit_where(values, &pairs.lower, number, |lower| {
                    globs.iter().any(|glob| glob.matches_lower(lower))
                });
            }
            _ => self.hit_where(values, &pairs.text, number, |value| test.holds(Some(value)) != absent),
        }
    }

    fn ask_words(&mut self, index: &Index, number: usize, needle: &str) {
        let wanted = letters(needle);
        for pair in 0..index.pairs.name.len() {
            let may = index.pairs.letters[pair] & wanted == wanted && index.pairs.name[pair] as usize >= OWN.len();
            if may && index.pairs.lower.get(pair).contains(needle) {
                self.hit(number, pair as u32);
            }
        }
    }

    fn hit_where(&mut self, values: &Values, texts: &Texts, number: usize, holds: impl Fn(&str) -> bool) {
        for pair in &values.all {
            if holds(texts.get(*pair as usize)) {
                self.hit(number, *pair);
            }
        }
    }

    fn hit(&mut self, number: usize, pair: u32) {
        self.hits[pair as usize * self.words + number / 64] |= 1 << (number % 64);
        self.open[number / 64] |= 1 << (number % 64);
    }

    /// Returns whether an incident without series fits.
    fn alone(&self, incident: &Incident, eyes: &Eyes<'_>) -> bool {
        let subject = IncidentSubject { incident, series: None };
        self.root.fits(&mut |atom| atom.holds(&subject, eyes))
    }

    /// Returns the answer where what the incident says settles it.
    fn settled(&self, own: Bits) -> Option<bool> {
        self.step.settled(&|number| {
            let (word, bit) = (number / 64, 1 << (number % 64));
            let settled = own[word] & bit != 0 || self.open[word] & bit == 0;
            settled.then_some((own[word] ^ self.flips[word]) & bit != 0)
        })
    }

    fn fits(&self, coded: &Coded, own: Bits) -> bool {
        self.settled(own).unwrap_or_else(|| match self.words {
            1 => self.any_of::<1>(coded, own),
            _ => self.any_of::<WORDS>(coded, own),
        })
    }

    /// Returns whether one of the series fits, together with what the incident answers.
    fn any_of<const N: usize>(&self, coded: &Coded, own: Bits) -> bool {
        let words = self.words.min(N);
        let mut last: Option<Bits> = None;
        let mut start = 0;
        for end in &coded.ends {
            let mut bits = own;
            for pair in &coded.pairs[start..*end as usize] {
                let at = *pair as usize * self.words;
                for (bits, hits) in bits.iter_mut().zip(&self.hits[at..at + words]) {
                    *bits |= hits;
                }
            }
            start = *end as usize;
            // Series of one incident mostly answer alike.
            if last != Some(bits) {
                if self.answers(bits) {
                    return true;
                }
                last = Some(bits);
            }
        }
        false
    }

    fn answers(&self, bits: Bits) -> bool {
        self.step.holds(&|number| (bits[number / 64] ^ self.flips[number / 64]) & 1 << (number % 64) != 0)
    }

    /// Returns what the incident alone answers, before anything is turned round.
    fn of_incident(&self, incident: &Incident, eyes: &Eyes<'_>) -> Bits {
        let mut bits = [0; WORDS];
        for (number, atom) in self.atoms.iter().enumerate() {
            let holds = match atom {
                Atom::Label { .. } => false,
                Atom::Field { field: Field::Source | Field::Flaps, .. } => false,
                Atom::Field { field, test, .. } => test.holds(of_incident(incident, *field), eyes),
                Atom::Text(needles) => needles
                    .iter()
                    .any(|needle| WORDY.iter().any(|field| field_says(of_incident(incident, *field), needle))),
            };
            bits[number / 64] |= u64::from(holds) << (number % 64);
        }
        bits
    }
}

fn step<'q>(node: &'q Node, atoms: &mut Vec<&'q Atom>) -> Step {
    match &node.kind {
        Kind::All => Step::All,
        Kind::And(parts) => Step::And(parts.iter().map(|part| step(part, atoms)).collect()),
        Kind::Or(parts) => Step::Or(parts.iter().map(|part| step(part, atoms)).collect()),
        Kind::Not(part) => Step::Not(Box::new(step(part, atoms))),
        Kind::Atom(atom) => {
            atoms.push(atom);
            Step::Atom(atoms.len() - 1)
        }
    }
}

impl Step {
    fn holds(&self, answer: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.holds(answer)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(answer)),
            Self::Not(part) => !part.holds(answer),
            Self::Atom(number) => answer(*number),
        }
    }

    /// Returns the answer where what is known settles it.
    fn settled(&self, known: &impl Fn(usize) -> Option<bool>) -> Option<bool> {
        let of = |parts: &[Self], settles: bool| {
            let mut all = true;
            for part in parts {
                match part.settled(known) {
                    Some(answer) if answer == settles => return Some(settles),
                    Some(_) => {}
                    None => all = false,
                }
            }
            all.then_some(!settles)
        };
        match self {
            Self::All => Some(true),
            Self::And(parts) => of(parts, false),
            Self::Or(parts) => of(parts, true),
            Self::Not(part) => part.settled(known).map(|answer| !answer),
            Self::Atom(number) => known(*number),
        }
    }
}

impl Vocabulary for Index {
    fn labels(&self, each: &mut dyn FnMut(&str)) {
        let lives = |name: u32| self.values[name as usize].all.iter().any(|pair| self.pairs.uses[*pair as usize] > 0);
        let labels = self.names.iter().filter(|(_, number)| **number as usize >= OWN.len() && lives(**number));
        labels.for_each(|(name, _)| each(name));
    }

    fn values(&self, label: &str, each: &mut dyn FnMut(&str)) {
        let Some(name) = self.names.get(label) else { return };
        let lives = self.values[*name as usize].all.iter().filter(|pair| self.pairs.uses[**pair as usize] > 0);
        lives.for_each(|pair| each(self.pairs.text.get(*pair as usize)));
    }

    fn field_values(&self, field: Field, each: &mut dyn FnMut(&str)) {
        match field {
            Field::Source => self.values(OWN[SOURCE], each),
            _ if field.kind() == FieldKind::Text => self.values(field.name(), each),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SOME_TEXTS, numbered, series_of};
    use super::*;
    use crate::domain::id::UserName;
    use crate::query::IncidentSubject;
    use std::collections::BTreeSet;

    /// Returns incidents with series whose labels follow from small numbers.
    fn world() -> Vec<(Incident, Vec<Series>)> {
        let clusters = ["eu-1", "eu-2", "US-1"];
        (0..30u64)
            .map(|number| {
                let mut incident = numbered(number, ["payments-api", "search", ""][number as usize % 3]);
                incident.severity = crate::domain::severity::Severity::new((number % 10) as u8).ok();
                let series = (0..number % 5).map(|nth| {
                    let instance = format!("host-{nth}");
                    let cluster = clusters[((number + nth) % 3) as usize];
                    let mut labels = vec![("alertname", "Disk full"), ("instance", &instance), ("cluster", cluster)];
                    if nth % 2 == 0 {
                        labels.push(("severity", "critical"));
                    }
                    let mut series = series_of(&labels);
                    series.flaps = nth;
                    series
                });
                let series = series.collect();
                (incident, series)
            })
            .collect()
    }

    fn naive(query: &Query, world: &[(Incident, Vec<Series>)], eyes: &Eyes<'_>) -> HashSet<IncidentId> {
        let fits = |(incident, series): &&(Incident, Vec<Series>)| {
            let mut each = series.iter().map(Some).collect::<Vec<_>>();
            if each.is_empty() {
                each.push(None);
            }
            each.into_iter().any(|series| query.matches(&IncidentSubject { incident, series }, eyes))
        };
        world.iter().filter(fits).map(|(incident, _)| incident.id).collect()
    }

    #[test]
    fn the_index_says_what_asking_each_series_says() {
        let mut world = world();
        let mut index = Index::default();
        world.iter().for_each(|(incident, series)| index.set(incident.id, series));
        let (mira, calls) = (UserName::parse("mira").unwrap(), HashSet::from([world[3].0.id]));
        let on_call = BTreeSet::new();
        let eyes = Eyes { now: Timestamp::from_millis(9_000_000), me: Some(&mira), on_call: &on_call, calls: &calls };
        let check = |index: &Index, world: &[(Incident, Vec<Series>)]| {
            for text in SOME_TEXTS {
                let query = Query::parse(text).unwrap_or_else(|error| panic!("{}", error.pointed(text)));
                let got = index.fits(&query, world.iter().map(|(incident, _)| incident), &eyes);
                assert_eq!(got, naive(&query, world, &eyes), "{text}");
            }
            // More questions than one word has bits.
            let many: Vec<String> =
                (0..90).map(|number| format!("flaps={} -instance:host-{}", number, number % 7)).collect();
            let query = Query::parse(&many.join(" or ")).unwrap();
            let got = index.fits(&query, world.iter().map(|(incident, _)| incident), &eyes);
            assert_eq!(got, naive(&query, world, &eyes));
        };
        check(&index, &world);
        // A series changes, one goes, an incident goes, and the dictionary is made anew.
        let (id, changed) = (world[4].0.id, &mut world[4].1);
        changed[1] = series_of(&[("alertname", "Other"), ("zone", "b")]);
        let old = series_of(&[("alertname", "Disk full"), ("instance", "host-1"), ("cluster", "US-1")]);
        index.take(id, &old.source, old.fingerprint);
        index.take(id, &old.source, old.fingerprint);
        let whole = world[4].1.clone();
        index.set(id, &whole);
        index.put(id, &whole[1]);
        let gone = world.remove(9);
        index.remove(gone.0.id);
        check(&index, &world);
        for round in 0..DEAD_MIN as u64 * 2 {
            let (id, value) = (world[2].0.id, format!("v{round}"));
            index.set(id, &[series_of(&[("alertname", "Once"), ("round", &value)])]);
        }
        assert!(index.pairs.name.len() < DEAD_MIN * 2, "{}", index.pairs.name.len());
        world[2].1 = vec![series_of(&[("alertname", "Once"), ("round", &format!("v{}", DEAD_MIN * 2 - 1))])];
        check(&index, &world);
        index.keep(&HashSet::new());
        assert!(index.is_empty() && index.pairs() == 0);
    }

    #[test]
    fn it_knows_what_there_is() {
        let mut index = Index::default();
        index.set(IncidentId::from_bytes([1; 16]), &[series_of(&[("cluster", "eu-1"), ("service", "pay")])]);
        let mut all = Vec::new();
        index.labels(&mut |name| all.push(name.to_owned()));
        index.values("cluster", &mut |value| all.push(value.to_owned()));
        index.field_values(Field::Source, &mut |value| all.push(value.to_owned()));
        index.field_values(Field::Service, &mut |value| all.push(value.to_owned()));
        all.sort();
        assert_eq!(all, ["cluster", "eu-1", "pay", "prometheus", "service"]);
    }
}
