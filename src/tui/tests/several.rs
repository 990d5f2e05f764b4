//! Several incidents at once, and a whole shift.

use super::shift::*;
use super::*;
use crate::domain::judge::Verdict;
use crate::sync::picture::Answer;

#[test]
fn marks_are_acted_on_together_after_a_list_and_their_count() {
    let mut desk = Desk::new(called());
    desk.keys("space space space");
    assert!(desk.has("3 marked") && desk.has(" *S1 12"), "{}", desk.screen());
    desk.keys("a");
    insta::assert_snapshot!(desk.screen());
    desk.keys("\"2\" enter enter y");
    assert_eq!(desk.submitted(), []);
    desk.keys("ctrl-u \"3\" enter");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack), (id(11), Act::Ack), (id(10), Act::Ack)]);
    assert!(desk.state.marks.is_empty());
    let answer = |number, verdict: Verdict| Notice {
        no: number,
        text: format!("ack {number}"),
        welcome: verdict.is_welcome(),
        answer: Some(Answer { op_id: op(number as u8), incident: id(number), act: Act::Ack, verdict }),
    };
    desk.change(|picture| {
        picture.notices.push(answer(10, Verdict::Joined { owner: user("jonas") }));
        picture.notices.push(answer(12, Verdict::Won { claim_no: 1 }));
    });
    insta::assert_snapshot!(desk.screen());
    assert!(desk.keys("esc : \"results\" enter").has("11    checkout-web     waits for the hub"), "{}", desk.screen());
}

#[test]
fn a_list_that_changed_a_moment_ago_is_not_carried_out() {
    let mut desk = Desk::new(called());
    desk.keys("space space a \"2\"").change_row(11, |row| row.incident_mut().rev += 1).keys("enter");
    assert!(desk.submitted().is_empty() && desk.has("nothing was done"), "{}", desk.screen());
}

#[test]
fn what_comes_after_the_list_is_not_touched() {
    let mut desk = Desk::new(called());
    desk.keys("A").add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
    assert!(desk.has("Type 3 and Enter"), "{}", desk.screen());
    desk.keys("\"3\" enter");
    let mut numbers: Vec<IncidentId> = desk.submitted().into_iter().map(|(incident, _)| incident).collect();
    numbers.sort();
    assert_eq!(numbers, [id(9), id(11), id(12)], "what nobody has, as the filter showed it");
}

#[test]
fn marks_go_by_esc_and_with_what_vanishes() {
    let mut desk = Desk::new(called());
    desk.keys("space space").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5));
    assert_eq!(desk.state.marks.len(), 1);
    assert!(!desk.keys("esc").has("marked"));
    desk.keys(": \"marks\" enter");
    assert_eq!(desk.state.marks.len(), 4, "what is over is not marked");
    assert!(desk.keys(": \"marks_clear\" enter").state.marks.is_empty());
}

#[test]
fn a_shift_goes_to_who_is_next_by_two_keys() {
    let mine = |picture: &mut Picture| {
        for row in Arc::make_mut(&mut picture.rows) {
            if row.incident.number == Number(10) {
                row.incident_mut().owner = Some(user("mira"));
            }
        }
    };
    let mut picture = called();
    mine(&mut picture);
    let mut desk = Desk::new(picture);
    desk.keys("H");
    insta::assert_snapshot!(desk.screen());
    desk.keys("y");
    let offer = Act::Offer { to: user("jonas"), expires_at: in_minutes(20, 1) };
    assert_eq!(desk.submitted(), [(id(8), offer.clone()), (id(10), offer)]);
    let mut picture = called();
    mine(&mut picture);
    let mut desk = Desk::new(picture);
    desk.keys("H c \"lena_1h\" enter");
    assert!(desk.has("Hand 2 incidents over to lena, who may accept until 04:20Z"), "{}", desk.screen());
    assert_eq!(desk.submitted(), []);
}
