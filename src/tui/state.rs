//! All that the screen knows: a plain value that `update` changes and `view` reads.

use super::editor::Editor;
use super::history::Digest;
use super::keymap::{Binding, Condition, Context, Keymap, Problem};
use super::layout::{Layout, Shape, Tab};
use super::look::Look;
use super::outward::errand::Clip;
use super::overview::Overview;
use super::palette::Palette;
use super::past::Past;
use super::reader::Reader;
use super::topic::Topic;
use super::update::BURST;
use super::views::OwnView;
use super::{action::Action, key::KeyPress, order::Sort};
use crate::config::Guards;
use crate::domain::id::{IncidentId, Number, OpId};
use crate::domain::incident::{Incident, Life};
use crate::domain::op::{Act, Basis};
use crate::domain::paging::PageId;
use crate::domain::runbook::RunbookName;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::query::{Query, QueryError};
use crate::sync::picture::{Beside, LetterId, Link, Picture, Row};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long the order stands still after the cursor moved.
pub(crate) const FROZEN_FOR: Duration = Duration::from_secs(3);
/// How long after the cursor moved rows may be out of sight above empty lines, so that the row under it keeps its line.
pub(crate) const GAP_FOR: Duration = Duration::from_secs(10);
/// How long after the last key a person is taken to look at one line rather than at the list.
pub(crate) const HANDS_ON_FOR: Duration = Duration::from_secs(60);
/// How long a good message stays.
pub(crate) const TOAST_FOR: Duration = Duration::from_secs(10);

pub(crate) use super::layout::Focus;

/// With what charts are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Graph {
    /// `.`, `:` and `#`: right in every font.
    #[default]
    Ascii,
    /// Braille dots: finer, where the font has them.
    Braille,
}

/// What takes the keys. A prompt is a mode, never a loop of its own: alerts keep arriving behind it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mode {
    /// The panes.
    Browse,
    /// The help screen, scrolled by so many lines.
    Help { scroll: usize },
    /// Words that the help screen is to show alone; `before` comes back when cancelled.
    HelpFilter { editor: Editor, before: String },
    /// A query for the filter; `before` comes back when cancelled. While what stands there is none, `wrong` says why.
    Filter { editor: Editor, before: Query, wrong: Option<QueryError> },
    /// A command, meant for what was selected or marked when the prompt opened, as it was then; `says` is what it would come to.
    Command { editor: Editor, incident: Option<IncidentId>, targets: Vec<Arc<Incident>>, says: Gist },
    /// Words for a verb, on incidents as they were when the prompt opened; `says` is what they would come to.
    Entry { verb: Action, targets: Vec<Arc<Incident>>, editor: Editor, says: Gist },
    /// Choices for a verb, on incidents as they were when the menu opened.
    Menu { verb: Action, targets: Vec<Arc<Incident>>, choices: Vec<Choice> },
    /// A question that only another key than the asking one answers.
    Confirm(Confirm),
    /// What each of several incidents would get.
    Preview(Preview),
    /// What each of several incidents got, scrolled by so many lines.
    Results { scroll: usize },
    /// Something to read, scrolled by so many lines; `None` while it is being read.
    Read { topic: Topic, words: String, lines: Option<Vec<String>>, scroll: usize },
    /// What was done on this screen, the newest first; `at` is the line under the cursor.
    History { at: usize },
    /// What stays until it is dismissed; `at` is the item under the cursor.
    Inbox { at: Option<Item> },
}

/// What words would come to, or what is wrong or missing in them.
pub(crate) type Gist = Result<SafeText, SafeText>;

/// One choice of a menu.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// The words of the verb that it stands for.
    pub(crate) words: String,
    /// What the person reads.
    pub(crate) label: SafeText,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Confirm {
    /// What is asked, with the keys that answer.
    pub(crate) question: SafeText,
    /// What must be known before answering.
    pub(crate) notes: Vec<SafeText>,
    /// What happens on yes.
    pub(crate) yes: Deed,
    /// What happens on force, where that is offered.
    pub(crate) force: Option<Deed>,
}

/// Something that a question is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    /// An act on an incident, bound when the question came up.
    Submit(Submission),
    /// Leaving.
    Quit,
    /// Stopping for a while.
    Suspend,
    /// The first verb after a long pause, meant for the incident that was under the cursor.
    First { action: Action, incident: Option<IncidentId> },
    /// Words to those who were called by what cannot be taken back.
    StandDown(IncidentId),
    /// A silence, in the words of its command.
    Silence(String),
}

impl Deed {
    /// Returns the incident that it is about.
    pub(crate) fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::Submit(submission) => Some(submission.incident),
            Self::StandDown(incident) => Some(*incident),
            // What it begins looks at the incident itself.
            Self::First { .. } | Self::Silence(_) | Self::Quit | Self::Suspend => None,
        }
    }
}

/// An act with all it is bound to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Submission {
    pub(crate) incident: IncidentId,
    pub(crate) number: Number,
    pub(crate) basis: Basis,
    pub(crate) act: Act,
}

impl Submission {
    /// Returns an act bound to what was on the screen.
    pub(crate) fn bind(incident: &Incident, act: Act) -> Self {
        let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
        Self { incident: incident.id, number: incident.number, basis, act }
    }
}

/// What each of several incidents would get; what was listed is what is done, whatever comes meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preview {
    /// What would be done to how many.
    pub(crate) title: SafeText,
    pub(crate) verb: Action,
    pub(crate) items: Vec<PreviewItem>,
    /// How it is confirmed.
    pub(crate) needs: Needs,
    pub(crate) scroll: usize,
}

/// One incident of a preview.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PreviewItem {
    pub(crate) submission: Submission,
    pub(crate) target: Arc<Incident>,
    /// What it would get.
    pub(crate) would: SafeText,
}

/// How a preview is confirmed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Needs {
    /// By the key for yes.
    Yes,
    /// By typing how many there are.
    Count(Editor),
}

/// Several incidents that were acted on at once, and what came of each.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Batch {
    pub(crate) title: String,
    pub(crate) items: Vec<BatchItem>,
}

/// One incident of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchItem {
    pub(crate) submission: Submission,
    pub(crate) service: String,
    /// What the hub said, and whether that is what was asked for; `None` while it waits.
    pub(crate) outcome: Option<(SafeText, bool)>,
    /// The hub showed it as the person's.
    pub(crate) held: bool,
    /// It was the person's and is no longer: who has it.
    pub(crate) lost: Option<SafeText>,
}

/// Something in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    /// An incident that is offered to the person, by that operation.
    Offer(IncidentId, OpId),
    /// An incident that the person was asked to take, by that operation.
    Asked(IncidentId, OpId),
    /// A letter.
    Letter(LetterId),
}

/// A line that tells what just happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Toast {
    pub(crate) text: SafeText,
    /// Bad news: stays until Esc or newer.
    pub(crate) warn: bool,
    /// Until when good news stays.
    pub(crate) until: Option<Timestamp>,
}

/// What must not be mistaken: guards against acting on something else than was seen.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// When an incident last changed in a way that matters to who acts on it. Old entries are dropped.
    pub(crate) changed: HashMap<IncidentId, Timestamp>,
    /// The latest key that reached others: its repeats count once.
    pub(crate) last_verb: Option<(Action, Timestamp)>,
    /// When the cursor was last moved by hand.
    pub(crate) moved_at: Option<Timestamp>,
    /// Where the key for calls went last.
    pub(crate) gone: Option<IncidentId>,
    /// When Ctrl-c was pressed at the root.
    pub(crate) interrupted_at: Option<Timestamp>,
    /// Esc was pressed at the root with a filter on: the next clears it.
    pub(crate) clearing: bool,
    /// Keys come from a script, as fast as it likes: no burst of them is taken for a text.
    pub(crate) scripted: bool,
    /// A key whose act waits until it is sure that it did not come with a text.
    pub(crate) held: Option<Held>,
    /// The latest key that was no move.
    pub(crate) stroke: Option<(KeyPress, Timestamp)>,
    /// When letters came that mean nothing.
    pub(crate) strays: Vec<Timestamp>,
    /// Keys looked like typing: verbs wait for Esc.
    pub(crate) locked: bool,
    /// The end of a line came with its text and was not taken.
    pub(crate) again: bool,
    /// The key that brought the open question up: another one answers it.
    pub(crate) asked_by: Option<KeyPress>,
    /// When a key came last, or the screen was opened.
    pub(crate) last_key: Option<Timestamp>,
    /// Nobody pressed a key for long: the first verb asks.
    pub(crate) armed: bool,
    /// Until when the question of that verb stands.
    pub(crate) first_until: Option<Timestamp>,
}

/// A key that waits, with what it was meant for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) key: KeyPress,
    pub(crate) actions: Vec<Action>,
    /// The incident under the cursor then.
    pub(crate) selected: Option<IncidentId>,
    /// When it was pressed.
    pub(crate) at: Timestamp,
}

/// Where the person was before going to a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) selected: Option<IncidentId>,
    pub(crate) filter: Query,
    pub(crate) focus: Focus,
    pub(crate) open: bool,
    pub(crate) top: usize,
}

/// Marks that follow the cursor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Range {
    /// Where it began.
    pub(crate) from: IncidentId,
    /// What was marked before.
    pub(crate) before: BTreeSet<IncidentId>,
}

/// A page that rang and may ring again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// When it rang first.
    pub(crate) rang_at: Timestamp,
    /// How often it rang again.
    pub(crate) done: usize,
}

/// Whether the bell is muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mute {
    /// It rings.
    #[default]
    Off,
    /// It does not until somebody says so.
    On,
    /// It does not until then.
    Until(Timestamp),
}

/// What has called for attention, so that nothing rings twice.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    /// Pages that rang.
    pub(crate) calls: HashSet<PageId>,
    /// Pages, and alarms of our own, that no bell has told of yet.
    pub(crate) news: Vec<PageId>,
    pub(crate) news_alarms: Vec<IncidentId>,
    /// Pages that rang and that nobody has seen.
    pub(crate) repeats: BTreeMap<PageId, Repeat>,
    /// Whether the bell is off.
    pub(crate) mute: Mute,
    /// How many incidents were said outside of the screen to call.
    pub(crate) flagged: usize,
    /// What was open when the hub was last known to answer, while it does not.
    pub(crate) known: Option<HashSet<IncidentId>>,
    /// Letters that rang.
    pub(crate) letters: HashSet<LetterId>,
    /// Local alarms that rang, each with the outage that it belongs to.
    pub(crate) alarms: HashSet<(IncidentId, Timestamp)>,
    /// When the bell rang last.
    pub(crate) rang_at: Option<Timestamp>,
    /// When it is to ring for what came too soon after that.
    pub(crate) ring_at: Option<Timestamp>,
    /// Claims that were told as seen: incident, claim, and the revision of the latest change to the louder side.
    pub(crate) presented: HashSet<(IncidentId, u64, u64)>,
    /// Pages that were told as seen.
    pub(crate) seen: HashSet<PageId>,
    /// Incidents whose gain was told on this screen.
    pub(crate) told: HashSet<IncidentId>,
}

impl Attention {
    /// Returns when the bell is to ring, or may again.
    fn deadline(&self) -> Option<Timestamp> {
        let again = self.repeats.values().filter_map(Repeat::next).min();
        let on = match self.mute {
            Mute::Until(at) => Some(at),
            Mute::Off | Mute::On => None,
        };
        self.ring_at.into_iter().chain(again).chain(on).min()
    }
}

/// The state of the screen.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) picture: Arc<Picture>,
    /// What is counted and found in the picture; [`State::show`] keeps both together.
    pub(crate) overview: Overview,
    pub(crate) keymap: Keymap,
    /// What the keymap is called, and the names of all there are.
    pub(crate) keymap_names: (String, Vec<String>),
    pub(crate) look: Look,
    /// What is wrong in the keymap; shown until it is mended.
    pub(crate) problems: Vec<Problem>,
    /// A part of the program that failed.
    pub(crate) trouble: Option<String>,
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// The selection is an incident, never a row.
    pub(crate) selected: Option<IncidentId>,
    /// The rows shown, as indices into the picture's, in their order on the screen.
    pub(crate) order: Vec<usize>,
    /// How many rows are shown only because they call the person: the filter lets them through.
    pub(crate) pinned: usize,
    /// The order stands still and would be another.
    pub(crate) held: bool,
    pub(crate) sort: Sort,
    /// The order stands still until the person lets it follow again.
    pub(crate) frozen: bool,
    /// No act is taken.
    pub(crate) readonly: bool,
    /// How long nobody presses a key until the first verb asks; `None` never.
    pub(crate) arm_after_idle: Option<Duration>,
    /// When the session is to be written.
    pub(crate) keep_at: Option<Timestamp>,
    /// Where `page.back` returns to.
    pub(crate) place: Option<Place>,
    pub(crate) range: Option<Range>,
    /// What was done on this screen, the oldest first.
    pub(crate) past: Past,
    /// How many rows are scrolled away above.
    pub(crate) top: usize,
    /// Incidents that came while they had no place on the screen.
    pub(crate) fresh: Vec<IncidentId>,
    /// What is shown; the last that was a query.
    pub(crate) filter: Query,
    pub(crate) mode: Mode,
    /// Saved questions of the person's own.
    pub(crate) views: Vec<OwnView>,
    /// Words that the lines of the help screen must hold.
    pub(crate) help_words: String,
    /// What the command line offers.
    pub(crate) palette: Palette,
    pub(crate) focus: Focus,
    /// The detail has the whole body.
    pub(crate) open: bool,
    pub(crate) detail_scroll: usize,
    pub(crate) side_scroll: usize,
    pub(crate) shape: Shape,
    pub(crate) graph: Graph,
    /// What the picture's detail comes to; made anew only when that changes.
    pub(crate) digest: Option<Arc<Digest>>,
    /// The runbook that is read, and what of it was on the screen.
    pub(crate) reader: Reader,
    /// The runbook that is open over the panes, beside no incident.
    pub(crate) book: Option<RunbookName>,
    /// Which of them the mirror was asked for.
    pub(crate) asked_book: Option<RunbookName>,
    /// When the latest event came: for what holds at a time, such as who is on call.
    pub(crate) now: Timestamp,
    /// Keys of a sequence that is not complete.
    pub(crate) pending: Vec<KeyPress>,
    pub(crate) toast: Option<Toast>,
    /// The latest notice that was told.
    pub(crate) notice_seen: u64,
    /// The latest act, until the picture shows that it is on disk.
    pub(crate) saving: Option<Submission>,
    /// The latest act of this screen: what `undo` may take back without a question.
    pub(crate) latest: Option<Submission>,
    /// Incidents that verbs act on together.
    pub(crate) marks: BTreeSet<IncidentId>,
    /// What was last done to several at once.
    pub(crate) batch: Batch,
    pub(crate) attention: Attention,
    /// What the person's clocks show.
    pub(crate) zone: TimeZone,
    /// The last copy of this console.
    pub(crate) clip: Option<Clip>,
    /// A program opens links; without one they are copied.
    pub(crate) opens_links: bool,
    /// Notes begun and cancelled.
    pub(crate) drafts: HashMap<IncidentId, String>,
    /// The incident whose detail the mirror was last asked for.
    pub(crate) looked: Option<IncidentId>,
    pub(crate) guard: Guard,
}

impl State {
    /// Returns the state of a screen that has just been opened.
    pub(crate) fn new(picture: Arc<Picture>, keymap: Keymap, problems: Vec<Problem>, size: (u16, u16)) -> Self {
        let notice_seen = picture.notices.iter().map(|notice| notice.no).max().unwrap_or(0);
        let mut state = Self {
            overview: Overview::of(&picture, None),
            picture,
            keymap,
            keymap_names: ("default".into(), super::keymap::NAMES.map(Into::into).to_vec()),
            look: Look::default(),
            problems,
            trouble: None,
            width: size.0,
            height: size.1,
            selected: None,
            order: Vec::new(),
            pinned: 0,
            held: false,
            sort: Sort::default(),
            frozen: false,
            readonly: false,
            arm_after_idle: Guards::default().arm_after_idle,
            keep_at: None,
            place: None,
            range: None,
            past: Past::default(),
            top: 0,
            fresh: Vec::new(),
            filter: Query::all(),
            mode: Mode::Browse,
            views: Vec::new(),
            help_words: String::new(),
            palette: Palette::default(),
            focus: Focus::Stream,
            open: false,
            detail_scroll: 0,
            side_scroll: 0,
            shape: Shape::default(),
            graph: Graph::default(),
            digest: None,
            reader: Reader::default(),
            book: None,
            asked_book: None,
            now: Timestamp::from_millis(0),
            pending: Vec::new(),
            toast: None,
            notice_seen,
            saving: None,
            latest: None,
            marks: BTreeSet::new(),
            batch: Batch::default(),
            attention: Attention::default(),
            zone: TimeZone::UTC,
            clip: None,
            opens_links: false,
            drafts: HashMap::new(),
            looked: None,
            guard: Guard::default(),
        };
        super::order::arrange_anew(&mut state);
        state.digest = Digest::renewed(None, state.picture.detail.as_ref());
        // What lay there before has its count on the screen; only what comes from now on rings.
        state.attention.letters = state.picture.inbox.iter().map(|letter| letter.id).collect();
        state
    }

    /// Takes the guards that the person chose.
    pub(crate) fn guard_by(&mut self, guards: &Guards) {
        self.readonly = guards.readonly;
        self.arm_after_idle = guards.arm_after_idle;
        self.guard.scripted = guards.scripted;
    }

    /// Returns where things stand.
    pub(crate) fn layout(&self) -> Layout {
        let layout = Layout::new(self.width, self.height, &self.shape, self.focus, self.open);
        if self.book.is_some() { layout.under_a_book() } else { layout }
    }

    /// Returns how many rows of incidents have room: the list without the line that says that nothing is open.
    pub(crate) fn list_rows(&self) -> usize {
        usize::from(self.layout().list.height).saturating_sub(usize::from(self.says_nothing_open()))
    }

    /// Returns whether the list begins with the words that nothing is open, and how sure that is.
    pub(crate) fn says_nothing_open(&self) -> bool {
        self.open_count() == 0
    }

    /// Returns the row under the cursor.
    pub(crate) fn row(&self) -> Option<&Row> {
        self.position().and_then(|position| self.row_at(position))
    }

    /// Returns where the selected incident stands among the rows shown.
    pub(crate) fn position(&self) -> Option<usize> {
        let place = self.overview.place(self.selected?)?;
        self.order.iter().position(|index| *index == place)
    }

    /// Returns the row at that place of the list.
    pub(crate) fn row_at(&self, position: usize) -> Option<&Row> {
        self.order.get(position).map(|index| &self.picture.rows[*index])
    }

    /// Returns the incident at that place of the list.
    pub(crate) fn id_at(&self, position: usize) -> Option<IncidentId> {
        self.row_at(position).map(|row| row.incident.id)
    }

    /// Returns how many incidents are open, those beyond the rows included.
    pub(crate) fn open_count(&self) -> usize {
        self.overview.unresolved() + self.picture.rows_hidden
    }

    /// Returns the rows that are not over.
    pub(crate) fn unresolved(&self) -> impl Iterator<Item = &Row> {
        self.picture.rows.iter().filter(|row| row.incident.life != Life::Resolved)
    }

    /// Returns how many incidents nobody has, by what the hub confirmed.
    pub(crate) fn unacked(&self) -> usize {
        self.overview.unacked()
    }

    /// Returns whether nothing newer exists than what is shown.
    pub(crate) fn is_live(&self) -> bool {
        self.picture.link == Link::Live
    }

    /// Returns whether something lies over the panes, so that nothing of them is seen.
    pub(crate) fn covers_panes(&self) -> bool {
        match self.mode {
            Mode::Help { .. }
            | Mode::HelpFilter { .. }
            | Mode::Preview(_)
            | Mode::Results { .. }
            | Mode::Read { .. }
            | Mode::History { .. }
            | Mode::Inbox { .. } => true,
            Mode::Browse
            | Mode::Filter { .. }
            | Mode::Command { .. }
            | Mode::Entry { .. }
            | Mode::Menu { .. }
            | Mode::Confirm(_) => self.book.is_some(),
        }
    }

    /// Returns where keys are looked up, the nearest first.
    pub(crate) fn contexts(&self) -> &'static [Context] {
        match self.mode {
            Mode::Browse if self.book.is_some() => &[Context::Runbook, Context::Sheet],
            Mode::Browse => self.pane_contexts(),
            Mode::Help { .. } => &[Context::Help, Context::Global],
            Mode::Confirm(_) => &[Context::Confirm],
            Mode::Menu { .. } => &[Context::Menu],
            Mode::Inbox { .. } => &[Context::Inbox, Context::Global],
            Mode::Results { .. } | Mode::Read { .. } | Mode::History { .. } => &[Context::Sheet],
            Mode::Preview(Preview { needs: Needs::Yes, .. }) => &[Context::Sheet],
            Mode::Preview(Preview { needs: Needs::Count(_), .. })
            | Mode::Filter { .. }
            | Mode::HelpFilter { .. }
            | Mode::Command { .. }
            | Mode::Entry { .. } => &[Context::Prompt],
        }
    }

    /// Returns whether that holds now.
    pub(crate) fn holds(&self, condition: Condition) -> bool {
        condition.holds(self)
    }

    /// Returns the first key that does this now in one of the contexts.
    pub(crate) fn key_for(&self, action: Action, contexts: &[Context]) -> Option<&Binding> {
        let now = |binding: &&Binding| {
            binding.arm(&|condition| self.holds(condition)).is_some_and(|arm| arm.actions.contains(&action))
        };
        self.keymap.keys_of(action, contexts).into_iter().find(now)
    }

    /// Returns where keys are looked up once no prompt is open: what is said of the panes names these.
    pub(crate) fn pane_contexts(&self) -> &'static [Context] {
        match self.focus {
            Focus::Stream => &[Context::Stream, Context::Global],
            Focus::Detail if self.shape.tab == Tab::Runbook => &[Context::Runbook, Context::Detail, Context::Global],
            Focus::Detail | Focus::Side => &[Context::Detail, Context::Global],
        }
    }

    /// Returns when something must be drawn anew though nothing happens: the only timers of the screen.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let toast = self.toast.as_ref().and_then(|toast| toast.until);
        let follows = self.held && !self.frozen;
        let order = self.guard.moved_at.filter(|_| follows).map(|moved| moved.plus(FROZEN_FOR));
        let has_gap = !self.frozen && super::order::has_gap(self);
        let gap = self.guard.moved_at.filter(|_| has_gap).map(|moved| moved.plus(GAP_FOR));
        let order = order.into_iter().chain(gap);
        let held = self.guard.held.as_ref().map(|held| held.at.plus(BURST));
        let guards = held.into_iter().chain(self.guard.first_until).chain(self.keep_at);
        let shifts = self.next_handover();
        toast.into_iter().chain(order).chain(self.attention.deadline()).chain(guards).chain(shifts).min()
    }

    /// Returns when the next shift begins or ends, as far as the list that is shown reaches.
    pub(crate) fn next_handover(&self) -> Option<Timestamp> {
        let shifts = self.picture.known.paging.iter().flat_map(|paging| &paging.on_call);
        shifts.flat_map(|shift| [shift.from, shift.to]).filter(|at| *at > self.now).min()
    }

    /// Returns the detail of the incident under the cursor, once it is read.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        self.digest.as_deref().filter(|digest| Some(digest.detail.incident) == self.selected)
    }

    /// Returns the runbooks that can be read: the one that is open over the panes, else those of the incident under the cursor.
    pub(crate) fn runbooks(&self) -> &[Beside] {
        match &self.book {
            Some(name) => {
                let book = self.picture.book.as_deref().filter(|book| book.runbook.name == *name);
                book.map_or(&[], std::slice::from_ref)
            }
            None => self.digest().map_or(&[], |digest| &digest.detail.runbooks),
        }
    }

    /// Returns whether the detail of the incident under the cursor was asked for and is not read yet.
    pub(crate) fn awaits_detail(&self) -> bool {
        self.looked.is_some() && self.looked == self.selected && self.digest().is_none()
    }

    /// Returns the row of that incident, wherever it stands.
    pub(crate) fn row_of(&self, incident: IncidentId) -> Option<&Row> {
        self.overview.place(incident).map(|place| &self.picture.rows[place])
    }

    /// Returns what verbs act on: the marked incidents in their order on the screen, else the one under the cursor.
    pub(crate) fn targets(&self) -> Vec<Arc<Incident>> {
        if self.marks.is_empty() {
            return self.row().map(|row| row.incident.clone()).into_iter().collect();
        }
        let shown = (0..self.order.len()).filter_map(|position| self.row_at(position));
        let order: HashSet<usize> = self.order.iter().copied().collect();
        let rows = self.picture.rows.iter().enumerate();
        let hidden = rows.filter(|(place, _)| !order.contains(place)).map(|(_, row)| row);
        shown.chain(hidden).map(|row| &row.incident).filter(|one| self.marks.contains(&one.id)).cloned().collect()
    }

    /// Returns whether the filter lets the incident through.
    pub(crate) fn is_shown(&self, incident: IncidentId) -> bool {
        self.overview.place(incident).is_some_and(|place| self.order.contains(&place))
    }

    /// Takes a newer picture, and returns the one before.
    pub(crate) fn show(&mut self, picture: Arc<Picture>) -> Arc<Picture> {
        let same = Arc::ptr_eq(&self.picture.rows, &picture.rows);
        self.overview = Overview::of(&picture, same.then_some(&self.overview));
        self.digest = Digest::renewed(self.digest.take(), picture.detail.as_ref());
        std::mem::replace(&mut self.picture, picture)
    }

    /// Returns what lies in the inbox: what others wait for first, then letters, the oldest first.
    pub(crate) fn inbox(&self) -> &[Item] {
        &self.overview.inbox
    }

    /// Tells good news; bad news stays in its place.
    pub(crate) fn tell(&mut self, text: impl AsRef<str>, now: Timestamp) {
        self.tell_safe(SafeText::line(text.as_ref(), 300), now);
    }

    /// Tells good news that is safe already.
    pub(crate) fn tell_safe(&mut self, text: SafeText, now: Timestamp) {
        self.toast = Some(Toast { text, warn: false, until: Some(now.plus(TOAST_FOR)) });
    }

    /// Tells bad news; it stays until Esc or newer.
    pub(crate) fn warn(&mut self, text: impl AsRef<str>) {
        self.warn_safe(SafeText::line(text.as_ref(), 300));
    }

    /// Tells bad news that is safe already.
    pub(crate) fn warn_safe(&mut self, text: SafeText) {
        self.toast = Some(Toast { text, warn: true, until: None });
    }
}
