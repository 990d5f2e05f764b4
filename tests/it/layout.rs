//! Panes in a real terminal that changes its size: what the person looks at stays what it was.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::tmux::Tmux;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Waits until the cursor stands on a row of the list with that word.
fn wait_for_cursor(console: &Tmux, word: &str) {
    console.wait_for(LIMIT, |screen| screen.lines().any(|line| line.starts_with('>') && line.contains(word)));
}

#[test]
fn a_terminal_that_shrinks_and_grows_keeps_selection_and_tab() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let mira = Person::near(&hub, &dir.path().join("mira"), "mira");
    hub.alert(&[firing("DiskFull", &[("service", "db")])]);
    hub.alert(&[firing("QueueDeep", &[("service", "mail")])]);
    hub.alert(&[firing("CertEnds", &[("service", "edge")])]);
    let console = mira.console(200, 60);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("CertEnds burns"));
    console.send_keys(&["G", "2"]);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("[2 Series]") && screen.contains("ON CALL"));
    let cursor = screen.lines().find(|line| line.starts_with('>')).expect("a cursor");
    let service = ["db", "mail", "edge"].into_iter().find(|service| cursor.contains(service)).expect("one of three");
    for (width, height) in [(120, 40), (80, 24), (40, 20), (30, 5), (40, 20), (80, 24), (120, 40), (200, 60)] {
        console.resize(width, height);
        wait_for_cursor(&console, &service[..2]);
    }
    let screen = console.wait_for(LIMIT, |screen| screen.contains("[2 Series]") && screen.contains("ON CALL"));
    assert!(screen.lines().any(|line| line.starts_with('>') && line.contains(service)), "{screen}");
    console.send_keys(&["+", "+"]);
    console.wait_for(LIMIT, |screen| !screen.contains("[2 Series]") && screen.contains("NEXT"));
    console.send_keys(&["_", "_"]);
    console.wait_for(LIMIT, |screen| screen.contains("[2 Series]"));
}
