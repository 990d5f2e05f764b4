//! A newer picture: what changed, who must be told, and what must not move.

use super::super::event::Effect;
use super::super::order;
use super::super::state::{State, Submission};
use super::{act, attention, bulk, inbox, moving, read};
use crate::domain::incident::Incident;
use crate::domain::op::Act;
use crate::domain::time::Timestamp;
use crate::sync::foresight;
use crate::sync::picture::{Notice, Picture};
use std::sync::Arc;

/// Takes a newer picture in.
pub(super) fn take(state: &mut State, picture: Arc<Picture>, now: Timestamp) -> Vec<Effect> {
    // Most pictures differ in a detail alone: then nothing can have moved, unless a filter looks at what did change.
    let looked_at = |a: &Picture, b: &Picture| a.calls == b.calls && a.alarms == b.alarms && a.labels == b.labels;
    let sifts = !state.filter.is_all() && !looked_at(&state.picture, &picture);
    let old = if Arc::ptr_eq(&state.picture.rows, &picture.rows) && !sifts {
        state.show(picture)
    } else {
        let before = order::shown_ids(state);
        note_changes(state, &picture, now);
        let old = state.show(picture);
        order::arrange(state, &before, now);
        bulk::prune_marks(state);
        attention::prune(state);
        learn(state);
        old
    };
    inbox::keep(state);
    tell_saved(state, now);
    tell_notices(state, now);
    bulk::follow_results(state);
    read::follow(state);
    moving::clamp_scroll(state);
    attention::notice(state, &old, now)
}

/// Learns which operations the acts of this screen became.
fn learn(state: &mut State) {
    let mut past = std::mem::take(&mut state.past);
    past.learn(|incident| state.row_of(incident));
    state.past = past;
}

/// What a person who acts must have seen: owner, severity, life, and that it fires anew.
fn weight(incident: &Incident) -> (u64, u64, u64) {
    (incident.rev, incident.claim_no, incident.fire_no)
}

fn note_changes(state: &mut State, newer: &Picture, now: Timestamp) {
    state.guard.changed.retain(|_, at| now < at.plus(act::LOCK_FOR));
    let old = |incident: &Incident| state.row_of(incident.id).map(|row| weight(&row.incident));
    let differs = |incident: &Incident| old(incident).is_some_and(|before| before != weight(incident));
    let changed = newer.rows.iter().map(|row| &row.incident).filter(|incident| differs(incident));
    let changed: Vec<_> = changed.map(|incident| (incident.id, now)).collect();
    state.guard.changed.extend(changed);
}

/// Says that an act is on disk once the picture shows it there, not when the key was pressed.
fn tell_saved(state: &mut State, now: Timestamp) {
    let Some(saving) = &state.saving else { return };
    let waits = state.row_of(saving.incident);
    if !waits.is_some_and(|row| row.waiting.iter().any(|waiting| waiting.act == saving.act)) {
        return;
    }
    let Some(saved) = state.saving.take() else { return };
    let what = format!("{} {}", saved.act.kind(), saved.number);
    if state.is_live() {
        state.tell(format!("{what} saved here, waiting for the hub"), now);
    } else {
        let still = still(state, &saved);
        state.warn(format!("{what} saved here only, NOT sent.{still}"));
    }
}

/// Says what goes on as long as what quiets is not confirmed.
fn still(state: &State, saved: &Submission) -> String {
    let quiets = matches!(
        saved.act,
        Act::Ack | Act::TakeOver | Act::Accept { .. } | Act::Snooze { .. } | Act::Wait { .. } | Act::Resolve { .. }
    );
    let call = state.row_of(saved.incident).and_then(|row| foresight::next_call(&row.incident));
    match call.filter(|_| quiets) {
        Some(call) => format!(" {}{} may still fire.", call[..1].to_uppercase(), &call[1..]),
        None => String::new(),
    }
}

fn tell_notices(state: &mut State, now: Timestamp) {
    let picture = state.picture.clone();
    let seen = state.notice_seen;
    let newer = || picture.notices.iter().filter(|notice| notice.no > seen);
    let Some(latest) = newer().next_back() else { return };
    let bad: Vec<_> = newer().filter(|notice| !notice.welcome).collect();
    newer().for_each(|notice| bulk::note_outcome(state, notice));
    newer().filter_map(|notice| notice.answer.as_ref()).for_each(|answer| state.past.hear(answer));
    let gained = newer().filter_map(|notice| notice.answer.as_ref()).filter(|answer| answer.verdict.is_won());
    state.attention.told.extend(gained.map(|answer| answer.incident));
    state.notice_seen = latest.no;
    state.saving = None;
    match bad.as_slice() {
        // Bad news that nobody has read yet is not pushed away by good news.
        [] if state.toast.as_ref().is_some_and(|toast| toast.warn && !is_unsent(toast.text.as_str())) => {}
        [] => state.tell(known_by_a_key(latest), now),
        [one] => state.warn(&one.text),
        [.., last] => state.warn(format!("{} (and {} more)", last.text, bad.len() - 1)),
    }
}

/// Returns the text of a notice; of a claim, what its owner must still do: without a key the hub takes nobody to sit here, and calls on.
fn known_by_a_key(notice: &Notice) -> String {
    let won = notice.answer.as_ref().is_some_and(|answer| answer.verdict.is_won());
    if won { format!("{}; press any key to show you saw it", notice.text) } else { notice.text.to_string() }
}

/// Returns whether the news was only that something waits: the hub's answer ends that.
pub(super) fn is_unsent(text: &str) -> bool {
    text.contains("saved here only")
}
