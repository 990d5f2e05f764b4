//! A program in the background: its output in a file, killed on drop, its last words shown when a test fails.

use super::try_until;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Lines of a failing program's log that are printed.
const TAIL_LINES: usize = 40;

/// A running child process.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; both its outputs are appended to the file `log`.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(log).expect("the log can be made");
        let both: [File; 2] = [file.try_clone().expect("the log can be shared"), file];
        let [out, err] = both.map(Stdio::from);
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.unwrap_or_else(|error| panic!("starting {name}: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns how it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Waits until `probe` answers.
    ///
    /// # Panics
    /// When `limit` has passed or the program has ended before; the end of its log is printed.
    pub fn until<T>(&mut self, what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
        let mut ended = None;
        let answer = try_until(limit, || {
            ended = self.ended();
            if ended.is_some() { Some(None) } else { probe().map(Some) }
        });
        match (answer.flatten(), ended) {
            (Some(answer), _) => answer,
            (None, Some(status)) => panic!("{} ended ({status}) before {what}", self.name),
            (None, None) => panic!("{}: waited {limit:?} in vain for {what}", self.name),
        }
    }

    /// Stops it where it stands (SIGSTOP); it still takes connections and answers none.
    pub fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Lets it go on after [`Process::pause`].
    pub fn resume(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("a child can be signalled");
    }

    /// Kills it with SIGKILL and waits for its end: it has no chance to tidy up.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and returns how it did.
    ///
    /// # Panics
    /// When it still runs after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        let ended = try_until(limit, || self.ended());
        ended.unwrap_or_else(|| panic!("{} still runs {limit:?} after SIGTERM", self.name))
    }

    /// Returns the whole log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            eprintln!("--- last lines of {} ({})\n{}\n---", self.name, self.log.display(), tail.join("\n"));
        }
    }
}
