//! What an event does to the state, and what it asks the world for. No clock, no disk, no waiting.

mod act;
mod attention;
mod bell;
mod bulk;
mod command;
mod filter;
mod guard;
mod hands;
mod history;
mod inbox;
mod keys;
mod life;
pub(crate) mod line;
mod moving;
mod panes;
mod picture;
mod prompt;
mod read;
mod reader;
mod sight;
mod silence;
mod theme;

pub(crate) use attention::{calls, worst_call};
pub(crate) use bell::calling;
pub(crate) use bulk::shift_to;
pub(crate) use command::{Argument, argument, commands, matching, named, spoken};
pub(crate) use guard::BURST;
pub(crate) use inbox::{Next, next as next_act};
pub(crate) use silence::said as silence_said;

use super::action::Action;
use super::event::{Effect, Event, Exit};
use super::key::KeyPress;
use super::keymap::Found;
use super::layout::Tab;
use super::order::{self, Sort};
use super::state::{FROZEN_FOR, Focus, GAP_FOR, Mode, State};
use super::topic::Topic;
use super::views::Edit;
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use guard::Judged;
use std::time::Duration;

/// Within which a second Ctrl-c at the root leaves.
const INTERRUPT_TWICE: Duration = Duration::from_secs(2);

/// Takes one event in and returns what is to be done about it.
pub(crate) fn update(state: &mut State, event: Event, now: Timestamp) -> Vec<Effect> {
    let (event, now) = event.timed(now);
    state.now = now;
    let mut effects = guard::release(state, now, false);
    state.guard.last_key.get_or_insert(now);
    effects.extend(match event {
        Event::Key(key) | Event::KeyAt(key, _) => {
            // What was shown when the key was pressed, not what the key brings.
            let presented = attention::present(state);
            reader::saw(state);
            presented.into_iter().chain(press(state, key, now)).collect()
        }
        Event::Paste(text) => prompt::paste(state, &text, now),
        Event::Resize { width, height } => resize(state, width, height),
        Event::Picture(picture) => picture::take(state, picture, now),
        Event::Keymap(loaded) => {
            keys::take(state, *loaded, now);
            Vec::new()
        }
        Event::KeymapAgain(loaded) => {
            keys::take_again(state, *loaded);
            Vec::new()
        }
        Event::Views(outcome) => {
            filter::views_came(state, outcome, now);
            Vec::new()
        }
        Event::Theme(loaded, asked) => {
            theme::take(state, *loaded, asked, now);
            Vec::new()
        }
        Event::Due => Vec::new(),
        Event::Busy => {
            state.saving = None;
            state.past.forget_latest();
            state.warn("the mirror is busy: NOT done, press again");
            Vec::new()
        }
        Event::Outward(report) => hands::reported(state, report, now),
        Event::Read(topic, lines) => {
            read::take(state, topic, lines);
            Vec::new()
        }
        Event::Trouble(text) => {
            state.trouble = Some(text);
            Vec::new()
        }
        Event::Stop => vec![Effect::Leave(Exit::Stopped)],
        Event::Reload => theme::reload(state),
        Event::Suspend => vec![Effect::Suspend],
        Event::NoShell => life::no_shell(state),
        Event::Continued => life::continued(state),
        Event::Hangup => vec![Effect::Leave(Exit::Hangup)],
    });
    due(state, now);
    reader::settle(state);
    effects.extend(bell::due(state, now));
    effects.extend(look(state));
    effects.extend(open_book(state));
    guard::only_look(state, &mut effects);
    history::record(state, &effects, now);
    effects
}

fn resize(state: &mut State, width: u16, height: u16) -> Vec<Effect> {
    (state.width, state.height) = (width, height);
    panes::settle(state);
    vec![Effect::Repaint]
}

/// Ends what has had its time: good news, and an order that stood still for a moving cursor.
fn due(state: &mut State, now: Timestamp) {
    if state.toast.as_ref().and_then(|toast| toast.until).is_some_and(|until| until <= now) {
        state.toast = None;
    }
    guard::due(state, now);
    let rests = |span| !state.frozen && state.guard.moved_at.is_none_or(|moved| moved.plus(span) <= now);
    let (follows, closes) = (state.held && rests(FROZEN_FOR), rests(GAP_FOR));
    if follows {
        let before = order::shown_ids(state);
        order::arrange(state, &before, now);
    }
    if closes && order::has_gap(state) {
        order::keep_in_view(state);
    }
}

/// Asks for the detail of the incident that can be seen, when that is another one than before.
fn look(state: &mut State) -> Option<Effect> {
    let layout = state.layout();
    let wanted = state.selected.filter(|_| layout.detail.is_some() || layout.side.is_some());
    if wanted == state.looked {
        return None;
    }
    state.looked = wanted;
    Some(Effect::Ask(Ask::Look(wanted)))
}

/// Asks for the runbook that is opened by its name, when that is another one than before.
fn open_book(state: &mut State) -> Option<Effect> {
    if state.book == state.asked_book {
        return None;
    }
    state.asked_book.clone_from(&state.book);
    Some(Effect::Ask(Ask::Open(state.book.clone())))
}

fn press(state: &mut State, key: KeyPress, now: Timestamp) -> Vec<Effect> {
    state.guard.again = false;
    if guard::wakes(state, key, now) {
        return Vec::new();
    }
    state.pending.push(key);
    let found = state.keymap.find(state.contexts(), &state.pending, &|condition| state.holds(condition));
    if guard::judge(state, key, &found, now) == Judged::Swallowed {
        state.pending.clear();
        return Vec::new();
    }
    match found {
        Found::Prefix => Vec::new(),
        Found::Actions(actions) => {
            state.pending.clear();
            guard::admit(state, key, actions, now)
        }
        Found::Nothing => {
            // A broken sequence is dropped whole: the "a" of "g a" was not meant as a verb.
            if std::mem::take(&mut state.pending).len() == 1 {
                prompt::type_in(state, key, now);
            }
            Vec::new()
        }
    }
}

/// Does what an action says, whichever key or command it came from.
fn perform(state: &mut State, action: Action, now: Timestamp) -> Vec<Effect> {
    if action != Action::ViewBack {
        state.guard.clearing = false;
    }
    if guard::refuses(state, action) {
        return Vec::new();
    }
    match action {
        Action::IncidentAck
        | Action::IncidentUnack
        | Action::IncidentTake
        | Action::IncidentSnooze
        | Action::IncidentWait
        | Action::IncidentEscalate
        | Action::IncidentOffer
        | Action::IncidentAccept
        | Action::IncidentDecline
        | Action::IncidentAssign
        | Action::IncidentSeverity
        | Action::IncidentNote
        | Action::IncidentResolve
        | Action::IncidentReopen
        | Action::IncidentMerge
        | Action::IncidentSplit
        | Action::IncidentStill => return act::begin(state, action, now),
        Action::UndoLast => return history::undo(state, now),
        Action::UndoRedo => return history::redo(state, now),
        Action::HistoryOpen => history::open(state, now),
        Action::BulkAck => return bulk::ack_all(state, now),
        Action::ShiftHandover => return bulk::shift(state, now),
        Action::MarkToggle => {
            bulk::toggle(state);
            moving::by(state, 1, now);
        }
        Action::MarkRange => sight::range(state, now),
        Action::MarkAll => bulk::mark_all(state, now),
        Action::BellMute => bell::mute_repeats(state, now),
        Action::BellSet => bell::set(state, "", now),
        Action::CopyId | Action::CopyLink | Action::CopyLabels | Action::CopyMarkdown | Action::CopyRunbook => {
            return hands::copy(state, action, now);
        }
        Action::ClipShow => hands::show_clip(state, now),
        Action::LinkOpen => hands::choose_link(state, now),
        Action::MarkClear => sight::unmark(state),
        Action::PageGo => bell::go(state, now),
        Action::PageBack => sight::back(state, now),
        Action::SortSeverity => sight::sort(state, Sort::Severity, now),
        Action::SortTime => sight::sort(state, Sort::Time, now),
        Action::SortOwner => sight::sort(state, Sort::Owner, now),
        Action::ListFreeze => sight::freeze(state, now),
        Action::FilterUnacked => filter::quick(state, "state:new", now),
        Action::FilterMine => filter::quick(state, "owner:me", now),
        Action::FilterPages => filter::quick(state, "page:me", now),
        Action::FilterOpenOnes => filter::quick(state, "-state:res", now),
        Action::FilterView1
        | Action::FilterView2
        | Action::FilterView3
        | Action::FilterView4
        | Action::FilterView5
        | Action::FilterView6
        | Action::FilterView7
        | Action::FilterView8
        | Action::FilterView9 => filter::on_key(state, action, now),
        Action::ReadOnlyOn | Action::ReadOnlyOff => sight::read_only(state, action == Action::ReadOnlyOn, now),
        Action::InboxOpen => inbox::open(state),
        Action::InboxDismiss => return inbox::dismiss(state, now),
        Action::InboxNext => return inbox::do_next(state, now),
        Action::ResultsOpen if state.batch.items.is_empty() => {
            state.tell("nothing was done to several at once yet", now);
        }
        Action::ResultsOpen => state.mode = Mode::Results { scroll: 0 },
        Action::Choose1
        | Action::Choose2
        | Action::Choose3
        | Action::Choose4
        | Action::Choose5
        | Action::Choose6
        | Action::Choose7
        | Action::Choose8
        | Action::Choose9 => return act::choose(state, action.choice().unwrap_or(0), now),
        Action::ChooseOther => act::choose_other(state, now),
        Action::CursorDown => moving::by(state, 1, now),
        Action::CursorUp => moving::by(state, -1, now),
        Action::CursorTop => moving::by(state, isize::MIN, now),
        Action::CursorBottom => moving::by(state, isize::MAX, now),
        Action::HalfPageDown => moving::by_half_pages(state, 1, now),
        Action::HalfPageUp => moving::by_half_pages(state, -1, now),
        Action::DetailOpen if matches!(state.mode, Mode::Inbox { .. }) => inbox::look(state, now),
        Action::DetailOpen => open(state),
        Action::ViewBack => back(state, now),
        Action::ViewClose => close(state, now),
        Action::PaneNext => panes::go(state, 1),
        Action::PanePrevious => panes::go(state, -1),
        Action::PaneZoomMore => panes::zoom(state, state.shape.zoom.more()),
        Action::PaneZoomLess => panes::zoom(state, state.shape.zoom.less()),
        Action::LayoutPanes => panes::stand(state, state.shape.panes.next(), now),
        Action::TabDetail => panes::tab(state, Tab::Detail),
        Action::TabSeries => panes::tab(state, Tab::Series),
        Action::TabTimeline => panes::tab(state, Tab::Timeline),
        Action::TabNotes => panes::tab(state, Tab::Notes),
        Action::TabPages => panes::tab(state, Tab::Pages),
        Action::TabSimilar => panes::tab(state, Tab::Similar),
        Action::TabWhy => panes::tab(state, Tab::Why),
        Action::TabRunbook => reader::open(state),
        Action::RunbookNext => reader::stop(state, false, now),
        Action::RunbookPrevious => reader::stop(state, true, now),
        Action::RunbookWhole => reader::whole(state),
        Action::RunbookOther => reader::other(state, now),
        Action::RunbookFind => reader::ask_find(state, now),
        Action::RunbookOutline => reader::ask_heading(state, now),
        Action::RunbookRead => return reader::confirm(state, now),
        Action::RunbookTick => reader::choose_task(state, now),
        Action::RunbookRemark => reader::ask_remark(state, now),
        Action::RunbookNew => return reader::begin_one(state, now),
        Action::CopyCode => return reader::copy_code(state, now),
        Action::TabNext => panes::tab(state, state.shape.tab.step(1)),
        Action::TabPrevious => panes::tab(state, state.shape.tab.step(Tab::ALL.len() - 1)),
        Action::LabelsUnfold => panes::unfold(state),
        Action::ClockZone => panes::zone(state, !state.shape.local, now),
        Action::FilterOpen if matches!(state.mode, Mode::Help { .. }) => keys::filter_help(state),
        Action::FilterOpen => filter::open(state),
        Action::HelpOpen => keys::open_help(state),
        Action::ThemeChoose => theme::tell(state, now),
        Action::KeymapChoose => keys::tell(state, now),
        Action::CommandOpen => {
            command::open(state, "");
        }
        Action::ScreenRepaint => return vec![Effect::Repaint],
        Action::ClaimMake => command::open_on_common(state, "claim", "4h"),
        Action::SilenceMake => command::open_on_common(state, "silence", "2h"),
        Action::ViewsOpen => {
            let mut effects = vec![Effect::Views(Edit::Read)];
            effects.extend(read::open(state, Topic::Views, ""));
            return effects;
        }
        Action::SilencesOpen
        | Action::ChangesOpen
        | Action::SourcesOpen
        | Action::FunnelOpen
        | Action::ClaimsOpen
        | Action::RunbooksOpen
        | Action::UnreadOpen
        | Action::GapsOpen
        | Action::PastOpen
        | Action::LogOpen
        | Action::DoctorOpen
        | Action::WhatsNewOpen
        | Action::CrashOpen
        | Action::PathsOpen => {
            return Topic::of(action).map(|topic| read::open(state, topic, "")).unwrap_or_default();
        }
        Action::AppInterrupt => return interrupt(state, now),
        Action::AppSuspend => return life::suspend(state),
        Action::AppQuit => return quit(state),
        Action::PromptAccept => return prompt::accept(state, now),
        Action::PromptCancel => prompt::cancel(state),
        Action::PromptComplete => prompt::complete(state, now),
        Action::ConfirmYes => return prompt::answer(state, false, now),
        Action::ConfirmForce => return prompt::answer(state, true, now),
        Action::EditLeft
        | Action::EditRight
        | Action::EditHome
        | Action::EditEnd
        | Action::EditBackspace
        | Action::EditDelete
        | Action::EditKillWord
        | Action::EditKillLine => prompt::edit(state, action, now),
    }
    Vec::new()
}

/// Opens the incident under the cursor. Never acts.
fn open(state: &mut State) {
    if state.selected.is_some() {
        state.open = true;
        state.focus = Focus::Detail;
    }
}

/// Closes the nearest open thing; returns whether there was one.
fn close_view(state: &mut State) -> bool {
    if matches!(state.mode, Mode::Help { .. } | Mode::Inbox { .. } | Mode::History { .. }) {
        state.mode = Mode::Browse;
        return true;
    }
    if reader::close(state) {
        return true;
    }
    let in_detail = state.open || state.focus != Focus::Stream;
    if in_detail {
        panes::leave(state);
    }
    in_detail
}

fn back(state: &mut State, now: Timestamp) {
    let closed = state.toast.take().is_some_and(|toast| toast.warn) || keys::clear_help(state) || close_view(state);
    let unmarked = !closed && (!state.marks.is_empty() || state.range.is_some());
    if unmarked {
        sight::unmark(state);
    }
    if closed || unmarked || state.filter.is_all() {
        state.guard.clearing = false;
        return;
    }
    if std::mem::replace(&mut state.guard.clearing, true) {
        state.guard.clearing = false;
        return filter::clear(state);
    }
    state.tell("Esc again clears the filter", now);
}

fn close(state: &mut State, now: Timestamp) {
    if !close_view(state) {
        state.tell(":quit leaves", now);
    }
}

fn interrupt(state: &mut State, now: Timestamp) -> Vec<Effect> {
    if matches!(state.mode, Mode::Help { .. } | Mode::Inbox { .. } | Mode::History { .. }) {
        state.mode = Mode::Browse;
        return Vec::new();
    }
    let twice = state.guard.interrupted_at.is_some_and(|at| now < at.plus(INTERRUPT_TWICE));
    if twice {
        state.guard.interrupted_at = None;
        return quit(state);
    }
    state.guard.interrupted_at = Some(now);
    state.tell("ctrl-c again within 2 s leaves", now);
    Vec::new()
}

/// Leaves, or asks first where somebody would miss this console.
fn quit(state: &mut State) -> Vec<Effect> {
    match prompt::farewell(state) {
        None => vec![Effect::Leave(Exit::Quit)],
        Some(confirm) => {
            state.mode = Mode::Confirm(confirm);
            Vec::new()
        }
    }
}
