//! Hunks in lines.

use super::changes::Hunk;
use super::line::Line;

/// A row of a hunk.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Row;

pub(super) fn lines(_hunk: &Hunk, _width: usize) -> Vec<Line> {
    Vec::new()
}
