//! tig, on a repository that is made for it.

use super::Measured;
use crate::support::pty::Pty;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Commits of the repository.
pub const COMMITS: usize = 20_000;

/// Measures tig on such a repository in that folder.
///
/// # Panics
/// When tig or git cannot be started: a comparison with nothing is none.
pub fn measured(dir: &Path) -> Measured {
    let version = Command::new("tig").arg("--version").output();
    let version = version.expect("tig is missing: apt-get install tig").stdout;
    println!("{}", String::from_utf8_lossy(&version).lines().next().unwrap_or("tig"));
    make(dir);
    let dir = dir.to_str().expect("target's path is text");
    let last = format!("commit {}", COMMITS - 1);
    let start = || Pty::start(120, 40, "tig", &["-C", dir], &[("HOME", dir), ("LC_ALL", "C.UTF-8")]);
    super::measured(start, |screen| screen.contains(&last), b"j", b"k")
}

fn make(dir: &Path) {
    std::fs::create_dir_all(dir).expect("target can be written");
    let run = |args: &[&str]| {
        let done = Command::new("git").args(args).current_dir(dir).stdout(Stdio::null()).status();
        assert!(done.expect("git is installed").success(), "git {args:?}");
    };
    run(&["init", "--quiet", "--initial-branch=main"]);
    let mut import = Command::new("git");
    import.args(["fast-import", "--quiet"]).current_dir(dir).stdin(Stdio::piped());
    let mut import = import.spawn().expect("git is installed");
    let mut text = String::new();
    for number in 0..COMMITS {
        let (message, content) = (format!("commit {number}\n"), format!("{number}\n"));
        let at = 1_700_000_000 + number * 60;
        let _ = write!(
            text,
            "commit refs/heads/main\ncommitter A Person <person@example.org> {at} +0000\ndata {}\n{message}M 644 inline file-{:02}\ndata {}\n{content}\n",
            message.len(),
            number % 50,
            content.len()
        );
    }
    import.stdin.take().expect("it was asked for").write_all(text.as_bytes()).expect("git reads");
    assert!(import.wait().expect("it runs").success());
}
