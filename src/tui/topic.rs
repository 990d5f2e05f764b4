//! What can be read on the screen beside incidents: the log, what doctor finds, what is new.

use super::action::Action;
use std::sync::Arc;

/// Something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The last lines of the log.
    Log,
    /// What does not hold, and what to do.
    Doctor,
    /// The newest section of the changelog.
    WhatsNew,
    /// The last crash file.
    Crash,
    /// Where files lie.
    Paths,
    /// The last copy of this console, which is not read from anywhere.
    Clip,
}

/// Returns the lines of a topic; the words narrow it. It may take seconds, and is never called on the screen's thread.
pub type Reader = Arc<dyn Fn(Topic, &str) -> Vec<String> + Send + Sync>;

impl Topic {
    /// Returns the topic that an action opens.
    pub(crate) fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::LogOpen => Self::Log,
            Action::DoctorOpen => Self::Doctor,
            Action::WhatsNewOpen => Self::WhatsNew,
            Action::CrashOpen => Self::Crash,
            Action::PathsOpen => Self::Paths,
            _ => return None,
        })
    }

    /// Returns the heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Log => "Log: the last lines, the newest at the end",
            Self::Doctor => "Doctor: nothing was changed",
            Self::WhatsNew => "What is new",
            Self::Crash => "The last crash",
            Self::Paths => "Where files lie",
            Self::Clip => "Last copy",
        }
    }

    /// Returns what is said where there is nothing to read.
    pub(crate) fn nothing(self) -> &'static str {
        match self {
            Self::Log => "No line of the log holds that.",
            Self::Crash => "It never crashed here.",
            Self::Clip => "Nothing was copied here yet.",
            Self::Doctor | Self::WhatsNew | Self::Paths => "Nothing to read.",
        }
    }

    /// Returns whether the newest stands at the end.
    pub(crate) fn ends_newest(self) -> bool {
        self == Self::Log
    }
}
