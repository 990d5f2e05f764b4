//! Keys that reach others.

use super::*;

#[test]
fn a_acknowledges_what_the_cursor_is_on_with_what_was_seen() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("j a");
    let submit = Ask::Submit { incident: id(11), basis: Basis { rev: 1, claim_no: 0 }, act: Act::Ack };
    assert!(desk.effects.contains(&Effect::Ask(submit)), "{:?}", desk.effects);
}

#[test]
fn an_ack_waits_visibly_until_the_hub_confirms_it() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("a");
    assert!(desk.has("ack 12 ...") && desk.cursor().1.contains(" NEW  "));
    desk.change_row(12, wait_for(Act::Ack));
    assert!(desk.cursor().1.contains("12   NEW>ack "), "{}", desk.screen());
    assert!(desk.has("ack 12 saved here, waiting for the hub"));
    desk.change(|picture| {
        let row = &mut Arc::make_mut(&mut picture.rows)[5];
        *row = owned(Row { waiting: Vec::new(), ..row.clone() }, "mira");
        picture.notices.push(Notice {
            no: 1,
            text: "ack 12: yours, confirmed by the hub".into(),
            welcome: true,
            answer: None,
        });
    });
    assert!(desk.cursor().1.contains("12   ACK  ") && desk.cursor().1.ends_with("you"), "{}", desk.screen());
    assert!(desk.has("ack 12: yours, confirmed by the hub"));
}

#[test]
fn offline_an_ack_says_that_it_was_not_sent() {
    let mut desk = Desk::new(picture(rows()));
    desk.change(|picture| picture.link = offline()).keys("a").change_row(12, wait_for(Act::Ack));
    for word in [
        "OFFLINE since 03:16Z: NO new alerts come here",
        "NEW>ack?",
        "NOT sent. The first call at 03:16Z may still fire.",
    ] {
        assert!(desk.has(word), "{}", desk.screen());
    }
    desk.wait(60_000).event(Event::Due);
    assert!(desk.has("NOT sent"));
    assert!(!desk.keys("esc").has("NOT sent. The"));
}

#[test]
fn a_busy_mirror_is_not_called_saved() {
    let mut desk = Desk::new(picture(rows()));
    assert!(desk.keys("a").event(Event::Busy).has("NOT done"));
}

#[test]
fn a_row_that_changed_under_the_cursor_refuses_the_verb_for_a_moment() {
    let mut desk = Desk::new(picture(rows()));
    desk.change_row(12, |row| row.incident_mut().rev += 1).keys("a");
    assert!(desk.submitted().is_empty() && desk.has("12 changed just now, press a again"));
    desk.wait(700).keys("a");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
}

#[test]
fn a_change_of_another_row_refuses_nothing() {
    let mut desk = Desk::new(picture(rows()));
    desk.change_row(11, |row| row.incident_mut().rev += 1).keys("a");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
}

#[test]
fn a_held_key_counts_once() {
    check_asked("a a a", &[(12, Act::Ack)]);
}

#[test]
fn acking_what_another_has_asks_first() {
    check("j j a", &["jonas has 10; y joins, Esc leaves it (db-orders)"]);
    check_asked("j j a a enter", &[]);
    check_asked("j j a y", &[(10, Act::Ack)]);
}

#[test]
fn resolve_needs_another_key_than_the_one_that_asked() {
    check("D", &["Resolve 12? 1 fire: f forces, Esc leaves it"]);
    check_asked("D D enter space a", &[]);
    check_asked("D esc y", &[]);
    check_asked("D y", &[(12, Act::Resolve { force: false })]);
    check_asked("D f", &[(12, Act::Resolve { force: true })]);
}

#[test]
fn force_is_not_offered_where_nothing_burns() {
    check("j j j j D", &["Resolve 9? y resolves, Esc leaves it (backup)"]);
    check_asked("j j j j D f", &[]);
}

#[test]
fn a_question_stays_with_the_incident_it_was_about() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("D").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5));
    desk.keys("y");
    assert_eq!(desk.submitted(), [(id(12), Act::Resolve { force: false })]);
}

#[test]
fn enter_never_acts() {
    check_asked("enter enter enter", &[]);
    check_asked("tab enter", &[]);
    check_asked("y f u", &[]);
}

#[test]
fn a_note_is_typed_and_sent() {
    check("n \"look:_j_a\"", &["Note on 12: look: j a"]);
    check_asked("n \"look\" enter", &[(12, Act::Note { text: "look".into() })]);
    check_asked("n enter", &[]);
    check_asked("n \"look\" esc", &[]);
}

#[test]
fn a_cancelled_note_is_kept_as_a_draft_of_its_incident() {
    check("n \"draft\" esc n", &["Note on 12: draft"]);
    let mut desk = Desk::new(picture(rows()));
    assert!(!desk.keys("n \"draft\" esc j n").has("draft"));
}

#[test]
fn a_verdict_that_nobody_wanted_stays_until_esc() {
    let mut desk = Desk::new(picture(rows()));
    let notice = |no, text: &str, welcome| Notice { no, text: text.into(), welcome, answer: None };
    desk.change(|picture| picture.notices.push(notice(1, "ack 12: too late: already resolved", false)));
    desk.change(|picture| picture.notices.push(notice(2, "note 11: confirmed by the hub", true)));
    desk.wait(60_000).event(Event::Due);
    assert!(desk.has("too late"));
    assert!(!desk.keys("esc").has("too late"));
}

#[test]
fn verdicts_of_before_the_start_are_not_told_again() {
    let mut picture = picture(rows());
    picture.notices.push(Notice { no: 7, text: "ack 1: too late".into(), welcome: false, answer: None });
    let mut desk = Desk::new(picture.clone());
    assert!(!desk.show(picture).has("too late"));
}

#[test]
fn what_cannot_be_seen_cannot_be_acted_on() {
    let mut desk = Desk::sized(picture(rows()), 19, 2);
    assert!(desk.keys("a").submitted().is_empty());
}
