//! The console as lines, through pipes, at a real hub.

use super::{LIMIT, mira, read};
use crate::support::alerts::{firing, resolved};
use crate::support::hub::{BINARY, Hub};
use crate::support::person::Person;
use crate::support::pty::Pty;
use crate::support::until;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Returns the permission bits of a file.
pub fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// `nightdesk --plain` whose lines go into a file; killed on drop.
pub struct Console {
    child: Child,
    dir: tempfile::TempDir,
}

impl Console {
    /// Starts it with its input in our hands.
    pub fn start(person: &Person, args: &[&str]) -> Self {
        Self::with(person, args, Stdio::piped())
    }

    fn with(person: &Person, args: &[&str], input: Stdio) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| std::fs::File::create(dir.path().join(name)).expect("a file");
        let mut command = Command::new(BINARY);
        command.envs(person.env()).arg("--plain").args(args);
        command.stdin(input).stdout(file("lines")).stderr(file("errors"));
        Self { child: command.spawn().expect("our own binary can be started"), dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("lines")
    }

    fn lines(&self) -> String {
        read(&self.path())
    }

    /// Returns what it wrote to standard error.
    pub fn errors(&self) -> String {
        read(&self.dir.path().join("errors"))
    }

    fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input, "{line}").expect("it reads");
    }

    /// Waits for a line that begins with the first and holds the second.
    #[track_caller]
    fn wait_for(&self, word: &str, holds: &str) -> String {
        let fits = |line: &&str| line.starts_with(word) && line.contains(holds);
        until(&format!("{word} .. {holds}"), LIMIT, || self.lines().lines().find(fits).map(str::to_owned))
    }

    /// Asks it to end, and waits for that.
    pub fn terminate(&mut self) -> Option<i32> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)
            .expect("a child can be signalled");
        self.ended()
    }

    fn ended(&mut self) -> Option<i32> {
        until("its end", LIMIT, || self.child.try_wait().expect("a child can be asked")).code()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_alert_is_printed_and_acknowledged_by_a_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let mira = mira(&hub, dir.path());
    let mut console = Console::start(&mira, &[]);
    console.wait_for("LIVE", "");
    console.wait_for("NONE open", "confirmed by the hub");
    hub.alert(&[firing("DiskFull", &[("service", "db\u{1b}[2J\u{7}")])]);
    let line = console.wait_for("NEW", "DiskFull burns");
    console.wait_for("PAGE", "DiskFull burns");
    let number = line.split(' ').nth(1).expect("a number").to_owned();
    console.say(&format!("ack {number}"));
    console.wait_for("DONE", &format!("ack {number}"));
    console.wait_for("ACK", "you have it");
    assert_eq!(mira.list()[0]["owner"], "mira");
    console.say(&format!("show {number}"));
    console.wait_for("TIMELINE", "acknowledged");
    console.say(&format!("resolve {number}"));
    console.wait_for("ASK", "type yes");
    console.say("no");
    console.wait_for("SAID", "nothing was done");
    hub.alert(&[resolved("DiskFull", &[("service", "db\u{1b}[2J\u{7}")])]);
    console.wait_for("RECOVERING", "DiskFull burns");
    let lines = console.lines();
    let plain = |c: char| c == '\n' || !c.is_control();
    assert!(lines.chars().all(plain), "append only, nothing that a terminal obeys: {lines:?}");
    let words = |line: &str| {
        line.split(' ').next().is_some_and(|word| {
            word.trim_end_matches([':', '.']).chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        })
    };
    assert!(lines.lines().all(words), "each line begins with a word: {lines}");
    console.say("quit");
    assert_eq!(console.ended(), Some(0));
    assert_eq!(console.errors(), "");
}

#[test]
fn without_input_it_prints_until_it_is_told_to_end() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut hub = Hub::start(&dir.path().join("hub"), "");
    let mut console = Console::with(&mira(&hub, dir.path()), &[], Stdio::null());
    console.wait_for("LIVE", "");
    hub.alert(&[firing("DiskFull", &[])]);
    console.wait_for("NEW", "DiskFull burns");
    hub.kill9();
    console.wait_for("OFFLINE", "NO new alerts");
    hub.restart();
    until("a second LIVE", LIMIT, || (console.lines().matches("LIVE").count() > 1).then_some(()));
    assert_eq!(console.terminate(), Some(0));
}

#[test]
fn it_ends_with_its_reader() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let mut command = Command::new("sh");
    command.envs(mira(&hub, dir.path()).env()).args(["-c", "\"$0\" --plain </dev/null | head -n 1", BINARY]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a shell");
    // Whatever comes next finds no reader.
    until("its end", LIMIT, || {
        hub.alert(&[firing("DiskFull", &[])]);
        child.try_wait().expect("a child can be asked")
    });
}

#[test]
fn at_a_terminal_it_rings_and_its_end_of_input_ends_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let env = mira(&hub, dir.path()).env();
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut console = Pty::start(120, 40, BINARY, &["--plain"], &env);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    assert!(!console.raw().contains(&7));
    hub.alert(&[firing("DiskFull", &[])]);
    console.wait_for(LIMIT, |screen| screen.contains("PAGE"));
    until("a bell", LIMIT, || console.raw().contains(&7).then_some(()));
    assert!(!console.raw().contains(&0x1b), "no sequence of any kind");
    console.write(&[4]);
    assert_eq!(console.exit_code(LIMIT), Some(0));
}
