//! `kill -9` of consoles: what a person was told is saved stays saved, reaches the hub once, and is never done twice.
//!
//! `NIGHTDESK_TEST_CONSOLE_KILLS` says how many are killed (default 30). Two people act, by commands and on a screen, several processes
//! of one person at once; meanwhile the wire to the hub is whole, cut, or keeps the answers back.

use crate::support::alerts::firing;
use crate::support::database::Database;
use crate::support::hub::Hub;
use crate::support::mirror::{dump, in_folder};
use crate::support::person::Person;
use crate::support::proxy::{Proxy, Way};
use crate::support::random::Random;
use crate::support::until;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::op::Act;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
/// A process is killed up to so long after its start; a whole command takes about that.
const LIFE_MAX_MS: u64 = 150;
const INCIDENTS: [&str; 3] = ["DiskFull", "LogFull", "ProbeDown"];

#[test]
fn what_a_killed_console_had_saved_is_done_once() {
    let kills = crate::support::count("NIGHTDESK_TEST_CONSOLE_KILLS", 30);
    let mut random = Random::announced("kill -9 of consoles");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    INCIDENTS.iter().for_each(|name| hub.alert(&[firing(name, &[])]));
    let mut desks: Vec<Desk> = ["mira", "jonas"].map(|name| Desk::open(&hub, &dir.path().join(name), name)).into();
    let (began, mut killed) = (Instant::now(), 0);
    for round in 0.. {
        if killed >= kills {
            break;
        }
        for desk in &mut desks {
            let answers = desk.weather(&mut random);
            killed += desk.round(&mut random, answers);
            desk.compare(round);
        }
    }
    for desk in &mut desks {
        desk.wire.heal();
        until("everything to be delivered", LIMIT, || {
            desk.person.list();
            let mirror = Database::copy(&in_folder(&desk.person.data()));
            (mirror.one::<i64>("SELECT count(*) FROM op WHERE verdict IS NULL") == 0).then_some(())
        });
        desk.compare(u64::MAX);
    }
    let (said, known): (usize, usize) =
        desks.iter().fold((0, 0), |(said, known), desk| (said + desk.saved.len(), known + desk.ops.len()));
    println!(
        "{killed} consoles killed in {:?}: {known} operations written, {said} notes told to be saved",
        began.elapsed()
    );
    assert!(known > 0 && said > 0, "something was done");
    at_the_hub_once(hub, &desks);
}

/// Each operation of both mirrors is at the hub, once, with the verdict that the mirror holds; and each note stands once.
fn at_the_hub_once(mut hub: Hub, desks: &[Desk]) {
    // The hub goes on meanwhile: that one of them was there is itself something that the other learns.
    until("both mirrors to hold the same", LIMIT, || {
        desks.iter().for_each(|desk| drop(desk.person.list()));
        let [one, other] = [0, 1].map(|desk| dump(&in_folder(&desks[desk].person.data())));
        (one == other).then_some(())
    });
    assert!(hub.terminate().success());
    let database = Database::copy(&hub.data().join("hub.db"));
    let stored: BTreeMap<[u8; 16], String> =
        database.pairs("SELECT op_id, hex(hash) || ' ' || verdict FROM op", ()).into_iter().collect();
    let known: BTreeMap<[u8; 16], String> = desks.iter().flat_map(|desk| desk.ops.clone()).collect();
    assert_eq!(stored, known, "the hub has what the mirrors have, and nothing else");
    let notes = |sql: &str| database.pairs::<String, i64>(sql, ());
    let lines = notes(
        "SELECT json_extract(body, '$.text'), count(*) FROM line WHERE json_extract(body, '$.told') = 'note' GROUP BY 1",
    );
    let twice: Vec<_> = lines.iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let stand: BTreeSet<&String> = lines.iter().map(|(text, _)| text).collect();
    let lost: Vec<&String> = desks.iter().flat_map(|desk| &desk.saved).filter(|text| !stand.contains(text)).collect();
    assert!(lost.is_empty(), "notes that were told to be saved and do not stand: {lost:?}");
}

/// One person's home behind a wire of its own.
struct Desk {
    person: Person,
    wire: Proxy,
    name: String,
    noted: u64,
    /// Notes whose command ended and said that they are saved or confirmed.
    saved: BTreeSet<String>,
    /// Every operation that the mirror ever held: its hash, and the verdict once there is one.
    ops: BTreeMap<[u8; 16], String>,
}

impl Desk {
    fn open(hub: &Hub, home: &std::path::Path, name: &str) -> Self {
        let wire = Proxy::before(hub.address());
        let person = Person::through(hub, &wire, home, name);
        assert_eq!(person.list().len(), INCIDENTS.len());
        Self { person, wire, name: name.to_owned(), noted: 0, saved: BTreeSet::new(), ops: BTreeMap::new() }
    }

    /// Changes the wire; returns whether a request ends soon, answered or refused.
    fn weather(&mut self, random: &mut Random) -> bool {
        self.wire.heal();
        match random.below(4) {
            0 => self.wire.cut(),
            1 => self.wire.hold(Way::Down),
            _ => return true,
        }
        self.wire.is_cut()
    }

    /// Lets several processes of the person act, and kills some; returns how many.
    fn round(&mut self, random: &mut Random, answers: bool) -> u64 {
        let mut killed = 0;
        let mut screen = (random.below(3) == 0).then(|| self.person.pty(80, 24));
        if let Some(screen) = &mut screen {
            screen.wait_for(LIMIT, |screen| screen.contains("burns"));
        }
        let commands: Vec<(Child, Option<String>)> = (0..1 + random.below(3)).map(|_| self.command(random)).collect();
        if let Some(screen) = &mut screen {
            let number = self.noted + 1;
            self.noted = number;
            screen.write(["a", "jn", "n"][random.below(3) as usize].as_bytes());
            screen.write(format!("{} types {number}\r", self.name).as_bytes());
        }
        let began = Instant::now();
        for (mut child, note) in commands {
            // Some are left to end: what they say counts. Where no answer comes that would take long.
            let life = (!answers || random.below(3) > 0).then(|| Duration::from_millis(random.below(LIFE_MAX_MS)));
            match ended(&mut child, life.map(|life| life.saturating_sub(began.elapsed()))) {
                Some(0 | 3 | 4) => self.saved.extend(note),
                Some(code) => panic!("a command of {} ended with {code}", self.name),
                None => killed += 1,
            }
        }
        if let Some(mut screen) = screen {
            screen.kill9();
            killed += 1;
        }
        killed
    }

    fn command(&mut self, random: &mut Random) -> (Child, Option<String>) {
        let number = (1 + random.below(INCIDENTS.len() as u64)).to_string();
        self.noted += 1;
        let text = format!("{} {}", self.name, self.noted);
        let (args, note): (Vec<&str>, _) = match random.below(8) {
            0 => (vec!["ack", &number], None),
            1 => (vec!["unack", &number], None),
            2 => (vec!["snooze", &number, "--for", "1h"], None),
            3 => (vec!["severity", &number, "--to", "S3"], None),
            _ => (vec!["note", &number, &text], Some(text.clone())),
        };
        (self.person.start(&args), note)
    }

    /// Finds everything in the mirror that ever was there, as it was; and what a command said it saved.
    fn compare(&mut self, round: u64) {
        let mirror = Database::copy(&in_folder(&self.person.data()));
        assert_eq!(mirror.one::<String>("PRAGMA integrity_check"), "ok");
        assert_eq!(
            mirror.one::<i64>("SELECT coalesce(max(nseq), 0) - count(*) FROM op"),
            0,
            "round {round}: a hole in the chain"
        );
        let now: BTreeMap<[u8; 16], String> =
            mirror.pairs("SELECT op_id, hex(hash) || coalesce(' ' || verdict, '') FROM op", ()).into_iter().collect();
        for (op_id, before) in &self.ops {
            let kept = now.get(op_id).is_some_and(|now| now.starts_with(before.as_str()));
            assert!(kept, "round {round}: {} had {before} and has {:?}", self.name, now.get(op_id));
        }
        self.ops = now;
        let bytes = mirror.pairs::<i64, Vec<u8>>("SELECT nseq, bytes FROM op", ());
        let texts: BTreeSet<String> = bytes.into_iter().filter_map(|(_, bytes)| note(bytes)).collect();
        let lost: Vec<&String> = self.saved.iter().filter(|text| !texts.contains(*text)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} were told to be saved");
    }
}

fn note(bytes: Vec<u8>) -> Option<String> {
    match SignedOp::read(bytes).expect("an operation").op.act {
        Act::Note { text } => Some(text),
        _ => None,
    }
}

/// Returns how the process ended, or `None` when it was killed after `life`.
fn ended(child: &mut Child, life: Option<Duration>) -> Option<i32> {
    let limit = life.unwrap_or(LIMIT);
    let ended = crate::support::try_until(limit, || child.try_wait().expect("a child can be asked"));
    if ended.is_none() {
        let _ = child.kill();
        let status = child.wait().expect("a child can be awaited");
        assert!(life.is_some(), "a command still ran after {LIMIT:?}");
        // It may have ended in the very moment.
        return status.code();
    }
    ended.and_then(|status| status.code())
}
