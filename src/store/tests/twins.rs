//! Two back ends that are told the same give the same answers and the same history, byte for byte; and both keep the rules of the tables.

use super::super::devices::{Bearer, Enrolment, NewToken};
use super::super::hub::tables::{ChainEnd, IncidentPlace, JudgedOp, SeriesPlace, Tables};
use super::super::memory::{self, MemoryTables};
use super::super::sqlite;
use super::*;
use crate::domain::grouping::Group;
use crate::domain::id::Number;
use crate::domain::incident::{Life, Line, Told};
use crate::domain::scope::Scope;

const OTHER: NodeId = NodeId(Uuid::from_bytes([3; 16]));

/// One thing that happens to a store.
#[derive(Debug, Clone)]
enum Step {
    /// Alerts of one request: which, how its end is told, and how late it arrived.
    Batch(Vec<(usize, Word, i64)>),
    /// Repeats that were answered from memory.
    Touch(usize, i64),
    /// An operation: of which node, on which incident, what, and what is wrong with it.
    Op(bool, usize, usize, Wrong),
    /// The timer's round, and how long ago the source spoke.
    Due(i64),
    /// A round after the clock was ahead.
    WrongClock,
    /// What is too old goes, after some days.
    Prune(i64),
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Fires,
    FiresUntilTakenBack,
    Ends,
    /// A fact, which a person closes.
    Fact,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    /// Sent before.
    Again,
    StaleBasis,
    Gap,
    Fork,
    NoSuchIncident,
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![3 => Just(Word::Fires), 1 => Just(Word::FiresUntilTakenBack), 3 => Just(Word::Ends), 1 => Just(Word::Fact)]
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![
        8 => Just(Wrong::Nothing), 1 => Just(Wrong::Again), 1 => Just(Wrong::StaleBasis),
        1 => Just(Wrong::Gap), 1 => Just(Wrong::Fork), 1 => Just(Wrong::NoSuchIncident)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec((0usize..12, word(), 0i64..90), 1..12).prop_map(Step::Batch),
        1 => (0usize..12, 0i64..300).prop_map(|(which, end)| Step::Touch(which, end)),
        5 => (any::<bool>(), 0usize..20, 0usize..6, wrong()).prop_map(|(node, on, act, wrong)| Step::Op(node, on, act, wrong)),
        6 => (0i64..900).prop_map(Step::Due),
        1 => Just(Step::WrongClock),
        1 => (1i64..450).prop_map(Step::Prune),
    ]
}

/// The end of a node's chain, as its console knows it, and what it sent last.
#[derive(Default, Clone)]
struct Chain {
    nseq: u64,
    hash: [u8; 32],
    last: Option<SignedOp>,
}

/// Two stores, and the world that speaks to them.
struct Twins {
    stores: [Desk; 2],
    clock: i64,
    chains: [Chain; 2],
    ops: u128,
}

impl Twins {
    async fn new() -> Self {
        let twins =
            Self { stores: [sqlite_by(rules()), memory_by(rules())], clock: 0, chains: Default::default(), ops: 0 };
        for store in &twins.stores {
            store.know("mira").await;
            let ben = Device { node: OTHER, user: UserName::parse("ben").unwrap(), public_key: [4; 32] };
            store.store.register(ben, super::token("bbbbbbbb")).await.unwrap();
        }
        twins
    }

    fn event(&self, which: usize, word: Word, late: i64) -> Event {
        let now = self.clock - late;
        let name = ["Down", "Slow", "Full"][which % 3];
        let end = match word {
            Word::Fires => End::Until(at(now + 240)),
            Word::FiresUntilTakenBack | Word::Fact => End::Open,
            Word::Ends => End::Ended(at(now)),
        };
        let mut alert = alert(name, &format!("i{which}"), now, end);
        if let Word::Fact = word {
            let labels = [("alertname", name), ("nightdesk", "instant"), ("severity", "critical")];
            alert.labels = Labels::new(labels, &LabelLimits::LABELS).unwrap();
        }
        let source = SourceName::parse(["prometheus", "alertmanager"][which / 6]).unwrap();
        Event::new(source, alert, &IdentityRule::default(), at(self.clock))
    }

    async fn op(&mut self, second: bool, on: usize, act: usize, wrong: Wrong) -> Option<SignedOp> {
        let (node, user) = if second { (OTHER, "ben") } else { (NODE, "mira") };
        let chain = self.chains[usize::from(second)].clone();
        if wrong == Wrong::Again {
            return chain.last;
        }
        let incidents = self.stores[0].incidents().await;
        let incident = incidents.get(on % incidents.len().max(1))?;
        let act = [
            Act::Ack,
            Act::Unack,
            Act::Note { text: "“naïve” \"quoted\"\n\u{1b}[0m".into() },
            Act::Resolve { force: false },
            Act::Resolve { force: true },
            Act::Unknown { kind: "later".into(), args: vec![0x80] },
        ][act]
            .clone();
        let mut one = op(incident, chain.nseq + 1, chain.hash, act).op;
        self.ops += 1;
        (one.op_id, one.node, one.actor) = (OpId(Uuid::from_u128(self.ops)), node, UserName::parse(user).unwrap());
        match wrong {
            Wrong::Nothing | Wrong::Again => {}
            Wrong::StaleBasis => one.basis.rev = one.basis.rev.saturating_sub(1),
            Wrong::Gap => one.nseq += 1,
            Wrong::Fork => one.prev_hash = [9; 32],
            Wrong::NoSuchIncident => one.incident = IncidentId(Uuid::from_u128(5)),
        }
        Some(SignedOp::sign(one, &key()))
    }

    async fn run(&mut self, step: &Step) {
        self.clock += 17;
        let now = at(self.clock);
        match step {
            Step::Batch(words) => {
                let events: Vec<Event> =
                    words.iter().map(|(which, word, late)| self.event(*which, *word, *late)).collect();
                let batch = Batch { now, events, quarantined: vec![refused(self.clock)] };
                self.both(|store| store.ingest(batch.clone())).await;
            }
            Step::Touch(which, end) => {
                let touch = Touch {
                    key: self.event(*which, Word::Fires, 0).key,
                    last_seen: now,
                    deliveries: 3,
                    ends_at: Some(at(self.clock + end)),
                };
                self.both(|store| store.touch(vec![touch.clone()], now)).await;
            }
            Step::Op(second, on, act, wrong) => {
                let Some(signed) = self.op(*second, *on, *act, *wrong).await else { return };
                let [answer, _] = self.both(|store| store.submit(vec![signed.clone()], now)).await;
                let chain = &mut self.chains[usize::from(*second)];
                if matches!(answer.answers[0].1, Pushed::Judged(_)) && *wrong != Wrong::Again {
                    *chain = Chain { nseq: signed.op.nseq, hash: signed.hash(), last: Some(signed) };
                }
            }
            Step::Due(ago) => {
                self.clock += 200;
                let (now, source) = (at(self.clock), SourceName::parse("prometheus").unwrap());
                let spoke = vec![(source, at(self.clock - ago))];
                self.both(|store| store.run_due(now, at(-1000), spoke.clone())).await;
            }
            Step::WrongClock => {
                let ahead = at(self.clock + 9_000_000);
                let spoke = vec![(SourceName::parse("prometheus").unwrap(), ahead)];
                self.both(|store| store.run_due(ahead, at(-1000), spoke.clone())).await;
                self.both(|store| store.run_due(now, now, Vec::new())).await;
            }
            Step::Prune(days) => {
                let then = at(self.clock + days * 86_400);
                self.both(|store| store.prune(then)).await;
            }
        }
    }

    /// Does the same to both and returns what they said, which must be the same.
    async fn both<'s, R: std::fmt::Debug + PartialEq, F: Future<Output = Result<R, StoreError>> + 's>(
        &'s self,
        does: impl Fn(&'s HubStore) -> F,
    ) -> [R; 2] {
        let [one, two] = &self.stores;
        let said = [does(&one.store).await.unwrap(), does(&two.store).await.unwrap()];
        assert_eq!(said[0], said[1]);
        said
    }

    async fn compare(&self) {
        for node in [NODE, OTHER] {
            let [whole, _] = self.both(|store| store.feed(0, 100_000, node)).await;
            self.both(|store| store.feed(whole.head / 2, 3, node)).await;
            self.both(|store| store.device(node)).await;
        }
        self.both(|store| store.head()).await;
        self.both(|store| store.burning(0, 100_000)).await;
        self.both(|store| store.burning(2, 2)).await;
        self.both(|store| store.quarantine(100_000)).await;
        self.both(|store| store.bearer("bbbbbbbb".to_owned())).await;
        self.both(|store| store.known()).await;
        let keys: Vec<_> = (0..12).map(|which| self.event(which, Word::Fires, 0).key).collect();
        self.both(|store| store.series(keys.clone())).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_back_ends_that_are_told_the_same_say_the_same(steps in proptest::collection::vec(step(), 1..40)) {
        runtime().block_on(async {
            let mut twins = Twins::new().await;
            for step in &steps {
                twins.run(step).await;
                twins.compare().await;
            }
        });
    }
}

#[test]
fn a_snapshot_goes_its_own_way_and_a_simulation_repeats_itself() {
    let mut hub = memory::MemoryHub::new(rules(), "epoch-1").unwrap();
    let batch =
        |instance: &str, second| Batch { now: at(second), events: vec![fires(instance, second)], ..Batch::default() };
    hub.ingest(batch("a", 0)).unwrap();
    let snapshot = hub.clone();
    let once = hub.ingest(batch("b", 1)).unwrap();
    assert!(!hub.same_rows(&snapshot));
    let mut again = snapshot.clone();
    assert_eq!(again.ingest(batch("b", 1)).unwrap(), once);
    assert!(hub.same_rows(&again));
    assert_eq!(snapshot.head().unwrap().seq, 3);
}

/// A back end below the hub's logic.
enum Bare {
    Sqlite { connection: rusqlite::Connection, _dir: TempDir },
    Memory(Box<MemoryTables>),
}

impl Bare {
    fn all() -> [Self; 2] {
        let dir = tempfile::tempdir().unwrap();
        let connection = sqlite::open(&dir.path().join("hub.db"), &sqlite::hub::SCHEMA).unwrap();
        [Self::Sqlite { connection, _dir: dir }, Self::Memory(Box::default())]
    }

    fn transaction(&mut self, work: impl Fn(&mut dyn Tables) -> Result<(), StoreError>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { connection, .. } => sqlite::hub::transaction(connection, |tables| work(tables)),
            Self::Memory(tables) => memory::transaction(tables, |tables| work(tables)),
        }
    }

    fn rows(&mut self) -> Vec<super::super::FeedRow> {
        let rows = std::cell::RefCell::default();
        self.transaction(|tables| {
            rows.replace(tables.changes(0, 1000, Some(NODE))?);
            Ok(())
        })
        .unwrap();
        rows.into_inner()
    }
}

fn incident(id: u128, number: u64, key: &str) -> Incident {
    let group = Group { key: key.into(), service: "api".into(), summary: "down".into() };
    Incident::open(IncidentId(Uuid::from_u128(id)), Number(number), group, at(0))
}

fn series_of(instance: &str, incident: Option<u128>) -> Series {
    let (mut series, _) = Series::begin(&fires(instance, 0));
    series.incident = incident.map(|id| IncidentId(Uuid::from_u128(id)));
    series
}

fn judged(tables: &mut dyn Tables, node: NodeId, id: u128, nseq: u64, seq: u64) -> Result<(), StoreError> {
    let mut one = op(&incident(1, 1, "a"), nseq, [0; 32], Act::Ack).op;
    (one.op_id, one.node) = (OpId(Uuid::from_u128(id)), node);
    let signed = SignedOp::sign(one, &key());
    let hash = signed.hash();
    tables.insert_op(&JudgedOp { seq, signed: &signed, hash, judged_at: at(0), verdict: &Verdict::Applied })
}

/// Incident 1 of group "a" at place 1 with series "a" (row 1) at place 2 and a line at 3; a console whose one operation is at 4.
fn furnish(tables: &mut dyn Tables) -> Result<(), StoreError> {
    tables.insert_incident(&incident(1, 1, "a"), 1)?;
    tables.insert_series(&series_of("a", Some(1)), 2)?;
    tables.insert_line(3, incident(1, 1, "a").id, &Line::by_hub(at(0), Told::Opened, "x"))?;
    tables.insert_device(&Device { node: NODE, user: mira(), public_key: [1; 32] }, at(0))?;
    tables.put_token(&bearer("aaaaaaaa", [1; 32]))?;
    tables.set_chain_end(NODE, &ChainEnd { nseq: 1, hash: [1; 32] })?;
    judged(tables, NODE, 1, 1, 4)
}

type Breach = fn(&mut dyn Tables) -> Result<(), StoreError>;

/// What must fail on furnished tables, each the only thing wrong in it.
const BREACHES: &[(&str, Breach)] = &[
    ("an open incident without a timer", |tables| {
        tables.insert_incident(&Incident { next_due_at: None, ..incident(2, 2, "b") }, 10)
    }),
    ("an incident that loses its timer", |tables| {
        let place = IncidentPlace::of(&incident(1, 1, "a"));
        tables.update_incident(&place, &Incident { next_due_at: None, ..incident(1, 1, "a") }, 10)
    }),
    ("an open incident without a key", |tables| {
        tables.insert_incident(&Incident { open_key: None, ..incident(2, 2, "b") }, 10)
    }),
    ("a resolved incident with a key", |tables| {
        tables.insert_incident(&Incident { life: Life::Resolved, ..incident(2, 2, "b") }, 10)
    }),
    ("an acked incident without an owner", |tables| {
        tables.insert_incident(&Incident { life: Life::Acked, ..incident(2, 2, "b") }, 10)
    }),
    ("two open incidents of a group", |tables| tables.insert_incident(&incident(2, 2, "a"), 10)),
    ("two incidents of an id", |tables| tables.insert_incident(&incident(1, 2, "b"), 10)),
    ("two incidents of a number", |tables| tables.insert_incident(&incident(2, 1, "b"), 10)),
    ("two incidents at a place", |tables| tables.insert_incident(&incident(2, 2, "b"), 1)),
    ("two series of a fingerprint", |tables| tables.insert_series(&series_of("a", Some(1)), 10)),
    ("two series at a place", |tables| tables.insert_series(&series_of("b", Some(1)), 2)),
    ("a series of no incident", |tables| tables.insert_series(&series_of("b", Some(2)), 10)),
    ("a series that goes to no incident", |tables| {
        let place = SeriesPlace { id: 1, incident: series_of("a", Some(1)).incident };
        tables.update_series(&place, &series_of("a", Some(2)), 10)
    }),
    ("a line of no incident", |tables| {
        tables.insert_line(10, incident(2, 2, "b").id, &Line::by_hub(at(0), Told::Opened, "x"))
    }),
    ("two lines at a place", |tables| {
        tables.insert_line(3, incident(1, 1, "a").id, &Line::by_hub(at(0), Told::Opened, "x"))
    }),
    ("an operation of no console", |tables| judged(tables, OTHER, 2, 1, 10)),
    ("two operations of an id", |tables| judged(tables, NODE, 1, 2, 10)),
    ("two operations of a number", |tables| judged(tables, NODE, 2, 1, 10)),
    ("two operations at a place", |tables| judged(tables, NODE, 2, 2, 4)),
    ("two consoles of a node", |tables| {
        tables.insert_device(&Device { node: NODE, user: mira(), public_key: [1; 32] }, at(0))
    }),
    ("two tokens of a hash", |tables| tables.put_token(&bearer("bbbbbbbb", [1; 32]))),
    ("two codes of a hash", |tables| {
        let user = mira();
        let code = Enrolment { hash: [3; 32], user, scope: Scope::Viewer, expires_at: at(9) };
        tables.put_enrolment(&code)?;
        tables.put_enrolment(&code)
    }),
];

fn bearer(id: &str, hash: [u8; 32]) -> Bearer {
    let token = NewToken { hash, ..super::token(id) };
    Bearer { token, user: mira(), node: NODE, last_used_at: at(0), public_key: None }
}

#[test]
fn every_back_end_keeps_the_rules_of_the_tables() {
    for mut bare in Bare::all() {
        bare.transaction(furnish).unwrap();
        let before = bare.rows();
        assert_eq!(before.len(), 4);
        for (what, breach) in BREACHES {
            let error = bare.transaction(|tables| {
                tables.insert_incident(&incident(9, 9, "before"), 9)?;
                breach(tables)
            });
            assert!(matches!(error, Err(StoreError::Broken { .. })), "{what}: {error:?}");
            assert_eq!(bare.rows(), before, "{what}: all of it was undone");
        }
    }
}

#[test]
fn what_was_undone_leaves_no_trace_in_memory() {
    let [_, Bare::Memory(mut tables)] = Bare::all() else { unreachable!("the second one") };
    let everything = |tables: &mut MemoryTables| {
        furnish(tables)?;
        tables.spoke(&SourceName::parse("x").unwrap(), at(5))?;
        tables.unsay_after(at(4))?;
        tables.next_number()?;
        tables.set_head(4)?;
        tables.put_token(&bearer("cccccccc", [8; 32]))?;
        tables.remove_token("aaaaaaaa")?;
        tables.set_revoked(NODE, 4, at(4))?;
        tables.insert_quarantined(&refused(1), 1)?;
        tables.insert_quarantined(&refused(2), 1)?;
        let mut over = incident(1, 1, "a");
        over.resolve(at(1), None);
        tables.update_incident(&IncidentPlace::of(&incident(1, 1, "a")), &over, 5)?;
        let mut ended = series_of("a", Some(1));
        ended.dismiss(at(1));
        tables.update_series(&SeriesPlace { id: 1, incident: ended.incident }, &ended, 6)?;
        assert_eq!((tables.prune_series(at(9), 10)?, tables.prune_incidents(at(9), 10)?), (1, 1));
        Ok(())
    };
    let before = tables.clone();
    let undone: Result<(), _> = memory::transaction(&mut tables, |tables| {
        everything(tables)?;
        Err(StoreError::Stopped)
    });
    assert!(matches!(undone, Err(StoreError::Stopped)));
    assert!(tables == before);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        memory::transaction(&mut tables, |tables| -> Result<(), StoreError> {
            everything(tables)?;
            panic!("in the middle")
        })
    }));
    assert!(panicked.is_err() && tables == before);
    memory::transaction(&mut tables, everything).unwrap();
    assert!(tables != before);
}

/// Reads something in a transaction of its own.
fn look<R: Default>(bare: &mut Bare, look: impl Fn(&dyn Tables) -> Result<R, StoreError>) -> R {
    let found = std::cell::RefCell::default();
    bare.transaction(|tables| {
        found.replace(look(tables)?);
        Ok(())
    })
    .unwrap();
    found.into_inner()
}

/// What the hub's rules would check again by themselves, and so does not show in what it says.
#[test]
fn every_back_end_finds_the_same_rows() {
    let source = SourceName::parse("prometheus").unwrap();
    let id = |number: u128| IncidentId(Uuid::from_u128(number));
    for mut bare in Bare::all() {
        bare.transaction(|tables| {
            for (number, due) in [(1, 30), (2, 20), (3, 30), (4, 20)] {
                let next_due_at = Some(at(due));
                let one = Incident { next_due_at, ..incident(number.into(), number, &format!("k{number}")) };
                tables.insert_incident(&one, number)?;
            }
            for (place, instance) in ["a", "b", "c", "d"].into_iter().enumerate() {
                let mut one = series_of(instance, Some(1));
                one.ends_at = Some(at([240, 200, 240, 220][place]));
                one.state = if instance == "d" { SeriesState::Unknown } else { SeriesState::Firing };
                tables.insert_series(&one, 10 + place as u64)?;
            }
            tables.spoke(&source, at(230))?;
            tables.spoke(&source, at(210))
        })
        .unwrap();
        let due = |bare: &mut Bare, max| look(bare, |tables| tables.due(at(30), max));
        assert_eq!(due(&mut bare, 9), [id(2), id(4), id(1), id(3)]);
        assert_eq!(due(&mut bare, 3), [id(2), id(4), id(1)]);
        assert_eq!(look(&mut bare, |tables| tables.due(at(29), 9)), [id(2), id(4)]);
        assert_eq!(look(&mut bare, |tables| tables.due_after(at(20), 1)), [id(1)]);
        assert!(look(&mut bare, |tables| tables.due_after(at(30), 9)).is_empty());

        let ran_out = |bare: &mut Bare, now, up, max| {
            let rows = look(bare, |tables| tables.ran_out(at(now), at(up), max));
            let spoke: Vec<_> = rows.iter().map(|row| row.spoke_at).collect();
            let instances: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
            let names = rows.iter().flat_map(|row| instances.iter().filter(|name| fires(name, 0).key == row.key));
            (names.cloned().collect::<String>(), spoke)
        };
        assert_eq!(ran_out(&mut bare, 240, 0, 9), ("bdac".into(), vec![at(230); 4]));
        assert_eq!(ran_out(&mut bare, 240, 0, 3).0, "bda");
        assert_eq!(ran_out(&mut bare, 239, -1, 9).0, "bd");
        assert_eq!(ran_out(&mut bare, 240, 1, 9).0, "", "the hub was away: each word gets its length again");
        bare.transaction(|tables| tables.unsay_after(at(229))).unwrap();
        assert_eq!(
            ran_out(&mut bare, 240, 0, 9),
            ("bac".into(), vec![Timestamp::default(); 3]),
            "d is unknown, and its source silent"
        );

        let burning = look(&mut bare, |tables| tables.burning(1, 2));
        assert_eq!(burning.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
        // Another series has the fingerprint of "b" already: nothing changes.
        let mut taken = series_of("a", Some(1));
        taken.fingerprint = series_of("b", None).fingerprint;
        bare.transaction(|tables| tables.rekey_series(1, &taken)).unwrap();
        let b = fires("b", 0).key;
        assert_eq!(look(&mut bare, |tables| tables.series(&b)).map(|row| row.id), Some(2));
        let mut free = series_of("a", Some(1));
        free.fingerprint = series_of("new", None).fingerprint;
        bare.transaction(|tables| tables.rekey_series(1, &free)).unwrap();
        let (old, new) = (fires("a", 0).key, fires("new", 0).key);
        assert_eq!(look(&mut bare, |tables| tables.series(&new)).map(|row| row.id), Some(1));
        assert_eq!(look(&mut bare, |tables| tables.series(&old)), None);

        bare.transaction(|tables| {
            for number in [1, 2, 4] {
                let mut over = incident(number.into(), number, "");
                let place = IncidentPlace::of(&over);
                over.resolve(at(40), None);
                tables.update_incident(&place, &over, 20 + number)?;
            }
            assert_eq!(tables.prune_incidents(at(40), 9)?, 0);
            assert_eq!(tables.prune_incidents(at(41), 1)?, 1);
            assert_eq!((tables.incident(id(2))?, tables.incident(id(4))?.is_some()), (None, true));
            assert_eq!(tables.prune_incidents(at(41), 9)?, 1, "series name incident 1");
            Ok(())
        })
        .unwrap();
        let left = look(&mut bare, |tables| Ok((tables.incident(id(1))?.is_some(), tables.incident(id(4))?.is_some())));
        assert_eq!(left, (true, false));
    }
}
