//! `nightdesk`: the full screen, with a hub in the same process where none is configured.

use super::open::{parts, settings};
use super::{Exit, Globals, first_run, log, plain, read, serve, signals};
use crate::config::{self, Paths};
use crate::hub::{self, DEFAULT_LISTEN, Options, Running, StartError};
use crate::sync::client::HubAddress;
use crate::sync::console;
use crate::sync::desk::Desk;
use crate::tui;
use anyhow::Context as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio::runtime::Runtime;

/// Opens the console.
pub fn run(globals: &Globals) -> anyhow::Result<Exit> {
    first_run::ask_once(globals)?;
    let (paths, mut console) = settings(globals)?;
    if !plain::is_wanted(globals, &console) {
        need_terminal()?;
    }
    console.guards = guards(globals, console.guards);
    console.look.ascii |= globals.ascii;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    log::to_file(&paths, globals, console.log_level.as_deref())?;
    let (hub, address) = match &console.hub {
        Some(text) => (None, HubAddress::parse(text)?),
        None => own_hub(&runtime, &paths)?,
    };
    show(globals, &runtime, &paths, &console, hub, address)
}

/// Returns the guards with what the arguments say.
pub fn guards(globals: &Globals, settings: config::Guards) -> config::Guards {
    let readonly = settings.readonly || globals.readonly;
    config::Guards { readonly, scripted: globals.scripted, ..settings }
}

/// Says what to do instead where nobody can see a screen.
pub fn need_terminal() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    anyhow::bail!("the console needs a terminal; `nightdesk --plain`, `nightdesk list` and the other commands do not")
}

/// Shows the hub at that address until the person leaves, then ends the hub if it is in this process.
pub fn show(
    globals: &Globals,
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
    let reader = read::reader(globals, paths);
    let exit = match plain::is_wanted(globals, settings) {
        true => plain::run(&console.desk, in_lines(paths, settings, reader)),
        false => on_screen(&console.desk, paths, settings, reader),
    };
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

fn in_lines(paths: &Paths, settings: &config::Console, reader: tui::Reader) -> tui::plain::Options {
    tui::plain::Options { reader: Some(reader), guards: settings.guards.clone(), state: Some(paths.state.clone()) }
}

fn on_screen(desk: &Desk, paths: &Paths, settings: &config::Console, reader: tui::Reader) -> anyhow::Result<tui::Exit> {
    let options = tui::Options {
        keymap: Some(paths.config.join("keymap.toml")),
        keymap_choice: super::keys::choice(settings),
        recent: Some(paths.state.join("commands")),
        state: Some(paths.state.clone()),
        reader: Some(reader),
        outward: settings.outward.clone(),
        session: Some(paths.state.join("session.toml")),
        views: Some(paths.config.join("views.toml")),
        guards: settings.guards.clone(),
        graph: if settings.braille { tui::Graph::Braille } else { tui::Graph::Ascii },
        config: Some(paths.config.clone()),
        look: settings.look.clone(),
    };
    let screen = tui::Console::new(desk.clone(), options);
    signals::listen(screen.handle())?;
    screen.run()
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
            let _inside = runtime.enter();
            serve::follow_file(config, hub.reloader());
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
