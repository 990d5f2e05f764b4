//! Notes by the desktop: a real session bus, whose service may be missing, come late, go, or hang.

use crate::support::alerts::annotated;
use crate::support::desktop::SessionBus;
use crate::support::hub::{Hub, Program};
use crate::support::person::Person;
use crate::support::until;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// A hub, and a person who sits at the desktop of that bus: not over SSH.
fn hub_and_person(dir: &Path, bus: &SessionBus) -> (Hub, Person) {
    let hub = Hub::start(&dir.join("hub"), "");
    let env =
        [("DBUS_SESSION_BUS_ADDRESS", bus.address()), ("SSH_CONNECTION", String::new()), ("SSH_TTY", String::new())];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let person = Person::near(&hub, &dir.join("mira"), "mira").running(Program { env, ..Program::plain() });
    (hub, person)
}

fn alert(hub: &Hub, name: &str, summary: &str) {
    hub.alert(&[annotated(name, &[("service", name)], &[("summary", summary)])]);
}

#[test]
fn a_page_is_a_note_without_markup_and_who_shows_notes_may_come_and_go() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bus = SessionBus::start(dir.path());
    let (hub, person) = hub_and_person(dir.path(), &bus);
    let desktop = bus.notifications();
    let console = person.pty(120, 40);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));

    alert(&hub, "db", "<b>full</b> & \u{1b}[31mred");
    let note = until("the note", LIMIT, || desktop.shown().pop());
    assert_eq!((note.app.as_str(), note.summary.as_str(), note.urgency), ("nightdesk", "nightdesk", Some(2)));
    assert_eq!(note.body, "Page: S2 1 db &lt;b&gt;full&lt;/b&gt; &amp; ␛[31mred");
    // The same words as on the screen.
    console.wait_for(LIMIT, |screen| screen.contains("!! PAGE") && screen.contains("<b>full</b> & ␛[31mred"));

    desktop.end();
    alert(&hub, "shop", "slow");
    console.wait_for(LIMIT, |screen| screen.contains("+1") && screen.contains("slow"));
    let desktop = bus.notifications();
    alert(&hub, "mail", "late");
    let note = until("a note again", LIMIT, || desktop.shown().pop());
    assert!(note.body.contains("S2"), "{note:?}");
}

#[test]
fn a_service_that_hangs_delays_neither_a_page_nor_a_key_nor_the_end() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bus = SessionBus::start(dir.path());
    let (hub, person) = hub_and_person(dir.path(), &bus);
    let desktop = bus.hung_notifications();
    let mut console = person.pty(120, 40);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    alert(&hub, "db", "full");
    until("the note", LIMIT, || desktop.shown().pop());
    alert(&hub, "shop", "slow");
    console.wait_for(LIMIT, |screen| screen.contains("+1") && screen.contains("slow"));
    console.write(b":");
    console.wait_for(LIMIT, |screen| screen.lines().any(|line| line.trim_start().starts_with(':')));
    console.write(b"quit\r");
    assert_eq!(console.exit_code(LIMIT), Some(0), "{}", console.screen_text());
    assert_eq!(desktop.shown().len(), 1, "the others wait behind it");
}
