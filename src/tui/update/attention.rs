//! What calls for attention: pages, letters and the local alarm. They ring and are shown; they never move the cursor or take a key.

use super::super::event::Effect;
use super::super::state::State;
use super::bell::{self, flag, ring};
use super::picture::is_unsent;
use crate::domain::id::IncidentId;
use crate::domain::incident::Life;
use crate::domain::paging::{Page, PageId};
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use crate::sync::picture::{Link, Picture};
use std::collections::HashSet;

/// Rings once for what is new in the picture. While the hub's word is not known to be whole, pages are gathered: after a catch-up one
/// bell is enough for all that came meanwhile.
pub(super) fn notice(state: &mut State, before: &Picture, now: Timestamp) -> Vec<Effect> {
    let picture = state.picture.clone();
    let mut rings = false;
    let calls: HashSet<PageId> = picture.calls.iter().map(|page| page.id).collect();
    let attention = &mut state.attention;
    attention.calls.retain(|id| calls.contains(id));
    attention.seen.retain(|id| calls.contains(id));
    if before.link == Link::Live && picture.link != Link::Live {
        attention.known = Some(open(before));
    }
    if picture.link == Link::Live {
        let new: Vec<PageId> =
            picture.calls.iter().map(|page| page.id).filter(|id| attention.calls.insert(*id)).collect();
        let pages = new.len();
        rings |= pages > 0;
        attention.news.extend(new);
        let known = attention.known.take();
        let opened = known.map_or(0, |known| open(&picture).difference(&known).count());
        let answered = before.unsent.saturating_sub(picture.unsent);
        if before.link != Link::Live && before.link != Link::Connecting {
            welcome(state, opened, pages, answered, now);
        }
    }
    let attention = &mut state.attention;
    let letters: HashSet<_> = picture.inbox.iter().map(|letter| letter.id).collect();
    attention.letters.retain(|id| letters.contains(id));
    rings |= letters.into_iter().filter(|id| attention.letters.insert(*id)).count() > 0;
    let alarms = picture.alarms.iter().map(|alarm| (alarm.incident, alarm.silent_since));
    let alarms: Vec<IncidentId> = alarms.filter(|alarm| attention.alarms.insert(*alarm)).map(|(id, _)| id).collect();
    rings |= !alarms.is_empty();
    attention.news_alarms.extend(alarms);
    if picture.link == Link::Live {
        // The outage is over: the next one rings anew.
        attention.alarms.clear();
    }
    bell::prune(state);
    let mut effects = if rings { ring(state, now) } else { Vec::new() };
    effects.extend(flag(state));
    effects
}

/// Says what came while the hub was away, after what it answered just now; bad news stays alone until it is read.
fn welcome(state: &mut State, opened: usize, pages: usize, answered: usize, now: Timestamp) {
    let told = state.toast.as_ref().filter(|toast| !is_unsent(toast.text.as_str()));
    if told.is_some_and(|toast| toast.warn) {
        return;
    }
    // One answer has said itself.
    let answered = if told.is_some() && answered == 1 { 0 } else { answered };
    if opened + pages + answered == 0 {
        return;
    }
    let first = told.map_or(String::new(), |toast| format!("{}; ", toast.text.as_str()));
    let pages = format!("{pages} page{}", if pages == 1 { "" } else { "s" });
    let answered = match answered {
        0 => String::new(),
        count => format!(", {count} of yours answered (:history says how)"),
    };
    state.tell(format!("{first}{opened} new while away, {pages}{answered}"), now);
}

/// Returns the incidents of a picture that are not over.
fn open(picture: &Picture) -> HashSet<IncidentId> {
    let rows = picture.rows.iter().map(|row| &row.incident);
    rows.filter(|one| one.life != Life::Resolved).map(|one| one.id).collect()
}

/// Returns the pages that the banner speaks of. Offers stand there in words of their own.
pub(crate) fn calls(state: &State) -> impl Iterator<Item = &Page> {
    state.overview.calls.iter().map(|at| &*state.picture.calls[*at])
}

/// Returns the worst page that calls the person and that they have not answered here yet, else the worst at all.
pub(crate) fn worst_call(state: &State) -> Option<&Page> {
    state.overview.worst_call.map(|at| &*state.picture.calls[at])
}

/// Returns what calls the person, the worst first, what they have answered last.
pub(super) fn worst_first(state: &State) -> Vec<&Page> {
    let mut pages: Vec<&Page> = calls(state).collect();
    pages.sort_by_cached_key(|page| state.overview.rank(&state.picture, page));
    pages
}

/// Tells, at a key, what was before the person's eyes: claims that are theirs, and pages. Each once.
pub(super) fn present(state: &mut State) -> Option<Effect> {
    if state.layout().tiny || state.readonly || state.guard.locked {
        return None;
    }
    let rows = if state.covers_panes() { 0 } else { state.list_rows() };
    let visible: HashSet<IncidentId> =
        (state.top..state.top + rows).filter_map(|position| state.id_at(position)).collect();
    let named = worst_call(state).map(|page| page.incident);
    let picture = state.picture.clone();
    let attention = &mut state.attention;
    let shown = |id: &IncidentId| visible.contains(id) || named == Some(*id);
    let unseen = state.overview.mine_unseen().iter();
    let claims: Vec<(IncidentId, u64)> = unseen
        .map(|at| &picture.rows[*at].incident)
        .filter(|one| shown(&one.id) || attention.told.contains(&one.id))
        .filter(|one| attention.presented.insert((one.id, one.claim_no, one.loud_rev)))
        .map(|one| (one.id, one.claim_no))
        .collect();
    let calls: Vec<PageId> = picture
        .calls
        .iter()
        .filter(|page| shown(&page.incident) && attention.seen.insert(page.id))
        .map(|page| page.id)
        .collect();
    (!claims.is_empty() || !calls.is_empty()).then_some(Effect::Ask(Ask::Present { claims, calls }))
}

/// Forgets what was presented of incidents that are not known any more.
pub(super) fn prune(state: &mut State) {
    let mine: HashSet<IncidentId> = state
        .picture
        .rows
        .iter()
        .filter(|row| row.incident.owner.as_ref() == Some(&state.picture.user))
        .map(|row| row.incident.id)
        .collect();
    state.attention.presented.retain(|(id, ..)| mine.contains(id));
    let overview = &state.overview;
    state.attention.told.retain(|id| overview.place(*id).is_some());
}
