//! The help screen: made from the table of actions and the keys as they are bound now.

use super::super::action::{Action, Group};
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::state::{Focus, Mode, State};
use super::super::theme::Role;
use super::paint::{Canvas, Line, wrap};
use std::collections::HashSet;

/// Cells of the keys.
const KEYS: usize = 16;
/// Cells of an action's name.
const NAME: usize = 21;
/// Lines that the words of one action take at most.
const HELP_LINES_MAX: usize = 5;

/// Draws the part that is scrolled to.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if let Mode::Help { scroll } = state.mode {
        canvas.lines(layout.body, &lines(state), scroll);
    }
}

/// Returns all lines.
pub(super) fn lines(state: &State) -> Vec<Line> {
    let pane = if state.focus == Focus::Stream { Context::Stream } else { Context::Detail };
    let mut lines = vec![Line::of(Role::Title, " Keys here. Each name is a command too: type : and the name.")];
    for group in Group::ALL {
        lines.push(Line::default());
        lines.push(Line::of(Role::Title, &format!(" {}", group.title())));
        let of_group = Action::ALL.iter().filter(|action| action.group() == group);
        let contexts = match group {
            Group::Prompt => vec![Context::Prompt, Context::Confirm, Context::Menu],
            Group::Inbox => vec![Context::Inbox],
            Group::Incident => vec![pane, Context::Global, Context::Inbox],
            _ => vec![pane, Context::Global],
        };
        lines.extend(of_group.flat_map(|action| entry(state, *action, &contexts)));
    }
    lines.push(Line::default());
    lines.push(Line::of(Role::Title, " What STAT says"));
    let meaning = |(word, says): &(&str, &str)| {
        Line::of(Role::Text, "  ").cell(Role::FooterKey, KEYS, word).with(Role::Text, says)
    };
    lines.extend(STATES.iter().map(meaning));
    if !state.problems.is_empty() {
        lines.push(Line::default());
        lines.push(Line::of(Role::Title, " What is wrong in your keymap"));
        lines.extend(state.problems.iter().map(|problem| Line::of(Role::Text, &format!("  {problem}"))));
    }
    lines
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

/// Returns the lines of one action: its words go on below where the screen is narrow.
fn entry(state: &State, action: Action, contexts: &[Context]) -> Vec<Line> {
    let mut keys: Vec<String> = state.keymap.keys_of(action, contexts).iter().map(|binding| binding.label()).collect();
    let mut seen = HashSet::new();
    keys.retain(|keys| seen.insert(keys.clone()));
    let keys = if keys.is_empty() { "(no key)".to_owned() } else { keys.join(", ") };
    let before = 2 + KEYS + 1 + NAME + 1;
    let room = usize::from(state.width).saturating_sub(before + 1).max(16);
    let words = wrap(action.help(), room, HELP_LINES_MAX);
    let first = Line::of(Role::Text, "  ").cell(Role::FooterKey, KEYS, &keys).cell(Role::Dim, NAME, action.name());
    let below = || Line::of(Role::Text, "").cell(Role::Text, before - 1, "");
    let starts = std::iter::once(first).chain(std::iter::repeat_with(below));
    starts.zip(words).map(|(start, words)| start.with(Role::Text, &words)).collect()
}
