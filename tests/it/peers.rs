//! Consoles that speak to each other: what one says reaches the hub through another, and the hub's word comes back the same way; and
//! consoles whose data was copied.

use crate::support::alerts::firing;
use crate::support::database::Database;
use crate::support::free_port;
use crate::support::hub::Hub;
use crate::support::light::Light;
use crate::support::until;
use nightdesk::config::Peers;
use nightdesk::domain::op::{Act, Basis};
use nightdesk::sync::desk::Ask;
use nightdesk::sync::picture::{Link, Row};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
/// An address where no hub answers.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A hub with one incident, and a folder.
struct Scene {
    hub: Hub,
    dir: tempfile::TempDir,
}

fn scene() -> Scene {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    hub.alert(&[firing("DiskFull", &[])]);
    Scene { hub, dir }
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A console that reaches the hub.
    fn near(&self, user: &str, peers: &Peers) -> Light {
        Light::start_by(&self.hub, &self.path(user), user, &self.hub.socket(), peers.clone())
    }

    /// The same console, cut off from the hub.
    fn cut_off(&self, user: &str, peers: &Peers) -> Light {
        Light::start_by(&self.hub, &self.path(user), user, NOWHERE, peers.clone())
    }

    /// Lets a console meet the hub, which everybody needs once: from it they know who is who.
    fn meet(&self, users: &[&str], peers: &Peers) {
        // The roster that the first one read knows nothing of the second: all are introduced, then all read it.
        for user in users.iter().chain(users) {
            let light = self.near(user, peers);
            until("the picture to be whole", LIMIT, || whole(&light));
            until("the roster", LIMIT, || self.knows(user, users.len()));
        }
    }

    /// Returns whether the console's roster has so many devices, or it was not everybody's turn yet.
    fn knows(&self, user: &str, devices: usize) -> Option<()> {
        let known: i64 = Database::copy(&self.hub.data().join("hub.db")).one("SELECT count(*) FROM device");
        let roster: String =
            self.mirror(user).one("SELECT coalesce((SELECT value FROM meta WHERE key = 'roster'), '')");
        let held = roster.matches("public_key").count();
        (held == devices || held as i64 == known).then_some(())
    }

    fn mirror(&self, user: &str) -> Database {
        let entries = std::fs::read_dir(self.path(user)).expect("the console's folder");
        let mut files = entries.map(|entry| entry.expect("an entry").path());
        Database::copy(&files.find(|path| path.extension().is_some_and(|end| end == "db")).expect("a mirror"))
    }

    fn node(&self, user: &str) -> String {
        self.mirror(user).one("SELECT value FROM meta WHERE key = 'node'")
    }
}

fn whole(light: &Light) -> Option<()> {
    let picture = light.picture();
    (picture.link == Link::Live && !picture.rows.is_empty()).then_some(())
}

fn row(light: &Light) -> Row {
    light.picture().rows.first().expect("the incident").clone()
}

fn act(light: &Light, act: Act) {
    let incident = row(light).incident;
    let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
    light.ask(Ask::Submit { incident: incident.id, basis, act });
}

fn note(light: &Light, text: &str) {
    act(light, Act::Note { text: text.to_owned() });
}

/// Waits until so many notes of this console are answered, and nothing waits.
fn answered(light: &Light, notes: usize) {
    until("the notes to be answered", LIMIT, || {
        let picture = light.picture();
        let answers = picture.notices.iter().filter(|notice| notice.text.starts_with("note 1:")).count();
        (answers == notes && picture.unsent == 0).then_some(())
    });
}

fn owner(light: &Light) -> Option<String> {
    row(light).incident.owner.as_ref().map(ToString::to_string)
}

fn directory(path: PathBuf) -> Peers {
    std::fs::create_dir_all(&path).expect("the shared folder");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o1770)).expect("its mode");
    Peers { dirs: vec![path], ..Peers::default() }
}

/// A pair of consoles, of which the first listens and the second calls it.
fn listening() -> (Peers, Peers) {
    let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let listen = Peers { listen: Some(address), ..Peers::default() };
    (listen, Peers { call: vec![address.to_string()], ..Peers::default() })
}

/// Jonas is cut off from the hub and acks; mira carries it there; the hub's word comes back to jonas through her.
fn carried(scene: &Scene, mira: &Peers, jonas: &Peers) {
    scene.meet(&["mira", "jonas"], jonas);
    let cut_off = scene.cut_off("jonas", jonas);
    act(&cut_off, Act::Ack);
    until("it to wait", LIMIT, || (row(&cut_off).waiting.len() == 1).then_some(()));
    assert_eq!(row(&cut_off).incident.owner, None, "nothing is confirmed by its own console");
    let near = scene.near("mira", mira);
    until("the hub to hear it through mira", LIMIT, || (owner(&near).as_deref() == Some("jonas")).then_some(()));
    assert_eq!(row(&near).via_peer, None, "she has it from the hub itself");
    until("the hub's word to come back", LIMIT, || {
        let row = row(&cut_off);
        (row.waiting.is_empty() && row.via_peer.is_some()).then_some(())
    });
    assert_eq!(owner(&cut_off).as_deref(), Some("jonas"));
    assert!(cut_off.picture().notices.iter().any(|notice| notice.welcome && notice.text.starts_with("ack 1:")));
    assert!(matches!(cut_off.picture().link, Link::Offline { .. }), "it was never asked by jonas himself");
    assert_eq!(cut_off.picture().unsent, 0);
    drop(cut_off);
    let healed = scene.near("jonas", jonas);
    until("the own mirror to catch up", LIMIT, || {
        (row(&healed).via_peer.is_none() && whole(&healed).is_some()).then_some(())
    });
    assert_eq!(owner(&healed).as_deref(), Some("jonas"));
}

#[test]
fn what_is_said_offline_reaches_the_hub_through_a_peer_over_a_shared_directory() {
    let scene = scene();
    let peers = directory(scene.path("team"));
    carried(&scene, &peers, &peers);
    let left = std::fs::read_dir(scene.path("team")).expect("the folder").count();
    assert_eq!(left, 0, "each console takes its socket away");
}

#[test]
fn what_is_said_offline_reaches_the_hub_through_a_peer_over_the_network() {
    let scene = scene();
    let (mira, jonas) = listening();
    carried(&scene, &mira, &jonas);
}

#[test]
fn without_a_hub_the_others_word_is_shown_apart_and_quiets_nothing() {
    let scene = scene();
    let peers = directory(scene.path("team"));
    scene.meet(&["mira", "jonas"], &peers);
    let (mira, jonas) = (scene.cut_off("mira", &peers), scene.cut_off("jonas", &peers));
    act(&jonas, Act::Ack);
    until("mira to hear it", LIMIT, || (row(&mira).said.len() == 1).then_some(()));
    let heard = row(&mira);
    assert_eq!((heard.said[0].actor.as_str(), &heard.said[0].act), ("jonas", &Act::Ack));
    assert_eq!((&heard.incident.owner, heard.via_peer, heard.waiting.len()), (&None, None, 0));
    drop(jonas);
    drop(mira);
    // Jonas' console stays off: mira's alone brings it to the hub.
    let mira = scene.near("mira", &peers);
    until("the hub to hear it", LIMIT, || (owner(&mira).as_deref() == Some("jonas")).then_some(()));
    until("what is answered to be said no more", LIMIT, || row(&mira).said.is_empty().then_some(()));
}

#[test]
fn a_revoked_console_is_heard_no_more() {
    let scene = scene();
    let peers = directory(scene.path("team"));
    scene.meet(&["mira", "jonas"], &peers);
    let (mira, jonas) = (scene.cut_off("mira", &peers), scene.cut_off("jonas", &peers));
    note(&jonas, "heard");
    until("mira to hear it", LIMIT, || (row(&mira).said.len() == 1).then_some(()));
    drop(mira);
    let ended = scene.hub.command(&["revoke", "jonas"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mira = scene.near("mira", &peers);
    until("mira to read the new roster", LIMIT, || row(&mira).said.is_empty().then_some(()));
    note(&jonas, "not heard");
    note(&mira, "hers");
    answered(&mira, 1);
    let hub = Database::copy(&scene.hub.data().join("hub.db"));
    assert_eq!(hub.one::<i64>("SELECT count(*) FROM op"), 1, "hers alone");
    assert!(row(&mira).said.is_empty());
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).expect("its mode");
    for entry in std::fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// The whole folder is copied while the console is stopped, the token of its incarnation too: only the hub can tell the two apart.
#[test]
fn a_copied_console_and_its_original_both_work_and_lose_nothing() {
    let scene = scene();
    scene.meet(&["mira"], &Peers::default());
    let offline = scene.cut_off("mira", &Peers::default());
    note(&offline, "both have it");
    until("it to wait", LIMIT, || (offline.picture().unsent == 1).then_some(()));
    drop(offline);
    copy_folder(&scene.path("mira"), &scene.path("copy"));
    let one = scene.near("mira", &Peers::default());
    note(&one, "of the original");
    answered(&one, 2);
    let two = Light::start_by(&scene.hub, &scene.path("copy"), "mira", &scene.hub.socket(), Peers::default());
    until("the copy to be whole", LIMIT, || whole(&two));
    note(&two, "of the copy");
    note(&two, "of the copy again");
    answered(&two, 3);
    let told = two.picture().notices.iter().filter(|notice| notice.text.contains("copied or restored")).count();
    assert_eq!(told, 1, "{:?}", two.picture().notices);
    note(&one, "of the original again");
    answered(&one, 3);
    let hub = Database::copy(&scene.hub.data().join("hub.db"));
    assert_eq!(hub.one::<i64>("SELECT count(*) FROM op"), 5, "each once");
    assert_eq!(hub.one::<i64>("SELECT count(DISTINCT node) FROM op"), 2);
    assert_ne!(scene.node("mira"), scene.node("copy"));
    assert!(!one.picture().notices.iter().any(|notice| notice.text.contains("copied or restored")));
}

/// The database alone is copied: the file beside it is missing, and the copy is another node before it says a word.
#[test]
fn a_copied_database_is_another_node_from_the_start() {
    let scene = scene();
    scene.meet(&["mira"], &Peers::default());
    let offline = scene.cut_off("mira", &Peers::default());
    note(&offline, "both have it");
    until("it to wait", LIMIT, || (offline.picture().unsent == 1).then_some(()));
    drop(offline);
    copy_folder(&scene.path("mira"), &scene.path("copy"));
    for entry in std::fs::read_dir(scene.path("copy")).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "twin") {
            std::fs::remove_file(path).expect("it is removed");
        }
    }
    let two = Light::start_by(&scene.hub, &scene.path("copy"), "mira", &scene.hub.socket(), Peers::default());
    answered(&two, 1);
    let one = scene.near("mira", &Peers::default());
    answered(&one, 1);
    let hub = Database::copy(&scene.hub.data().join("hub.db"));
    assert_eq!(hub.one::<i64>("SELECT count(*) FROM op"), 1, "one operation under two nodes happens once");
    assert_eq!(hub.one::<i64>("SELECT count(*) FROM reissued"), 1);
    assert_ne!(scene.node("mira"), scene.node("copy"));
}
