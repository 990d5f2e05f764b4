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
mod files;
mod key;
mod keymap;
pub(crate) use crate::domain::nearest;
pub mod outward;
mod palette;
mod reader;
mod recent;
mod sent;
mod theme;
mod topic;
mod verb;

mod history;
mod layout;
mod links;
mod order;
mod overview;
mod past;
mod state;
mod tier;
mod update;
mod view;
mod views;

mod cells;
mod crash;
mod input;
mod look;
mod out;
pub mod plain;
mod run;
mod screen;
mod session;
mod shared;
mod showing;
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
pub use showing::{theme_faults, theme_names, theme_sample};
pub use state::Graph;
pub use topic::{Reader, Topic};
