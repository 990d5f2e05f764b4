//! Who was called by what, and how far each call came.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::Line;
use super::super::words;
use super::{Window, pair, reading, text};
use crate::domain::paging::{Page, PageState, Step};

/// Returns the calls, newest first.
pub(super) fn lines(state: &State, window: Window) -> Vec<Line> {
    let Some(digest) = state.digest() else { return vec![reading()] };
    let mut lines = Vec::new();
    if digest.detail.pages.is_empty() {
        lines.push(Line::of(Role::Dim, "nobody was called about it yet"));
    }
    for page in digest.detail.pages.iter().rev() {
        if lines.len() >= window.limit() {
            break;
        }
        lines.extend(call(state, page, window.width));
    }
    lines
}

fn call(state: &State, page: &Page, width: usize) -> Vec<Line> {
    let me = page.person == state.picture.user;
    let (name, role) = if me { ("you", Role::Me) } else { (page.person.as_str(), Role::Other) };
    let (word, word_role) = came_to(page);
    let mut lines = vec![
        Line::default()
            .cell(Role::Dim, 9, &words::second(state, page.queued_at))
            .with(role, name)
            .with(Role::Text, " ")
            .with(word_role, word),
        Line::of(Role::Text, &format!("  by {}, {}", page.channel, why(page))),
    ];
    let times = [("delivered", page.delivered_at), ("seen", page.seen_at), ("acknowledged", page.acknowledged_at)];
    let known = times.into_iter().filter_map(|(name, at)| Some((name, at?)));
    let known = known.fold(Line::of(Role::Text, "  "), |line, (name, at)| {
        line.then(pair(name, &words::second(state, at))).with(Role::Text, "  ")
    });
    if known.width() > 2 {
        lines.push(known);
    }
    if let PageState::Failed(why) | PageState::Skipped(why) = &page.state {
        lines.extend(text(word_role, "  ", why, width));
    }
    if page.attempts > 1 {
        lines.push(Line::of(Role::Dim, &format!("  tried {} times", page.attempts)));
    }
    if let Some(closed) = &page.closed {
        lines.extend(text(Role::Dim, "  ", &format!("asks for no answer any more: {closed}"), width));
    }
    lines
}

/// Returns what became of a call in a word.
fn came_to(page: &Page) -> (&'static str, Role) {
    match &page.state {
        _ if page.acknowledged_at.is_some() => ("acknowledged", Role::StateAck),
        _ if page.seen_at.is_some() => ("seen, no answer", Role::StateNew),
        PageState::Queued => ("waits for its time", Role::Dim),
        PageState::Sending => ("is being sent", Role::StatePending),
        PageState::Sent => ("sent, NOT seen", Role::StateNew),
        PageState::Failed(_) => ("NOT DELIVERED", Role::BannerProblem),
        PageState::Skipped(_) => ("not sent", Role::Dim),
    }
}

/// Returns why the person was called.
fn why(page: &Page) -> String {
    match page.step {
        Step::Level(level) if page.round > 0 => format!("level {}, round {}", level + 1, page.round + 1),
        Step::Level(level) => format!("level {}", level + 1),
        _ if page.why.is_empty() => "by name".to_owned(),
        _ => page.why.clone(),
    }
}
