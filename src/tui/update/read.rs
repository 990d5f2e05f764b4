//! Something to read opens at once and fills when it was read: looking at disks and hubs is not for the screen's thread.

use super::super::event::Effect;
use super::super::shared;
use super::super::state::{Mode, State};
use super::super::topic::Topic;
use super::super::view;
use super::moving;

/// Most lines that are shown; more would not be read by anybody.
const LINES_MAX: usize = 2000;

/// Opens a topic; `words` narrow it.
pub(super) fn open(state: &mut State, topic: Topic, words: &str) -> Vec<Effect> {
    if topic.is_shared() {
        let lines = Some(shared::lines(state, topic, words));
        state.mode = Mode::Read { topic, words: words.to_owned(), lines, scroll: 0 };
        return Vec::new();
    }
    state.mode = Mode::Read { topic, words: words.to_owned(), lines: None, scroll: 0 };
    vec![Effect::Read(topic, words.to_owned())]
}

/// Brings what is read of the picture up to a newer one.
pub(super) fn follow(state: &mut State) {
    let Mode::Read { topic, words, .. } = &state.mode else { return };
    if !topic.is_shared() {
        return;
    }
    let newer = shared::lines(state, *topic, words);
    if let Mode::Read { lines, .. } = &mut state.mode {
        *lines = Some(newer);
    }
}

/// Shows what was read, if it is still wanted.
pub(super) fn take(state: &mut State, topic: Topic, mut read: Vec<String>) {
    let Mode::Read { topic: wanted, lines, .. } = &mut state.mode else { return };
    if topic != *wanted {
        return;
    }
    let first = if topic.ends_newest() { read.len().saturating_sub(LINES_MAX) } else { 0 };
    read.drain(..first);
    read.truncate(LINES_MAX);
    *lines = Some(read);
    if topic.ends_newest() {
        let end = view::sheet_scroll_max(state);
        if let Mode::Read { scroll, .. } = &mut state.mode {
            *scroll = end;
        }
    }
    moving::clamp_scroll(state);
}
