//! Taking back what was done, doing it again, and the list of it.
//!
//! Undo and redo are operations of their own, judged by the hub like any other.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::past::Done;
use super::super::state::{Confirm, Deed, Mode, State, Submission};
use super::act::{self, asked, submit};
use crate::domain::id::IncidentId;
use crate::domain::op::{Act, Kind};
use crate::domain::time::Timestamp;
use crate::sync::foresight::Undoable;
use std::time::Duration;

/// How fresh an act of this screen must be for `undo` to take it back without a question.
const UNDO_AT_ONCE: Duration = Duration::from_secs(60);
/// What those who were called for nothing are told, unless the person writes something else.
const STAND_DOWN: &str = "stand down: called by mistake, nobody needs to come";

/// Opens the list of what was done on this screen.
pub(super) fn open(state: &mut State, now: Timestamp) {
    if state.past.deeds().next().is_none() {
        return state.tell("nothing was done on this screen yet", now);
    }
    state.mode = Mode::History { at: 0 };
}

/// Takes the latest act back: at once where it was this screen's a moment ago and calls nobody now, else by a question that names it.
pub(super) fn undo(state: &mut State, now: Timestamp) -> Vec<Effect> {
    if act::is_repeat(state, Action::UndoLast, now) || state.layout().tiny {
        return Vec::new();
    }
    match state.mode {
        Mode::History { at } => return undo_at(state, at, now),
        Mode::Browse | Mode::Inbox { .. } => {}
        _ => return Vec::new(),
    }
    let undo = state.picture.undo.clone();
    let refused = undo.first().and_then(|first| Some((first.clone(), first.refused.clone()?)));
    if let Some((one, why)) = refused.as_ref().filter(|(one, _)| called_somebody(one.kind)) {
        let instead = undo.iter().find(|one| one.refused.is_none()).and_then(|one| bound(state, one));
        return offer_stand_down(state, one.incident, &format!("{} {{}}: {why}", one.kind.word()), instead);
    }
    let Some(standing) = undo.iter().find(|one| one.refused.is_none()) else {
        match refused {
            Some((one, why)) => state.warn(format!("{} {}: {why}", one.kind.word(), number(state, one.incident))),
            None => state.tell("nothing of yours stands that could be taken back", now),
        }
        return Vec::new();
    };
    take_back(state, standing, refused, now)
}

fn take_back(
    state: &mut State,
    standing: &Undoable,
    refused: Option<(Undoable, String)>,
    now: Timestamp,
) -> Vec<Effect> {
    let Some((submission, what)) = bound(state, standing) else {
        state.warn("what you did last is not on this screen any more; `nightdesk undo` takes it back");
        return Vec::new();
    };
    let when = standing.created_at.hour_minute();
    let call = standing.call.as_ref().map_or(String::new(), |call| format!(": {call}"));
    let fresh = now < standing.created_at.plus(UNDO_AT_ONCE);
    let own = state
        .latest
        .as_ref()
        .is_some_and(|latest| latest.incident == standing.incident && latest.act.known() == Some(standing.kind));
    let question = match refused {
        Some((one, why)) => {
            format!("y undoes {what} instead; {} {}: {why}", one.kind.word(), number(state, one.incident))
        }
        None if fresh && own && standing.call_at.is_none_or(|at| now < at) => {
            let effects = submit(state, submission, now);
            state.tell(format!("undo {what} ...{call}"), now);
            return effects;
        }
        None => format!("Undo {what} of {when}Z? y takes it back{call}"),
    };
    state.mode = Mode::Confirm(asked(&question, Deed::Submit(submission)));
    Vec::new()
}

/// Returns the undo of an operation, bound to what is on the screen, and its name.
fn bound(state: &State, standing: &Undoable) -> Option<(Submission, String)> {
    let target = &state.row_of(standing.incident)?.incident;
    let submission = Submission::bind(target, Act::Undo { op: standing.op, kind: standing.kind });
    Some((submission, format!("{} {}", standing.kind.word(), target.number)))
}

/// Asks whether to take back what the cursor of the history is on.
fn undo_at(state: &mut State, at: usize, now: Timestamp) -> Vec<Effect> {
    let Some(done) = state.past.deeds().nth(at).cloned() else { return Vec::new() };
    let Done { submission: Submission { incident, number, act, .. }, op, outcome, .. } = done;
    let what = format!("{} {number}", act.kind());
    let (Some(op), Some(kind)) = (op, act.known()) else {
        state.warn(format!("{what} is not saved yet"));
        return Vec::new();
    };
    let Some(target) = state.row_of(incident).map(|row| row.incident.clone()) else {
        state.warn(format!("{number} is not on this screen any more; `nightdesk undo` takes back what was done last"));
        return Vec::new();
    };
    if called_somebody(kind) {
        let reason = format!("{} {{}} cannot be undone: people were called", kind.word());
        return offer_stand_down(state, incident, &reason, None);
    }
    if kind == Kind::Undo {
        state.tell("redo does again what was taken back", now);
    } else if state.past.is_undone(op) {
        state.tell(format!("{what} is taken back already"), now);
    } else if let Some((why, _)) = outcome.filter(|(_, welcome)| !welcome) {
        state.tell(format!("{what} was not done: {why}"), now);
    } else {
        let question = format!("Undo {what} of {}? y takes it back, the hub willing", clock(done.at));
        let submission = Submission::bind(&target, Act::Undo { op, kind });
        state.mode = Mode::Confirm(asked(&question, Deed::Submit(submission)));
    }
    Vec::new()
}

/// Does again what was taken back last, on the incident as it is now; what asked then asks again.
pub(super) fn redo(state: &mut State, now: Timestamp) -> Vec<Effect> {
    if act::is_repeat(state, Action::UndoRedo, now) || state.layout().tiny || state.mode != Mode::Browse {
        return Vec::new();
    }
    let Some(Submission { incident, number, act, .. }) = state.past.to_redo().map(|done| done.submission.clone())
    else {
        state.tell("nothing was taken back on this screen that could be done again", now);
        return Vec::new();
    };
    let Some(target) = state.row_of(incident).map(|row| row.incident.clone()) else {
        state.warn(format!("{number} is not on this screen any more"));
        return Vec::new();
    };
    if act::refused_as_changed(state, [incident].into_iter(), Action::UndoRedo, now) {
        return Vec::new();
    }
    let effects = act::one(state, &target, act.clone(), now);
    if !effects.is_empty() {
        state.tell(format!("redo {} {number} ...", act.kind()), now);
    }
    effects
}

fn called_somebody(kind: Kind) -> bool {
    matches!(kind, Kind::Escalate | Kind::Assign)
}

/// Offers words to those who were called, for nothing takes a call back, and the undo of what stands before it. `{}` in the reason
/// stands for the number.
fn offer_stand_down(
    state: &mut State,
    incident: IncidentId,
    reason: &str,
    instead: Option<(Submission, String)>,
) -> Vec<Effect> {
    let reason = reason.replace("{}", &number(state, incident));
    let other = instead.as_ref().map_or(String::new(), |(_, what)| format!(", f undoes {what} instead"));
    let question = format!("y writes a note to stand down{other}; {reason}");
    let force = instead.map(|(submission, _)| Deed::Submit(submission));
    state.mode = Mode::Confirm(Confirm { force, ..asked(&question, Deed::StandDown(incident)) });
    Vec::new()
}

/// Opens a note with the words to stand down; nothing is sent before it is accepted.
pub(super) fn stand_down(state: &mut State, incident: IncidentId, now: Timestamp) -> Vec<Effect> {
    let Some(target) = state.row_of(incident).map(|row| row.incident.clone()) else {
        state.warn("that incident is not on this screen any more");
        return Vec::new();
    };
    let (verb, targets) = (Action::IncidentNote, vec![target]);
    let says = act::gist(state, verb, STAND_DOWN, &targets, now);
    state.mode = Mode::Entry { verb, targets, editor: Editor::new(STAND_DOWN), says };
    Vec::new()
}

/// Remembers what is handed to the mirror.
pub(super) fn record(state: &mut State, effects: &[Effect], now: Timestamp) {
    use crate::sync::desk::Ask;
    for effect in effects {
        if let Effect::Ask(Ask::Submit { incident, basis, act }) = effect {
            let row = state.row_of(*incident).map(|row| (row.incident.number, row.incident.service.clone()));
            let Some((number, service)) = row else { continue };
            let submission = Submission { incident: *incident, number, basis: *basis, act: act.clone() };
            state.past.record(submission, service, now);
        }
    }
}

fn clock(at: Timestamp) -> String {
    format!("{}Z", at.hour_minute())
}

fn number(state: &State, incident: IncidentId) -> String {
    state.row_of(incident).map_or_else(|| incident.to_string(), |row| row.incident.number.to_string())
}
