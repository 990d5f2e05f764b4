//! Which rows are shown, in which order, and where the cursor stands among them.
//!
//! The law: the selection is an incident, and nothing that arrives moves it under a hand. Rows that come above it shift the scroll
//! offset instead. Only when no key moved the cursor for a minute does the list follow its top again, the selection still its own.

use super::state::{FROZEN_FOR, GAP_FOR, HANDS_ON_FOR, State};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life, Shown};
use crate::domain::time::Timestamp;
use crate::query::{Eyes, Query};
use crate::sync::picture::Row;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Where an unexamined severity sorts: in the middle, for "unexamined" is not "low". On the screen it stays `S?`.
const UNEXAMINED_AS: u8 = 5;

/// What the list is ordered by; what is resolved stands last in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    /// The worst first, then the newest.
    #[default]
    Severity,
    /// The newest first.
    Time,
    /// What nobody has, what is the person's, then what is others'; the worst of each first.
    Owner,
}

impl Sort {
    const ALL: [Self; 3] = [Self::Severity, Self::Time, Self::Owner];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Time => "time",
            Self::Owner => "owner",
        }
    }

    /// Returns the order of that word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.word() == word)
    }
}

/// Where a row stands.
fn rank<'s>(state: &'s State, row: &'s Row) -> impl Ord + use<'s> {
    let incident = &row.incident;
    // Nobody, the person, others by their names.
    let owner = || incident.owner.as_ref().map(|owner| Some(owner.as_str()).filter(|_| *owner != state.picture.user));
    let (owner, severity) = match state.sort {
        Sort::Severity => (None, severity_rank(incident)),
        Sort::Time => (None, 0),
        Sort::Owner => (owner(), severity_rank(incident)),
    };
    (incident.life == Life::Resolved, owner, severity, Reverse(incident.since), Reverse(incident.number))
}

/// Returns where its severity sorts, the worst first.
pub(crate) fn severity_rank(incident: &Incident) -> u8 {
    incident.severity.map_or(UNEXAMINED_AS, |severity| severity.number())
}

/// Returns the word of the STAT column.
pub(crate) fn state_word(shown: Shown) -> &'static str {
    match shown {
        Shown::New => "NEW",
        Shown::Acked => "ACK",
        Shown::Snoozed => "SNZ",
        Shown::Waiting => "WAI",
        Shown::Recovering => "RCV",
        Shown::Unknown => "UNK",
        Shown::Resolved => "RES",
    }
}

/// Arranges the rows from nothing: at the start, and when the filter changed.
pub(crate) fn arrange_anew(state: &mut State) {
    let line = state.position().map(|position| position.saturating_sub(state.top));
    let before = state.position();
    (state.order, state.pinned) = sorted(state);
    state.held = false;
    reselect(state, before);
    state.top = state.position().unwrap_or(0).saturating_sub(line.unwrap_or(0));
    keep_in_view(state);
}

/// Arranges the rows after something arrived, without moving what a hand is on. `before` are the incidents shown until now.
pub(crate) fn arrange(state: &mut State, before: &[IncidentId], now: Timestamp) {
    let position = state.selected.and_then(|selected| before.iter().position(|id| *id == selected));
    let line = position.map_or(0, |position| position.saturating_sub(state.top));
    let (mut order, pinned) = sorted(state);
    state.pinned = pinned;
    state.held = false;
    if state.frozen || moved_within(state, now, FROZEN_FOR) {
        let kept = frozen(state, before, &order);
        state.held = kept != order;
        order = kept;
    }
    state.order = order;
    if reselect(state, position)
        && let Some(selected) = state.selected
    {
        // Another incident came under the cursor by itself: no key may be meant for it yet.
        state.guard.changed.insert(selected, now);
    }
    let hands_on = state.frozen || moved_within(state, now, HANDS_ON_FOR);
    state.top = if hands_on { state.position().unwrap_or(0).saturating_sub(line) } else { 0 };
    // Rows out of sight above empty lines would be taken for none: only a hand that moved just now is worth that.
    if !(state.frozen || moved_within(state, now, GAP_FOR)) {
        keep_in_view(state);
    }
    let seen: HashSet<IncidentId> = before.iter().copied().collect();
    note_fresh(state, &seen);
}

/// Returns the incidents shown, in their order.
pub(crate) fn shown_ids(state: &State) -> Vec<IncidentId> {
    state.order.iter().map(|index| state.picture.rows[*index].incident.id).collect()
}

/// Returns whether rows are out of sight above empty lines.
pub(crate) fn has_gap(state: &State) -> bool {
    state.top > state.order.len().saturating_sub(state.list_rows().max(1))
}

/// Scrolls so that the selected row can be seen, with no more blank lines below than must be.
pub(crate) fn keep_in_view(state: &mut State) {
    let rows = state.list_rows().max(1);
    let position = state.position().unwrap_or(0);
    state.top = state.top.min(state.order.len().saturating_sub(rows));
    state.top = state.top.clamp((position + 1).saturating_sub(rows), position);
    let top = state.top;
    let above: HashSet<IncidentId> = (0..top).filter_map(|position| state.id_at(position)).collect();
    state.fresh.retain(|id| above.contains(id));
}

fn moved_within(state: &State, now: Timestamp, span: std::time::Duration) -> bool {
    state.guard.moved_at.is_some_and(|moved| now < moved.plus(span))
}

/// Returns the rows that are shown, in their order, and how many of them only because they call the person.
fn sorted(state: &State) -> (Vec<usize>, usize) {
    let rows = &state.picture.rows;
    let mut pinned = 0;
    let mut order: Vec<usize> = match state.filter.is_all() {
        true => (0..rows.len()).collect(),
        false => {
            let calls = called(state);
            // What calls the person is shown, unless the filter says otherwise in words.
            let always = |id: &IncidentId| calls.contains(id) && !state.filter.hides_pages();
            let fits = fitting(state, &state.filter, &calls);
            (0..rows.len())
                .filter(|index| {
                    let id = &rows[*index].incident.id;
                    let is_pinned = !fits.contains(id) && always(id);
                    pinned += usize::from(is_pinned);
                    is_pinned || fits.contains(id)
                })
                .collect()
        }
    };
    order.sort_by_cached_key(|index| rank(state, &rows[*index]));
    (order, pinned)
}

/// Returns the incidents that call the person: by a page, or by an alarm of this console.
fn called(state: &State) -> HashSet<IncidentId> {
    let calls = state.picture.calls.iter().map(|page| page.incident);
    calls.chain(state.picture.alarms.iter().map(|alarm| alarm.incident)).collect()
}

fn fitting(state: &State, query: &Query, calls: &HashSet<IncidentId>) -> HashSet<IncidentId> {
    let picture = &state.picture;
    let on_call = picture.known.paging.as_ref().map(|paging| paging.on_duty(state.now)).unwrap_or_default();
    let eyes = Eyes { now: state.now, me: Some(&picture.user), on_call: &on_call, calls };
    picture.labels.fits(query, picture.rows.iter().map(|row| &*row.incident), &eyes)
}

/// Returns the incidents of the picture that fit a query.
pub(crate) fn fit(state: &State, query: &Query) -> HashSet<IncidentId> {
    fitting(state, query, &called(state))
}

/// Returns the rows in the order they had; new ones stand before the first old row that they would precede.
fn frozen(state: &State, before: &[IncidentId], sorted: &[usize]) -> Vec<usize> {
    let rows = &state.picture.rows;
    let now_at: HashMap<IncidentId, usize> = sorted.iter().map(|index| (rows[*index].incident.id, *index)).collect();
    let old: Vec<usize> = before.iter().filter_map(|id| now_at.get(id).copied()).collect();
    let known: HashSet<usize> = old.iter().copied().collect();
    let mut new = sorted.iter().copied().filter(|index| !known.contains(index)).peekable();
    let mut order = Vec::with_capacity(sorted.len());
    for index in old {
        let place = rank(state, &rows[index]);
        while let Some(first) = new.next_if(|new| rank(state, &rows[*new]) < place) {
            order.push(first);
        }
        order.push(index);
    }
    order.extend(new);
    order
}

/// Selects another row when the selected one is gone, near where it stood; returns whether it did.
fn reselect(state: &mut State, position: Option<usize>) -> bool {
    if state.position().is_some() {
        return false;
    }
    let last = state.order.len().saturating_sub(1);
    let selected = state.id_at(position.unwrap_or(0).min(last));
    (state.detail_scroll, state.side_scroll) = (0, 0);
    std::mem::replace(&mut state.selected, selected) != selected
}

/// Remembers what came in above the screen, to say so.
fn note_fresh(state: &mut State, seen: &HashSet<IncidentId>) {
    let above: Vec<IncidentId> = (0..state.top).filter_map(|position| state.id_at(position)).collect();
    let known: HashSet<IncidentId> = state.fresh.iter().copied().collect();
    state.fresh = above.into_iter().filter(|id| known.contains(id) || !seen.contains(id)).collect();
}
