//! A newer picture: what changed, who must be told, and what must not move.

use super::super::event::Effect;
use super::super::order;
use super::super::state::{State, Submission};
use super::{act, moving};
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::op::Act;
use crate::domain::time::Timestamp;
use crate::sync::picture::Picture;
use std::collections::HashMap;
use std::sync::Arc;

/// Takes a newer picture in.
pub(super) fn take(state: &mut State, picture: Arc<Picture>, now: Timestamp) -> Vec<Effect> {
    let before = order::shown_ids(state);
    note_changes(state, &picture, now);
    state.picture = picture;
    order::arrange(state, &before, now);
    tell_saved(state, now);
    tell_notices(state, now);
    moving::clamp_scroll(state);
    Vec::new()
}

/// What a person who acts must have seen: owner, severity, life, and that it fires anew.
fn weight(incident: &Incident) -> (u64, u64, u64) {
    (incident.rev, incident.claim_no, incident.fire_no)
}

fn note_changes(state: &mut State, newer: &Picture, now: Timestamp) {
    state.guard.changed.retain(|_, at| now < at.plus(act::LOCK_FOR));
    let old: HashMap<IncidentId, _> =
        state.picture.rows.iter().map(|row| (row.incident.id, weight(&row.incident))).collect();
    let differs = |incident: &Incident| old.get(&incident.id).is_some_and(|before| *before != weight(incident));
    let changed = newer.rows.iter().map(|row| &row.incident).filter(|incident| differs(incident));
    state.guard.changed.extend(changed.map(|incident| (incident.id, now)));
}

/// Says that an act is on disk once the picture shows it there, not when the key was pressed.
fn tell_saved(state: &mut State, now: Timestamp) {
    let Some(saving) = &state.saving else { return };
    let waits = state.picture.rows.iter().find(|row| row.incident.id == saving.incident);
    if !waits.is_some_and(|row| row.waiting.iter().any(|waiting| waiting.act == saving.act)) {
        return;
    }
    let Some(saved) = state.saving.take() else { return };
    let what = format!("{} {}", saved.act.kind(), saved.number);
    if state.is_live() {
        state.tell(format!("{what} saved here, waiting for the hub"), now);
    } else {
        state.warn(format!("{what} saved here only, NOT sent.{}", still(&saved)));
    }
}

fn still(saved: &Submission) -> &'static str {
    if saved.act == Act::Ack { " Escalation may still fire." } else { "" }
}

fn tell_notices(state: &mut State, now: Timestamp) {
    let picture = state.picture.clone();
    let newer = || picture.notices.iter().filter(|notice| notice.no > state.notice_seen);
    let Some(latest) = newer().next_back() else { return };
    let bad: Vec<_> = newer().filter(|notice| !notice.welcome).collect();
    state.notice_seen = latest.no;
    state.saving = None;
    match bad.as_slice() {
        // Bad news that nobody has read yet is not pushed away by good news.
        [] if state.toast.as_ref().is_some_and(|toast| toast.warn && !is_unsent(toast.text.as_str())) => {}
        [] => state.tell(&latest.text, now),
        [one] => state.warn(&one.text),
        [.., last] => state.warn(format!("{} (and {} more)", last.text, bad.len() - 1)),
    }
}

/// Returns whether the news was only that something waits: the hub's answer ends that.
fn is_unsent(text: &str) -> bool {
    text.contains("saved here only")
}
