//! The third pane: who is on call and who is next, and the timeline of the incident.

use super::super::layout::{Focus, Layout};
use super::super::state::State;
use super::super::theme::Role;
use super::detail::{self, text_area, timeline_lines};
use super::paint::{Canvas, Line};
use super::words;
use crate::domain::paging::{Callee, Paging, Shift};
use ratatui::layout::Rect;

/// Shifts to come that are named.
const SHIFTS: usize = 3;
/// Levels that are named.
const LEVELS: usize = 4;

/// Draws the pane with its border.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let role = if state.focus == Focus::Side { Role::BorderFocus } else { Role::Border };
    if let Some(border) = layout.side_border {
        detail::column(role, border, canvas);
    }
    let Some(area) = layout.side else { return };
    let text = text_area(area);
    let duty = duty(state, text.width.into());
    let rest = Rect { y: text.y + (duty.len() as u16).min(text.height), ..text };
    let rest = Rect { height: text.bottom() - rest.y, ..rest };
    canvas.lines(text, &duty, 0);
    let Some(row) = state.row() else { return };
    let limit = state.side_scroll + usize::from(rest.height);
    canvas.lines(rest, &timeline_lines(state, row, text.width.into(), limit), state.side_scroll);
}

/// Returns how far the timeline can be scrolled.
pub(super) fn scroll_max(state: &State, layout: &Layout) -> usize {
    let (Some(area), Some(row)) = (layout.side, state.row()) else { return 0 };
    let width = text_area(area).width.into();
    let rows = usize::from(area.height).saturating_sub(duty(state, width).len());
    timeline_lines(state, row, width, usize::MAX).len().saturating_sub(rows)
}

/// Returns who is on call until when, who is next, and who is called after whom.
fn duty(state: &State, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::of(Role::Title, "ON CALL")];
    match &state.picture.known.paging {
        None => lines.push(Line::of(Role::Dim, "  not known yet; everybody's console rings")),
        Some(paging) => {
            lines.extend(shifts(state, paging));
            lines.extend(paging.levels.iter().take(LEVELS).enumerate().map(|(place, level)| {
                let minutes = level.within.as_secs() / 60;
                let who: Vec<String> = level.call.iter().map(callee).collect();
                let words = format!("{}, {minutes} min", who.join(" and "));
                Line::of(Role::Dim, &format!("  level {} ", place + 1)).with(Role::Text, &words)
            }));
        }
    }
    lines.push(detail::rule("timeline, newest first", width));
    lines
}

fn callee(callee: &Callee) -> String {
    match callee {
        Callee::OnCall => "who is on call".to_owned(),
        Callee::Everyone => "everybody".to_owned(),
        Callee::Person(person) => person.to_string(),
    }
}

fn shifts(state: &State, paging: &Paging) -> Vec<Line> {
    if paging.on_call.is_empty() {
        return vec![Line::of(Role::Text, "  everybody: there is no list of shifts")];
    }
    let now = state.now;
    let mut next: Vec<&Shift> = paging.on_call.iter().filter(|shift| shift.from > now).collect();
    next.sort_by_key(|shift| shift.from);
    let person = |shift: &Shift| {
        let me = shift.person == state.picture.user;
        if me { ("you".to_owned(), Role::Me) } else { (shift.person.to_string(), Role::Other) }
    };
    let mut lines: Vec<Line> = Vec::new();
    for shift in paging.on_call.iter().filter(|shift| shift.from <= now && now < shift.to) {
        let (name, role) = person(shift);
        // Shifts of one person that follow each other are one.
        let until = paging.shift_end(&shift.person, now).unwrap_or(shift.to);
        lines.push(
            Line::of(Role::Dim, "  now    ")
                .with(role, &name)
                .with(Role::Text, &format!(" until {}", words::moment(state, until, now))),
        );
    }
    if lines.is_empty() {
        lines.push(Line::of(Role::BannerProblem, "  nobody by the list: everybody is called"));
    }
    for shift in next.into_iter().take(SHIFTS) {
        let (name, role) = person(shift);
        lines.push(Line::of(Role::Dim, "  next   ").with(role, &name).with(
            Role::Text,
            &format!(
                " from {} to {}",
                words::moment(state, shift.from, now),
                words::moment(state, shift.to, shift.from)
            ),
        ));
    }
    lines
}
