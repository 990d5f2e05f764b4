//! The lines around the panes: header, banner, toast or prompt, status, footer.

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::keymap::{Binding, Context};
use super::super::layout::{Layout, Tab};
use super::super::order::Sort;
use super::super::state::{Deed, Focus, Gist, Item, Mode, Mute, Needs, Preview, State, Submission};
use super::super::theme::Role;
use super::super::update::{self, matching, worst_call};
use super::super::verb;
use super::paint::{Canvas, Line};
use super::{clear, palette, sheet, words};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life};
use crate::domain::op::Act;
use crate::domain::paging::{Page, Step};
use crate::domain::severity::Severity;
use crate::domain::text::SafeText;
use crate::sync::picture::{Link, Row};
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Draws the one line of a screen that has room for no list.
pub(super) fn tiny(state: &State, canvas: &mut Canvas<'_>) {
    let area = canvas.buffer.area;
    if area.is_empty() {
        return;
    }
    let (_, role) = words::link(state);
    let worst = severities(state);
    let worst = worst.split(' ').next().filter(|word| word.contains(':')).map(|word| format!("{word} "));
    let link = words::link_short(state);
    let counts = format!("un:{} ", state.unacked());
    // The worst is said where all of it has room.
    let worst = worst.filter(|worst| worst.len() + counts.len() + link.len() <= usize::from(area.width));
    let line = Line::of(Role::Title, &worst.unwrap_or_default()).with(Role::Title, &counts).with(role, link);
    canvas.line(area, &line);
}

/// Draws who looks at what; parts are dropped where it is narrow, how the hub is never.
pub(super) fn header(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if let Some(area) = layout.header {
        header_in(state, area, canvas);
    }
}

fn header_in(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
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
    let duty = on_call(state).map(|duty| Line::of(Role::Header, &format!(" | {duty}")));
    let full = name(" nightdesk").with(Role::Header, &who).then(counts.clone());
    let short = name(" nightdesk | ").then(counts);
    let with_duty = |line: &Line| duty.clone().map(|duty| line.clone().then(duty));
    let least = [
        name(" ").with(role, &format!("unacked {unacked}")).with(Role::Header, &format!(" of {}", state.open_count())),
        name(" ").with(role, &format!("un:{unacked}")),
    ];
    let lines = [with_duty(&full), with_duty(&short), Some(full), Some(short)];
    lines.into_iter().flatten().chain(least).collect()
}

/// Returns who is on call until when, by the list; `None` where there is no list.
fn on_call(state: &State) -> Option<String> {
    let paging = state.picture.known.paging.as_ref().filter(|paging| !paging.on_call.is_empty())?;
    let people = paging.on_duty(state.now);
    let me = people.get(&state.picture.user);
    let Some(person) = me.or(people.first()) else { return Some("on call: NOBODY by the list".to_owned()) };
    let name = if me.is_some() { "you" } else { person.as_str() };
    let until = paging.shift_end(person, state.now).map(|until| words::moment(state, until, state.now));
    let more = if people.len() > 1 { format!(" (and {} more)", people.len() - 1) } else { String::new() };
    Some(format!("on call: {name}{more} until {}", until.unwrap_or_default()))
}

/// Returns `S1:1 S3:2`: what is open, by severity.
fn severities(state: &State) -> String {
    let counts = state.overview.severities();
    let name = |number: u8| words::severity(Severity::new(number).ok());
    let words: Vec<String> = counts.iter().map(|(number, count)| format!("{}:{count}", name(*number))).collect();
    if words.is_empty() { "none open".to_owned() } else { words.join(" ") }
}

/// Draws what must not be overlooked. Its line is always there, so nothing moves when it fills.
pub(super) fn banner(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let mut notes = banners(state).into_iter();
    let Some((first, role)) = notes.next() else {
        if layout.header.is_none() {
            // A screen too low for a header has its words here as long as nothing must be told.
            header_in(state, layout.banner, canvas);
        }
        return;
    };
    let framed = |line: Line, text, role| line.with(role, " ").safe(role, text).with(role, " ");
    let mut line = framed(Line::default(), first, role);
    for (text, role) in notes {
        line = framed(line.with(Role::Text, "|"), text, role);
    }
    if role == Role::BannerAlarm {
        canvas.tint(layout.banner, role);
    }
    canvas.line(layout.banner, &line);
}

/// Returns all there is to tell, the worst first.
fn banners(state: &State) -> Vec<(SafeText, Role)> {
    let picture = &state.picture;
    let said = |text: &str, role| (SafeText::line(text, BANNER_CHARS), role);
    let mut notes = Vec::new();
    notes.extend(picture.halted.iter().map(|text| said(text, Role::BannerAlarm)));
    // Why it rings without a hub comes first: calls that the hub made before stand in the rows too, and a narrow screen cuts the end.
    notes.extend(alarm(state).map(|text| said(&text, Role::BannerAlarm)));
    notes.extend(calls(state).map(|text| (text, Role::BannerAlarm)));
    match &picture.link {
        Link::Offline { since, reason, .. } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            let since = words::clock(*since);
            let text = format!("OFFLINE since {since}: NO new alerts come here{reason}");
            notes.push(said(&text, Role::BannerAlarm));
        }
        Link::Stale { since } => {
            let since = words::clock(*since);
            let text = format!("STALE: no answer since {since}, new alerts may NOT show here");
            notes.push(said(&text, Role::BannerAlarm));
        }
        Link::Connecting => notes.push(said("CONNECTING: not known yet what burns now", Role::BannerProblem)),
        Link::Live => {}
    }
    notes.extend(waits_for_answer(state).map(|text| said(&text, Role::StateNew)));
    notes.extend(state.trouble.iter().map(|text| said(text, Role::BannerProblem)));
    notes.extend(fresh(state).map(|text| said(&text, Role::StateNew)));
    notes.extend(hidden(state).map(|text| said(&text, Role::StateNew)));
    if let Some(problem) = state.problems.iter().chain(&state.look.problems).next() {
        let more = state.problems.len() + state.look.problems.len() - 1;
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        notes.push(said(&format!("{problem}{more}"), Role::BannerProblem));
    }
    notes.extend(picture.skew_ms.map(|skew| {
        let (seconds, way) = (skew.unsigned_abs() / 1000, if skew > 0 { "ahead of" } else { "behind" });
        said(&format!("this clock is {seconds} s {way} the hub's"), Role::BannerProblem)
    }));
    if picture.ingest_open {
        notes.push(said("ingest without token", Role::BannerNote));
    }
    notes
}

/// Characters of one note in the banner; more than any screen is wide.
const BANNER_CHARS: usize = 400;
/// Incidents from which on a label that they have in common makes them a storm: as in messages.
const STORM_FROM: usize = 3;

/// Says what calls the person, the worst first: a page never moves the cursor, so it stands here. The keys are those that work now: in a
/// prompt, others than on the list.
fn calls(state: &State) -> Option<SafeText> {
    let page = worst_call(state)?;
    let several: BTreeSet<_> = update::calls(state).map(|page| page.incident).collect();
    let more = if several.len() > 1 { format!(" +{}", several.len() - 1) } else { String::new() };
    let storm_of = if several.len() >= STORM_FROM { common_label(state, &several) } else { None };
    let (what, more) = match storm_of {
        Some(label) => (storm(state, page, &several, &label), String::new()),
        None => (called(state, page), more),
    };
    let keys = call_keys(state, page, several.len());
    let narrow = state.width < 72;
    let room_for = if narrow { 1 } else { usize::from(2 + u16::from(state.width >= 100)) };
    let keys: Vec<String> = keys.into_iter().take(room_for).collect();
    let tail = format!("{more}  {}", keys.join("  "));
    // Whether the hub is there must be seen beside it.
    let reserved = if state.is_live() || narrow { 2 } else { 24 };
    let room = usize::from(state.width).saturating_sub(tail.len() + reserved).max(16);
    let mut text = SafeText::line(&what, BANNER_CHARS).truncated(room);
    text.push(&SafeText::line(&tail, BANNER_CHARS));
    Some(text)
}

/// Says which incident calls, since when and why.
fn called(state: &State, page: &Page) -> String {
    let since = words::clock(page.queued_at);
    let why = match page.step {
        Step::Level(0) => String::new(),
        Step::Level(level) => format!(" (level {})", level + 1),
        _ if page.why.is_empty() => String::new(),
        _ => format!(" ({})", page.why),
    };
    match state.row_of(page.incident).map(|row| &row.incident) {
        Some(one) => {
            let severity = words::severity(one.severity);
            format!("!! PAGE {since} {severity} {} {}{why}: {}", one.number, one.service, one.summary)
        }
        None => format!("!! PAGE {since}{why}"),
    }
}

/// Says that many incidents with something in common call.
fn storm(state: &State, worst: &Page, several: &BTreeSet<IncidentId>, label: &str) -> String {
    let rows = || several.iter().filter_map(|id| state.row_of(*id)).map(|row| &row.incident);
    let series: u32 = rows().map(|one| one.tally.total()).sum();
    let worst = state.row_of(worst.incident).map(|row| &row.incident);
    let worst = worst.map_or(String::new(), |one| format!("; worst {} {}", words::severity(one.severity), one.number));
    format!("!! STORM {label} {} incidents, {series} series{worst}", several.len())
}

/// Returns what the person can do about it, the most needed first.
fn call_keys(state: &State, page: &Page, several: usize) -> Vec<String> {
    let key = |action: Action| keys_in(state, action, state.contexts()).map(|key| format!("[{key}]"));
    let row = state.row_of(page.incident);
    let go = key(Action::PageGo).unwrap_or_else(|| ":page".to_owned());
    let there = state.selected == Some(page.incident) && state.is_shown(page.incident);
    let answer = match key(Action::IncidentAck) {
        _ if row.is_some_and(|row| !row.waiting.is_empty()) => "asked, NOT confirmed".to_owned(),
        Some(ack) if there => format!("{ack}=ack"),
        _ if row.is_some() && !state.is_shown(page.incident) => format!("hidden by filter, {go} shows it"),
        _ => format!("{go}=go there"),
    };
    let next = Some(format!("{go}=next")).filter(|_| there && several > 1);
    let all = key(Action::BulkAck).filter(|_| several > 1).map(|all| format!("{all}=ack all"));
    // Once it was seen it rings no more, and there is nothing to mute.
    let rings = !state.attention.repeats.is_empty() && state.attention.mute == Mute::Off;
    let mute = key(Action::BellMute).filter(|_| rings).map(|mute| format!("{mute}=mute bell"));
    std::iter::once(answer).chain(all).chain(next).chain(mute).collect()
}

/// Returns the label that all of these have in common, if there is one: then it is a storm.
fn common_label(state: &State, incidents: &BTreeSet<IncidentId>) -> Option<String> {
    let mut hits = incidents.iter().map(|id| state.row_of(*id).map(|row| &row.incident.hit));
    let mut common: Vec<&String> = hits.next()??.iter().collect();
    for hit in hits {
        common.retain(|label| hit.is_some_and(|hit| hit.contains(*label)));
        if common.is_empty() {
            return None;
        }
    }
    common.first().map(|label| (*label).clone())
}

/// Says that this console rings by itself, and why.
fn alarm(state: &State) -> Option<String> {
    let alarm = state.picture.alarms.first()?;
    let since = words::clock(alarm.silent_since);
    let more = state.picture.alarms.len() - 1;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "hub silent since {since}; you are level {} for incident {}{more}; it may be handled, this console cannot know",
        alarm.level, alarm.number
    ))
}

/// Says what others wait for.
fn waits_for_answer(state: &State) -> Option<String> {
    let items = state.inbox();
    let mut offers = items.iter().filter_map(|item| match item {
        Item::Offer(incident, _) => Some(*incident),
        Item::Asked(..) | Item::Letter(_) => None,
    });
    let first = sheet::offer(state, offers.next()?)?;
    let (more, pane) = (offers.count(), state.pane_contexts());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let inbox = keys_in(state, Action::InboxOpen, pane).unwrap_or_else(|| ":inbox".to_owned());
    let all = keys_in(state, Action::ShiftHandover, pane).unwrap_or_else(|| ":shift".to_owned());
    Some(format!("{first}{more} ({inbox} answers, {all} accepts all)"))
}

/// Says what came in above the screen while the list stood still.
fn fresh(state: &State) -> Option<String> {
    let row = state.row_of(*state.fresh.first()?)?;
    let incident = &row.incident;
    let keys = keys_in(state, Action::CursorTop, state.pane_contexts()).unwrap_or_else(|| ":cursor.top".to_owned());
    let severity = words::severity(incident.severity);
    let count = state.fresh.len();
    Some(format!("{count} NEW ABOVE: {severity} {} {} ({keys} shows)", incident.number, incident.service))
}

/// Says how many incidents that nobody has are hidden by the filter: a filter must not make anybody blind.
fn hidden(state: &State) -> Option<String> {
    if state.filter.is_all() {
        return None;
    }
    let is_new = |row: &&Row| row.incident.life == Life::Triggered;
    let shown = (0..state.order.len()).filter_map(|position| state.row_at(position)).filter(is_new).count();
    let hidden = state.unacked() - shown;
    (hidden > 0).then(|| format!("{hidden} unacked hidden by the filter"))
}

/// Draws the prompt or the question that is open, else what was just done.
pub(super) fn toast(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    // A prompt without a line of its own stands over the status: who types must see it.
    let own = layout.toast;
    let asked = match &state.mode {
        Mode::Browse | Mode::Help { .. } | Mode::Inbox { .. } => None,
        Mode::Results { .. } | Mode::Read { .. } | Mode::History { .. } => None,
        Mode::Menu { verb: Action::LinkOpen | Action::RunbookTick, .. } => None,
        Mode::Preview(Preview { needs: Needs::Yes, .. }) => None,
        Mode::Preview(Preview { needs: Needs::Count(editor), items, .. }) => {
            Some((format!(" type {}: ", items.len()), editor, String::new()))
        }
        Mode::Filter { editor, wrong, .. } => {
            let hint = wrong.as_ref().map_or(String::new(), ToString::to_string);
            Some((" /".to_owned(), editor, hint))
        }
        Mode::HelpFilter { editor, .. } => Some((" /".to_owned(), editor, String::new())),
        Mode::Entry { verb, targets, editor, says } => {
            let hint = if *verb == Action::IncidentNote { String::new() } else { hint(says) };
            Some((label(*verb, targets), editor, hint))
        }
        Mode::Command { editor, says, .. } => {
            let listed = palette::has_room(layout) && !state.palette.offers.is_empty();
            let hint = match editor.text().contains(' ') {
                true => hint(says),
                false if listed => String::new(),
                false => matching(editor.text()).join(" "),
            };
            Some((" :".to_owned(), editor, hint))
        }
        Mode::Menu { verb, targets, choices } => {
            let area = clear(canvas, own.unwrap_or(layout.status));
            let words = choices.iter().enumerate().map(|(place, choice)| {
                format!("{} {}", place + 1, if choice.words.is_empty() { "next level" } else { &choice.words })
            });
            let words: Vec<String> = words.collect();
            let line = format!("{}{}  c type it", label(*verb, targets), words.join("  "));
            canvas.line(area, &Line::of(Role::PromptDanger, &line));
            return;
        }
        Mode::Confirm(confirm) => {
            let area = clear(canvas, own.unwrap_or(layout.status));
            canvas.line(area, &Line::of(Role::Text, " ").safe(Role::PromptDanger, confirm.question.clone()));
            return;
        }
    };
    match (asked, &state.toast) {
        (Some((label, editor, hint)), _) => {
            let again = "the line's end came with its text: press it again";
            let hint = if state.guard.again { again.to_owned() } else { hint };
            let area = clear(canvas, own.unwrap_or(layout.status));
            prompt(area, &label, editor, &hint, wrong(&state.mode), canvas);
        }
        (None, Some(toast)) => {
            let role = if toast.warn { Role::ToastWarn } else { Role::ToastInfo };
            // Bad news takes the status line where it has no line of its own; good news is dropped there.
            if let Some(area) = own.or(toast.warn.then_some(layout.status)) {
                let area = clear(canvas, area);
                let text = Line::of(Role::Text, " ").safe(role, toast.text.clone());
                match undoes(state).filter(|undo| !toast.warn && text.width() + undo.width() < area.width.into()) {
                    Some(undo) => canvas.ends(area, &text, &undo),
                    None => canvas.line(area, &text),
                }
            }
        }
        (None, None) => beneath(state, layout, canvas),
    }
}

/// Draws, where only the list has room, the summary that the list had to cut, on the line that would else be empty.
fn beneath(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let listed = matches!(state.mode, Mode::Browse) && layout.detail.is_none() && !layout.list.is_empty();
    if let (true, Some(area), Some(row)) = (listed, layout.toast, state.row()) {
        canvas.line(area, &Line::of(Role::Dim, " ").with(Role::Text, &row.incident.summary));
    }
}

/// Returns what the key for undo takes back, where that is what this screen did last.
fn undoes(state: &State) -> Option<Line> {
    let (undo, latest) = (state.picture.undo.first()?, state.latest.as_ref()?);
    let own = latest.incident == undo.incident && latest.act.known() == Some(undo.kind) && undo.refused.is_none();
    let key = keys_in(state, Action::UndoLast, state.contexts()).filter(|_| own && !state.readonly)?;
    let what = format!("{key} undoes {} {} ", undo.kind.word(), latest.number);
    Some(Line::of(Role::Dim, &what))
}

fn hint(says: &Gist) -> String {
    match says {
        Ok(text) | Err(text) => text.to_string(),
    }
}

/// Returns the words before a prompt: the verb, and what it is on.
fn label(verb: Action, targets: &[Arc<Incident>]) -> String {
    let what = match targets {
        [one] => one.number.to_string(),
        more => format!("{} incidents", more.len()),
    };
    if verb == Action::IncidentNote { format!(" Note on {what}: ") } else { format!(" {} {what}: ", verb::word(verb)) }
}

/// Draws a line being typed; what stands before the cursor scrolls away at the left, so the cursor is always seen.
/// Returns which bytes of the line are no query.
fn wrong(mode: &Mode) -> Range<usize> {
    match mode {
        Mode::Filter { wrong: Some(error), .. } => error.span.clone(),
        _ => 0..0,
    }
}

/// Adds a part of the typed line that begins at that byte of it; what is wrong in it is marked.
fn typed(mut line: Line, text: &str, at: usize, wrong: &Range<usize>) -> Line {
    let place = |byte: usize| text.floor_char_boundary(byte.saturating_sub(at).min(text.len()));
    let (start, end) = (place(wrong.start), place(wrong.end));
    for (role, part) in
        [(Role::Text, &text[..start]), (Role::PromptDanger, &text[start..end]), (Role::Text, &text[end..])]
    {
        line = line.safe(role, SafeText::line(part, usize::MAX));
    }
    line
}

fn prompt(area: Rect, label: &str, editor: &Editor, hint: &str, wrong: Range<usize>, canvas: &mut Canvas<'_>) {
    let (before, behind) = editor.split();
    let label = Line::of(Role::Prompt, label);
    let room = usize::from(area.width).saturating_sub(label.width() + 2);
    let mut start = 0;
    while SafeText::line(&before[start..], usize::MAX).width() > room {
        start += before[start..].chars().next().map_or(1, char::len_utf8);
    }
    let under = behind.chars().next();
    let width = under.map_or(0, char::len_utf8);
    let line =
        typed(label, &before[start..], start, &wrong).with(Role::PromptCursor, &under.unwrap_or(' ').to_string());
    let line = typed(line, &behind[width..], before.len() + width, &wrong);
    canvas.line(area, &line.with(Role::Dim, &format!("  {hint}")));
}

/// Draws what is shown of how much, and how the hub is. Where it is narrow, marks go first, then the filter's words, then what has its
/// own sign in the list; mode, count and hub never.
pub(super) fn status(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    let right = right(state);
    let room = usize::from(layout.status.width).saturating_sub(right.width() + 1);
    let dropped: [&[Part]; 5] = [
        &[],
        &[Part::Marks],
        &[Part::Marks, Part::Filter],
        &[Part::Marks, Part::Filter, Part::Frozen, Part::Zone],
        &[Part::Marks, Part::Filter, Part::Frozen, Part::Zone, Part::Pending, Part::Words],
    ];
    let mut lines = dropped.into_iter().map(|dropped| left(state, dropped));
    let fits = lines.find(|line| line.width() <= room);
    canvas.ends(layout.status, &fits.unwrap_or_else(|| left(state, dropped[4])), &right);
}

/// What the left of the status line may do without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Marks,
    Filter,
    Frozen,
    Zone,
    Pending,
    /// The words beside the numbers.
    Words,
}

fn left(state: &State, dropped: &[Part]) -> Line {
    let picture = &state.picture;
    let (shown, total) = (state.order.len(), picture.rows.len() + picture.rows_hidden);
    let mode = match (state.readonly, picture.demo) {
        (true, _) => " RO  ",
        (false, true) => " DEMO  ",
        (false, false) => " RW  ",
    };
    let role = if shown < total { Role::FilterHides } else { Role::Text };
    let has = |part: Part| !dropped.contains(&part);
    let count = if has(Part::Words) { format!("{shown} of {total} shown") } else { format!("{shown}/{total}") };
    let calls = match state.pinned {
        0 => String::new(),
        1 => ", 1 of them calls you".to_owned(),
        many => format!(", {many} of them call you"),
    };
    let calls = if has(Part::Marks) { calls } else { String::new() };
    let mut left = Line::of(Role::Title, mode).with(role, &count).with(role, &calls);
    if state.guard.locked {
        left = left.with(Role::PromptDanger, " LOCKED ");
    }
    let silenced = picture.rows.iter().filter(|row| row.incident.silenced.is_some()).count();
    if silenced > 0 && has(Part::Pending) {
        left = left.with(Role::Dim, &format!("  {silenced} silenced"));
    }
    if !state.filter.is_all() && has(Part::Filter) {
        left = left.with(Role::Text, "  filter: ").with(Role::Text, state.filter.text());
    }
    if state.frozen && has(Part::Frozen) {
        left = left.with(Role::Title, "  frozen");
    } else if state.held && has(Part::Frozen) {
        left = left.with(Role::Dim, "  order held");
    }
    if state.sort != Sort::default() && has(Part::Frozen) {
        left = left.with(Role::Text, &format!("  by {}", state.sort.word()));
    }
    if !state.marks.is_empty() && has(Part::Marks) {
        let range = if state.range.is_some() { ", v ends the range" } else { "" };
        left = left.with(Role::Title, &format!("  {} marked{range}", state.marks.len()));
    }
    if state.shape.local && has(Part::Zone) {
        left = left.with(Role::Dim, "  local time");
    }
    if !state.pending.is_empty() && has(Part::Pending) {
        let keys: Vec<String> = state.pending.iter().map(ToString::to_string).collect();
        left = left.with(Role::Dim, &format!("  {} ...", keys.join(" ")));
    }
    left
}

fn right(state: &State) -> Line {
    let (hub, role) = match &state.picture.link {
        Link::Connecting => ("hub ?".to_owned(), Role::Connecting),
        Link::Live => ("hub ok".to_owned(), Role::Live),
        Link::Stale { since } => (format!("hub silent {}", words::clock(*since)), Role::Stale),
        Link::Offline { since, .. } => (format!("hub DOWN {}", words::clock(*since)), Role::Offline),
    };
    let unsent = state.picture.unsent;
    let mute = match state.attention.mute {
        Mute::Off => None,
        Mute::On => Some("BELL OFF".to_owned()),
        Mute::Until(at) => Some(format!("BELL OFF to {}", words::clock(at))),
    };
    let letters = state.inbox().len();
    let line = match letters {
        0 => Line::of(role, &hub),
        _ => Line::of(Role::StateNew, &format!("inbox {letters}")).with(Role::Text, " | ").with(role, &hub),
    };
    let line = mute
        .map_or(Line::default(), |mute| Line::of(Role::Unsent, &format!(" {mute} ")).with(Role::Text, " "))
        .then(line);
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
        if let Some(binding) = state.key_for(*action, state.contexts()) {
            let own = binding.arm(&|condition| state.holds(condition)).and_then(|arm| arm.desc.as_deref());
            // What is done already is not cancelled by the key that closes its list.
            let only_shown =
                matches!(state.mode, Mode::Results { .. } | Mode::Read { .. } | Mode::History { .. } | Mode::Browse);
            let done = only_shown && *action == Action::PromptCancel;
            let word = match action {
                _ if done => Action::ViewBack.short(),
                Action::ConfirmForce if !forces(state) => "the other",
                _ => own.unwrap_or(action.short()),
            };
            line = line.with(Role::FooterKey, &binding.label()).with(Role::Footer, &format!(" {word}  "));
        }
    }
    canvas.line(area, &line);
}

/// Returns whether the second answer of the open question is the same act by force.
fn forces(state: &State) -> bool {
    let second = if let Mode::Confirm(confirm) = &state.mode { confirm.force.as_ref() } else { None };
    matches!(second, Some(Deed::Submit(Submission { act: Act::Resolve { .. }, .. })))
}

fn footer_actions(state: &State) -> &'static [Action] {
    use Action::*;
    match (&state.mode, state.focus) {
        (Mode::Help { .. }, _) => &[CursorDown, CursorUp, FilterOpen, ViewBack],
        (Mode::Command { .. }, _) => &[PromptAccept, PromptComplete, PromptCancel],
        (Mode::Filter { .. }, _) => &[PromptAccept, PromptComplete, PromptCancel],
        (Mode::HelpFilter { .. }, _) => &[PromptAccept, PromptCancel],
        (Mode::Entry { verb, .. }, _) if verb::names_a_person(*verb) => &[PromptAccept, PromptComplete, PromptCancel],
        (Mode::Entry { .. }, _) => &[PromptAccept, PromptCancel],
        (Mode::Menu { verb: LinkOpen | RunbookTick, .. }, _) => &[PromptCancel],
        (Mode::Menu { .. }, _) => &[ChooseOther, PromptCancel],
        (Mode::Preview(preview), _) => match (&preview.needs, preview.verb) {
            (Needs::Yes, ShiftHandover) => &[ConfirmYes, ChooseOther, PromptCancel],
            (Needs::Yes, _) => &[ConfirmYes, PromptCancel],
            (Needs::Count(_), _) => &[PromptAccept, PromptCancel],
        },
        (Mode::Results { .. } | Mode::Read { .. }, _) => &[CursorDown, CursorUp, PromptCancel],
        (Mode::History { .. }, _) => &[CursorDown, CursorUp, UndoLast, PromptCancel],
        (Mode::Inbox { .. }, _) => &[InboxNext, InboxDismiss, IncidentAccept, IncidentDecline, DetailOpen, ViewBack],
        (Mode::Confirm(confirm), _) if confirm.force.is_some() => &[ConfirmYes, ConfirmForce, PromptCancel],
        (Mode::Confirm(_), _) => &[ConfirmYes, PromptCancel],
        (Mode::Browse, _) if state.book.is_some() => {
            &[RunbookNext, RunbookWhole, RunbookRead, RunbookOther, PromptCancel, RunbookFind, RunbookOutline, CopyCode]
        }
        (Mode::Browse, Focus::Stream) => {
            &[IncidentAck, IncidentSnooze, IncidentEscalate, IncidentNote, FilterOpen, CommandOpen, UndoLast, HelpOpen]
        }
        (Mode::Browse, Focus::Detail) if state.shape.tab == Tab::Runbook => {
            &[RunbookNext, RunbookWhole, RunbookRead, RunbookTick, CopyCode, IncidentAck, ViewBack, HelpOpen]
        }
        (Mode::Browse, Focus::Detail | Focus::Side) => {
            &[IncidentAck, IncidentSnooze, IncidentEscalate, IncidentNote, ViewBack, CommandOpen, UndoLast, HelpOpen]
        }
    }
}

fn keys_in(state: &State, action: Action, contexts: &[Context]) -> Option<String> {
    state.key_for(action, contexts).map(Binding::label)
}
