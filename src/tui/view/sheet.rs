//! Lists over the whole body: what several incidents would get or got, and the inbox.

use super::super::action::Action;
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::state::{BatchItem, Item, Mode, Needs, Preview, PreviewItem, State};
use super::super::theme::Role;
use super::super::topic::Topic;
use super::super::update::{Next, next_act};
use super::super::verb;
use super::paint::{Canvas, Line, wrap};
use super::{history, words};
use crate::sync::picture::Letter;
use ratatui::layout::Rect;

/// Cells of a service in a list.
const SERVICE: usize = 16;
/// Rows that one line of something to read takes at most.
const READ_LINES_MAX: usize = 12;

/// Draws the sheet that is open; returns whether one is.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) -> bool {
    match &state.mode {
        Mode::Preview(Preview { scroll, .. }) | Mode::Results { scroll } | Mode::Read { scroll, .. } => {
            canvas.lines(layout.body, &lines(state), *scroll);
            true
        }
        Mode::History { at } => {
            history::draw(state, *at, layout, canvas);
            true
        }
        Mode::Inbox { at } => {
            inbox(state, *at, layout.body, canvas);
            true
        }
        _ => false,
    }
}

/// Returns the lines of the sheet that is open.
pub(super) fn lines(state: &State) -> Vec<Line> {
    match &state.mode {
        Mode::Preview(preview) => previewed(preview),
        Mode::Results { .. } => results(state),
        Mode::Read { topic: Topic::Clip, .. } => clip(state),
        Mode::Read { topic, words, lines, .. } => read(state, *topic, words, lines.as_deref()),
        _ => Vec::new(),
    }
}

/// Returns the last copy, without anything beside it: it may be marked with the mouse.
fn clip(state: &State) -> Vec<Line> {
    let Some(clip) = &state.clip else { return vec![Line::of(Role::Dim, &format!(" {}", Topic::Clip.nothing()))] };
    let cut = if clip.is_cut() { ", CUT" } else { "" };
    let title = Line::of(Role::Title, &format!(" {}: {}{cut}", Topic::Clip.title(), clip.what));
    let cells = usize::from(state.layout().body.width).max(1);
    let pieces =
        clip.lines().iter().flat_map(|line| line.pieces(cells)).map(|piece| Line::default().safe(Role::Text, piece));
    [title, Line::default()].into_iter().chain(pieces).collect()
}

fn previewed(preview: &Preview) -> Vec<Line> {
    let how = match &preview.needs {
        Needs::Yes => " y does it, Esc leaves it. What comes meanwhile is not touched.".to_owned(),
        Needs::Count(_) => format!(" Type {} and Enter to do it, Esc leaves it.", preview.items.len()),
    };
    let mut lines = vec![
        Line::of(Role::Text, " ").safe(Role::Title, preview.title.clone()),
        Line::of(Role::Dim, &how),
        Line::default(),
    ];
    lines.extend(preview.items.iter().map(would));
    let quiets = verb::is_quieting(preview.verb) || preview.verb == Action::BulkAck;
    let threatened: Vec<&PreviewItem> =
        preview.items.iter().filter(|item| quiets && verb::threat(&item.target).is_some()).collect();
    if let Some(first) = threatened.first() {
        let more = if threatened.len() > 1 { format!(" and {} more", threatened.len() - 1) } else { String::new() };
        let threat = verb::threat(&first.target).unwrap_or_default();
        lines.push(Line::default());
        lines.push(Line::of(Role::BannerProblem, &format!(" {}{more}: {threat}", first.target.number)));
    }
    lines
}

fn would(item: &PreviewItem) -> Line {
    let target = &item.target;
    Line::of(Role::Text, " ")
        .cell(Role::severity(target.severity), 2, &words::severity(target.severity))
        .cell(Role::Title, 5, &target.number.to_string())
        .cell(Role::Text, SERVICE, &target.service)
        .safe(Role::Text, item.would.clone())
}

fn read(state: &State, topic: Topic, words: &str, lines: Option<&[String]>) -> Vec<Line> {
    let narrowed = if words.is_empty() { String::new() } else { format!(" ({words})") };
    let mut shown = vec![Line::of(Role::Title, &format!(" {}{narrowed}", topic.title())), Line::default()];
    let room = usize::from(state.width).saturating_sub(2).max(16);
    match lines {
        None => shown.push(Line::of(Role::Dim, " looking ...")),
        Some([]) => shown.push(Line::of(Role::Dim, &format!(" {}", topic.nothing()))),
        Some(lines) => {
            let wrapped = lines.iter().flat_map(|line| wrap(line, room, READ_LINES_MAX));
            shown.extend(wrapped.map(|line| Line::of(Role::Text, " ").with(Role::Text, &line)));
        }
    }
    shown
}

fn results(state: &State) -> Vec<Line> {
    let items = &state.batch.items;
    let waiting = items.iter().filter(|item| item.outcome.is_none()).count();
    let refused = items
        .iter()
        .filter(|item| item.lost.is_some() || item.outcome.as_ref().is_some_and(|(_, welcome)| !welcome))
        .count();
    let count = format!(" {} done, {refused} otherwise, {waiting} wait for the hub", items.len() - waiting - refused);
    let mut lines =
        vec![Line::of(Role::Title, &format!(" {}", state.batch.title)), Line::of(Role::Dim, &count), Line::default()];
    lines.extend(items.iter().map(|item| result(state, item)));
    lines
}

fn result(state: &State, item: &BatchItem) -> Line {
    let line = Line::of(Role::Text, " ").cell(Role::Title, 5, &item.submission.number.to_string()).cell(
        Role::Text,
        SERVICE,
        &item.service,
    );
    if let Some(lost) = &item.lost {
        return line.safe(Role::StateNew, lost.clone());
    }
    match &item.outcome {
        None if state.is_live() => line.with(Role::StatePending, "waits for the hub"),
        None => line.with(Role::StatePending, "saved here only, NOT sent"),
        Some((text, true)) => line.safe(Role::Text, text.clone()),
        Some((text, false)) => line.safe(Role::StateNew, text.clone()),
    }
}

/// Draws the inbox, scrolled so that the item under the cursor is seen.
fn inbox(state: &State, at: Option<Item>, area: Rect, canvas: &mut Canvas<'_>) {
    let items = state.inbox();
    let mut lines =
        vec![Line::of(Role::Title, &format!(" Inbox: {}; each stays until it is answered or dismissed", items.len()))];
    if items.is_empty() {
        lines.push(Line::of(Role::Dim, " Nothing waits to be read."));
    }
    let mut cursor = 0..1;
    for item in items {
        let selected = at == Some(*item);
        let before = lines.len();
        lines.extend(self::item(state, *item, selected));
        if selected {
            cursor = before..lines.len();
        }
    }
    let rows = usize::from(area.height).max(1);
    let scroll = cursor.end.saturating_sub(rows);
    canvas.lines(area, &lines, scroll);
    for row in cursor.filter(|_| at.is_some()) {
        let y = area.y + row.saturating_sub(scroll) as u16;
        if row >= scroll && y < area.bottom() {
            canvas.cursor(Rect { y, height: 1, ..area }, Role::Cursor);
        }
    }
}

fn item(state: &State, item: Item, selected: bool) -> Vec<Line> {
    let mark = Line::of(Role::Title, if selected { "> " } else { "  " });
    let under = |text: &str| Line::of(Role::Text, "    ").with(Role::Dim, text);
    let keys = |action| {
        let keys = state.keymap.keys_of(action, &[Context::Inbox]);
        keys.first().map_or_else(|| "-".to_owned(), |binding| binding.label())
    };
    match item {
        Item::Offer(incident, _) => {
            let text = offer(state, incident).unwrap_or_default();
            let (yes, no) = (keys(Action::IncidentAccept), keys(Action::IncidentDecline));
            vec![mark.with(Role::StateNew, &text), under(&format!("{yes} accepts, {no} declines"))]
        }
        Item::Asked(incident, _) => {
            let row = state.row_of(incident).map(|row| &row.incident);
            let what = row.map_or(String::new(), |one| format!("{} {}: {}", one.number, one.service, one.summary));
            vec![
                mark.with(Role::StateNew, &format!("you are asked to take {what}")),
                under("enter goes there; ack it to take it"),
            ]
        }
        Item::Letter(id) => {
            let Some(letter) = state.picture.inbox.iter().find(|letter| letter.id == id) else { return Vec::new() };
            let number = letter.number.map_or_else(|| letter.incident.to_string(), |number| number.to_string());
            let head = format!("{} {number} ", words::clock(letter.at));
            let text = mark.with(Role::Title, &head).with(Role::Text, &letter.sentence());
            let next =
                next_words(state, letter).map_or(String::new(), |next| format!("{} {next}; ", keys(Action::InboxNext)));
            vec![text, under(&format!("{next}{} puts it away", keys(Action::InboxDismiss)))]
        }
    }
}

/// Returns what an offer says to whom it was made.
pub(super) fn offer(state: &State, incident: crate::domain::id::IncidentId) -> Option<String> {
    let one = &state.row_of(incident)?.incident;
    let until = words::clock(one.offer.as_ref()?.expires_at);
    let owner = one.owner.as_ref().map_or("somebody", |owner| owner.as_str());
    Some(format!("{owner} offers you {} until {until}: {}", one.number, one.service))
}

/// Returns what the next act of a letter is, in a few words.
fn next_words(state: &State, letter: &Letter) -> Option<String> {
    let number = |id| state.row_of(id).map(|row| row.incident.number.to_string());
    Some(match next_act(letter) {
        Next::Do(verb, words, id) if id == letter.incident && words.is_empty() => {
            format!("{}s {} as it is now", verb::word(verb), number(id)?)
        }
        Next::Do(verb, words, id) if words.is_empty() => {
            format!("{}s {}, which goes on for it", verb::word(verb), number(id)?)
        }
        Next::Do(verb, words, id) => format!("{}s {} {words} again", verb::word(verb), number(id)?),
        Next::Ask(verb, id) => format!("{}s {} instead", verb::word(verb), number(id)?),
        Next::Look(id) => format!("goes to {}", number(id)?),
    })
}
