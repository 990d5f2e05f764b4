//! Taking back.

use super::shift::*;
use super::*;
use crate::domain::judge::{Refusal, Verdict};
use crate::domain::op::Kind;
use crate::sync::foresight::Undoable;

#[test]
fn undo_names_what_it_takes_back() {
    let mut picture = called();
    picture.undo = vec![undoable(12, Kind::Ack, "03:02")];
    let mut desk = Desk::new(picture);
    desk.keys("u");
    assert!(desk.has("Undo ack 12 of 03:02Z? y takes it back: escalation at 03:26Z"), "{}", desk.screen());
    assert_eq!(desk.submitted(), []);
    desk.keys("y");
    assert_eq!(desk.submitted(), [(id(12), Act::Undo { op: op(9), kind: Kind::Ack })]);
}

#[test]
fn what_was_done_here_a_moment_ago_is_undone_at_once() {
    let undo = Act::Undo { op: op(9), kind: Kind::Ack };
    let mut desk = Desk::new(called());
    desk.keys("a").change(|picture| picture.undo = vec![undoable(12, Kind::Ack, "03:20")]).keys("u");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack), (id(12), undo.clone())]);
    assert!(desk.has("undo ack 12 ...: escalation at 03:26Z"), "{}", desk.screen());
    // Not where it calls somebody now.
    let now = Undoable { call_at: Some(at("03:20")), ..undoable(12, Kind::Ack, "03:20") };
    let mut desk = Desk::new(called());
    desk.keys("a").change(|picture| picture.undo = vec![now]).keys("u");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
}

#[test]
fn what_cannot_be_undone_says_so_and_offers_what_stands_before_it() {
    let mut picture = called();
    let why = Verdict::Refused { because: Refusal::CannotUndo { kind: "escalate".into() } }.sentence();
    let refused = Undoable { refused: Some(why), call: None, ..undoable(11, Kind::Escalate, "03:19") };
    picture.undo = vec![refused.clone()];
    let mut desk = Desk::new(picture.clone());
    assert!(desk.keys("u").has("y writes a note to stand down; escalate 11: refused: people have been called;"));
    desk.keys("y");
    assert!(desk.has("Note on 11: stand down: called by mistake") && desk.submitted().is_empty(), "{}", desk.screen());
    desk.keys("enter");
    let words = "stand down: called by mistake, nobody needs to come";
    assert_eq!(desk.submitted(), [(id(11), Act::Note { text: words.into() })]);
    picture.undo = vec![refused, undoable(12, Kind::Ack, "03:02")];
    let mut desk = Desk::new(picture);
    assert!(desk.keys("u").has("stand down, f undoes ack 12 instead; escalate 11: refused"), "{}", desk.screen());
    desk.keys("u u enter");
    assert_eq!(desk.submitted(), []);
    desk.keys("f");
    assert_eq!(desk.submitted(), [(id(12), Act::Undo { op: op(9), kind: Kind::Ack })]);
    let mut desk = Desk::new(called());
    assert!(desk.keys("u").has("nothing of yours stands"));
}
