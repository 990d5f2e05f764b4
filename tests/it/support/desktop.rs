//! A desktop's session bus (a real dbus-daemon), and who shows notes on it.

use super::process::Process;
use super::until;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zbus::{Connection, OwnedVariant};

/// A session bus of our own; ends on drop.
pub struct SessionBus {
    socket: PathBuf,
    _daemon: Process,
}

/// A note as the service was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who shows it.
    pub app: String,
    /// Its heading.
    pub summary: String,
    /// Its text, which services take for markup.
    pub body: String,
    /// 0 low, 1 normal, 2 critical.
    pub urgency: Option<u8>,
}

/// Who shows notes: `org.freedesktop.Notifications`.
pub struct Notifications {
    connection: Connection,
    shown: Arc<Mutex<Vec<Note>>>,
}

struct Service {
    shown: Arc<Mutex<Vec<Note>>>,
    /// It takes a note and never says so.
    hangs: bool,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    async fn notify(
        &self,
        app: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        _expires_ms: i32,
    ) -> u32 {
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok());
        let number = self.keep(Note { app, summary, body, urgency });
        if self.hangs {
            std::future::pending::<()>().await;
        }
        number
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["body", "body-markup"].map(str::to_owned).to_vec()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("notes".to_owned(), "tests".to_owned(), "1".to_owned(), "1.2".to_owned())
    }
}

impl Service {
    fn keep(&self, note: Note) -> u32 {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push(note);
        shown.len() as u32
    }
}

impl SessionBus {
    /// Starts a bus whose socket lies in `dir`, and waits until it answers.
    ///
    /// # Panics
    /// When dbus-daemon is missing or refuses.
    pub fn start(dir: &Path) -> Self {
        let socket = dir.join("bus");
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile"]).arg(format!("--address=unix:path={}", socket.display()));
        let daemon = Process::start("dbus-daemon", &mut command, &dir.join("bus.log"));
        let bus = Self { socket, _daemon: daemon };
        until("the session bus", Duration::from_secs(20), || bus.socket.exists().then_some(()));
        bus
    }

    /// Returns what stands in `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }

    /// Has somebody show notes.
    pub fn notifications(&self) -> Notifications {
        self.serve(false)
    }

    /// Has somebody take notes who never answers.
    pub fn hung_notifications(&self) -> Notifications {
        self.serve(true)
    }

    fn serve(&self, hangs: bool) -> Notifications {
        let shown = Arc::default();
        let service = Service { shown: Arc::clone(&shown), hangs };
        let connection = zbus::connection::Builder::address(self.address().as_str())
            .serve_at("/org/freedesktop/Notifications", service)
            .name("org.freedesktop.Notifications")
            .build();
        let connection = zbus::block_on(connection).expect("the bus takes a service");
        Notifications { connection, shown }
    }
}

impl Notifications {
    /// Returns the notes that it was given.
    pub fn shown(&self) -> Vec<Note> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves the bus.
    pub fn end(self) {
        zbus::block_on(self.connection.close()).expect("a connection can be closed");
    }
}
