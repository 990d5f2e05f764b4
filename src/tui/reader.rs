//! The runbook that is read: its lines at this width, and what of them was on the screen.
//!
//! What must have been on the screen before somebody can say that they read it counts in parts: the blocks of a whole text, the hunks of
//! what changed. A part counts once each of its lines was there; at another width lines are other ones, and parts that counted still do.

use crate::domain::id::IncidentId;
use crate::domain::op::Act;
use crate::domain::runbook::{Reading, Revision, RunbookName};
use crate::domain::series::{Series, common_labels};
use crate::runbook::{CodeBlock, Heading, Line, Page, Runbook, Task, changes};
use crate::sync::picture::{Beside, Picture};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Texts of which it is remembered what was on the screen.
const REMEMBERED_MAX: usize = 200;

/// Which text is read: the whole of a revision, or what changed since another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Text {
    pub(crate) runbook: RunbookName,
    pub(crate) revision: Revision,
    /// `None`: the whole.
    pub(crate) since: Option<Revision>,
}

/// A text in lines.
#[derive(Debug, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) text: Text,
    incident: Option<IncidentId>,
    width: usize,
    /// What stands in it, from the first line on.
    pub(crate) lines: Vec<Line>,
    /// Which part each line is of.
    parts: Vec<usize>,
    /// How many parts there are.
    count: usize,
    /// Where hunks begin, or headings.
    stops: Vec<usize>,
    /// Where which heading stands; of a whole text alone.
    headings: Vec<(usize, Heading)>,
    /// What can be ticked, in the order of the text; of a whole text alone.
    pub(crate) tasks: Vec<Task>,
    /// What can be copied; of a whole text alone.
    pub(crate) codes: Vec<CodeBlock>,
}

/// What a person reads, and has read on this screen.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Which of the incident's runbooks, from 0.
    pub(crate) at: usize,
    /// The whole text is wanted, though only some of it changed.
    pub(crate) whole: bool,
    pub(crate) sheet: Option<Arc<Sheet>>,
    /// Words that are looked for, in small letters; empty: none are.
    words: String,
    /// Lines of the sheet that were on the screen.
    shown: BTreeSet<usize>,
    /// Parts of texts all of which were.
    seen: HashMap<Text, BTreeSet<usize>>,
}

impl Reader {
    /// Returns which of an incident's runbooks is read.
    pub(crate) fn chosen<'b>(&self, runbooks: &'b [Beside]) -> Option<&'b Beside> {
        runbooks.get(self.at.min(runbooks.len().saturating_sub(1)))
    }

    /// Goes back to the first runbook: another incident is looked at.
    pub(crate) fn begin(&mut self) {
        (self.at, self.whole, self.sheet) = (0, false, None);
        self.words.clear();
    }

    /// Makes the lines of that runbook for so many cells, unless it has them; returns whether they are other ones now.
    pub(crate) fn turn_to(
        &mut self,
        incident: Option<IncidentId>,
        beside: &Beside,
        series: &[Series],
        width: usize,
    ) -> bool {
        let Some(text) = text_of(beside, self.whole) else { return self.sheet.take().is_some() };
        let held = self.sheet.as_ref();
        if held.is_some_and(|sheet| sheet.text == text && sheet.incident == incident && sheet.width == width) {
            return false;
        }
        let Some(sheet) = Sheet::of(text, incident, beside, series, width) else { return self.sheet.take().is_some() };
        let seen = self.seen.get(&sheet.text);
        let was_seen = |line: &usize| seen.is_some_and(|seen| seen.contains(&sheet.parts[*line]));
        self.shown = (0..sheet.lines.len()).filter(was_seen).collect();
        self.sheet = Some(Arc::new(sheet));
        true
    }

    /// Notes that these lines were on the screen.
    pub(crate) fn saw(&mut self, lines: Range<usize>) {
        let Some(sheet) = &self.sheet else { return };
        let lines = lines.start..lines.end.min(sheet.lines.len());
        if lines.clone().all(|line| self.shown.contains(&line)) {
            return;
        }
        self.shown.extend(lines.clone());
        if self.seen.len() >= REMEMBERED_MAX && !self.seen.contains_key(&sheet.text) {
            self.seen.clear();
        }
        let seen = self.seen.entry(sheet.text.clone()).or_default();
        for line in lines {
            let part = sheet.parts[line];
            if !seen.contains(&part) && sheet.lines_of(part).all(|line| self.shown.contains(&line)) {
                seen.insert(part);
            }
        }
    }

    /// Returns how many parts of the text were on the screen, and of how many.
    pub(crate) fn progress(&self) -> (usize, usize) {
        self.progress_with(0..0)
    }

    /// Returns the same with these lines, which are on the screen now.
    pub(crate) fn progress_with(&self, lines: Range<usize>) -> (usize, usize) {
        let Some(sheet) = &self.sheet else { return (0, 0) };
        let seen = self.seen.get(&sheet.text);
        let lines = lines.start..lines.end.min(sheet.lines.len());
        let fresh: BTreeSet<usize> = lines.clone().map(|line| sheet.parts[line]).collect();
        let was_there = |line: usize| lines.contains(&line) || self.shown.contains(&line);
        let whole =
            |part: &&usize| !seen.is_some_and(|seen| seen.contains(part)) && sheet.lines_of(**part).all(was_there);
        (seen.map_or(0, BTreeSet::len) + fresh.iter().filter(whole).count(), sheet.count)
    }

    /// Returns the first line that was not on the screen yet, if there is one.
    pub(crate) fn unseen(&self) -> Option<usize> {
        let sheet = self.sheet.as_ref()?;
        let seen = self.seen.get(&sheet.text);
        let counts = |line: &usize| seen.is_some_and(|seen| seen.contains(&sheet.parts[*line]));
        (0..sheet.lines.len()).find(|line| !self.shown.contains(line) && !counts(line))
    }

    /// Returns the next line after one, or before it, at which to stop: one with the words that are looked for, else the beginning of a
    /// hunk or a heading.
    pub(crate) fn stop(&self, from: usize, back: bool) -> Option<usize> {
        let sheet = self.sheet.as_ref()?;
        let found: Vec<usize>;
        let stops = match self.words.is_empty() {
            true => &sheet.stops,
            false => {
                found = self.found().collect();
                &found
            }
        };
        match back {
            true => stops.iter().rev().find(|stop| **stop < from).copied(),
            false => stops.iter().find(|stop| **stop > from).copied(),
        }
    }

    /// Looks for words from now on, whatever their case; returns how many lines have them.
    pub(crate) fn find(&mut self, words: &str) -> usize {
        self.words = words.to_lowercase();
        self.found().count()
    }

    /// Looks for nothing any more; returns whether words were looked for.
    pub(crate) fn forget_words(&mut self) -> bool {
        !std::mem::take(&mut self.words).is_empty()
    }

    /// Returns whether words are looked for.
    pub(crate) fn finds(&self) -> bool {
        !self.words.is_empty()
    }

    /// Returns the lines that have the words that are looked for.
    pub(crate) fn found(&self) -> impl Iterator<Item = usize> {
        let lines = self.sheet.iter().flat_map(|sheet| sheet.lines.iter().enumerate());
        lines.filter(|(_, line)| self.is_found(line)).map(|(place, _)| place)
    }

    /// Returns whether a line has the words that are looked for.
    pub(crate) fn is_found(&self, line: &Line) -> bool {
        !self.words.is_empty() && line.text().to_lowercase().contains(&self.words)
    }

    /// Returns the line of the heading that an address points at.
    pub(crate) fn place_of(&self, anchor: &str) -> Option<usize> {
        let wanted = anchor.to_lowercase();
        let is_it =
            |(_, heading): &&(usize, Heading)| !wanted.is_empty() && self::anchor(heading.title.as_str()) == wanted;
        self.headings().find(is_it).map(|(line, _)| *line)
    }

    /// Returns the headings with the lines in which they stand.
    pub(crate) fn headings(&self) -> impl Iterator<Item = &(usize, Heading)> {
        self.sheet.iter().flat_map(|sheet| &sheet.headings)
    }
}

/// Returns how addresses write a heading: in small letters, `-` for spaces, without signs.
fn anchor(title: &str) -> String {
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns which text is read first: what changed where the person read an earlier one that is here, else the whole.
fn text_of(beside: &Beside, whole: bool) -> Option<Text> {
    let made = beside.runbook.current()?;
    let since = match beside.reading {
        Reading::Changed { read, .. } if !whole && beside.read.is_some() => Some(read),
        _ => None,
    };
    Some(Text { runbook: beside.runbook.name.clone(), revision: made.revision, since })
}

/// Returns whether the person's own receipt for the current text waits for the hub.
pub(crate) fn receipt_waits(picture: &Picture, beside: &Beside) -> bool {
    let current = beside.runbook.current();
    current.is_some_and(|made| read_waits(picture, &beside.runbook.name, made.revision))
}

/// Returns whether the person's own receipt for that text waits for the hub.
pub(crate) fn read_waits(picture: &Picture, name: &RunbookName, of: Revision) -> bool {
    let is_it = |act: &Act| matches!(act, Act::Read { runbook, revision } if runbook == name && *revision == of);
    picture.waiting_apart.iter().any(|waiting| is_it(&waiting.act))
}

impl Sheet {
    fn of(text: Text, incident: Option<IncidentId>, beside: &Beside, series: &[Series], width: usize) -> Option<Self> {
        let page = page(beside.text.as_deref()?, &text.runbook)?;
        let (mut lines, mut parts, mut stops) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tasks, mut codes, mut headings) = (Vec::new(), Vec::new(), Vec::new());
        match &text.since {
            None => {
                lines = page.lines(width, &common_labels(series));
                parts = lines.iter().map(|line| line.block).collect();
                let first = |heading: Heading| Some((parts.iter().position(|part| *part == heading.block)?, heading));
                headings = page.outline().into_iter().filter_map(first).collect();
                stops = headings.iter().map(|(line, _)| *line).collect();
                (tasks, codes) = (page.tasks(), page.code_blocks());
            }
            Some(_) => {
                let old = self::page(beside.read.as_deref()?, &text.runbook)?;
                for (part, hunk) in changes(&old, &page).hunks.iter().enumerate() {
                    if part > 0 {
                        lines.push(Line::default());
                        parts.push(part - 1);
                    }
                    stops.push(lines.len());
                    lines.extend(hunk.lines(width));
                    parts.resize(lines.len(), part);
                }
            }
        }
        let count = parts.iter().collect::<BTreeSet<_>>().len();
        Some(Self { text, incident, width, lines, parts, count, stops, headings, tasks, codes })
    }

    /// Returns whether it was made for that incident.
    pub(crate) fn is_of(&self, incident: Option<IncidentId>) -> bool {
        self.incident == incident
    }

    /// Returns the lines of a part: they stand together.
    fn lines_of(&self, part: usize) -> impl Iterator<Item = usize> {
        let from = self.parts.partition_point(|other| *other < part);
        let to = self.parts.partition_point(|other| *other <= part);
        from..to
    }
}

fn page(text: &str, name: &RunbookName) -> Option<Page> {
    Runbook::read(text.as_bytes(), name.as_str()).ok().map(|runbook| runbook.page())
}
