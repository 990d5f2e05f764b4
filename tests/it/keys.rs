//! Keys in a real terminal: a broken keymap, another keymap, what is listed while one types, and `nightdesk keys`.

use crate::support::alerts::firing;
use crate::support::hub::{Hub, nightdesk};
use crate::support::person::Person;
use crate::support::tmux::Tmux;
use crate::support::{try_until, until};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Writes a person's settings; a `.toml` under `config/`.
fn write(home: &Path, name: &str, text: &str) {
    let config = home.join("config");
    fs::create_dir_all(&config).expect("a temporary folder");
    fs::write(config.join(name), text).expect("a temporary file");
}

/// A person's console over a hub with one incident.
fn console(dir: &Path, width: u16, height: u16) -> (Hub, Person, Tmux) {
    let hub = Hub::start(&dir.join("hub"), "");
    hub.alert(&[firing("DiskFull", &[("service", "db")])]);
    let person = Person::near(&hub, &dir.join("mira"), "mira");
    let console = person.console(width, height);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("DiskFull"));
    (hub, person, console)
}

#[test]
fn a_broken_keymap_is_told_and_the_rest_of_it_holds() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let keymap = "schema = 1\n[stream]\n\"x\" = \"incident.akc\"\n\"f5\" = \"inbox.open\"\n";
    write(&dir.path().join("mira"), "keymap.toml", keymap);
    let (_hub, person, console) = console(dir.path(), 200, 30);
    console.wait_for(LIMIT, |screen| {
        screen.contains("keymap.toml:3: unknown action \"incident.akc\", did you mean \"incident.ack\"?")
    });
    console.send_keys(&["F5"]);
    console.wait_for(LIMIT, |screen| screen.contains("Inbox: 0"));
    console.send_keys(&["Escape"]);
    console.wait_for(LIMIT, |screen| !screen.contains("Inbox: 0"));
    // What changed a moment ago takes no verb.
    until("the ack", LIMIT, || {
        console.send_keys(&["a"]);
        try_until(Duration::from_millis(500), || console.capture().contains(" ACK ").then_some(()))
    });
    let check = person.run(&["keys", "check"]);
    assert_eq!(check.code, Some(1), "{check:?}");
    assert!(check.stdout.contains("keymap.toml:3: unknown action") && check.stdout.contains("1 mistake,"), "{check:?}");
}

#[test]
fn an_edited_keymap_holds_at_once_and_a_broken_one_is_told() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = dir.path().join("mira");
    let bound = |key: &str| format!("schema = 1\n[stream]\n\"{key}\" = \"inbox.open\"\n");
    write(&home, "keymap.toml", &bound("f5"));
    let (_hub, _person, console) = console(dir.path(), 120, 30);
    write(&home, "keymap.toml", &bound("f6"));
    until("the new key", LIMIT, || {
        console.send_keys(&["F6"]);
        try_until(Duration::from_millis(500), || console.capture().contains("Inbox: 0").then_some(()))
    });
    console.send_keys(&["Escape"]);
    console.wait_for(LIMIT, |screen| !screen.contains("Inbox: 0"));
    write(&home, "keymap.toml", "schema = 1\n[strean]\n");
    let screen = console.wait_for(LIMIT, |screen| screen.contains("keymap.toml:2"));
    assert!(screen.contains("stream"), "the nearest name is said:\n{screen}");
    write(&home, "keymap.toml", &bound("f7"));
    console.wait_for(LIMIT, |screen| !screen.contains("keymap.toml:2"));
    console.send_keys(&["F7"]);
    console.wait_for(LIMIT, |screen| screen.contains("Inbox: 0"));
}

#[test]
fn another_keymap_holds_by_the_settings_and_at_run_time() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(&dir.path().join("mira"), "config.toml", "keymap = \"vim\"\n");
    let (_hub, _person, console) = console(dir.path(), 80, 24);
    console.send_keys(&["l"]);
    console.wait_for(LIMIT, |screen| screen.contains("series") && !screen.contains("SV ID"));
    console.send_keys(&["h"]);
    console.wait_for(LIMIT, |screen| screen.contains("SV ID"));

    console.send_keys(&["g"]);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("g ... esc cancels"));
    assert!(screen.contains("h hand over") && screen.contains("g top"), "{screen}");
    console.send_keys(&["Escape"]);
    console.wait_for(LIMIT, |screen| !screen.contains("esc cancels"));

    console.send_keys(&[":"]);
    console.send_keys(&["keymap arr"]);
    console.wait_for(LIMIT, |screen| screen.lines().any(|line| line.trim() == "arrows"));
    console.send_keys(&["Tab"]);
    console.wait_for(LIMIT, |screen| screen.contains(":keymap arrows"));
    console.send_keys(&["Enter"]);
    console.wait_for(LIMIT, |screen| screen.contains("keymap arrows") && !screen.contains(":keymap"));
    console.send_keys(&["Right"]);
    console.wait_for(LIMIT, |screen| !screen.contains("SV ID"));
}

#[test]
fn the_command_line_lists_what_fits_and_remembers_what_was_used() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, person, console) = console(dir.path(), 80, 24);
    console.send_keys(&[":"]);
    console.send_keys(&["snz"]);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("  snooze "));
    assert!(screen.contains("Make it quiet"), "a name, and what it does:\n{screen}");
    console.send_keys(&["Escape"]);
    console.wait_for(LIMIT, |screen| !screen.contains(":snz"));
    console.send_keys(&[":"]);
    console.send_keys(&["note a secret", "Enter"]);
    console.wait_for(LIMIT, |screen| !screen.contains(":note"));
    console.send_keys(&[":"]);
    console.send_keys(&["quit!", "Enter"]);
    console.wait_for(LIMIT, |screen| !screen.contains("DiskFull"));

    let kept = person.data().with_file_name("state").join("commands");
    let names = fs::read_to_string(&kept).expect("the names of commands are kept");
    assert_eq!(names, "note\n", "names alone");
    assert_eq!(fs::metadata(&kept).expect("it is there").permissions().mode() & 0o777, 0o600);
    let again = person.console(80, 24);
    again.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    again.send_keys(&[":"]);
    let screen = again.wait_for(LIMIT, |screen| screen.contains("  note "));
    let list = screen.lines().skip_while(|line| !line.starts_with("-----")).nth(1);
    assert!(list.is_some_and(|line| line.starts_with("  note ")), "the latest stands first:\n{screen}");
}

fn keys(home: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = nightdesk(home).arg("keys").args(args).env_remove("TMUX").output().expect("our own binary");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn keys_are_checked_explained_and_dumped() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (home, file) = (dir.path().join("home"), dir.path().join("mine.toml"));
    let named = file.display().to_string();
    let check = |text: &str| {
        fs::write(&file, text).expect("a temporary file");
        keys(&home, &["check", &named])
    };
    let (code, said) = check("extends = \"emacs\"\n[stream]\n\"f5\" = \"incident.ack\"\n");
    assert_eq!((code, said.as_str()), (Some(0), "0 mistakes, 0 warnings\n"));
    let (code, said) = check("[stream]\n\"ctrl-s\" = \"filter.open\"\n\"ctrl-enter\" = \"help.open\"\n");
    assert!(code == Some(0) && said.contains("flow control") && said.contains("kitty"), "{said}");
    let (code, said) = check("[stream]\n\"x\" = [\"incident.resolve\", \"confirm.yes\"]\n");
    assert!(code == Some(1) && said.contains(":2: an answer stands alone"), "{said}");
    assert_eq!(keys(&home, &["check", "/nonexistent.toml"]).0, Some(1));

    let (code, said) = keys(&home, &["explain", "g", "g"]);
    assert!(code == Some(0) && said.contains("cursor.top") && said.contains("keymaps/default.toml:"), "{said}");
    assert_eq!(keys(&home, &["explain", "entr"]).0, Some(1));
    let (_, dump) = keys(&home, &["dump", "--keymap", "vim"]);
    assert_eq!(check(&dump), (Some(0), "0 mistakes, 0 warnings\n".to_owned()));
    let (code, json) = keys(&home, &["list", "--json"]);
    let first: serde_json::Value = json.lines().next().and_then(|line| serde_json::from_str(line).ok()).expect("JSON");
    assert!(code == Some(0) && first["v"] == 1 && first["actions"].is_array(), "{first}");
}

#[test]
fn what_tmux_keeps_for_itself_is_told_and_what_the_terminal_sends_is_shown() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = nightdesk(dir.path()).get_program().to_string_lossy().into_owned();
    let home = dir.path().display().to_string();
    let line = format!("{program} keys check; {program} keys press; stty -a; read line");
    let tmux = Tmux::start(100, 40, &line, &[("NIGHTDESK_HOME", &home)]);
    tmux.wait_for(LIMIT, |screen| screen.contains("Press keys"));
    assert!(
        tmux.capture().contains("0 mistakes, 0 warnings"),
        "ctrl-b does nothing in the default:\n{}",
        tmux.capture()
    );
    tmux.send_keys(&["a", "Up", "C-d", "F5", "BTab"]);
    let row =
        |screen: &str, bytes: &str, key: &str| screen.lines().any(|line| line.split_whitespace().eq([bytes, key]));
    tmux.wait_for(LIMIT, |screen| {
        [("a", "a"), ("\\e[A", "up"), ("\\x04", "ctrl-d"), ("\\e[15~", "f5"), ("\\e[Z", "shift-tab")]
            .iter()
            .all(|(bytes, key)| row(screen, bytes, key))
    });
    tmux.send_keys(&["C-c"]);
    tmux.wait_for(LIMIT, |screen| row(screen, "\\x03", "ctrl-c"));
    tmux.send_keys(&["C-c"]);
    let screen = tmux.wait_for(LIMIT, |screen| screen.contains("icanon"));
    let has = |word: &str| screen.split_whitespace().any(|one| one == word);
    assert!(has("icanon") && has("echo") && has("isig"), "the terminal is as it was:\n{screen}");

    let emacs = format!(
        "{program} keys dump --keymap emacs > {home}/emacs.toml; {program} keys check {home}/emacs.toml; read x"
    );
    let tmux = Tmux::start(120, 40, &emacs, &[("NIGHTDESK_HOME", &home)]);
    let screen = tmux.wait_for(LIMIT, |screen| screen.contains("1 warning"));
    assert!(screen.contains("(edit.left) has ctrl-b, which is tmux's prefix"), "{screen}");
}
