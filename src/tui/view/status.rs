//! The lines around the panes: header, banner, toast or prompt, status, footer.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::state::{Focus, Mode, State};
use super::super::theme::Role;
use super::super::update::matching;
use super::paint::{Canvas, Line};
use super::words;
use crate::domain::incident::Life;
use crate::domain::severity::Severity;
use crate::domain::text::SafeText;
use crate::sync::picture::{Link, Row};
use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// Draws the one line of a screen that has room for no list.
pub(super) fn tiny(state: &State, canvas: &mut Canvas<'_>) {
    let area = canvas.buffer.area;
    if area.is_empty() {
        return;
    }
    let (_, role) = words::link(state);
    let line = Line::of(Role::Title, &format!("un:{} ", state.unacked())).with(role, words::link_short(state));
    canvas.line(area, &line);
}

/// Draws who looks at what; parts are dropped where it is narrow, how the hub is never.
pub(super) fn header(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let Some(area) = layout.header else { return };
    let (word, role) = words::link(state);
    let roomy = usize::from(area.width) >= 48;
    let word = if roomy { word } else { words::link_short(state).to_owned() };
    let link = Line::of(role, &format!(" {word} "));
    let room = usize::from(area.width).saturating_sub(link.width() + 1);
    let left = headers(state).into_iter().find(|line| line.width() <= room).unwrap_or_default();
    canvas.ends(area, &left, &link);
}

/// Returns the left of the header, the fullest first.
fn headers(state: &State) -> Vec<Line> {
    let picture = &state.picture;
    let name = |text: &str| Line::of(Role::Title, text);
    let unacked = state.unacked();
    let role = if unacked > 0 { Role::StateNew } else { Role::Header };
    let counts = Line::of(Role::Header, &severities(state)).with(role, &format!(" | unacked {unacked}"));
    let who = format!(" | {}@{} | ", picture.user, picture.hub);
    vec![
        name(" nightdesk").with(Role::Header, &who).then(counts.clone()),
        name(" nightdesk | ").then(counts),
        name(" ").with(role, &format!("unacked {unacked}")).with(Role::Header, &format!(" of {}", state.open_count())),
        name(" ").with(role, &format!("un:{unacked}")),
    ]
}

/// Returns `S1:1 S3:2`: what is open, by severity.
fn severities(state: &State) -> String {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    for row in state.unresolved() {
        *counts.entry(row.incident.severity.map_or(u8::MAX, Severity::number)).or_default() += 1;
    }
    let name = |number: u8| words::severity(Severity::new(number).ok());
    let words: Vec<String> = counts.iter().map(|(number, count)| format!("{}:{count}", name(*number))).collect();
    if words.is_empty() { "none open".to_owned() } else { words.join(" ") }
}

/// Draws what must not be overlooked. Its line is always there, so nothing moves when it fills.
pub(super) fn banner(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let mut notes = banners(state).into_iter();
    let Some((first, role)) = notes.next() else { return };
    let mut line = Line::of(role, &format!(" {first} "));
    for (text, role) in notes {
        line = line.with(Role::Text, "|").with(role, &format!(" {text} "));
    }
    if role == Role::BannerAlarm {
        canvas.tint(layout.banner, role);
    }
    canvas.line(layout.banner, &line);
}

/// Returns all there is to tell, the worst first.
fn banners(state: &State) -> Vec<(String, Role)> {
    let picture = &state.picture;
    let mut notes = Vec::new();
    match &picture.link {
        Link::Offline { since, reason } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            let since = words::clock(*since);
            notes.push((format!("OFFLINE since {since}: NO new alerts come here{reason}"), Role::BannerAlarm));
        }
        Link::Stale { since } => {
            let since = words::clock(*since);
            notes.push((format!("STALE: no answer since {since}, new alerts may NOT show here"), Role::BannerAlarm));
        }
        Link::Connecting => notes.push(("CONNECTING: not known yet what burns now".into(), Role::BannerProblem)),
        Link::Live => {}
    }
    notes.extend(state.trouble.iter().map(|text| (text.clone(), Role::BannerProblem)));
    notes.extend(fresh(state));
    notes.extend(hidden(state));
    if let Some(problem) = state.problems.first() {
        let more = state.problems.len() - 1;
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        notes.push((format!("{problem}{more}"), Role::BannerProblem));
    }
    notes.extend(picture.skew_ms.map(|skew| {
        let (seconds, way) = (skew.unsigned_abs() / 1000, if skew > 0 { "ahead of" } else { "behind" });
        (format!("this clock is {seconds} s {way} the hub's"), Role::BannerProblem)
    }));
    if picture.ingest_open {
        notes.push(("ingest without token".into(), Role::BannerNote));
    }
    notes
}

/// Says what came in above the screen while the list stood still.
fn fresh(state: &State) -> Option<(String, Role)> {
    let row = state.picture.rows.iter().find(|row| state.fresh.first() == Some(&row.incident.id))?;
    let incident = &row.incident;
    let keys = keys_in(state, Action::CursorTop, state.pane_contexts()).unwrap_or_else(|| ":cursor.top".to_owned());
    let severity = words::severity(incident.severity);
    let text =
        format!("{} NEW ABOVE: {severity} {} {} ({keys} shows)", state.fresh.len(), incident.number, incident.service);
    Some((text, Role::StateNew))
}

/// Says how many incidents that nobody has are hidden by the filter: a filter must not make anybody blind.
fn hidden(state: &State) -> Option<(String, Role)> {
    let is_new = |row: &&Row| row.incident.life == Life::Triggered;
    let shown = (0..state.order.len()).filter_map(|position| state.row_at(position)).filter(is_new).count();
    let hidden = state.unacked() - shown;
    (hidden > 0).then(|| (format!("{hidden} unacked hidden by the filter"), Role::StateNew))
}

/// Draws the prompt or the question that is open, else what was just done.
pub(super) fn toast(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    // A prompt without a line of its own stands over the status: who types must see it.
    let own = layout.toast;
    let asked = match &state.mode {
        Mode::Browse | Mode::Help { .. } => None,
        Mode::Filter { editor, .. } => Some((" /".to_owned(), editor, String::new())),
        Mode::Note { number, editor, .. } => Some((format!(" Note on {number}: "), editor, String::new())),
        Mode::Command { editor, .. } => Some((" :".to_owned(), editor, matching(editor.text()).join(" "))),
        Mode::Confirm(confirm) => {
            let area = clear(canvas, own.unwrap_or(layout.status));
            canvas.line(area, &Line::of(Role::Text, " ").safe(Role::PromptDanger, confirm.question.clone()));
            return;
        }
    };
    match (asked, &state.toast) {
        (Some((label, editor, hint)), _) => {
            let area = clear(canvas, own.unwrap_or(layout.status));
            prompt(area, &label, editor, &hint, canvas);
        }
        (None, Some(toast)) => {
            let role = if toast.warn { Role::ToastWarn } else { Role::ToastInfo };
            // Bad news takes the status line where it has no line of its own; good news is dropped there.
            if let Some(area) = own.or(toast.warn.then_some(layout.status)) {
                let area = clear(canvas, area);
                canvas.line(area, &Line::of(Role::Text, " ").safe(role, toast.text.clone()));
            }
        }
        (None, None) => {}
    }
}

fn clear(canvas: &mut Canvas<'_>, area: Rect) -> Rect {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            canvas.buffer[(x, y)].reset();
        }
    }
    area
}

/// Draws a line being typed; what stands before the cursor scrolls away at the left, so the cursor is always seen.
fn prompt(area: Rect, label: &str, editor: &Editor, hint: &str, canvas: &mut Canvas<'_>) {
    let (before, behind) = editor.split();
    let label = Line::of(Role::Prompt, label);
    let room = usize::from(area.width).saturating_sub(label.width() + 2);
    let mut start = 0;
    while SafeText::line(&before[start..], usize::MAX).width() > room {
        start += before[start..].chars().next().map_or(1, char::len_utf8);
    }
    let under = behind.chars().next();
    let rest = &behind[under.map_or(0, char::len_utf8)..];
    let line = label
        .safe(Role::Text, SafeText::line(&before[start..], usize::MAX))
        .with(Role::PromptCursor, &under.unwrap_or(' ').to_string())
        .with(Role::Text, rest)
        .with(Role::Dim, &format!("  {hint}"));
    canvas.line(area, &line);
}

/// Draws what is shown of how much, and how the hub is.
pub(super) fn status(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let picture = &state.picture;
    let (shown, total) = (state.order.len(), picture.rows.len() + picture.rows_hidden);
    let mode = if picture.demo { " DEMO  " } else { " RW  " };
    let role = if shown < total { Role::FilterHides } else { Role::Text };
    let mut left = Line::of(Role::Title, mode).with(role, &format!("{shown} of {total} shown"));
    if !state.filter.is_empty() {
        left = left.with(Role::Text, "  filter: ").with(Role::Text, &state.filter);
    }
    if !state.pending.is_empty() {
        let keys: Vec<String> = state.pending.iter().map(ToString::to_string).collect();
        left = left.with(Role::Dim, &format!("  {} ...", keys.join(" ")));
    }
    canvas.ends(layout.status, &left, &right(state));
}

fn right(state: &State) -> Line {
    let (hub, role) = match &state.picture.link {
        Link::Connecting => ("hub ?".to_owned(), Role::Connecting),
        Link::Live => ("hub ok".to_owned(), Role::Live),
        Link::Stale { since } => (format!("hub silent {}", words::clock(*since)), Role::Stale),
        Link::Offline { since, .. } => (format!("hub DOWN {}", words::clock(*since)), Role::Offline),
    };
    let unsent = state.picture.unsent;
    let line = Line::of(role, &hub);
    if unsent > 0 {
        line.with(Role::Text, " | ").with(Role::Unsent, &format!(" {unsent} UNSENT "))
    } else {
        line.with(Role::Text, " ")
    }
}

/// Draws the keys that matter here, from the keymap as it is.
pub(super) fn footer(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let Some(area) = layout.footer else { return };
    let mut line = Line::of(Role::Footer, " ");
    for action in footer_actions(state) {
        if let Some(keys) = keys_of(state, *action) {
            line = line.with(Role::FooterKey, &keys).with(Role::Footer, &format!(" {}  ", action.short()));
        }
    }
    canvas.line(area, &line);
}

fn footer_actions(state: &State) -> &'static [Action] {
    use Action::*;
    match (&state.mode, state.focus) {
        (Mode::Help { .. }, _) => &[CursorDown, CursorUp, ViewBack],
        (Mode::Command { .. }, _) => &[PromptAccept, PromptComplete, PromptCancel],
        (Mode::Filter { .. } | Mode::Note { .. }, _) => &[PromptAccept, PromptCancel],
        (Mode::Confirm(confirm), _) if confirm.force.is_some() => &[ConfirmYes, ConfirmForce, PromptCancel],
        (Mode::Confirm(_), _) => &[ConfirmYes, PromptCancel],
        (Mode::Browse, Focus::Stream) => {
            &[IncidentAck, IncidentNote, IncidentResolve, DetailOpen, PaneNext, FilterOpen, CommandOpen, HelpOpen]
        }
        (Mode::Browse, Focus::Detail) => {
            &[IncidentAck, IncidentNote, IncidentResolve, ViewBack, PaneNext, CommandOpen, HelpOpen]
        }
    }
}

fn keys_of(state: &State, action: Action) -> Option<String> {
    keys_in(state, action, state.contexts())
}

fn keys_in(state: &State, action: Action, contexts: &[Context]) -> Option<String> {
    state.keymap.keys_of(action, contexts).first().map(|binding| binding.label())
}
