//! While something is typed.

use super::*;

#[test]
fn a_paste_outside_a_prompt_is_thrown_away() {
    let mut desk = Desk::new(picture(rows()));
    desk.event(Event::Paste("a\na\nD y".into()));
    assert!(desk.submitted().is_empty() && desk.has("pasted text thrown away"));
}

#[test]
fn a_paste_into_a_note_is_one_line() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("n").event(Event::Paste("one\r\ntwo".into())).keys("enter");
    assert_eq!(desk.submitted(), [(id(12), Act::Note { text: "one two".into() })]);
}

#[test]
fn a_filter_hides_rows_and_counts_them() {
    check("/ \"PAY\"", &["1 of 6 shown", "2 unacked hidden by the filter", "filter: PAY", " /PAY"]);
    check("/ \"state:ack_jonas\" enter", &["1 of 6 shown", "> S2 10"]);
    check("/ \"pay\" esc", &["6 of 6 shown"]);
    check("/ \"pay\" enter esc", &["1 of 6 shown", "Esc again clears the filter"]);
    check("/ \"pay\" enter esc esc", &["6 of 6 shown"]);
    check("/ \"pay\" enter esc j esc", &["1 of 6 shown"]);
    check(": \"filter_sev:unexamined\" enter", &["1 of 6 shown", "S? 9"]);
    check(": \"filter_pay\" enter : \"filter_clear\" enter", &["6 of 6 shown"]);
}

#[test]
fn letters_in_a_prompt_are_letters() {
    check_asked("/ \"aD_y\" enter", &[]);
    check_asked(": \"a\" esc", &[]);
}

#[test]
fn commands_do_what_keys_do() {
    check_asked(": \"ack\" enter", &[(12, Act::Ack)]);
    check_asked(": \"unack\" enter", &[(12, Act::Unack)]);
    check_asked(": \"note_on_it\" enter", &[(12, Act::Note { text: "on it".into() })]);
    check_asked(": \"una\" tab enter", &[(12, Act::Unack)]);
    check_asked(": \"incident.ack\" enter", &[(12, Act::Ack)]);
    check_asked(": \"resolve\" enter enter", &[]);
    check_asked(": \"ack_13\" enter", &[]);
    check(": \"akc\" enter", &["no command \"akc\", did you mean \"ack\"?"]);
    check(": \"", &[" :\""]);
    check(": \"a\"", &[" :a", "  ack  ", "  ack-all  "]);
}

#[test]
fn a_command_does_not_act_on_an_incident_that_came_under_the_cursor_meanwhile() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys(": \"resolve\"").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5));
    desk.wait(5000).keys("enter y esc");
    assert!(desk.submitted().is_empty());
    desk.keys(": \"ack\"").change(|picture| Arc::make_mut(&mut picture.rows).truncate(4));
    desk.wait(5000).keys("enter");
    assert!(desk.submitted().is_empty() && desk.has("changed while you typed"), "{}", desk.screen());
}

#[test]
fn a_long_note_keeps_its_cursor_on_the_screen() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("n").event(Event::Paste("x".repeat(200))).keys("\"END\"");
    assert!(desk.has("xEND"), "{}", desk.screen());
}
