//! What came before and looks like it: how often, who handled it, how long it took, what was noted last.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::Line;
use super::super::words;
use super::{Window, reading, text};
use crate::domain::similar::{Earlier, Likeness, span_words};

/// Returns the head, then the earlier ones by class.
pub(super) fn lines(state: &State, window: Window) -> Vec<Line> {
    let Some(digest) = state.digest() else { return vec![reading()] };
    let Some(similar) = &digest.detail.similar else { return vec![Line::of(Role::Dim, "looking ...")] };
    let mut lines = text(Role::Title, "", &similar.head(), window.width);
    if similar.earlier.is_empty() {
        let none = "no earlier incident like it is known here: this console knows what its mirror holds";
        lines.extend(text(Role::Dim, "", none, window.width));
    }
    for one in &similar.earlier {
        if lines.len() >= window.limit() {
            break;
        }
        lines.extend(earlier(state, one, window.width));
    }
    lines
}

fn earlier(state: &State, one: &Earlier, width: usize) -> Vec<Line> {
    let role = match one.likeness {
        Likeness::Group => Role::Title,
        Likeness::Rule | Likeness::Labels(_) => Role::Dim,
    };
    let me = one.who.as_ref() == Some(&state.picture.user);
    let who = if me { "you" } else { one.who.as_ref().map_or("nobody", |who| who.as_str()) };
    let first = Line::default()
        .cell(role, 5, &one.likeness.word())
        .cell(Role::Title, 6, &one.number.to_string())
        .with(Role::Text, &words::both_clocks(state, one.opened_at))
        .with(Role::Text, "  ")
        .with(if me { Role::Me } else { Role::Other }, who);
    let ack = one.to_ack.map_or("no ack".to_owned(), |span| format!("ack in {}", span_words(span)));
    let end = one.to_resolve.map_or("still open".to_owned(), |span| format!("over in {}", span_words(span)));
    let mut lines = vec![first, Line::of(Role::Text, &format!("      {ack}, {end}"))];
    if one.likeness != Likeness::Group {
        lines.extend(text(Role::Dim, "      ", &one.summary, width));
    }
    if let Some(note) = &one.note {
        lines.extend(text(Role::Text, "      ", &format!("note: {note}"), width));
    }
    lines
}
