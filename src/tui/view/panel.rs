//! What stands beside a prompt, menu or question: the choices, what the words would come to, and what goes on meanwhile.

use super::super::action::Action;
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::state::{Choice, Gist, Mode, State};
use super::super::theme::Role;
use super::super::verb;
use super::paint::{Canvas, Line};
use crate::domain::incident::Incident;
use ratatui::layout::Rect;
use std::sync::Arc;

/// Rows of the body that a panel leaves.
const LIST_ROWS: u16 = 3;

/// Draws it over the bottom of the detail where that stands beside the list, else of the body.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let lines = lines(state);
    let over = layout.detail.filter(|detail| detail.width < layout.body.width).unwrap_or(layout.body);
    // Some of the list stays, so that the incident is seen while it is decided about.
    let rows = (lines.len() as u16 + 1).min(over.height.saturating_sub(LIST_ROWS));
    if lines.is_empty() || rows < 2 {
        return;
    }
    let area = Rect { y: over.bottom() - rows, height: rows, ..over };
    super::clear(canvas, area);
    canvas.line(area, &Line::of(Role::BorderFocus, &"-".repeat(area.width.into())));
    let inner = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(1), height: rows - 1 };
    canvas.lines(inner, &lines, 0);
}

fn lines(state: &State) -> Vec<Line> {
    match &state.mode {
        Mode::Menu { verb, targets, choices } => {
            let mut lines = vec![Line::of(Role::Title, &about(*verb, targets))];
            lines.extend(threats(*verb, targets));
            lines.extend(choices.iter().enumerate().map(|(place, choice)| self::choice(state, place, choice)));
            if *verb != Action::RunbookTick {
                let other = key(state, Action::ChooseOther);
                lines.push(Line::of(Role::FooterKey, &other).with(Role::Text, "  type it"));
            }
            lines
        }
        Mode::Entry { verb: Action::IncidentNote, .. } => Vec::new(),
        Mode::Entry { verb, targets, says, .. } => {
            let mut lines = vec![
                Line::of(Role::Title, &about(*verb, targets)),
                Line::of(Role::Dim, verb::usage(*verb)),
                gist(says),
            ];
            if verb::names_a_person(*verb) {
                lines.push(people(state));
            }
            lines.extend(threats(*verb, targets));
            lines
        }
        Mode::Confirm(confirm) => {
            let notes = confirm.notes.iter();
            notes.map(|note| Line::default().safe(Role::BannerProblem, note.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn about(verb: Action, targets: &[Arc<Incident>]) -> String {
    match targets {
        [one] => format!("{} {}: {} {}", verb::word(verb), one.number, one.service, one.summary),
        more => format!("{} {} incidents; each is listed before anything is done", verb::word(verb), more.len()),
    }
}

fn choice(state: &State, place: usize, choice: &Choice) -> Line {
    let action = Action::ALL.iter().find(|action| action.choice() == Some(place));
    let key = action.map_or(String::new(), |action| key(state, *action));
    Line::of(Role::FooterKey, &key).with(Role::Text, "  ").safe(Role::Text, choice.label.clone())
}

fn key(state: &State, action: Action) -> String {
    let keys = state.keymap.keys_of(action, &[Context::Menu]);
    keys.first().map_or_else(|| "-".to_owned(), |binding| binding.label())
}

fn gist(says: &Gist) -> Line {
    match says {
        Ok(text) => Line::default().safe(Role::Title, text.clone()),
        Err(text) => Line::default().safe(Role::Dim, text.clone()),
    }
}

fn people(state: &State) -> Line {
    let me = &state.picture.user;
    let names = state.picture.known.people.iter().filter(|person| *person != me);
    let names: Vec<&str> = names.take(20).map(|person| person.as_str()).collect();
    Line::of(Role::Dim, "known: ").with(Role::Other, &names.join(" "))
}

/// Returns what goes on as long as the hub has not confirmed what quiets.
fn threats(verb: Action, targets: &[Arc<Incident>]) -> Option<Line> {
    let threat = targets.iter().filter(|_| verb::is_quieting(verb)).find_map(|one| verb::threat(one))?;
    let first = targets.iter().find(|one| verb::threat(one).is_some())?.number;
    let which = if targets.len() > 1 { format!("{first}: ") } else { String::new() };
    Some(Line::of(Role::BannerProblem, &format!("{which}{threat}")))
}
