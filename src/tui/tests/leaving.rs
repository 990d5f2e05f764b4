//! How one leaves.

use super::*;

fn left(desk: &Desk) -> bool {
    desk.effects.contains(&Effect::Leave(Exit::Quit))
}

#[test]
fn q_at_the_root_only_says_how_to_leave() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("q q");
    assert!(!left(&desk) && desk.has(":quit leaves"));
}

#[test]
fn q_and_esc_close_what_is_open() {
    let mut desk = Desk::new(picture(rows()));
    assert!(desk.keys("enter").state.open);
    assert!(!desk.keys("q").state.open);
    assert_eq!(desk.keys("? esc").state.mode, Mode::Browse);
}

#[test]
fn quit_leaves_at_once_where_nobody_would_miss_it() {
    let mut desk = Desk::new(picture(rows()));
    assert!(left(desk.keys(": \"quit\" enter")));
}

#[test]
fn quit_asks_where_prometheus_sends_and_says_what_waits() {
    let mut picture = picture(rows());
    (picture.ingest, picture.unsent) = (Some("127.0.0.1:7400".into()), 2);
    let mut desk = Desk::new(picture);
    desk.keys(": \"quit\" enter");
    assert!(!left(&desk));
    assert!(
        desk.has("Quit? y, Esc stays: the hub stops too, for everybody, and 2 operations wait"),
        "{}",
        desk.screen()
    );
    assert!(!left(desk.keys("enter q")) && left(desk.keys(": \"quit\" enter y")));
}

#[test]
fn ctrl_c_leaves_when_pressed_twice_within_two_seconds() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("ctrl-c").wait(2000).keys("ctrl-c");
    assert!(!left(&desk));
    assert!(left(desk.keys("ctrl-c")));
    let mut desk = Desk::new(picture(rows()));
    desk.keys("n ctrl-c ctrl-c");
    assert!(!left(&desk), "the first cancelled the prompt");
}
