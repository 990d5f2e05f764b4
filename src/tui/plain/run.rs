//! The I/O of the plain console: pictures and typed lines in, lines out. Nothing is written without a change.

use super::talk::Talk;
use crate::config::Guards;
use crate::domain::time::Timestamp;
use crate::sync::desk::{Ask, Desk};
use crate::tui::event::{Effect, Exit};
use crate::tui::run::now;
use crate::tui::topic::{Reader, Topic};
use anyhow::Context as _;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// What waits to be handled; a person types no more.
const HEARD_MAX: usize = 256;
/// Longest line that is read; no note is longer.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// The bell rings at most once within this.
const RING_EVERY: Duration = Duration::from_secs(2);

enum Heard {
    Picture,
    Line(String),
    Read(Topic, Vec<String>),
    /// No more lines come; the terminal said so, if it is one.
    End,
    Stop,
}

/// Ends a plain console from another thread.
#[derive(Clone)]
pub struct Handle {
    heard: SyncSender<Heard>,
    stop: Arc<AtomicBool>,
    ended: Arc<tokio::sync::Notify>,
}

impl Handle {
    /// Waits for its end; returns whether it came in time.
    pub async fn ended_within(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.ended.notified()).await.is_ok()
    }

    /// Ends it; never blocks, may be called more than once.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.heard.try_send(Heard::Stop);
    }
}

/// A console that prints lines and has not begun.
pub struct Plain {
    desk: Desk,
    reader: Option<Reader>,
    guards: Guards,
    handle: Handle,
    heard: Receiver<Heard>,
    /// A newer picture found the queue full.
    missed: Arc<AtomicBool>,
}

/// Where lines go.
struct Printer {
    bell: bool,
    ascii: bool,
    rang_at: Option<Timestamp>,
}

impl Plain {
    /// Returns a console over this desk.
    pub fn new(desk: Desk, reader: Option<Reader>, guards: Guards) -> Self {
        let (sender, heard) = sync_channel(HEARD_MAX);
        Self {
            desk,
            reader,
            guards,
            handle: Handle { heard: sender, stop: Arc::default(), ended: Arc::default() },
            heard,
            missed: Arc::default(),
        }
    }

    /// Returns what ends it from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Prints what there is and what changes, and does what is typed, until it is told to end, or standard output has no reader.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn run(self) -> anyhow::Result<Exit> {
        read_lines(self.handle.heard.clone()).context("reading lines")?;
        let waits = Arc::new(AtomicBool::new(false));
        let (sender, flag, missed) = (self.handle.heard.clone(), waits.clone(), self.missed.clone());
        self.desk.wake_with(move || {
            // One wake at a time: the newest picture is taken when it is handled.
            if !flag.swap(true, Ordering::SeqCst) && sender.try_send(Heard::Picture).is_err() {
                flag.store(false, Ordering::SeqCst);
                missed.store(true, Ordering::SeqCst);
            }
        });
        let mut talk = Talk::new(self.desk.picture(), jiff::tz::TimeZone::system(), &self.guards);
        let mut printer = Printer { bell: std::io::stdout().is_terminal(), ascii: !is_utf8(), rang_at: None };
        let ended = self.turn(&mut talk, &mut printer, &waits);
        self.handle.ended.notify_one();
        match ended {
            Err(error) if is_gone(&error) => Ok(Exit::Quit),
            Err(error) => Err(error).context("writing to standard output"),
            Ok(exit) => Ok(exit),
        }
    }

    fn turn(&self, talk: &mut Talk, printer: &mut Printer, waits: &AtomicBool) -> std::io::Result<Exit> {
        printer.print(&talk.opening(), now())?;
        // One may have come before anybody could be woken.
        let (lines, effects) = talk.heard(self.desk.picture(), now());
        self.follow(talk, printer, lines, effects)?;
        while let Ok(heard) = self.heard.recv() {
            if self.handle.stop.load(Ordering::SeqCst) {
                return Ok(Exit::Stopped);
            }
            let (lines, effects) = match heard {
                Heard::Picture => {
                    waits.store(false, Ordering::SeqCst);
                    talk.heard(self.desk.picture(), now())
                }
                Heard::Line(line) => talk.typed(&line, now()),
                Heard::Read(topic, lines) => (Talk::read(topic, &lines), Vec::new()),
                Heard::End if std::io::stdin().is_terminal() => return Ok(Exit::Quit),
                // Behind a pipe, or without any input, it prints on.
                Heard::End => continue,
                Heard::Stop => return Ok(Exit::Stopped),
            };
            if let Some(exit) = self.follow(talk, printer, lines, effects)? {
                return Ok(exit);
            }
            if self.missed.swap(false, Ordering::SeqCst) {
                let (lines, effects) = talk.heard(self.desk.picture(), now());
                self.follow(talk, printer, lines, effects)?;
            }
        }
        Ok(Exit::Stopped)
    }

    /// Prints lines and does effects; returns why to leave, if so.
    fn follow(
        &self,
        talk: &mut Talk,
        printer: &mut Printer,
        lines: Vec<String>,
        effects: Vec<Effect>,
    ) -> std::io::Result<Option<Exit>> {
        printer.print(&lines, now())?;
        for effect in effects {
            match effect {
                Effect::Ask(ask) => {
                    let matters = !matches!(ask, Ask::Look(_) | Ask::Present { .. });
                    if self.desk.ask(ask).is_err() && matters {
                        printer.print(&talk.busy(), now())?;
                    }
                }
                Effect::Read(topic, words) => self.read(topic, words),
                Effect::Leave(exit) => return Ok(Some(exit)),
                // Lines ring by themselves, and nothing is painted.
                _ => {}
            }
        }
        Ok(None)
    }

    fn read(&self, topic: Topic, words: String) {
        let (reader, heard) = (self.reader.clone(), self.handle.heard.clone());
        let started = std::thread::Builder::new().name("reader".into()).spawn(move || {
            let lines = reader.map_or_else(Vec::new, |reader| reader(topic, &words));
            let _ = heard.send(Heard::Read(topic, lines));
        });
        if let Err(error) = started {
            tracing::warn!(%error, "nothing can be read now");
        }
    }
}

impl Printer {
    fn print(&mut self, lines: &[String], now: Timestamp) -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        if self.ascii {
            text = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        }
        let calls = lines.iter().any(|line| line.starts_with("PAGE ") || line.starts_with("ALARM "));
        if calls && self.bell && self.rang_at.is_none_or(|at| at.plus(RING_EVERY) <= now) {
            self.rang_at = Some(now);
            text.push('\x07');
        }
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// Starts the thread that reads lines. It lives as long as the process.
fn read_lines(heard: SyncSender<Heard>) -> std::io::Result<()> {
    std::thread::Builder::new().name("plain-lines".into()).spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            let end = matches!(read, Ok(0) | Err(_));
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let sent = heard.send(if end { Heard::End } else { Heard::Line(line) });
            if end || sent.is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Returns whether nobody reads any more: the end of `| head`, and of a terminal that hung up.
fn is_gone(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::PIPE | Errno::IO | Errno::NXIO | Errno::BADF))
}

/// Returns whether the locale says UTF-8. What it does not say is shown as `?`.
fn is_utf8() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}
