//! Ends the process when its terminal vanishes.
//!
//! crossterm 0.29 reads a vanished terminal again and again at 100 % CPU and never says so (crossterm-rs/crossterm#793). A console that
//! lives for weeks behind SSH must not end like that, so a thread of our own waits for the hang-up itself.

use super::event::Event;
use rustix::event::{PollFd, PollFlags, poll};
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// How long the screen's thread gets to end by itself: the whole must be over within 2 s.
const GRACE: Duration = Duration::from_millis(1500);
/// Shells' word for "ended by SIGHUP": 128 + 1.
const STATUS: i32 = 129;

/// Starts the thread. Once the terminal is gone it says so, and ends the process unless `over` is true by then.
///
/// # Errors
/// When there is no terminal, or no thread to be had.
pub(super) fn start(events: SyncSender<Event>, over: Arc<AtomicBool>) -> std::io::Result<()> {
    let terminal = terminal()?;
    std::thread::Builder::new().name("tui-watchdog".into()).spawn(move || {
        wait_for_hang_up(&terminal);
        if over.load(Ordering::SeqCst) {
            return;
        }
        // A full queue is no reason to wait: the process ends in any case.
        let _ = events.try_send(Event::Hangup);
        std::thread::sleep(GRACE);
        if !over.load(Ordering::SeqCst) {
            super::screen::give_back();
            std::process::exit(STATUS);
        }
    })?;
    Ok(())
}

/// Returns the terminal that crossterm reads: standard input, or the controlling one where that is redirected.
pub(super) fn terminal() -> std::io::Result<File> {
    let stdin = std::io::stdin();
    if rustix::termios::isatty(&stdin) {
        return stdin.as_fd().try_clone_to_owned().map(File::from);
    }
    File::open("/dev/tty")
}

/// Waits, without reading and without any timer, until the other end of the terminal is gone.
fn wait_for_hang_up(terminal: &File) {
    loop {
        let mut watched = [PollFd::new(terminal, PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
            Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => return,
            Ok(_) => {}
        }
    }
}
