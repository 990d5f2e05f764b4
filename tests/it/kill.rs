//! `kill -9` of the hub right after an answer, at random moments under load: what was answered is there, in the state it was answered for.
//!
//! `NIGHTDESK_TEST_KILLS` says how often (default 50), `NIGHTDESK_TEST_SEED` brings a run back.
//!
//! Each series belongs to one sender, which waits for each answer. So what its state must be is known but for one request at most: the
//! one that the kill left without an answer, which may have happened or not.

pub mod journal;
pub mod sender;

use crate::support::database::Database;
use crate::support::hub::Hub;
use crate::support::random::Random;
use sender::{Chain, Sender};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const SENDERS: u64 = 4;
/// The kill comes right after an answer up to this one.
const ANSWERS_MAX: u64 = 80;
/// How long the load may take until the answer that the kill follows.
const LOAD_LIMIT: Duration = Duration::from_secs(20);

#[test]
fn what_was_answered_outlives_kill_9_at_any_moment() {
    let kills = crate::support::count("NIGHTDESK_TEST_KILLS", 50);
    let mut random = Random::announced("kill -9");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut hub = Hub::start(dir.path(), "[timing]\nflap_window = \"1s\"\n");
    let mut senders: Vec<Sender> = (0..SENDERS).map(|number| Sender::new(number, random.fork())).collect();
    let mut chain = Chain::introduce(&hub, random.fork());
    let began = Instant::now();
    for round in 1..=kills {
        let answers = 1 + random.below(ANSWERS_MAX);
        load_until_killed(&mut hub, &mut senders, &mut chain, answers);
        let database = Database::copy(&hub.data().join("hub.db"));
        nothing_lost(&database, &mut senders, &mut chain, round);
        hub.restart();
        chain.retry(&hub, round);
    }
    chain.retry_all(&hub);
    let alerts: u64 = senders.iter().map(|sender| sender.journal.answered).sum();
    let series: usize = senders.iter().map(|sender| sender.journal.len()).sum();
    println!(
        "{kills} kills in {:?}: {alerts} alerts of {series} series and {} operations answered",
        began.elapsed(),
        chain.answered()
    );
    assert!(alerts > kills && chain.answered() > 0, "the load did something");
    assert!(!hub.log().contains("panicked"), "{}", hub.log());
}

/// Finds everything that was answered, and settles what was in doubt by what is there.
#[track_caller]
pub fn nothing_lost(database: &Database, senders: &mut [Sender], chain: &mut Chain, round: u64) {
    whole(database);
    let wrong = wrong(database, senders, chain);
    assert!(wrong.is_empty(), "round {round}: {wrong:#?}");
    senders.iter_mut().for_each(|sender| sender.journal.settle(database));
    chain.look(database);
}

/// Returns what the database has otherwise than was answered.
pub fn wrong(database: &Database, senders: &[Sender], chain: &Chain) -> Vec<String> {
    senders.iter().flat_map(|sender| sender.journal.wrong(database)).chain(chain.wrong(database)).collect()
}

/// Lets all of them send until so many answers came, and kills the hub at that answer.
pub fn load_until_killed(hub: &mut Hub, senders: &mut [Sender], chain: &mut Chain, answers: u64) {
    let stop = AtomicBool::new(false);
    let (told, answered) = channel();
    let address = hub.address().to_owned();
    let token = hub.ingest_token();
    std::thread::scope(|scope| {
        for sender in senders {
            let (address, token, stop, told) = (&address, &token, &stop, told.clone());
            scope.spawn(move || {
                let mut answered = true;
                while answered && !stop.load(Ordering::SeqCst) {
                    answered = sender.send(address, token) && told.send(()).is_ok();
                }
            });
        }
        scope.spawn(|| {
            let mut answered = true;
            while answered && !stop.load(Ordering::SeqCst) {
                answered = chain.send(&address);
            }
        });
        for _ in 0..answers {
            answered.recv_timeout(LOAD_LIMIT).expect("the hub answers under load");
        }
        hub.kill9();
        stop.store(true, Ordering::SeqCst);
    });
}

/// The file is sound, and what its checks promise holds.
#[track_caller]
pub fn whole(database: &Database) {
    assert_eq!(database.one::<String>("PRAGMA integrity_check"), "ok");
    let none = [
        ("an open incident without a time", "SELECT count(*) FROM incident WHERE life <> 'resolved' AND next_due_at IS NULL"),
        ("an open incident without a key", "SELECT count(*) FROM incident WHERE (life = 'resolved') <> (open_key IS NULL)"),
        ("an acked incident without an owner", "SELECT count(*) FROM incident WHERE life = 'acked' AND owner IS NULL"),
        (
            "a firing series without an open incident",
            "SELECT count(*) FROM series LEFT JOIN incident ON incident.id = series.incident
             WHERE series.state IN ('firing', 'unknown') AND coalesce(incident.life, 'resolved') = 'resolved'",
        ),
        (
            "a row beyond the head of the feed",
            "SELECT count(*) FROM (SELECT seq FROM incident UNION ALL SELECT seq FROM series UNION ALL SELECT seq FROM line
             UNION ALL SELECT seq FROM op) WHERE seq > (SELECT seq FROM feed_head)",
        ),
        (
            "a tally that is not what its series are",
            "SELECT count(*) FROM incident WHERE life <> 'resolved' AND json_extract(body, '$.tally.firing') <>
             (SELECT count(*) FROM series WHERE series.incident = incident.id AND state = 'firing')",
        ),
    ];
    for (what, sql) in none {
        assert_eq!(database.one::<i64>(sql), 0, "{what}");
    }
}
