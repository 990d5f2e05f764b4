//! The help screen: made from the table of actions and the keys as they are bound now.

use super::super::action::{Action, Group};
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::state::{Mode, State};
use super::super::theme::Role;
use super::super::update::spoken;
use super::paint::{Canvas, Line, wrap};
use crate::query::reference;
use std::collections::HashSet;

/// Cells of the keys.
const KEYS: usize = 16;
/// Cells of an action's name.
const NAME: usize = 21;
/// Cells of what is written in a query.
const WRITTEN: usize = 22;
/// Lines that the words of one action take at most.
const HELP_LINES_MAX: usize = 5;

/// Draws the part that is scrolled to.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    match state.mode {
        Mode::Help { scroll } => canvas.lines(layout.body, &lines(state), scroll),
        Mode::HelpFilter { .. } => canvas.lines(layout.body, &lines(state), 0),
        _ => {}
    }
}

/// Returns all lines, or those alone that hold the words looked for.
pub(super) fn lines(state: &State) -> Vec<Line> {
    let words = state.help_words.trim().to_lowercase();
    let holds = |text: &str| words.is_empty() || text.to_lowercase().contains(&words);
    let mut lines = vec![Line::of(Role::Title, &head(state, &words))];
    for group in Group::ALL {
        let of_group = Action::ALL.iter().filter(|action| action.group() == group);
        let entries = of_group.flat_map(|action| entry(state, *action, &places(state, group), &holds));
        section(&mut lines, group.title(), entries.collect());
    }
    let meaning = |(word, says): &(&str, &str)| {
        Line::of(Role::Text, "  ").cell(Role::FooterKey, KEYS, word).with(Role::Text, says)
    };
    let states = STATES.iter().filter(|(word, says)| holds(&format!("{word} {says}"))).map(meaning);
    section(&mut lines, "What STAT says", states.collect());
    for part in reference::reference() {
        let told = part.lines.iter().filter(|line| holds(&format!("{} {}", line.write, line.means)));
        let told = told.flat_map(|line| written(state, line)).collect();
        section(&mut lines, &format!("What a filter says: {}", part.title.to_lowercase()), told);
    }
    let problems = state.problems.iter().map(|problem| format!("  {problem}")).filter(|text| holds(text));
    section(&mut lines, "What is wrong in your keymap", problems.map(|text| Line::of(Role::Text, &text)).collect());
    lines
}

fn head(state: &State, words: &str) -> String {
    let name = &state.keymap_names.0;
    match words {
        "" => format!(" Keys here (keymap {name}). Each name is a command too: type : and the name."),
        words => format!(" What holds \"{words}\" (keymap {name})"),
    }
}

/// Returns the places whose keys are listed; those of one place hide each other.
fn places(state: &State, group: Group) -> Vec<Vec<Context>> {
    let pane = state.pane_contexts().to_vec();
    match group {
        Group::Prompt => [Context::Prompt, Context::Confirm, Context::Menu].map(|one| vec![one]).to_vec(),
        Group::Inbox => vec![vec![Context::Inbox]],
        Group::Incident => vec![pane, vec![Context::Inbox]],
        _ => vec![pane],
    }
}

/// Puts lines under a heading, unless there are none.
fn section(lines: &mut Vec<Line>, title: &str, entries: Vec<Line>) {
    if !entries.is_empty() {
        lines.push(Line::default());
        lines.push(Line::of(Role::Title, &format!(" {title}")));
        lines.extend(entries);
    }
}

/// The marks of the STAT column.
const STATES: [(&str, &str); 12] = [
    ("NEW", "burns, and nobody has it"),
    ("ACK", "somebody is on it, confirmed by the hub"),
    ("NEW>ack", "you asked for it; the hub has not confirmed"),
    ("SNZ", "quiet until a time; the detail says until when"),
    ("WAI", "quiet because somebody else must act first"),
    ("RCV", "all series are over; resolved unless one fires again"),
    ("UNK", "its source is silent: nobody knows"),
    ("UNK/ACK", "the same, and somebody has it; UNK/SNZ, UNK/WAI: it is quiet"),
    ("RES", "resolved"),
    ("!", "overdue: every level was called, and nobody took it"),
    ("?", "only this machine knows; the hub was not reached"),
    ("S?", "a severity that no rule knows: unexamined, not low"),
];

/// Returns the lines of one way to write something in a query.
fn written(state: &State, line: &reference::Line) -> Vec<Line> {
    let room = usize::from(state.width).saturating_sub(2 + WRITTEN + 2).max(12);
    let words = wrap(&line.means, room, 2 * HELP_LINES_MAX);
    // What is too long for its column has a line of its own.
    let own = line.write.chars().count() > WRITTEN;
    let first = own.then(|| Line::of(Role::Text, "  ").with(Role::FooterKey, &line.write));
    let cell = |place: usize| if place == 0 && !own { line.write.as_str() } else { "" };
    let rest = words.iter().enumerate().map(|(place, text)| {
        Line::of(Role::Text, "  ").cell(Role::FooterKey, WRITTEN, cell(place)).with(Role::Text, text)
    });
    first.into_iter().chain(rest).collect()
}

/// Returns the lines of one action: its words go on below where the screen is narrow. None where it does not hold what is looked for.
fn entry(state: &State, action: Action, places: &[Vec<Context>], holds: &dyn Fn(&str) -> bool) -> Vec<Line> {
    let bindings: Vec<_> = places.iter().flat_map(|contexts| state.keymap.keys_of(action, contexts)).collect();
    let mut keys: Vec<String> = bindings.iter().map(|binding| binding.label()).collect();
    let mut seen = HashSet::new();
    keys.retain(|keys| seen.insert(keys.clone()));
    let keys = if keys.is_empty() { format!(":{}", spoken(action)) } else { keys.join(", ") };
    // The person's own words, where the keymap has some.
    let arms = bindings.iter().flat_map(|binding| &binding.arms).filter(|arm| arm.actions.contains(&action));
    let own = arms.filter_map(|arm| arm.desc.as_deref()).next();
    let help = own.unwrap_or(action.help());
    if !holds(&format!("{keys} {} {help}", action.name())) {
        return Vec::new();
    }
    let before = 2 + KEYS + 1 + NAME + 1;
    let room = usize::from(state.width).saturating_sub(before + 1).max(16);
    let words = wrap(help, room, HELP_LINES_MAX);
    let first = Line::of(Role::Text, "  ").cell(Role::FooterKey, KEYS, &keys).cell(Role::Dim, NAME, action.name());
    let below = || Line::of(Role::Text, "").cell(Role::Text, before - 1, "");
    let starts = std::iter::once(first).chain(std::iter::repeat_with(below));
    starts.zip(words).map(|(start, words)| start.with(Role::Text, &words)).collect()
}
