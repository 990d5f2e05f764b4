//! `nightdesk keys press`: bytes and names of the keys as they come.

use super::super::{Exit, output};
use crate::tui::{KeyPress, Sent, split};
use anyhow::{Context as _, bail};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{IsTerminal as _, Read as _, Write as _};
use tokio::signal::unix::{SignalKind, signal};

/// How long the rest of a sequence may take to come: a lone Esc is told after it.
const TOGETHER: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Most bytes that are read at once.
const BYTES_MAX: usize = 1024;

/// The terminal while it sends every key at once; given back when dropped.
struct Raw;

impl Raw {
    fn take() -> anyhow::Result<Self> {
        enable_raw_mode().context("taking the terminal")?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        drop(disable_raw_mode());
    }
}

/// Prints each key until the person leaves.
pub fn run() -> anyhow::Result<Exit> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        bail!("keys press needs a terminal");
    }
    output::say!("Press keys; Ctrl-c twice or Esc twice leaves.");
    output::say!("{:<20} {:<14} {}", "what was sent", "key", "note");
    let raw = Raw::take()?;
    give_back_on_signals()?;
    let mut last = None;
    loop {
        let bytes = chunk()?;
        if bytes.is_empty() {
            break;
        }
        let mut leaves = false;
        for sent in split(&bytes) {
            line(&told(&sent))?;
            leaves |= sent.key.is_some() && sent.key == last && is_leaving(sent.key);
            last = sent.key;
        }
        if leaves {
            break;
        }
    }
    drop(raw);
    Ok(Exit::Confirmed)
}

fn is_leaving(key: Option<KeyPress>) -> bool {
    ["ctrl-c", "esc"].iter().any(|name| KeyPress::parse(name) == key)
}

fn told(sent: &Sent) -> String {
    let name = sent.key.map_or_else(|| "-".to_owned(), |key| key.to_string());
    let note = match sent.key {
        None => "not read as a key".to_owned(),
        Some(_) => crate::tui::doubt(&name).map(|doubt| doubt.to_string()).unwrap_or_default(),
    };
    format!("{:<20} {name:<14} {note}", sent.escaped())
}

/// Prints a line where the terminal does not begin one by itself.
fn line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{}\r\n", output::text(text.trim_end()))?;
    out.flush()?;
    Ok(())
}

/// Returns what comes together; empty at the end of the input.
fn chunk() -> anyhow::Result<Vec<u8>> {
    let mut input = std::io::stdin().lock();
    let mut bytes = Vec::new();
    let mut buffer = [0; BYTES_MAX];
    loop {
        let count = input.read(&mut buffer).context("reading the terminal")?;
        bytes.extend_from_slice(&buffer[..count]);
        if count == 0 || bytes.len() >= BYTES_MAX || !more_comes()? {
            return Ok(bytes);
        }
    }
}

/// Returns whether something else comes within a moment.
fn more_comes() -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut watched, Some(&TOGETHER)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error).context("waiting for the terminal"),
    }
}

/// Gives the terminal back when the process is asked to end: nobody else would.
fn give_back_on_signals() -> anyhow::Result<()> {
    std::thread::Builder::new().name("signals".into()).spawn(|| {
        let Ok(runtime) = super::super::small_runtime() else { return };
        runtime.block_on(async {
            let listen = |kind| signal(kind).ok();
            let (Some(mut terminate), Some(mut hang_up)) =
                (listen(SignalKind::terminate()), listen(SignalKind::hangup()))
            else {
                return;
            };
            let status = tokio::select! {
                _ = terminate.recv() => 143,
                _ = hang_up.recv() => 129,
            };
            drop(disable_raw_mode());
            std::process::exit(status);
        });
    })?;
    Ok(())
}
