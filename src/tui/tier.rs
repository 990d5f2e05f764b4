//! How far an action reaches, and so how many keys it needs (UX 4.4).

use super::action::{Action, Group};

/// How far an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Only this screen.
    View,
    /// What the person has or says; one key, and `undo` takes it back.
    Own,
    /// Other people or many incidents: a list, a menu or a question, and then another key than the first.
    Others,
}

impl Action {
    /// Returns how far it reaches. An answer reaches as far as what it answers, which asked because of its own tier.
    pub fn tier(self) -> Tier {
        match self {
            Self::IncidentEscalate
            | Self::IncidentOffer
            | Self::IncidentTake
            | Self::IncidentAssign
            | Self::IncidentSeverity
            | Self::IncidentMerge
            | Self::IncidentSplit
            | Self::IncidentResolve
            | Self::IncidentReopen
            | Self::BulkAck
            | Self::SilenceMake
            | Self::ShiftHandover => Tier::Others,
            Self::UndoLast | Self::UndoRedo | Self::InboxDismiss | Self::InboxNext => Tier::Own,
            _ if self.group() == Group::Incident => Tier::Own,
            _ => Tier::View,
        }
    }

    /// Returns whether it answers a question, a menu or a list.
    pub(crate) fn answers_question(self) -> bool {
        self.choice().is_some() || matches!(self, Self::ConfirmYes | Self::ConfirmForce)
    }

    /// Returns whether it changes more than what is looked at, or opens a line that takes all further keys: it is done only once it is
    /// sure that the key did not come with a text.
    pub(crate) fn waits_for_a_hand(self) -> bool {
        let marks = matches!(self, Self::MarkToggle | Self::MarkAll | Self::MarkClear | Self::MarkRange);
        let prompts = matches!(
            self,
            Self::CommandOpen
                | Self::FilterOpen
                | Self::RunbookFind
                | Self::RunbookOutline
                | Self::ChooseOther
                | Self::PromptAccept
        );
        let program = matches!(self, Self::AppQuit | Self::ReadOnlyOff);
        self.tier() > Tier::View || self.answers_question() || marks || prompts || program
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_others_is_more_than_a_view() {
        for action in Action::ALL {
            assert_eq!(action.reaches_others(), action.tier() > Tier::View || action.answers_question(), "{action:?}");
            assert!(!action.reaches_others() || action.waits_for_a_hand(), "{action:?}");
        }
    }
}
