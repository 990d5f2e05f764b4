//! When an entry of a keymap holds: the words that may stand behind `when`.

use crate::domain::incident::Incident;
use crate::sync::picture::Link;
use crate::tui::state::State;
use crate::tui::update::worst_call;

macro_rules! conditions {
    ($($variant:ident, $name:literal, $help:literal;)*) => {
        /// Something that holds on the screen, or does not, when a key is pressed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Condition { $(#[doc = $help] $variant,)* }

        impl Condition {
            /// Every condition.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name, as keymaps write it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns when it holds, in words.
            pub(crate) fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

conditions! {
    Marked, "marked", "at least one incident is marked";
    Filtered, "filtered", "a filter is on";
    Open, "open", "an incident has the whole body";
    Page, "page", "an incident calls you";
    Inbox, "inbox", "something lies in the inbox";
    Mine, "mine", "the incident under the cursor is yours, confirmed";
    Offline, "offline", "the hub does not answer, or has not yet";
    ReadOnly, "readonly", "the screen is read-only";
    Selected, "selected", "the cursor is on an incident";
}

impl Condition {
    /// Returns the condition of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|condition| condition.name() == name)
    }

    /// Returns whether it holds now.
    pub(crate) fn holds(self, state: &State) -> bool {
        let mine = |one: &Incident| one.owner.as_ref() == Some(&state.picture.user);
        match self {
            Self::Marked => !state.marks.is_empty(),
            Self::Filtered => !state.filter.is_all(),
            Self::Open => state.open,
            Self::Page => worst_call(state).is_some(),
            Self::Inbox => !state.inbox().is_empty(),
            Self::Mine => state.row().is_some_and(|row| mine(&row.incident)),
            Self::Offline => state.picture.link != Link::Live,
            Self::ReadOnly => state.readonly,
            Self::Selected => state.row().is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_a_name_that_parses() {
        for condition in Condition::ALL {
            assert_eq!(Condition::parse(condition.name()), Some(*condition));
            assert!(!condition.help().is_empty());
        }
    }
}
