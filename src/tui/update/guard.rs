//! Guards before every key: a text is not a hand, the first verb after a long pause is not yet meant, a read-only screen acts on nothing.
//!
//! A terminal without bracketed paste hands a text over as keys. Its keys come less than a millisecond apart, a hand's thirty at the
//! least. So a key that does more than look waits for [`BURST`]: a text that begins with a verb is dropped before anything was done.

use super::super::action::{Action, Group};
use super::super::event::Effect;
use super::super::key::KeyPress;
use super::super::keymap::{Context, Found};
use super::super::state::{Confirm, Deed, Held, Mode, Needs, Preview, State};
use super::super::tier::Tier;
use super::super::verb;
use super::{act, perform};
use crate::domain::id::IncidentId;
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use std::time::Duration;

/// Two keys closer than this are no hand's. A held key repeats every 16 ms at the fastest.
pub(crate) const BURST: Duration = Duration::from_millis(15);
/// So many letters that mean nothing here, within this, are typing (UX 4.6).
const STRAYS: usize = 3;
const STRAYS_WITHIN: Duration = Duration::from_millis(150);
/// How long the question of the first verb after a pause stands.
const ASKS_FOR: Duration = Duration::from_secs(3);
/// Nobody has read a question sooner than this after it came up: the letters of "day" do not answer one.
const READ_IN: Duration = Duration::from_millis(200);

/// What becomes of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is meant.
    Meant,
    /// It is swallowed.
    Swallowed,
}

/// Returns whether the key may go on, before it is known what it does.
pub(super) fn judge(state: &mut State, key: KeyPress, found: &Found, now: Timestamp) -> Judged {
    if state.guard.scripted {
        return Judged::Meant;
    }
    let actions: &[Action] = if let Found::Actions(actions) = found { actions } else { &[] };
    let in_prompt = state.contexts() == [Context::Prompt];
    let editing = in_prompt && *found != Found::Nothing && !actions.contains(&Action::PromptAccept);
    if editing || (!actions.is_empty() && actions.iter().all(|action| action.group() == Group::Move)) {
        // A stalled line delivers held moves, and the verb behind them, in one go: that verb is meant.
        return Judged::Meant;
    }
    let before = state.guard.stroke.replace((key, now));
    let hurried = before.filter(|(_, at)| now < at.plus(BURST));
    match hurried {
        _ if in_prompt => judge_text(state, actions, hurried.is_some()),
        Some((last, _)) if last == key => repeated(state, actions),
        Some(_) if state.pending.len() > 1 && *found != Found::Nothing => Judged::Meant,
        Some(_) => typing(state),
        None if state.guard.locked => unlock(state, actions),
        None => strays(state, key, found, now),
    }
}

/// Judges a key of a line being typed: text may come as fast as it likes, but the end of a line that comes with it was not pressed.
fn judge_text(state: &mut State, actions: &[Action], hurried: bool) -> Judged {
    let accepts = actions.contains(&Action::PromptAccept);
    let dropped = hurried && state.guard.held.take().is_some();
    state.guard.again = (accepts && hurried) || dropped;
    if accepts && hurried { Judged::Swallowed } else { Judged::Meant }
}

/// Judges a key that came again at once: what a held key sends counts once.
fn repeated(state: &State, actions: &[Action]) -> Judged {
    let counts_once = actions.iter().any(|action| action.waits_for_a_hand() && *action != Action::MarkToggle);
    if counts_once || state.guard.locked { Judged::Swallowed } else { Judged::Meant }
}

/// Drops what was begun, and locks the verbs.
fn typing(state: &mut State) -> Judged {
    state.guard.held = None;
    state.guard.locked = true;
    state.pending.clear();
    if matches!(state.mode, Mode::Confirm(_) | Mode::Menu { .. } | Mode::Preview(Preview { needs: Needs::Yes, .. })) {
        state.mode = Mode::Browse;
    }
    state.warn("that looked like typing: nothing was done; Esc unlocks the verbs");
    Judged::Swallowed
}

fn unlock(state: &mut State, actions: &[Action]) -> Judged {
    if actions.iter().any(|action| matches!(action, Action::ViewBack | Action::PromptCancel)) {
        state.guard.locked = false;
        state.guard.strays.clear();
        state.toast = None;
        return Judged::Swallowed;
    }
    if actions.contains(&Action::AppInterrupt) {
        // No text has it: whoever leaves by it must be able to answer what is asked then.
        state.guard.locked = false;
        return Judged::Meant;
    }
    if actions.iter().any(|action| action.waits_for_a_hand()) {
        state.warn("the verbs are locked, for that looked like typing: Esc unlocks them");
        return Judged::Swallowed;
    }
    Judged::Meant
}

fn strays(state: &mut State, key: KeyPress, found: &Found, now: Timestamp) -> Judged {
    let strays = &mut state.guard.strays;
    strays.retain(|at| now < at.plus(STRAYS_WITHIN));
    if *found == Found::Nothing && key.text().is_some() {
        strays.push(now);
        if strays.len() >= STRAYS {
            return typing(state);
        }
    }
    Judged::Meant
}

/// Does what a key says, or keeps it until it is sure that no text follows.
pub(super) fn admit(state: &mut State, key: KeyPress, actions: Vec<Action>, now: Timestamp) -> Vec<Effect> {
    // Moves behind a verb that waits neither do it nor drop it.
    let moves = actions.iter().all(|action| action.group() == Group::Move);
    let mut effects = if moves { Vec::new() } else { release(state, now, true) };
    let held = Held { key, actions, selected: state.selected, at: now };
    if state.guard.scripted || !held.actions.iter().any(|action| action.waits_for_a_hand()) {
        effects.extend(run(state, held));
        return effects;
    }
    if let Some(verb) = held.actions.iter().find(|action| action.tier() == Tier::Own) {
        state.tell(format!("{} ...", verb.short()), now);
    }
    state.guard.held = Some(held);
    effects
}

/// Does what waited: when its time has come, or at once where another key follows that a hand may have pressed.
pub(super) fn release(state: &mut State, now: Timestamp, followed: bool) -> Vec<Effect> {
    match state.guard.held.take_if(|held| followed || held.at.plus(BURST) <= now) {
        Some(held) => run(state, held),
        None => Vec::new(),
    }
}

/// Does what was pressed, as of then and on the incident that was under the cursor then.
fn run(state: &mut State, held: Held) -> Vec<Effect> {
    let Held { key, actions, selected, at } = held;
    let asked = is_question(state);
    let by_same_key = asked && state.guard.asked_by == Some(key);
    if by_same_key && actions.iter().any(|action| action.answers_question()) {
        state.tell("the key that asked does not answer: bind another one", at);
        return Vec::new();
    }
    let moved = std::mem::replace(&mut state.selected, selected);
    let was = state.selected;
    let effects = in_order(state, actions, at);
    if state.selected == was && moved != was {
        // Moves came behind the key: the cursor is where they put it.
        state.selected = moved;
    }
    if !asked && is_question(state) {
        state.guard.asked_by = Some(key);
    }
    effects
}

/// Does one after the other, until one of them opens something: what follows was not meant for that.
fn in_order(state: &mut State, actions: Vec<Action>, now: Timestamp) -> Vec<Effect> {
    let before = std::mem::discriminant(&state.mode);
    let mut effects = Vec::new();
    for action in actions {
        effects.extend(first_or_not(state, action, now));
        if std::mem::discriminant(&state.mode) != before {
            break;
        }
    }
    effects
}

fn is_question(state: &State) -> bool {
    matches!(state.mode, Mode::Confirm(_) | Mode::Menu { .. } | Mode::Preview(_))
}

/// Does it, or asks first where it is the first verb after a long pause: a cat or a pen may have pressed it.
fn first_or_not(state: &mut State, action: Action, now: Timestamp) -> Vec<Effect> {
    let asks = state.guard.armed && action.tier() == Tier::Own && state.mode == Mode::Browse && !state.layout().tiny;
    if asks && !state.readonly {
        let (question, incident) = (first_question(state, action), state.selected);
        let yes = Deed::First { action, incident };
        state.mode = Mode::Confirm(Confirm { notes: Vec::new(), force: None, ..act::asked(&question, yes) });
        state.guard.first_until = Some(now.plus(ASKS_FOR));
        state.toast = None;
        return Vec::new();
    }
    if matches!(action, Action::PageGo | Action::ConfirmYes | Action::ConfirmForce | Action::PromptAccept) {
        state.guard.armed = false;
    }
    perform(state, action, now)
}

fn first_question(state: &State, action: Action) -> String {
    let word = match action {
        Action::UndoLast | Action::UndoRedo => action.short(),
        _ => verb::word(action),
    };
    let on = match state.targets().as_slice() {
        _ if matches!(action, Action::UndoLast | Action::UndoRedo | Action::IncidentStill) => String::new(),
        [] => String::new(),
        [one] => format!(" {} {}", one.number, one.service),
        several => format!(" {} incidents", several.len()),
    };
    format!("{word}{on}? y  (nobody pressed a key for a while)")
}

/// Takes note that somebody is there, and puts the question of the first verb away where the key does not answer it; returns whether
/// the key came too early to be an answer.
pub(super) fn wakes(state: &mut State, key: KeyPress, now: Timestamp) -> bool {
    let last = state.guard.last_key.replace(now).unwrap_or(now);
    if state.arm_after_idle.is_some_and(|idle| last.plus(idle) <= now) {
        state.guard.armed = true;
    }
    let Some(until) = state.guard.first_until else { return false };
    let found = state.keymap.find(&[Context::Confirm], &[key], &|condition| state.holds(condition));
    let answers = found == Found::Actions(vec![Action::ConfirmYes]);
    if answers && now.plus(ASKS_FOR) < until.plus(READ_IN) {
        return true;
    }
    state.guard.first_until = None;
    if !answers {
        state.mode = Mode::Browse;
    }
    false
}

/// Takes the question of the first verb away when its time is over.
pub(super) fn due(state: &mut State, now: Timestamp) {
    if state.guard.first_until.take_if(|until| *until <= now).is_some() {
        state.mode = Mode::Browse;
    }
}

/// Does the first verb after a pause, now that another key has said that it is meant.
pub(super) fn first(state: &mut State, action: Action, incident: Option<IncidentId>, now: Timestamp) -> Vec<Effect> {
    if state.selected != incident {
        state.warn("another incident came under the cursor: nothing was done, look and ask again");
        return Vec::new();
    }
    perform(state, action, now)
}

/// Returns whether the screen is read-only and says so where the action would do more than look.
pub(super) fn refuses(state: &mut State, action: Action) -> bool {
    let refuses = state.readonly && action.tier() > Tier::View;
    if refuses {
        state.warn(format!("read-only: {} was not done; :rw allows it again", action.short()));
    }
    refuses
}

/// Takes away whatever a read-only screen must not ask: the last line of defence behind [`refuses`]. It proves nobody's presence either.
pub(super) fn only_look(state: &State, effects: &mut Vec<Effect>) {
    if state.readonly {
        effects.retain(|effect| {
            !matches!(effect, Effect::Ask(Ask::Submit { .. } | Ask::Present { .. } | Ask::Dismiss(_)))
        });
    }
}
