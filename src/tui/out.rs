//! The one way to the terminal: a thread that writes, so that a slow terminal delays neither a key nor a call nor the end.
//!
//! ```text
//!  screen's thread --newest frame--> [ slot ] --+
//!                  --bell, sequences-> [ queue ] -+--> writer --> terminal (only what differs from what was really written)
//! ```
//!
//! A frame that cannot be written yet is replaced by the newest one. What was begun is written to the end of its piece.

use super::cells::Cells;
use ratatui::buffer::Buffer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The writer's name: a panic in it must not wait for itself.
pub(super) const THREAD: &str = "tui-out";
/// Bytes of sequences that may wait: a clipboard's text of the longest that terminals take fits three times.
const QUEUE_BYTES_MAX: usize = 256 * 1024;
/// Where writing may block, so much is written at once after the terminal said that it takes some.
const CAREFUL_BYTES: usize = 256;
/// How long the last bytes may take before they are thrown away.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Ends whatever sequence was cut off.
const CANCEL: &[u8] = b"\x18";
const BELL: &[u8] = b"\x07";

/// The terminal as bytes go to it.
#[derive(Debug)]
pub(super) struct Line {
    file: File,
    /// A write takes what has room and never waits.
    never_waits: bool,
}

impl Line {
    /// Opens the terminal of standard output once more. The new opening alone is told never to wait: the old one is shared with the shell
    /// and whatever else runs there, which would not know what to do with a refused write.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn open() -> io::Result<Self> {
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
        let again = OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/1");
        // Not allowed where the terminal is another user's (after su), not possible elsewhere than on Linux.
        match again.ok().filter(|file| rustix::termios::isatty(file)) {
            Some(file) => Ok(Self { file, never_waits: true }),
            None => Ok(Self { file: io::stdout().as_fd().try_clone_to_owned()?.into(), never_waits: false }),
        }
    }

    /// Returns a line over what never waits.
    #[cfg(test)]
    pub(super) fn over(file: File) -> Self {
        Self { file, never_waits: true }
    }

    /// Writes what has room now: nothing, perhaps.
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = match self.never_waits {
            true => bytes,
            false if !self.has_room(Some(Duration::ZERO))? => return Ok(0),
            false => &bytes[..bytes.len().min(CAREFUL_BYTES)],
        };
        loop {
            match (&self.file).write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                other => return other,
            }
        }
    }

    /// Waits until there is room, without a timer unless a limit is given; returns whether there is.
    fn has_room(&self, limit: Option<Duration>) -> io::Result<bool> {
        let span = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut watched = [PollFd::new(&self.file, PollFlags::OUT)];
        match poll(&mut watched, span.as_ref()) {
            // An end that hung up "has room": the write then says what is wrong.
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes all of it, unless the limit passes first.
    fn write_within(&self, bytes: &[u8], limit: Duration) -> io::Result<bool> {
        let began = Instant::now();
        let mut left = bytes;
        while !left.is_empty() {
            left = &left[self.write(left)?..];
            let Some(rest) = limit.checked_sub(began.elapsed()) else { return Ok(left.is_empty()) };
            if !left.is_empty() {
                self.has_room(Some(rest))?;
            }
        }
        Ok(true)
    }
}

/// What the writer is to do next, and how it is doing.
#[derive(Debug, Default)]
struct Desk {
    frame: Option<Buffer>,
    /// What stands on the terminal is unknown.
    forget: bool,
    bell: bool,
    /// Newest title, as bytes.
    title: Option<Vec<u8>>,
    queue: VecDeque<Vec<u8>>,
    queued: usize,
    /// Nothing more is taken; the writer ends once the queue is empty.
    ending: bool,
    /// It took too long: what is left is thrown away.
    abandoned: bool,
    /// The writer has ended.
    over: bool,
    failed: Option<io::Error>,
}

/// Something to write.
enum Job {
    Bytes(Vec<u8>),
    Frame { next: Buffer, forget: bool },
}

impl Desk {
    fn next(&mut self) -> Option<Job> {
        if std::mem::take(&mut self.bell) {
            return Some(Job::Bytes(BELL.to_vec()));
        }
        if let Some(title) = self.title.take() {
            return Some(Job::Bytes(title));
        }
        if let Some(bytes) = self.queue.pop_front() {
            self.queued -= bytes.len();
            return Some(Job::Bytes(bytes));
        }
        let next = self.frame.take().filter(|_| !self.ending)?;
        Some(Job::Frame { next, forget: std::mem::take(&mut self.forget) })
    }

    /// Returns whether something newer than a frame half written waits.
    fn has_next(&self) -> bool {
        self.bell || self.title.is_some() || !self.queue.is_empty() || self.frame.is_some() || self.ending
    }
}

#[derive(Debug)]
struct Shared {
    line: Line,
    desk: Mutex<Desk>,
    changed: Condvar,
}

impl Shared {
    /// The lock is never held over a write, and nothing under it can panic.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, apply: impl FnOnce(&mut Desk) -> T) -> T {
        let answer = apply(&mut self.desk());
        self.changed.notify_all();
        answer
    }
}

/// The screen's end of the way.
#[derive(Debug, Clone)]
pub(super) struct Out(Arc<Shared>);

impl Out {
    /// Starts the writer. It calls `failed` once when the terminal takes nothing any more; [`Out::show`] then says why.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(line: Line, failed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { line, desk: Mutex::default(), changed: Condvar::new() });
        let writer = Writer { shared: shared.clone(), cells: Cells::default() };
        std::thread::Builder::new().name(THREAD.into()).spawn(move || {
            let mut end = End { shared: writer.shared.clone(), failed: Some(failed) };
            if let Err(error) = { writer }.run() {
                end.fail(error);
            }
        })?;
        Ok(Self(shared))
    }

    /// Has the terminal show this, instead of what it was to show before. Does not wait.
    ///
    /// # Errors
    /// When the terminal took no more bytes earlier.
    pub(super) fn show(&self, frame: Buffer) -> io::Result<()> {
        self.0.change(|desk| {
            desk.frame = Some(frame);
            desk.failed.take().map_or(Ok(()), Err)
        })
    }

    /// Has the next frame written whole.
    pub(super) fn forget(&self) {
        self.0.change(|desk| desk.forget = true);
    }

    /// Rings the terminal's bell before anything else. One that still waits is the same bell.
    pub(super) fn bell(&self) {
        self.0.change(|desk| desk.bell = true);
    }

    /// Has these bytes, which set the title, written; an older title that still waits is dropped.
    pub(super) fn title(&self, bytes: Vec<u8>) {
        self.0.change(|desk| desk.title = Some(bytes));
    }

    /// Has a whole sequence written between two frames. Returns whether there was room for it.
    pub(super) fn emit(&self, bytes: Vec<u8>) -> bool {
        self.0.change(|desk| {
            let fits = desk.queued + bytes.len() <= QUEUE_BYTES_MAX && !desk.ending;
            if fits {
                desk.queued += bytes.len();
                desk.queue.push_back(bytes);
            }
            fits
        })
    }

    /// Ends the writer and writes these last bytes, within a second whatever the terminal does: what a terminal does not take in time is
    /// thrown away, here and in the kernel.
    pub(super) fn end(&self, last: &[u8]) {
        self.0.change(|desk| desk.ending = true);
        let from_within = std::thread::current().name() == Some(THREAD);
        if from_within || !self.wait_until_over() {
            self.0.change(|desk| desk.abandoned = true);
            let _ = rustix::termios::tcflush(&self.0.line.file, rustix::termios::QueueSelector::OFlush);
            let _ = from_within || self.wait_until_over();
            let _ = self.0.line.write_within(CANCEL, LAST_WORDS);
        }
        let _ = self.0.line.write_within(last, LAST_WORDS);
    }

    fn wait_until_over(&self) -> bool {
        let waits = self.0.changed.wait_timeout_while(self.0.desk(), LAST_WORDS / 2, |desk| !desk.over);
        waits.unwrap_or_else(PoisonError::into_inner).0.over
    }

    /// Writes these bytes before the writer has anything to do.
    ///
    /// # Errors
    /// When the terminal takes none.
    pub(super) fn begin(&self, first: &[u8]) -> io::Result<()> {
        self.0.line.write_within(first, LAST_WORDS).map(drop)
    }
}

/// Says at the writer's end, by whatever way, that it is over.
struct End<F: FnOnce()> {
    shared: Arc<Shared>,
    failed: Option<F>,
}

impl<F: FnOnce()> End<F> {
    fn fail(&mut self, error: io::Error) {
        self.shared.change(|desk| desk.failed = Some(error));
    }
}

impl<F: FnOnce()> Drop for End<F> {
    fn drop(&mut self) {
        let in_panic = std::thread::panicking();
        let failed = self.shared.change(|desk| {
            desk.over = true;
            if in_panic {
                desk.failed = Some(io::Error::other("the writer failed"));
            }
            desk.failed.is_some()
        });
        if let Some(tell) = self.failed.take().filter(|_| failed) {
            tell();
        }
    }
}

struct Writer {
    shared: Arc<Shared>,
    cells: Cells,
}

impl Writer {
    fn run(mut self) -> io::Result<()> {
        while let Some(job) = self.wait() {
            match job {
                Job::Bytes(bytes) => self.bytes(&bytes)?,
                Job::Frame { next, forget } => self.frame(next, forget)?,
            }
        }
        Ok(())
    }

    /// Waits for something to write, without any timer; `None` when there will be nothing more.
    fn wait(&self) -> Option<Job> {
        let mut desk = self.shared.desk();
        loop {
            if desk.abandoned {
                return None;
            }
            if let Some(job) = desk.next() {
                return Some(job);
            }
            if desk.ending {
                return None;
            }
            desk = self.shared.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            match self.shared.line.write(&bytes[done..])? {
                0 => {
                    self.shared.line.has_room(None)?;
                    if self.shared.desk().abandoned {
                        return Ok(());
                    }
                }
                more => done += more,
            }
        }
        Ok(())
    }

    /// Writes a frame, or its first pieces when something newer comes while the terminal takes no more.
    fn frame(&mut self, next: Buffer, forget: bool) -> io::Result<()> {
        if forget {
            self.cells.forget();
        }
        let change = self.cells.change(&next)?;
        let (mut done, mut until) = (0, change.bytes.len());
        while done < until {
            match self.shared.line.write(&change.bytes[done..until])? {
                0 => {
                    self.shared.line.has_room(None)?;
                    let desk = self.shared.desk();
                    match () {
                        () if desk.abandoned => until = done,
                        () if desk.has_next() => until = change.cut(done),
                        () => {}
                    }
                }
                more => done += more,
            }
        }
        self.cells.written(&change, done, &next);
        if done < change.bytes.len() {
            // Cut short for a bell or a sequence: it goes on after that, unless there is a newer one.
            self.shared.desk().frame.get_or_insert(next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use std::io::Read as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    const LIMIT: Duration = Duration::from_secs(20);

    /// A screen of 80 by 24 whose every cell differs from that of the next turn.
    fn frame(turn: usize) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        for y in 0..24 {
            let line = format!("{turn:06} ").repeat(12);
            buffer.set_string(0, y, line, Style::new());
        }
        buffer
    }

    /// A way whose other end is read by hand: what the kernel keeps between is what a terminal's would be.
    fn slow() -> (Out, io::PipeReader, Arc<AtomicBool>) {
        let (reader, writer) = io::pipe().unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        rustix::fs::fcntl_setfl(&file, OFlags::NONBLOCK).unwrap();
        let failed = Arc::new(AtomicBool::new(false));
        let tell = failed.clone();
        (Out::start(Line::over(file), move || tell.store(true, Ordering::SeqCst)).unwrap(), reader, failed)
    }

    fn until(what: &str, wanted: impl Fn() -> bool) {
        let began = Instant::now();
        while !wanted() {
            assert!(began.elapsed() < LIMIT, "waited in vain for {what}");
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Shows frames until the way is full and the writer waits; returns how many that were.
    fn fill(out: &Out) -> usize {
        for turn in 0.. {
            out.show(frame(turn)).unwrap();
            let taken = |out: &Out| out.0.desk().frame.is_none();
            let began = Instant::now();
            while !taken(out) && began.elapsed() < Duration::from_millis(300) {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            if !taken(out) {
                return turn;
            }
        }
        unreachable!()
    }

    fn read_all(mut reader: io::PipeReader) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn frames_that_a_slow_terminal_cannot_take_are_replaced_by_the_newest() {
        let (out, reader, _) = slow();
        let full = fill(&out);
        (0..10_000).for_each(|turn| out.show(frame(full + turn)).unwrap());
        let last = full + 9_999;
        let reading = std::thread::spawn(move || read_all(reader));
        until("the newest frame", || !out.0.desk().has_next());
        out.end(b"");
        drop(out);
        let bytes = reading.join().unwrap();
        let size = |cells: u16| std::num::NonZeroU16::new(cells).unwrap();
        let mut terminal = vt100::Parser::new(size(24), size(80), 0);
        terminal.process(&bytes);
        let wanted = format!("{last:06} ").repeat(12);
        assert!(terminal.screen().rows(0, 80).all(|row| row.starts_with(wanted.trim_end().get(..79).unwrap())));
        assert!(bytes.len() < 40 * (full + 5) * 80, "{} bytes of {full} frames and the newest", bytes.len());
    }

    #[test]
    fn a_bell_goes_before_the_frames_and_bells_that_wait_are_one() {
        let (out, reader, _) = slow();
        fill(&out);
        (0..1000).for_each(|_| out.bell());
        let reading = std::thread::spawn(move || read_all(reader));
        until("all that waits", || !out.0.desk().has_next());
        out.end(b"");
        drop(out);
        let bytes = reading.join().unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == BELL[0]).count(), 1);
        assert!(!bytes.ends_with(BELL), "the frame that was cut short for it goes on after it");
    }

    #[test]
    fn sequences_that_wait_are_bounded() {
        let (out, _reader, _) = slow();
        fill(&out);
        let taken = (0..1000).filter(|_| out.emit(vec![b'x'; 10_000])).count();
        assert_eq!(taken, QUEUE_BYTES_MAX / 10_000);
        out.end(b"");
    }

    #[test]
    fn a_terminal_that_takes_nothing_does_not_hold_up_the_end() {
        let (out, reader, _) = slow();
        fill(&out);
        let began = Instant::now();
        out.end(b"restored");
        assert!(began.elapsed() < LIMIT / 4, "{:?}", began.elapsed());
        drop((out, reader));
    }

    #[test]
    fn the_last_words_come_last_and_whole() {
        let (out, reader, _) = slow();
        out.show(frame(1)).unwrap();
        assert!(out.emit(b"\x1b]52;c;AAAA\x07".to_vec()));
        let reading = std::thread::spawn(move || read_all(reader));
        out.end(b"restored");
        out.show(frame(2)).unwrap();
        assert!(!out.emit(b"late".to_vec()), "nothing is taken after the end");
        drop(out);
        let bytes = reading.join().unwrap();
        assert!(bytes.ends_with(b"restored") && bytes.windows(5).any(|bytes| bytes == b"]52;c"));
    }

    #[test]
    fn a_terminal_that_went_away_is_said_once_with_the_reason() {
        let (out, reader, failed) = slow();
        drop(reader);
        out.show(frame(1)).unwrap();
        until("the word of failure", || failed.load(Ordering::SeqCst));
        let error = out.show(frame(2)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
