//! `nightdesk --plain`: the console as lines.

use super::Globals;
use crate::config::Console;
use crate::sync::desk::Desk;
use crate::tui::plain::{Handle, Plain};
use crate::tui::{Exit, Reader};
use anyhow::Context as _;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long it has after a signal: a reader that stopped reading would hold it for ever.
const GRACE: Duration = Duration::from_millis(1500);
/// What shells say of who was ended by SIGTERM: 128 + 15.
const TERMINATED: i32 = 143;

/// Returns whether lines are wanted instead of a screen.
pub fn is_wanted(globals: &Globals, console: &Console) -> bool {
    globals.plain || console.plain
}

/// Prints lines until the person leaves, a signal says so, or nobody reads them any more.
pub fn run(desk: &Desk, reader: Reader, console: &Console) -> anyhow::Result<Exit> {
    let plain = Plain::new(desk.clone(), Some(reader), console.guards.clone());
    stop_on_signals(plain.handle())?;
    plain.run()
}

fn stop_on_signals(plain: Handle) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut hang_up = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
            _ = interrupt.recv() => {}
        }
        plain.stop();
        if !plain.ended_within(GRACE).await {
            std::process::exit(TERMINATED);
        }
    });
    Ok(())
}
