//! A program that is run for somebody: no shell, a short life, and an environment of our own choice.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// How long the output of a program that ended may still be awaited: something that it left behind may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// Where programs are looked for when we ourselves have no path.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Variables that begin so are ours: where the hub is, where its token lies. No program is told.
const OURS: &[u8] = b"NIGHTDESK_";

/// What a program finds in its environment.
#[derive(Debug, Clone)]
pub enum Environment {
    /// `PATH`, `HOME` and these.
    Own(Vec<(&'static str, String)>),
    /// That of the person who runs us, without what is ours.
    Person,
}

/// One run of one program.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The program and its arguments.
    pub run: &'a [String],
    /// What it reads.
    pub input: Vec<u8>,
    /// What it finds.
    pub environment: Environment,
    /// After this it is killed, with all that it started.
    pub timeout: Duration,
    /// Bytes of each of its outputs that are kept; the rest is read and thrown away.
    pub kept: usize,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// It could not be started.
    NotStarted(io::Error),
    /// It took too long and was killed.
    Late,
    /// Nobody knows.
    Lost(io::Error),
    /// It ended by itself.
    Itself {
        /// How.
        status: ExitStatus,
        /// What it wrote, from its beginning.
        output: Vec<u8>,
        /// What it complained of, from its beginning.
        errors: Vec<u8>,
    },
}

impl Ended {
    /// Returns what it wrote, if it ended well.
    pub fn well(self) -> Option<Vec<u8>> {
        match self {
            Self::Itself { status, output, .. } if status.success() => Some(output),
            _ => None,
        }
    }
}

/// Runs a program to its end, within its time. Dropped meanwhile, it kills the program and all that it started.
pub async fn execute(job: Job<'_>) -> Ended {
    let mut child = match spawn(&job) {
        Ok(child) => child,
        Err(error) => return Ended::NotStarted(error),
    };
    let group = Group::of(&child);
    let Job { input: body, timeout, kept, .. } = job;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let fed = tokio::spawn(async move {
        if let Some(mut input) = input {
            // A program need not read it.
            let _ = input.write_all(&body).await;
        }
    });
    let errors = tokio::spawn(head(errors, kept));
    let output = tokio::spawn(head(output, kept));
    let ended = tokio::time::timeout(timeout, child.wait()).await;
    fed.abort();
    match ended {
        Err(_) => {
            drop(group);
            Ended::Late
        }
        Ok(Err(error)) => Ended::Lost(error),
        Ok(Ok(status)) => {
            group.leave();
            let spoken = async { (errors.await.unwrap_or_default(), output.await.unwrap_or_default()) };
            let (errors, output) = tokio::time::timeout(LAST_WORDS, spoken).await.unwrap_or_default();
            Ended::Itself { status, output, errors }
        }
    }
}

/// Starts a program that may live on after us: it reads nothing, writes nowhere, and is not killed.
///
/// # Errors
/// When it cannot be started.
pub fn launch(run: &[String], environment: &Environment) -> io::Result<Child> {
    command(run, environment)?.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

fn spawn(job: &Job<'_>) -> io::Result<Child> {
    command(job.run, &job.environment)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

fn command(run: &[String], environment: &Environment) -> io::Result<Command> {
    let (program, arguments) = run.split_first().ok_or(io::ErrorKind::NotFound)?;
    let inherited = |name: &str, default: &str| std::env::var_os(name).unwrap_or_else(|| OsString::from(default));
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").process_group(0);
    match environment {
        Environment::Own(own) => {
            command.env_clear().env("PATH", inherited("PATH", PATH)).env("HOME", inherited("HOME", "/"));
            command.envs(own.iter().map(|(name, value)| (name, value)));
        }
        Environment::Person => {
            std::env::vars_os().map(|(name, _)| name).filter(|name| is_ours(name)).for_each(|name| {
                command.env_remove(name);
            });
        }
    }
    Ok(command)
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(OURS)
}

/// Reads to the end and returns the beginning: who is not read from cannot end.
async fn head(stream: Option<impl AsyncRead + Unpin>, kept_max: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        let _ = (&mut stream).take(kept_max as u64).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    kept
}

/// The program and what it started: killed together when it is given up.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    /// Lets what it left behind live: a program that ended by itself is trusted to know.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_not_told_to_programs() {
        let command = |environment| {
            let command = command(&["env".to_owned()], &environment).unwrap();
            let set = |(name, value): (&OsStr, Option<&OsStr>)| value.map(|_| name.to_string_lossy().into_owned());
            command.as_std().get_envs().filter_map(set).collect::<Vec<_>>()
        };
        assert_eq!(command(Environment::Own(vec![("X", "1".into())])), ["HOME", "PATH", "X"]);
        assert_eq!(command(Environment::Person), Vec::<String>::new(), "only taken away");
        assert!(is_ours(OsStr::new("NIGHTDESK_TOKEN_FILE")) && !is_ours(OsStr::new("MY_NIGHTDESK_THING")));
    }
}
