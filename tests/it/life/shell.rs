//! Ctrl-Z and back, where there is a shell to go to.

use super::{FRESH, Job, LIMIT, alert_named, hub_and_person, is_live, stat};
use crate::support::until;
use rustix::process::Signal;

/// Waits until the console is stopped.
fn until_stopped(job: &Job) {
    let id = job.id();
    until("a stopped console", LIMIT, || stat(id).filter(|stat| stat.starts_with('T')));
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let mut job = Job::start(&person, dir.path(), "", &[]);
    job.pty.wait_for(LIMIT, |screen| screen.contains("prompt> "));
    job.pty.write(b"stty -a > $DIR/before; eval \"$CONSOLE\"\n");
    job.pty.wait_for(LIMIT, is_live);
    for (round, how) in ["key", "signal", "from outside"].into_iter().enumerate() {
        match how {
            "key" => job.pty.write(b"\x1a"),
            "signal" => job.signal(Signal::TSTP),
            _ => job.signal(Signal::STOP),
        }
        until_stopped(&job);
        if how != "from outside" {
            // Who is stopped from outside cannot give anything back.
            job.pty.write(format!("stty -a > $DIR/after{round}; echo at the sh''ell {round}\n").as_bytes());
            let at_shell = format!("at the shell {round}");
            job.pty.wait_for(LIMIT, |screen| screen.contains(&at_shell));
            // Lines are edited with marked pastes by this shell, too.
            let modes = job.pty.modes();
            assert!(!modes.alternate && !modes.hidden_cursor && !modes.styled, "{how}: {modes:?}");
            assert_eq!(modes.left.iter().filter(|mode| *mode != "2004").count(), 0, "{how}: {modes:?}");
            assert_eq!(job.file("before"), job.file(&format!("after{round}")), "{how}");
        }
        let name = format!("Meanwhile{round}");
        alert_named(&hub, &name);
        job.pty.write(b"fg; echo status $?\n");
        let came = format!("{name} burns");
        let screen = job.pty.wait_for(LIMIT, |screen| is_live(screen) && screen.contains(&came));
        assert!(!screen.contains("prompt>") && job.pty.modes().alternate, "{how}:\n{screen}");
    }
    // It is the same console as before: keys work, and the end is as it always is.
    job.pty.write(b"?");
    job.pty.wait_for(LIMIT, |screen| screen.contains("Acknowledge"));
    job.signal(Signal::TERM);
    job.pty.wait_for(LIMIT, |screen| screen.contains("status 0"));
    job.pty.write(b"stty -a > $DIR/after; bind 'set enable-bracketed-paste off'; echo do''ne\n");
    job.pty.wait_for(LIMIT, |screen| screen.contains("done"));
    assert_eq!(job.file("before"), job.file("after"));
    until("a fresh terminal", LIMIT, || (job.pty.modes() == FRESH).then_some(()));
}

#[test]
fn where_no_shell_waits_nothing_is_stopped() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person) = hub_and_person(dir.path());
    let console = person.console(120, 30);
    console.wait_for(LIMIT, is_live);
    console.send_keys(&["C-z"]);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("nothing to return to"));
    assert!(is_live(&screen), "{screen}");
    console.send_keys(&["?"]);
    console.wait_for(LIMIT, |screen| screen.contains("Acknowledge"));
}
