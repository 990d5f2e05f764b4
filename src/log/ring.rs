//! The last lines of the log, in memory: for the viewer on the screen, and for what is written down when the program fails.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Most lines that are kept.
pub const LINES_MAX: usize = 500;
/// How often a reader that must not block tries.
const ATTEMPTS: usize = 1000;

static LINES: Ring = Ring(Mutex::new(VecDeque::new()));

struct Ring(Mutex<VecDeque<String>>);

impl Ring {
    fn keep(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    fn recent(&self) -> Vec<String> {
        let held = (0..ATTEMPTS).find_map(|_| self.attempt());
        held.map_or_else(Vec::new, |lines| lines.iter().cloned().collect())
    }

    fn attempt(&self) -> Option<MutexGuard<'_, VecDeque<String>>> {
        match self.0.try_lock() {
            Ok(lines) => Some(lines),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                std::thread::yield_now();
                None
            }
        }
    }
}

/// Keeps a line; the oldest one goes when there are [`LINES_MAX`].
pub(super) fn keep(line: &str) {
    LINES.keep(line);
}

/// Returns the last lines that were logged, oldest first, at most [`LINES_MAX`]. They hold no control characters.
///
/// It never blocks, so that a thread that failed while it logged can still call it: then nothing is returned.
pub fn recent_lines() -> Vec<String> {
    LINES.recent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let ring = Ring(Mutex::default());
        (0..LINES_MAX + 50).for_each(|number| ring.keep(&number.to_string()));
        let lines = ring.recent();
        assert_eq!((lines.len(), lines[0].as_str()), (LINES_MAX, "50"));
        assert_eq!(lines.last(), Some(&(LINES_MAX + 49).to_string()));
    }

    #[test]
    fn a_reader_does_not_wait_for_a_writer_that_failed() {
        let ring = Ring(Mutex::default());
        ring.keep("before");
        let held = ring.0.lock().unwrap();
        assert_eq!(ring.recent(), Vec::<String>::new());
        drop(held);
        assert_eq!(ring.recent(), ["before"]);
    }
}
