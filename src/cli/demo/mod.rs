//! `nightdesk demo`: hub, console and a source of our own making in one process, in a directory that is gone afterwards.

mod scenes;

use super::{Exit, Globals, log, tui};
use crate::config::{self, Paths};
use crate::domain::id::UserName;
use crate::hub::{self, DEFAULT_LISTEN, Options};
use crate::store::file;
use crate::sync::client::HubAddress;
use crate::sync::tls::nobody;
use crate::sync::{clock, device};
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the made-up source evaluates its rules.
const EVALUATION: Duration = Duration::from_secs(2);
/// Shorter than in earnest, so that a few minutes show a whole story.
const FLAP_WINDOW: Duration = Duration::from_secs(20);

/// A directory that is removed when the demonstration ends.
struct TemporaryHome(PathBuf);

impl TemporaryHome {
    fn make() -> anyhow::Result<Self> {
        let name = format!("nightdesk-demo-{}", crate::domain::id::hex(&device::random::<8>()));
        let path = std::env::temp_dir().join(name);
        file::private_dir(&path).context("making a directory for the demonstration")?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryHome {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the demonstration until the person leaves.
pub fn run(globals: &Globals) -> anyhow::Result<Exit> {
    if !globals.plain {
        tui::need_terminal()?;
    }
    let home = TemporaryHome::make()?;
    let paths = Paths::find(Some(home.0.clone()))?;
    log::to_file(&paths, globals, None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut config = config::Hub::default();
    config.timing.flap_window = FLAP_WINDOW;
    let options = Options {
        data: paths.hub(),
        listen: SocketAddr::new(DEFAULT_LISTEN.ip(), 0),
        also: Vec::new(),
        next_free_port: false,
        open_ingest: true,
        demo: true,
        config,
    };
    let hub = runtime.block_on(hub::start(options)).context("starting the demonstration's hub")?;
    let stop = CancellationToken::new();
    runtime.spawn(send(hub.address, stop.clone()));
    let address = HubAddress::Unix(hub.socket.clone());
    let user = UserName::parse("you").context("naming the demonstration's person")?;
    let settings = config::Console {
        hub: None,
        token_file: None,
        user,
        peers: config::Peers::default(),
        log_level: None,
        plain: globals.plain,
        guards: tui::guards(globals, config::Guards::default()),
        keymap: None,
    };
    let exit = tui::show(&at_home(globals, &home), &runtime, &paths, &settings, Some(hub), address);
    stop.cancel();
    exit
}

/// Returns the arguments as they would be for a console that lives there: what is looked at is the demonstration.
fn at_home(globals: &Globals, home: &TemporaryHome) -> Globals {
    Globals { hub: None, token_file: None, home: Some(home.0.clone()), ..globals.clone() }
}

/// Sends what the scenes say, as a Prometheus would: all that fires, every evaluation, and each end for a while.
async fn send(hub: SocketAddr, stop: CancellationToken) {
    let url = format!("http://{hub}/api/v2/alerts");
    let Ok(config) = nobody() else { return };
    let Ok(client) = reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build() else { return };
    let start = clock::now();
    let mut evaluations = tokio::time::interval(EVALUATION);
    loop {
        tokio::select! {
            _ = evaluations.tick() => {}
            () = stop.cancelled() => return,
        }
        let body = scenes::alerts(start, clock::now());
        if let Err(error) = client.post(&url).json(&body).timeout(Duration::from_secs(5)).send().await {
            tracing::warn!(%error, "the demonstration's source cannot send");
        }
    }
}
