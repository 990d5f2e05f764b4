//! A console in a real terminal is not moved to act by what nobody meant: texts, other panes, pauses, a screen on the wall.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::pty::Pty;
use crate::support::random::Random;
use crate::support::{try_until, until};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
/// Texts that are pasted.
const TEXTS: usize = 1000;

/// A hub with three incidents that burn, and mira, whose keys are guarded as a hand's.
fn scene(dir: &Path) -> (Hub, Person) {
    let hub = Hub::start(&dir.join("hub"), "");
    let mira = Person::near(&hub, &dir.join("mira"), "mira").by_hand();
    // Who has no console is nobody to the hub, and a name to hand over to.
    mira.list();
    Person::near(&hub, &dir.join("jonas"), "jonas").list();
    hub.alert(&["DiskFull", "LinkDown", "CertOld"].map(|name| firing(name, &[("service", "db")])));
    until("the incidents", LIMIT, || (mira.list().len() == 3).then_some(()));
    (hub, mira)
}

fn live(person: &Person, args: &[&str]) -> Pty {
    let console = person.pty_with(100, 30, args);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("DiskFull"));
    console
}

/// Presses a key until the screen answers it: a key that comes right behind another is no hand's.
fn press(console: &mut Pty, key: &[u8], wanted: impl Fn(&str) -> bool) {
    press_each(console, 300, key, wanted);
}

/// Presses again after so many milliseconds without the answer.
fn press_each(console: &mut Pty, millis: u64, key: &[u8], wanted: impl Fn(&str) -> bool) {
    until(&format!("the answer to {key:?}"), LIMIT, || {
        console.write(key);
        try_until(Duration::from_millis(millis), || wanted(&console.screen_text()).then_some(()))
    });
}

/// Types a text letter by letter, each once the one before stands on the screen.
fn type_in(console: &mut Pty, prompt: &str, text: &str) {
    for end in 1..=text.len() {
        console.write(&text.as_bytes()[end - 1..end]);
        let so_far = format!("{prompt}{}", &text[..end]);
        console.wait_for(LIMIT, |screen| screen.contains(&so_far));
    }
}

/// Opens the command line and does a command.
fn command(console: &mut Pty, text: &str, done: impl Fn(&str) -> bool) {
    press(console, b":", |screen| screen.lines().any(|line| line.starts_with(" :")));
    type_in(console, " :", text);
    press(console, b"\r", done);
}

/// Returns what people have done to the incidents: all of each but what the hub itself moves.
fn done(person: &Person) -> Vec<[Value; 5]> {
    let fields = ["number", "state", "owner", "severity", "claim_no"];
    person.list().iter().map(|one| fields.map(|field| one[field].clone())).collect()
}

/// Returns how many notes people wrote.
fn notes(person: &Person) -> usize {
    let lines = |number: &Value| person.show(&number.to_string())["timeline"].as_array().cloned().unwrap_or_default();
    let all = person.list().into_iter().flat_map(|one| lines(&one["number"]));
    all.filter(|line| line["told"] == "note").count()
}

/// Returns a text such as somebody has in the clipboard: letters that are verbs here, words, lines, anything printable.
fn text(random: &mut Random) -> String {
    let length = 4 + random.below(60);
    let letters = b"asEhtwnDAHuUIy1!.:/fozv jk";
    (0..length)
        .map(|_| match random.below(20) {
            0 => '\n',
            1 => ' ',
            2..=10 => letters[random.below(letters.len() as u64) as usize] as char,
            _ => (b'!' + random.below(94) as u8) as char,
        })
        .collect()
}

#[test]
fn a_thousand_texts_pasted_without_brackets_change_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let before = done(&mira);
    let mut console = live(&mira, &[]);
    let mut random = Random::announced("texts without brackets");
    for _ in 0..TEXTS {
        // Two letters that mean nothing make the end of the text known.
        let text = format!("{}xb", text(&mut random));
        press_each(&mut console, 2000, text.replace('\n', "\r").as_bytes(), |screen| screen.contains("LOCKED"));
        press_each(&mut console, 25, b"\x1b", |screen| !screen.contains("LOCKED"));
    }
    assert_eq!(done(&mira), before);
    assert_eq!(notes(&mira), 0);
    // And a hand still acts.
    let acked = try_until(LIMIT, || {
        // Texts may open what only shows, and mark: that is closed first.
        for _ in 0..3 {
            let before = console.bytes_written();
            console.write(b"\x1b");
            try_until(Duration::from_millis(300), || (console.bytes_written() > before).then_some(()));
        }
        console.write(b"a");
        try_until(Duration::from_millis(500), || (done(&mira) != before).then_some(()))
    });
    assert!(acked.is_some(), "{}", console.screen_text());
}

#[test]
fn a_thousand_marked_pastes_change_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let before = done(&mira);
    let mut console = live(&mira, &[]);
    let mut random = Random::announced("marked texts");
    for _ in 0..TEXTS / 10 {
        let pastes: String = (0..10).map(|_| format!("\x1b[200~{}\x1b[201~", text(&mut random))).collect();
        console.write(pastes.as_bytes());
        // They are through once a key behind them is answered.
        console.write(b"?");
        console.wait_for(LIMIT, |screen| screen.contains("Keys here") && screen.contains("pasted text thrown away"));
        console.write(b"?");
        console.wait_for(LIMIT, |screen| !screen.contains("Keys here"));
    }
    assert_eq!(done(&mira), before);
    assert_eq!(notes(&mira), 0);
}

#[test]
fn tmux_pastes_with_and_without_brackets_change_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let before = done(&mira);
    let console = mira.console(100, 30);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("DiskFull"));
    console.paste("ack all of it\nEscalate 1y\n", true);
    console.wait_for(LIMIT, |screen| screen.contains("pasted text thrown away"));
    console.paste("ack all of it\nEscalate 1y\n", false);
    console.wait_for(LIMIT, |screen| screen.contains("that looked like typing") && screen.contains("LOCKED"));
    assert_eq!(done(&mira), before);
}

#[test]
fn a_read_only_screen_does_nothing_and_proves_nobody() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let before = done(&mira);
    let mut console = live(&mira, &["--readonly"]);
    console.wait_for(LIMIT, |screen| screen.contains(" RO ") && screen.contains("!! STORM"));
    for key in [&b"a"[..], b"s", b"D", b"E", b"n"] {
        press(&mut console, key, |screen| screen.contains("read-only:"));
        press(&mut console, b"\x1b", |screen| !screen.contains("read-only:"));
    }
    let seen = || mira.list().iter().any(|one| has_seen(&mira.show(&one["number"].to_string())));
    assert_eq!(done(&mira), before);
    assert!(!seen(), "keys at a screen on the wall prove nobody");
    command(&mut console, "rw", |screen| screen.contains(" RW "));
    press(&mut console, b"j", |_| true);
    until("the word that it was seen", LIMIT, || seen().then_some(()));
    command(&mut console, "ro", |screen| screen.contains(" RO "));
}

/// Returns whether a page of the incident was seen.
fn has_seen(shown: &Value) -> bool {
    shown["pages"].as_array().is_some_and(|pages| pages.iter().any(|page| page["seen_at"].is_string()))
}

#[test]
fn read_only_belongs_to_the_console() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let before = done(&mira);
    let ended = mira.run(&["--readonly", "ack", "1"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("--readonly is for the console"), "{ended:?}");
    assert_eq!(done(&mira), before);
}

#[test]
fn after_a_pause_the_first_verb_asks() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let before = done(&mira);
    configure(&mira, "arm_after_idle = \"1ms\"\n");
    let mut console = live(&mira, &[]);
    press(&mut console, b"a", |screen| screen.contains("db? y"));
    assert_eq!(done(&mira), before);
    until("the ack", LIMIT, || {
        // The question goes by itself after three seconds, and nobody has read it before it stood there for a moment.
        if !console.screen_text().contains("db? y") {
            press(&mut console, b"a", |screen| screen.contains("db? y"));
        }
        let acked = || (done(&mira) != before).then_some(());
        try_until(Duration::from_millis(250), acked).or_else(|| {
            console.write(b"y");
            try_until(Duration::from_millis(250), acked)
        })
    });
}

#[test]
fn a_setting_that_is_none_is_named_with_its_place() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    configure(&mira, "arm_after_idle = \"soon\"\n");
    let ended = mira.run(&["list"]);
    assert!(ended.stderr.contains("arm_after_idle: \"soon\" is no span of time; write 2m, 30s or off"), "{ended:?}");
}

fn configure(person: &Person, lines: &str) {
    let dir = person.home().join("config");
    std::fs::create_dir_all(&dir).expect("the test's folder can be made");
    std::fs::write(dir.join("config.toml"), lines).expect("the configuration can be written");
}

#[test]
fn a_session_is_found_again_after_quit_and_after_a_hang_up() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let mut console = live(&mira, &[]);
    command(&mut console, "sort owner", |screen| screen.contains("by owner"));
    press(&mut console, b"/", |screen| screen.lines().any(|line| line.starts_with(" /")));
    type_in(&mut console, " /", "link page:hide");
    press(&mut console, b"\r", |screen| screen.contains("filter: link page:hide") && !screen.contains(" /link"));
    press(&mut console, b"n", |screen| screen.contains("Note on"));
    type_in(&mut console, ": ", "half a thought");
    // Its terminal vanishes while the note is being typed.
    drop(console);
    let file = mira.home().join("state").join("session.toml");
    until("the session", LIMIT, || std::fs::read_to_string(&file).ok().filter(|text| text.contains("half a thought")));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&file).expect("the session's file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut console = mira.pty_with(100, 30, &[]);
    let screen = console.wait_for(LIMIT, |screen| {
        let found = screen.contains("by owner") && screen.contains("filter: link");
        found && screen.contains("LIVE") && screen.contains("LinkDown") && !screen.contains("DiskFull")
    });
    assert!(!screen.contains("Note on"), "no prompt is found again:\n{screen}");
    press(&mut console, b"n", |screen| screen.contains("half a thought"));
    press(&mut console, b"\r", |screen| !screen.contains("Note on"));
    until("the note", LIMIT, || (notes(&mira) == 1).then_some(()));
    command(&mut console, "quit", |screen| !screen.contains("LIVE"));
    assert_eq!(console.exit_code(LIMIT), Some(0));
    let text = std::fs::read_to_string(&file).expect("the session's file");
    assert!(!text.contains("half a thought"), "what was sent is no draft any more:\n{text}");
}

#[test]
fn a_broken_session_is_left_out_with_a_line_in_the_log() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_hub, mira) = scene(dir.path());
    let state = mira.home().join("state");
    std::fs::create_dir_all(&state).expect("the test's folder can be made");
    std::fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("it is ours");
    std::fs::write(state.join("session.toml"), "filter = [").expect("a broken session can be written");
    let _console = live(&mira, &[]);
    let log = || {
        std::fs::read_dir(&state)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
    };
    until("the line in the log", LIMIT, || {
        log().any(|text| text.contains("the last session is not restored")).then_some(())
    });
}
