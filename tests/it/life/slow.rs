//! A terminal that takes a kilobyte a second, and one whose size never rests.

use super::{LIMIT, hub_and_person, is_live};
use crate::support::alerts::firing;
use crate::support::until;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::time::Duration;

/// What a bad line carries.
const SLOW: u64 = 1024;
/// Until a slow terminal has shown what it was last given.
const SLOW_LIMIT: Duration = Duration::from_secs(90);

/// Returns the resident memory of a process in KiB.
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
}

#[test]
fn a_slow_terminal_delays_neither_a_key_nor_a_call_nor_the_end() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let mut console = person.pty(200, 60);
    console.wait_for(LIMIT, is_live);
    let before = memory(console.id());
    console.read_slowly(SLOW);
    for round in 0..20 {
        let alerts: Vec<Value> =
            (0..50).map(|number| firing(&format!("Storm{round}x{number}"), &[("service", "web")])).collect();
        hub.alert(&alerts);
        console.write(if round % 2 == 0 { b"j" } else { b"k" });
    }
    // Whatever stands on the screen by now: the key is on the disk, and the hub has it.
    until("what the key did", LIMIT, || {
        console.write(b"a");
        person.list().into_iter().find(|one| one["owner"] == "mira")
    });
    let grown = memory(console.id()).saturating_sub(before);
    println!("{grown} KiB more after a thousand alerts at {SLOW} bytes a second");
    assert!(grown < 64 * 1024, "{grown} KiB");
    let shown = console.bytes_written();
    let id = i32::try_from(console.id()).ok().and_then(Pid::from_raw).expect("an id");
    rustix::process::kill_process(id, Signal::TERM).expect("it runs");
    assert_eq!(console.exit_code(LIMIT), Some(0));
    console.read_slowly(0);
    until("the restored terminal", LIMIT, || (console.modes() == super::FRESH).then_some(()));
    let rest = console.bytes_written() - shown;
    assert!(rest < 64 * 1024, "{rest} bytes were left to read: frames were queued");
}

#[test]
fn a_slow_terminal_ends_with_what_is_true_now() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let mut console = person.pty(80, 24);
    console.wait_for(LIMIT, is_live);
    console.read_slowly(SLOW);
    for round in 0..30 {
        hub.alert(&[firing(&format!("Storm{round}"), &[("service", "web")])]);
        console.write(b"\x0c");
    }
    console.write(b"G");
    console.wait_for(SLOW_LIMIT, |screen| screen.contains("unacked 31"));
    let bells = console.raw().iter().filter(|byte| **byte == 7).count();
    assert!(bells > 0, "calls ring");
}

#[test]
fn a_storm_of_sizes_ends_in_the_right_one_without_a_blank_screen() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    let mut console = person.pty(120, 40);
    console.wait_for(LIMIT, is_live);
    let before = console.bytes_written();
    for round in 0..500u16 {
        console.resize(60 + round % 90, 12 + round % 40);
    }
    console.resize(101, 29);
    console.write(b"k");
    let ends_right = |screen: &str| {
        is_live(screen) && screen.lines().next().is_some_and(|header| (100..=101).contains(&header.chars().count()))
    };
    console.wait_for(LIMIT, ends_right);
    let raw = String::from_utf8_lossy(&console.raw()[before..]).into_owned();
    assert!(!raw.contains("\x1b[2J"), "never blank");
    let frames = raw.matches("nightdesk | ").count();
    println!("{frames} screens drawn for 501 sizes, {} bytes", raw.len());
    assert!(frames < 250, "{frames}: sizes are gathered");
}
