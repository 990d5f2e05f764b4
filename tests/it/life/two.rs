//! One person in two panes, and scripts beside: one mirror, one node, and each sees what the others did.

use super::{LIMIT, hub_and_person, is_live};
use crate::support::alerts::{firing_until, in_seconds};
use crate::support::database::Database;
use crate::support::pty::Pty;
use crate::support::{mirror, try_until};
use serde_json::Value;
use std::time::Duration;

/// Processes that write at the same time, beside the two consoles.
const WRITERS: usize = 8;
/// What each of them does, one after the other.
const NOTES: usize = 12;

/// Acknowledges one row after the other here until the other console shows it.
fn acked_here_is_seen_there(here: &mut Pty, there: &Pty, seen: impl Fn(&str) -> bool) {
    let mut moves = [b"j", b"k"].into_iter().cycle();
    let done = try_until(LIMIT, || {
        // A verb on what changed just now, or on what the cursor just came to, is refused for a moment.
        here.write(moves.next()?);
        let _: Option<()> = try_until(Duration::from_millis(800), || None);
        here.write(b"a");
        try_until(Duration::from_secs(1), || seen(&there.screen_text()).then_some(()))
    });
    assert!(done.is_some(), "here:\n{}\nthere:\n{}", here.screen_text(), there.screen_text());
}

#[test]
fn two_consoles_and_eight_writers_share_one_mirror() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, person) = hub_and_person(dir.path());
    let day = in_seconds(86_400);
    hub.alert(&[firing_until("SlowQuery", &[("service", "web")], day)]);
    let (mut one, mut two) = (person.pty(120, 40), person.pty(120, 40));
    for console in [&one, &two] {
        console.wait_for(LIMIT, |screen| is_live(screen) && screen.contains("SlowQuery burns"));
    }
    let ended: Vec<_> = std::thread::scope(|scope| {
        let write = |writer: usize| {
            let person = &person;
            move || -> Vec<_> {
                (0..NOTES).map(|number| person.run(&["note", "1", &format!("word {writer} {number}")])).collect()
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(write(writer))).collect();
        // Both panes are used meanwhile.
        for round in 0..40 {
            let key: &[u8] = if round % 2 == 0 { b"j" } else { b"k" };
            one.write(key);
            two.write(key);
            try_until::<()>(Duration::from_millis(50), || None);
        }
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer ends")).collect()
    });
    assert_eq!(ended.len(), WRITERS * NOTES);
    for one in &ended {
        assert!(matches!(one.code, Some(0 | 3)) && !one.stderr.contains("another process"), "{one:?}");
    }
    let mut last = Value::Null;
    let all_there = try_until(LIMIT, || {
        last = person.show("1");
        let text = last.to_string();
        (0..WRITERS * NOTES).all(|n| text.contains(&format!("word {} {}\"", n / NOTES, n % NOTES))).then_some(())
    });
    let waits = Database::of_running(&mirror::in_folder(&person.data()))
        .one::<i64>("SELECT count(*) FROM op WHERE verdict IS NULL");
    assert!(all_there.is_some(), "{waits} wait; {}\n{}\n{last:#}", one.screen_text(), two.screen_text());
    acked_here_is_seen_there(&mut one, &two, |screen| screen.contains("unacked 1") || screen.contains("unacked 0"));
    acked_here_is_seen_there(&mut two, &one, |screen| screen.contains("unacked 0"));
    for console in [&one, &two] {
        let screen = console.screen_text();
        assert!(!screen.contains("refused") && !screen.contains("another process") && is_live(&screen), "{screen}");
    }
    let mirror = Database::of_running(&mirror::in_folder(&person.data()));
    assert_eq!(mirror.one::<String>("PRAGMA integrity_check"), "ok");
    assert_eq!(mirror.one::<i64>("SELECT count(*) FROM op WHERE nseq > 0 AND verdict IS NULL"), 0);
    let (count, last) =
        (mirror.one::<i64>("SELECT count(*) FROM op WHERE nseq > 0"), mirror.one::<i64>("SELECT max(nseq) FROM op"));
    assert_eq!(count, last, "one chain without a gap");
}
