//! A console that did not run for a while shows nothing old as new.

use super::{LIMIT, hub_and_person, is_live, wait};
use crate::support::hub::Hub;
use crate::support::pty::Pty;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// Longer than what counts as an absence.
const ABSENCE: Duration = Duration::from_secs(8);

fn stop_and_continue(console: &Pty, hub: &Hub) {
    let id = i32::try_from(console.id()).ok().and_then(Pid::from_raw).expect("an id");
    kill_process(id, Signal::STOP).expect("it runs");
    // The hub is silent when it wakes: what the screen says then is what it knows by itself.
    hub.pause();
    wait(ABSENCE);
    kill_process(id, Signal::CONT).expect("it is stopped");
}

#[test]
fn after_a_sleep_all_is_stale_until_the_hub_has_spoken() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let console = person.pty(120, 40);
    console.wait_for(LIMIT, is_live);
    stop_and_continue(&console, &hub);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("STALE") && screen.contains("suspended "));
    assert!(!screen.contains(" LIVE"), "{screen}");
    assert!(!screen.contains("ALARM"), "no alarm by what was known before:\n{screen}");
    hub.resume();
    let screen = console.wait_for(LIMIT, is_live);
    assert!(!screen.contains("STALE"), "{screen}");
}
