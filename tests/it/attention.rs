//! Getting attention without taking it: what a page does outside of the screen, and what a key puts into clipboards, in a real tmux and in
//! a pseudo-terminal whose every byte is kept.

use crate::hostile::bytes::only_ours;
use crate::support::alerts::firing;
use crate::support::corpus::texts;
use crate::support::hub::{Hub, Program};
use crate::support::person::Person;
use crate::support::pty::Pty;
use crate::support::tmux::Tmux;
use crate::support::{try_until, until};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

/// A hub, and a person with these lines in `config.toml` and this environment beside the usual.
struct Scene {
    dir: TempDir,
    hub: Hub,
    person: Person,
}

impl Scene {
    fn new(config: impl FnOnce(&Path) -> String, env: impl FnOnce(&Path) -> Vec<(&'static str, String)>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let hub = Hub::start(&dir.path().join("hub"), "");
        let home = dir.path().join("mira");
        private_dir(&home);
        private_dir(&home.join("config"));
        private_dir(&dir.path().join("run"));
        std::fs::write(home.join("config/config.toml"), config(dir.path())).expect("a file");
        let env = env(dir.path()).into_iter().map(|(name, value)| (name.to_owned(), value));
        let own = [
            ("XDG_RUNTIME_DIR", dir.path().join("run").display().to_string()),
            ("DBUS_SESSION_BUS_ADDRESS", String::new()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let program = Program { env: own.chain(env).collect(), ..Program::plain() };
        let person = Person::near(&hub, &home, "mira").running(program);
        Self { dir, hub, person }
    }

    fn plain(config: &str) -> Self {
        Self::new(|_| config.to_owned(), |_| Vec::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn alert(&self, name: &str) {
        self.hub.alert(&[firing(name, &[("service", "db")])]);
    }

    /// Opens the console in a tmux of its own.
    fn console(&self) -> Tmux {
        let console = self.person.console(80, 24);
        console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
        console
    }

    /// Opens the console in a pseudo-terminal.
    fn pty(&self) -> Pty {
        let console = self.person.pty(80, 24);
        console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
        console
    }
}

fn private_dir(path: &Path) {
    std::fs::create_dir(path).expect("a folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("ours");
}

/// Writes a program of this shell text and returns where it lies.
fn script(path: &Path, text: &str) -> String {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("ours");
    path.display().to_string()
}

/// Waits until the file is there and not empty.
fn wait_for_file(path: &Path) -> String {
    until(&format!("{}", path.display()), LIMIT, || std::fs::read_to_string(path).ok().filter(|text| !text.is_empty()))
}

fn wait_for_option(console: &Tmux, wanted: &str) {
    // Quiet (-q): an option that nobody set is no mistake.
    let asked = || console.run(&["show-options", "-wqv", "-t", "main:0", "@nightdesk_pages"]);
    until(&format!("@nightdesk_pages to be {wanted:?}"), LIMIT, || (asked().trim() == wanted).then_some(()));
}

fn count(raw: &[u8], what: &str) -> usize {
    raw.windows(what.len()).filter(|bytes| *bytes == what.as_bytes()).count()
}

/// Leaves the console whatever is open.
fn quit(console: &mut Pty) {
    for key in ["\x1b", "\x1b", ":"] {
        let before = console.bytes_written();
        console.write(key.as_bytes());
        try_until(Duration::from_millis(300), || (console.bytes_written() > before).then_some(()));
    }
    console.write(b"quit\r");
    assert_eq!(console.exit_code(LIMIT), Some(0), "{}", console.screen_text());
}

#[test]
fn a_page_in_another_window_rings_and_is_counted_there() {
    let scene = Scene::plain("[notify]\ntmux = true\n");
    let console = scene.console();
    console.run(&["new-window", "-t", "main", "sleep 600"]);
    scene.alert("DiskFull");
    let title = || console.run(&["display-message", "-p", "-t", "main:0", "#{window_bell_flag} #{pane_title}"]);
    until("bell and title", LIMIT, || (title().trim() == "1 (!1) nightdesk (open: 1)").then_some(()));
    wait_for_option(&console, "1");
    assert_eq!(scene.person.run(&["ack", "1"]).code, Some(0));
    wait_for_option(&console, "");
    scene.alert("ProbeDown");
    wait_for_option(&console, "1");
    console.run(&["select-window", "-t", "main:0"]);
    console.send_keys(&[":"]);
    console.wait_for(LIMIT, |screen| screen.contains(" :"));
    console.send_keys(&["quit", "Enter"]);
    console.wait_for_end(LIMIT);
    wait_for_option(&console, "");
}

#[test]
fn a_page_while_a_note_is_typed_leaves_the_note_whole() {
    let scene = Scene::plain("");
    scene.alert("DiskFull");
    let console = scene.console();
    console.wait_for(LIMIT, |screen| screen.contains("DiskFull burns"));
    console.send_keys(&["n"]);
    console.wait_for(LIMIT, |screen| screen.contains("Note on 1:"));
    console.send_keys(&["half a "]);
    scene.alert("ProbeDown");
    let screen = console.wait_for(LIMIT, |screen| screen.contains("+1  [f2]=go there"));
    assert!(screen.contains("Note on 1: half a"), "{screen}");
    console.send_keys(&["thought !"]);
    console.wait_for(LIMIT, |screen| screen.contains("Note on 1: half a thought !"));
    console.send_keys(&["F2"]);
    console.wait_for(LIMIT, |screen| !screen.contains("Note on"));
    let shown = scene.person.show("1").to_string();
    assert!(shown.contains("DiskFull") && !shown.contains("half a"), "a draft is nobody else's: {shown}");
    console.send_keys(&["-"]);
    console.send_keys(&["n"]);
    console.wait_for(LIMIT, |screen| screen.contains("Note on 1: half a thought !"));
}

#[test]
fn a_copy_lies_in_tmux_s_buffer_and_in_a_file_of_its_owner() {
    let scene = Scene::plain("");
    scene.alert("DiskFull");
    let console = scene.console();
    console.wait_for(LIMIT, |screen| screen.contains("alertname=DiskFull"));
    console.send_keys(&["y", "r"]);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("labels of 1 sent to tmux buffer"));
    assert!(screen.contains("terminal (OSC 52)"), "{screen}");
    let matcher = r#"{alertname="DiskFull",service="db",severity="critical"}"#;
    assert_eq!(console.run(&["show-buffer"]), matcher);
    let file = scene.path("run/nightdesk/clip");
    assert_eq!(wait_for_file(&file), matcher);
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    console.send_keys(&[":"]);
    console.send_keys(&["clip show", "Enter"]);
    console.wait_for(LIMIT, |screen| screen.contains("Last copy: labels of 1") && screen.contains(matcher));
}

/// A tmux that says this of `allow-passthrough`, and writes down what it was asked.
fn with_false_tmux(passthrough: &str) -> Scene {
    let text = format!(
        "echo \"$*\" >> \"$ASKED\"\ncase \"$*\" in *allow-passthrough*) echo {passthrough};; \
         *client_termname*) echo 'xterm-ghostty ghostty 1.1';; *) cat > /dev/null;; esac"
    );
    let env = move |dir: &Path| {
        private_dir(&dir.join("bin"));
        script(&dir.join("bin/tmux"), &text);
        let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let asked = dir.join("asked").display().to_string();
        vec![("PATH", path), ("TMUX", "/x,1,0".into()), ("TMUX_PANE", "%7".into()), ("ASKED", asked)]
    };
    Scene::new(|_| "[notify]\nosc = \"auto\"\n".to_owned(), env)
}

#[test]
fn a_note_goes_through_tmux_only_where_it_passes_all() {
    let note = "\x1bPtmux;\x1b\x1b]777;notify;nightdesk;Page: S2 1 db DiskFull burns\x1b\x1b\\\x1b\\";
    for (passthrough, notes) in [("all", 1), ("on", 0), ("off", 0)] {
        let scene = with_false_tmux(passthrough);
        let mut console = scene.pty();
        let bells = count(&console.raw(), "\x07");
        scene.alert("DiskFull");
        console.wait_for(LIMIT, |screen| screen.contains("!! PAGE"));
        until("the question", LIMIT, || {
            wait_for_file(&scene.path("asked")).contains("allow-passthrough").then_some(())
        });
        if notes > 0 {
            until("the note", LIMIT, || (count(&console.raw(), note) == notes).then_some(()));
        }
        // A later copy comes after the note on the same way.
        console.write(b"yy");
        console.wait_for(LIMIT, |screen| screen.contains("id 1 sent to"));
        let raw = console.raw();
        assert_eq!((count(&raw, note), count(&raw, "\x1bPtmux;")), (notes, notes), "{passthrough}");
        assert!(count(&raw, "\x07") > bells, "the bell goes with it");
        assert!(wait_for_file(&scene.path("asked")).contains("show-options -Apv -t %7 allow-passthrough"));
        quit(&mut console);
    }
}

/// Takes out every note and copy that is exactly of our form; returns the rest, the notes and the copies.
fn without_notes(raw: &[u8]) -> (Vec<u8>, usize, usize) {
    let text = std::str::from_utf8(raw).expect("UTF-8");
    let (mut rest, mut left, mut notes, mut copies) = (text, String::new(), 0, 0);
    while let Some(at) = rest.find("\x1b]9;").into_iter().chain(rest.find("\x1b]52;")).min() {
        left.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if let Some(body) = rest.strip_prefix("\x1b]9;") {
            let end = body.find("\x1b\\").expect("an end");
            assert!(body.starts_with("Page"), "{body:.60}");
            assert!(body[..end].bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';'), "{body:.60}");
            notes += 1;
            4 + end + 2
        } else {
            let body = rest.strip_prefix("\x1b]52;c;").expect("the clipboard and no other");
            let end = body.find('\x07').expect("an end");
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
            assert!(body[..end].bytes().all(base64), "{body:.60}");
            copies += 1;
            7 + end + 1
        };
        rest = &rest[end..];
    }
    left.push_str(rest);
    (left.into_bytes(), notes, copies)
}

#[test]
fn whatever_alerts_say_notes_and_copies_stay_of_our_form() {
    let scene = Scene::plain("[notify]\nosc = \"9\"\n");
    let mut console = scene.pty();
    let texts = texts();
    for (index, text) in texts.iter().enumerate().step_by(texts.len() / 12 + 1) {
        let cut: String = text.chars().take(500).collect();
        let labels = json!({ "alertname": format!("H{index}"), "severity": "critical", "service": cut, "host": cut });
        let annotations = json!({ "summary": cut, "runbook_url": cut });
        let alert: Value = json!({ "labels": labels, "annotations": annotations, "generatorURL": cut });
        scene.hub.alert(&[alert]);
    }
    console.wait_for(LIMIT, |screen| screen.contains("!! "));
    until("a note", LIMIT, || (without_notes(&console.raw()).1 > 0).then_some(()));
    assert_eq!(without_notes(&console.raw()).2, 0, "nothing is copied without a key");
    for keys in ["gg", "ym", "j", "ym", "j", "yy", "yl", "gl", "\x1b", ":clip show\r", "\x1b"] {
        let before = console.bytes_written();
        console.write(keys.as_bytes());
        try_until(Duration::from_millis(300), || (console.bytes_written() > before).then_some(()));
    }
    until("the copies", LIMIT, || (without_notes(&console.raw()).2 >= 3).then_some(()));
    quit(&mut console);
    let (rest, notes, copies) = without_notes(&console.raw());
    println!("{notes} notes, {copies} copies, {} bytes", rest.len());
    only_ours(&rest).unwrap_or_else(|strange| panic!("the console wrote {strange}"));
}

#[test]
fn a_command_that_hangs_delays_no_key_and_is_killed() {
    let config = |dir: &Path| {
        let text = "cat > \"$0.json\"; env > \"$0.env\"; echo $$ > \"$0.pid\"; sleep 600 & wait";
        format!("[notify]\ncommand = [{:?}]\n", script(&dir.join("tell"), text))
    };
    let scene = Scene::new(config, |_| Vec::new());
    let mut console = scene.pty();
    scene.alert("DiskFull");
    let id = wait_for_file(&scene.path("tell.pid"));
    let runs = || std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).is_ok_and(|stat| !stat.contains(") Z "));
    console.write(b"?");
    console.wait_for(LIMIT, |screen| screen.contains("Act on the incident under the cursor"));
    assert!(runs(), "the key was answered while the command hung");
    console.write(b"?");
    until("its end", LIMIT, || (!runs()).then_some(()));
    console.wait_for(LIMIT, |screen| screen.contains("the notify command failed: no end within 5 s, killed"));
    let note: Value = serde_json::from_str(&wait_for_file(&scene.path("tell.json"))).expect("JSON");
    assert_eq!((&note["event"], &note["count"], &note["user"]), (&json!("page"), &json!(1), &json!("mira")));
    assert_eq!(note["text"], "Page: S2 1 db DiskFull burns");
    assert_eq!(note["incidents"][0]["number"], 1);
    let env = wait_for_file(&scene.path("tell.env"));
    assert!(env.contains("PATH=") && !env.contains("NIGHTDESK_"), "{env}");
    quit(&mut console);
}

#[test]
fn a_link_reaches_the_program_as_one_argument() {
    let config = |dir: &Path| {
        let text = "printf '%s|%s|%s' \"$#\" \"$1\" \"$2\" > \"$0.new\"; mv \"$0.new\" \"$0.got\"";
        format!("open = [{:?}, \"--\"]\n", script(&dir.join("opener"), text))
    };
    let scene = Scene::new(config, |_| Vec::new());
    let mut alert = firing("DiskFull", &[("service", "db")]);
    alert["generatorURL"] = json!("http://prometheus.example:9090/graph?g0='$(touch${IFS}x);a b");
    scene.hub.alert(&[alert]);
    let mut console = scene.pty();
    console.wait_for(LIMIT, |screen| screen.contains("alertname=DiskFull"));
    console.write(b"gl");
    console.wait_for(LIMIT, |screen| screen.contains("1  source    prometheus.example:9090"));
    console.write(b"1");
    let got = wait_for_file(&scene.path("opener.got"));
    assert_eq!(got, "2|--|http://prometheus.example:9090/graph?g0=%27$(touch${IFS}x);a%20b");
    console.wait_for(LIMIT, |screen| screen.contains("opening prometheus.example:9090"));
    quit(&mut console);
}

#[test]
fn the_test_walks_through_the_channels_and_keeps_the_answers() {
    let scene = Scene::plain("[notify]\ncommand = [\"true\"]\n");
    let env = scene.person.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let env = [env.as_slice(), &[("TMUX", "")]].concat();
    let program = Program::plain().path.display().to_string();
    let mut pty = Pty::start(100, 40, &program, &["notify", "test", "--after", "0"], &env);
    let asked = "did you see or hear it? y/n/s";
    for (nth, answer) in ["y\r", "n\r", "what?\r", "y\r", "n\r", "n\r", "y\r"].iter().enumerate() {
        let questions = |screen: &str| screen.matches(asked).count() > nth;
        pty.wait_for(LIMIT, questions);
        pty.write(answer.as_bytes());
    }
    pty.wait_for(LIMIT, |screen| screen.contains("Kept"));
    assert_eq!(pty.exit_code(LIMIT), Some(0));
    let file = scene.path("mira/state/notify-test.toml");
    let text = wait_for_file(&file);
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    let said: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("noticed = ")).collect();
    let wanted = ["yes", "no", "impossible", "yes", "no", "no", "yes", "impossible"].map(|word| format!("{word:?}"));
    assert_eq!(said, wanted, "{text}");
    assert!(pty.screen_text().contains("[notify] osc = \"9\""), "{}", pty.screen_text());
    let raw = pty.raw();
    assert!(count(&raw, "\x1b]99;;Page: S1 0 nightdesk: this is a test\x1b\\") == 1);
    assert!(count(&raw, "\x1b]2;\x07\x1b[23;2t") == 1, "the title is given back");
}
