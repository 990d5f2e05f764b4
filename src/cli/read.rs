//! What the console shows beside incidents: the log, doctor's findings, the changelog, the last crash, where files lie.

use super::{Globals, doctor, paths};
use crate::config::Paths;
use crate::log::recent_lines;
use crate::tui::{Reader, Topic};
use std::io::Read as _;
use std::sync::Arc;

const CHANGELOG: &str = include_str!("../../CHANGELOG.md");
/// How much of a crash file is shown.
const CRASH_BYTES_MAX: u64 = 64 << 10;

/// Returns what reads for a console that was started so.
pub fn reader(globals: &Globals, paths: &Paths) -> Reader {
    let (globals, paths) = (globals.clone(), paths.clone());
    Arc::new(move |topic, words| match topic {
        Topic::Doctor => doctor::lines(&globals, words),
        Topic::Log => holding(recent_lines(), words),
        Topic::WhatsNew => holding(newest_section(CHANGELOG), words),
        Topic::Crash => holding(crash(&paths), words),
        Topic::Claim => super::claim::said(&globals, words),
        Topic::Silence => super::silence::said(&globals, words),
        Topic::Unread => super::runbook::unread_said(&globals, words),
        Topic::Gaps => holding(super::runbook::gaps_said(&globals), words),
        Topic::Past => super::past::said(&globals, words),
        // The screen has it itself.
        Topic::Clip
        | Topic::Runbooks
        | Topic::Changes
        | Topic::Sources
        | Topic::Funnel
        | Topic::Claims
        | Topic::Silences
        | Topic::Views => Vec::new(),
        Topic::Paths => holding(places(&globals), words),
    })
}

/// Returns the lines that hold the words, whatever their case.
fn holding(mut lines: Vec<String>, words: &str) -> Vec<String> {
    let words = words.to_lowercase();
    lines.retain(|line| line.to_lowercase().contains(&words));
    lines
}

/// Returns the first section with a heading of the second level that says anything, in lines as they are written.
fn newest_section(changelog: &str) -> Vec<String> {
    let mut sections = changelog.split("\n## ").skip(1);
    let section = sections.find(|section| section.lines().skip(1).any(|line| !line.trim().is_empty()));
    section.map_or_else(Vec::new, |section| section.trim_end().lines().map(str::to_owned).collect())
}

fn crash(paths: &Paths) -> Vec<String> {
    let Some((path, _)) = doctor::last_crash(paths) else { return Vec::new() };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(CRASH_BYTES_MAX).read_to_end(&mut bytes));
    let mut lines = vec![path.display().to_string(), String::new()];
    match read {
        Ok(_) => lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned)),
        Err(error) => lines.push(format!("cannot be read: {error}")),
    }
    lines
}

fn places(globals: &Globals) -> Vec<String> {
    match paths::places(globals) {
        Ok(places) => places.iter().map(|place| paths::line(place, place.path.symlink_metadata().is_ok())).collect(),
        Err(error) => vec![format!("{error:#}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_section_is_the_first_that_says_anything() {
        assert_eq!(
            newest_section("# C\n\n## Unreleased\n\n## 1.1\n\n- a\n- b\n\n## 1.0\n\n- c\n"),
            ["1.1", "", "- a", "- b"]
        );
        assert!(newest_section(CHANGELOG).len() > 2, "the shipped one says something");
        assert_eq!(newest_section(""), Vec::<String>::new());
    }

    #[test]
    fn words_narrow_it() {
        let lines = || vec!["An ERROR".to_owned(), "fine".to_owned()];
        assert_eq!(holding(lines(), "error"), ["An ERROR"]);
        assert_eq!(holding(lines(), "").len(), 2);
    }
}
