//! A runbook: whose it is, what this person has read of it, and the text, or what changed of it.

use super::super::super::action::Action;
use super::super::super::reader::{Sheet, receipt_waits};
use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::paint::Line;
use super::super::words;
use super::{PINNED_ROWS, Page, Window, text};
use crate::domain::op::Act;
use crate::domain::runbook::{Made, Reading};
use crate::domain::text::SafeText;
use crate::runbook;
use crate::sync::picture::Beside;
use std::ops::Range;

/// Most lines of the head.
const HEAD_MAX: usize = 5;

/// Returns the page: the head stays while the text is scrolled.
pub(super) fn page(state: &State, window: Window) -> Page {
    let runbooks = state.runbooks();
    let Some(beside) = state.reader.chosen(runbooks) else {
        return Page::of(none(state, window.width), window);
    };
    let head = head(state, beside, runbooks.len(), window);
    let Some(sheet) = &state.reader.sheet else {
        let why =
            if beside.runbook.current().is_some() { "reading its text ..." } else { "there is no good text of it yet" };
        return Page { pinned: head, lines: vec![Line::of(Role::Dim, why)], total: 1 };
    };
    let total = sheet.lines.len().max(1);
    if window.count {
        return Page { pinned: head, lines: Vec::new(), total };
    }
    let room = window.rows.saturating_sub(head.len());
    let shown = sheet.lines.iter().skip(window.skip).take(room);
    let mut lines: Vec<Line> = shown.map(|line| drawn(state, beside, sheet, line)).collect();
    if sheet.lines.is_empty() {
        lines.push(Line::of(
            Role::Dim,
            if sheet.text.since.is_some() {
                "only its layout changed: nothing is to be read anew"
            } else {
                "the text is empty"
            },
        ));
    }
    Page { pinned: head, lines, total }
}

/// Returns which lines of the sheet are on the screen, in a pane of so many cells and rows.
pub(super) fn shown(state: &State, window: Window) -> Option<Range<usize>> {
    let runbooks = state.runbooks();
    let head = head(state, state.reader.chosen(runbooks)?, runbooks.len(), window).len();
    state.reader.sheet.as_ref()?;
    Some(window.skip..window.skip + window.rows.saturating_sub(head))
}

fn none(state: &State, width: usize) -> Vec<Line> {
    if let Some(name) = &state.book {
        return vec![Line::of(Role::Dim, &format!("reading {name} ..."))];
    }
    let has_any = !state.picture.items.runbooks.is_empty();
    let why = if has_any {
        "no runbook is for this incident: neither a `match` of one fits its labels, nor does a runbook_url lead to one"
    } else {
        "the hub has no runbooks: `runbooks = \"path\"` in its hub.toml names a directory or a git checkout of Markdown files"
    };
    let mut lines = text(Role::Text, "", why, width);
    if has_any {
        let key = words::keys(state, Action::RunbookNew);
        lines.extend(text(Role::Dim, "", &format!("{key} copies the beginning of one, with its labels"), width));
    }
    lines
}

/// Returns what stands above the text: only the line that matters where there is little room.
fn head(state: &State, beside: &Beside, count: usize, window: Window) -> Vec<Line> {
    let runbook = &beside.runbook;
    let mut lines = vec![title(state, beside, count)];
    lines.extend(runbook.current().map(|made| made_by(state, made)));
    if !beside.why.is_empty() {
        // Cut, not wrapped: of an address that has no room its beginning is worth more than the word before it.
        lines.push(Line::of(Role::Dim, &beside.why));
    }
    if let Some(fault) = &runbook.fault {
        let what = format!("its file is wrong, and the last good text stays: {fault}");
        lines.extend(text(Role::BannerProblem, "", &what, window.width).into_iter().take(2));
    }
    lines.truncate(HEAD_MAX);
    let few = window.rows < PINNED_ROWS;
    if few {
        lines.clear();
    }
    let above = lines.len();
    let shown = |own: usize| window.skip..window.skip + window.rows.saturating_sub(above + own);
    lines.extend(standing(state, beside, few, shown));
    lines
}

fn title(state: &State, beside: &Beside, count: usize) -> Line {
    let mut line = Line::of(Role::Title, beside.runbook.name.as_str());
    if count > 1 {
        let key = words::keys(state, Action::RunbookOther);
        line = line.with(Role::Dim, &format!(" {}/{count} ({key}=next)", state.reader.at.min(count - 1) + 1));
    }
    if beside.runbook.title != beside.runbook.name.as_str() {
        line = line.with(Role::Text, "  ").with(Role::Text, &beside.runbook.title);
    }
    line
}

fn made_by(state: &State, made: &Made) -> Line {
    let author = if made.author.is_empty() { String::new() } else { format!(" by {}", made.author) };
    let why = if made.message.is_empty() { String::new() } else { format!(": {}", made.message) };
    let at = words::stamp(state, made.at);
    Line::of(Role::Dim, &made.revision.short())
        .with(Role::Text, &author)
        .with(Role::Dim, &format!(" {at}"))
        .with(Role::Text, &why)
}

/// Says what the person has read, how much of this was on the screen, and which keys go on; in a line where there is little room.
fn standing(state: &State, beside: &Beside, few: bool, shown: impl Fn(usize) -> Range<usize>) -> Vec<Line> {
    let key = |action: Action| words::keys(state, action);
    let reader = &state.reader;
    if receipt_waits(&state.picture, beside) {
        return vec![Line::of(Role::StatePending, "you read this: waits for the hub")];
    }
    // So many lines it takes itself.
    let own = if !few && matches!(beside.reading, Reading::Changed { .. }) { 2 } else { 1 };
    let (seen, of) = reader.progress_with(shown(own));
    match beside.reading {
        Reading::Current { at } => {
            let what = format!("you read this {}; unchanged", words::stamp(state, at));
            vec![Line::of(Role::StateAck, &what)]
        }
        Reading::Changed { read, at } => {
            let only = reader.sheet.as_ref().is_some_and(|sheet| sheet.text.since.is_some());
            let rest = match only {
                true => Line::of(Role::Text, &format!("hunks seen {seen}/{of}  ")).then(keys(&[
                    (key(Action::RunbookNext), "next"),
                    (key(Action::RunbookWhole), "whole"),
                    (key(Action::RunbookRead), "I've read it"),
                ])),
                false => keys(&[(key(Action::RunbookWhole), "what changed")]),
            };
            if few {
                return vec![Line::of(Role::StateNew, "CHANGED ").then(rest)];
            }
            let what = format!("CHANGED since you read {} on {}", read.short(), words::stamp(state, at));
            vec![Line::of(Role::StateNew, &what), rest]
        }
        Reading::Unread => {
            let part = format!("  seen {}%  ", (seen * 100).checked_div(of).unwrap_or(100));
            let line = Line::of(Role::StateNew, "you have not read this").with(Role::Text, &part);
            vec![line.then(keys(&[(key(Action::RunbookRead), "I've read it")]))]
        }
    }
}

fn keys(all: &[(String, &str)]) -> Line {
    let with = |line: Line, (key, word): &(String, &str)| {
        line.with(Role::FooterKey, key).with(Role::Dim, &format!("={word} "))
    };
    all.iter().fold(Line::default(), with)
}

/// Returns a line of the text as it is drawn: with who ticked it, and that somebody remarked on it.
fn drawn(state: &State, beside: &Beside, sheet: &Sheet, line: &runbook::Line) -> Line {
    let task = line.task.and_then(|place| sheet.tasks.get(place));
    let ticked = task.and_then(|task| beside.ticks.as_ref()?.ticked.get(&task.id));
    let found = state.reader.is_found(line);
    let mut drawn = Line::default();
    for span in &line.spans {
        drawn = match (span.role, ticked) {
            (runbook::Role::Task(_), Some(_)) => {
                drawn.safe(Role::StateAck, SafeText::from_static("[x]").padded(span.text.width()))
            }
            _ if found => drawn.safe(Role::Cursor, span.text.clone()),
            _ => drawn.safe(role(span), span.text.clone()),
        };
    }
    if let Some(ticked) = ticked {
        drawn = drawn.with(Role::Dim, &format!("  {} {}", ticked.by, words::stamp(state, ticked.at)));
    }
    if let Some(task) = task.filter(|task| tick_waits(state, beside, &task.id)) {
        let word = if task.done { "  waits" } else { "  tick waits for the hub" };
        drawn = drawn.with(Role::StatePending, word);
    }
    let remarks = beside
        .remarks
        .iter()
        .filter(|remark| remark.revision == sheet.text.revision && remark.line as usize == line.source);
    match remarks.count() {
        0 => drawn,
        count => drawn.with(Role::Other, &format!("  ({count} remarked)")),
    }
}

fn tick_waits(state: &State, beside: &Beside, task: &str) -> bool {
    let is_it =
        |act: &Act| matches!(act, Act::Tick { runbook, task: of, .. } if *runbook == beside.runbook.name && of == task);
    state.row().is_some_and(|row| row.waiting.iter().any(|waiting| is_it(&waiting.act)))
}

/// Returns how a span looks: first whether it is new or gone, then what it is.
fn role(span: &runbook::Span) -> Role {
    match (span.mark, span.role) {
        (runbook::Mark::Added, _) => Role::DiffAdded,
        (runbook::Mark::Removed, _) => Role::DiffRemoved,
        (runbook::Mark::Same, role) => match role {
            runbook::Role::Text | runbook::Role::Emphasis | runbook::Role::Quote => Role::Text,
            runbook::Role::Strong | runbook::Role::Heading(_) | runbook::Role::TableHead => Role::Title,
            runbook::Role::Code | runbook::Role::CodeBlock | runbook::Role::Filled => Role::DocCode,
            runbook::Role::Link => Role::DocLink,
            runbook::Role::Callout(kind) => match kind {
                runbook::Callout::Warning | runbook::Callout::Caution => Role::BannerProblem,
                runbook::Callout::Note | runbook::Callout::Tip | runbook::Callout::Important => Role::BannerNote,
            },
            runbook::Role::Unfilled => Role::BannerProblem,
            runbook::Role::Struck
            | runbook::Role::LinkTarget
            | runbook::Role::TableRule
            | runbook::Role::Marker
            | runbook::Role::Task(_)
            | runbook::Role::Html => Role::Dim,
        },
    }
}

/// Returns the one line about runbooks that stands in the overview of an incident.
pub(super) fn summary(state: &State, runbooks: &[Beside]) -> Option<Line> {
    let [beside, others @ ..] = runbooks else {
        let none = !state.picture.items.runbooks.is_empty();
        return none.then(|| Line::of(Role::Dim, "runbook none is for it"));
    };
    let line = Line::of(Role::Dim, "runbook ").with(Role::Text, beside.runbook.name.as_str());
    let (role, word) = match beside.reading {
        _ if receipt_waits(&state.picture, beside) => (Role::StatePending, "read, waits for the hub"),
        Reading::Current { .. } => (Role::StateAck, "read, unchanged"),
        Reading::Changed { .. } => (Role::StateNew, "CHANGED since you read it"),
        Reading::Unread => (Role::StateNew, "unread"),
    };
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let line = line.with(Role::Dim, &more).with(Role::Text, "  ").with(role, word).with(Role::Text, "  ");
    Some(line.then(keys(&[(words::keys(state, Action::TabRunbook), "read")])))
}
