#![doc = include_str!("architecture.md")]

pub mod cli;
pub mod config;
pub mod domain;
pub mod hub;
pub mod ingest;
pub mod log;
pub mod notify;
pub mod query;
pub mod rules;
pub mod runbook;
pub mod store;
pub mod sync;
pub mod tui;
