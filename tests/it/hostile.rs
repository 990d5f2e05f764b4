//! What hostile senders write never reaches the terminal: every byte that the console writes is ours, and nothing on the screen hides.

pub mod bytes;

use crate::support::alerts::in_seconds;
use crate::support::corpus::{forbidden, texts};
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::pty::Pty;
use crate::support::{try_until, until};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Returns an alert that says this wherever an alert says something.
fn alert((index, text): (usize, &String)) -> Value {
    let cut: String = text.chars().take(1000).collect();
    json!({
        "labels": { "alertname": format!("Hostile{index}"), "severity": "critical", "service": cut, "host": cut },
        "annotations": { "summary": cut, "description": cut, "value": cut, "runbook_url": cut },
        "generatorURL": cut, "endsAt": in_seconds(3600).to_string(),
    })
}

/// Returns the number of the incident under the cursor.
fn selected(screen: &str) -> Option<&str> {
    let row = screen.lines().find(|line| line.starts_with("> "))?;
    row.split_whitespace().nth(2)
}

/// Waits until the detail shows the incident under the cursor, another than `before`; returns its number.
fn wait_for_detail(console: &Pty, before: Option<&str>) -> String {
    let shown = |screen: &str| {
        let number = selected(screen).filter(|number| Some(*number) != before)?;
        // Beside the list it has a line of its own; under it, the line between them.
        let titles = [format!(" {number} S2 NEW since "), format!("-- {number} ")];
        titles.iter().any(|title| screen.contains(title)).then(|| number.to_owned())
    };
    let screen = console.wait_for(LIMIT, |screen| shown(screen).is_some());
    if let Some(bad) = forbidden(&screen) {
        panic!("{bad:?} stands on the screen:\n{screen}");
    }
    shown(&screen).expect("it was there")
}

/// Leaves whatever is open, then the console.
fn quit(console: &mut Pty) {
    for key in ["\x1b", "\x1b", ":"] {
        let before = console.bytes_written();
        console.write(key.as_bytes());
        try_until(Duration::from_millis(300), || (console.bytes_written() > before).then_some(()));
    }
    console.write(b"quit\r");
}

#[test]
fn hostile_texts_are_shown_as_marks_and_never_obeyed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let texts = texts();
    let alerts: Vec<Value> = texts.iter().enumerate().map(alert).collect();
    for chunk in alerts.chunks(50) {
        hub.alert(chunk);
    }
    let person = Person::near(&hub, &dir.path().join("mira"), "mira");
    let number_of_incidents = person.list().len();
    assert!(number_of_incidents + 5 > texts.len(), "{number_of_incidents} of {} texts", texts.len());
    for text in texts.iter().take(50) {
        let cut: String = text.chars().take(1000).collect();
        person.run(&["note", "1", &cut.replace('\0', "")]);
    }

    let began = std::time::Instant::now();
    let mut console = person.pty(120, 40);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    let mut number = wait_for_detail(&console, None);
    for _ in 1..number_of_incidents {
        console.write(b"j");
        number = wait_for_detail(&console, Some(&number));
    }
    console.resize(80, 24);
    // Keys in the same moment as the new size: neither may be lost for good.
    until("the small screen", LIMIT, || {
        console.write(b"gg");
        let small = |screen: &str| screen.lines().next().is_some_and(|header| header.ends_with(" LIVE "));
        try_until(Duration::from_secs(1), || small(&console.screen_text()).then_some(()))
    });
    wait_for_detail(&console, None);
    for key in ["\r", "\x04", "\x1b", "j", "\r", "\x04", "\x1b", "/\u{1b}[201~", "\x1b", ":note a\u{9b}b", "\x1b"] {
        let before = console.bytes_written();
        console.write(key.as_bytes());
        // What a key does is drawn at once; a lone escape waits for what may follow it.
        try_until(Duration::from_millis(300), || (console.bytes_written() > before).then_some(()));
        let screen = console.screen_text();
        assert_eq!(forbidden(&screen), None, "{screen}");
    }
    quit(&mut console);
    assert_eq!(console.exit_code(LIMIT), Some(0), "{}", console.screen_text());
    let raw = console.raw();
    println!("{number_of_incidents} incidents, {} bytes written", raw.len());
    match bytes::only_ours(&raw) {
        Err(strange) => panic!("the console wrote {strange}"),
        // The console rings for pages at most every two seconds, whatever their texts are.
        Ok(bells) => assert!(bells as u64 <= began.elapsed().as_secs() / 2 + 1, "{bells} bells"),
    }
    assert!(!hub.log().contains("panicked"));
}
