//! The label index of what is mirrored, kept current beside the one that the screen reads.
//!
//! There are two: while the screen reads one, changes go into the other, and the next picture has that. Nobody waits for anybody, and
//! nothing is copied unless a screen is slow. Series themselves are not kept: once both indexes have a change, it is forgotten.

use crate::domain::id::{IncidentId, SourceName};
use crate::domain::label::Fingerprint;
use crate::domain::series::Series;
use crate::query::index::Index;
use crate::store::StoreError;
use crate::store::mirror::{Met, Mirror, SeriesMark};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Series that are read from the mirror at once: some 10 ms, and one or two MiB until both indexes have them.
const BATCH: usize = 2000;
/// Most series that are indexed; the words of the others are not found, and the screen says so.
pub const INDEXED_MAX: usize = 250_000;

/// What the index says otherwise than before.
#[derive(Debug, Clone)]
enum Change {
    Put(IncidentId, Arc<Series>),
    Take(IncidentId, SourceName, Fingerprint),
    Keep(Arc<HashSet<IncidentId>>),
    Clear,
}

/// Both indexes, and how far the mirror was read.
#[derive(Debug, Default)]
pub struct Indexed {
    shown: Arc<Index>,
    spare: Arc<Index>,
    /// What `shown` says and `spare` does not.
    behind: Vec<Change>,
    /// What neither says.
    fresh: Vec<Change>,
    /// Which incident each series speaks of, by its source.
    homes: HashMap<SourceName, HashMap<Fingerprint, IncidentId>>,
    mark: SeriesMark,
    /// Incidents that came to be known after their series, or again: theirs are read by name.
    met: VecDeque<IncidentId>,
}

impl Indexed {
    /// Reads some of the series that are new in the mirror, of these incidents; returns whether there are more.
    ///
    /// # Errors
    /// [`StoreError`] of the mirror.
    pub fn read(&mut self, mirror: &mut Mirror, known: impl Fn(IncidentId) -> bool) -> Result<bool, StoreError> {
        let read = mirror.series_after(&mut self.mark, BATCH, &known)?;
        if std::mem::take(&mut self.mark.anew) {
            self.homes.clear();
            // All of it is read from its beginning now.
            self.met.clear();
            self.fresh = vec![Change::Clear];
        }
        let mut count = read.len();
        let more = count == BATCH;
        for met in read {
            match met {
                Met::Known(series) => self.take_in(series, &known),
                Met::Other(source, fingerprint) => self.take_out(&source, fingerprint),
            }
        }
        while count < BATCH
            && let Some(incident) = self.met.pop_front()
        {
            let series = mirror.series_of(incident, BATCH)?;
            count += series.len();
            series.into_iter().for_each(|series| self.take_in(Arc::new(series), &known));
        }
        Ok(more || !self.met.is_empty())
    }

    /// Notes that an incident was not known before; what was read until now may have been its series.
    pub fn meet(&mut self, incident: IncidentId) {
        if !self.mark.is_start() {
            self.met.push_back(incident);
        }
    }

    fn take_in(&mut self, series: Arc<Series>, known: &impl Fn(IncidentId) -> bool) {
        let home = series.incident.filter(|incident| known(*incident));
        let before = self.home(&series.source, series.fingerprint);
        if before.is_some() && before != home {
            self.take_out(&series.source, series.fingerprint);
        }
        let Some(home) = home else { return };
        if before.is_none() && self.homes.values().map(HashMap::len).sum::<usize>() >= INDEXED_MAX {
            return;
        }
        match self.homes.get_mut(&series.source) {
            Some(homes) => homes.insert(series.fingerprint, home),
            None => self.homes.entry(series.source.clone()).or_default().insert(series.fingerprint, home),
        };
        self.fresh.push(Change::Put(home, series));
    }

    fn take_out(&mut self, source: &SourceName, fingerprint: Fingerprint) {
        if let Some(before) = self.homes.get_mut(source).and_then(|homes| homes.remove(&fingerprint)) {
            self.fresh.push(Change::Take(before, source.clone(), fingerprint));
        }
    }

    fn home(&self, source: &SourceName, fingerprint: Fingerprint) -> Option<IncidentId> {
        self.homes.get(source)?.get(&fingerprint).copied()
    }

    /// Forgets all but these incidents.
    pub fn keep(&mut self, known: HashSet<IncidentId>) {
        self.homes.values_mut().for_each(|homes| homes.retain(|_, home| known.contains(home)));
        self.homes.retain(|_, homes| !homes.is_empty());
        self.fresh.push(Change::Keep(Arc::new(known)));
    }

    /// Returns the newest index.
    pub fn newest(&mut self) -> Arc<Index> {
        if self.fresh.is_empty() {
            self.catch_up();
            return self.shown.clone();
        }
        let fresh = std::mem::take(&mut self.fresh);
        if self.catch_up() {
            let spare = Arc::make_mut(&mut self.spare);
            fresh.iter().for_each(|change| change.apply(spare));
        } else {
            // A screen still reads it.
            let mut copied = (*self.shown).clone();
            fresh.iter().for_each(|change| change.apply(&mut copied));
            self.spare = Arc::new(copied);
        }
        self.behind = fresh;
        std::mem::swap(&mut self.shown, &mut self.spare);
        self.shown.clone()
    }

    /// Has the spare index say what the shown one says, unless a screen still reads it; returns whether it does.
    fn catch_up(&mut self) -> bool {
        let Some(spare) = Arc::get_mut(&mut self.spare) else { return false };
        std::mem::take(&mut self.behind).iter().for_each(|change| change.apply(spare));
        true
    }
}

impl Change {
    fn apply(&self, index: &mut Index) {
        match self {
            Self::Put(incident, series) => index.put(*incident, series),
            Self::Take(incident, source, fingerprint) => index.take(*incident, source, *fingerprint),
            Self::Keep(known) => index.keep(known),
            Self::Clear => *index = Index::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Alert, End, Event};
    use crate::domain::grouping::Group;
    use crate::domain::id::{NodeId, Number, UserName};
    use crate::domain::incident::Incident;
    use crate::domain::label::{IdentityRule, LabelLimits, Labels};
    use crate::domain::time::Timestamp;
    use crate::query::{Eyes, Query};
    use crate::store::{FeedKind, FeedPage, FeedRow};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn incident(number: u64) -> Incident {
        let group = Group { key: number.to_string(), service: "pay".into(), summary: "it burns".into() };
        Incident::open(IncidentId::from_bytes(u128::from(number).to_be_bytes()), Number(number), group, at(0))
    }

    fn series(instance: &str, of: u64) -> Series {
        let labels = [("alertname", "Down"), ("instance", instance)];
        let alert = Alert {
            labels: Labels::new(labels, &LabelLimits::LABELS).unwrap(),
            annotations: Labels::default(),
            starts_at: None,
            end: End::Open,
            generator_url: String::new(),
        };
        let source = SourceName::parse("prometheus").unwrap();
        let (mut series, _) = Series::begin(&Event::new(source, alert, &IdentityRule::default(), at(1)));
        series.incident = Some(incident(of).id);
        series
    }

    struct Desk {
        mirror: Mirror,
        indexed: Indexed,
        seq: u64,
        epoch: &'static str,
    }

    impl Desk {
        fn new() -> Self {
            let user = UserName::parse("mira").unwrap();
            let mut mirror = Mirror::in_memory(&user, NodeId::from_bytes([1; 16]), at(0)).unwrap();
            let refused = mirror.cursor().unwrap();
            mirror.restart("e", &refused).unwrap();
            Self { mirror, indexed: Indexed::default(), seq: 0, epoch: "e" }
        }

        fn feed(&mut self, kind: FeedKind, body: String) {
            let (after, next) = (self.seq, self.seq + 1);
            let row = FeedRow { seq: next, kind, body };
            let page =
                FeedPage { epoch: self.epoch.into(), after, next, head: next, rows: vec![row], signatures: None };
            self.mirror.apply(&page, at(9)).unwrap();
            self.seq = next;
        }

        fn feed_series(&mut self, series: &Series) {
            self.feed(FeedKind::Series, serde_json::to_string(series).unwrap());
        }

        /// Returns which of the incidents 1 to 3 fit, as the newest index says.
        fn fit(&mut self, query: &str) -> Vec<u64> {
            while self.indexed.read(&mut self.mirror, |_| true).unwrap() {}
            let index = self.indexed.newest();
            let all = [1, 2, 3].map(incident);
            let fits = index.fits(&Query::parse(query).unwrap(), &all, &Eyes::nobody(at(9)));
            all.iter().filter(|one| fits.contains(&one.id)).map(|one| one.number.0).collect()
        }
    }

    #[test]
    fn it_says_what_the_mirror_holds_whoever_reads_meanwhile() {
        let mut desk = Desk::new();
        desk.feed_series(&series("a", 1));
        assert_eq!(desk.fit("instance=a"), [1]);
        let held = desk.indexed.newest();
        // Two changes while a screen reads one, then a third: neither index misses any.
        desk.feed_series(&series("b", 2));
        assert_eq!(desk.fit("instance=b"), [2]);
        desk.feed_series(&series("a", 3));
        assert_eq!((desk.fit("instance=a"), desk.fit("instance=b")), (vec![3], vec![2]), "a series moves whole");
        assert_eq!(held.len(), 1, "what a screen reads does not change under it");
        drop(held);
        desk.feed_series(&series("c", 1));
        desk.feed_series(&series("d", 1));
        for (query, fits) in [("instance=~\"c|d\"", vec![1]), ("instance=b", vec![2]), ("instance=a", vec![3])] {
            assert_eq!(desk.fit(query), fits, "{query}");
        }
        desk.indexed.keep([incident(2).id].into());
        assert_eq!((desk.fit("instance=c"), desk.fit("instance=b")), (vec![], vec![2]));
    }

    #[test]
    fn what_comes_to_be_known_later_is_read_by_name() {
        let mut desk = Desk::new();
        desk.feed_series(&series("a", 1));
        desk.indexed.read(&mut desk.mirror, |_| false).unwrap();
        assert_eq!(desk.fit("instance=a"), [0u64; 0]);
        desk.indexed.meet(incident(1).id);
        assert_eq!(desk.fit("instance=a"), [1]);
    }

    #[test]
    fn another_history_begins_from_nothing() {
        let mut desk = Desk::new();
        ["a", "b", "c"].iter().for_each(|instance| desk.feed_series(&series(instance, 1)));
        assert_eq!(desk.fit("instance=c"), [1]);
        let refused = desk.mirror.cursor().unwrap();
        desk.mirror.restart("f", &refused).unwrap();
        (desk.seq, desk.epoch) = (0, "f");
        desk.feed_series(&series("a", 2));
        assert_eq!((desk.fit("instance=c"), desk.fit("instance=a")), (vec![], vec![2]));
    }
}
