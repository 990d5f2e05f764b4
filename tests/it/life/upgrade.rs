//! A newer program takes the mirror over while a console runs. The layout 2 is made up.

use super::{LIMIT, hub_and_person, is_live};
use crate::support::database::change;
use crate::support::mirror;
use crate::support::person::Person;
use crate::support::{try_until, until};
use std::path::Path;
use std::time::Duration;

fn set_layout(person: &Person, version: u32) {
    change(&mirror::in_folder(&person.data()), &format!("PRAGMA user_version = {version}"));
}

fn has_unsent(folder: &Path) -> bool {
    let mut files = std::fs::read_dir(folder).expect("a folder").flatten();
    files.any(|file| file.path().extension().is_some_and(|end| end == "unsent"))
}

#[test]
fn a_console_upgraded_underneath_says_so_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let mut console = person.pty(120, 40);
    console.wait_for(LIMIT, is_live);
    set_layout(&person, 3);
    let screen = console.wait_for(LIMIT, |screen| screen.contains("UPGRADED UNDERNEATH: restart (state kept)"));
    assert!(!screen.contains(" LIVE") && screen.contains("DiskFull burns"), "{screen}");
    until("what was done, kept", LIMIT, || {
        console.write(b"a");
        try_until(Duration::from_secs(1), || has_unsent(&person.data()).then_some(()))
    });
    console.wait_for(LIMIT, |screen| screen.contains("NOT sent: nightdesk was upgraded underneath"));
    console.write(b":quit!\r");
    assert_eq!(console.exit_code(LIMIT), Some(0));
    assert!(hub.log().contains("hub listens"));

    // What an older program finds.
    let mut older = person.pty(120, 40);
    let screen =
        older.wait_for(LIMIT, |screen| screen.contains("OLDER THAN ITS DATA") && screen.contains("DiskFull burns"));
    assert!(!screen.contains(" LIVE"), "{screen}");
    older.write(b":quit!\r");
    assert_eq!(older.exit_code(LIMIT), Some(0));

    // What the program finds that knows the layout.
    set_layout(&person, 2);
    let console = person.pty(120, 40);
    console.wait_for(LIMIT, |screen| is_live(screen) && screen.contains("ACK"));
    assert_eq!(person.list()[0]["owner"], "mira");
    assert!(!has_unsent(&person.data()));
}
