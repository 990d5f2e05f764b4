//! What helps when something is wrong, and what helps around: doctor, logs, paths, completions, manual, lines instead of a screen, and the
//! first start.

mod doctor;
mod first_run;
mod plain;
mod shell;

use crate::support::hub::{BINARY, Hub, Program};
use crate::support::person::Person;
use crate::support::until;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Returns mira, at a terminal about which there is nothing to say.
fn mira(hub: &Hub, dir: &Path) -> Person {
    let env = [("LC_ALL", "C.UTF-8"), ("TERM", "xterm-256color"), ("TMUX", "")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Person::near(hub, &dir.join("mira"), "mira").running(Program { path: BINARY.into(), env })
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

#[test]
fn the_log_is_put_aside_while_the_program_runs() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let state = dir.path().join("mira/state");
    std::fs::create_dir_all(&state).expect("a folder");
    std::fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a folder");
    // Nearly full: the first lines still fit, what follows does not.
    let log = state.join("nightdesk.log");
    std::fs::write(&log, "old line\n".repeat((5 << 20) / 9 - 200)).expect("a file");
    let mut console = plain::Console::start(&mira(&hub, dir.path()), &["--log-level", "trace"]);
    let aside = state.join("nightdesk.log.1");
    until("a second log", LIMIT, || (aside.exists() && read(&log).lines().count() > 3).then_some(()));
    let old = read(&aside);
    assert!(old.starts_with("old line") && old.len() <= 5 << 20, "{} bytes", old.len());
    assert!(
        old.lines().last().is_some_and(|line| line.contains("nightdesk") || line.contains("TRACE")),
        "written to first"
    );
    for path in [&log, &aside] {
        assert_eq!(plain::mode(path), 0o600, "{}", path.display());
    }
    assert!(!read(&log).contains("old line"));
    assert_eq!(console.errors(), "", "nothing on standard error");
    console.terminate();
}

#[test]
fn a_level_that_is_none_is_refused_with_its_place() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let mira = mira(&hub, dir.path());
    let ended = mira.run(&["list", "--log-level", "loud"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("\"loud\" is no log level"), "{ended:?}");
    let config = dir.path().join("mira/config");
    std::fs::create_dir_all(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), "log_level = \"loud\"\n").expect("a file");
    let ended = mira.run(&["list"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("config.toml: log_level"), "{ended:?}");
}

#[test]
fn log_and_doctor_can_be_read_in_the_console() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let mut console = mira(&hub, dir.path()).pty(120, 40);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    console.write(b":doctor hub\r");
    console.wait_for(LIMIT, |screen| screen.contains("hub.reach") && screen.contains("all good"));
    console.write(b"q:paths\r");
    console.wait_for(LIMIT, |screen| screen.contains("[NIGHTDESK_HOME]"));
    console.write(b"q:whatsnew\r");
    console.wait_for(LIMIT, |screen| screen.contains("What is new") && screen.contains("Unreleased"));
    console.write(b"q:crash\r");
    console.wait_for(LIMIT, |screen| screen.contains("It never crashed here."));
    console.write(b"q:log\r");
    console.wait_for(LIMIT, |screen| screen.contains("Log: the last lines"));
    console.write(b"q");
    console.wait_for(LIMIT, |screen| screen.contains("No open incidents"));
}
