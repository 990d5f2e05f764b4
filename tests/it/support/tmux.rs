//! A person's terminal: a program in tmux on its own socket, keys typed and the screen read.

use super::try_until;
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;

/// A tmux server of our own with one window; killed on drop.
pub struct Tmux {
    home: TempDir,
}

impl Tmux {
    /// Starts the shell line `command` in a window of that many columns and rows, without a status line; a window whose program
    /// has ended stays readable.
    ///
    /// # Panics
    /// When tmux is missing or refuses.
    pub fn start(width: u16, height: u16, command: &str, env: &[(&str, &str)]) -> Self {
        let tmux = Self { home: tempfile::tempdir().expect("a temporary folder") };
        let (width, height) = (width.to_string(), height.to_string());
        let settings =
            "start-server ; set-option -g status off ; set-option -g remain-on-exit on ; set-option -g escape-time 0 ;";
        let mut args: Vec<&str> = settings.split(' ').collect();
        args.extend(["new-session", "-d", "-s", "main", "-x", &width, "-y", &height]);
        let pairs: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        args.extend(pairs.iter().flat_map(|pair| ["-e", pair.as_str()]));
        args.push(command);
        tmux.run(&args);
        tmux
    }

    /// Types keys by their tmux names: `a`, `Enter`, `C-c`, `Escape`. Text of several letters is typed as it stands.
    pub fn send_keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "main"], keys].concat());
    }

    /// Pastes a text as tmux does, in brackets where the program asked for them and `marked` says so.
    pub fn paste(&self, text: &str, marked: bool) {
        self.run(&["set-buffer", text]);
        let marks: &[&str] = if marked { &["-p"] } else { &[] };
        self.run(&[&["paste-buffer", "-t", "main"], marks].concat());
    }

    /// Returns the screen as text, one line a row, spaces at line ends cut off.
    pub fn capture(&self) -> String {
        self.run(&["capture-pane", "-p", "-t", "main"])
    }

    /// Returns the screen with its colours and weights as escape sequences.
    pub fn capture_styled(&self) -> String {
        self.run(&["capture-pane", "-p", "-e", "-t", "main"])
    }

    /// Gives the window another size.
    pub fn resize(&self, width: u16, height: u16) {
        self.run(&["resize-window", "-t", "main", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// Waits until the screen is as wanted, and returns it.
    ///
    /// # Panics
    /// When `limit` has passed; the message holds the last screen.
    #[track_caller]
    pub fn wait_for(&self, limit: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let found = try_until(limit, || {
            last = self.capture();
            wanted(&last).then_some(())
        });
        assert!(found.is_some(), "waited {limit:?} in vain; the last screen:\n{last}");
        last
    }

    /// Waits until the program in the window has ended, and returns the screen with tmux' words about it.
    ///
    /// # Panics
    /// When `limit` has passed; the message holds the last screen.
    #[track_caller]
    pub fn wait_for_end(&self, limit: Duration) -> String {
        let is_over =
            || (self.run(&["display-message", "-p", "-t", "main", "#{pane_dead}"]).trim() == "1").then_some(());
        assert!(try_until(limit, is_over).is_some(), "the program runs on:\n{}", self.capture());
        // tmux 3.3a sometimes sees the terminal close and overlooks the child: another signal makes it look again.
        rustix::process::kill_process(self.server(), rustix::process::Signal::CHILD).expect("tmux runs");
        self.wait_for(limit, |screen| screen.contains("Pane is dead"))
    }

    /// Closes the window as its user does.
    pub fn kill_pane(&self) {
        self.run(&["kill-pane", "-t", "main"]);
    }

    /// Kills the server with SIGKILL, as a machine does that runs out of memory: its terminals vanish.
    pub fn kill9(&self) {
        rustix::process::kill_process(self.server(), rustix::process::Signal::KILL).expect("tmux runs");
    }

    fn server(&self) -> rustix::process::Pid {
        let id = self.run(&["display-message", "-p", "#{pid}"]);
        id.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("an id")
    }

    /// Runs tmux on this server and returns what it prints.
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.tmux(args);
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.arg("-u").args(["-f", "/dev/null"]).arg("-S").arg(self.home.path().join("tmux")).args(args);
        for variable in ["TMUX", "NIGHTDESK_HOME", "NIGHTDESK_HUB"] {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C.UTF-8").output().expect("tmux can be started: tests/run installs it")
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn what_is_typed_stands_on_the_screen() {
    let tmux = Tmux::start(80, 24, "echo size $(stty size) $WORD; read line; echo got $line", &[("WORD", "naïve")]);
    tmux.wait_for(Duration::from_secs(10), |screen| screen.contains("size 24 80 naïve"));
    tmux.send_keys(&["hello", "Enter"]);
    tmux.wait_for(Duration::from_secs(10), |screen| screen.contains("got hello"));
}
