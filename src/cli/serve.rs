//! `nightdesk serve`.

use super::{Exit, Globals, log};
use crate::config::{Hub, Paths};
use crate::hub::{self, DEFAULT_LISTEN, Options, Reloader};
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen; may be given several times. In the clear on loopback, over TLS 1.3 on every other address; 0.0.0.0 is both.
    #[arg(long, default_values_t = [DEFAULT_LISTEN], value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// The hub's directory: database, keys, tokens, socket.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The hub's configuration; without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the hub until SIGTERM or SIGINT.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    log::to_stderr(globals)?;
    let paths = Paths::find(globals.home.clone())?;
    let config = match &arguments.config {
        Some(path) => Hub::read(path)?,
        None => Hub::default(),
    };
    let data = arguments.data.clone().unwrap_or_else(|| paths.hub());
    let options = Options {
        data: data.clone(),
        listen: arguments.listen.first().copied().unwrap_or(DEFAULT_LISTEN),
        also: arguments.listen.iter().skip(1).copied().collect(),
        next_free_port: false,
        open_ingest: false,
        demo: false,
        config,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
        let hub = hub::start(options).await?;
        if let Some(path) = &arguments.config {
            follow(path.clone(), hub.reloader())?;
        }
        let clear = hub.clear.map(|address| format!("http://{address}"));
        let both: Vec<String> = clear.into_iter().chain(hub.https.clone()).collect();
        println!("nightdesk hub on {}, data in {}", both.join(" and "), data.display());
        if hub.https.is_some() {
            println!("consoles of other machines: nightdesk --hub unix:{} enrol NAME", hub.socket.display());
        }
        if let Some(address) = hub.clear.map(|address| format!("http://{address}")).or_else(|| hub.https.clone()) {
            println!(
                "Prometheus sends to {address} as to an Alertmanager, Alertmanager to {address}/v1/in/alertmanager"
            );
        }
        println!("sources send with the token in {}", data.join("ingest.token").display());
        println!("consoles of this user: nightdesk --hub unix:{}", hub.socket.display());
        let (ends_by, failed) = tokio::select! {
            _ = terminate.recv() => ("SIGTERM", false),
            _ = interrupt.recv() => ("SIGINT", false),
            () = hub.stopped() => ("its disk", true),
        };
        tracing::info!(ends_by, "hub ends");
        hub.shut_down().await;
        if failed {
            anyhow::bail!(
                "the hub's disk failed; see the log above. Check the disk, then start it again: it looks what was kept"
            );
        }
        Ok(Exit::Confirmed)
    })
}

/// Reads the configuration anew at SIGHUP, and when its file changes.
fn follow(path: PathBuf, reloader: Reloader) -> anyhow::Result<()> {
    let mut hang_up = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let changed = follow_file(path, reloader);
    tokio::spawn(async move {
        while let Some(()) = hang_up.recv().await {
            // A full channel holds a change that is not read yet.
            let _ = changed.try_send(());
        }
    });
    Ok(())
}

/// Reads the configuration anew when its file changes, and when told so; on a runtime.
pub(super) fn follow_file(path: PathBuf, reloader: Reloader) -> mpsc::Sender<()> {
    let (changed, mut changes) = mpsc::channel(1);
    if let Err(error) = super::watch::file(&path, changed.clone()) {
        tracing::warn!(%error, "changes of the configuration are not noticed; only the next start or SIGHUP reads them");
    }
    tokio::spawn(async move {
        while let Some(()) = changes.recv().await {
            reloader.read(&path).await;
        }
    });
    changed
}
