//! What is looked at, and how: order, marks by range, where one was, read-only.

use super::super::order::{self, Sort};
use super::super::state::{Focus, Mode, Place, Range, State};
use super::bulk::AT_ONCE_MAX;
use super::{filter, reader};
use crate::domain::id::IncidentId;
use crate::domain::time::Timestamp;

/// Orders the list anew.
pub(super) fn sort(state: &mut State, sort: Sort, now: Timestamp) {
    state.sort = sort;
    order::arrange_anew(state);
    state.tell(format!("ordered by {}", sort.word()), now);
}

/// Freezes the order, or lets it follow again.
pub(super) fn freeze(state: &mut State, now: Timestamp) {
    state.frozen = !state.frozen;
    if state.frozen {
        state.tell("frozen: rows keep their places, new ones still come in", now);
    } else {
        order::arrange_anew(state);
        state.tell("the order follows again", now);
    }
}

/// Allows or refuses acts from now on.
pub(super) fn read_only(state: &mut State, on: bool, now: Timestamp) {
    state.readonly = on;
    let says =
        if on { "read-only: every act is refused, and nothing is said to be seen" } else { "acts are allowed again" };
    state.tell(says, now);
}

/// Begins marks that follow the cursor, or ends them.
pub(super) fn range(state: &mut State, now: Timestamp) {
    if state.range.take().is_some() {
        return state.tell(format!("{} marked", state.marks.len()), now);
    }
    if let (Focus::Stream, Some(from)) = (state.focus, state.selected) {
        state.range = Some(Range { from, before: state.marks.clone() });
        follow(state, now);
    }
}

/// Marks what lies between where a range began and the cursor.
pub(super) fn follow(state: &mut State, now: Timestamp) {
    let Some(range) = state.range.clone() else { return };
    let begins = (0..state.order.len()).find(|position| state.id_at(*position) == Some(range.from));
    let (Some(from), Some(to)) = (begins, state.position()) else {
        // Where it began is not shown any more: what is marked stays.
        state.range = None;
        return;
    };
    let (first, last) = (from.min(to), from.max(to));
    let mut marks = range.before;
    marks.extend((first..=last).filter_map(|position| state.id_at(position)));
    if marks.len() > AT_ONCE_MAX {
        return state.tell(format!("at most {AT_ONCE_MAX} are marked at once"), now);
    }
    state.marks = marks;
}

/// Takes all marks away.
pub(super) fn unmark(state: &mut State) {
    state.marks.clear();
    state.range = None;
}

/// Remembers where the person is before they are taken elsewhere; a second jump keeps the first place.
fn remember(state: &mut State) {
    if state.place.is_none() {
        let (selected, filter) = (state.selected, state.filter.clone());
        state.place = Some(Place { selected, filter, focus: state.focus, open: state.open, top: state.top });
    }
}

/// Goes to an incident, remembering where one was. The filter gives way where it hides it.
pub(super) fn jump(state: &mut State, incident: IncidentId, now: Timestamp) {
    remember(state);
    reader::leave(state);
    state.mode = Mode::Browse;
    state.range = None;
    if !order::shown_ids(state).contains(&incident) {
        filter::clear(state);
    }
    state.selected = Some(incident);
    state.detail_scroll = 0;
    state.guard.moved_at = Some(now);
    order::keep_in_view(state);
}

/// Goes to the incident that a number or the beginning of an id names.
pub(super) fn jump_to(state: &mut State, words: &str, now: Timestamp) {
    let named =
        |id: &IncidentId, number: &str| number == words || (words.len() >= 4 && id.to_string().starts_with(words));
    let rows = state.picture.rows.iter().map(|row| &row.incident);
    let found = rows.into_iter().find(|one| named(&one.id, &one.number.to_string())).map(|one| one.id);
    match found {
        Some(incident) => {
            jump(state, incident, now);
            (state.open, state.focus) = (true, Focus::Detail);
        }
        None => state.warn(format!("no incident {words} is on this screen")),
    }
}

/// Returns to where one was before a call or a jump.
pub(super) fn back(state: &mut State, now: Timestamp) {
    if state.mode != Mode::Browse {
        return;
    }
    let Some(place) = state.place.take() else { return state.tell("you did not come from anywhere", now) };
    filter::set(state, place.filter);
    let shown = place.selected.is_some_and(|selected| order::shown_ids(state).contains(&selected));
    if shown {
        (state.selected, state.top) = (place.selected, place.top);
    } else {
        state.tell("where you were is not shown any more", now);
    }
    (state.focus, state.open, state.detail_scroll) = (place.focus, place.open, 0);
    state.guard.moved_at = Some(now);
    order::keep_in_view(state);
}
