//! The life of a console: whatever happens to it, the terminal is given back, what was done is kept, and nothing old is shown as new.

mod end;
mod shell;
mod sleep;
mod slow;
mod upgrade;

use crate::support::alerts::firing;
use crate::support::hub::{BINARY, Hub};
use crate::support::person::Person;
use crate::support::pty::{Modes, Pty};
use crate::support::try_until;
use rustix::process::{Pid, Signal};
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// What a terminal is that nobody has set anything on.
const FRESH: Modes = Modes {
    alternate: false,
    hidden_cursor: false,
    marked_pastes: false,
    mouse: false,
    styled: false,
    left: Vec::new(),
};

/// A hub with one incident and a person beside it.
fn hub_and_person(dir: &Path) -> (Hub, Person) {
    let hub = Hub::start(&dir.join("hub"), "");
    let day = crate::support::alerts::in_seconds(86_400);
    hub.alert(&[crate::support::alerts::firing_until("DiskFull", &[("service", "db")], day)]);
    let person = Person::near(&hub, &dir.join("mira"), "mira");
    (hub, person)
}

fn is_live(screen: &str) -> bool {
    screen.contains("LIVE") && screen.contains("DiskFull burns")
}

/// A shell in a terminal, and the console that it starts.
struct Job {
    pty: Pty,
    dir: PathBuf,
}

impl Job {
    /// Starts a script in which `$CONSOLE` starts the console, which writes its process id down.
    fn start(person: &Person, dir: &Path, script: &str, env: &[(&str, &str)]) -> Self {
        let mut all: Vec<(String, String)> = person.env();
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pid = dir.join("pid");
        let _ = std::fs::remove_file(&pid);
        all.push(("DIR".into(), dir.display().to_string()));
        all.push(("CONSOLE".into(), format!("sh -c 'echo $$ > {}.new; mv {0}.new {0}; exec {BINARY}'", pid.display())));
        all.push(("PS1".into(), "prompt> ".into()));
        let env: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let args: &[&str] = if script.is_empty() { &["--norc", "--noprofile", "-i"] } else { &["-c", script] };
        Self { pty: Pty::start(100, 30, "bash", args, &env), dir: dir.to_owned() }
    }

    /// Returns the console's process id once it runs.
    fn id(&self) -> Pid {
        let path = self.dir.join("pid");
        let text = crate::support::until("the console's id", LIMIT, || std::fs::read_to_string(&path).ok());
        Pid::from_raw(text.trim().parse().expect("a number")).expect("an id")
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.id(), signal).expect("the console runs");
    }

    fn file(&self, name: &str) -> String {
        let path = self.dir.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// Returns whether that process is gone, or dead and not yet fetched by its parent.
fn is_gone(id: Pid) -> bool {
    stat(id).is_none_or(|stat| stat.starts_with('Z'))
}

/// Returns state and further fields of `/proc/ID/stat`.
fn stat(id: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ").map(|(_, fields)| fields.to_owned())
}

/// Returns the crash files of that person's console.
fn crash_files(home: &Path) -> Vec<PathBuf> {
    let state = home.join("state");
    let entries = std::fs::read_dir(state).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.display().to_string().ends_with(".txt")).collect()
}

/// Lets that time pass.
fn wait(span: Duration) {
    let _: Option<()> = try_until(span, || None);
}

fn alert_named(hub: &Hub, name: &str) {
    hub.alert(&[firing(name, &[("service", "web")])]);
}
