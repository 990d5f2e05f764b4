//! Reading a runbook: what of it was on the screen, where the next change is, and "I've read it".

use super::super::action::Action;
use super::super::editor::Editor;
use super::super::event::Effect;
use super::super::layout::{Focus, Stand, Tab};
use super::super::outward::errand::Clip;
use super::super::reader;
use super::super::state::{Choice, Mode, State, Submission};
use super::super::view;
use super::{act, command, hands, moving, panes};
use crate::domain::id::{IncidentId, Number};
use crate::domain::op::{Act, Basis};
use crate::domain::runbook::{REMARK_BYTES_MAX, Reading, RunbookName, TASK_BYTES_MAX};
use crate::domain::series::{Series, common_labels};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::query::coverage::Due;
use crate::runbook::{self, Heading};
use crate::sync::desk::Ask;
use crate::sync::picture::{Beside, Detail};
use std::sync::Arc;

/// Tasks that a menu has room for.
const TASKS_MAX: usize = 9;

/// Opens the runbook of the incident under the cursor, and lets the keys move it.
pub(super) fn open(state: &mut State) {
    leave(state);
    panes::tab(state, Tab::Runbook);
    if state.shape.tab != Tab::Runbook || !matches!(state.mode, Mode::Browse) {
        return;
    }
    // A text wants more room than a preview has.
    match state.layout().stand {
        Stand::Single | Stand::Stacked => super::open(state),
        Stand::Two | Stand::Three => state.focus = Focus::Detail,
    }
}

/// What is read: the runbook that is open over the panes, or those of the incident under the cursor.
enum Open {
    Book(Arc<Beside>),
    Detail(Arc<Detail>),
}

impl Open {
    fn runbooks(&self) -> &[Beside] {
        match self {
            Self::Book(beside) => std::slice::from_ref(beside),
            Self::Detail(detail) => &detail.runbooks,
        }
    }

    fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::Book(_) => None,
            Self::Detail(detail) => Some(detail.incident),
        }
    }

    fn series(&self) -> &[Series] {
        match self {
            Self::Book(_) => &[],
            Self::Detail(detail) => &detail.series,
        }
    }
}

/// Returns what is read, where a runbook is what the screen shows.
fn opened(state: &State) -> Option<Open> {
    if let Some(name) = &state.book {
        return state.picture.book.clone().filter(|book| book.runbook.name == *name).map(Open::Book);
    }
    let is_read = state.shape.tab == Tab::Runbook && state.layout().detail.is_some();
    let detail = state.picture.detail.clone().filter(|detail| is_read && state.selected == Some(detail.incident));
    detail.map(Open::Detail)
}

fn with_chosen<T>(state: &State, then: impl FnOnce(&State, &Beside) -> T) -> Option<T> {
    let opened = opened(state)?;
    state.reader.chosen(opened.runbooks()).map(|beside| then(state, beside))
}

/// Opens a runbook by its name, or the only one whose name ends so, over the panes.
pub(super) fn open_book(state: &mut State, words: &str, now: Timestamp) {
    let known = &state.picture.items.runbooks;
    let ends = |name: &&String| name.ends_with(words);
    let found: Vec<&String> = match known.contains_key(words) {
        true => known.keys().filter(|name| *name == words).collect(),
        false => known.keys().filter(ends).collect(),
    };
    let name = match found.as_slice() {
        [name] => known[*name].name.clone(),
        [] => return state.warn(format!("no runbook {words:?}; :runbooks lists them")),
        more => return state.warn(format!("{} runbooks end so; write more of the name", more.len())),
    };
    state.tell(format!("{name}; Esc closes it"), now);
    turn_to(state, Some(name));
}

/// Closes the runbook that is open over the panes, after the search in it; returns whether there was one.
pub(super) fn close(state: &mut State) -> bool {
    let is_read = state.book.is_some() || state.shape.tab == Tab::Runbook;
    if is_read && state.reader.forget_words() {
        return true;
    }
    let was_open = state.book.is_some();
    if was_open {
        turn_to(state, None);
    }
    was_open
}

/// Closes the runbook that is open over the panes: something else is to be seen.
pub(super) fn leave(state: &mut State) {
    if state.book.is_some() {
        turn_to(state, None);
    }
}

fn turn_to(state: &mut State, book: Option<RunbookName>) {
    state.book = book;
    state.reader.begin();
    state.detail_scroll = 0;
}

/// Makes the lines for what is looked at now and for this width.
pub(super) fn settle(state: &mut State) {
    let Some(opened) = opened(state) else { return };
    let incident = opened.incident();
    if state.reader.sheet.as_ref().is_some_and(|sheet| !sheet.is_of(incident)) {
        state.reader.begin();
    }
    let Some(beside) = state.reader.chosen(opened.runbooks()) else {
        state.reader.sheet = None;
        return;
    };
    let width = view::detail_width(state);
    let before = state.reader.sheet.as_ref().map(|sheet| sheet.text.clone());
    if state.reader.turn_to(incident, beside, opened.series(), width) {
        if before != state.reader.sheet.as_ref().map(|sheet| sheet.text.clone()) {
            state.detail_scroll = state.reader.place_of(&beside.anchor).unwrap_or(0);
        }
        moving::clamp_scroll(state);
    }
}

/// Notes what stood on the screen when a key was pressed: somebody was there.
pub(super) fn saw(state: &mut State) {
    if opened(state).is_none() || !matches!(state.mode, Mode::Browse | Mode::Entry { .. } | Mode::Menu { .. }) {
        return;
    }
    if let Some(lines) = view::runbook_shown(state) {
        state.reader.saw(lines);
    }
}

/// Goes to the next change or heading, or to the one before.
pub(super) fn stop(state: &mut State, back: bool, now: Timestamp) {
    if opened(state).is_none() {
        return open(state);
    }
    match state.reader.stop(state.detail_scroll, back) {
        Some(line) => go(state, line),
        None if state.reader.finds() => {
            let round = if back { state.reader.found().last() } else { state.reader.found().next() };
            go(state, round.unwrap_or(0));
        }
        None if back => state.detail_scroll = 0,
        None => match state.reader.unseen() {
            // The last one stands on the screen already.
            None => state.tell("that was the last one", now),
            Some(line) => go(state, line),
        },
    }
}

fn go(state: &mut State, line: usize) {
    state.detail_scroll = line;
    moving::clamp_scroll(state);
}

/// Shows the whole text instead of what changed, or that again.
pub(super) fn whole(state: &mut State) {
    if opened(state).is_some() {
        state.reader.whole = !state.reader.whole;
        state.detail_scroll = 0;
    }
}

/// Goes to the next runbook of the incident, round and round; from one opened by its name to the next that this person should read.
pub(super) fn other(state: &mut State, now: Timestamp) {
    if let Some(name) = &state.book {
        // Receipts count at once, what is due is found out now and then.
        let after = |one: &&Due| one.runbook != *name && is_to_read(state, &one.runbook);
        let place = state.picture.due.iter().position(|due| due.runbook == *name).map_or(0, |place| place + 1);
        let due = &state.picture.due;
        let next = due[place..].iter().chain(&due[..place]).find(after).map(|due| due.runbook.clone());
        return match next {
            Some(next) => turn_to(state, Some(next)),
            None => state.tell("nothing else is for you to read", now),
        };
    }
    let count = opened(state).map_or(0, |opened| opened.runbooks().len());
    if count < 2 {
        return state.tell("there is no other runbook for this incident", now);
    }
    state.reader.at = (state.reader.at + 1) % count;
    (state.reader.whole, state.detail_scroll) = (false, 0);
    state.reader.forget_words();
}

/// Returns whether the person has not said yet that they read its current text.
fn is_to_read(state: &State, name: &RunbookName) -> bool {
    let items = &state.picture.items;
    items.runbooks.get(name.as_str()).and_then(|runbook| Some((runbook, runbook.current()?.revision))).is_some_and(
        |(runbook, revision)| {
            let reading = runbook.reading(&state.picture.user, items.readers.get(name.as_str()));
            let is_read = matches!(reading, Reading::Current { .. });
            !is_read && !reader::read_waits(&state.picture, name, revision)
        },
    )
}

/// Asks for words to find in the runbook.
pub(super) fn ask_find(state: &mut State, now: Timestamp) {
    if opened(state).is_none() {
        return state.tell("no runbook is open", now);
    }
    command::open(state, "find ");
}

/// Goes to the next line that has these words.
pub(super) fn find(state: &mut State, words: &str, now: Timestamp) {
    if opened(state).is_none() {
        return state.tell("no runbook is open", now);
    }
    let count = state.reader.find(words);
    let first = state.reader.found().find(|line| *line >= state.detail_scroll).or(state.reader.found().next());
    let Some(first) = first else {
        state.reader.forget_words();
        return state.warn(format!("not in it: {words}"));
    };
    go(state, first);
    let lines = if count == 1 { "1 line has".to_owned() } else { format!("{count} lines have") };
    state.tell(format!("{lines} it; {} goes on, Esc ends it", view::keys_of(state, Action::RunbookNext)), now);
}

/// Asks for a heading to go to.
pub(super) fn ask_heading(state: &mut State, now: Timestamp) {
    if state.reader.headings().next().is_none() || opened(state).is_none() {
        let key = view::keys_of(state, Action::RunbookWhole);
        return state.tell(format!("there are no headings; of what changed, {key} shows the whole"), now);
    }
    command::open(state, "heading ");
}

/// Goes to the next heading of these words, round and round.
pub(super) fn go_to_heading(state: &mut State, words: &str, now: Timestamp) {
    let from = state.detail_scroll;
    let fits = |(line, heading): &(usize, Heading)| (heading.title.as_str() == words).then_some(*line);
    let lines: Vec<usize> = state.reader.headings().filter_map(fits).filter(|_| opened(state).is_some()).collect();
    match lines.iter().find(|line| **line > from).or(lines.first()) {
        Some(line) => go(state, *line),
        None => state.tell(format!("no heading {words:?}"), now),
    }
}

/// Says that the person has read what was on the screen, once all of it was.
pub(super) fn confirm(state: &mut State, now: Timestamp) -> Vec<Effect> {
    if opened(state).is_none() {
        open(state);
        return Vec::new();
    }
    let is_news = with_chosen(state, |state, beside| {
        (!matches!(beside.reading, Reading::Current { .. }), reader::receipt_waits(&state.picture, beside))
    });
    let text = state.reader.sheet.as_ref().map(|sheet| sheet.text.clone());
    let (Some((is_news, waits)), Some(text)) = (is_news, text) else {
        state.tell("there is no text to confirm", now);
        return Vec::new();
    };
    if waits {
        state.tell("you said so; it waits for the hub", now);
        return Vec::new();
    }
    if !is_news {
        state.tell(format!("you read this text of {} before", text.runbook), now);
        return Vec::new();
    }
    let (seen, of) = state.reader.progress();
    if seen < of {
        if let Some(line) = state.reader.unseen() {
            go(state, line);
        }
        let what = if text.since.is_some() { "hunks" } else { "parts" };
        state.warn(format!("{seen} of {of} {what} were on the screen: here is the next; then again"));
        return Vec::new();
    }
    let act = Act::Read { runbook: text.runbook.clone(), revision: text.revision };
    state.tell(format!("\"I've read it\" {} {} ...", text.runbook, text.revision.short()), now);
    vec![apart(act)]
}

/// Returns the asking for what is about no incident.
fn apart(act: Act) -> Effect {
    let (incident, basis) = (IncidentId::from_bytes([0; 16]), Basis { rev: 0, claim_no: 0 });
    Effect::Ask(Ask::Submit { incident, basis, act })
}

/// Returns the lines of the sheet that are on the screen.
fn on_screen(state: &State) -> Vec<runbook::Line> {
    let (Some(sheet), Some(range)) = (&state.reader.sheet, view::runbook_shown(state)) else { return Vec::new() };
    sheet.lines.iter().skip(range.start).take(range.len()).cloned().collect()
}

/// Offers the items of the checklist that are on the screen.
pub(super) fn choose_task(state: &mut State, now: Timestamp) {
    if state.book.is_some() {
        return state.tell("items are ticked within an incident: open the runbook from there", now);
    }
    let Some(target) = state.row().map(|row| row.incident.clone()) else { return };
    let Some(sheet) = state.reader.sheet.clone().filter(|_| opened(state).is_some()) else {
        return state.tell("no runbook is open", now);
    };
    if sheet.text.since.is_some() {
        return state.tell("items are ticked in the whole text (w)", now);
    }
    let ticked = with_chosen(state, |_, beside| beside.ticks.clone()).flatten();
    let shown = on_screen(state).into_iter().filter_map(|line| sheet.tasks.get(line.task?).cloned());
    let choice = |task: runbook::Task| {
        let is_done = ticked.as_ref().is_some_and(|ticks| ticks.ticked.contains_key(&task.id));
        let sign = if is_done { "untick" } else { "tick" };
        Choice { words: task.id, label: SafeText::line(&format!("{sign}: {}", task.text), 200) }
    };
    let choices: Vec<Choice> = shown.take(TASKS_MAX).map(choice).collect();
    if choices.is_empty() {
        return state.tell("no item of a checklist is on the screen", now);
    }
    state.mode = Mode::Menu { verb: Action::RunbookTick, targets: vec![target], choices };
}

/// Ticks the chosen item within the incident, or takes the tick back.
pub(super) fn tick(state: &mut State, index: usize, now: Timestamp) -> Vec<Effect> {
    let Mode::Menu { choices, targets, .. } = &state.mode else { return Vec::new() };
    let (chosen, target) = (choices.get(index).map(|choice| choice.words.clone()), targets.first().cloned());
    let (Some(id), Some(target)) = (chosen, target) else { return Vec::new() };
    state.mode = Mode::Browse;
    let Some(sheet) = state.reader.sheet.clone() else { return Vec::new() };
    let Some(task) = sheet.tasks.iter().find(|task| task.id == id) else { return Vec::new() };
    let ticked = with_chosen(state, |_, beside| beside.ticks.clone()).flatten();
    let done = !ticked.is_some_and(|ticks| ticks.ticked.contains_key(&id));
    let text = task.text.as_str();
    let text = text[..text.floor_char_boundary(TASK_BYTES_MAX)].to_owned();
    let act = Act::Tick { runbook: sheet.text.runbook.clone(), task: id, text, done };
    act::submit(state, Submission::bind(&target, act), now)
}

/// Asks for words to the author, on the first line that is on the screen.
pub(super) fn ask_remark(state: &mut State, now: Timestamp) {
    let Some(first) = on_screen(state).into_iter().find(|line| line.source > 0).filter(|_| opened(state).is_some())
    else {
        return state.tell("no runbook is open", now);
    };
    let Some(target) = state.row().filter(|_| state.book.is_none()).map(|row| row.incident.clone()) else {
        return command::open(state, format!("remark {} ", first.source));
    };
    let editor = Editor::new(format!("{} ", first.source));
    state.mode = Mode::Entry { verb: Action::RunbookRemark, targets: vec![target], editor, says: Err(usage()) };
}

fn usage() -> SafeText {
    SafeText::from_static("LINE WORDS: to the author of the runbook")
}

/// Reads `LINE WORDS`.
pub(super) fn remark_of(state: &State, words: &str) -> Result<Act, SafeText> {
    let (line, words) = words.trim().split_once(' ').ok_or_else(usage)?;
    let line: u32 = line.parse().ok().filter(|line| *line > 0).ok_or_else(usage)?;
    let text = words.trim();
    if text.is_empty() {
        return Err(usage());
    }
    if text.len() > REMARK_BYTES_MAX {
        return Err(SafeText::line(&format!("longer than {REMARK_BYTES_MAX} bytes"), 80));
    }
    let of = state.reader.sheet.as_ref().map(|sheet| sheet.text.clone());
    let of = of.ok_or_else(|| SafeText::from_static("no runbook is open"))?;
    Ok(Act::Remark { runbook: of.runbook, revision: of.revision, line, text: text.to_owned() })
}

/// Hands the remark to the mirror.
pub(super) fn remark(state: &mut State, words: &str, now: Timestamp) -> Vec<Effect> {
    match remark_of(state, words) {
        Ok(act) => {
            state.mode = Mode::Browse;
            state.tell("remark ...", now);
            vec![apart(act)]
        }
        Err(why) => {
            state.warn_safe(why);
            Vec::new()
        }
    }
}

/// Copies the block of code that is on the screen, or begins next. Nothing is ever run.
pub(super) fn copy_code(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let Some(sheet) = state.reader.sheet.clone().filter(|_| opened(state).is_some()) else {
        state.tell("no runbook is open", now);
        return Vec::new();
    };
    let from = on_screen(state).first().map_or(0, |line| line.block);
    let Some(code) = sheet.codes.iter().find(|code| code.block >= from) else {
        let why =
            if sheet.text.since.is_some() { "code is copied from the whole text (w)" } else { "no code from here on" };
        state.tell(why, now);
        return Vec::new();
    };
    let labels = opened(state).map(|opened| common_labels(opened.series())).unwrap_or_default();
    let (text, left) = code.filled(&labels);
    let but = if left.is_empty() { "" } else { " (not all templates could be filled in)" };
    hands::put(state, Clip::of_lines(format!("code of line {}{but}", code.line), &text), now)
}

/// Copies the beginning of a runbook for this incident.
pub(super) fn begin_one(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let Some(row) = state.row() else { return Vec::new() };
    let (number, summary): (Number, String) = (row.incident.number, row.incident.summary.clone());
    let Some(detail) = state.picture.detail.clone().filter(|detail| state.selected == Some(detail.incident)) else {
        state.tell(format!("the series of {number} are not read yet; open it and try again"), now);
        return Vec::new();
    };
    let text = runbook::template::template(&summary, state.picture.user.as_str(), &common_labels(&detail.series));
    hands::put(state, Clip::of_lines(format!("beginning of a runbook for {number}"), &text), now)
}
