//! What changed between two texts, as a reader must see it.

use super::hunk;
use super::line::Line;
use super::page::Page;
use super::plan::Plan;
use super::units;
use crate::domain::text::SafeText;

/// What a reader of the older text must look at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// In the order of the newer text; what is gone stands where it stood.
    pub hunks: Vec<Hunk>,
}

/// What happened to a part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HunkKind {
    /// Some of it is other than it was.
    Changed,
    /// All of it is new.
    Added,
    /// All of it is gone.
    Removed,
    /// It stands elsewhere now; what changed in it is marked.
    Moved {
        /// The heading path it stood under.
        from: Vec<SafeText>,
        /// In which line of the older file it began.
        from_line: usize,
    },
}

/// Changes that are read together.
#[derive(Debug, Clone, PartialEq)]
pub struct Hunk {
    /// What happened.
    pub kind: HunkKind,
    /// The headings it stands under, outermost first (in the newer text; what is gone: in the older).
    pub path: Vec<SafeText>,
    /// Where it begins: a line of the newer file (of the older, where all is gone).
    pub line: usize,
    /// Its rows.
    pub(super) rows: Vec<hunk::Row>,
}

/// Returns what a reader of `old` must look at in `new`. Empty where nothing is to be read anew: only the layout changed, or nothing.
pub fn changes(old: &Page, new: &Page) -> Changes {
    let (old, new) = (units::cut(old), units::cut(new));
    let plan = Plan::of(&old.units, &new.units);
    Changes { hunks: hunk::hunks(&old, &new, &plan) }
}

impl Hunk {
    /// Returns it in lines of at most `width` cells: its place, then its rows, each behind `+`, `-`, `~` or nothing.
    pub fn lines(&self, width: usize) -> Vec<Line> {
        hunk::lines(self, width.max(super::page::WIDTH_MIN))
    }
}
