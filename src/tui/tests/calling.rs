//! What calls the person, and what the hub is told of it.

use super::shift::*;
use super::*;
use crate::domain::paging::{PageId, Step};
use crate::sync::picture::LocalAlarm;
use crate::tui::outward::errand::Errand;

#[test]
fn a_call_rings_once_and_takes_neither_cursor_nor_prompt() {
    let mut desk = Desk::new(called());
    desk.keys("j n \"typing\"").wait(5000);
    let before = desk.state.mode.clone();
    desk.change(|picture| picture.calls = calls([page(12, Step::Level(1))]));
    assert_eq!((rings(&desk), desk.selected(), desk.state.mode == before), (1, 11, true));
    assert!(desk.has("!! PAGE 03:16Z S1 12 payments-api (level 2): error rate 38%"), "{}", desk.screen());
    desk.wait(5000).change(|picture| picture.unsent = 1);
    assert_eq!(rings(&desk), 1, "the same page rings once");
    desk.keys("esc !");
    assert_eq!((desk.selected(), &desk.state.mode), (12, &Mode::Browse));
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn the_bell_rings_at_most_once_in_two_seconds_and_not_too_little() {
    let mut desk = Desk::new(called());
    desk.change(|picture| picture.calls = calls([page(12, Step::Level(1))]));
    desk.wait(500).change(|picture| Arc::make_mut(&mut picture.calls).push(page(11, Step::Level(1)).into()));
    desk.wait(500).change(|picture| Arc::make_mut(&mut picture.calls).push(page(9, Step::Level(1)).into()));
    assert_eq!(rings(&desk), 1);
    assert_eq!(desk.state.deadline(), Some(night().plus(Duration::from_secs(2))));
    desk.wait(1000).event(Event::Due);
    let again = night().plus(Duration::from_secs(30));
    assert_eq!((rings(&desk), desk.state.deadline()), (2, Some(again)));
}

#[test]
fn after_an_absence_one_bell_is_enough() {
    let mut picture = called();
    picture.link = offline();
    let mut desk = Desk::new(picture);
    desk.change(|picture| picture.calls = calls([page(12, Step::Level(1))]));
    desk.wait(3000).change(|picture| Arc::make_mut(&mut picture.calls).push(page(11, Step::Level(1)).into()));
    assert_eq!(rings(&desk), 0, "what is known to be incomplete is gathered");
    desk.wait(3000).change(|picture| picture.link = Link::Live);
    assert_eq!(rings(&desk), 1);
    assert!(desk.has("0 new while away, 2 pages"), "{}", desk.screen());
}

#[test]
fn what_the_hub_answered_is_not_hidden_by_the_welcome() {
    let check = |welcome: bool, pages: usize, wanted: &str, hidden: &str| {
        let mut picture = called();
        picture.link = offline();
        picture.unsent = 1;
        let mut desk = Desk::new(picture);
        desk.change(|picture| {
            let text = "ack 12: mira has it".into();
            picture.notices.push(Notice { no: 1, text, welcome, answer: None });
            (picture.link, picture.unsent) = (Link::Live, 0);
            picture.calls = calls([12, 11][..pages].iter().map(|number| page(*number, Step::Level(1))));
        });
        assert!(desk.has(wanted) && !desk.has(hidden), "{}", desk.screen());
    };
    check(true, 0, "ack 12: mira has it", "while away");
    check(true, 2, "ack 12: mira has it; 0 new while away, 2 pages", "answered");
    check(false, 2, "ack 12: mira has it", "while away");
}

#[test]
fn a_storm_is_one_line_and_is_taken_as_it_was_listed() {
    let mut picture = called();
    for row in Arc::make_mut(&mut picture.rows) {
        let cluster = format!("cluster={}", row.incident.number);
        row.incident_mut().hit.extend(["service=pay".to_owned(), cluster]);
    }
    picture.calls = calls([9, 11, 12].map(|number| page(number, Step::Level(1))));
    let mut desk = Desk::new(picture);
    assert!(
        desk.has("!! STORM service=pay 3 incidents, 4 series; worst S1 12  [a]=ack  [A]=ack all"),
        "{}",
        desk.screen()
    );
    desk.keys("A").change(|picture| Arc::make_mut(&mut picture.calls).push(page(10, Step::Level(1)).into()));
    assert!(desk.has("y does it, Esc leaves it") && desk.submitted().is_empty());
    desk.keys("y");
    assert_eq!(desk.submitted().len(), 3, "who joins later calls anew");
}

#[test]
fn a_key_after_it_was_shown_says_that_the_person_knows() {
    let mut desk = Desk::new(called());
    desk.change_row(12, |row| {
        *row = owned(row.clone(), "mira");
        row.incident_mut().seen_due = Some(at("03:21"));
    });
    desk.change(|picture| picture.calls = calls([page(11, Step::Level(1))]));
    assert_eq!(presented(&desk), [], "nobody has pressed a key since");
    desk.keys("j k j");
    let claims = vec![(id(12), 1)];
    assert_eq!(presented(&desk), [Effect::Ask(Ask::Present { claims, calls: vec![PageId([11; 16])] })], "once");
    let mut tiny = Desk::sized(called(), 19, 2);
    tiny.change_row(12, |row| {
        *row = owned(row.clone(), "mira");
        row.incident_mut().seen_due = Some(at("03:21"));
    });
    assert_eq!(presented(tiny.keys("j")), [], "what cannot be seen was not");
}

#[test]
fn what_became_louder_is_said_to_be_known_anew() {
    let mut desk = Desk::new(called());
    desk.change_row(12, |row| {
        *row = owned(row.clone(), "mira");
        row.incident_mut().seen_due = Some(at("03:21"));
    });
    desk.keys("j k");
    // Somebody escalated it: the hub does not take the word of before for this.
    desk.change_row(12, |row| {
        let incident = row.incident_mut();
        (incident.rev, incident.loud_rev) = (9, 9);
    });
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
        picture.calls = calls([12, 11].map(|number| page(number, Step::Level(1))));
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

/// Lets time pass as the loop does: woken when the state names a time, and only then.
fn pass(desk: &mut Desk, seconds: u64) {
    let end = desk.now.plus(Duration::from_secs(seconds));
    while let Some(at) = desk.state.deadline().filter(|at| *at <= end) {
        assert!(at >= desk.now, "a time that has passed is not named again");
        desk.now = at;
        desk.event(Event::Due);
    }
    desk.now = end;
}

fn paged(numbers: &[u64]) -> Desk {
    let mut desk = Desk::new(called());
    desk.change(|picture| picture.calls = calls(numbers.iter().map(|number| page(*number, Step::Level(0)))));
    desk
}

fn notes(desk: &Desk) -> Vec<(String, bool)> {
    let note = |effect: &Effect| match effect {
        Effect::Outward(Errand::Tell(note)) => Some((note.text.to_string(), note.aloud)),
        _ => None,
    };
    desk.effects.iter().filter_map(note).collect()
}

#[test]
fn a_page_that_nobody_saw_rings_twice_more_and_then_stops() {
    let mut desk = paged(&[12]);
    pass(&mut desk, 29);
    assert_eq!(rings(&desk), 1);
    pass(&mut desk, 1);
    assert_eq!(rings(&desk), 2);
    pass(&mut desk, 89);
    assert_eq!(rings(&desk), 2);
    pass(&mut desk, 1);
    assert_eq!(rings(&desk), 3);
    pass(&mut desk, 3600);
    assert_eq!(rings(&desk), 3);
    assert_eq!(desk.state.deadline(), Some(at("06:00")), "nothing but the handover wakes the console any more");
    assert_eq!(notes(&desk).len(), 1, "what is repeated is the bell alone");
}

#[test]
fn what_was_seen_answered_or_muted_does_not_ring_again() {
    let mut desk = paged(&[12]);
    desk.keys("j");
    pass(&mut desk, 600);
    assert_eq!(rings(&desk), 1, "a key with the banner on the screen");
    let mut desk = paged(&[12]);
    desk.wait(1000)
        .change(|picture| Arc::make_mut(&mut Arc::make_mut(&mut picture.calls)[0]).seen_at = Some(at("03:20")));
    pass(&mut desk, 600);
    assert_eq!(rings(&desk), 1, "seen on another screen");
    let mut desk = paged(&[12]);
    desk.wait(1000).change(|picture| picture.calls = Arc::default());
    pass(&mut desk, 600);
    assert_eq!(rings(&desk), 1, "answered");
    // Too small to show anything, a screen presents nothing: the key is the only way.
    let mut desk = Desk::sized(called(), 19, 2);
    desk.change(|picture| picture.calls = calls([page(12, Step::Level(0))])).keys("m");
    pass(&mut desk, 600);
    assert_eq!(rings(&desk), 1, "muted");
    desk.change(|picture| Arc::make_mut(&mut picture.calls).push(page(11, Step::Level(0)).into()));
    assert_eq!(rings(&desk), 2, "what is new rings");
}

#[test]
fn after_a_sleep_one_bell_stands_for_all_repeats() {
    let mut desk = paged(&[12, 11]);
    desk.wait(8 * 3_600_000).event(Event::Due);
    assert_eq!(rings(&desk), 2);
    assert!(desk.state.deadline().is_none_or(|at| at > desk.now), "no time that has passed is named again");
}

#[test]
fn a_muted_bell_is_said_to_be_off_and_rings_when_it_is_on_again() {
    let mut desk = Desk::new(called());
    desk.keys(": \"bell_30m\" enter");
    assert!(desk.has("BELL OFF to 03:50Z"), "{}", desk.screen());
    desk.change(|picture| picture.calls = calls([page(12, Step::Level(0))]));
    assert_eq!((rings(&desk), notes(&desk)), (0, vec![(SAID.to_owned(), false)]));
    assert!(!desk.has("mute bell") && desk.has("!! PAGE"), "{}", desk.screen());
    pass(&mut desk, 60);
    assert_eq!(rings(&desk), 0);
    desk.change(|picture| Arc::make_mut(&mut picture.calls).push(page(11, Step::Level(0)).into()));
    pass(&mut desk, 1800);
    assert_eq!(rings(&desk), 1, "nobody has seen them, so it rings when it may again");
    assert!(!desk.has("BELL OFF"));
    let mut desk = Desk::new(called());
    desk.keys(": \"bell_10s\" enter").change(|picture| picture.calls = calls([page(12, Step::Level(0))]));
    pass(&mut desk, 10);
    assert_eq!(rings(&desk), 1, "what came meanwhile and was not seen rings once");
    desk.keys(": \"bell_off\" enter");
    assert!(desk.lines()[22].contains(" BELL OFF "), "{}", desk.screen());
    desk.keys(": \"bell_soon\" enter");
    assert!(desk.has("\"soon\" is no time") && desk.has("BELL OFF"), "{}", desk.screen());
    desk.keys("esc : \"bell_on\" enter");
    assert!(desk.has("the bell is on") && !desk.has("BELL OFF"), "{}", desk.screen());
}

const SAID: &str = "Page: S1 12 payments-api error rate 38% > 5% for 3m";

#[test]
fn one_note_goes_with_one_bell_and_names_the_worst() {
    let mut desk = paged(&[12]);
    desk.wait(500).change(|picture| Arc::make_mut(&mut picture.calls).push(page(9, Step::Level(0)).into()));
    desk.wait(500).change(|picture| Arc::make_mut(&mut picture.calls).push(page(11, Step::Level(0)).into()));
    pass(&mut desk, 2);
    let later = "Pages: 2 incidents, the worst S2 11 checkout-web p99 latency 2.8s > 1.5s";
    assert_eq!(notes(&desk), [(SAID.to_owned(), true), (later.to_owned(), true)]);
    assert_eq!(rings(&desk), 2);
}

#[test]
fn how_many_call_is_said_when_it_changes() {
    let mut desk = paged(&[12, 11]);
    desk.wait(100).change(|picture| picture.unsent = 1);
    desk.wait(100).change(|picture| drop(Arc::make_mut(&mut picture.calls).pop()));
    desk.wait(100).change(|picture| picture.calls = Arc::default());
    let counts = desk.effects.iter().filter_map(|effect| match effect {
        Effect::Outward(Errand::Calling(count)) => Some(*count),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [2, 1, 0]);
}

#[test]
fn what_came_while_the_hub_was_away_is_counted() {
    let mut desk = Desk::new(called());
    desk.wait(60_000).change(|picture| picture.link = offline());
    let four = (20..24).map(|number| incident(number, 5, "new", "came meanwhile", "03:22"));
    desk.wait(60_000).change(|picture| Arc::make_mut(&mut picture.rows).extend(four));
    assert_eq!(rings(&desk), 0);
    desk.wait(60_000).change(|picture| {
        picture.link = Link::Live;
        picture.calls = calls([page(20, Step::Level(0))]);
    });
    assert_eq!((rings(&desk), desk.has("4 new while away, 1 page")), (1, true), "{}", desk.screen());
}

#[test]
fn f2_leaves_a_prompt_for_the_page_and_keeps_the_draft() {
    let mut desk = Desk::new(called());
    desk.keys("j n \"half_a_thought!\"").change(|picture| picture.calls = calls([page(12, Step::Level(0))]));
    assert!(desk.has("half a thought!") && desk.has("[f2]=go there"), "{}", desk.screen());
    desk.keys("f2");
    assert_eq!((desk.selected(), &desk.state.mode), (12, &Mode::Browse));
    desk.keys("-");
    assert_eq!(desk.selected(), 11, "back to where it was");
    assert!(desk.keys("n").has("half a thought!"), "{}", desk.screen());
    assert_eq!(desk.submitted(), []);
}

#[test]
fn going_to_what_calls_walks_the_worst_first_and_comes_back_to_the_filter() {
    let mut desk = Desk::new(called());
    desk.keys("/ \"mail_page:hide\" enter").change(|picture| {
        picture.calls = calls([9, 11, 12].map(|number| page(number, Step::Level(0))));
    });
    assert!(desk.has("hidden by filter, [!] shows it"), "{}", desk.screen());
    assert_eq!((desk.selected(), desk.state.filter.text()), (8, "mail page:hide"), "a page changes no filter");
    let visited: Vec<u64> = (0..4).map(|_| desk.keys("!").selected()).collect();
    assert_eq!(visited, [12, 11, 9, 12]);
    desk.keys("backspace");
    assert_eq!((desk.selected(), desk.state.filter.text()), (8, "mail page:hide"));
    assert!(desk.keys("-").has("you did not come from anywhere"));
}

#[test]
fn a_page_changes_nothing_that_a_person_was_doing() {
    for keys in ["", "/ \"db\"", "n \"text\"", ": \"ack\"", "s", "E", "D", "?", "I", "enter", "g", "j j space"] {
        let mut desk = Desk::new(called());
        desk.keys(keys);
        let what = |desk: &Desk| {
            let state = &desk.state;
            let hands = (state.mode.clone(), state.focus, state.open, state.pending.clone(), state.marks.clone());
            (hands, state.selected, state.filter.clone(), state.top, state.detail_scroll)
        };
        let before = what(&desk);
        desk.change(|picture| picture.calls = calls([page(9, Step::Level(0))]));
        assert!(what(&desk) == before, "{keys:?}:\n{}", desk.screen());
        assert_eq!(rings(&desk), 1);
    }
}
