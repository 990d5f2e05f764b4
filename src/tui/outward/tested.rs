//! `nightdesk notify test`: each channel by itself, what the person saw or heard of it, and those answers on disk for `doctor`.

use super::errand::{Item, Note};
use super::sequence::{NoteKind, Sequence};
use super::surroundings::Surroundings;
use super::{COMMAND_WITHIN, desktop, run_command, tmux};
use crate::config::{Outward, Paths};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::store::{StoreError, file};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a note of the test says.
const WORDS: &str = "Page: S1 0 nightdesk: this is a test";
/// Most bytes of the file with the answers; more is not ours.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A way to reach the person beside the lines on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The terminal's bell.
    Bell,
    /// The window's title.
    Title,
    /// The option of the tmux window.
    Tmux,
    /// A note by OSC 9.
    Osc9,
    /// A note by OSC 777.
    Osc777,
    /// A note by OSC 99.
    Osc99,
    /// The person's command.
    Command,
    /// The desktop's notification service.
    Desktop,
}

impl Channel {
    /// Every channel in the order of the test.
    pub const ALL: [Self; 8] =
        [Self::Bell, Self::Title, Self::Tmux, Self::Osc9, Self::Osc777, Self::Osc99, Self::Command, Self::Desktop];

    /// Returns what a person should notice.
    pub fn expects(self) -> &'static str {
        match self {
            Self::Bell => "the bell: a sound, a bouncing icon, a mark at the window's name",
            Self::Title => "the title of this window: \"(!1) nightdesk (test)\"",
            Self::Tmux => "the tmux option @nightdesk_pages, if your window-status-format shows it",
            Self::Osc9 => "a note by the terminal (OSC 9)",
            Self::Osc777 => "a note by the terminal (OSC 777)",
            Self::Osc99 => "a note by the terminal (OSC 99)",
            Self::Command => "whatever your notify command does",
            Self::Desktop => "a note by the desktop",
        }
    }

    /// Returns the line of `config.toml` that uses what was seen, where it is off without.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Self::Tmux => Some("[notify] tmux = true"),
            Self::Osc9 => Some("[notify] osc = \"9\""),
            Self::Osc777 => Some("[notify] osc = \"777\""),
            Self::Osc99 => Some("[notify] osc = \"99\""),
            Self::Bell | Self::Title | Self::Command | Self::Desktop => None,
        }
    }
}

/// What the person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noticed {
    /// It was seen or heard.
    Yes,
    /// It was not.
    No,
    /// It was not tried, or nobody said.
    Skipped,
    /// It cannot work here.
    Impossible,
}

/// What is known of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Which.
    pub channel: Channel,
    /// What the person said.
    pub noticed: Noticed,
    /// Why it cannot work; empty otherwise.
    #[serde(default)]
    pub why: String,
    /// When, RFC 3339.
    pub at: String,
    /// In which terminal: `TERM`, and whether in tmux.
    pub terminal: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    answer: Vec<Answer>,
}

/// Answers that cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum AnswersError {
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is not of our making.
    #[error("{path}: {why}; run `nightdesk notify test` to write it anew")]
    Strange {
        /// Which.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
}

fn place(paths: &Paths) -> PathBuf {
    paths.state.join("notify-test.toml")
}

/// Returns what the person said at the latest test, channel by channel; nothing where none was made.
///
/// # Errors
/// [`AnswersError`].
pub fn answers(paths: &Paths) -> Result<Vec<Answer>, AnswersError> {
    let path = place(paths);
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > FILE_BYTES_MAX) {
        return Err(AnswersError::Strange { path, why: "it is too large".to_owned() });
    }
    let Some(text) = file::read_secret(&path)? else { return Ok(Vec::new()) };
    let written: Result<Written, _> = toml::from_str(&text);
    written
        .map(|written| written.answer)
        .map_err(|error| AnswersError::Strange { path, why: error.message().to_owned() })
}

/// Keeps what the person said (0600).
///
/// # Errors
/// [`AnswersError::Store`].
pub fn keep(paths: &Paths, answer: Vec<Answer>) -> Result<(), AnswersError> {
    file::private_dir(&paths.state)?;
    let text = toml::to_string(&Written { answer })
        .map_err(|error| AnswersError::Strange { path: place(paths), why: error.to_string() })?;
    Ok(file::write_private(&place(paths), text.as_bytes())?)
}

/// The test of all channels in the terminal where this process runs.
pub struct Trial {
    settings: Outward,
    user: String,
    around: Surroundings,
    runtime: tokio::runtime::Runtime,
}

impl Trial {
    /// Returns a test for these settings.
    ///
    /// # Errors
    /// When no program can be run at all.
    pub fn new(settings: Outward, user: String) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { settings, user, around: Surroundings::of_this_process(), runtime })
    }

    /// Returns where it runs, for the answers.
    pub fn terminal(&self) -> String {
        let within = if self.around.pane.is_some() { " in tmux" } else { "" };
        SafeText::line(&format!("{}{within}", self.around.term), 100).to_string()
    }

    /// Uses one channel once; returns what to write to the terminal, which may be nothing. Takes at most 5 s.
    ///
    /// # Errors
    /// Why it cannot work here.
    pub fn perform(&self, channel: Channel, now: Timestamp) -> Result<Vec<u8>, String> {
        match channel {
            Channel::Bell => Ok(b"\x07".to_vec()),
            Channel::Title => Ok(b"\x1b[22;2t\x1b]2;(!1) nightdesk (test)\x07".to_vec()),
            Channel::Tmux => {
                let pane = self.around.pane.as_deref().ok_or("no tmux answers here")?;
                let taken = self.runtime.block_on(tmux::flag(pane, 1));
                if taken { Ok(Vec::new()) } else { Err("tmux did not take it".to_owned()) }
            }
            Channel::Osc9 => self.osc(NoteKind::Nine),
            Channel::Osc777 => self.osc(NoteKind::Urxvt),
            Channel::Osc99 => self.osc(NoteKind::Kitty),
            Channel::Command if self.settings.command.is_empty() => {
                Err("no [notify] command stands in config.toml".to_owned())
            }
            Channel::Command => {
                let note = self.note(now);
                let running = run_command(&self.settings.command, &note, COMMAND_WITHIN);
                self.runtime.block_on(running).map(|()| Vec::new())
            }
            Channel::Desktop => {
                let text = SafeText::from_static(WORDS);
                desktop::try_once(&self.around, &text).map(|()| Vec::new())
            }
        }
    }

    /// Takes back what a channel shows; returns what to write to the terminal.
    pub fn take_back(&self, channel: Channel) -> Vec<u8> {
        match (channel, &self.around.pane) {
            (Channel::Title, _) => b"\x1b]2;\x07\x1b[23;2t".to_vec(),
            (Channel::Tmux, Some(pane)) => {
                self.runtime.block_on(tmux::flag(pane, 0));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn osc(&self, kind: NoteKind) -> Result<Vec<u8>, String> {
        let sequence = Sequence::note(kind, &SafeText::from_static(WORDS));
        match &self.around.pane {
            None if matches!(self.around.term.as_str(), "" | "dumb" | "linux") => {
                Err(format!("a terminal called {:?} shows no notes", self.around.term))
            }
            None if self.around.in_multiplexer() => {
                Err("the tmux or screen on the way here cannot be asked whether it hands them on".to_owned())
            }
            None => Ok(sequence.into_bytes()),
            Some(pane) if self.runtime.block_on(tmux::passes_all(pane)) => Ok(sequence.passed_through().into_bytes()),
            Some(_) => Err("tmux hands them on only with `set -g allow-passthrough all` (from tmux 3.4 on)".to_owned()),
        }
    }

    fn note(&self, now: Timestamp) -> Note {
        let item = Item {
            number: None,
            severity: Some("S1".to_owned()),
            service: SafeText::from_static("nightdesk"),
            summary: SafeText::from_static("this is a test"),
            since: now.date_and_second(),
            why: SafeText::default(),
        };
        Note {
            schema: 1,
            event: "test",
            user: self.user.clone(),
            text: SafeText::from_static(WORDS),
            count: 1,
            incidents: vec![item],
            aloud: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> (tempfile::TempDir, Paths) {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::find(Some(home.path().to_owned())).unwrap();
        (home, paths)
    }

    #[test]
    fn answers_are_kept_for_their_owner_alone_and_read_back() {
        let (_home, paths) = paths();
        assert_eq!(answers(&paths).unwrap(), []);
        let said = |channel, noticed, why: &str| Answer {
            channel,
            noticed,
            why: why.into(),
            at: "2026-03-02 03:20:00Z".into(),
            terminal: "foot".into(),
        };
        let all = vec![said(Channel::Bell, Noticed::Yes, ""), said(Channel::Osc777, Noticed::Impossible, "a \"why\"")];
        keep(&paths, all.clone()).unwrap();
        assert_eq!(answers(&paths).unwrap(), all);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place(&paths)).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        file::write_private(&place(&paths), b"[[answer]]\nchannel = \"smoke\"").unwrap();
        assert!(matches!(answers(&paths), Err(AnswersError::Strange { .. })));
    }
}
