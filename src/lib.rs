#![doc = include_str!("architecture.md")]

pub mod domain;
pub mod ingest;
pub mod sync;
pub mod tui;
