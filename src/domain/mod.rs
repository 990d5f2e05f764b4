//! What is true: plain data and pure rules. Nothing here reads a clock, draws a random number or does I/O.

pub mod id;
pub mod label;
pub mod nearest;
pub mod severity;
pub mod similar;
pub mod text;
pub mod time;
pub mod when;

pub mod event;

pub mod series;

pub mod course;
pub mod grouping;
pub mod holds;
pub mod incident;

pub mod change;
pub mod claim;
pub mod day;
pub mod item;
pub mod source;

pub mod envelope;
pub mod judge;
pub mod op;
pub mod paging;
pub mod runbook;
pub mod scope;
mod script;
pub mod silence;
