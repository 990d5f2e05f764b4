//! The whole path of a runbook, with a real Prometheus, a real hub, a git checkout, and consoles in tmux: it opens with its incident, is
//! confirmed, changes, and stands first as what changed; who never read it sees the whole.

use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::proxy::Proxy;
use crate::support::runbooks::Books;
use crate::support::servers::{Prometheus, PrometheusSetup, Receiver};
use crate::support::target::Target;
use crate::support::tmux::Tmux;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(40);
const CONFIG: &str =
    "runbooks = \"books\"\n[runbook_urls]\n\"https://runbooks.example/\" = \"\"\n[timing]\nflap_window = \"1s\"\n";
const RULES: &str = r#"
groups:
  - name: test
    rules:
      - alert: Errors
        expr: errors > 0
        labels: {severity: critical, service: pay}
        annotations: {summary: "payments fail", runbook_url: "https://runbooks.example/pay"}
"#;
const FIRST: &str = "# Payments fail\n\nLook at `{{ labels.pod }}`.\n\n- [ ] Is the provider up?\n\n\
    1. Restart one pod, and wait five minutes.\n2. Call the lead.\n";

fn live(person: &Person) -> Tmux {
    let console = person.console(80, 24);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    console
}

/// A Prometheus that is warm, and what it watches.
fn prometheus(dir: &Path, hub: &Hub) -> (Prometheus, Target) {
    let target = Target::start();
    target.set("errors{pod=\"pay-1\"}", 0.0);
    let setup = PrometheusSetup {
        rules: RULES.to_owned(),
        targets: vec![target.address()],
        receivers: vec![Receiver { address: hub.address().to_owned(), token: Some(hub.ingest_token()) }],
        resend_delay: Duration::from_secs(5),
    };
    let mut prometheus = Prometheus::start(dir, &setup);
    prometheus.wait_warm();
    (prometheus, target)
}

#[test]
fn a_runbook_is_read_changes_and_is_read_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::checkout(&dir.path().join("hub/books"));
    books.commit("pay.md", FIRST, "jonas", "first");
    let hub = Hub::start(&dir.path().join("hub"), CONFIG);
    let mut wire = Proxy::before(hub.address());
    let (_prometheus, target) = prometheus(&dir.path().join("prometheus"), &hub);
    target.set("errors{pod=\"pay-1\"}", 1.0);
    let mira = Person::through(&hub, &wire, &dir.path().join("mira"), "mira");
    let screen = live(&mira);
    screen.wait_for(LIMIT, |screen| screen.contains("runbook pay.md") && screen.contains("unread"));
    screen.send_keys(&["r"]);
    screen.wait_for(LIMIT, |screen| screen.contains("Look at pay-1.") && screen.contains("you have not read this"));
    screen.send_keys(&["R"]);
    screen.wait_for(LIMIT, |screen| screen.contains("you read this ") && screen.contains("unchanged"));

    // An item is ticked: everybody sees it, in this incident.
    screen.send_keys(&["Space"]);
    screen.wait_for(LIMIT, |screen| screen.contains("tick: Is the provider up?"));
    screen.send_keys(&["1"]);
    screen.wait_for(LIMIT, |screen| screen.contains("[x] Is the provider up?  mira"));

    // It is over, the text changes, and it fires again.
    target.set("errors{pod=\"pay-1\"}", 0.0);
    screen.wait_for(LIMIT, |screen| screen.contains("RES"));
    books.commit("pay.md", &FIRST.replace("five", "ten"), "lena", "five were too short");
    target.set("errors{pod=\"pay-2\"}", 1.0);
    screen.wait_for(LIMIT, |screen| screen.contains(" NEW "));
    screen.send_keys(&["Escape"]);
    screen.wait_for(LIMIT, |screen| screen.contains("SV ID"));
    screen.send_keys(&["g", "g"]);
    screen.wait_for(LIMIT, |screen| screen.contains(" 2 pay ") && screen.contains("CHANGED"));
    screen.send_keys(&["r"]);
    let shown = screen.wait_for(LIMIT, |screen| screen.contains("hunks seen") && screen.contains("by lena"));
    assert!(shown.contains("five were too short") && shown.contains("wait five ten minutes"), "{shown}");
    assert!(!shown.contains("Look at"), "what did not change is not shown: {shown}");

    // A second person, who never read it, sees the whole; nothing is ticked in this incident.
    let jonas = Person::near(&hub, &dir.path().join("jonas"), "jonas");
    let other = live(&jonas);
    other.send_keys(&["r"]);
    let whole = other.wait_for(LIMIT, |screen| screen.contains("you have not read this") && screen.contains("pay-2"));
    assert!(whole.contains("wait ten minutes") && whole.contains("[ ] Is the provider up?"), "{whole}");

    // Without a hub "I've read it" waits, and is shown as that; then it is confirmed.
    wire.cut();
    screen.wait_for(LIMIT, |screen| screen.contains("OFFLINE"));
    screen.send_keys(&["R"]);
    screen.wait_for(LIMIT, |screen| screen.contains("you read this: waits for the hub"));
    wire.heal();
    screen.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("; unchanged"));
}

/// Who has a shift in ten minutes, by the hub's own clock.
fn shift(person: &str) -> String {
    let at = |minutes: i64| crate::support::alerts::in_seconds(minutes * 60);
    format!("[[on_call]]\nperson = {person:?}\nfrom = \"{}\"\nto = \"{}\"\n", at(10), at(600))
}

#[test]
fn before_the_night_begins_its_reader_is_told_what_is_unread_and_reads_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::directory(&dir.path().join("hub/books"));
    books.write("pay.md", FIRST.as_bytes());
    books.write("db.md", b"---\nmatch: service=db\n---\n# The database\n\nWait.\n");
    let config = format!("runbooks = \"books\"\n{}", shift("mira"));
    let hub = Hub::start(&dir.path().join("hub"), &config);
    let (mira, jonas) =
        (Person::near(&hub, &dir.path().join("mira"), "mira"), Person::near(&hub, &dir.path().join("jonas"), "jonas"));
    let screen = live(&mira);
    screen.wait_for(LIMIT, |screen| {
        screen.contains("2 runbooks unread, on call from ") && screen.contains("; :unread mira: db.md")
    });

    // Who has no shift is told nothing, and sees who should read what.
    let other = live(&jonas);
    other.send_keys(&[":", "unread", "Enter"]);
    let listed = other.wait_for(LIMIT, |screen| screen.contains("mira  on call from"));
    assert!(listed.contains("unread   db.md") && listed.contains("unread   pay.md"), "{listed}");
    assert!(!listed.contains("runbooks unread"), "{listed}");

    // One is opened by its name, read, and from there the next.
    screen.send_keys(&[":"]);
    screen.send_keys(&["runbook db"]);
    screen.send_keys(&["Tab", "Enter"]);
    screen.wait_for(LIMIT, |screen| screen.contains("The database") && screen.contains("you have not read this"));
    screen.send_keys(&["R"]);
    screen.wait_for(LIMIT, |screen| screen.contains("; unchanged"));
    screen.send_keys(&[">"]);
    screen.wait_for(LIMIT, |screen| screen.contains("Call the lead.") && screen.contains("you have not read this"));
    screen.send_keys(&["R"]);
    screen.wait_for(LIMIT, |screen| screen.contains("; unchanged"));
    screen.send_keys(&[">"]);
    screen.wait_for(LIMIT, |screen| screen.contains("nothing else is for you to read"));
    screen.send_keys(&["q"]);

    // Nothing is unread any more, and nobody is told twice.
    other.send_keys(&["q", ":", "unread", "Enter"]);
    other.wait_for(LIMIT, |screen| screen.contains("Everybody has read all that they may be called for (2 runbooks)."));
}
