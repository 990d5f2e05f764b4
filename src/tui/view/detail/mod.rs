//! One incident: a title, tabs, and what the chosen one shows. Only lines that can be seen are made.

mod chart;
mod head;
mod pages;
mod runbook;
mod series;
mod similar;
mod timeline;
mod why;

pub(super) use timeline::{lines as timeline_lines, text};

use super::super::action::Action;
use super::super::layout::{Focus, Layout, Tab};
use super::super::state::State;
use super::super::theme::Role;
use super::paint::{Canvas, Line};
use super::words;
use crate::sync::picture::Row;
use ratatui::layout::Rect;
use std::ops::Range;

/// Rows under which nothing of a page stays while the rest is scrolled.
const PINNED_ROWS: usize = 7;

/// What a tab shows in so many rows.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Lines that stay while the rest is scrolled.
    pinned: Vec<Line>,
    /// The lines from the first that can be seen on.
    lines: Vec<Line>,
    /// How many there are to scroll over; counted only where that was asked for.
    total: usize,
}

/// Which part of a page is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) width: usize,
    pub(super) rows: usize,
    /// How many lines are scrolled away.
    pub(super) skip: usize,
    /// The total is wanted, not the lines.
    pub(super) count: bool,
}

impl Window {
    /// Returns how many lines need be made, from the first.
    fn limit(&self) -> usize {
        if self.count { usize::MAX } else { self.skip + self.rows }
    }
}

/// Draws the pane with its border.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if let Some(border) = layout.border {
        self::border(state, border, canvas);
    }
    if let Some(tabs) = layout.tabs {
        title(state, tabs, canvas);
    }
    if let Some(area) = layout.detail {
        let text = text_area(area);
        let window =
            Window { width: text.width.into(), rows: text.height.into(), skip: state.detail_scroll, count: false };
        let page = page(state, layout, window);
        let pinned = page.pinned.len() as u16;
        canvas.lines(text, &page.pinned, 0);
        let rest = Rect { y: text.y + pinned, height: text.height.saturating_sub(pinned), ..text };
        canvas.lines(rest, &page.lines, 0);
    }
}

/// Returns how far the detail can be scrolled.
pub(super) fn scroll_max(state: &State, layout: &Layout) -> usize {
    let Some(area) = layout.detail else { return 0 };
    let text = text_area(area);
    let window = Window { width: text.width.into(), rows: text.height.into(), skip: 0, count: true };
    let page = page(state, layout, window);
    page.total.saturating_sub(window.rows.saturating_sub(page.pinned.len()))
}

/// Returns how many cells a line of the detail has.
pub(super) fn width(layout: &Layout) -> usize {
    layout.detail.map_or(0, |area| text_area(area).width.into())
}

/// Returns which lines of the runbook are on the screen, where it is what the pane shows.
pub(super) fn runbook_shown(state: &State, layout: &Layout) -> Option<Range<usize>> {
    let is_read = state.book.is_some() || state.shape.tab == Tab::Runbook;
    let text = text_area(layout.detail.filter(|_| is_read)?);
    let window = Window { width: text.width.into(), rows: text.height.into(), skip: state.detail_scroll, count: false };
    runbook::shown(state, window)
}

/// Returns the part of a pane that holds text: a blank column at each side.
pub(super) fn text_area(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

fn page(state: &State, layout: &Layout, window: Window) -> Page {
    if state.book.is_some() {
        return runbook::page(state, window);
    }
    let Some(row) = state.row() else { return Page::of(vec![Line::of(Role::Dim, "no incident is selected")], window) };
    match state.shape.tab {
        Tab::Detail => Page::of(head::lines(state, row, layout, window), window),
        _ if state.digest().is_none() => Page::of(vec![reading()], window),
        Tab::Series => series::page(state, row, window),
        Tab::Timeline => Page::of(timeline::lines(state, row, window.width, window.limit()), window),
        Tab::Notes => Page::of(timeline::notes(state, row, window), window),
        Tab::Pages => Page::of(pages::lines(state, window), window),
        Tab::Similar => Page::of(similar::lines(state, window), window),
        Tab::Why => Page::of(why::lines(state, row, window), window),
        Tab::Runbook => runbook::page(state, window),
    }
}

impl Page {
    /// Returns a page of lines that were made from the first on.
    fn of(mut lines: Vec<Line>, window: Window) -> Self {
        let total = lines.len();
        let lines = if window.count { Vec::new() } else { lines.split_off(window.skip.min(total)) };
        Self { pinned: Vec::new(), lines, total }
    }
}

/// Returns what stands where series and timeline are not read yet.
fn reading() -> Line {
    Line::of(Role::Dim, "reading series and timeline ...")
}

/// Returns a line that begins a part.
pub(super) fn rule(title: &str, width: usize) -> Line {
    let line = Line::of(Role::Border, "-- ").with(Role::Title, title).with(Role::Border, " ");
    let room = width.saturating_sub(line.width());
    line.with(Role::Border, &"-".repeat(room))
}

/// Returns a name and its value.
pub(super) fn pair(name: &str, value: &str) -> Line {
    Line::of(Role::Dim, &format!("{name} ")).with(Role::Text, value)
}

fn border(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    let role = if state.focus == Focus::Detail { Role::BorderFocus } else { Role::Border };
    if area.width == 1 {
        return column(role, area, canvas);
    }
    let title = state.row().map_or(String::new(), |row| format!(" {} {} ", row.incident.number, row.incident.service));
    let left = Line::of(role, "--").with(Role::Title, &title).with(role, "-");
    let room = usize::from(area.width).saturating_sub(left.width());
    let full = tabs(state, room).with(role, "-");
    let spare = room.saturating_sub(full.width());
    let (open, pane) = (key(state, Action::DetailOpen), key(state, Action::PaneNext));
    let hints = [format!("{open}{pane}--"), format!("{open}-"), open, String::new()];
    let hint = hints.into_iter().find(|hint| hint.len() <= spare).unwrap_or_default();
    let fill = spare.saturating_sub(hint.len());
    let hint = Line::of(role, &hint);
    canvas.line(area, &left.then(full).with(role, &"-".repeat(fill)).then(hint));
}

/// Draws a border that stands upright.
pub(super) fn column(role: Role, area: Rect, canvas: &mut Canvas<'_>) {
    for place in area.rows() {
        canvas.line(place, &Line::of(role, "|"));
    }
}

fn key(state: &State, action: Action) -> String {
    let keys = state.keymap.keys_of(action, state.pane_contexts());
    keys.first().map_or(String::new(), |binding| format!(" {}={} ", binding.label(), action.short()))
}

/// Draws which incident it is, and the tabs.
fn title(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(row) = state.row() else { return };
    let room = usize::from(area.width).saturating_sub(2);
    let mut rows = area.rows();
    if area.height > 1
        && let Some(place) = rows.next()
    {
        canvas.line(text_area(place), &which(state, row));
    }
    if let Some(place) = rows.next() {
        canvas.line(text_area(place), &tabs(state, room));
    }
}

/// Returns number, severity, state, since when, and service.
fn which(state: &State, row: &Row) -> Line {
    let incident = &row.incident;
    let (stat, stat_role) = words::state(row, state.is_live());
    Line::of(Role::Title, &format!("{} ", incident.number))
        .with(Role::severity(incident.severity), &words::severity(incident.severity))
        .with(Role::Text, " ")
        .with(stat_role, &stat)
        .with(Role::Text, &format!(" since {}  ", words::minute(state, incident.since)))
        .with(Role::Title, &incident.service)
}

/// Returns the tabs in so many cells, the fullest that fit.
fn tabs(state: &State, room: usize) -> Line {
    if state.selected.is_none() {
        return Line::default();
    }
    let chosen = state.shape.tab;
    let notes = state.digest().map_or(0, timeline::notes_count);
    let name = |tab: Tab| match tab {
        Tab::Notes if notes > 0 => format!("{} {} {notes}", tab.place() + 1, tab.title()),
        _ => format!("{} {}", tab.place() + 1, tab.title()),
    };
    let one = |line: Line, tab: Tab, word: &str| match tab == chosen {
        true => line.with(Role::Title, &format!("[{word}]")),
        false => line.with(Role::Dim, word),
    };
    let all = |word: &dyn Fn(Tab) -> String| {
        let gap = |tab: Tab| if tab == Tab::Detail { "" } else { " " };
        Tab::ALL.into_iter().fold(Line::default(), |line, tab| one(line.with(Role::Dim, gap(tab)), tab, &word(tab)))
    };
    let only_chosen = |tab: Tab| if tab == chosen { name(tab) } else { (tab.place() + 1).to_string() };
    let full = all(&name);
    if full.width() <= room { full } else { all(&only_chosen) }
}
