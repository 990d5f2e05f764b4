//! Several incidents at once: marks, previews, what came of them, and whole shifts.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::order;
use super::super::state::{Batch, BatchItem, Mode, Needs, Preview, PreviewItem, State, Submission};
use super::super::verb::{self, Scene};
use super::{act, attention, guard, sight};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life};
use crate::domain::op::Act;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::query::Query;
use crate::sync::foresight;
use crate::sync::picture::{Notice, Row};
use std::collections::HashSet;
use std::sync::Arc;

/// Most incidents that are acted on at once.
pub(super) const AT_ONCE_MAX: usize = 200;

/// Marks the incident under the cursor, or takes its mark away, and goes on to the next.
pub(super) fn toggle(state: &mut State) {
    if let Some(id) = state.selected
        && !state.marks.remove(&id)
    {
        state.marks.insert(id);
    }
}

/// Marks all that the filter shows and is not over.
pub(super) fn mark_all(state: &mut State, now: Timestamp) {
    let open = |row: &&Row| row.incident.life != Life::Resolved;
    let shown: Vec<&Row> = (0..state.order.len()).filter_map(|position| state.row_at(position)).filter(open).collect();
    if shown.len() > AT_ONCE_MAX {
        let text = format!("{} incidents; at most {AT_ONCE_MAX} are marked at once: filter them", shown.len());
        return state.tell(text, now);
    }
    state.marks = shown.into_iter().map(|row| row.incident.id).collect();
    state.tell(format!("{} marked", state.marks.len()), now);
}

/// Marks what fits a query and is not over, shown or not: what is done to it lists each first.
pub(super) fn mark_fitting(state: &mut State, words: &str, now: Timestamp) {
    let query = match Query::parse(words) {
        Ok(query) => query,
        Err(error) => return state.warn(format!("{words:?} is no query: {error}")),
    };
    let fits = order::fit(state, &query);
    let found: Vec<IncidentId> =
        state.unresolved().map(|row| row.incident.id).filter(|incident| fits.contains(incident)).collect();
    if found.len() > AT_ONCE_MAX {
        return state.warn(format!("{} fit; at most {AT_ONCE_MAX} are marked at once: ask for fewer", found.len()));
    }
    if found.is_empty() {
        return state.tell("nothing open fits: no mark was changed", now);
    }
    let hidden = found.iter().filter(|incident| !state.is_shown(**incident)).count();
    let hidden = if hidden > 0 { format!(", {hidden} of them not shown by the filter") } else { String::new() };
    state.range = None;
    state.marks = found.into_iter().collect();
    state.tell(format!("{} marked{hidden}", state.marks.len()), now);
}

/// Acknowledges what is marked, else what calls the person, else all that the filter shows and nobody has; lists it first.
pub(super) fn ack_all(state: &mut State, now: Timestamp) -> Vec<Effect> {
    if state.layout().tiny {
        return Vec::new();
    }
    let new = |row: &&Row| row.incident.life == Life::Triggered && row.waiting.is_empty();
    let targets: Vec<Arc<Incident>> = if !state.marks.is_empty() {
        state.targets()
    } else if attention::worst_call(state).is_none() {
        let shown = (0..state.order.len()).filter_map(|position| state.row_at(position));
        shown.filter(new).map(|row| row.incident.clone()).collect()
    } else {
        // Who is called answers by an ack, whoever has it.
        let called: HashSet<IncidentId> = attention::calls(state).map(|page| page.incident).collect();
        let unanswered = |row: &&Row| row.incident.life != Life::Resolved && row.waiting.is_empty();
        let rows = state.picture.rows.iter().filter(|row| called.contains(&row.incident.id));
        rows.filter(unanswered).map(|row| row.incident.clone()).collect()
    };
    if targets.is_empty() {
        state.tell("nothing here waits for an ack", now);
        return Vec::new();
    }
    let planned = targets.into_iter().map(|target| (target, Act::Ack)).collect();
    preview(state, Action::BulkAck, planned, now)
}

/// Says "still on it" for all that is the person's.
pub(super) fn still_on_it(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let mine: Vec<Submission> =
        mine(state).into_iter().take(AT_ONCE_MAX).map(|one| Submission::bind(&one, Act::Ack)).collect();
    match mine.as_slice() {
        [] => state.tell("nothing is yours", now),
        mine => state.tell(format!("still on it: {} ...", numbers(mine)), now),
    }
    mine.into_iter().map(act::ask).collect()
}

fn numbers(submissions: &[Submission]) -> String {
    let numbers: Vec<String> = submissions.iter().take(12).map(|one| one.number.to_string()).collect();
    let more = if submissions.len() > 12 { " ..." } else { "" };
    format!("{}{more}", numbers.join(" "))
}

/// Returns what is the person's by what the hub confirmed: at work, snoozed, waiting.
fn mine(state: &State) -> Vec<Arc<Incident>> {
    let me = &state.picture.user;
    let mut mine: Vec<Arc<Incident>> = state
        .unresolved()
        .map(|row| &row.incident)
        .filter(|one| one.life == Life::Acked && one.owner.as_ref() == Some(me))
        .cloned()
        .collect();
    mine.sort_by_key(|one| one.number);
    mine
}

/// Hands the whole shift over, or accepts all that is offered: two keys on each side.
pub(super) fn shift(state: &mut State, now: Timestamp) -> Vec<Effect> {
    if state.layout().tiny {
        return Vec::new();
    }
    let me = state.picture.user.clone();
    let offered: Vec<Arc<Incident>> = state
        .unresolved()
        .map(|row| &row.incident)
        .filter(|one| one.offer.as_ref().is_some_and(|offer| offer.to == me))
        .cloned()
        .collect();
    if !offered.is_empty() {
        let planned = offered.into_iter().filter_map(|one| {
            let offer = one.offer.as_ref()?.op;
            Some((one, Act::Accept { offer }))
        });
        let planned = planned.collect();
        return preview(state, Action::IncidentAccept, planned, now);
    }
    let mine = mine(state);
    if mine.is_empty() {
        state.tell("nothing is yours, and nothing is offered to you", now);
        return Vec::new();
    }
    match (Scene { state, now }).next_on_call() {
        Some(next) => act::said(state, Action::ShiftHandover, next.as_str(), mine, now),
        None => {
            act::entry(state, Action::ShiftHandover, mine, now);
            Vec::new()
        }
    }
}

/// Hands the whole shift to that person.
pub(crate) fn shift_to(state: &mut State, words: &str, now: Timestamp) -> Vec<Effect> {
    if guard::refuses(state, Action::ShiftHandover) {
        return Vec::new();
    }
    match mine(state) {
        mine if mine.is_empty() => {
            state.tell("nothing is yours", now);
            Vec::new()
        }
        mine => act::said(state, Action::ShiftHandover, words, mine, now),
    }
}

/// Lists what each would get.
pub(super) fn preview(
    state: &mut State,
    verb: Action,
    planned: Vec<(Arc<Incident>, Act)>,
    now: Timestamp,
) -> Vec<Effect> {
    if planned.len() > AT_ONCE_MAX {
        state.warn(format!("{} incidents; at most {AT_ONCE_MAX} at once: nothing was done", planned.len()));
        return Vec::new();
    }
    let picture = &state.picture;
    let would = |target: &Incident, act: &Act| {
        let waits = state.row_of(target.id).is_some_and(|row| !row.waiting.is_empty());
        let words = foresight::foretold(target, &picture.user, act, now, picture.known.paging.as_ref());
        let words = if waits { format!("{words}, after what waits") } else { words };
        SafeText::line(&words, 200)
    };
    let items: Vec<PreviewItem> = planned
        .into_iter()
        .map(|(target, act)| PreviewItem {
            would: would(&target, &act),
            submission: Submission::bind(&target, act),
            target,
        })
        .collect();
    // What was listed to be taken on or handed over is answered by one key; what quiets a choice of the person's own by its count.
    let by_key = matches!(verb, Action::ShiftHandover | Action::IncidentAccept)
        || (verb == Action::BulkAck && state.marks.is_empty() && attention::worst_call(state).is_some());
    let needs = if by_key { Needs::Yes } else { Needs::Count(Editor::default()) };
    let title = SafeText::line(&title(state, verb, &items, now), 200);
    state.mode = Mode::Preview(Preview { title, verb, items, needs, scroll: 0 });
    Vec::new()
}

/// Returns a count that nobody takes for the number of one.
fn incidents(count: usize) -> String {
    format!("{count} incident{}", if count == 1 { "" } else { "s" })
}

fn title(state: &State, verb: Action, items: &[PreviewItem], now: Timestamp) -> String {
    let count = items.len();
    match (verb, items.first().map(|item| &item.submission.act)) {
        (Action::ShiftHandover, Some(Act::Offer { to, expires_at })) => {
            let until = Scene { state, now }.told(*expires_at);
            format!("Hand {} over to {to}, who may accept until {until}; yours until then", incidents(count))
        }
        (Action::IncidentAccept, _) => format!("Accept {} offered to you", incidents(count)),
        (Action::BulkAck, _) => format!("ack {}", incidents(count)),
        _ => format!("{} {}", verb::word(verb), incidents(count)),
    }
}

/// Does what the open preview lists, where the typed count is right or the key was enough.
pub(super) fn confirm(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let Mode::Preview(preview) = &state.mode else { return Vec::new() };
    if let Needs::Count(editor) = &preview.needs
        && editor.text().trim() != preview.items.len().to_string()
    {
        return Vec::new();
    }
    let preview = preview.clone();
    let ids: Vec<IncidentId> = preview.items.iter().map(|item| item.submission.incident).collect();
    if act::refused_as_changed(state, ids.into_iter(), preview.verb, now) {
        // The list was about something else than it is now: it must be made anew.
        state.mode = Mode::Browse;
        state.warn("one of them changed just now: nothing was done, look and ask again");
        return Vec::new();
    }
    let items = preview.items.iter().map(|item| BatchItem {
        submission: item.submission.clone(),
        service: item.target.service.clone(),
        outcome: None,
        held: false,
        lost: None,
    });
    state.batch = Batch { title: preview.title.to_string(), items: items.collect() };
    state.latest = preview.items.last().map(|item| item.submission.clone());
    sight::unmark(state);
    state.mode = Mode::Results { scroll: 0 };
    preview.items.into_iter().map(|item| act::ask(item.submission)).collect()
}

/// Puts what the hub said beside the incident that it is about.
pub(super) fn note_outcome(state: &mut State, notice: &Notice) {
    let Some(answer) = &notice.answer else { return };
    let asked = |item: &&mut BatchItem| {
        item.outcome.is_none() && item.submission.incident == answer.incident && item.submission.act == answer.act
    };
    if let Some(item) = state.batch.items.iter_mut().find(asked) {
        item.outcome = Some((SafeText::line(&answer.verdict.sentence(), 200), answer.verdict.is_welcome()));
    }
}

/// Notes what was the person's by an act on several and is no longer: the list of results must not go on saying that it is.
pub(super) fn follow_results(state: &mut State) {
    let mut batch = std::mem::take(&mut state.batch);
    for item in batch.items.iter_mut().filter(|item| item.outcome.is_some()) {
        let Some(incident) = state.row_of(item.submission.incident).map(|row| &row.incident) else { continue };
        let mine = incident.life == Life::Acked && incident.owner.as_ref() == Some(&state.picture.user);
        if mine {
            (item.held, item.lost) = (true, None);
        } else if item.held && item.lost.is_none() {
            let who = match (&incident.owner, incident.life) {
                (_, Life::Resolved) => "it is resolved".to_owned(),
                (Some(owner), Life::Acked) => format!("no longer yours: {owner} has it"),
                _ => "no longer yours: nobody has it".to_owned(),
            };
            item.lost = Some(SafeText::line(&who, 200));
        }
    }
    state.batch = batch;
}

/// Forgets marks of what is not known any more.
pub(super) fn prune_marks(state: &mut State) {
    if !state.marks.is_empty() {
        let overview = &state.overview;
        state.marks.retain(|id| overview.place(*id).is_some());
    }
}
