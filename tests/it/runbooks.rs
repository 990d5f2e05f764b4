//! The whole path of a runbook, with a real hub, a git checkout, and consoles in tmux: it opens with its incident, is confirmed, changes, and
//! stands first as what changed; who never read it sees the whole.

use crate::support::alerts::{firing, resolved};
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::proxy::Proxy;
use crate::support::runbooks::Books;
use crate::support::tmux::Tmux;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
const CONFIG: &str = "runbooks = \"books\"\n[timing]\nflap_window = \"1s\"\n";
const FIRST: &str = "---\nmatch: service=pay\n---\n# Payments fail\n\nLook at `{{ labels.instance }}`.\n\n- [ ] Is the provider up?\n\n\
    1. Restart one pod, and wait five minutes.\n2. Call the lead.\n";

fn live(person: &Person) -> Tmux {
    let console = person.console(80, 24);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    console
}

fn errors() -> (&'static str, [(&'static str, &'static str); 2]) {
    ("Errors", [("service", "pay"), ("instance", "pay-1")])
}

#[test]
fn a_runbook_is_read_changes_and_is_read_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::checkout(&dir.path().join("hub/books"));
    books.commit("pay.md", FIRST, "jonas", "first");
    let hub = Hub::start(&dir.path().join("hub"), CONFIG);
    let mut wire = Proxy::before(hub.address());
    let (name, labels) = errors();
    hub.alert(&[firing(name, &labels)]);
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
    hub.alert(&[resolved(name, &labels)]);
    screen.wait_for(LIMIT, |screen| screen.contains("RES"));
    books.commit("pay.md", &FIRST.replace("five", "ten"), "lena", "five were too short");
    hub.alert(&[firing(name, &[("service", "pay"), ("instance", "pay-2")])]);
    screen.wait_for(LIMIT, |screen| screen.contains(" NEW "));
    screen.send_keys(&["Escape", "g", "g"]);
    screen.wait_for(LIMIT, |screen| {
        screen.contains("CHANGED since you read it") || screen.contains("CHANGED since you read ")
    });
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
