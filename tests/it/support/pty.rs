//! A program in a pseudo-terminal whose every byte is kept: what a person would see (vt100), and what was really written.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

#[derive(Clone)]
struct Shared(Arc<(Mutex<Seen>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().expect("no holder of this lock panics")
    }

    fn change(&self, apply: impl FnOnce(&mut Seen)) {
        apply(&mut self.lock());
        self.0.1.notify_all();
    }
}

/// What a terminal is set to beside what stands on it.
#[derive(Debug, PartialEq, Eq)]
pub struct Modes {
    /// The second screen is shown.
    pub alternate: bool,
    /// No cursor is seen.
    pub hidden_cursor: bool,
    /// Pastes are marked.
    pub marked_pastes: bool,
    /// The mouse is reported.
    pub mouse: bool,
    /// Text is drawn bold, reverse or in a colour.
    pub styled: bool,
    /// Modes of `CSI ?` that were set last and not taken back, those that the terminal does not know among them.
    pub left: Vec<String>,
}

/// A program in a pseudo-terminal; killed on drop. Nobody answers its questions to the terminal.
pub struct Pty {
    shared: Shared,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Bytes that are read each second; 0 is all there are.
    pace: Arc<AtomicU64>,
}

impl Pty {
    /// Starts `program` with `args` in a terminal of that many columns and rows.
    ///
    /// # Panics
    /// When there is no pseudo-terminal or the program cannot be started.
    pub fn start(width: u16, height: u16, program: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size(width, height)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NIGHTDESK_HOME");
        command.env_remove("NIGHTDESK_HUB");
        for (name, value) in env {
            command.env(name, value);
        }
        let reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let writer = pair.master.take_writer().expect("the terminal can be written");
        let child = pair.slave.spawn_command(command).unwrap_or_else(|error| panic!("starting {program}: {error}"));
        let parser = vt100::Parser::new(cells(height), cells(width), 0);
        let shared = Shared(Arc::new((Mutex::new(Seen { parser, raw: Vec::new(), ended: false }), Condvar::new())));
        let pace = Arc::new(AtomicU64::new(0));
        let (copy, paced) = (shared.clone(), pace.clone());
        std::thread::spawn(move || follow(reader, &copy, &paced));
        Self { shared, master: pair.master, writer, child, pace }
    }

    /// Types these bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).expect("the terminal can be written");
    }

    /// Returns what a person sees, one line a row.
    pub fn screen_text(&self) -> String {
        self.shared.lock().parser.screen().contents()
    }

    /// Returns every byte that the program wrote so far.
    pub fn raw(&self) -> Vec<u8> {
        self.shared.lock().raw.clone()
    }

    /// Returns how many bytes the program wrote so far.
    pub fn bytes_written(&self) -> usize {
        self.shared.lock().raw.len()
    }

    /// Waits until the program has written more than `before` bytes; returns whether it did within `limit`.
    pub fn wait_for_bytes(&self, before: usize, limit: Duration) -> bool {
        let seen = self.shared.lock();
        let waiting = |seen: &mut Seen| seen.raw.len() <= before && !seen.ended;
        let seen = self.shared.0.1.wait_timeout_while(seen, limit, waiting).expect("no holder of this lock panics").0;
        seen.raw.len() > before
    }

    /// Reads no more than so many bytes a second from now on, as a slow line does; 0 is as fast as it can.
    pub fn read_slowly(&self, bytes_a_second: u64) {
        self.pace.store(bytes_a_second, Ordering::SeqCst);
    }

    /// Returns what the terminal is set to.
    pub fn modes(&self) -> Modes {
        let seen = self.shared.lock();
        let screen = seen.parser.screen();
        let styled = screen.bold() || screen.inverse() || screen.fgcolor() != vt100::Color::Default;
        Modes {
            alternate: screen.alternate_screen(),
            hidden_cursor: screen.hide_cursor(),
            marked_pastes: screen.bracketed_paste(),
            mouse: screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
            styled,
            left: left(&String::from_utf8_lossy(&seen.raw)),
        }
    }

    /// Returns the program's process id.
    pub fn id(&self) -> u32 {
        self.child.process_id().expect("a started program has an id")
    }

    /// Returns the exit code, or `None` when it still runs after `limit`.
    pub fn exit_code(&mut self, limit: Duration) -> Option<u32> {
        super::try_until(limit, || self.child.try_wait().ok().flatten()).map(|status| status.exit_code())
    }

    /// Kills the program with SIGKILL and waits for its end: it has no chance to tidy up.
    pub fn kill9(&mut self) {
        let id = i32::try_from(self.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::KILL).expect("a child can be signalled");
        self.child.wait().expect("a child can be waited for");
    }

    /// Gives the terminal another size; the program is told.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.shared.change(|seen| seen.parser.set_size(cells(height), cells(width)));
        self.master.resize(size(width, height)).expect("the terminal can be resized");
    }

    /// Waits until the screen is as wanted, and returns it.
    ///
    /// # Panics
    /// When `limit` has passed, or the program has ended with another screen; the message holds the last one.
    pub fn wait_for(&self, limit: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        let mut seen = self.shared.lock();
        loop {
            let screen = seen.parser.screen().contents();
            if wanted(&screen) {
                return screen;
            }
            let left = limit.checked_sub(began.elapsed()).filter(|_| !seen.ended);
            let Some(left) = left else {
                let (ended, waited) = (seen.ended, began.elapsed());
                drop(seen); // a panic must not poison what the reader thread needs
                panic!("waited {waited:?} in vain (program ended: {ended}); the last screen:\n{screen}");
            };
            seen = self.shared.0.1.wait_timeout(seen, left).expect("no holder of this lock panics").0;
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the private modes that do not stand as a fresh terminal has them: `?7` and `?25` are on there, all others off.
fn left(raw: &str) -> Vec<String> {
    let mut last = std::collections::BTreeMap::new();
    for part in raw.split("\u{1b}[?").skip(1) {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (mode, rest) = part.split_at(end);
        last.insert(mode.to_owned(), rest.starts_with('h'));
    }
    last.into_iter().filter(|(mode, on)| *on != matches!(mode.as_str(), "7" | "25")).map(|(mode, _)| mode).collect()
}

fn follow(mut reader: Box<dyn Read + Send>, shared: &Shared, pace: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    loop {
        // A sixteenth of a second's bytes, then the rest of that time.
        let paced = pace.load(Ordering::SeqCst);
        let most = if paced == 0 { buffer.len() } else { buffer.len().min(paced as usize / 16 + 1) };
        let Ok(count @ 1..) = reader.read(&mut buffer[..most]) else { break };
        if paced > 0 {
            let began = Instant::now();
            while let Some(left) = Duration::from_millis(1000 / 16).checked_sub(began.elapsed()) {
                std::thread::park_timeout(left);
            }
        }
        shared.change(|seen| {
            seen.raw.extend_from_slice(&buffer[..count]);
            seen.parser.process(&buffer[..count]);
        });
    }
    shared.change(|seen| seen.ended = true);
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has at least one cell")
}

#[test]
fn a_program_sees_the_size_and_is_seen() {
    let script = r"echo size $(stty size); read line; printf '\033[2J\033[5;3Hgot %s' $line; read line";
    let mut pty = Pty::start(120, 40, "sh", &["-c", script], &[]);
    pty.wait_for(Duration::from_secs(10), |screen| screen.contains("size 40 120"));
    let before = pty.bytes_written();
    pty.write(b"hello\n");
    let screen = pty.wait_for(Duration::from_secs(10), |screen| screen.contains("  got hello"));
    assert!(!screen.contains("size"), "the screen was cleared:\n{screen}");
    assert!(pty.bytes_written() > before && pty.raw().windows(4).any(|bytes| bytes == b"\x1b[2J"));
    pty.write(b"\n");
    assert_eq!(pty.exit_code(Duration::from_secs(10)), Some(0));
}
