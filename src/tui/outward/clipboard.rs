//! Where a copy goes, and what came of it. Nothing is ever read from a clipboard.

use super::errand::{Clip, Report};
use super::sequence::Sequence;
use super::surroundings::Surroundings;
use super::tmux;
use crate::config::{Clipboard, Outward};
use crate::domain::text::SafeText;
use crate::notify::program::{Ended, Environment, Job, execute};
use crate::store::file;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a program may take to read a copy.
const WITHIN: Duration = Duration::from_secs(2);

/// One way for a copy to go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    TmuxBuffer,
    Terminal,
    /// The same, for the terminal behind a multiplexer that cannot be asked.
    TerminalBehind,
    /// The first of these that there is.
    Programs(Vec<Vec<String>>),
    File,
}

/// Returns the ways, all of which are gone.
fn ways(settings: &Outward, around: &Surroundings) -> Vec<Way> {
    // These print what they do not know.
    let can = !matches!(around.term.as_str(), "" | "dumb" | "linux");
    let terminal = || match around.in_multiplexer() && around.pane.is_none() {
        true => vec![Way::Terminal, Way::TerminalBehind],
        false => vec![Way::Terminal],
    };
    let mut ways = match settings.clipboard {
        Clipboard::Off => return Vec::new(),
        Clipboard::Auto if around.pane.is_some() => vec![Way::TmuxBuffer, Way::Terminal],
        Clipboard::Auto if around.in_multiplexer() => terminal(),
        Clipboard::Auto if (around.wayland || around.x11) && !around.ssh => vec![Way::Programs(native(around))],
        Clipboard::Auto if can => terminal(),
        Clipboard::Auto | Clipboard::File => Vec::new(),
        Clipboard::Tmux => vec![Way::TmuxBuffer],
        Clipboard::Osc52 => terminal(),
        Clipboard::Native => vec![Way::Programs(native(around))],
        Clipboard::Command => vec![Way::Programs(vec![settings.clipboard_command.clone()])],
    };
    ways.push(Way::File);
    ways
}

/// Returns the desktop's tools.
fn native(around: &Surroundings) -> Vec<Vec<String>> {
    let tool = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let wayland = around.wayland.then(|| tool("wl-copy"));
    let x11 = [tool("xclip -in -selection clipboard"), tool("xsel --clipboard --input")];
    wayland.into_iter().chain(x11.into_iter().filter(|_| around.x11 || !around.wayland)).collect()
}

/// Returns the file that holds the last copy, where there is a place that is gone with the session.
pub(super) fn place(around: &Surroundings) -> Option<PathBuf> {
    around.runtime.as_ref().map(|dir| dir.join("nightdesk").join("clip"))
}

/// Sends a copy on all its ways, and says what came of it.
pub(super) async fn copy(clip: &Clip, settings: &Outward, around: &Surroundings, report: impl Fn(Report)) {
    let (mut went, mut failed) = (Vec::new(), Vec::new());
    let mut kept = None;
    for way in ways(settings, around) {
        match way {
            Way::TmuxBuffer => match tmux::copy(&clip.text()).await {
                Ok(()) => went.push("tmux buffer".to_owned()),
                Err(why) => failed.push(format!("tmux: {why}")),
            },
            Way::Terminal => {
                report(Report::Emit(Sequence::copy(&clip.text())));
                went.push("terminal (OSC 52)".to_owned());
            }
            Way::TerminalBehind => report(Report::Emit(Sequence::copy(&clip.text()).passed_through())),
            Way::Programs(programs) => match first(&programs, &clip.text()).await {
                Ok(name) => went.push(name),
                Err(why) => failed.push(why),
            },
            Way::File => match place(around).map(|path| (keep(&path, &clip.text()), path)) {
                Some((Ok(()), path)) => kept = Some(path),
                Some((Err(error), path)) => failed.push(format!("{}: {error}", path.display())),
                None if settings.clipboard == Clipboard::File => failed.push("XDG_RUNTIME_DIR is not set".to_owned()),
                None => {}
            },
        }
    }
    report(outcome(clip, &went, &failed, kept.as_deref()));
}

/// Returns what is said of a copy: what was done, never that it arrived, for nobody can know.
fn outcome(clip: &Clip, went: &[String], failed: &[String], kept: Option<&Path>) -> Report {
    let what = match clip.is_cut() {
        true => format!("{}, CUT to its first {} bytes,", clip.what, clip.text().len()),
        false => clip.what.clone(),
    };
    let safe = |text: String| SafeText::line(&text, 300);
    let but = if failed.is_empty() { String::new() } else { format!(" (but {})", failed.join("; ")) };
    match (went, kept) {
        ([], None) if failed.is_empty() => {
            Report::Done(safe(format!("{what} kept here only, clipboard is \"off\": :clip show")))
        }
        ([], None) => Report::Failed(safe(format!("{what} NOT copied: {}; :clip show shows it", failed.join("; ")))),
        ([], Some(path)) if failed.is_empty() => {
            Report::Done(safe(format!("{what} written to {}; :clip show shows it", path.display())))
        }
        ([], Some(path)) => {
            let path = path.display();
            Report::Failed(safe(format!("{what} NOT copied: {}; it lies in {path}, :clip show", failed.join("; "))))
        }
        (went, _) => Report::Done(safe(format!("{what} sent to {}{but}; paste fails? :clip show", went.join(" and ")))),
    }
}

/// Gives the text to the first of these programs that there is; returns its name.
async fn first(programs: &[Vec<String>], text: &str) -> Result<String, String> {
    let mut missing = Vec::new();
    for run in programs {
        let name = run.first().cloned().unwrap_or_default();
        let input = text.as_bytes().to_vec();
        let job = Job { run, input, environment: Environment::Person, timeout: WITHIN, kept: 256 };
        match execute(job).await {
            Ended::NotStarted(error) if error.kind() == io::ErrorKind::NotFound => missing.push(name),
            Ended::Itself { status, .. } if status.success() => return Ok(name),
            ended => return Err(format!("{name}: {}", tmux::why(ended))),
        }
    }
    Err(format!("no {} here", missing.join(", no ")))
}

/// Writes the last copy where only this user reads it.
fn keep(path: &Path, text: &str) -> Result<(), crate::store::StoreError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    file::private_dir(dir)?;
    file::write_private(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(choice: Clipboard, around: Surroundings, expect: &[Way]) {
        let settings = Outward { clipboard: choice, clipboard_command: vec!["my".into()], ..Outward::default() };
        assert_eq!(ways(&settings, &around), expect, "{choice:?} {around:?}");
    }

    fn term(term: &str) -> Surroundings {
        Surroundings { term: term.into(), ..Surroundings::default() }
    }

    #[test]
    fn a_copy_goes_where_it_is_most_likely_to_arrive() {
        use Way::*;
        let tmux = Surroundings { pane: Some("%1".into()), x11: true, ..term("tmux-256color") };
        check(Clipboard::Auto, tmux.clone(), &[TmuxBuffer, Terminal, File]);
        check(Clipboard::Auto, term("screen-256color"), &[Terminal, TerminalBehind, File]);
        let desktop = Surroundings { wayland: true, ..term("foot") };
        check(Clipboard::Auto, desktop.clone(), &[Programs(vec![vec!["wl-copy".into()]]), File]);
        check(Clipboard::Auto, Surroundings { ssh: true, ..desktop }, &[Terminal, File]);
        check(Clipboard::Auto, term("xterm-256color"), &[Terminal, File]);
        check(Clipboard::Auto, term("linux"), &[File]);
        check(Clipboard::Tmux, term("xterm"), &[TmuxBuffer, File]);
        check(Clipboard::Osc52, tmux.clone(), &[Terminal, File]);
        check(Clipboard::Command, tmux.clone(), &[Programs(vec![vec!["my".into()]]), File]);
        check(Clipboard::File, tmux.clone(), &[File]);
        check(Clipboard::Off, tmux, &[]);
    }

    #[test]
    fn what_is_said_is_what_was_done() {
        let said = |went: &[&str], failed: &[&str], kept: Option<&str>| {
            let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            match outcome(&Clip::new("id 12", "12"), &list(went), &list(failed), kept.map(Path::new)) {
                Report::Done(text) => text.to_string(),
                Report::Failed(text) => format!("! {text}"),
                Report::Emit(_) => unreachable!("an outcome is words"),
            }
        };
        assert_eq!(
            said(&["tmux buffer", "terminal (OSC 52)"], &[], Some("/x")),
            "id 12 sent to tmux buffer and terminal (OSC 52); paste fails? :clip show"
        );
        assert_eq!(
            said(&["terminal (OSC 52)"], &["tmux: no answer in time"], None),
            "id 12 sent to terminal (OSC 52) (but tmux: no answer in time); paste fails? :clip show"
        );
        assert_eq!(said(&[], &[], Some("/x")), "id 12 written to /x; :clip show shows it");
        assert_eq!(said(&[], &["no xclip here"], None), "! id 12 NOT copied: no xclip here; :clip show shows it");
        assert_eq!(said(&[], &[], None), "id 12 kept here only, clipboard is \"off\": :clip show");
        let cut = Clip::new("labels", &"x".repeat(60_000));
        let Report::Done(text) = outcome(&cut, &["xclip".into()], &[], None) else { panic!("it was sent") };
        assert!(text.as_str().starts_with("labels, CUT to its first 56244 bytes, sent to xclip"), "{text}");
    }

    #[test]
    fn the_last_copy_lies_where_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let around = Surroundings { runtime: Some(dir.path().to_owned()), ..Surroundings::default() };
        let path = place(&around).unwrap();
        keep(&path, "one").unwrap();
        keep(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
