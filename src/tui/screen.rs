//! The terminal: taken over, drawn on, given back.

use super::out::{Line, Out};
use super::watchdog;
use crossterm::style;
use ratatui::buffer::Buffer;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

/// What we have taken from the terminal; whoever gives it back does so once.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

/// What must be given back.
struct Taken {
    out: Out,
    terminal: File,
    before: Termios,
}

/// A state of the terminal that is other while it is ours.
struct Mode {
    /// What it is about.
    #[cfg_attr(not(test), allow(dead_code, reason = "the table is read by people and tests"))]
    name: &'static str,
    /// Sent when we take the terminal: nothing for what we never set ourselves.
    take: &'static str,
    /// Sent when we give it back, whatever the state is: by then nobody may know it.
    give_back: &'static str,
}

/// Every state that this program, or a part that answers to it, may ever set: what is not in this table must not be set at all.
/// Kitty's keyboard flags and the cursor's shape are never touched.
const MODES: &[Mode] = &[
    // Kept before anything of ours stands there, by terminals that keep titles; with the others it is empty afterwards.
    Mode { name: "title", take: "\x1b[22;2t", give_back: "\x1b]2;\x07\x1b[23;2t" },
    Mode { name: "alternate screen", take: "\x1b[?1049h", give_back: "\x1b[?1049l" },
    // Without wrapping, a text that the terminal thinks wider than we do ends at the edge instead of on the next line.
    Mode { name: "line wrap", take: "\x1b[?7l", give_back: "\x1b[?7h" },
    Mode { name: "bracketed paste", take: "\x1b[?2004h", give_back: "\x1b[?2004l" },
    Mode { name: "cursor", take: "\x1b[?25l", give_back: "\x1b[?25h" },
    Mode { name: "focus events", take: "", give_back: "\x1b[?1004l" },
    Mode { name: "mouse", take: "", give_back: "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l" },
    Mode { name: "colours and weights", take: "\x1b[m", give_back: "\x1b[m" },
    Mode { name: "synchronised output", take: "", give_back: "\x1b[?2026l" },
];

/// Returns what takes the terminal over.
fn take_bytes() -> String {
    MODES.iter().map(|mode| mode.take).collect()
}

/// Returns what gives it back: the other way round.
fn give_back_bytes() -> String {
    MODES.iter().rev().map(|mode| mode.give_back).collect()
}

/// The terminal while it is ours. Dropping it gives it back.
pub(super) struct Screen {
    out: Out,
    title: Option<(usize, usize)>,
}

impl Screen {
    /// Takes the terminal over: raw, alternate screen, pastes marked, cursor hidden. It calls `failed` should the terminal take no more bytes.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub(super) fn take(failed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        // crossterm 0.29 answers NO_COLOR by a bare `CSI m`, which takes bold and reverse away too; our theme has no colour then.
        style::force_color_output(true);
        let terminal = watchdog::terminal()?;
        let out = Out::start(Line::open()?, failed)?;
        let before = tcgetattr(&terminal)?;
        make_raw(&terminal, &before)?;
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Taken { out: out.clone(), terminal, before });
        let screen = Self { out, title: None };
        screen.out.begin(take_bytes().as_bytes())?;
        Ok(screen)
    }

    /// Takes the terminal anew after others may have had it: its states are set again, and the next drawing writes every cell.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        if let Some(taken) = &*TAKEN.lock().unwrap_or_else(PoisonError::into_inner) {
            make_raw(&taken.terminal, &taken.before)?;
        }
        let again = MODES.iter().filter(|mode| mode.name != "title").map(|mode| mode.take).collect::<String>();
        self.emit(again.into_bytes());
        self.title = None;
        self.forget();
        Ok(())
    }

    /// Forgets what stands on the terminal: the next drawing writes every cell.
    pub(super) fn forget(&mut self) {
        self.out.forget();
    }

    /// Has the cells written that differ from what stands there. Does not wait: while the terminal takes nothing, the newest is kept.
    ///
    /// # Errors
    /// When the terminal took no more bytes earlier.
    pub(super) fn show(&mut self, next: Buffer) -> io::Result<()> {
        self.out.show(next)
    }

    /// Rings the terminal's bell.
    pub(super) fn bell(&mut self) {
        self.out.bell();
    }

    /// Has a whole sequence of bytes written, between two frames and never inside one. Returns whether it was taken: not while 256 KiB
    /// wait already. A state that it sets must stand in the table of this file.
    pub(super) fn emit(&mut self, bytes: Vec<u8>) -> bool {
        self.out.emit(bytes)
    }

    /// Writes into the title how many incidents call the person and how many are open, when that changed. No text from outside ever stands
    /// there.
    pub(super) fn title(&mut self, calling: usize, open: usize) {
        if self.title.replace((calling, open)) != Some((calling, open)) {
            let calls = if calling > 0 { format!("(!{calling}) ") } else { String::new() };
            self.out.title(format!("\x1b]2;{calls}nightdesk (open: {open})\x07").into_bytes());
        }
    }
}

fn make_raw(terminal: &File, before: &Termios) -> io::Result<()> {
    let mut raw = before.clone();
    raw.make_raw();
    Ok(tcsetattr(terminal, OptionalActions::Now, &raw)?)
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was, once, and within a second; may be called from any thread.
pub(super) fn give_back() {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Taken { out, terminal, before }) = taken {
        // Whatever of it fails: the rest must be tried, and there is nobody to tell.
        out.end(give_back_bytes().as_bytes());
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
}

/// Returns whether the terminal is ours now.
pub(super) fn is_taken() -> bool {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_set_is_undone_the_other_way_round() {
        for mode in MODES {
            let opposite = match mode.take {
                "" | "\x1b[m" => continue,
                "\x1b[22;2t" => "\x1b]2;\x07\x1b[23;2t".to_owned(),
                set if set.ends_with('h') => set.replace('h', "l"),
                reset => reset.replace('l', "h"),
            };
            assert_eq!(mode.give_back, opposite, "{}", mode.name);
        }
        let (take, back) = (take_bytes(), give_back_bytes());
        assert!(
            take.find("?1049h") < take.find("?25l"),
            "what is set on our screen is set there, not on the shell's: {take:?}"
        );
        assert!(back.find("?25h") < back.find("?1049l"));
        assert!(back.starts_with("\x1b[?2026l"), "nothing is seen before this");
        assert!(!back.contains("\x1b[<") && !back.contains("\x1b[>"), "keyboard flags are not ours");
    }
}
