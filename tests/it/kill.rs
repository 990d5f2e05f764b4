//! `kill -9` of the hub right after an answer, at random moments under load: what was answered is there, in the state it was answered for.
//!
//! `NIGHTDESK_TEST_KILLS` says how often (default 25), `NIGHTDESK_TEST_SEED` brings a run back.
//!
//! Each series belongs to one sender, which waits for each answer. So what its state must be is known but for one request at most: the
//! one that the kill left without an answer, which may have happened or not.

pub mod chain;
mod consoles;
pub mod journal;
mod pages;
pub mod sender;

use crate::support::database::Database;
use crate::support::hub::Hub;
use crate::support::provider::Provider;
use crate::support::random::Random;
use chain::Chain;
use sender::{CALLS, Sender};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const SENDERS: u64 = 4;
/// Who acts; the first two are called.
const PEOPLE: [&str; 3] = ["mira", "jonas", "lena"];
/// How soon what is due is at the provider, retries and a lease that ran out included.
const PAGE_LIMIT: Duration = Duration::from_secs(30);
/// The kill comes right after an answer up to this one.
const ANSWERS_MAX: u64 = 80;
/// How long the load may take until the answer that the kill follows.
const LOAD_LIMIT: Duration = Duration::from_secs(20);

/// Short spans, so that levels, leases and wakes happen while it is killed.
const CONFIG: &str = r#"
[timing]
flap_window = "1s"
seen_within = "2s"
[paging]
bundle = "1s"
lease = "2s"
[[level]]
call = ["mira"]
within = "2s"
[[level]]
call = ["jonas"]
within = "3s"
[[person]]
name = "mira"
chain = [{ channel = "phone" }]
[[person]]
name = "jonas"
chain = [{ channel = "phone" }]
[[person]]
name = "lena"
chain = [{ channel = "phone" }]
[[channel]]
name = "phone"
kind = "webhook"
format = "json"
url_file = "phone.url"
timeout = "1s"
retry = ["1s", "1s", "1s"]
"#;

#[test]
fn what_was_answered_outlives_kill_9_at_any_moment() {
    let kills = crate::support::count("NIGHTDESK_TEST_KILLS", 25);
    let mut random = Random::announced("kill -9");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let provider = Provider::start();
    crate::support::hub::secret(dir.path(), "phone.url", &provider.url("/phone"));
    let mut hub = Hub::start(dir.path(), CONFIG);
    let mut senders: Vec<Sender> = (0..SENDERS).map(|number| Sender::new(number, random.fork())).collect();
    let mut chains = Chain::crew(&hub, &PEOPLE, &mut random);
    let (began, mut under_load) = (Instant::now(), Duration::ZERO);
    for round in 1..=kills {
        let answers = 1 + random.below(ANSWERS_MAX);
        if random.below(4) == 0 {
            provider.answer_with(&[500]);
        }
        let loaded = Instant::now();
        load_until_killed(&mut hub, &mut senders, &mut chains, answers);
        under_load += loaded.elapsed();
        let database = Database::copy(&hub.data().join("hub.db"));
        nothing_lost(&database, &mut senders, &mut chains, round);
        hub.restart();
        chains.iter_mut().for_each(|chain| chain.retry(&hub, round));
    }
    chains.iter().for_each(|chain| chain.retry_all(&hub));
    let alerts: u64 = senders.iter().map(|sender| sender.journal.answered).sum();
    let series: usize = senders.iter().map(|sender| sender.journal.len()).sum();
    let operations: usize = chains.iter().map(Chain::answered).sum();
    println!(
        "{kills} kills in {:?}: {alerts} alerts of {series} series and {operations} operations answered, {:.0} alerts/s and {:.0} operations/s under load",
        began.elapsed(),
        alerts as f64 / under_load.as_secs_f64(),
        operations as f64 / under_load.as_secs_f64(),
    );
    let mut kinds = BTreeMap::new();
    chains.iter().for_each(|chain| chain.count(&mut kinds));
    println!("{kinds:?}");
    assert!(alerts > kills && operations > 0, "the load did something");
    everybody_was_called(&mut hub, &provider);
    assert!(!hub.log().contains("panicked"), "{}", hub.log());
}

/// What was due when the load ended is at the provider a little later.
fn everybody_was_called(hub: &mut Hub, provider: &Provider) {
    let ended = jiff::Timestamp::now().as_millisecond();
    let database = crate::support::until("what was due to be sent", PAGE_LIMIT, || {
        hub.kill9();
        let database = Database::copy(&hub.data().join("hub.db"));
        hub.restart();
        let late = format!("SELECT count(*) FROM page WHERE due_at <= {ended}");
        let uncalled = format!("SELECT count(*) FROM incident WHERE next_due_at <= {ended}");
        let done = database.one::<i64>(&late) == 0 && database.one::<i64>(&uncalled) == 0;
        // Between two looks it needs time to do something.
        done.then_some(database).or_else(|| crate::support::try_until(Duration::from_secs(2), || None))
    });
    whole(&database);
    let silent = format!(
        "SELECT count(*) FROM incident WHERE json_extract(body, '$.summary') LIKE '{CALLS}-%' AND id NOT IN (SELECT incident FROM page)
         AND id NOT IN (SELECT incident FROM op)"
    );
    assert_eq!(database.one::<i64>(&silent), 0, "an incident that nobody touched called nobody");
    let (sent, messages) = pages::compare(provider, "/phone", &database);
    println!("{sent} pages were sent in {messages} messages");
    assert!(sent > 0 && messages > 0, "somebody was called");
}

/// Finds everything that was answered, and settles what was in doubt by what is there.
#[track_caller]
pub fn nothing_lost(database: &Database, senders: &mut [Sender], chains: &mut [Chain], round: u64) {
    whole(database);
    let wrong = wrong(database, senders, chains);
    assert!(wrong.is_empty(), "round {round}: {wrong:#?}");
    senders.iter_mut().for_each(|sender| sender.journal.settle(database));
    chains.iter_mut().for_each(|chain| chain.look(database));
}

/// Returns what the database has otherwise than was answered.
pub fn wrong(database: &Database, senders: &[Sender], chains: &[Chain]) -> Vec<String> {
    senders
        .iter()
        .flat_map(|sender| sender.journal.wrong(database))
        .chain(chains.iter().flat_map(|chain| chain.wrong(database)))
        .collect()
}

/// Lets all of them send until so many answers came, and kills the hub at that answer.
pub fn load_until_killed(hub: &mut Hub, senders: &mut [Sender], chains: &mut [Chain], answers: u64) {
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
        for chain in chains {
            let (address, stop) = (&address, &stop);
            scope.spawn(move || {
                let mut answered = true;
                while answered && !stop.load(Ordering::SeqCst) {
                    answered = chain.send(address);
                }
            });
        }
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
             UNION ALL SELECT seq FROM op UNION ALL SELECT seq FROM page) WHERE seq > (SELECT seq FROM feed_head)",
        ),
        (
            "a tally that is not what its series are",
            "SELECT count(*) FROM incident WHERE life <> 'resolved' AND json_extract(body, '$.tally.firing') <>
             (SELECT count(*) FROM series WHERE series.incident = incident.id AND state = 'firing')",
        ),
    ];
    for (what, sql) in none.into_iter().chain(pages::NONE).chain([("a note that stands twice", pages::TWICE)]) {
        assert_eq!(database.one::<i64>(sql), 0, "{what}");
    }
}
