//! What stays until the person answers or dismisses it.

use super::super::action::Action;
use super::super::event::Effect;
use super::super::order;
use super::super::state::{Focus, Item, Mode, State};
use super::act;
use crate::domain::id::IncidentId;
use crate::domain::judge::{Newer, Refusal, Verdict};
use crate::domain::op::Act;
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use crate::sync::picture::{Letter, Matter};

/// Opens it with the cursor on the first item.
pub(super) fn open(state: &mut State) {
    state.mode = Mode::Inbox { at: state.inbox().first().copied() };
}

/// Moves the cursor by so many items.
pub(super) fn by(state: &mut State, lines: isize) {
    let items = state.inbox().to_vec();
    if let Mode::Inbox { at } = &mut state.mode {
        let position = at.and_then(|at| items.iter().position(|item| *item == at)).unwrap_or(0);
        *at = items.get(position.saturating_add_signed(lines).min(items.len().saturating_sub(1))).copied();
    }
}

/// Keeps the cursor on its item. Where that is gone, it stands on none: no key is meant for another.
pub(super) fn keep(state: &mut State) {
    let items = state.inbox().to_vec();
    if let Mode::Inbox { at } = &mut state.mode {
        *at = at.filter(|at| items.contains(at));
    }
}

fn item(state: &mut State) -> Option<Item> {
    let Mode::Inbox { at } = state.mode else { return None };
    if at.is_none() {
        // The next key finds it; this one was meant for what is gone.
        state.mode = Mode::Inbox { at: state.inbox().first().copied() };
    }
    at
}

/// Answers an offer.
pub(super) fn answer(state: &mut State, verb: Action, now: Timestamp) -> Vec<Effect> {
    match item(state) {
        Some(Item::Offer(incident, _)) => {
            let Some(target) = state.row_of(incident).map(|row| row.incident.clone()) else { return Vec::new() };
            if act::refused_as_changed(state, [incident].into_iter(), verb, now) {
                return Vec::new();
            }
            act::said(state, verb, "", vec![target], now)
        }
        Some(_) => {
            state.tell("y and n answer offers; r does what fits a letter, d puts it away", now);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Puts the letter under the cursor away.
pub(super) fn dismiss(state: &mut State, now: Timestamp) -> Vec<Effect> {
    match item(state) {
        Some(Item::Letter(id)) => {
            let items = state.inbox().to_vec();
            let place = items.iter().position(|other| *other == Item::Letter(id)).unwrap_or(0);
            let next = items.get(place + 1).or_else(|| items.get(place.checked_sub(1)?)).copied();
            state.mode = Mode::Inbox { at: next };
            vec![Effect::Ask(Ask::Dismiss(vec![id]))]
        }
        Some(_) => {
            state.tell("this goes when it is answered: y accepts, n declines", now);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// The act that fits a letter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    /// This verb with these words, on that incident as it is now.
    Do(Action, String, IncidentId),
    /// This verb, which asks for the rest.
    Ask(Action, IncidentId),
    /// Only to look at it.
    Look(IncidentId),
}

/// Returns the act that fits a letter: the one that goes on, the same again on what it is now, a snooze where a resolve was refused.
pub(crate) fn next(letter: &Letter) -> Next {
    let id = letter.incident;
    match &letter.matter {
        Matter::Lost { owner: None, .. } => Next::Do(Action::IncidentAck, String::new(), id),
        Matter::Lost { owner: Some(_), .. } => Next::Look(id),
        Matter::Answer { act, verdict } => match verdict {
            Verdict::Superseded { by: Newer::Resolved { successor: Some(successor) } } => {
                Next::Do(Action::IncidentAck, String::new(), *successor)
            }
            Verdict::Refused { because: Refusal::StillFiring { .. } } => Next::Ask(Action::IncidentSnooze, id),
            Verdict::Refused { because: Refusal::NotYours { .. } } => Next::Do(Action::IncidentTake, String::new(), id),
            Verdict::Superseded { by: Newer::Changed | Newer::Claim { .. } } | Verdict::Expired => again(act, id),
            _ => Next::Look(id),
        },
    }
}

/// Returns the same act once more, on the incident as it is now.
fn again(act: &Act, id: IncidentId) -> Next {
    let same = |verb| Next::Do(verb, String::new(), id);
    match act {
        Act::Ack => same(Action::IncidentAck),
        Act::TakeOver => same(Action::IncidentTake),
        Act::Resolve { .. } => same(Action::IncidentResolve),
        Act::Snooze { .. } => Next::Ask(Action::IncidentSnooze, id),
        Act::Wait { .. } => Next::Ask(Action::IncidentWait, id),
        Act::Offer { to, .. } => Next::Do(Action::IncidentOffer, to.to_string(), id),
        Act::SetSeverity { to } => Next::Do(Action::IncidentSeverity, to.to_string(), id),
        Act::Merge { .. } => Next::Ask(Action::IncidentMerge, id),
        Act::Split { .. } => Next::Ask(Action::IncidentSplit, id),
        _ => Next::Look(id),
    }
}

/// Does what fits the letter under the cursor; the letter stays until it is dismissed.
pub(super) fn do_next(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let Some(Item::Letter(id)) = item(state) else { return Vec::new() };
    let Some(next) = state.picture.inbox.iter().find(|letter| letter.id == id).map(next) else { return Vec::new() };
    let (Next::Do(_, _, incident) | Next::Ask(_, incident) | Next::Look(incident)) = next;
    let Some(target) = state.row_of(incident).map(|row| row.incident.clone()) else {
        state.tell("that incident is not on this screen any more", now);
        return Vec::new();
    };
    match next {
        Next::Look(_) => {
            go(state, incident, now);
            Vec::new()
        }
        Next::Do(verb, ..) | Next::Ask(verb, _)
            if act::refused_as_changed(state, [incident].into_iter(), verb, now) =>
        {
            Vec::new()
        }
        Next::Do(verb, words, _) => {
            state.mode = Mode::Browse;
            act::said(state, verb, &words, vec![target], now)
        }
        Next::Ask(verb, _) => act::start(state, verb, vec![target], now),
    }
}

/// Opens the incident of the item under the cursor.
pub(super) fn look(state: &mut State, now: Timestamp) {
    let incident = match item(state) {
        Some(Item::Offer(incident, _) | Item::Asked(incident, _)) => Some(incident),
        Some(Item::Letter(id)) => {
            state.picture.inbox.iter().find(|letter| letter.id == id).map(|letter| letter.incident)
        }
        None => None,
    };
    if let Some(incident) = incident {
        go(state, incident, now);
    }
}

fn go(state: &mut State, incident: IncidentId, now: Timestamp) {
    if state.row_of(incident).is_none() {
        return state.tell("that incident is not on this screen any more", now);
    }
    state.mode = Mode::Browse;
    if !order::shown_ids(state).contains(&incident) {
        super::filter::clear(state);
    }
    state.selected = Some(incident);
    state.guard.moved_at = Some(now);
    state.focus = Focus::Stream;
    order::keep_in_view(state);
}
