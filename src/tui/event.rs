//! What can happen to the console, and what the console can want.

use super::key::KeyPress;
use super::keymap::Loaded;
use super::outward::errand::{Errand, Report};
use super::outward::sequence::Sequence;
use super::topic::Topic;
use super::views::{Edit, OwnView};
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use crate::sync::picture::Picture;
use std::sync::Arc;

/// Something that happened. When it happened is the `now` beside it: nothing in here reads a clock.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key was pressed.
    Key(KeyPress),
    /// A key that was read at that time; it may be handled later.
    KeyAt(KeyPress, Timestamp),
    /// The terminal pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A newer picture of the incidents.
    Picture(Arc<Picture>),
    /// Another keymap was read.
    Keymap(Box<Loaded>),
    /// The keymap in use was read again.
    KeymapAgain(Box<Loaded>),
    /// A theme was read; whether somebody asked for it on the screen.
    Theme(Box<super::theme::Loaded>, bool),
    /// The person's own views, and what to say; or what went wrong.
    Views(Result<(Vec<OwnView>, String), String>),
    /// A time that [`super::state::State::deadline`] named has come.
    Due,
    /// The mirror took no more asks: what was asked for is not done.
    Busy,
    /// What became of an errand outside of the screen.
    Outward(Report),
    /// What was to be read was read.
    Read(Topic, Vec<String>),
    /// A part of the program failed; where, in our own words.
    Trouble(String),
    /// Somebody asked the process to end (a signal).
    Stop,
    /// Somebody asked for the settings to be read again (SIGUSR1).
    Reload,
    /// Somebody asked the process to stop for a while (SIGTSTP).
    Suspend,
    /// The process was not stopped: no shell could ever continue it.
    NoShell,
    /// The process was stopped, by itself or by others, and goes on; the terminal was taken again.
    Continued,
    /// The terminal vanished, or gives no more input.
    Hangup,
}

impl Event {
    /// Returns the same with the time at which it was read, where that matters.
    pub(super) fn read_at(self, at: Timestamp) -> Self {
        match self {
            Self::Key(key) => Self::KeyAt(key, at),
            other => other,
        }
    }

    /// Returns what happened, and when: a key was pressed when it was read.
    pub(super) fn timed(self, now: Timestamp) -> (Self, Timestamp) {
        match self {
            Self::KeyAt(key, at) => (Self::Key(key), at),
            other => (other, now),
        }
    }
}

/// Something to do that `update` must not do itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the mirror.
    Ask(Ask),
    /// Do something outside of the screen.
    Outward(Errand),
    /// Write this to the terminal, between two drawings.
    Emit(Sequence),
    /// Ring the terminal's bell.
    Bell,
    /// Read the keymap of that name, and come back with [`Event::Keymap`].
    LoadKeymap(String),
    /// Read the keymap in use again, of that name where it was chosen on the screen, and come back with [`Event::KeymapAgain`].
    RereadKeymap(Option<String>),
    /// Read the theme of that name, or that of the settings; come back with [`Event::Theme`] and whether it was asked for just now.
    LoadTheme(Option<String>, bool),
    /// Keep these names of commands, the latest first, for the next start.
    Remember(Vec<String>),
    /// Read the person's own views, after this was done to them; come back with [`Event::Views`].
    Views(Edit),
    /// Write every cell anew.
    Repaint,
    /// Give the terminal back and stop, until somebody continues the process.
    Suspend,
    /// Read this, narrowed by these words.
    Read(Topic, String),
    /// Leave.
    Leave(Exit),
}

/// Why the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The person said so.
    Quit,
    /// A signal, or whoever holds the handle.
    Stopped,
    /// The terminal vanished, or gives no more input: exit status 129.
    Hangup,
}
