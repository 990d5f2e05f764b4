//! Looks at databases that change nothing.

pub use super::sqlite::health::{Database, Health, Kept, examine, kept, sqlite_version};
