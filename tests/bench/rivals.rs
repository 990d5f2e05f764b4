//! The two servers, each with a fresh folder on the real disk.

use super::support::hub::Hub;
use super::support::process::Process;
use super::support::{free_port, http, servers};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How long a server may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// The groups of the hub's default grouping, and a receiver that tells nobody.
const ALERTMANAGER_YAML: &str =
    "route: {receiver: nobody, group_by: [alertname, cluster, namespace, service, job]}\nreceivers: [{name: nobody}]\n";

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    /// Ours.
    Hub,
    /// A real Alertmanager.
    Alertmanager,
}

impl Rival {
    /// Returns its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hub => "nightdesk",
            Self::Alertmanager => "alertmanager",
        }
    }

    /// Starts it empty.
    pub fn start(self) -> Server {
        let dir = fresh(self.name());
        match self {
            Self::Hub => {
                let hub = Hub::start(&dir, "");
                let (address, id, token) = (hub.address().to_owned(), hub.id(), hub.ingest_token());
                Server { address, id, token: Some(token), _running: Running::Hub(hub) }
            }
            Self::Alertmanager => alertmanager(&dir),
        }
    }
}

/// Returns the folder of all data: under `target`, for /tmp may be memory.
pub fn root() -> PathBuf {
    let binary = PathBuf::from(super::support::hub::BINARY);
    let target = binary.parent().and_then(|profile| profile.parent()).expect("a binary lies in target/PROFILE");
    target.join("bench-data")
}

/// Returns an empty folder of that name.
pub fn fresh(name: &str) -> PathBuf {
    let dir = root().join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("target can be written");
    dir
}

#[expect(dead_code, reason = "held to be killed on drop")]
enum Running {
    Hub(Hub),
    Alertmanager(Process),
}

/// A running server; killed on drop.
pub struct Server {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// Its process.
    pub id: u32,
    /// What senders must show.
    pub token: Option<String>,
    _running: Running,
}

impl Server {
    /// Returns the body of a GET.
    ///
    /// # Panics
    /// When it is not answered with 200.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let answer = http::get(&self.address, path, &headers).expect("the server answers");
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    }

    /// Returns the fingerprints of all alerts that burn: Alertmanager's own, which both servers give.
    pub fn fingerprints(&self) -> BTreeSet<String> {
        let text = String::from_utf8(self.get("/api/v2/alerts")).expect("JSON is UTF-8");
        text.split("\"fingerprint\":\"").skip(1).map(|rest| rest.chars().take(16).collect()).collect()
    }
}

fn alertmanager(dir: &std::path::Path) -> Server {
    std::fs::write(dir.join("alertmanager.yml"), ALERTMANAGER_YAML).expect("the folder can be written");
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new(servers::program("ALERTMANAGER"));
    command.current_dir(dir).args(["--config.file=alertmanager.yml", "--storage.path=data"]);
    command.args(["--cluster.listen-address=", &format!("--web.listen-address={address}")]);
    let mut process = Process::start("alertmanager", &mut command, &dir.join("alertmanager.log"));
    process.until("/-/ready", START_LIMIT, || {
        http::get(&address, "/-/ready", &[]).ok().filter(|answer| answer.status == 200).map(drop)
    });
    Server { address, id: process.id(), token: None, _running: Running::Alertmanager(process) }
}
