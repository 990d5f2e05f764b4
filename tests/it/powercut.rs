//! The power goes at random moments: what a hub answered, and what a console saved, is on the disk.
//!
//! `NIGHTDESK_TEST_CUTS` says how often (default 20), `NIGHTDESK_TEST_SEED` brings the choices of a run back.
//!
//! The real programs run under a recorder (`recorder.c`) that writes down what they do to their files. A power cut is SIGKILL, and then
//! the files are laid anew as a disk would hold them that lost what was not synced (`disk.rs`): all of it, or sector by sector by the
//! toss of a coin. The log also tells what the disk held at any earlier moment, the middle of a checkpoint for example.
//!
//! That the test bites: the same program with nothing changed but `synchronous = NORMAL` loses what it answered.

mod disk;
mod machine;
mod recording;

use crate::kill::chain::Chain;
use crate::kill::sender::Sender;
use crate::kill::{load_until_killed, nothing_lost, whole, wrong};
use crate::support::alerts::firing;
use crate::support::database::Database;
use crate::support::hub::Hub;
use crate::support::person::{Person, number};
use crate::support::pty::Pty;
use crate::support::random::Random;
use crate::support::{count, try_until, until};
use disk::{Left, files_below};
use machine::{Machine, Synchronous, on_disk};
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::op::Act;
use serde_json::json;
use std::path::Path;
use std::slice::{from_mut, from_ref};
use std::time::{Duration, Instant};

const SENDERS: u64 = 4;
/// The power goes right after an answer up to this one.
const ANSWERS_MAX: u64 = 80;
const HUB_TOML: &str = "[timing]\nflap_window = \"1s\"\n";
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn what_a_hub_answered_outlives_a_power_cut_at_any_moment() {
    let cuts = count("NIGHTDESK_TEST_CUTS", 20);
    let mut random = Random::announced("power cut");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut machine = Machine::new(&dir.path().join("data"), Synchronous::Full, random.fork());
    let mut hub = Hub::start_as(machine.program(), dir.path(), HUB_TOML);
    let mut senders: Vec<Sender> = (0..SENDERS).map(|number| Sender::new(number, random.fork())).collect();
    let mut chain = Chain::introduce(&hub, random.fork());
    let identity = machine.identity();
    assert_eq!(identity.len(), 3, "the hub's key and two tokens: {:?}", identity.keys());
    let began = Instant::now();
    for round in 1..=cuts {
        let answers = 1 + random.below(ANSWERS_MAX);
        load_until_killed(&mut hub, &mut senders, from_mut(&mut chain), answers);
        machine.catch_up();
        if round > 1 {
            machine.at_moments("hub.db", whole);
        }
        machine.cut(Left::any(&mut random));
        assert!(machine.identity() == identity, "round {round}: another key or token");
        nothing_lost(&Database::copy(&hub.data().join("hub.db")), &mut senders, from_mut(&mut chain), round);
        hub.restart();
        chain.retry(&hub, round);
    }
    chain.retry_all(&hub);
    machine.nothing_missed();
    assert!(hub.terminate().success());
    let alerts: u64 = senders.iter().map(|sender| sender.journal.answered).sum();
    println!("{cuts} cuts in {:?}: {alerts} alerts and {} operations answered", began.elapsed(), chain.answered());
    assert!(alerts > cuts && chain.answered() > 0, "the load did something");
    assert!(!hub.log().contains("panicked"), "{}", hub.log());
}

/// Returns, for each kind of cut, what a hub lost that had its tables on the disk and then answered a little: too little for a
/// checkpoint.
fn lost_by_a_hub(synchronous: Synchronous) -> Vec<Vec<String>> {
    let mut random = Random::announced("power cut of a hub");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut machine = Machine::new(&dir.path().join("data"), synchronous, random.fork());
    let mut hub = Hub::start_as(machine.program(), dir.path(), HUB_TOML);
    let mut senders = [Sender::new(0, random.fork())];
    let mut chain = Chain::introduce(&hub, random.fork());
    load_until_killed(&mut hub, &mut senders, from_mut(&mut chain), 10);
    machine.settle();
    nothing_lost(&Database::copy(&hub.data().join("hub.db")), &mut senders, from_mut(&mut chain), 0);
    hub.restart();
    assert!((0..3).all(|_| chain.send(hub.address())), "operations are answered");
    load_until_killed(&mut hub, &mut senders, from_mut(&mut chain), 5);
    machine.catch_up();
    let cuts = [Left::Nothing, Left::Sectors(512), Left::Sectors(4096)];
    let look = |database: &Database| {
        whole(database); // NORMAL forgets; it breaks nothing
        wrong(database, &senders, from_ref(&chain))
    };
    cuts.into_iter().map(|left| on_disk(&machine.if_cut(left), "hub.db", look)).collect()
}

#[test]
fn a_hub_that_does_not_sync_each_commit_loses_what_it_answered() {
    let none: Vec<Vec<String>> = vec![Vec::new(); 3];
    assert_eq!(lost_by_a_hub(Synchronous::Full), none);
    for lost in lost_by_a_hub(Synchronous::Normal) {
        let operations = lost.iter().filter(|what| what.contains(" was answered to ")).count();
        assert!(operations >= 3, "every operation since the last sync is lost: {lost:#?}");
    }
}

/// A hub, and mira, whose home is on a machine of its own.
struct Offline {
    hub: Hub,
    mira: Person,
    machine: Machine,
    /// What she did while the hub was away and was told is saved.
    saved: Vec<Act>,
    number: String,
}

impl Offline {
    /// Lets mira see one incident; then the hub is gone.
    fn begin(dir: &Path, synchronous: Synchronous, random: Random) -> Self {
        let mut hub = Hub::start(&dir.join("hub"), "");
        let machine = Machine::new(&dir.join("mira"), synchronous, random);
        let mira = Person::near(&hub, &machine.root, "mira").running(machine.program());
        hub.alert(&[firing("DiskFull", &[])]);
        let number = number(&mira.list()[0]);
        hub.kill9();
        Self { hub, mira, machine, saved: Vec::new(), number }
    }

    /// Opens her console, which shows what is mirrored.
    fn console(&self) -> Pty {
        let console = self.mira.pty(120, 40);
        console.wait_for(LIMIT, |screen| screen.contains("DiskFull burns"));
        console
    }

    /// Acknowledges by key; the screen says that it waits.
    fn ack(&mut self, console: &mut Pty) {
        until("the answer to a", LIMIT, || {
            console.write(b"a"); // a verb on what changed just now is refused for 700 ms
            try_until(Duration::from_millis(500), || console.screen_text().contains("NEW>ack").then_some(()))
        });
        self.saved.push(Act::Ack);
    }

    /// Notes something by a command, which says that it is saved here.
    fn note(&mut self) {
        let text = format!("note {}", self.saved.len());
        let ended = self.mira.run(&["note", &self.number, &text]);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        self.saved.push(Act::Note { text });
    }

    /// Returns the name of the mirror below her home.
    fn mirror(&self) -> String {
        let mut names = files_below(&self.machine.root).into_iter();
        names.find(|name| name.contains("mirror-") && name.ends_with(".db")).expect("a mirror")
    }

    /// Returns which of what was saved a database, hers or the hub's, does not have once.
    fn lost(&self, database: &Database) -> Vec<Act> {
        assert_eq!(database.one::<String>("PRAGMA integrity_check"), "ok");
        let stored = database.pairs::<Vec<u8>, i64>("SELECT bytes, nseq FROM op", ());
        let act = |bytes: Vec<u8>| SignedOp::read(bytes).expect("a stored operation can be read").op.act;
        let stored: Vec<Act> = stored.into_iter().map(|(bytes, _)| act(bytes)).collect();
        let times = |act: &Act| stored.iter().filter(|one| *one == act).count();
        self.saved.iter().filter(|act| times(act) != 1).cloned().collect()
    }

    /// Brings the hub back, lets mira's next command deliver, and takes the hub away again.
    fn deliver(&mut self) {
        self.hub.restart();
        let incident = self.mira.list().remove(0);
        assert_eq!((&incident["sync"], &incident["owner"]), (&json!("confirmed"), &json!("mira")));
        self.hub.kill9();
        let lost = self.lost(&Database::copy(&self.hub.data().join("hub.db")));
        assert!(lost.is_empty(), "not delivered: {lost:?}");
    }
}

#[test]
fn what_a_console_saved_without_a_hub_outlives_a_power_cut_and_is_delivered() {
    let cuts = (count("NIGHTDESK_TEST_CUTS", 20) / 3).max(2);
    let mut random = Random::announced("power cut of a console");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut offline = Offline::begin(dir.path(), Synchronous::Full, random.fork());
    let identity = offline.machine.identity();
    assert_eq!(identity.len(), 2, "the device's key and the hub it met: {:?}", identity.keys());
    for round in 0..cuts {
        let mut console = (round % 2 == 0).then(|| offline.console());
        if let Some(console) = console.as_mut().filter(|_| round == 0) {
            offline.ack(console);
        }
        (0..random.below(3)).for_each(|_| offline.note());
        if let Some(mut console) = console {
            console.kill9();
        }
        offline.machine.cut(Left::any(&mut random));
        assert!(offline.machine.identity() == identity, "round {round}: another key");
        let mirror = Database::copy(&offline.machine.root.join(offline.mirror()));
        let lost = offline.lost(&mirror);
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        if round % 2 == 1 || round + 1 == cuts {
            offline.deliver();
        }
    }
    offline.machine.nothing_missed();
    println!("{cuts} cuts, {} operations saved", offline.saved.len());
}

/// Returns, for each kind of cut, what a console lost that was open while commands of the same person saved.
fn lost_by_a_console(synchronous: Synchronous) -> Vec<Vec<Act>> {
    let mut random = Random::announced("power cut of a console");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut offline = Offline::begin(dir.path(), synchronous, random.fork());
    offline.machine.settle();
    // Open, so that a command is not the last to close the mirror: the last one checkpoints.
    let mut console = offline.console();
    (0..3).for_each(|_| offline.note());
    console.kill9();
    offline.machine.catch_up();
    let (mirror, cuts) = (offline.mirror(), [Left::Nothing, Left::Sectors(512), Left::Sectors(4096)]);
    let after = cuts.map(|left| offline.machine.if_cut(left));
    after.iter().map(|disk| on_disk(disk, &mirror, |database| offline.lost(database))).collect()
}

#[test]
fn a_console_that_does_not_sync_each_commit_loses_what_it_saved() {
    let lost = |synchronous| lost_by_a_console(synchronous).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lost(Synchronous::Full), [0, 0, 0]);
    assert_eq!(lost(Synchronous::Normal), [3, 3, 3], "everything since the last sync");
}
