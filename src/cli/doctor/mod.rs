//! `nightdesk doctor`: looks at everything that must hold, changes nothing, and says for each thing that does not what to do.

mod attention;
mod data;
mod files;
mod hub;
mod settings;
mod terminal;

use super::output::{json_line, say};
use super::{Exit, Globals};
use crate::config::{Console, Paths};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::store::health;
use crate::sync::clock;
use clap::Args;
pub(super) use files::last_crash;
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long one check may take.
const CHECK_WITHIN: Duration = Duration::from_secs(2);
/// How long asking the hub may take.
const HUB_WITHIN: Duration = Duration::from_secs(5);
/// Longest line, in characters.
const SAYS_MAX: usize = 600;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only checks whose name begins so: files, config, data, hub, terminal, notify, log.
    topic: Option<String>,
    /// Prints one JSON object a line: v, check, status (good, note, warning, broken), says, do.
    #[arg(long)]
    json: bool,
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Good,
    /// Worth knowing; nothing is wrong.
    Note,
    Warning,
    Broken,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

/// What a check found: one line, and what to do where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// A name that stays: `area.thing`.
    check: String,
    status: Status,
    says: SafeText,
    remedy: Option<SafeText>,
}

impl Finding {
    fn new(check: &str, status: Status, says: impl AsRef<str>, remedy: Option<&str>) -> Self {
        let safe = |text: &str| SafeText::line(&without_secrets(text), SAYS_MAX);
        Self { check: check.to_owned(), status, says: safe(says.as_ref()), remedy: remedy.map(safe) }
    }

    fn good(check: &str, says: impl AsRef<str>) -> Self {
        Self::new(check, Status::Good, says, None)
    }

    fn note(check: &str, says: impl AsRef<str>) -> Self {
        Self::new(check, Status::Note, says, None)
    }

    fn warning(check: &str, says: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(check, Status::Warning, says, Some(remedy.as_ref()))
    }

    fn broken(check: &str, says: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(check, Status::Broken, says, Some(remedy.as_ref()))
    }

    fn json(&self) -> String {
        let remedy = self.remedy.as_ref().map(SafeText::as_str);
        let (status, says) = (self.status.word(), self.says.as_str());
        json_line(&json!({ "v": 1, "check": self.check, "status": status, "says": says, "do": remedy }))
    }

    fn lines(&self) -> Vec<String> {
        let status = match self.status {
            Status::Good => "ok",
            other => other.word(),
        };
        let first = format!("{status:<8} {:<18} {}", self.check, self.says);
        let remedy = self.remedy.as_ref().map(|remedy| format!("         do this: {remedy}"));
        std::iter::once(first).chain(remedy).collect()
    }
}

/// Returns the text with all that may be a secret in an address taken out: who asks, path and query.
fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end =
            after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')' | ';')).unwrap_or(after.len());
        let (address, behind) = after.split_at(end);
        let host_end = address.find(['/', '?', '#']).unwrap_or(address.len());
        let (authority, tail) = address.split_at(host_end);
        out.push_str(before);
        out.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        if tail.len() > 1 {
            out.push_str("/***");
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Returns an error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let mut words: Vec<String> = causes.collect();
    // Some errors say their cause's words themselves.
    words.dedup();
    words.join(": ")
}

/// What all checks look at.
struct Scene {
    paths: Paths,
    /// What the configuration says, or what is wrong in it.
    console: Result<Console, String>,
    now: Timestamp,
}

type Check = fn(&Scene) -> Vec<Finding>;

/// Every check: its area, and how long it may take.
const CHECKS: &[(&str, Duration, Check)] = &[
    ("version", CHECK_WITHIN, version),
    ("files", CHECK_WITHIN, files::check),
    ("config", CHECK_WITHIN, settings::check),
    ("data", CHECK_WITHIN, data::check),
    ("hub", HUB_WITHIN, hub::check),
    ("peers", HUB_WITHIN, hub::check_peers),
    ("terminal", CHECK_WITHIN, terminal::check),
    ("notify", CHECK_WITHIN, attention::check),
    ("log", CHECK_WITHIN, files::check_log),
];

/// Prints what was found; the exit status says how bad the worst of it is.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let findings = examine(globals, arguments.topic.as_deref().unwrap_or_default())?;
    for finding in &findings {
        match arguments.json {
            true => say!("{}", finding.json()),
            false => finding.lines().iter().for_each(|line| say!("{line}")),
        }
    }
    let worst = findings.iter().map(|finding| finding.status).max().unwrap_or(Status::Good);
    if !arguments.json {
        say!("{}", verdict(&findings));
    }
    Ok(match worst {
        Status::Good | Status::Note => Exit::Confirmed,
        Status::Warning => Exit::Failed,
        Status::Broken => Exit::Broken,
    })
}

/// Returns the same as lines, for a screen.
pub fn lines(globals: &Globals, topic: &str) -> Vec<String> {
    match examine(globals, topic) {
        Ok(mut findings) => {
            // Who looks at a screen wants to see first what is wrong.
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.status));
            let lines = findings.iter().flat_map(Finding::lines);
            std::iter::once(verdict(&findings)).chain(lines).collect()
        }
        Err(error) => vec![format!("doctor: {error:#}")],
    }
}

fn verdict(findings: &[Finding]) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    match (count(Status::Broken), count(Status::Warning)) {
        (0, 0) => "all good".to_owned(),
        (broken, warnings) => format!("{broken} broken, {warnings} to look at"),
    }
}

fn examine(globals: &Globals, topic: &str) -> anyhow::Result<Vec<Finding>> {
    let paths = Paths::find(globals.home.clone())?;
    let console = super::open::settings(globals).map(|(_, console)| console).map_err(|error| format!("{error:#}"));
    let scene = Arc::new(Scene { paths, console, now: clock::now() });
    // A check is wanted by its own name or by that of one of its findings.
    let wanted = |area: &str| area.starts_with(topic) || topic.starts_with(area);
    let mut findings = bounded(&scene, CHECKS.iter().filter(|(area, ..)| wanted(area)));
    findings.retain(|finding| finding.check.starts_with(topic));
    Ok(findings)
}

/// Runs checks at the same time. One that takes too long is told and left behind: a dead network mount must not hold the others up.
fn bounded<'c>(scene: &Arc<Scene>, checks: impl Iterator<Item = &'c (&'static str, Duration, Check)>) -> Vec<Finding> {
    let began = Instant::now();
    let started: Vec<_> = checks
        .map(|(area, limit, check)| {
            let (sender, answer) = channel();
            let (scene, check) = (scene.clone(), *check);
            let spawned = std::thread::Builder::new()
                .name(format!("doctor-{area}"))
                .spawn(move || drop(sender.send(check(&scene))));
            (*area, *limit, spawned.map(|_| answer))
        })
        .collect();
    let collect = |(area, limit, answer): (&str, Duration, std::io::Result<std::sync::mpsc::Receiver<_>>)| {
        let answer = match answer {
            Ok(answer) => answer.recv_timeout(limit.saturating_sub(began.elapsed())),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        match answer {
            Ok(findings) => findings,
            Err(RecvTimeoutError::Timeout) => {
                let says = format!("no answer within {} s", limit.as_secs());
                let remedy = "look whether a disk or the network hangs, then run it again";
                vec![Finding::warning(&format!("{area}.slow"), says, remedy)]
            }
            Err(RecvTimeoutError::Disconnected) => {
                let remedy = "this is a fault of nightdesk: please report it with the log";
                vec![Finding::broken(&format!("{area}.failed"), "the check itself failed", remedy)]
            }
        }
    };
    started.into_iter().flat_map(collect).collect()
}

fn version(_: &Scene) -> Vec<Finding> {
    let (os, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let says =
        format!("nightdesk {} on {os} {machine}, SQLite {}", env!("CARGO_PKG_VERSION"), health::sqlite_version());
    vec![Finding::good("version", says)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_may_be_secret() {
        for (text, wanted) in [
            ("no hub answers at http://127.0.0.1:7400: refused", "no hub answers at http://127.0.0.1:7400: refused"),
            ("\"https://mira:canary@hub.example/canary?key=canary\" is", "\"https://hub.example/***\" is"),
            ("see https://hooks.example/canary, and http://a/", "see https://hooks.example/***, and http://a/"),
        ] {
            let wanted = wanted.replace("http://a/", "http://a");
            assert_eq!(without_secrets(text).replace("http://a/", "http://a"), wanted);
        }
    }

    #[test]
    fn what_is_wrong_has_one_line_that_says_what_to_do() {
        let finding = Finding::broken("files.data", "open to all\u{1b}[31m", "chmod 700 it");
        let lines = finding.lines();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("do this: chmod 700 it") && !lines[0].contains('\u{1b}'), "{lines:?}");
    }

    #[test]
    fn a_check_that_hangs_or_fails_is_told_and_holds_nobody_up() {
        fn hangs(_: &Scene) -> Vec<Finding> {
            std::thread::park_timeout(Duration::from_secs(30));
            Vec::new()
        }
        fn fails(_: &Scene) -> Vec<Finding> {
            panic!("on purpose")
        }
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::find(Some(home.path().to_owned())).unwrap();
        let scene = Arc::new(Scene { paths, console: Err("none".into()), now: Timestamp::from_millis(0) });
        let moment = Duration::from_millis(50);
        let checks: [(&str, Duration, Check); 3] =
            [("a", moment, hangs), ("b", CHECK_WITHIN, fails), ("c", CHECK_WITHIN, version)];
        let found: Vec<String> = bounded(&scene, checks.iter()).into_iter().map(|finding| finding.check).collect();
        assert_eq!(found, ["a.slow", "b.failed", "version"]);
    }
}
