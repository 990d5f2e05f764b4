//! The terminal: taken over, drawn on, given back.

use super::theme::Theme;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, style};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use unicode_width::UnicodeWidthStr as _;

/// Whether the terminal is ours now; whoever gives it back does so once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// One write per drawing: a screen of 200 by 60 cells with its styles fits.
const BUFFER_BYTES: usize = 64 * 1024;

/// The terminal while it is ours. Dropping it gives it back.
pub(super) struct Screen {
    cells: Cells<BufWriter<Stdout>>,
    pub(super) theme: Theme,
    title: Option<usize>,
}

/// The cells of a terminal, and what stands in them.
struct Cells<W: Write> {
    backend: CrosstermBackend<W>,
    /// What stands on the terminal; `None` when nobody knows.
    shown: Option<Buffer>,
}

impl Screen {
    /// Takes the terminal over: raw, alternate screen, pastes marked, cursor hidden.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub(super) fn take(theme: Theme) -> io::Result<Self> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        // crossterm 0.29 answers NO_COLOR by a bare `CSI m`, which takes bold and reverse away too; our theme has no colour then.
        style::force_color_output(true);
        let screen =
            Self { cells: Cells::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())), theme, title: None };
        // Without wrapping, a text that the terminal thinks wider than we do ends at the edge instead of on the next line.
        execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, EnableBracketedPaste, cursor::Hide)?;
        Ok(screen)
    }

    /// Returns columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.cells.backend.size().map(|size| (size.width, size.height))
    }

    /// Forgets what stands on the terminal: the next drawing writes every cell.
    pub(super) fn forget(&mut self) {
        self.cells.shown = None;
    }

    /// Writes the cells that differ from what stands there, and nothing at all when none does.
    pub(super) fn show(&mut self, next: Buffer) -> io::Result<()> {
        self.cells.show(next)
    }

    /// Rings the terminal's bell.
    pub(super) fn bell(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(b"\x07")?;
        out.flush()
    }

    /// Writes how many incidents are open into the title, when that changed. No text from outside ever stands there.
    pub(super) fn title(&mut self, open: usize) -> io::Result<()> {
        if self.title.replace(open) == Some(open) {
            return Ok(());
        }
        execute!(io::stdout(), SetTitle(format!("nightdesk (open: {open})")))
    }
}

impl<W: Write> Cells<W> {
    fn new(writer: W) -> Self {
        Self { backend: CrosstermBackend::new(writer), shown: None }
    }

    /// Writes the cells that differ from what stands there, and nothing at all when none does.
    ///
    /// Not by ratatui's `Terminal::draw`: that writes a few bytes even when no cell changed, which tmux shows as activity.
    fn show(&mut self, next: Buffer) -> io::Result<()> {
        let known = self.shown.take().filter(|shown| shown.area == next.area);
        let last = match known {
            Some(last) => last,
            None => {
                self.backend.clear()?;
                Buffer::empty(next.area)
            }
        };
        let mut cells = last.diff(&next);
        let changed: BTreeSet<u16> = cells.iter().map(|(_, y, _)| *y).collect();
        let unsure: BTreeSet<u16> =
            changed.into_iter().filter(|y| is_unsure(&last, *y) || is_unsure(&next, *y)).collect();
        cells.retain(|(_, y, _)| !unsure.contains(y));
        if !cells.is_empty() {
            self.backend.draw(cells.into_iter())?;
        }
        for y in unsure {
            self.row(&next, y)?;
        }
        // An empty buffer flushes to no bytes.
        Write::flush(&mut self.backend)?;
        self.shown = Some(next);
        Ok(())
    }
}

impl<W: Write> Cells<W> {
    /// Writes a whole row, over blanks and with each grapheme put in its place: what a terminal draws wider than it is meant to be is
    /// written over by what follows, and where it draws narrower nothing old is left.
    fn row(&mut self, next: &Buffer, y: u16) -> io::Result<()> {
        let columns = next.area.left()..next.area.right();
        self.backend.draw(columns.clone().map(|x| (x, y, &Cell::EMPTY)))?;
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
                self.backend.draw(std::mem::take(&mut run).into_iter())?;
            }
        }
        self.backend.draw(run.into_iter())
    }
}

fn is_unsure(buffer: &Buffer, y: u16) -> bool {
    (buffer.area.left()..buffer.area.right()).any(|x| is_unsure_symbol(buffer[(x, y)].symbol()))
}

/// Returns whether terminals differ in how many cells this takes: joined emoji, conjuncts, and all that is wide.
fn is_unsure_symbol(symbol: &str) -> bool {
    !symbol.is_ascii() && (symbol.chars().nth(1).is_some() || symbol.width() != 1)
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was, once; may be called from any thread.
pub(super) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Whatever of it fails: the rest must be tried, and there is nobody to tell.
    let _ = execute!(io::stdout(), DisableBracketedPaste, EnableLineWrap, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// Returns whether the terminal is ours now.
pub(super) fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    /// Counts what is written.
    #[derive(Clone, Default)]
    struct Tape(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(tape: &Tape) -> String {
        String::from_utf8(std::mem::take(&mut *tape.0.borrow_mut())).unwrap()
    }

    fn page(words: &str) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, words, ratatui::style::Style::new());
        buffer
    }

    #[test]
    fn a_screen_that_did_not_change_writes_no_byte() {
        let tape = Tape::default();
        let mut cells = Cells::new(tape.clone());
        cells.show(page("NEW 12")).unwrap();
        assert!(written(&tape).contains("NEW"));
        cells.show(page("NEW 12")).unwrap();
        assert_eq!(written(&tape), "");
        cells.show(page("ACK 12")).unwrap();
        let change = written(&tape);
        assert!(change.contains("ACK") && !change.contains("12"), "{change:?}");
    }

    #[test]
    fn what_a_terminal_draws_wider_or_in_parts_leaves_nothing_behind() {
        let tape = Tape::default();
        let mut cells = Cells::new(tape.clone());
        let size = |cells: u16| std::num::NonZeroU16::new(cells).unwrap();
        let mut terminal = vt100::Parser::new(size(2), size(20), 0);
        // A terminal that joins nothing draws eight cells of the family, and the conjunct as two letters of their own.
        for words in ["a 👩\u{200d}👩\u{200d}👧\u{200d}👦 b", "a జ్ఞా b", "", "plain", "a 👩\u{200d}👦 b", "x"]
        {
            cells.show(page(words)).unwrap();
            terminal.process(written(&tape).as_bytes());
            let seen = terminal.screen().contents();
            assert!(seen.trim_end().ends_with(words.split(' ').next_back().unwrap()), "{words:?}: {seen:?}");
            assert!(seen.trim_end().chars().count() <= words.chars().count(), "{words:?}: {seen:?}");
        }
    }

    #[test]
    fn a_forgotten_screen_is_written_whole() {
        let tape = Tape::default();
        let mut cells = Cells::new(tape.clone());
        cells.show(page("NEW")).unwrap();
        written(&tape);
        cells.shown = None;
        cells.show(page("NEW")).unwrap();
        assert!(written(&tape).contains("NEW"));
    }
}
