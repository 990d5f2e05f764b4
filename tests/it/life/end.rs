//! Ends: by signals, by a failure, by a terminal that vanishes.

use super::{FRESH, Job, LIMIT, crash_files, hub_and_person, is_gone, is_live, stat};
use crate::support::person::Person;
use crate::support::pty::Pty;
use crate::support::tmux::Tmux;
use crate::support::until;
use rustix::process::{Pid, Signal};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// What stands before the console: settings of the terminal that a person chose, which must be there afterwards.
const SCRIPT: &str = r#"stty -ixon -echoctl susp ^Y; stty -a > "$DIR/before"; eval "$CONSOLE"; echo "$?" > "$DIR/status"
stty -a > "$DIR/after"; echo shell again; read line"#;
/// What must stand nowhere: a panic's words may be an alert's.
const SECRET: &str = "tok_canary_7f3a";

/// Starts a console, does something to it, and checks that the shell's terminal is as it was; returns the shell's screen and the status.
fn terminal_is_as_it_was(env: &[(&str, &str)], person: &Person, dir: &Path, end: impl Fn(&Job)) -> (String, String) {
    let job = Job::start(person, dir, SCRIPT, env);
    job.pty.wait_for(LIMIT, is_live);
    assert!(job.pty.modes().alternate && job.pty.modes().hidden_cursor);
    end(&job);
    let screen = job.pty.wait_for(LIMIT, |screen| screen.contains("shell again"));
    assert_eq!(job.file("before"), job.file("after"));
    assert_eq!(job.pty.modes(), FRESH);
    assert!(!screen.contains("DiskFull"), "{screen}");
    (screen, job.file("status").trim().to_owned())
}

#[test]
fn signals_end_it_and_leave_the_terminal_as_it_was() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let (_, status) = terminal_is_as_it_was(&[], &person, dir.path(), |job| job.signal(signal));
        assert_eq!(status, "0", "{signal:?}");
    }
}

#[test]
fn a_failure_leaves_the_terminal_as_it_was_and_is_written_down_without_words_of_others() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    let env = [("NIGHTDESK_TEST_PANIC", SECRET), ("SSH_TTY", "/dev/pts/secret")];
    let (screen, status) = terminal_is_as_it_was(&env, &person, dir.path(), |job| job.signal(Signal::USR1));
    assert_eq!(status, "101");
    let files = crash_files(&dir.path().join("mira"));
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert!(screen.replace('\n', "").contains(&file.display().to_string()), "{screen}");
    assert!(screen.contains("nightdesk failed at src/tui/run.rs:") && !screen.contains(SECRET), "{screen}");
    let text = std::fs::read_to_string(file).expect("it can be read");
    assert_eq!(std::fs::metadata(file).expect("it is there").permissions().mode() & 0o777, 0o600);
    for part in ["thread: main", "src/tui/run.rs:", "TERM xterm-256color", "size 100x30", "backtrace:", "left out"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains(SECRET) && !text.contains("DiskFull") && !text.contains("pts/secret"), "{text}");

    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let mut again = person.pty(120, 40);
    again.wait_for(LIMIT, |screen| screen.contains(&name) && screen.contains(":crash"));
    again.write(b":crash\r");
    again.wait_for(LIMIT, |screen| screen.contains("thread: main") && screen.contains("place: src/tui/run.rs:"));
}

#[test]
fn a_failure_beside_the_screen_is_told_and_the_console_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let words = format!("worker {SECRET}");
    let job = Job::start(&person, dir.path(), SCRIPT, &[("NIGHTDESK_TEST_PANIC", &words)]);
    job.pty.wait_for(LIMIT, is_live);
    job.signal(Signal::USR1);
    job.pty.wait_for(LIMIT, |screen| screen.contains("a part of nightdesk failed at src/tui/run.rs"));
    super::alert_named(&hub, "StillHere");
    let screen = job.pty.wait_for(LIMIT, |screen| screen.contains("StillHere burns") && screen.contains("LIVE"));
    assert!(!screen.contains(SECRET), "{screen}");
    let files = crash_files(&dir.path().join("mira"));
    assert_eq!(files.len(), 1, "{files:?}");
    let text = std::fs::read_to_string(&files[0]).expect("it can be read");
    assert!(text.contains("thread: unnamed") && !text.contains(SECRET), "{text}");
}

#[test]
fn settings_are_read_again_by_usr1_and_the_screen_stays() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    let job = Job::start(&person, dir.path(), SCRIPT, &[]);
    job.pty.wait_for(LIMIT, is_live);
    let before = job.pty.bytes_written();
    job.signal(Signal::USR1);
    // All is drawn anew, row by row.
    until("a whole screen", LIMIT, || (job.pty.bytes_written() > before + 500).then_some(()));
    job.pty.wait_for(LIMIT, is_live);
    assert!(!is_gone(job.id()));
}

/// Waits until that process is gone and returns how long that took, with the CPU time (in ticks of 10 ms) that it used meanwhile.
fn until_gone(id: Pid) -> (Duration, u64) {
    let ticks = |id| -> Option<u64> {
        let fields = stat(id)?;
        Some(fields.split(' ').skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum())
    };
    let (began, first) = (Instant::now(), ticks(id).unwrap_or_default());
    let mut last = first;
    until("the console's end", LIMIT, || {
        last = ticks(id).filter(|_| !is_gone(id)).unwrap_or(last);
        is_gone(id).then_some(())
    });
    (began.elapsed(), last - first)
}

fn id_in(file: &Path) -> Pid {
    let text = until("an id", LIMIT, || std::fs::read_to_string(file).ok().filter(|text| text.ends_with('\n')));
    Pid::from_raw(text.trim().parse().expect("a number")).expect("an id")
}

fn gone_with_its_pane(command: &str, kill: impl FnOnce(&Tmux)) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    let file = dir.path().join("pid");
    let command =
        command.replace("FILE", &file.display().to_string()).replace("NIGHTDESK", crate::support::hub::BINARY);
    let env = person.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let tmux = Tmux::start(80, 24, &command, &env);
    tmux.wait_for(LIMIT, is_live);
    let id = id_in(&file);
    kill(&tmux);
    let (took, ticks) = until_gone(id);
    println!("gone after {took:?}, {ticks} ticks of CPU");
    assert!(ticks <= 20, "{ticks} ticks of CPU in {took:?}: it spins while nobody is there");
}

#[test]
fn a_console_goes_with_its_pane() {
    gone_with_its_pane("echo $$ > FILE; exec NIGHTDESK", |tmux| tmux.kill_pane());
}

#[test]
fn a_console_goes_with_whoever_held_its_terminal() {
    gone_with_its_pane("echo $$ > FILE; exec NIGHTDESK", |tmux| tmux.kill9());
}

/// In a session of its own it hears of no hang-up by a signal: as where SIGHUP is blocked.
#[test]
fn a_console_that_no_signal_reaches_goes_with_its_terminal() {
    gone_with_its_pane("setsid -w sh -c 'echo $$ > FILE; exec NIGHTDESK'", |tmux| tmux.kill9());
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    let mut console: Pty = person.pty(200, 60);
    console.wait_for(LIMIT, is_live);
    console.read_slowly(16);
    // Each repaint is more than what the kernel keeps for a terminal.
    for _ in 0..20 {
        console.write(b"\x0c");
    }
    let id = i32::try_from(console.id()).ok().and_then(Pid::from_raw).expect("an id");
    rustix::process::kill_process(id, Signal::TERM).expect("it runs");
    assert_eq!(console.exit_code(LIMIT), Some(0));
}
