//! Runbooks: what stands in a file, how it is shown, and what of it must be read again.
//!
//! ```text
//! bytes -> Runbook::read -> Runbook { title, owner, matches, urls, body }      or the first Mistake, with its line
//! Runbook::page -> Page                                                        blocks of Markdown, flat
//! Page::lines(width, labels) -> Vec<Line>                                      styled spans, safe for a terminal
//! changes(&old, &new) -> Changes { hunks }; Hunk::lines(width) -> Vec<Line>    what a reader of the old text must look at
//! ```
//!
//! Nothing here knows a clock, a file or a screen. Every text is bounded in size, depth and count, so that a hostile file costs no more
//! than a long one.

mod align;
mod blocks;
pub mod changes;
pub mod fill;
pub mod front;
mod hunk;
pub mod line;
pub mod page;
mod plan;
mod render;
mod table;
pub mod template;
#[cfg(test)]
pub(crate) mod tests;
mod units;
mod words;
mod wrap;

pub use changes::{Changes, Hunk, HunkKind, changes};
pub use front::{FILE_BYTES_MAX, Mistake, Runbook};
pub use line::{Callout, Line, Mark, Role, Span};
pub use page::{CodeBlock, Heading, Page, Task};
