//! The full screen: events in, effects out, and a drawing of the state between.
//!
//! ```text
//!  input thread ──┐                        ┌─ Effect::Ask ──► Desk (never waits)
//!  newest picture ┼─► Event ─► update ─────┤
//!  hang-up watch ─┘              │         └─ Effect::Leave ─► end
//!                              State ─► view ─► only the cells that changed ─► terminal
//! ```
//!
//! `update` and `view` are plain functions: time is an argument, no thread, no disk, no terminal. `run.rs` holds all of those.

mod action;
mod editor;
mod event;
mod key;
mod keymap;
mod nearest;
mod palette;
mod recent;
mod sent;
mod theme;
mod topic;
mod verb;

mod history;
mod layout;
mod order;
mod overview;
mod past;
mod sieve;
mod state;
mod tier;
mod update;
mod view;

mod cells;
mod crash;
mod input;
mod out;
pub mod plain;
mod run;
mod screen;
mod session;
mod stage;
mod suspend;
mod watchdog;

#[cfg(test)]
mod tests;

pub use action::{Action, Group};
pub use event::Exit;
pub(crate) use key::{KeyPress, doubt};
pub use keymap::Choice;
pub(crate) use keymap::{Keymap, Library, Loaded, NAMES as KEYMAPS, dump, explain, json, list, markdown, schema};
pub(crate) use nearest::did_you_mean;
pub use run::{Console, Handle, Options, run};
pub(crate) use sent::{Sent, split};
pub use topic::{Reader, Topic};

/// Returns what is wrong in a keymap, a line for each problem with file and line.
pub fn keymap_problems(path: &std::path::Path) -> Vec<String> {
    Library::of(Some(path)).load(None, None).problems.iter().map(ToString::to_string).collect()
}
