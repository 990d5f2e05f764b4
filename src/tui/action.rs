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
    /// Says something about several incidents, or takes back what was said.
    Several,
    /// Inside the inbox.
    Inbox,
    /// The program itself.
    Program,
    /// Inside a prompt.
    Prompt,
}

impl Group {
    /// All groups in the order of the help screen.
    pub(crate) const ALL: [Self; 7] =
        [Self::Incident, Self::Several, Self::Move, Self::View, Self::Program, Self::Inbox, Self::Prompt];

    /// Returns the heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::View => "Look",
            Self::Incident => "Act on the incident under the cursor",
            Self::Several => "Several at once, and back",
            Self::Inbox => "In the inbox",
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
    IncidentSnooze, "incident.snooze", Incident, "snooze", "Make it quiet for a while; it is yours meanwhile";
    IncidentEscalate, "incident.escalate", Incident, "escalate", "Call the next level, or a person; asks first";
    IncidentOffer, "incident.offer", Incident, "hand over", "Offer it to a person; it stays yours until that person accepts";
    IncidentTake, "incident.take", Incident, "take", "Take it from its owner, who is told";
    IncidentWait, "incident.wait", Incident, "wait", "Quiet because somebody else must act first: a disk, a vendor";
    IncidentAssign, "incident.assign", Incident, "assign", "Call a person to take it";
    IncidentSeverity, "incident.severity", Incident, "severity", "Say how bad it is";
    IncidentMerge, "incident.merge", Incident, "merge", "Move its series into another incident, which goes on for both";
    IncidentSplit, "incident.split", Incident, "split", "Make an incident of its own of some of its series";
    IncidentReopen, "incident.reopen", Incident, "reopen", "Open a resolved incident again";
    IncidentAccept, "incident.accept", Incident, "accept", "Take what is offered to you";
    IncidentDecline, "incident.decline", Incident, "decline", "Refuse what is offered to you";
    IncidentUnack, "incident.unack", Incident, "give back", "Give an acknowledged incident back";
    IncidentStill, "incident.still", Incident, "still on it", "Still on it: the lease of all that is yours begins anew";
    IncidentNote, "incident.note", Incident, "note", "Write a note for everybody";
    IncidentResolve, "incident.resolve", Incident, "resolve", "Resolve; asks first";
    RunbookRead, "runbook.read", Incident, "I've read it", "Say that you have read the runbook; all of it, or of what changed, must have been on the screen";
    RunbookTick, "runbook.tick", Incident, "tick", "Tick an item of the runbook's checklist within this incident, or take the tick back";
    RunbookRemark, "runbook.remark", Incident, "remark", "Write words to the author of the runbook, on a line of it";
    ClaimMake, "claim.make", Incident, "claim", "Say that something is known to you, for a time: QUERY 4h reason; it silences nothing";
    SilenceMake, "silence.make", Incident, "silence", "Let nobody be called about what fits label matchers, for a time: {service=\"pay\"} 2h reason; asks first";
    UndoLast, "undo.last", Several, "undo", "Take your latest act back, by its name";
    UndoRedo, "undo.redo", Several, "redo", "Do again what you took back last";
    BulkAck, "bulk.ack", Several, "ack all", "Acknowledge what is marked, what calls you, or all that the filter shows; lists it first";
    ShiftHandover, "shift.handover", Several, "shift", "Hand over all that is yours, or accept all that is offered to you";
    MarkToggle, "mark.toggle", Several, "mark", "Mark for acting on several at once; verbs act on the marks then";
    MarkRange, "mark.range", Several, "range", "Mark from here to wherever the cursor goes; again ends it";
    MarkAll, "mark.all", Several, "mark all", "Mark all that the filter shows, or all that fit a query";
    MarkClear, "mark.clear", Several, "unmark", "Take all marks away";
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
    PaneZoomMore, "pane.zoom-more", View, "zoom", "More room for this pane: its share, more than half, all of it";
    PaneZoomLess, "pane.zoom-less", View, "unzoom", "Less room for this pane";
    LayoutPanes, "view.layout", View, "layout", "How many panes: auto, 1, 2 or 3";
    TabDetail, "tab.detail", View, "detail", "How the incident stands";
    TabSeries, "tab.series", View, "series", "Its series over time";
    TabTimeline, "tab.timeline", View, "timeline", "What machines and people did";
    TabNotes, "tab.notes", View, "notes", "What people wrote";
    TabPages, "tab.pages", View, "pages", "Who was called by what, and whether they saw it";
    TabSimilar, "tab.similar", View, "similar", "What came before and looks like it: how often, who handled it, how long it took";
    TabWhy, "tab.why", View, "why", "Why it is here: source, group, severity, level, and the calls";
    TabRunbook, "tab.runbook", View, "runbook", "Its runbook: what changed since you read it, or the whole";
    RunbookNext, "runbook.next", View, "next change", "The next change of the runbook, or the next heading";
    RunbookPrevious, "runbook.previous", View, "change before", "The change or heading before";
    RunbookWhole, "runbook.whole", View, "whole", "The whole runbook, or only what changed";
    RunbookOther, "runbook.other", View, "other runbook", "The next of several runbooks; of one opened by its name, the next to be read";
    RunbookFind, "runbook.find", View, "find", "Find words in the runbook; the next by the key of the next change";
    RunbookOutline, "runbook.outline", View, "headings", "Go to a heading of the runbook";
    RunbookNew, "runbook.new", View, "new runbook", "Copy the beginning of a runbook with the incident's labels";
    CopyCode, "copy.code", View, "copy code", "Copy the code that is on the screen; nothing is ever run";
    TabNext, "tab.next", View, "next tab", "The next tab of the incident";
    TabPrevious, "tab.previous", View, "tab before", "The tab before";
    LabelsUnfold, "series.unfold", View, "labels", "Labels that all series have: in one line, or one a line";
    ClockZone, "view.tz", View, "local time", "Times in UTC, or by your clock";
    PageGo, "page.go", View, "to the call", "Go to the worst incident that calls you, from there to the next";
    PageBack, "page.back", View, "return", "Return to where you were before you went to a call";
    BellMute, "bell.mute", Program, "mute bell", "What calls you now rings no more; what comes later does";
    BellSet, "bell.set", Program, "bell", "Turn the bell on or off: :bell on, :bell off, :bell 30m";
    CopyId, "copy.id", View, "copy id", "Copy the incident's number";
    CopyLink, "copy.link", View, "copy link", "Copy the link to where the alert comes from";
    CopyLabels, "copy.labels", View, "copy labels", "Copy the labels that all its series have in common, as a matcher";
    CopyMarkdown, "copy.markdown", View, "copy summary", "Copy a summary of one line in Markdown";
    CopyRunbook, "copy.runbook", View, "copy runbook", "Copy the link to the runbook";
    ClipShow, "clip.show", View, "last copy", "Show the last copy of this console";
    LinkOpen, "link.open", View, "links", "List the incident's links with their hosts; a digit opens one";
    SortSeverity, "sort.severity", View, "by severity", "Order by severity, the worst first";
    SortTime, "sort.time", View, "by time", "Order by time, the newest first";
    SortOwner, "sort.owner", View, "by owner", "Order by owner: nobody's first, then yours";
    ListFreeze, "list.freeze", View, "freeze", "Freeze the order, or let it follow again; new rows still come in";
    FilterUnacked, "filter.unacked", View, "unacked", "Show what nobody has";
    FilterMine, "filter.mine", View, "mine", "Show what is yours";
    FilterPages, "filter.pages", View, "pages", "Show what calls you";
    FilterOpenOnes, "filter.unresolved", View, "open", "Show what is not resolved";
    FilterView1, "filter.view-1", View, "view 1", "Show the saved view on 1, or all again";
    FilterView2, "filter.view-2", View, "view 2", "Show the saved view on 2, or all again";
    FilterView3, "filter.view-3", View, "view 3", "Show the saved view on 3, or all again";
    FilterView4, "filter.view-4", View, "view 4", "Show the saved view on 4, or all again";
    FilterView5, "filter.view-5", View, "view 5", "Show the saved view on 5, or all again";
    FilterView6, "filter.view-6", View, "view 6", "Show the saved view on 6, or all again";
    FilterView7, "filter.view-7", View, "view 7", "Show the saved view on 7, or all again";
    FilterView8, "filter.view-8", View, "view 8", "Show the saved view on 8, or all again";
    FilterView9, "filter.view-9", View, "view 9", "Show the saved view on 9, or all again";
    HistoryOpen, "history.open", View, "history", "What you did on this screen, and what became of it";
    InboxOpen, "inbox.open", View, "inbox", "What stays until you dismiss it: refusals, losses, offers";
    ResultsOpen, "results.open", View, "results", "What became of the last act on several";
    InboxDismiss, "inbox.dismiss", Inbox, "dismiss", "Put the letter away";
    InboxNext, "inbox.next", Inbox, "next act", "Do what fits the letter, as its line says";
    PastOpen, "past.open", View, "past", "Search what is over by a query, back to the oldest that is known here";
    SilencesOpen, "silences.open", View, "silences", "What is silenced, by whom, until when and why";
    ViewsOpen, "views.open", View, "views", "Saved views: NAME shows one, save NAME 1 keeps the filter under a name and a digit, drop NAME forgets it";
    ChangesOpen, "changes.open", View, "changes", "What was changed in the last hour, about the incident first; a span behind it: :changes 6h";
    SourcesOpen, "sources.open", View, "sources", "The sources: whether they live, when they spoke last";
    RunbooksOpen, "runbooks.open", View, "runbooks", "All runbooks, and what you have read of each; words behind it narrow it";
    UnreadOpen, "unread.open", View, "unread", "Who should still read what before they are called; a name behind it narrows it";
    GapsOpen, "gaps.open", View, "gaps", "Alerts without a runbook, runbooks without an alert, and old ones";
    FunnelOpen, "funnel.open", View, "funnel", "From events to pages, by day and source";
    ClaimsOpen, "claims.open", View, "claims", "Who says that something is known to them, and until when";
    FilterOpen, "filter.open", View, "filter", "Show only what fits a query; tab offers what may follow";
    HelpOpen, "help.open", View, "help", "This help";
    ThemeChoose, "theme.choose", Program, "theme", "Other colours: base16, dark, light, contrast-dark, mono, or a file of your own";
    KeymapChoose, "keymap.choose", Program, "keymap", "Other keys: default, vim, arrows, emacs, or a file of your own";
    CommandOpen, "command.open", Program, "command", "Type a command";
    ScreenRepaint, "screen.repaint", Program, "repaint", "Draw the whole screen anew";
    AppInterrupt, "app.interrupt", Program, "cancel", "Cancel; twice within 2 s at the root leaves";
    AppSuspend, "app.suspend", Program, "suspend", "Stop and give the terminal to the shell, until `fg`; nothing can show meanwhile";
    LogOpen, "log.open", Program, "log", "The last lines of the log; words behind it narrow it";
    DoctorOpen, "doctor.open", Program, "doctor", "Look at everything that must hold, and what to do where it does not";
    WhatsNewOpen, "whatsnew.open", Program, "what's new", "What is new in this version";
    CrashOpen, "crash.open", Program, "crash", "The last crash file, if it ever crashed";
    PathsOpen, "paths.open", Program, "paths", "Where files lie, and what put them there";
    ReadOnlyOn, "readonly.on", Program, "read-only", "Refuse every act from now on; looking goes on";
    ReadOnlyOff, "readonly.off", Program, "read-write", "Allow acts again";
    AppQuit, "app.quit", Program, "quit", "Leave; asks first where somebody would miss it";
    PromptAccept, "prompt.accept", Prompt, "accept", "Take what was typed";
    PromptCancel, "prompt.cancel", Prompt, "cancel", "Cancel; a note's draft is kept";
    PromptComplete, "prompt.complete", Prompt, "complete", "Complete the command";
    ConfirmYes, "confirm.yes", Prompt, "yes", "Answer yes to a question";
    ConfirmForce, "confirm.force", Prompt, "force", "Resolve although series still fire";
    Choose1, "choose.1", Prompt, "1", "Take the first choice";
    Choose2, "choose.2", Prompt, "2", "Take the second choice";
    Choose3, "choose.3", Prompt, "3", "Take the third choice";
    Choose4, "choose.4", Prompt, "4", "Take the fourth choice";
    Choose5, "choose.5", Prompt, "5", "Take the fifth choice";
    Choose6, "choose.6", Prompt, "6", "Take the sixth choice";
    Choose7, "choose.7", Prompt, "7", "Take the seventh choice";
    Choose8, "choose.8", Prompt, "8", "Take the eighth choice";
    Choose9, "choose.9", Prompt, "9", "Take the ninth choice";
    ChooseOther, "choose.other", Prompt, "type", "Type something that is not among the choices";
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

    /// Returns which choice of a menu it takes, counted from 0.
    pub(crate) fn choice(self) -> Option<usize> {
        let choices = [
            Self::Choose1,
            Self::Choose2,
            Self::Choose3,
            Self::Choose4,
            Self::Choose5,
            Self::Choose6,
            Self::Choose7,
            Self::Choose8,
            Self::Choose9,
        ];
        choices.iter().position(|choice| *choice == self)
    }

    /// Returns whether it answers a question, or takes what was typed: no key does that together with what asked.
    pub fn answers(self) -> bool {
        self.choice().is_some() || matches!(self, Self::ConfirmYes | Self::ConfirmForce | Self::PromptAccept)
    }

    /// Returns whether other people see what it does, so that no key may do it by accident.
    pub fn reaches_others(self) -> bool {
        let marks = matches!(self, Self::MarkToggle | Self::MarkAll | Self::MarkClear | Self::MarkRange);
        let chooses = self.choice().is_some()
            || matches!(self, Self::ConfirmYes | Self::ConfirmForce | Self::InboxNext | Self::InboxDismiss);
        (matches!(self.group(), Group::Incident | Group::Several) && !marks) || chooses
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
