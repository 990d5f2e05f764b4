//! Silences: asked for with what they fit, and made by the hub alone.

use super::super::action::Action;
use super::super::event::Effect;
use super::super::order;
use super::super::state::{Confirm, Deed, Mode, State};
use super::super::topic::Topic;
use super::{act, guard, read};
use crate::domain::text::SafeText;
use crate::query::silencing::{silencing, timed};
use crate::sync::picture::Row;

/// Incidents that are named in the question.
const NAMED_MAX: usize = 8;
/// How to write one.
const USAGE: &str = "silence {service=\"pay\"} 2h REASON";

/// Asks whether that is meant: what it fits now, until when.
pub(crate) fn said(state: &mut State, words: &str) {
    if guard::refuses(state, Action::SilenceMake) {
        return;
    }
    if !state.is_live() {
        return state.warn("only a hub silences, and it is not reached: nothing was done");
    }
    let Some((query, within, reason)) = timed(words) else {
        return state.warn(format!("nothing was silenced; write {USAGE}"));
    };
    if reason.is_empty() {
        return state.warn(format!("nothing was silenced: say why; {USAGE}"));
    }
    let (query, text) = match silencing(query) {
        Ok(read) => read,
        Err(why) => return state.warn(format!("nothing was silenced: {why}")),
    };
    let fits = order::fit(state, &query);
    let row = |row: &&Row| fits.contains(&row.incident.id);
    let numbers: Vec<String> = state.unresolved().filter(row).map(|row| row.incident.number.to_string()).collect();
    let more = if numbers.len() > NAMED_MAX { " .." } else { "" };
    let named = numbers.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(" ");
    let what = match numbers.len() {
        0 => "fits nothing that is open now".to_owned(),
        1 => format!("fits 1 open incident: {named}"),
        count => format!("fits {count} open incidents: {named}{more}"),
    };
    let until = super::super::verb::Scene { state, now: state.now }.told(state.now.plus(within));
    let question = format!("Silence until {until}? y, Esc leaves: {text}");
    let notes = [
        format!("It {what}."),
        "Quiet is what silences cover whole; it is shown all the same.".to_owned(),
        "What still burns at the end calls at once.".to_owned(),
    ];
    let notes = notes.map(|text| SafeText::line(&text, 200)).to_vec();
    state.mode = Mode::Confirm(Confirm { notes, ..act::asked(&question, Deed::Silence(words.to_owned())) });
}

/// Lets the hub make it.
pub(super) fn make(state: &mut State, words: &str) -> Vec<Effect> {
    read::open(state, Topic::Silence, words)
}
