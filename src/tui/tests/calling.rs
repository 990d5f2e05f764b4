//! What calls the person, and what the hub is told of it.

use super::shift::*;
use super::*;
use crate::domain::paging::{PageId, Step};
use crate::sync::picture::LocalAlarm;

#[test]
fn a_call_rings_once_and_takes_neither_cursor_nor_prompt() {
    let mut desk = Desk::new(called());
    desk.keys("j n \"typing\"").wait(5000);
    let before = desk.state.mode.clone();
    desk.change(|picture| picture.calls = vec![page(12, Step::Level(1))]);
    assert_eq!((rings(&desk), desk.selected(), desk.state.mode == before), (1, 11, true));
    assert!(desk.has("CALL 12 S1 payments-api: error rate 38%"), "{}", desk.screen());
    desk.wait(5000).change(|picture| picture.unsent = 1);
    assert_eq!(rings(&desk), 1, "the same page rings once");
    desk.keys("esc !");
    assert_eq!((desk.selected(), &desk.state.mode), (12, &Mode::Browse));
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn the_bell_rings_at_most_once_in_two_seconds_and_not_too_little() {
    let mut desk = Desk::new(called());
    desk.change(|picture| picture.calls = vec![page(12, Step::Level(1))]);
    desk.wait(500).change(|picture| picture.calls.push(page(11, Step::Level(1))));
    desk.wait(500).change(|picture| picture.calls.push(page(9, Step::Level(1))));
    assert_eq!(rings(&desk), 1);
    assert_eq!(desk.state.deadline(), Some(night().plus(Duration::from_secs(2))));
    desk.wait(1000).event(Event::Due);
    assert_eq!((rings(&desk), desk.state.deadline()), (2, Some(at("06:00"))), "next is the handover");
}

#[test]
fn after_an_absence_one_bell_is_enough() {
    let mut picture = called();
    picture.link = offline();
    let mut desk = Desk::new(picture);
    desk.change(|picture| picture.calls = vec![page(12, Step::Level(1))]);
    desk.wait(3000).change(|picture| picture.calls.push(page(11, Step::Level(1))));
    assert_eq!(rings(&desk), 0, "what is known to be incomplete is gathered");
    desk.wait(3000).change(|picture| picture.link = Link::Live);
    assert_eq!(rings(&desk), 1);
    assert!(desk.has("2 calls came while the hub was away"), "{}", desk.screen());
}

#[test]
fn a_storm_is_one_line_and_is_taken_as_it_was_listed() {
    let mut picture = called();
    for row in Arc::make_mut(&mut picture.rows) {
        row.incident.hit.extend(["service=pay".to_owned(), format!("cluster={}", row.incident.number)]);
    }
    picture.calls = [9, 11, 12].map(|number| page(number, Step::Level(1))).into();
    let mut desk = Desk::new(picture);
    assert!(desk.has("CALLS 3, all service=pay: A takes all, ! goes there; worst S1 12"), "{}", desk.screen());
    desk.keys("A").change(|picture| picture.calls.push(page(10, Step::Level(1))));
    assert!(desk.has("y does it, Esc leaves it") && desk.submitted().is_empty());
    desk.keys("y");
    assert_eq!(desk.submitted().len(), 3, "who joins later calls anew");
}

#[test]
fn a_key_after_it_was_shown_says_that_the_person_knows() {
    let mut desk = Desk::new(called());
    desk.change_row(12, |row| {
        *row = owned(row.clone(), "mira");
        row.incident.seen_due = Some(at("03:21"));
    });
    desk.change(|picture| picture.calls = vec![page(11, Step::Level(1))]);
    assert_eq!(presented(&desk), [], "nobody has pressed a key since");
    desk.keys("j k j");
    let claims = vec![(id(12), 1)];
    assert_eq!(presented(&desk), [Effect::Ask(Ask::Present { claims, calls: vec![PageId([11; 16])] })], "once");
    let mut tiny = Desk::sized(called(), 19, 2);
    tiny.change_row(12, |row| {
        *row = owned(row.clone(), "mira");
        row.incident.seen_due = Some(at("03:21"));
    });
    assert_eq!(presented(tiny.keys("j")), [], "what cannot be seen was not");
}

#[test]
fn what_became_louder_is_said_to_be_known_anew() {
    let mut desk = Desk::new(called());
    desk.change_row(12, |row| {
        *row = owned(row.clone(), "mira");
        row.incident.seen_due = Some(at("03:21"));
    });
    desk.keys("j k");
    // Somebody escalated it: the hub does not take the word of before for this.
    desk.change_row(12, |row| (row.incident.rev, row.incident.loud_rev) = (9, 9));
    desk.keys("j k");
    assert_eq!(presented(&desk).len(), 2);
}

#[test]
fn a_silent_hub_makes_the_console_ring_by_itself_once() {
    let mut desk = Desk::new(called());
    let alarm = |number, level| LocalAlarm {
        incident: id(number),
        number: Number(number),
        due_at: at("03:26"),
        silent_since: at("03:14"),
        level,
    };
    desk.change(|picture| (picture.link, picture.alarms) = (offline(), vec![alarm(12, 1)]));
    desk.wait(60_000).change(|picture| picture.unsent = 1);
    assert_eq!(rings(&desk), 1);
    insta::assert_snapshot!(desk.lines()[1]);
    let wide = Desk::sized((*desk.state.picture).clone(), 160, 24);
    assert!(
        wide.has(
            "hub silent since 03:14Z; you are level 1 for incident 12; it may be handled, this console cannot know"
        )
    );
    desk.change(|picture| picture.alarms.push(alarm(11, 2)));
    assert_eq!(rings(&desk), 2, "each incident rings once");
}

#[test]
fn why_a_console_rings_by_itself_stands_before_earlier_calls() {
    let mut desk = Desk::new(called());
    desk.change(|picture| {
        picture.calls = [12, 11].map(|number| page(number, Step::Level(1))).into();
        picture.link = offline();
        let (due_at, silent_since) = (at("03:26"), at("03:14"));
        picture.alarms = vec![LocalAlarm { incident: id(12), number: Number(12), due_at, silent_since, level: 1 }];
    });
    assert!(
        desk.lines()[1].starts_with(" hub silent since 03:14Z; you are level 1 for incident 12"),
        "{}",
        desk.screen()
    );
}
