//! The timeline: machines and people in one list, newest first, and people's words alone.

use super::super::super::history::{Digest, Entry, Sure, Who};
use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::{Line, wrap};
use super::super::words;
use super::{Window, reading, rule};
use crate::domain::op::Act;
use crate::sync::picture::Row;
use std::borrow::Cow;
use std::cmp::Reverse;

/// What a person's note is told as.
const NOTED: &str = "noted";
/// Cells of `03:16:02Z` and the space behind it.
const CLOCK: usize = 10;
/// Lines that one text may take.
const TEXT_LINES_MAX: usize = 40;
/// Characters of one text that are looked at.
const TEXT_CHARS_MAX: usize = 4000;

/// Returns the first lines of the timeline, about `limit` of them; what lies behind is not made.
pub(in super::super) fn lines(state: &State, row: &Row, width: usize, limit: usize) -> Vec<Line> {
    let Some(digest) = state.digest() else { return vec![reading()] };
    let all = all(state, row, &digest.story);
    listed(state, all.iter().map(AsRef::as_ref), width, limit)
}

/// Returns what people wrote, newest first.
pub(super) fn notes(state: &State, row: &Row, window: Window) -> Vec<Line> {
    let Some(digest) = state.digest() else { return vec![reading()] };
    let all = all(state, row, &digest.story);
    let notes: Vec<&Entry> = all.iter().map(AsRef::as_ref).filter(|entry| is_note(entry)).collect();
    let mut lines = Vec::new();
    if let Some(draft) = state.drafts.get(&row.incident.id) {
        lines.push(Line::of(Role::StatePending, "your draft, not sent:"));
        lines.extend(text(Role::Text, "  ", draft, window.width));
    }
    if notes.is_empty() && lines.is_empty() {
        lines.push(Line::of(Role::Dim, "nobody wrote a note yet"));
    }
    let left = window.limit().saturating_sub(lines.len());
    lines.extend(listed(state, notes.into_iter(), window.width, left));
    lines
}

/// Returns how many notes the hub has confirmed.
pub(super) fn notes_count(digest: &Digest) -> usize {
    digest.story.iter().filter(|entry| is_note(entry)).map(|entry| entry.count).sum()
}

fn is_note(entry: &Entry) -> bool {
    entry.what == NOTED
}

/// Returns the story of a row, newest first: what is confirmed, with what waits and what is only heard at its place.
fn all<'a>(state: &State, row: &Row, told: &'a [Entry]) -> Vec<Cow<'a, Entry>> {
    let unsure = |at, who: &str, act: &Act, sure| {
        let (what, text) = match act {
            Act::Note { text } => (NOTED.to_owned(), text.as_str()),
            other => (words::act(other), ""),
        };
        Cow::Owned(Entry { sure, ..Entry::new(at, Who::Person(who.to_owned()), &what, text) })
    };
    let me = state.picture.user.as_str();
    let waits = row.waiting.iter().map(|own| unsure(own.created_at, me, &own.act, Sure::Waits));
    let heard = row.said.iter().map(|said| unsure(said.created_at, said.actor.as_str(), &said.act, Sure::Heard));
    let mut all: Vec<Cow<'a, Entry>> = waits.chain(heard).collect();
    all.extend(told.iter().map(Cow::Borrowed));
    all.sort_by_key(|entry| Reverse(entry.at));
    all
}

fn listed<'a>(state: &State, entries: impl Iterator<Item = &'a Entry>, width: usize, limit: usize) -> Vec<Line> {
    let (mut lines, mut day) = (Vec::new(), None);
    for entry in entries {
        if lines.len() >= limit {
            break;
        }
        let its = words::day(state, entry.at);
        if day.as_ref().is_some_and(|day| *day != its) {
            lines.push(rule(&its, width));
        }
        day = Some(its);
        lines.extend(self::entry(state, entry, width));
    }
    lines
}

/// Returns one entry: its words behind it where they fit, else below.
fn entry(state: &State, entry: &Entry, width: usize) -> Vec<Line> {
    let me = entry.who.name() == state.picture.user.as_str();
    let (name, role) = match &entry.who {
        Who::Hub => ("hub", Role::Text),
        Who::Source(name) => (name.as_str(), Role::Text),
        Who::Person(_) if me => ("you", Role::Me),
        Who::Person(name) => (name.as_str(), Role::Other),
    };
    let (what_role, sure) = match entry.sure {
        Sure::Confirmed => (Role::Title, ""),
        Sure::Waits => (Role::StatePending, " (not confirmed)"),
        Sure::Heard => (Role::Other, " (via peer, hub not asked)"),
    };
    let count = if entry.count > 1 { format!(" {}x", entry.count) } else { String::new() };
    let clock = words::second(state, entry.at);
    let head = Line::default()
        .cell(Role::Dim, CLOCK - 1, &clock)
        .with(role, name)
        .with(what_role, &format!(" {}", entry.what))
        .with(Role::Title, &count)
        .with(Role::StatePending, sure);
    if entry.text.is_empty() {
        return vec![head];
    }
    let room = width.saturating_sub(head.width() + 2);
    let behind = wrap(&entry.text, room.max(1), 2);
    if behind.len() == 1 && room > 8 {
        return vec![head.with(Role::Text, "  ").with(Role::Text, &entry.text)];
    }
    let indent = if width > 60 { " ".repeat(CLOCK) } else { "  ".to_owned() };
    std::iter::once(head).chain(text(Role::Text, &indent, &entry.text, width)).collect()
}

/// Returns a text from outside in as many lines as it needs, within limits; a cut is said.
pub(in super::super) fn text(role: Role, indent: &str, raw: &str, width: usize) -> Vec<Line> {
    let kept = raw.char_indices().nth(TEXT_CHARS_MAX).map_or(raw, |(end, _)| &raw[..end]);
    let cells = width.saturating_sub(indent.len()).max(1);
    let mut lines: Vec<Line> =
        wrap(kept, cells, TEXT_LINES_MAX).iter().map(|line| Line::of(role, indent).with(role, line)).collect();
    if lines.len() == TEXT_LINES_MAX || kept.len() < raw.len() {
        lines.push(Line::of(Role::Dim, indent).with(Role::Dim, "(cut here)"));
    }
    lines
}
