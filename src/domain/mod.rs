//! What is true: plain data and pure rules. Nothing here reads a clock, draws a random number or does I/O.

pub mod id;
pub mod label;
pub mod nearest;
pub mod severity;
pub mod text;
pub mod time;
pub mod when;

pub mod event;

pub mod series;

pub mod course;
pub mod grouping;
pub mod incident;
pub mod item;

pub mod envelope;
pub mod judge;
pub mod op;
pub mod paging;
pub mod scope;
mod script;
pub mod silence;
