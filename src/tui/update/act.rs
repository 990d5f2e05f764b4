//! What people do about an incident, and the guards before it.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::state::{Confirm, Deed, Mode, State, Submission};
use crate::domain::incident::{Incident, Life};
use crate::domain::op::{Act, Basis};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use crate::sync::picture::Row;
use std::time::Duration;

/// How long after a change under the cursor a verb is refused: a person's eye and finger need that long (UX 4.6).
pub(super) const LOCK_FOR: Duration = Duration::from_millis(700);
/// Within which the same verb counts once: a held key repeats about every 30 ms.
const REPEAT_FOR: Duration = Duration::from_millis(250);

/// Begins a verb on the incident under the cursor: at once, by a prompt or by a question.
pub(super) fn begin(state: &mut State, action: Action, now: Timestamp) -> Vec<Effect> {
    if is_repeat(state, action, now) {
        return Vec::new();
    }
    if state.layout().tiny {
        // What cannot be seen cannot be meant.
        return Vec::new();
    }
    let Some(row) = state.row().cloned() else {
        state.tell("no incident is selected", now);
        return Vec::new();
    };
    let number = row.incident.number;
    // A note quiets nothing, and its prompt says what it is on.
    let changed = state.guard.changed.get(&row.incident.id).is_some_and(|at| now < at.plus(LOCK_FOR));
    if changed && action != Action::IncidentNote {
        state.guard.last_verb = None;
        state.warn(format!("{number} changed just now, press {} again", pressed(state, action)));
        return Vec::new();
    }
    start(state, action, &row, now)
}

fn start(state: &mut State, action: Action, row: &Row, now: Timestamp) -> Vec<Effect> {
    let bound = |act| bind(&row.incident, act);
    match action {
        Action::IncidentNote => note(state, &row.incident),
        Action::IncidentResolve => state.mode = Mode::Confirm(resolve(&row.incident)),
        Action::IncidentUnack => return submit(state, bound(Act::Unack), now),
        _ if row.waiting.iter().any(|waiting| waiting.act == Act::Ack) => {
            state.tell(format!("ack {} already waits for the hub", row.incident.number), now);
        }
        _ => match anothers(state, &row.incident) {
            Some(confirm) => state.mode = Mode::Confirm(confirm),
            None => return submit(state, bound(Act::Ack), now),
        },
    }
    Vec::new()
}

/// Hands an act to the mirror. Whether it is saved is told when the picture shows it.
pub(super) fn submit(state: &mut State, submission: Submission, now: Timestamp) -> Vec<Effect> {
    state.tell(format!("{} {} ...", submission.act.kind(), submission.number), now);
    let Submission { incident, basis, act, .. } = submission.clone();
    state.saving = Some(submission);
    vec![Effect::Ask(Ask::Submit { incident, basis, act })]
}

/// Returns an act bound to what stands on the screen now.
fn bind(incident: &Incident, act: Act) -> Submission {
    Submission { incident: incident.id, number: incident.number, basis: basis(incident), act }
}

fn basis(incident: &Incident) -> Basis {
    Basis { rev: incident.rev, claim_no: incident.claim_no }
}

fn is_repeat(state: &mut State, action: Action, now: Timestamp) -> bool {
    let repeat = state.guard.last_verb.is_some_and(|(last, at)| last == action && now < at.plus(REPEAT_FOR));
    state.guard.last_verb = Some((action, now));
    repeat
}

fn pressed(state: &State, action: Action) -> String {
    let keys = state.keymap.keys_of(action, state.contexts());
    keys.first().map_or_else(|| "it".to_owned(), |binding| binding.label())
}

fn note(state: &mut State, incident: &Incident) {
    let draft = state.drafts.get(&incident.id).cloned().unwrap_or_default();
    let (id, number, basis) = (incident.id, incident.number, basis(incident));
    state.mode = Mode::Note { incident: id, number, basis, editor: Editor::new(draft) };
}

/// Returns the question before a resolve. The hub judges; with firing series force is offered, for the hub will refuse without.
fn resolve(incident: &Incident) -> Confirm {
    // The keys stand before the service: on a narrow screen the end is cut.
    let (number, service) = (incident.number, &incident.service);
    let firing = incident.tally.lasting();
    let question = match firing {
        0 => format!("Resolve {number}? y resolves, Esc leaves it ({service})"),
        _ => format!(
            "Resolve {number}? {firing} fire: f forces, Esc leaves it ({service}; y asks the hub, which refuses while they fire)"
        ),
    };
    Confirm {
        question: SafeText::line(&question, 300),
        yes: Deed::Submit(bind(incident, Act::Resolve { force: false })),
        force: (firing > 0).then(|| Deed::Submit(bind(incident, Act::Resolve { force: true }))),
    }
}

/// Returns the question before acking what somebody else already has.
fn anothers(state: &State, incident: &Incident) -> Option<Confirm> {
    let owner = incident.owner.as_ref().filter(|owner| **owner != state.picture.user)?;
    if incident.life != Life::Acked {
        return None;
    }
    let question = format!("{owner} has {}; y joins, Esc leaves it ({})", incident.number, incident.service);
    Some(Confirm { question: SafeText::line(&question, 300), yes: Deed::Submit(bind(incident, Act::Ack)), force: None })
}
