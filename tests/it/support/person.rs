//! A person with a console of her own: a home, a name, and the way to the hub.

use super::hub::{Ended, Hub, Program};
use super::proxy::Proxy;
use super::pty::Pty;
use super::tmux::Tmux;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Who runs commands.
#[derive(Debug, Clone)]
pub struct Person {
    program: Program,
    home: PathBuf,
    name: String,
    /// The hub's address as commands take it.
    hub: String,
    /// The hub's admin token, for who comes over http.
    token_file: Option<PathBuf>,
    /// Keys are guarded as a hand's are, and not taken for a script's.
    by_hand: bool,
}

impl Person {
    /// Returns somebody on the hub's machine, who comes over its socket.
    pub fn near(hub: &Hub, home: &Path, name: &str) -> Self {
        let program = Program::plain();
        Self {
            program,
            home: home.to_owned(),
            name: name.to_owned(),
            hub: hub.socket(),
            token_file: None,
            by_hand: false,
        }
    }

    /// Returns the same person with another program.
    pub fn running(self, program: Program) -> Self {
        Self { program, ..self }
    }

    /// Returns somebody who comes over http and was given the admin token.
    pub fn far(hub: &Hub, home: &Path, name: &str) -> Self {
        let hub_address = format!("http://{}", hub.address());
        let token_file = Some(hub.data().join("admin.token"));
        let program = Program::plain();
        Self { program, home: home.to_owned(), name: name.to_owned(), hub: hub_address, token_file, by_hand: false }
    }

    /// Returns somebody as [`Person::far`] whose way to the hub leads through a wire that can be cut.
    pub fn through(hub: &Hub, wire: &Proxy, home: &Path, name: &str) -> Self {
        Self { hub: format!("http://{}", wire.address()), ..Self::far(hub, home, name) }
    }

    /// Returns somebody on another machine, who comes to the hub at that address: `https://..`.
    pub fn elsewhere(home: &Path, name: &str, hub: &str) -> Self {
        Self {
            home: home.to_owned(),
            name: name.to_owned(),
            hub: hub.to_owned(),
            token_file: None,
            program: Program::plain(),
            by_hand: false,
        }
    }

    /// Returns the same person with a console that guards its keys as a hand's: what tests type at once is a text then.
    pub fn by_hand(self) -> Self {
        Self { by_hand: true, ..self }
    }

    /// Returns the environment of this person's programs.
    pub fn env(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        let mut env = vec![
            ("NIGHTDESK_HOME".to_owned(), text(&self.home)),
            ("NIGHTDESK_HUB".to_owned(), self.hub.clone()),
            ("USER".to_owned(), self.name.clone()),
        ];
        if !self.by_hand {
            env.push(("NIGHTDESK_SCRIPTED".to_owned(), "true".to_owned()));
        }
        env.extend(self.program.env.iter().cloned());
        env.extend(self.token_file.iter().map(|file| ("NIGHTDESK_TOKEN_FILE".to_owned(), text(file))));
        env
    }

    /// Returns where all files of this person's console lie.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns where this person's console keeps its data.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Opens this person's console in a tmux window of that size.
    pub fn console(&self, width: u16, height: u16) -> Tmux {
        let env = self.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Tmux::start(width, height, &self.program.path.display().to_string(), &env)
    }

    /// Opens this person's console in a pseudo-terminal of that size.
    pub fn pty(&self, width: u16, height: u16) -> Pty {
        self.pty_with(width, height, &[])
    }

    /// Opens this person's console with these arguments in a pseudo-terminal of that size.
    pub fn pty_with(&self, width: u16, height: u16, args: &[&str]) -> Pty {
        let env = self.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Pty::start(width, height, &self.program.path.display().to_string(), args, &env)
    }

    /// Runs `nightdesk ARGS` and waits for its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        let mut command = self.program.command(&self.home);
        command.envs(self.env()).args(args).stdin(Stdio::null());
        let output = command.output().expect("our own binary can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Starts `nightdesk ARGS` and does not wait; what it says is not kept.
    pub fn start(&self, args: &[&str]) -> std::process::Child {
        let mut command = self.program.command(&self.home);
        command.envs(self.env()).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("our own binary can be started")
    }

    /// Runs a command with `--json` that must end with that status, and returns the objects it prints.
    #[track_caller]
    pub fn json(&self, args: &[&str], status: i32) -> Vec<Value> {
        let ended = self.run(&[args, &["--json"]].concat());
        assert_eq!(ended.code, Some(status), "{args:?}: {ended:?}");
        let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        ended.stdout.lines().map(object).collect()
    }

    /// Returns what `nightdesk list --json` prints.
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        self.json(&["list"], 0)
    }

    /// Returns what `nightdesk show ID --json` prints.
    #[track_caller]
    pub fn show(&self, number: &str) -> Value {
        self.json(&["show", number], 0).remove(0)
    }

    /// Returns the incident of that summary, if it is listed.
    #[track_caller]
    pub fn find(&self, summary: &str) -> Option<Value> {
        self.list().into_iter().find(|incident| incident["summary"] == summary)
    }
}

/// Returns the number of an incident as commands take it.
pub fn number(incident: &Value) -> String {
    incident["number"].to_string()
}
