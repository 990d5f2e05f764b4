//! Looks at databases, for `doctor`: nothing is changed by them.

pub use super::sqlite::health::{Database, Health, Kept, examine, kept, sqlite_version};
