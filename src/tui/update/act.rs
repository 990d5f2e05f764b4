//! What people do about an incident, and the guards before it.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::state::{Choice, Confirm, Deed, Gist, Mode, State, Submission};
use super::super::verb::{self, Scene};
use super::{bulk, hands, inbox, reader};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life};
use crate::domain::op::Act;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use crate::sync::foresight;
use crate::sync::picture::Row;
use std::sync::Arc;
use std::time::Duration;

/// How long after a change under the cursor a verb is refused: a person's eye and finger need that long (UX 4.6).
pub(super) const LOCK_FOR: Duration = Duration::from_millis(700);
/// Within which the same verb counts once: a held key repeats about every 30 ms.
const REPEAT_FOR: Duration = Duration::from_millis(250);
/// Persons that a menu offers; any other can be typed.
const PERSONS_MAX: usize = 8;

/// Begins a verb on what is marked, else on the incident under the cursor: at once, by a menu, a prompt or a question.
pub(super) fn begin(state: &mut State, verb: Action, now: Timestamp) -> Vec<Effect> {
    if is_repeat(state, verb, now) {
        return Vec::new();
    }
    if state.layout().tiny {
        // What cannot be seen cannot be meant.
        return Vec::new();
    }
    if let Mode::Inbox { .. } = state.mode {
        return inbox::answer(state, verb, now);
    }
    if verb == Action::IncidentStill {
        return bulk::still_on_it(state, now);
    }
    let targets = state.targets();
    if targets.is_empty() {
        state.tell("no incident is selected", now);
        return Vec::new();
    }
    if targets.iter().all(|one| one.life == Life::Resolved)
        && !matches!(verb, Action::IncidentNote | Action::IncidentReopen)
    {
        let what = if targets.len() == 1 { format!("{} is", targets[0].number) } else { "they are".to_owned() };
        state.tell(format!("{what} resolved: only a note or a reopening is left"), now);
        return Vec::new();
    }
    // A note quiets nothing, and its prompt says what it is on.
    if verb != Action::IncidentNote && refused_as_changed(state, ids(&targets), verb, now) {
        return Vec::new();
    }
    start(state, verb, targets, now)
}

/// Returns whether one of them changed within the last moments, and says so: no key can be meant for what it is now.
pub(super) fn refused_as_changed(
    state: &mut State,
    mut incidents: impl Iterator<Item = IncidentId>,
    verb: Action,
    now: Timestamp,
) -> bool {
    let changed = |id: &IncidentId| state.guard.changed.get(id).is_some_and(|at| now < at.plus(LOCK_FOR));
    let Some(id) = incidents.find(changed) else { return false };
    let number = state.row_of(id).map_or(String::new(), |row| row.incident.number.to_string());
    state.guard.last_verb = None;
    state.warn(format!("{number} changed just now, press {} again", pressed(state, verb)));
    true
}

/// Returns whose incidents these are.
pub(super) fn ids(targets: &[Arc<Incident>]) -> impl Iterator<Item = IncidentId> + use<'_> {
    targets.iter().map(|incident| incident.id)
}

/// Asks for what the verb still needs, or does it.
pub(super) fn start(state: &mut State, verb: Action, targets: Vec<Arc<Incident>>, now: Timestamp) -> Vec<Effect> {
    match verb {
        Action::IncidentSnooze | Action::IncidentEscalate => {
            let choices = choices(state, verb, &targets, now);
            state.mode = Mode::Menu { verb, targets, choices };
        }
        Action::IncidentNote
        | Action::IncidentWait
        | Action::IncidentOffer
        | Action::IncidentAssign
        | Action::IncidentSeverity
        | Action::IncidentMerge
        | Action::IncidentSplit => entry(state, verb, targets, now),
        _ => return said(state, verb, "", targets, now),
    }
    Vec::new()
}

/// Opens a prompt for the words of a verb.
pub(super) fn entry(state: &mut State, verb: Action, targets: Vec<Arc<Incident>>, now: Timestamp) {
    let draft = match targets.as_slice() {
        [one] if verb == Action::IncidentNote => state.drafts.get(&one.id).cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let says = gist(state, verb, &draft, &targets, now);
    state.mode = Mode::Entry { verb, targets, editor: Editor::new(draft), says };
}

/// Returns what the words would come to.
pub(super) fn gist(state: &State, verb: Action, words: &str, targets: &[Arc<Incident>], now: Timestamp) -> Gist {
    let safe = |text: String| SafeText::line(&text, 300);
    if verb == Action::RunbookRemark {
        return reader::remark_of(state, words).map(|_| SafeText::from_static("kept with this text, for its owner"));
    }
    Scene { state, now }.gist(verb, words.trim(), targets).map(safe).map_err(safe)
}

fn choices(state: &State, verb: Action, targets: &[Arc<Incident>], now: Timestamp) -> Vec<Choice> {
    let scene = Scene { state, now };
    let choice = |words: &str, label: String| Choice { words: words.to_owned(), label: SafeText::line(&label, 200) };
    let mut choices = Vec::new();
    if verb == Action::IncidentSnooze {
        let mut put = |words: &str, name: &str| {
            if let Ok(gist) = scene.gist(verb, words, targets) {
                choices.push(choice(words, format!("{name:<20} {gist}")));
            }
        };
        [("15m", "15 minutes"), ("1h", "1 hour"), ("4h", "4 hours"), ("change", "until it changes")]
            .into_iter()
            .chain(scene.shift_end().map(|_| ("shift", "until my shift ends")))
            .for_each(|(words, name)| put(words, name));
        return choices;
    }
    let Some(first) = targets.first() else { return choices };
    choices.push(choice("", scene.level_called(first).replacen("calls", "the next level,", 1)));
    let me = &state.picture.user;
    let people = state.picture.known.people.iter().filter(|person| *person != me).take(PERSONS_MAX);
    choices.extend(people.map(|person| choice(person.as_str(), person.to_string())));
    choices
}

/// Takes a choice of the open menu.
pub(super) fn choose(state: &mut State, index: usize, now: Timestamp) -> Vec<Effect> {
    let Mode::Menu { verb, targets, choices } = &state.mode else { return Vec::new() };
    match verb {
        Action::LinkOpen => return hands::chosen(state, index, now),
        Action::RunbookTick => return reader::tick(state, index, now),
        _ => {}
    }
    let (verb, targets) = (*verb, targets.clone());
    let Some(choice) = choices.get(index).cloned() else { return Vec::new() };
    state.mode = Mode::Browse;
    if refused_as_changed(state, ids(&targets), verb, now) {
        return Vec::new();
    }
    said(state, verb, &choice.words, targets, now)
}

/// Opens a prompt instead of the open menu or preview.
pub(super) fn choose_other(state: &mut State, now: Timestamp) {
    match std::mem::replace(&mut state.mode, Mode::Browse) {
        Mode::Menu { verb, targets, .. } if !matches!(verb, Action::LinkOpen | Action::RunbookTick) => {
            entry(state, verb, targets, now)
        }
        Mode::Preview(preview) if preview.verb == Action::ShiftHandover => {
            let targets = preview.items.into_iter().map(|item| item.target).collect();
            entry(state, Action::ShiftHandover, targets, now);
        }
        other => state.mode = other,
    }
}

/// Does what the words say to the targets as they were when the prompt opened: one at once or by a question, several by a preview.
pub(super) fn said(
    state: &mut State,
    verb: Action,
    words: &str,
    targets: Vec<Arc<Incident>>,
    now: Timestamp,
) -> Vec<Effect> {
    if verb == Action::RunbookRemark {
        return reader::remark(state, words, now);
    }
    let scene = Scene { state, now };
    let acts: Result<Vec<Act>, String> = targets.iter().map(|target| scene.act(verb, words, target)).collect();
    match acts {
        Err(error) => {
            state.warn(format!("{}: {error}; nothing was done", verb::word(verb)));
            Vec::new()
        }
        Ok(acts) => {
            let planned: Vec<(Arc<Incident>, Act)> = targets.into_iter().zip(acts).collect();
            match <[_; 1]>::try_from(planned) {
                Ok([(target, act)]) if verb != Action::ShiftHandover => one(state, &target, act, now),
                Ok(planned) => bulk::preview(state, verb, planned.into(), now),
                Err(planned) => bulk::preview(state, verb, planned, now),
            }
        }
    }
}

/// Does one act, or asks first.
pub(super) fn one(state: &mut State, target: &Incident, act: Act, now: Timestamp) -> Vec<Effect> {
    let stands = |row: &Row| {
        let since_undo = row.waiting.iter().rev().take_while(|waiting| !matches!(waiting.act, Act::Undo { .. }));
        since_undo.into_iter().any(|waiting| waiting.act == Act::Ack)
    };
    let repeated = act == Act::Ack && state.row_of(target.id).is_some_and(stands);
    if repeated {
        state.tell(format!("ack {} already waits for the hub", target.number), now);
        return Vec::new();
    }
    match question(state, target, &act, now) {
        Some(confirm) => {
            state.mode = Mode::Confirm(confirm);
            Vec::new()
        }
        None => submit(state, Submission::bind(target, act), now),
    }
}

/// Hands an act to the mirror. Whether it is saved is told when the picture shows it.
pub(super) fn submit(state: &mut State, submission: Submission, now: Timestamp) -> Vec<Effect> {
    state.tell(format!("{} {} ...", submission.act.kind(), submission.number), now);
    state.saving = Some(submission.clone());
    state.latest = Some(submission.clone());
    vec![ask(submission)]
}

/// Returns the asking of the mirror.
pub(super) fn ask(submission: Submission) -> Effect {
    let Submission { incident, basis, act, .. } = submission;
    Effect::Ask(Ask::Submit { incident, basis, act })
}

pub(super) fn is_repeat(state: &mut State, action: Action, now: Timestamp) -> bool {
    let repeat = state.guard.last_verb.is_some_and(|(last, at)| last == action && now < at.plus(REPEAT_FOR));
    state.guard.last_verb = Some((action, now));
    repeat
}

fn pressed(state: &State, action: Action) -> String {
    let keys = state.keymap.keys_of(action, state.contexts());
    keys.first().map_or_else(|| "it".to_owned(), |binding| binding.label())
}

/// Returns the question before an act that reaches others, or takes from somebody what is theirs. The keys stand before the rest: on a
/// narrow screen the end is cut.
fn question(state: &State, target: &Incident, act: &Act, now: Timestamp) -> Option<Confirm> {
    let scene = Scene { state, now };
    let (number, service) = (target.number, &target.service);
    let owner = target.owner.as_ref().filter(|owner| **owner != state.picture.user && target.life == Life::Acked);
    let text = match act {
        Act::Resolve { force } => return Some(resolve(target, *force)),
        Act::Ack => format!("{} has {number}; y joins, Esc leaves it ({service})", owner?),
        Act::TakeOver => format!("Take {number} from {0}? y takes it, and {0} is told ({service})", owner?),
        Act::Unack => format!("Give {number} back? y calls people at once: {}", called_by_release(state, target, now)?),
        Act::Escalate { to: None, .. } => format!("Escalate {number}? y {}, for good", scene.level_called(target)),
        Act::Escalate { to: Some(person), .. } => format!("Escalate {number}? y calls {person}, for good ({service})"),
        Act::Offer { to, expires_at } => {
            format!("Offer {number} to {to}? y asks until {}; yours until then", scene.told(*expires_at))
        }
        Act::Assign { to } => format!("Ask {to} to take {number}? y calls {to} ({service})"),
        Act::SetSeverity { to } => {
            let from = target.severity.map_or("unexamined".to_owned(), |severity| severity.to_string());
            let raises = target.severity.is_some_and(|from| to.is_worse_than(from));
            let calls = if raises { " and calls people again" } else { "" };
            format!("Severity of {number} from {from} to {to}? y sets it{calls}")
        }
        Act::Merge { into } => {
            let into = state.row_of(*into).map(|row| &row.incident);
            let name = into.map_or("another".to_owned(), |into| into.number.to_string());
            let quiet = into.and_then(|into| quiet_after_merge(&scene, into)).unwrap_or_default();
            format!("Merge {number} into {name}? y moves its {} series{quiet}", target.tally.total())
        }
        Act::Split { series } => {
            format!("Split {number}? y makes {} of {} series their own incident", series.len(), target.tally.total())
        }
        Act::Reopen => format!("Reopen {number}? y opens it, and people are called ({service})"),
        _ => return None,
    };
    Some(Confirm { notes: notes(target, act), ..asked(&text, Deed::Submit(Submission::bind(target, act.clone()))) })
}

/// Returns why nobody is called for what goes into this incident, where that is so.
fn quiet_after_merge(scene: &Scene<'_>, into: &Incident) -> Option<String> {
    let owner = into.owner.as_ref().filter(|_| into.life == Life::Acked)?;
    Some(match &into.hold {
        Some(hold) => format!(", quiet until {} by {owner}", scene.told(hold.until)),
        None => format!("; {owner} has it, nobody is called"),
    })
}

/// Returns a question with this answer.
pub(super) fn asked(question: &str, yes: Deed) -> Confirm {
    Confirm { question: SafeText::line(question, 300), notes: Vec::new(), yes, force: None }
}

/// Returns what must be known before answering: calls go on until the hub has confirmed what quiets.
fn notes(target: &Incident, act: &Act) -> Vec<SafeText> {
    let quiets = matches!(act, Act::Ack | Act::TakeOver | Act::Resolve { .. } | Act::Merge { .. });
    let threat = verb::threat(target).filter(|_| quiets);
    threat.iter().map(|text| SafeText::line(text, 300)).collect()
}

/// Returns who is called when it is given back, where that is at once.
fn called_by_release(state: &State, target: &Incident, now: Timestamp) -> Option<String> {
    let picture = &state.picture;
    let mine = target.owner.as_ref() == Some(&picture.user) && target.life == Life::Acked;
    let (_, then) = foresight::predict(target, &picture.user, Act::Unack, now, picture.known.paging.as_ref());
    let call = foresight::next_call(&then)?;
    (mine && then.step_due_at <= now).then_some(call)
}

/// Returns the question before a resolve. The hub judges; with firing series force is offered, for the hub will refuse without.
fn resolve(incident: &Incident, forced: bool) -> Confirm {
    let (number, service) = (incident.number, &incident.service);
    let firing = incident.tally.lasting();
    let deed = |force| Deed::Submit(Submission::bind(incident, Act::Resolve { force }));
    let question = match firing {
        _ if forced => format!("Resolve {number} by force? y dismisses {firing} that fire, Esc leaves it ({service})"),
        0 => format!("Resolve {number}? y resolves, Esc leaves it ({service})"),
        _ => format!("Resolve {number}? {firing} fire: f forces, Esc leaves it; y only asks the hub ({service})"),
    };
    Confirm {
        notes: notes(incident, &Act::Resolve { force: forced }),
        force: (firing > 0 && !forced).then(|| deed(true)),
        ..asked(&question, deed(forced))
    }
}
