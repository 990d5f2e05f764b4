//! The real hub as a process of its own, with its data in a folder of the test.

use super::process::Process;
use super::{http, http::Response};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long the hub may take until it answers `/-/ready`, a repair of its journal after `kill -9` included.
const START_LIMIT: Duration = Duration::from_secs(20);

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_nightdesk");

/// How a command of ours ended.
#[derive(Debug)]
pub struct Ended {
    /// DECISIONS 27; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// What is run as `nightdesk`.
#[derive(Debug, Clone)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// What its environment has beyond the usual.
    pub env: Vec<(String, String)>,
}

impl Program {
    /// Returns the program under test as it is.
    pub fn plain() -> Self {
        Self { path: PathBuf::from(BINARY), env: Vec::new() }
    }

    /// Returns the command with that home and nothing of the developer's own settings.
    pub fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.env("NIGHTDESK_HOME", home).env_remove("NIGHTDESK_HUB").envs(self.env.iter().cloned());
        command
    }
}

/// A running `nightdesk serve`; killed on drop.
pub struct Hub {
    program: Program,
    dir: PathBuf,
    address: String,
    /// Where it listens beside its address.
    also: Vec<String>,
    process: Process,
}

impl Hub {
    /// Starts a hub whose data, config and home lie in `dir`, and waits until it is ready.
    ///
    /// # Panics
    /// When it ends or is not ready in time; its log is printed.
    pub fn start(dir: &Path, hub_toml: &str) -> Self {
        Self::start_as(Program::plain(), dir, hub_toml)
    }

    /// As [`Hub::start`]; the hub also listens at these addresses.
    pub fn start_also(dir: &Path, hub_toml: &str, also: &[String]) -> Self {
        Self::launch(Program::plain(), dir, hub_toml, also)
    }

    /// As [`Hub::start`], with another program, which [`Hub::restart`] takes too.
    pub fn start_as(program: Program, dir: &Path, hub_toml: &str) -> Self {
        Self::launch(program, dir, hub_toml, &[])
    }

    fn launch(program: Program, dir: &Path, hub_toml: &str, also: &[String]) -> Self {
        std::fs::create_dir_all(dir).expect("the test's folder can be made");
        std::fs::write(dir.join("hub.toml"), hub_toml).expect("the test's folder can be written");
        let (process, address) = launch(&program, dir, "127.0.0.1:0", also);
        Self { program, dir: dir.to_owned(), address, also: also.to_vec(), process }
    }

    /// Kills the hub if it runs and starts it again on the same data and the same port, so that who sends to it finds it.
    pub fn restart(&mut self) {
        self.process.kill9();
        (self.process, self.address) = launch(&self.program, &self.dir, &self.address, &self.also);
    }

    /// Kills it with SIGKILL: what was not on disk is lost.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Lets it hang: it takes connections and answers none.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`Hub::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Asks it to end (SIGTERM) and returns how it did.
    pub fn terminate(&mut self) -> ExitStatus {
        self.process.terminate(START_LIMIT)
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns what it logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Returns the hub's data folder.
    pub fn data(&self) -> PathBuf {
        data(&self.dir)
    }

    /// Returns where its console and commands find it: `unix:..`.
    pub fn socket(&self) -> String {
        format!("unix:{}", self.data().join("hub.sock").display())
    }

    /// Returns the home of the person on this machine.
    pub fn home(&self) -> PathBuf {
        home(&self.dir)
    }

    /// Returns what sources must send as Bearer.
    pub fn ingest_token(&self) -> String {
        self.token("ingest.token")
    }

    /// Returns what an administrator must send as Bearer.
    pub fn admin_token(&self) -> String {
        self.token("admin.token")
    }

    /// Sends a GET as an administrator.
    ///
    /// # Errors
    /// As [`http::get`].
    pub fn get(&self, path: &str) -> io::Result<Response> {
        http::get(&self.address, path, &[("authorization", &format!("Bearer {}", self.admin_token()))])
    }

    /// Posts JSON as a source.
    ///
    /// # Errors
    /// As [`http::post`].
    pub fn ingest(&self, path: &str, body: &str) -> io::Result<Response> {
        let bearer = format!("Bearer {}", self.ingest_token());
        http::post(&self.address, path, &[("authorization", &bearer)], body.as_bytes())
    }

    /// Posts JSON to `/api/v2/alerts` as a source.
    ///
    /// # Panics
    /// When the hub does not take it.
    pub fn alert(&self, alerts: &[serde_json::Value]) {
        let answer = self.ingest("/api/v2/alerts", &super::alerts::body(alerts)).expect("the hub answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Runs `nightdesk ARGS` as the person on this hub's machine, and waits for its end.
    pub fn command(&self, args: &[&str]) -> Ended {
        self.command_at(&self.home(), args)
    }

    /// Runs `nightdesk ARGS` with another home: another device of the same person.
    pub fn command_at(&self, home: &Path, args: &[&str]) -> Ended {
        let mut command = nightdesk(home);
        command.env("NIGHTDESK_HUB", self.socket()).args(args).stdin(Stdio::null());
        let output = command.output().expect("our own binary can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    fn token(&self, name: &str) -> String {
        let path = self.data().join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.trim().to_owned()
    }
}

/// Returns the command `nightdesk` with that home and nothing of the developer's own settings.
pub fn nightdesk(home: &Path) -> Command {
    Program::plain().command(home)
}

/// Writes a secret beside `hub.toml`.
pub fn secret(dir: &Path, name: &str, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::create_dir_all(dir).expect("the test's folder can be made");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(dir.join(name));
    io::Write::write_all(&mut file.expect("a file"), text.as_bytes()).expect("the secret can be written");
}

fn data(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn home(dir: &Path) -> PathBuf {
    dir.join("home")
}

fn launch(program: &Program, dir: &Path, listen: &str, also: &[String]) -> (Process, String) {
    let file = data(dir).join("address");
    let _ = std::fs::remove_file(&file); // the one of the hub before
    let mut command = program.command(&home(dir));
    command.args(["serve", "--listen", listen, "--data"]).arg(data(dir)).arg("--config").arg(dir.join("hub.toml"));
    for address in also {
        command.args(["--listen", address]);
    }
    let mut process = Process::start("nightdesk serve", &mut command, &dir.join("hub.log"));
    let address = process.until("the hub is ready", START_LIMIT, || {
        let text = std::fs::read_to_string(&file).ok()?;
        let address = text.strip_suffix('\n')?.to_owned(); // without its line end it is half written
        let ready = http::get(&address, "/-/ready", &[]).ok()?.status == 200;
        ready.then_some(address)
    });
    (process, address)
}
