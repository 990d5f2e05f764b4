//! All that a key or a command can do: one table, from which the parser, the help screen and the footer come.

/// What help lists together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Looks elsewhere.
    Move,
    /// Shows something else.
    View,
    /// Says something about an incident: these reach other people.
    Incident,
    /// The program itself.
    Program,
    /// Inside a prompt.
    Prompt,
}

impl Group {
    /// All groups in the order of the help screen.
    pub(crate) const ALL: [Self; 5] = [Self::Incident, Self::Move, Self::View, Self::Program, Self::Prompt];

    /// Returns the heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::View => "Look",
            Self::Incident => "Act on the incident under the cursor",
            Self::Program => "Program",
            Self::Prompt => "While a prompt is open",
        }
    }
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $group:ident, $short:literal, $help:literal;)*) => {
        /// Something that a key or a command does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $(#[doc = $help] $variant,)* }

        impl Action {
            /// Every action, in the order of the help screen.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name, as keymaps write it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the group it is listed in.
            pub fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)* }
            }

            /// Returns a word or two for the footer.
            pub fn short(self) -> &'static str {
                match self { $(Self::$variant => $short,)* }
            }

            /// Returns one line of help.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

actions! {
    IncidentAck, "incident.ack", Incident, "ack", "Acknowledge: I have seen it and I am on it";
    IncidentUnack, "incident.unack", Incident, "give back", "Give an acknowledged incident back";
    IncidentNote, "incident.note", Incident, "note", "Write a note for everybody";
    IncidentResolve, "incident.resolve", Incident, "resolve", "Resolve; asks first";
    CursorDown, "cursor.down", Move, "down", "One line down";
    CursorUp, "cursor.up", Move, "up", "One line up";
    CursorTop, "cursor.top", Move, "top", "To the first line";
    CursorBottom, "cursor.bottom", Move, "bottom", "To the last line";
    HalfPageDown, "cursor.half-page-down", Move, "half page down", "Half a page down";
    HalfPageUp, "cursor.half-page-up", Move, "half page up", "Half a page up";
    DetailOpen, "detail.open", View, "open", "Open the incident; never acts on it";
    ViewBack, "view.back", View, "back", "Close what is open; a second time at the root clears the filter";
    ViewClose, "view.close", View, "close", "Close the view; at the root it only says how to leave";
    PaneNext, "pane.next", View, "pane", "To the next pane";
    PanePrevious, "pane.previous", View, "pane", "To the previous pane";
    FilterOpen, "filter.open", View, "filter", "Show only incidents that hold these words";
    HelpOpen, "help.open", View, "help", "This help";
    CommandOpen, "command.open", Program, "command", "Type a command";
    ScreenRepaint, "screen.repaint", Program, "repaint", "Draw the whole screen anew";
    AppInterrupt, "app.interrupt", Program, "cancel", "Cancel; twice within 2 s at the root leaves";
    AppQuit, "app.quit", Program, "quit", "Leave; asks first where somebody would miss it";
    PromptAccept, "prompt.accept", Prompt, "accept", "Take what was typed";
    PromptCancel, "prompt.cancel", Prompt, "cancel", "Cancel; a note's draft is kept";
    PromptComplete, "prompt.complete", Prompt, "complete", "Complete the command";
    ConfirmYes, "confirm.yes", Prompt, "yes", "Answer yes to a question";
    ConfirmForce, "confirm.force", Prompt, "force", "Resolve although series still fire";
    EditLeft, "edit.left", Prompt, "left", "One character left";
    EditRight, "edit.right", Prompt, "right", "One character right";
    EditHome, "edit.home", Prompt, "start", "To the start of the line";
    EditEnd, "edit.end", Prompt, "end", "To the end of the line";
    EditBackspace, "edit.backspace", Prompt, "delete", "Delete the character before the cursor";
    EditDelete, "edit.delete", Prompt, "delete", "Delete the character under the cursor";
    EditKillWord, "edit.kill-word", Prompt, "delete word", "Delete the word before the cursor";
    EditKillLine, "edit.kill-line", Prompt, "delete line", "Delete all before the cursor";
}

impl Action {
    /// Returns the action of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// Returns whether other people see what it does, so that no key may do it by accident.
    pub fn reaches_others(self) -> bool {
        self.group() == Group::Incident || matches!(self, Self::ConfirmYes | Self::ConfirmForce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_help_and_a_name_that_parses() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.name()), Some(*action));
            assert!(!action.help().is_empty() && !action.short().is_empty());
            assert!(Group::ALL.contains(&action.group()));
        }
    }
}
