//! `nightdesk doctor` against a real hub: what is well, what is broken, and what it must not say.

use super::mira;
use crate::support::alerts::firing;
use crate::support::hub::{Ended, Hub};
use crate::support::person::Person;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Returns what doctor found, one object a line.
fn findings(ended: &Ended) -> Vec<Value> {
    let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ended.stdout.lines().map(object).collect()
}

fn examined(person: &Person) -> (Vec<Value>, Option<i32>) {
    let ended = person.run(&["doctor", "--json"]);
    let found = findings(&ended);
    for one in &found {
        let wrong = one["status"] == "warning" || one["status"] == "broken";
        assert_eq!(one["do"].is_string(), wrong, "what is wrong has a way out, and nothing else has: {one}");
    }
    (found, ended.code)
}

/// Returns the finding of that check with that status.
fn find<'f>(found: &'f [Value], check: &str, status: &str) -> &'f Value {
    let fits = |one: &&Value| one["check"] == check && one["status"] == status;
    found.iter().find(fits).unwrap_or_else(|| panic!("no {check} that is {status} in {found:#?}"))
}

struct Scene {
    hub: Hub,
    mira: Person,
    data: PathBuf,
    config: PathBuf,
}

fn scene(dir: &Path) -> Scene {
    let hub = Hub::start(&dir.join("hub"), "");
    hub.alert(&[firing("DiskFull", &[])]);
    let mira = mira(&hub, dir);
    assert_eq!(mira.list().len(), 1);
    let (data, config) = (mira.data(), dir.join("mira/config"));
    std::fs::create_dir_all(&config).expect("a folder");
    Scene { hub, mira, data, config }
}

fn mirror(data: &Path) -> PathBuf {
    let entries = std::fs::read_dir(data).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).expect("a mirror")
}

#[test]
fn what_is_well_is_good_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mira, data, hub: _hub, .. } = scene(dir.path());
    let before: Vec<_> = std::fs::read(mirror(&data)).expect("a mirror");
    let (found, code) = examined(&mira);
    for check in [
        "version",
        "files.data",
        "files.system",
        "data.mirror",
        "hub.reach",
        "hub.clock",
        "hub.token",
        "config.console",
    ] {
        find(&found, check, "good");
    }
    let worst = found.iter().any(|one| one["status"] == "broken");
    assert!(!worst && code.is_some_and(|code| code < 2), "{code:?} {found:#?}");
    assert_eq!(std::fs::read(mirror(&data)).expect("a mirror"), before);
    let text = mira.run(&["doctor", "hub"]);
    assert!(text.stdout.contains("hub.reach") && !text.stdout.contains("files.data"), "{text:?}");
    assert_eq!((text.code, text.stdout.lines().last()), (Some(0), Some("all good")));
}

#[test]
fn what_others_may_read_is_broken() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mira, data, hub: _hub, .. } = scene(dir.path());
    let key = data.join("device.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("a file");
    let (found, code) = examined(&mira);
    assert_eq!(code, Some(2));
    let wanted = format!("chmod 600 {}", key.display());
    assert_eq!(find(&found, "files.data", "broken")["do"], wanted.as_str());
    assert_eq!(std::fs::metadata(&key).expect("a file").permissions().mode() & 0o777, 0o644, "it changes nothing");
}

#[test]
fn a_mistake_in_a_file_is_named_with_its_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mira, config, hub: _hub, .. } = scene(dir.path());
    std::fs::write(config.join("config.toml"), "user = \"mira\"\nhbu = \"x\"\n").expect("a file");
    std::fs::write(config.join("hub.toml"), "[timing]\nack_lease = \"soon\"\n").expect("a file");
    std::fs::write(config.join("keymap.toml"), "[stream]\n\"x\" = \"incident.akc\"\n").expect("a file");
    let (found, code) = examined(&mira);
    assert_eq!(code, Some(2));
    let says = |check, status| find(&found, check, status)["says"].as_str().unwrap_or_default().to_owned();
    assert!(says("config.console", "broken").contains("config.toml: line 2"));
    assert!(says("config.hub", "broken").contains("hub.toml: timing.ack_lease"));
    let keymap = says("config.keymap", "warning");
    assert!(keymap.contains("keymap.toml:2") && keymap.contains("incident.ack"), "{keymap}");
}

#[test]
fn a_damaged_mirror_is_broken() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mira, data, mut hub, .. } = scene(dir.path());
    hub.terminate();
    let path = mirror(&data);
    let mut bytes = std::fs::read(&path).expect("a mirror");
    let end = bytes.len();
    bytes[4096..end].fill(0x5a);
    std::fs::write(&path, bytes).expect("a file");
    let (found, code) = examined(&mira);
    assert_eq!(code, Some(2));
    assert!(find(&found, "data.mirror", "broken")["do"].as_str().is_some_and(|text| text.contains("move")));
}

#[test]
fn a_hub_that_is_gone_or_hangs_is_broken_and_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { mira, mut hub, .. } = scene(dir.path());
    hub.pause();
    let (found, code) = examined(&mira);
    let says = find(&found, "hub.reach", "broken")["says"].as_str().unwrap_or_default().to_owned();
    assert!(code == Some(2) && says.contains("does not answer in time"), "{says}");
    hub.resume();
    hub.kill9();
    let (found, code) = examined(&mira);
    assert_eq!(code, Some(2));
    assert!(find(&found, "hub.reach", "broken")["do"].as_str().is_some_and(|text| text.contains("start the hub")));
}

#[test]
fn no_secret_is_printed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Scene { hub, mira, data, config } = scene(dir.path());
    let kept = |path: PathBuf| std::fs::read_to_string(path).expect("a secret").trim().to_owned();
    let token = nightdesk::store::health::kept(&mirror(&data)).expect("a mirror").token.expect("a token");
    let secrets = [kept(data.join("device.key")), hub.admin_token(), hub.ingest_token(), token, "canary".to_owned()];
    let canary = "hub = \"https://canary:canary@127.0.0.1:1/canary?token=canary\"\nuser = \"mira\"\n";
    let channel = "[[channel]]\nname = \"x\"\nurl = \"ftp://canary@127.0.0.1/canary\"\n";
    for (console, hub_toml) in [("", ""), (canary, channel), ("hub = \"x\"\n\"canary", channel)] {
        std::fs::write(config.join("config.toml"), console).expect("a file");
        std::fs::write(config.join("hub.toml"), hub_toml).expect("a file");
        for args in [
            &["doctor"][..],
            &["doctor", "--json"],
            &["--hub", "https://u:canary@127.0.0.1:1", "doctor"],
            &["paths", "--json"],
        ] {
            let ended = mira.run(args);
            for secret in &secrets {
                let said = format!("{}{}", ended.stdout, ended.stderr);
                assert!(!said.contains(secret.as_str()), "{args:?} prints {secret}: {said}");
            }
        }
    }
}
