//! Lines being typed, and questions being answered. While one is open it takes every key.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::{Effect, Exit};
use super::super::key::KeyPress;
use super::super::palette;
use super::super::state::{Confirm, Deed, Mode, Needs, Preview, State};
use super::super::verb;
use super::{act, bulk, command, filter, guard, history, reader, silence};
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::time::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;

/// Notes begun and not sent that are kept.
const DRAFTS_MAX: usize = 200;

fn editor(mode: &mut Mode) -> Option<&mut Editor> {
    match mode {
        Mode::Filter { editor, .. }
        | Mode::HelpFilter { editor, .. }
        | Mode::Command { editor, .. }
        | Mode::Entry { editor, .. }
        | Mode::Preview(Preview { needs: Needs::Count(editor), .. }) => Some(editor),
        Mode::Browse
        | Mode::Help { .. }
        | Mode::Confirm(_)
        | Mode::Menu { .. }
        | Mode::Preview(Preview { needs: Needs::Yes, .. })
        | Mode::Results { .. }
        | Mode::Read { .. }
        | Mode::History { .. }
        | Mode::Inbox { .. } => None,
    }
}

/// Writes a key's character into the open prompt.
pub(super) fn type_in(state: &mut State, key: KeyPress, now: Timestamp) {
    if let (Some(editor), Some(c)) = (editor(&mut state.mode), key.text()) {
        let fits = editor.insert(c.encode_utf8(&mut [0; 4]));
        after_edit(state, fits, now);
    }
}

/// Takes pasted text where a prompt is open; anywhere else it would be taken for keys, so it is thrown away.
pub(super) fn paste(state: &mut State, text: &str, now: Timestamp) -> Vec<Effect> {
    state.pending.clear();
    match editor(&mut state.mode) {
        Some(editor) => {
            let fits = editor.insert(text);
            after_edit(state, fits, now);
        }
        None => state.tell("pasted text thrown away: no prompt is open", now),
    }
    Vec::new()
}

/// Moves or deletes in the open prompt.
pub(super) fn edit(state: &mut State, action: Action, now: Timestamp) {
    let Some(editor) = editor(&mut state.mode) else { return };
    match action {
        Action::EditLeft => editor.left(),
        Action::EditRight => editor.right(),
        Action::EditHome => editor.home(),
        Action::EditEnd => editor.end(),
        Action::EditBackspace => editor.backspace(),
        Action::EditDelete => editor.delete(),
        Action::EditKillWord => editor.kill_word(),
        Action::EditKillLine => editor.kill_line(),
        _ => {}
    }
    after_edit(state, true, now);
}

fn after_edit(state: &mut State, fits: bool, now: Timestamp) {
    if !fits {
        state.warn("too long: the rest was not taken");
    }
    match &state.mode {
        Mode::Filter { .. } => {
            filter::typed(state);
            palette::refresh(state);
        }
        Mode::HelpFilter { editor, .. } => state.help_words = editor.text().to_owned(),
        Mode::Command { .. } => palette::refresh(state),
        _ => {}
    }
    say(state, now);
}

/// Says under the prompt what its words would come to now.
pub(super) fn say(state: &mut State, now: Timestamp) {
    let gist = match &state.mode {
        Mode::Entry { verb, targets, editor, .. } => act::gist(state, *verb, editor.text(), targets, now),
        Mode::Command { editor, targets, .. } => command::gist(state, editor.text(), targets, now),
        _ => return,
    };
    if let Mode::Entry { says, .. } | Mode::Command { says, .. } = &mut state.mode {
        *says = gist;
    }
}

/// Completes the command, or the name of a person, as far as it is certain.
pub(super) fn complete(state: &mut State, now: Timestamp) {
    let text = match &state.mode {
        Mode::Command { .. } => palette::complete_command(state),
        Mode::Filter { .. } => return complete_query(state),
        Mode::Entry { verb, editor, .. } if verb::names_a_person(*verb) => {
            command::complete_person("", editor.text(), &state.picture.known.people)
        }
        _ => None,
    };
    if let (Some(text), Some(editor)) = (text, editor(&mut state.mode)) {
        *editor = Editor::new(text);
        palette::refresh(state);
        say(state, now);
    }
}

/// Completes a query as far as all that is offered agrees; where that is no further, by the next that is offered.
fn complete_query(state: &mut State) {
    match palette::agreed(state) {
        Some(editor) => {
            if let Mode::Filter { editor: line, .. } = &mut state.mode {
                *line = editor;
            }
            filter::typed(state);
            palette::refresh(state);
        }
        None => {
            palette::walk(state, 1);
            filter::typed(state);
        }
    }
}

/// Takes what was typed.
pub(super) fn accept(state: &mut State, now: Timestamp) -> Vec<Effect> {
    match std::mem::replace(&mut state.mode, Mode::Browse) {
        Mode::Command { editor, incident, targets, .. } => {
            // First: what follows may leave.
            let remembered = palette::remember(state, editor.text());
            let done = command::run(state, editor.text(), incident, targets, now);
            remembered.into_iter().chain(done).collect()
        }
        Mode::HelpFilter { .. } => {
            state.mode = Mode::Help { scroll: 0 };
            Vec::new()
        }
        Mode::Entry { verb, targets, editor, .. } => entered(state, verb, targets, editor, now),
        preview @ Mode::Preview(_) => {
            state.mode = preview;
            bulk::confirm(state, now)
        }
        Mode::Filter { editor, before, wrong: Some(error) } => {
            state.warn(format!("{error}; Esc goes back to what it was"));
            state.mode = Mode::Filter { editor, before, wrong: Some(error) };
            Vec::new()
        }
        Mode::Filter { .. } | Mode::Browse => Vec::new(),
        // Enter answers no question.
        open @ (Mode::Confirm(_)
        | Mode::Help { .. }
        | Mode::Menu { .. }
        | Mode::Results { .. }
        | Mode::Read { .. }
        | Mode::History { .. }
        | Mode::Inbox { .. }) => {
            state.mode = open;
            Vec::new()
        }
    }
}

/// Does what the words of a prompt say; the prompt stays open while something is wrong or missing in them.
fn entered(
    state: &mut State,
    verb: Action,
    targets: Vec<Arc<Incident>>,
    editor: Editor,
    now: Timestamp,
) -> Vec<Effect> {
    let words = editor.text().trim().to_owned();
    let is_note = verb == Action::IncidentNote;
    if is_note && words.is_empty() {
        targets.iter().for_each(|target| drop(state.drafts.remove(&target.id)));
        return Vec::new();
    }
    let says = act::gist(state, verb, &words, &targets, now);
    if says.is_err() {
        state.mode = Mode::Entry { verb, targets, editor, says };
        return Vec::new();
    }
    if is_note {
        targets.iter().for_each(|target| drop(state.drafts.remove(&target.id)));
    }
    act::said(state, verb, &words, targets, now)
}

/// Keeps a note that was begun, or forgets it where nothing was written. A console lies open for weeks: when there are very many, those of
/// incidents that are not shown any more go.
fn keep_draft(state: &mut State, id: IncidentId, draft: String) {
    if draft.trim().is_empty() {
        state.drafts.remove(&id);
        return;
    }
    state.drafts.insert(id, draft);
    if state.drafts.len() > DRAFTS_MAX {
        let shown: HashSet<IncidentId> = state.picture.rows.iter().map(|row| row.incident.id).collect();
        state.drafts.retain(|kept, _| *kept == id || shown.contains(kept));
    }
    if state.drafts.len() > DRAFTS_MAX {
        state.drafts.remove(&id);
        state.warn(format!("{DRAFTS_MAX} drafts are kept already: this one is not"));
    }
}

/// Closes the prompt; the words of a filter go back to what they were, a note's are kept as a draft.
pub(super) fn cancel(state: &mut State) {
    match std::mem::replace(&mut state.mode, Mode::Browse) {
        Mode::Filter { before, .. } => filter::set(state, before),
        Mode::HelpFilter { before, .. } => {
            state.help_words = before;
            state.mode = Mode::Help { scroll: 0 };
        }
        Mode::Entry { verb: Action::IncidentNote, targets, editor, .. } => {
            if let [one] = targets.as_slice() {
                keep_draft(state, one.id, editor.text().to_owned());
            }
        }
        Mode::Entry { .. }
        | Mode::Command { .. }
        | Mode::Confirm(_)
        | Mode::Menu { .. }
        | Mode::Preview(_)
        | Mode::Results { .. }
        | Mode::Read { .. }
        | Mode::History { .. }
        | Mode::Inbox { .. }
        | Mode::Help { .. } => {}
        // What lies over the panes is closed by the key that closes sheets.
        Mode::Browse => drop(reader::close(state)),
    }
}

/// Answers the open question; force only where it was offered.
pub(super) fn answer(state: &mut State, force: bool, now: Timestamp) -> Vec<Effect> {
    if matches!(&state.mode, Mode::Preview(Preview { needs: Needs::Yes, .. })) && !force {
        return bulk::confirm(state, now);
    }
    let Mode::Confirm(confirm) = &state.mode else { return Vec::new() };
    let deed = if force { confirm.force.clone() } else { Some(confirm.yes.clone()) };
    let Some(deed) = deed else { return Vec::new() };
    let key = if force { Action::ConfirmForce } else { Action::ConfirmYes };
    if act::refused_as_changed(state, deed.incident().into_iter(), key, now) {
        // The question was about something else than it is now: it must be asked anew.
        state.mode = Mode::Browse;
        state.warn("it changed just now: nothing was done, look and ask again");
        return Vec::new();
    }
    state.mode = Mode::Browse;
    match deed {
        Deed::Submit(submission) => act::submit(state, submission, now),
        Deed::Quit => vec![Effect::Leave(Exit::Quit)],
        Deed::Suspend => vec![Effect::Suspend],
        Deed::First { action, incident } => guard::first(state, action, incident, now),
        Deed::Silence(words) => silence::make(state, &words),
        Deed::StandDown(incident) => history::stand_down(state, incident, now),
    }
}

/// Returns the question before leaving, where somebody would miss this console; else `None`.
pub(super) fn farewell(state: &State) -> Option<Confirm> {
    // In a demonstration nobody would miss it.
    let serves = state.picture.ingest.is_some() && !state.picture.demo;
    let sends = serves.then(|| "the hub stops too, for everybody".to_owned());
    let unsent = (state.picture.unsent > 0).then(|| format!("{} operations wait (kept)", state.picture.unsent));
    let reasons: Vec<String> = sends.into_iter().chain(unsent).collect();
    let question = format!("Quit? y, Esc stays: {}", reasons.join(", and "));
    (!reasons.is_empty()).then(|| act::asked(&question, Deed::Quit))
}
