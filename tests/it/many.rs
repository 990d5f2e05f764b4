//! A thousand consoles and a hub that dies: all of them are current again within a minute, and alerts go on being taken meanwhile.
//!
//! The consoles live in this process: the client of our own sync code, the same steps and pauses as `sync::console`, but without a
//! screen. A few of them keep a real mirror, which must hold at the end what a fresh console reads; the others keep their cursor and
//! check that no page leaves a hole. `NIGHTDESK_TEST_CONSOLES` says how many there are.

mod follower;
mod load;

use crate::support::hub::Hub;
use crate::support::measure;
use crate::support::mirror::dump;
use crate::support::{count, try_until, until};
use follower::{Board, Follower};
use load::Load;
use nightdesk::sync::client::{HubAddress, HubClient};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What is promised: all current so long after the hub's start.
const PROMISED: Duration = Duration::from_secs(60);
/// For what is no promise: the first start, the end of the load.
const LIMIT: Duration = Duration::from_secs(120);
/// Consoles that keep a real mirror.
const WHOLE: usize = 3;
/// Two of the thousand are on call: an incident calls somebody, and not a thousand people.
const DUTY: &str = "[[level]]\ncall = [\"crowd-0\", \"crowd-1\"]\nwithin = \"5m\"\n";
/// Alerts answered before the hub is killed, and after all are current.
const ALERTS: usize = 400;

#[test]
fn a_thousand_consoles_are_current_within_a_minute_of_a_restart() {
    let consoles = count("NIGHTDESK_TEST_CONSOLES", 250) as usize;
    let dir = tempfile::tempdir().expect("a temporary folder");
    measure::raise_open_files();
    let mut hub = Hub::start(&dir.path().join("hub"), DUTY);
    let crowd = Crowd::gather(&hub, dir.path(), consoles);
    let gathered = crowd.gathered();
    println!("{consoles} consoles met the hub and were current after {gathered:?}");

    let load = Load::start(hub.address(), &hub.ingest_token());
    load.wait_for(ALERTS);
    hub.kill9();
    let killed = Instant::now();
    until("every console to notice", LIMIT, || (crowd.connected() == 0).then_some(()));
    let began = Instant::now();
    hub.restart();
    let ready = Instant::now();
    let after = try_until(PROMISED, || crowd.current_since(killed).then(|| began.elapsed()));
    let (p50, last) = crowd.times(killed, began);
    let answered = load.answered();
    println!(
        "{consoles} consoles current again: half {p50:?}, all {last:?} after the hub's start (ready after {:?})",
        ready - began
    );
    assert!(after.is_some(), "{} of {consoles} consoles are not current after {PROMISED:?}", crowd.behind(killed));
    load.wait_for(answered + ALERTS);
    let memory = measure::memory(hub.id());
    let (names, report) = load.stop(ready);
    println!("{report}; hub {:.0} MiB now, {:.0} MiB at most", memory.now, memory.most);

    let head = until("every console to reach the head", LIMIT, || crowd.common_head(hub_head(&hub)));
    println!(
        "all consoles at change {head}; {} pages of {} KiB pulled",
        crowd.board.pages(),
        crowd.board.bytes() / 1024
    );
    let mirrors = crowd.leave();
    assert!(mirrors.len() == WHOLE.min(consoles) && mirrors.iter().all(|mirror| dump(mirror) == dump(&mirrors[0])));
    let fresh = Follower::fresh(&hub, &dir.path().join("fresh.db"));
    assert!(dump(&mirrors[0]) == dump(&fresh), "a fresh console reads what the old ones know");
    let known = dump(&fresh);
    let lost: Vec<&String> = names.iter().filter(|name| !known.contains(&format!("\"{name}\""))).collect();
    assert!(lost.is_empty(), "{} answered alerts are gone, {:?}", lost.len(), lost.first());
    assert!(!hub.log().contains("panicked"), "{}", hub.log());
}

/// All consoles on one runtime.
struct Crowd {
    board: Arc<Board>,
    stop: CancellationToken,
    tasks: TaskTracker,
    runtime: tokio::runtime::Runtime,
    mirrors: Vec<std::path::PathBuf>,
}

impl Crowd {
    fn gather(hub: &Hub, dir: &Path, consoles: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let board = Arc::new(Board::new(consoles));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let mut mirrors = Vec::new();
        for place in 0..consoles {
            let path = (place < WHOLE).then(|| dir.join(format!("mirror-{place}.db")));
            mirrors.extend(path.clone());
            let follower = Follower::new(client(hub), &hub.admin_token(), place, path.as_deref());
            let (board, stop) = (Arc::clone(&board), stop.clone());
            tasks.spawn_on(follower.follow(board, stop), runtime.handle());
        }
        Self { board, stop, tasks, runtime, mirrors }
    }

    /// Waits until each of them was told that there is nothing newer, and returns when that was.
    fn gathered(&self) -> Duration {
        let began = self.board.began();
        until("every console to be current", LIMIT, || self.current_since(began).then_some(()));
        began.elapsed()
    }

    fn current_since(&self, since: Instant) -> bool {
        self.behind(since) == 0
    }

    fn behind(&self, since: Instant) -> usize {
        let current = |place: &follower::Place| place.current_after(self.board.began(), since).is_some();
        self.board.places.iter().filter(|place| !current(place)).count()
    }

    fn connected(&self) -> usize {
        self.board.places.iter().filter(|place| place.connected.load(Ordering::SeqCst)).count()
    }

    /// Returns when half and all of them were current, counted from `began`.
    fn times(&self, since: Instant, began: Instant) -> (Duration, Duration) {
        let at = |place: &follower::Place| place.current_after(self.board.began(), since);
        let mut times: Vec<Duration> =
            self.board.places.iter().filter_map(at).map(|at| at.saturating_duration_since(began)).collect();
        times.sort_unstable();
        let nth = |index: usize| times.get(index).copied().unwrap_or_default();
        (nth(times.len() / 2), nth(times.len().saturating_sub(1)))
    }

    fn common_head(&self, head: u64) -> Option<u64> {
        let there = |place: &follower::Place| place.cursor.load(Ordering::SeqCst) >= head;
        self.board.places.iter().all(there).then_some(head)
    }

    /// Ends them all, and returns the files of the real mirrors.
    fn leave(self) -> Vec<std::path::PathBuf> {
        self.stop.cancel();
        self.tasks.close();
        self.runtime.block_on(self.tasks.wait());
        self.mirrors
    }
}

fn client(hub: &Hub) -> HubClient {
    let address = HubAddress::parse(&format!("http://{}", hub.address())).expect("an address");
    HubClient::new(address, None).expect("a client")
}

/// Returns the newest change of the hub.
fn hub_head(hub: &Hub) -> u64 {
    Follower::head(&client(hub), &hub.admin_token())
}
