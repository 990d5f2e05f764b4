//! What tmux is asked and told: by its own program, within a moment, never by sequences that it might hand on.

use crate::domain::text::SafeText;
use crate::notify::program::{Ended, Environment, Job, execute};
use std::time::Duration;

/// How long tmux may take; a healthy one needs a few milliseconds.
pub(super) const WITHIN: Duration = Duration::from_millis(200);
/// How long it may take over a copy, which may be long.
const COPY_WITHIN: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 1024;
/// The option of our window that says how many incidents call.
const OPTION: &str = "@nightdesk_pages";

/// Returns what tmux answers, without the end of its line, or `None` where it refuses, is not there, or takes too long.
pub(super) async fn ask(arguments: &[&str]) -> Option<SafeText> {
    let answer = run(arguments, Vec::new(), WITHIN).await.well()?;
    Some(SafeText::bytes(answer.trim_ascii_end(), ANSWER_BYTES))
}

async fn run(arguments: &[&str], input: Vec<u8>, timeout: Duration) -> Ended {
    let run: Vec<String> = std::iter::once("tmux").chain(arguments.iter().copied()).map(str::to_owned).collect();
    execute(Job { run: &run, input, environment: Environment::Person, timeout, kept: ANSWER_BYTES }).await
}

/// Says in our window's option how many incidents call; where none does, the option is taken away.
pub(super) async fn flag(pane: &str, calling: usize) -> bool {
    let count = calling.to_string();
    let arguments = match calling {
        0 => vec!["set-option", "-wu", "-t", pane, OPTION],
        _ => vec!["set-option", "-w", "-t", pane, OPTION, &count],
    };
    run(&arguments, Vec::new(), WITHIN).await.well().is_some()
}

/// Puts a text into a new buffer and, where tmux can (from 3.2 on), into its terminal's clipboard.
///
/// # Errors
/// Why not, in a few words.
pub(super) async fn copy(text: &str) -> Result<(), String> {
    let input = || text.as_bytes().to_vec();
    match run(&["load-buffer", "-w", "-"], input(), COPY_WITHIN).await {
        Ended::Itself { status, .. } if status.success() => return Ok(()),
        Ended::Itself { .. } => {}
        ended => return Err(why(ended)),
    }
    match run(&["load-buffer", "-"], input(), COPY_WITHIN).await {
        Ended::Itself { status, .. } if status.success() => Ok(()),
        ended => Err(why(ended)),
    }
}

/// Returns why a program did not do what it was run for; what it said is made safe.
pub(super) fn why(ended: Ended) -> String {
    match ended {
        Ended::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => "no such program".to_owned(),
        Ended::NotStarted(error) => format!("cannot be started: {error}"),
        Ended::Late => "no answer in time".to_owned(),
        Ended::Lost(error) => format!("cannot be waited for: {error}"),
        Ended::Itself { status, errors, .. } => {
            let said = SafeText::bytes(errors.trim_ascii(), 120);
            if said.as_str().is_empty() { status.to_string() } else { format!("{status} ({said})") }
        }
    }
}

/// Returns whether our tmux hands sequences on to its terminal while its window is not looked at: only then do notes arrive when they matter.
pub(super) async fn passes_all(pane: &str) -> bool {
    let answer = ask(&["show-options", "-Apv", "-t", pane, "allow-passthrough"]).await;
    answer.is_some_and(|answer| answer.as_str() == "all")
}

/// Returns name and kind of the terminal that our tmux is shown on now.
pub(super) async fn client() -> Option<(String, String)> {
    let answer = ask(&["display-message", "-p", "#{client_termname} #{client_termtype}"]).await?;
    let (name, kind) = answer.as_str().split_once(' ')?;
    Some((name.to_owned(), kind.to_owned()))
}
