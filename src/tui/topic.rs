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
    /// All runbooks.
    Runbooks,
    /// Who should still read which.
    Unread,
    /// Alerts without a runbook, and runbooks without an alert.
    Gaps,
    /// What was changed lately.
    Changes,
    /// How the sources are.
    Sources,
    /// From events to pages.
    Funnel,
    /// Who says that something is known to them.
    Claims,
    /// What is silenced.
    Silences,
    /// What the hub says to a silence that is made.
    Silence,
    /// Saved views.
    Views,
    /// Incidents that are over and fit a query.
    Past,
    /// What the hub says to a claim that is made.
    Claim,
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
            Action::RunbooksOpen => Self::Runbooks,
            Action::UnreadOpen => Self::Unread,
            Action::GapsOpen => Self::Gaps,
            Action::ChangesOpen => Self::Changes,
            Action::SourcesOpen => Self::Sources,
            Action::FunnelOpen => Self::Funnel,
            Action::ClaimsOpen => Self::Claims,
            Action::ViewsOpen => Self::Views,
            Action::SilencesOpen => Self::Silences,
            Action::PastOpen => Self::Past,
            Action::ClaimMake => Self::Claim,
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
            Self::Runbooks => "Runbooks, what you should read first; :runbook NAME opens one",
            Self::Unread => "Who should still read what before they are called for it",
            Self::Gaps => "Alerts without a runbook, and runbooks without an alert",
            Self::Changes => "What was changed, the newest first",
            Self::Sources => "Sources, those that are silent first",
            Self::Funnel => "From events to pages, by day (UTC) and source",
            Self::Claims => "Claims: whom to ask",
            Self::Silences => "Silences: what calls nobody for a while",
            Self::Silence => "Silence: what the hub says",
            Self::Views => "Saved views; :view NAME shows one",
            Self::Past => "What is over, the newest first",
            Self::Claim => "Claim: what the hub says",
        }
    }

    /// Returns what is said where there is nothing to read.
    pub(crate) fn nothing(self) -> &'static str {
        match self {
            Self::Log => "No line of the log holds that.",
            Self::Crash => "It never crashed here.",
            Self::Clip => "Nothing was copied here yet.",
            Self::Runbooks => {
                "No runbook is known here: `runbooks = \"path\"` in the hub's hub.toml names their directory."
            }
            Self::Unread | Self::Gaps => "Nothing was looked at.",
            Self::Changes => "No change was told to the hub in that time.",
            Self::Sources => "No source was heard yet.",
            Self::Funnel => "Nothing was counted in these days.",
            Self::Claims => "No claim stands.",
            Self::Past => "Nothing that is over and known here fits.",
            Self::Silences => "Nothing is silenced.",
            Self::Silence => "The hub said nothing.",
            Self::Views => "None yet; :view save NAME keeps the filter that is on.",
            Self::Claim => "The hub said nothing.",
            Self::Doctor | Self::WhatsNew | Self::Paths => "Nothing to read.",
        }
    }

    /// Returns whether it is in the picture already: nothing is read, and it follows the picture.
    pub(crate) fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Runbooks | Self::Changes | Self::Sources | Self::Funnel | Self::Claims | Self::Silences | Self::Views
        )
    }

    /// Returns whether the newest stands at the end.
    pub(crate) fn ends_newest(self) -> bool {
        self == Self::Log
    }
}
