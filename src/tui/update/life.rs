//! The program's own life: stopped for a while, continued, failed.

use super::super::crash::Past;
use super::super::event::Effect;
use super::super::state::{Deed, Mode, State};
use super::act;
use crate::sync::desk::Ask;

/// Stops for a while, or asks first where others would miss the hub in this process.
pub(super) fn suspend(state: &mut State) -> Vec<Effect> {
    let serves = state.picture.ingest.is_some() && !state.picture.demo;
    if !serves {
        return vec![Effect::Suspend];
    }
    let question = "Suspend? y, Esc stays: the hub stops too, for everybody, until you come back";
    state.mode = Mode::Confirm(act::asked(question, Deed::Suspend));
    Vec::new()
}

/// Says why the process was not stopped.
pub(super) fn no_shell(state: &mut State) -> Vec<Effect> {
    state.warn("nothing to return to: no shell waits here that could continue this; :quit leaves");
    Vec::new()
}

/// Draws all anew and catches up: nothing came and nothing showed while the process stood still. The mirror's thread says how long.
pub(super) fn continued(_: &mut State) -> Vec<Effect> {
    vec![Effect::Repaint, Effect::Ask(Ask::Wake)]
}

impl State {
    /// Takes what is known of an earlier failure, and says it once.
    pub(crate) fn take_crash(&mut self, past: Option<Past>) {
        let Some(Past { newest, is_new }) = past else { return };
        if is_new {
            let name = newest.file_name().unwrap_or_default().to_string_lossy();
            self.warn(format!("nightdesk failed when it ran last: {name}; :crash says where"));
        }
    }
}
