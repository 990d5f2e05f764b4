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
pub mod outward;
mod theme;
mod verb;

mod layout;
mod links;
mod order;
mod overview;
mod state;
mod update;
mod view;

mod cells;
mod crash;
mod input;
mod out;
mod run;
mod screen;
mod stage;
mod suspend;
mod watchdog;

#[cfg(test)]
mod tests;

pub use action::{Action, Group};
pub use crash::{Recent, recent};
pub use event::Exit;
pub use run::{Console, Handle, Options, run};
