//! What signals mean to a console with a screen.
//!
//! ```text
//! TERM HUP INT QUIT   end in order: the terminal is given back, what waits is kept. QUIT writes no core: memory holds keys and texts
//! USR1                read the settings again and draw all anew
//! TSTP                give the terminal back and stop, where a shell waits that can continue it
//! CONT                take the terminal again, draw all anew, ask the hub anew
//! WINCH               the terminal's own thread hears it (tui::run)
//! PIPE                ignored by the language's runtime: a write says it
//! ```

use crate::tui::Handle;
use anyhow::Context as _;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// Hears signals from now on, on the present runtime.
pub fn listen(screen: Handle) -> anyhow::Result<()> {
    let hear = |signal_of: Signal, name: &str| {
        signal(SignalKind::from_raw(signal_of.as_raw())).with_context(|| format!("listening for SIG{name}"))
    };
    let (mut terminate, mut hang_up) = (hear(Signal::TERM, "TERM")?, hear(Signal::HUP, "HUP")?);
    let (mut interrupt, mut quit) = (hear(Signal::INT, "INT")?, hear(Signal::QUIT, "QUIT")?);
    let (mut reload, mut suspend) = (hear(Signal::USR1, "USR1")?, hear(Signal::TSTP, "TSTP")?);
    let mut continued = hear(Signal::CONT, "CONT")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => screen.stop(),
                _ = hang_up.recv() => screen.stop(),
                _ = interrupt.recv() => screen.stop(),
                _ = quit.recv() => screen.stop(),
                _ = reload.recv() => screen.reload(),
                _ = suspend.recv() => screen.suspend(),
                _ = continued.recv() => screen.continued(),
            }
        }
    });
    Ok(())
}
