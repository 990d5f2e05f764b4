//! Acts that reach other people.

use super::shift::*;
use super::*;
use crate::domain::judge::Verdict;
use crate::domain::paging::Step;
use crate::sync::picture::{Answer, Said};

#[test]
fn a_snooze_is_two_keys_and_says_when_it_wakes_and_what_goes_on() {
    let mut desk = Desk::new(called());
    desk.keys("s");
    insta::assert_snapshot!(desk.screen());
    assert_eq!(desk.submitted(), []);
    check_called("s 1", &[(12, Act::Snooze { until: in_minutes(15, 2), until_change: false })]);
    check_called("s 4", &[(12, Act::Snooze { until: in_minutes(24 * 60, 2), until_change: true })]);
    check_called("s 5", &[(12, Act::Snooze { until: at("06:00"), until_change: false })]);
    check_called("s 9", &[]);
    check_called("s enter s esc", &[]);
}

#[test]
fn a_typed_time_is_told_before_it_counts() {
    let mut desk = Desk::new(called());
    desk.state.zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    desk.keys("s c \"05:00_change\"");
    insta::assert_snapshot!(desk.screen());
    desk.keys("enter");
    assert_eq!(desk.submitted(), [(id(12), Act::Snooze { until: at("04:00"), until_change: true })]);
    let mut desk = Desk::new(called());
    desk.keys("s c \"soon\" enter");
    assert!(desk.has("\"soon\" is no time") && desk.submitted().is_empty(), "{}", desk.screen());
    desk.keys("ctrl-u \"2d\" enter");
    assert!(desk.has("a snooze lasts a day at most") && desk.submitted().is_empty(), "{}", desk.screen());
}

#[test]
fn escalating_lists_who_is_called_and_asks() {
    let mut desk = Desk::new(called());
    desk.keys("E");
    insta::assert_snapshot!(desk.screen());
    check_called("E 1", &[]);
    check_called("E 1 enter 1 E", &[]);
    check_called("E 1 y", &[(12, Act::Escalate { to: None, level_seen: 1 })]);
    check_called("E 3 y", &[(12, Act::Escalate { to: Some(user("lena")), level_seen: 1 })]);
    check_called("E c \"jo\" tab enter y", &[(12, Act::Escalate { to: Some(user("jonas")), level_seen: 1 })]);
    check_called("E c \"eve\" enter y", &[]);
    let mut desk = Desk::new(called());
    assert!(desk.keys("E 1").has("Escalate 12? y calls level 2: jonas, for good"), "{}", desk.screen());
}

#[test]
fn every_verb_has_its_key_and_its_words() {
    let offer = |minutes, keys| Act::Offer { to: user("lena"), expires_at: in_minutes(minutes, keys) };
    check_called("h \"lena\" enter y", &[(12, offer(20, 6))]);
    check_called(": \"offer_lena_1h\" enter y", &[(12, offer(60, 15))]);
    check_called("j j t y", &[(10, Act::TakeOver)]);
    check_called("t", &[(12, Act::TakeOver)]);
    check_called("@ \"lena\" enter y", &[(12, Act::Assign { to: user("lena") })]);
    check_called("S \"s5\" enter y", &[(12, Act::SetSeverity { to: Severity::new(5).unwrap() })]);
    check_called("S \"critical\" enter y", &[]);
    check_called("M \"11\" enter y", &[(12, Act::Merge { into: id(11) })]);
    check_called("M \"7\" enter y", &[]);
    check_called("M \"12\" enter y", &[]);
    check_called("G O y", &[(7, Act::Reopen)]);
    let wait = Act::Wait {
        reason: "a disk".into(),
        ticket: "OPS-1".into(),
        until: at("09:00").plus(Duration::from_secs(86_400)),
    };
    check_called("w \"tomorrow_09:00_#OPS-1_a_disk\" enter", &[(12, wait)]);
    check_called("w \"2d\" enter", &[]);
    check_called(": \"resolve_force\" enter y", &[(12, Act::Resolve { force: true })]);
    check_called(": \"snooze_4h\" enter", &[(12, Act::Snooze { until: in_minutes(240, 11), until_change: false })]);
    check_called(": \"accept\" enter", &[]);
}

#[test]
fn a_split_names_series_that_are_on_the_screen() {
    let mut desk = Desk::new(called());
    desk.change(|picture| {
        picture.detail = Some(detail(12));
        Arc::make_mut(&mut picture.rows)[5].incident_mut().tally.firing = 2;
    });
    desk.wait(1000).keys("% \"instance=eu-1-9:9100\" enter");
    assert!(desk.has("no series is") && desk.submitted().is_empty(), "{}", desk.screen());
    desk.keys("ctrl-u \"instance=eu-1-1:9100\" enter");
    assert!(desk.has("Split 12? y makes 1 of 2 series their own incident"), "{}", desk.screen());
    desk.keys("y");
    assert!(matches!(&desk.submitted()[0].1, Act::Split { series } if series.len() == 1));
}

#[test]
fn a_prompt_stays_with_the_incident_and_the_basis_it_was_opened_on() {
    let mut desk = Desk::new(called());
    desk.keys("s").change_row(12, |row| row.incident_mut().rev = 9).wait(1000).keys("1");
    let basis = desk.effects.iter().find_map(|effect| match effect {
        Effect::Ask(Ask::Submit { incident, basis, .. }) => Some((*incident, *basis)),
        _ => None,
    });
    assert_eq!(basis, Some((id(12), Basis { rev: 1, claim_no: 0 })), "the hub will see that it was another then");
    let mut desk = Desk::new(called());
    desk.keys("h \"lena\"").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5)).keys("enter y");
    assert_eq!(desk.submitted()[0].0, id(12));
}

#[test]
fn what_changed_a_moment_ago_takes_no_answer() {
    let mut desk = Desk::new(called());
    desk.keys("E 1").change_row(12, |row| row.incident_mut().rev += 1).keys("y");
    assert!(desk.submitted().is_empty() && desk.has("nothing was done"), "{}", desk.screen());
    let mut desk = Desk::new(called());
    desk.keys("s").change_row(12, |row| row.incident_mut().rev += 1).keys("1");
    assert!(desk.submitted().is_empty() && desk.has("12 changed just now"), "{}", desk.screen());
}

#[test]
fn giving_back_asks_where_that_calls_somebody_at_once() {
    let mut desk = Desk::new(called());
    desk.change_row(10, |row| row.incident_mut().owner = Some(user("mira"))).wait(1000).keys("j j : \"unack\" enter");
    assert_eq!(desk.submitted(), [(id(10), Act::Unack)], "not before 03:26: {}", desk.screen());
    let mut desk = Desk::new(called());
    desk.change_row(10, |row| {
        let incident = row.incident_mut();
        (incident.owner, incident.step_due_at) = (Some(user("mira")), at("03:10"));
    });
    desk.wait(1000).keys("j j : \"unack\" enter");
    assert!(desk.submitted().is_empty() && desk.has("Give 10 back? y calls people at once"), "{}", desk.screen());
}

#[test]
fn who_won_a_claim_is_told_that_a_key_keeps_it() {
    let mut desk = Desk::new(picture(rows()));
    let answer = Answer { op_id: op(1), incident: id(12), act: Act::Ack, verdict: Verdict::Won { claim_no: 1 } };
    let text = "ack 12: yours, confirmed by the hub".into();
    desk.change(|picture| picture.notices.push(Notice { no: 1, text, welcome: true, answer: Some(answer) }));
    assert!(desk.has("ack 12: yours, confirmed by the hub; press any key to show you saw it"), "{}", desk.screen());
}

#[test]
fn what_is_open_is_not_reopened_and_nothing_is_promised() {
    let mut desk = Desk::new(offered());
    desk.keys("O");
    assert!(desk.has("is not resolved; nothing was done"), "{}", desk.screen());
    assert!(!desk.has("people are called"), "{}", desk.screen());
}

#[test]
fn what_others_say_never_reads_as_acked() {
    let mut desk = Desk::new(called());
    desk.change_row(12, |row| {
        row.said.push(Said { actor: user("jonas"), act: Act::Ack, created_at: at("03:12") });
    });
    let line = desk.cursor().1;
    assert!(line.contains("NEW") && line.contains("[jonas says ack]") && !line.contains("ACK"), "{line}");
    assert!(desk.has("jonas says (via peer): ack 03:12Z | hub not asked"), "{}", desk.screen());
}

#[test]
fn what_waits_says_what_goes_on_meanwhile() {
    let meanwhile = |act: Act, words: &[&str]| {
        let mut desk = Desk::new(called());
        desk.change(|picture| picture.link = offline()).change_row(12, wait_for(act));
        for word in words {
            assert!(desk.has(word), "{word}:\n{}", desk.screen());
        }
    };
    meanwhile(Act::Ack, &["NEW>ack?", "not confirmed: escalation at 03:26Z may still fire"]);
    meanwhile(
        Act::Snooze { until: at("04:20"), until_change: false },
        &["NEW>snz?", "snooze until 04:20Z (saved here only"],
    );
    meanwhile(Act::Escalate { to: None, level_seen: 1 }, &["NEW>esc?", "nobody is called by it yet"]);
    meanwhile(
        Act::Offer { to: user("lena"), expires_at: at("03:40") },
        &["lena does not know yet, and it stays yours"],
    );
}

#[test]
fn without_the_hub_an_owner_is_who_had_it() {
    let mut desk = Desk::new(called());
    assert!(desk.has("OWNER"));
    desk.change(|picture| picture.link = offline()).keys("j j");
    assert!(desk.has("HAD IT") && desk.has("owner jonas had it at 03:17Z"), "{}", desk.screen());
}

#[test]
fn wide_and_narrow_screens_keep_the_menu_and_the_call() {
    let mut picture = called();
    picture.calls = calls([page(12, Step::Level(1))]);
    picture.inbox = letters();
    let mut wide = Desk::sized(picture.clone(), 120, 40);
    wide.keys("E");
    insta::assert_snapshot!("a_menu_at_a_hundred_and_twenty_by_forty", wide.screen());
    let mut narrow = Desk::sized(picture.clone(), 40, 12);
    narrow.keys("s");
    insta::assert_snapshot!("a_menu_at_forty_by_twelve", narrow.screen());
    for keys in ["s", "E", "h \"x\"", "I", "A", "space space s 1", "H", "w", ": \"snooze_1h\""] {
        let mut desk = Desk::new(picture.clone());
        desk.keys(keys);
        for width in (1..=130).step_by(17) {
            for height in (1..=45).step_by(7) {
                desk.event(Event::Resize { width, height });
                assert_eq!(desk.lines().len(), usize::from(height), "{keys}");
            }
        }
    }
}

/// The law: whatever arrives between drawing and key, no key acts on another incident than was drawn.
#[test]
fn no_key_acts_on_another_incident_than_was_drawn() {
    let changes: [fn(&mut Picture); 4] = [
        |picture| Arc::make_mut(&mut picture.rows).retain(|row| row.incident.number != Number(12)),
        |picture| Arc::make_mut(&mut picture.rows).push(incident(13, 1, "dns", "all resolvers fail", "03:19")),
        |picture| Arc::make_mut(&mut picture.rows)[4].incident_mut().severity = Some(Severity::S1),
        |picture| picture.calls = calls([page(11, Step::Level(1))]),
    ];
    for change in changes {
        for (before, after) in [
            ("", "a"),
            ("s", "1"),
            ("E 1", "y"),
            ("D", "f"),
            ("h \"lena\" enter", "y"),
            ("n \"x\"", "enter"),
            (": \"ack\"", "enter"),
            (": \"snooze_1h\"", "enter"),
            ("t", ""),
            ("S \"s2\" enter", "y"),
        ] {
            let mut desk = Desk::new(called());
            desk.keys(before).change(change).keys(after);
            let acted = desk.submitted();
            assert!(acted.iter().all(|(incident, _)| *incident == id(12)), "{before} {after}: {acted:?}");
        }
    }
}
