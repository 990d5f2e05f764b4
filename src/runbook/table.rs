//! Tables, fitted to a width; as a list where that is too narrow.

use super::blocks::{Row, Words};
use super::fill::Ask;
use super::line::{Role, Span};
use super::page::LINES_MAX;
use super::render::wrapped;
use super::wrap::{Laid, Wrap};
use crate::domain::text::SafeText;

/// Words up to this length are not parted for the sake of a table.
const WORD_CELLS: usize = 20;
/// What parts two cells.
const BETWEEN: usize = 3;

/// Returns the lines of a table.
pub(super) fn lines(head: &[Words], rows: &[Row], line: usize, cells: usize, ask: Ask<'_>) -> Vec<Laid> {
    match widths(head, rows, cells, ask) {
        Some(widths) => fitted(head, rows, line, &widths, ask),
        None => listed(head, rows, line, cells, ask),
    }
}

/// Returns how wide each column is; `None` where they do not fit beside each other.
fn widths(head: &[Words], rows: &[Row], cells: usize, ask: Ask<'_>) -> Option<Vec<usize>> {
    let mut wants: Vec<(usize, usize)> = head.iter().map(|words| wrapped(words, ask, None).widths()).collect();
    let free = cells.checked_sub(BETWEEN * wants.len().saturating_sub(1)).filter(|free| *free >= wants.len())?;
    for (_, row) in rows {
        for (want, words) in wants.iter_mut().zip(row) {
            let (word, all) = wrapped(words, ask, None).widths();
            *want = (want.0.max(word), want.1.max(all));
        }
    }
    let full: Vec<usize> = wants.iter().map(|(_, all)| (*all).max(1)).collect();
    if full.iter().sum::<usize>() <= free {
        return Some(full);
    }
    let least: Vec<usize> = wants.iter().map(|(word, _)| (*word).clamp(2, WORD_CELLS)).collect();
    let spare = free.checked_sub(least.iter().sum())?;
    let missing: usize = full.iter().zip(&least).map(|(full, least)| full.saturating_sub(*least)).sum();
    let share = |(full, least): (&usize, &usize)| least + spare * full.saturating_sub(*least) / missing.max(1);
    Some(full.iter().zip(&least).map(share).collect())
}

fn fitted(head: &[Words], rows: &[Row], line: usize, widths: &[usize], ask: Ask<'_>) -> Vec<Laid> {
    let laid = |words: &[Words], line: usize, plain| {
        let wraps = words.iter().map(|words| wrapped(words, ask, plain));
        beside(wraps.collect(), line, widths)
    };
    let mut out = laid(head, line, Some(Role::TableHead));
    out.push((line, vec![rule(widths)]));
    let rows: Vec<Vec<Laid>> = rows.iter().take(LINES_MAX).map(|(line, row)| laid(row, *line, None)).collect();
    // Where a row takes several lines, it must be seen where it ends.
    let apart = rows.iter().any(|row| row.len() > 1);
    for (index, row) in rows.into_iter().enumerate() {
        if apart && index > 0 {
            out.push((row.first().map_or(line, |(line, _)| *line), vec![rule(widths)]));
        }
        out.extend(row);
    }
    out
}

/// Returns the lines of one row.
fn beside(wraps: Vec<Wrap>, line: usize, widths: &[usize]) -> Vec<Laid> {
    let mut cells: Vec<Vec<Laid>> = wraps.into_iter().zip(widths).map(|(wrap, width)| wrap.lines(*width)).collect();
    cells.resize(widths.len(), Vec::new());
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| {
        let mut spans = Vec::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            if column > 0 {
                spans.push(Span::ours(" │ ", Role::TableRule));
            }
            let own = cell.get(at).map(|(_, spans)| spans.clone()).unwrap_or_default();
            let used: usize = own.iter().map(|span| span.text.width()).sum();
            spans.extend(own);
            if column + 1 < widths.len() && used < *width {
                spans.push(Span::gap(width - used));
            }
        }
        (line, spans)
    };
    (0..height).map(row).collect()
}

fn rule(widths: &[usize]) -> Span {
    let parts: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    Span::new(SafeText::line(&parts.join("─┼─"), usize::MAX), Role::TableRule)
}

/// Each row as a list of `header: value`.
fn listed(head: &[Words], rows: &[Row], line: usize, cells: usize, ask: Ask<'_>) -> Vec<Laid> {
    let mut out = Vec::new();
    for (index, (line, row)) in rows.iter().enumerate() {
        if out.len() >= LINES_MAX {
            break;
        }
        if index > 0 {
            out.push((*line, Vec::new()));
        }
        for (name, value) in head.iter().zip(row).filter(|(_, value)| !value.pieces.is_empty()) {
            out.extend(entry(name, value, *line, cells, ask));
        }
    }
    if out.is_empty() {
        let names = head.iter().flat_map(|name| wrapped(name, ask, Some(Role::TableHead)).at_least(line).lines(cells));
        out.extend(names.take(LINES_MAX));
    }
    out
}

fn entry(name: &Words, value: &Words, line: usize, cells: usize, ask: Ask<'_>) -> Vec<Laid> {
    let mut wrap = wrapped(name, ask, Some(Role::TableHead)).at_least(line);
    wrap.push(&Span::ours(": ", Role::TableHead));
    wrap.append(wrapped(value, ask, None));
    let mut lines = wrap.lines(cells.saturating_sub(2));
    for (_, spans) in lines.iter_mut().skip(1) {
        spans.insert(0, Span::gap(2));
    }
    lines
}
