//! What stands on the terminal, and the bytes that turn it into something else.

use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use unicode_width::UnicodeWidthStr as _;

/// So many changed cells are enough for a piece of their own: at 1 KiB/s its bytes take about a second.
const PIECE_CELLS: usize = 250;

/// What stands on the terminal, as far as anybody knows.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Rows that nobody knows are blank here.
    shown: Buffer,
    /// The rows of which it is known what stands there.
    known: BTreeSet<u16>,
}

/// Bytes that change the terminal, in pieces between which another change may begin.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) bytes: Vec<u8>,
    /// Where each piece ends, and the rows that it writes whole.
    pieces: Vec<(usize, Vec<u16>)>,
}

impl Change {
    /// Returns the first place from `offset` on at which writing may end.
    pub(super) fn cut(&self, offset: usize) -> usize {
        let ends = std::iter::once(0).chain(self.pieces.iter().map(|(end, _)| *end));
        { ends }.find(|end| *end >= offset).unwrap_or(self.bytes.len())
    }
}

/// Rows that are written together.
#[derive(Default)]
struct Piece<'c> {
    rows: Vec<u16>,
    erased: Vec<u16>,
    cells: Vec<(u16, u16, &'c Cell)>,
    unsure: Vec<u16>,
    weight: usize,
}

impl Cells {
    /// Forgets what stands there: the next change writes every row.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Returns the bytes that make the terminal show `next`: none when it does.
    ///
    /// Not by ratatui's `Terminal::draw`: that writes a few bytes even when no cell changed, which tmux shows as activity.
    ///
    /// # Errors
    /// None: it writes into memory.
    pub(super) fn change(&mut self, next: &Buffer) -> io::Result<Change> {
        if self.shown.area != next.area {
            self.shown = Buffer::empty(next.area);
            self.known.clear();
        }
        let all = next.area.top()..next.area.bottom();
        let unknown: BTreeSet<u16> = all.filter(|y| !self.known.contains(y)).collect();
        unknown.iter().for_each(|y| self.blank(*y));
        let mut cells = self.shown.diff(next);
        let touched: BTreeSet<u16> = cells.iter().map(|(_, y, _)| *y).chain(unknown.iter().copied()).collect();
        let unsure: BTreeSet<u16> =
            touched.iter().copied().filter(|y| is_unsure(&self.shown, *y) || is_unsure(next, *y)).collect();
        cells.retain(|(_, y, _)| !unsure.contains(y));
        let (mut change, mut piece) = (Change::default(), Piece::default());
        let mut cells = cells.into_iter().peekable();
        for y in touched {
            piece.rows.push(y);
            piece.erased.extend(unknown.get(&y));
            piece.unsure.extend(unsure.get(&y));
            piece.weight += if unsure.contains(&y) { usize::from(next.area.width) } else { 1 };
            while let Some(cell) = cells.next_if(|(_, at, _)| *at == y) {
                piece.cells.push(cell);
                piece.weight += 1;
            }
            if piece.weight >= PIECE_CELLS {
                std::mem::take(&mut piece).put(next, &mut change)?;
            }
        }
        piece.put(next, &mut change)?;
        Ok(change)
    }

    /// Notes that the first `bytes` of that change, and no others, were written.
    pub(super) fn written(&mut self, change: &Change, bytes: usize, next: &Buffer) {
        let mut begin = 0;
        for (end, rows) in &change.pieces {
            if *end <= bytes {
                rows.iter().for_each(|y| self.put(next, *y));
                self.known.extend(rows);
            } else if begin < bytes {
                self.known.retain(|y| !rows.contains(y));
            }
            begin = *end;
        }
    }

    fn blank(&mut self, y: u16) {
        let columns = self.shown.area.left()..self.shown.area.right();
        columns.for_each(|x| self.shown[(x, y)].reset());
    }

    fn put(&mut self, next: &Buffer, y: u16) {
        let columns = next.area.left()..next.area.right();
        columns.for_each(|x| self.shown[(x, y)] = next[(x, y)].clone());
    }
}

impl Piece<'_> {
    /// Writes this piece into the change. It ends without any colour or weight set.
    fn put(self, next: &Buffer, change: &mut Change) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        for y in self.erased {
            // Erased row by row, not all at once: a slow terminal never stands empty.
            write!(change.bytes, "\x1b[{};1H\x1b[2K", y + 1)?;
        }
        let mut backend = CrosstermBackend::new(&mut change.bytes);
        if !self.cells.is_empty() {
            backend.draw(self.cells.into_iter())?;
        }
        for y in self.unsure {
            row(&mut backend, next, y)?;
        }
        change.pieces.push((change.bytes.len(), self.rows));
        Ok(())
    }
}

/// Writes a whole row, over blanks and with each grapheme put in its place: what a terminal draws wider than it is meant to be is
/// written over by what follows, and where it draws narrower nothing old is left.
fn row(backend: &mut CrosstermBackend<&mut Vec<u8>>, next: &Buffer, y: u16) -> io::Result<()> {
    let columns = next.area.left()..next.area.right();
    backend.draw(columns.clone().map(|x| (x, y, &Cell::EMPTY)))?;
    let mut run = Vec::new();
    let mut free = columns.start;
    for x in columns {
        let cell = &next[(x, y)];
        if x < free {
            continue;
        }
        free = x + (cell.symbol().width().max(1) as u16);
        run.push((x, y, cell));
        // Each drawing begins by putting the cursor in its place.
        if is_unsure_symbol(cell.symbol()) {
            backend.draw(std::mem::take(&mut run).into_iter())?;
        }
    }
    backend.draw(run.into_iter())
}

fn is_unsure(buffer: &Buffer, y: u16) -> bool {
    (buffer.area.left()..buffer.area.right()).any(|x| is_unsure_symbol(buffer[(x, y)].symbol()))
}

/// Returns whether terminals differ in how many cells this takes: joined emoji, conjuncts, and all that is wide.
fn is_unsure_symbol(symbol: &str) -> bool {
    !symbol.is_ascii() && (symbol.chars().nth(1).is_some() || symbol.width() != 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn page(words: &str) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, words, Style::new());
        buffer
    }

    /// Writes the whole change.
    fn show(cells: &mut Cells, next: &Buffer) -> String {
        let change = cells.change(next).unwrap();
        cells.written(&change, change.bytes.len(), next);
        String::from_utf8(change.bytes).unwrap()
    }

    #[test]
    fn a_screen_that_did_not_change_writes_no_byte() {
        let mut cells = Cells::default();
        assert!(show(&mut cells, &page("NEW 12")).contains("NEW"));
        assert_eq!(show(&mut cells, &page("NEW 12")), "");
        let change = show(&mut cells, &page("ACK 12"));
        assert!(change.contains("ACK") && !change.contains("12"), "{change:?}");
    }

    #[test]
    fn what_a_terminal_draws_wider_or_in_parts_leaves_nothing_behind() {
        let mut cells = Cells::default();
        let size = |cells: u16| std::num::NonZeroU16::new(cells).unwrap();
        let mut terminal = vt100::Parser::new(size(2), size(20), 0);
        // A terminal that joins nothing draws eight cells of the family, and the conjunct as two letters of their own.
        for words in ["a 👩\u{200d}👩\u{200d}👧\u{200d}👦 b", "a జ్ఞా b", "", "plain", "a 👩\u{200d}👦 b", "x"]
        {
            terminal.process(show(&mut cells, &page(words)).as_bytes());
            let seen = terminal.screen().contents();
            assert!(seen.trim_end().ends_with(words.split(' ').next_back().unwrap()), "{words:?}: {seen:?}");
            assert!(seen.trim_end().chars().count() <= words.chars().count(), "{words:?}: {seen:?}");
        }
    }

    #[test]
    fn a_forgotten_screen_is_written_whole_and_never_stands_empty() {
        let mut cells = Cells::default();
        show(&mut cells, &page("NEW"));
        cells.forget();
        let again = show(&mut cells, &page("NEW"));
        assert!(again.contains("NEW") && !again.contains("\x1b[2J"), "{again:?}");
    }

    /// A full screen, each cell of it other in each `turn`.
    fn storm(turn: u8) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        let line: String = (0..80).map(|x| char::from(b'a' + (x + turn) % 26)).collect();
        (0..24).for_each(|y| buffer.set_string(0, y, &line, Style::new()));
        buffer
    }

    #[test]
    fn a_change_cut_short_anywhere_is_mended_by_the_next() {
        let size = |cells: u16| std::num::NonZeroU16::new(cells).unwrap();
        let whole = Cells::default().change(&storm(1)).unwrap();
        for offset in [0, 1, 300, 1000, whole.bytes.len() - 1, whole.bytes.len()] {
            let mut terminal = vt100::Parser::new(size(24), size(80), 0);
            terminal.process("dirt ".repeat(300).as_bytes());
            let mut cells = Cells::default();
            let change = cells.change(&storm(1)).unwrap();
            let cut = change.cut(offset);
            assert!(cut >= offset && cut < offset + 2000, "{offset} is cut at {cut}");
            terminal.process(&change.bytes[..cut]);
            cells.written(&change, cut, &storm(1));
            terminal.process(show(&mut cells, &storm(2)).as_bytes());
            let wanted: Vec<String> = terminal.screen().rows(0, 80).collect();
            let mut fresh = vt100::Parser::new(size(24), size(80), 0);
            fresh.process(show(&mut Cells::default(), &storm(2)).as_bytes());
            assert_eq!(wanted, fresh.screen().rows(0, 80).collect::<Vec<_>>(), "cut at {cut}");
            assert_eq!(show(&mut cells, &storm(2)), "");
        }
    }

    #[test]
    fn bytes_that_ended_inside_a_piece_leave_its_rows_unknown() {
        let mut cells = Cells::default();
        show(&mut cells, &storm(0));
        let change = cells.change(&storm(1)).unwrap();
        let inside = change.pieces[0].0 + 1;
        cells.written(&change, inside, &storm(1));
        let again = show(&mut cells, &storm(1));
        let second = change.pieces[1].1[0];
        assert!(again.contains(&format!("\x1b[{};1H\x1b[2K", second + 1)), "the second piece's rows are written anew");
        assert!(!again.contains("\x1b[1;1H"), "the first piece stands");
    }
}
