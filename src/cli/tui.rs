//! `nightdesk`: the full screen, with a hub in the same process where none is configured.

use super::open::{parts, settings};
use super::{Exit, Globals, signals};
use crate::config::{self, Paths};
use crate::hub::{self, DEFAULT_LISTEN, Options, Running, StartError};
use crate::store::file;
use crate::sync::client::HubAddress;
use crate::sync::console;
use crate::tui;
use anyhow::Context as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A log that grew beyond this is begun anew; the one before is kept.
const LOG_BYTES_MAX: u64 = 5 << 20;

/// Opens the console.
pub fn run(globals: &Globals) -> anyhow::Result<Exit> {
    need_terminal()?;
    let (paths, console) = settings(globals)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    log_to_file(&paths)?;
    let (hub, address) = match &console.hub {
        Some(text) => (None, HubAddress::parse(text)?),
        None => own_hub(&runtime, &paths)?,
    };
    show(&runtime, &paths, &console, hub, address)
}

/// Says what to do instead where nobody can see a screen.
pub fn need_terminal() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    anyhow::bail!("the console needs a terminal; `nightdesk list` and the other commands do not")
}

/// Shows the hub at that address until the person leaves, then ends the hub if it is in this process.
pub fn show(
    runtime: &Runtime,
    paths: &Paths,
    settings: &config::Console,
    hub: Option<Running>,
    address: HubAddress,
) -> anyhow::Result<Exit> {
    let mut parts = runtime.block_on(parts(paths, settings, address))?;
    parts.embedded = hub.is_some();
    let _inside = runtime.enter();
    let console = console::Console::start(parts)?;
    let options = tui::Options {
        keymap: Some(paths.config.join("keymap.toml")),
        state: Some(paths.state.clone()),
        outward: settings.outward.clone(),
    };
    let screen = tui::Console::new(console.desk.clone(), options);
    signals::listen(screen.handle())?;
    let exit = screen.run();
    let unsent = console.picture().unsent;
    runtime.block_on(async {
        console.close().await;
        if let Some(hub) = hub {
            hub.shut_down().await;
        }
    });
    if unsent > 0 {
        eprintln!(
            "nightdesk: {unsent} of your operations wait for the hub; they are kept and sent when a console runs again"
        );
    }
    Ok(match exit? {
        tui::Exit::Quit | tui::Exit::Stopped => Exit::Confirmed,
        tui::Exit::Hangup => Exit::HungUp,
    })
}

/// Starts this user's own hub, or attaches to it where it runs already.
fn own_hub(runtime: &Runtime, paths: &Paths) -> anyhow::Result<(Option<Running>, HubAddress)> {
    let data = paths.hub();
    let config = paths.config.join("hub.toml");
    let options = Options {
        listen: last_address(&data).unwrap_or(DEFAULT_LISTEN),
        also: Vec::new(),
        next_free_port: true,
        open_ingest: true,
        demo: false,
        config: if config.exists() { config::Hub::read(&config)? } else { config::Hub::default() },
        data: data.clone(),
    };
    match runtime.block_on(hub::start(options)) {
        Ok(hub) => {
            let address = HubAddress::Unix(hub.socket.clone());
            Ok((Some(hub), address))
        }
        Err(StartError::Taken(_)) => Ok((None, HubAddress::Unix(data.join("hub.sock")))),
        Err(error) => Err(error).context("starting the hub in this process"),
    }
}

/// Returns where this hub listened last: sources are configured for that address.
fn last_address(data: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(data.join("address")).ok()?.trim().parse().ok()
}

/// Logs to a file: the screen is taken.
pub fn log_to_file(paths: &Paths) -> anyhow::Result<()> {
    file::private_dir(&paths.state)?;
    let path = paths.state.join("nightdesk.log");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX) {
        std::fs::rename(&path, paths.state.join("nightdesk.log.1")).context("putting the old log aside")?;
    }
    let log = file::private_file(&path)?;
    let log = {
        use std::io::Seek as _;
        let mut log = log;
        log.seek(std::io::SeekFrom::End(0)).context("opening the log")?;
        log
    };
    let filter = EnvFilter::try_from_env("NIGHTDESK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let written = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log);
    tracing_subscriber::registry().with(filter).with(written).with(tui::recent()).init();
    Ok(())
}
