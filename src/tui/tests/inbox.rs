//! What waits for the person.

use super::shift::*;
use super::*;
use crate::sync::picture::LetterId;

#[test]
fn an_offer_stands_in_the_banner_and_is_answered_in_the_inbox() {
    let mut desk = Desk::new(offered());
    assert!(desk.has("jonas offers you 10 until 03:40Z: db-orders (I answers, H accepts all)"), "{}", desk.screen());
    assert!(desk.has("inbox 1"), "{}", desk.screen());
    desk.keys("y esc");
    assert_eq!(desk.submitted(), [], "y alone changes nothing");
    desk.keys("I");
    assert!(desk.has("y accepts, n declines"), "{}", desk.screen());
    desk.keys("y");
    assert_eq!(desk.submitted(), [(id(10), Act::Accept { offer: op(3) })]);
    let mut desk = Desk::new(offered());
    desk.keys("I n");
    assert_eq!(desk.submitted(), [(id(10), Act::Decline { offer: op(3) })]);
    let mut desk = Desk::new(offered());
    desk.keys("H");
    assert!(desk.has("Accept 1 incident offered to you"), "{}", desk.screen());
    desk.keys("y");
    assert_eq!(desk.submitted(), [(id(10), Act::Accept { offer: op(3) })]);
}

#[test]
fn the_detail_says_to_whom_it_is_offered() {
    let mut desk = Desk::new(offered());
    assert!(desk.keys("j j").has("offered to you until 03-02 03:40Z"), "{}", desk.screen());
}

#[test]
fn letters_stay_until_dismissed_and_offer_what_fits() {
    let mut picture = called();
    picture.inbox = letters();
    let mut desk = Desk::new(picture.clone());
    assert!(desk.has("inbox 5"), "{}", desk.screen());
    desk.keys("I");
    insta::assert_snapshot!(desk.screen());
    desk.keys("j d");
    assert!(desk.effects.contains(&Effect::Ask(Ask::Dismiss(vec![LetterId::Answer(op(2))]))));
    let next = |keys: &str| {
        let mut desk = Desk::new(picture.clone());
        desk.keys(keys);
        desk
    };
    assert_eq!(next("I r").submitted(), [(id(12), Act::Ack)], "the successor");
    assert!(next("I j r").has("snooze 11: 1 15m"), "a snooze instead of a refused resolve");
    assert!(next("I j j r").has("Resolve 11? 1 fire"), "the same again, on what it is now");
    assert_eq!(next("I j j j r").selected(), 10);
    assert_eq!(next("I j j j j r").submitted(), [(id(9), Act::Ack)]);
    assert_eq!(next("I j j j enter").selected(), 10);
}

#[test]
fn a_letter_that_goes_gives_the_cursor_to_no_other() {
    let mut picture = called();
    picture.inbox = letters();
    let mut desk = Desk::new(picture);
    desk.keys("I j").change(|picture| drop(picture.inbox.remove(1))).keys("d");
    assert!(!desk.effects.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Dismiss(_)))));
}
