//! Stopped, continued, outdated; and open for weeks.

use super::*;

#[test]
fn ctrl_z_stops_at_once_and_says_why_where_it_cannot() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("ctrl-z");
    assert!(desk.effects.contains(&Effect::Suspend), "{:?}", desk.effects);
    desk.event(Event::NoShell);
    assert!(desk.has("nothing to return to"), "{}", desk.screen());
}

#[test]
fn stopping_a_hub_that_others_need_asks_first() {
    let mut serving = picture(rows());
    serving.ingest = Some("127.0.0.1:7400".into());
    let mut desk = Desk::new(serving);
    desk.keys("ctrl-z");
    assert!(!desk.effects.contains(&Effect::Suspend) && desk.has("the hub stops too"), "{}", desk.screen());
    desk.keys("esc");
    assert!(!desk.effects.contains(&Effect::Suspend));
    desk.keys("ctrl-z y");
    assert!(desk.effects.contains(&Effect::Suspend), "{:?}", desk.effects);
}

#[test]
fn who_goes_on_draws_all_anew_and_asks_the_hub_anew() {
    let mut desk = Desk::new(picture(rows()));
    desk.event(Event::Continued);
    assert!(desk.effects.contains(&Effect::Repaint) && desk.effects.contains(&Effect::Ask(Ask::Wake)));
}

#[test]
fn an_outdated_program_says_so_above_all() {
    let mut desk = Desk::new(picture(rows()));
    desk.change(|picture| picture.halted = Some("UPGRADED UNDERNEATH: restart (state kept)".into()));
    assert!(desk.lines()[1].contains("UPGRADED UNDERNEATH: restart (state kept)"), "{}", desk.screen());
}

#[test]
fn weeks_of_incidents_and_begun_notes_leave_a_bounded_state() {
    let mut desk = Desk::new(picture(Vec::new()));
    for number in 1..1500 {
        // What came is seen, noted on, and gone with the next.
        let row = owned(incident(number, 2, "db", "disk", "03:10"), "mira");
        desk.change(|picture| picture.rows = Arc::new(vec![row]));
        desk.keys("n \"begun\" esc");
    }
    let state = &desk.state;
    assert!((1..=201).contains(&state.drafts.len()), "{}", state.drafts.len());
    let attention = &state.attention;
    let sizes = [
        attention.calls.len(),
        attention.letters.len(),
        attention.alarms.len(),
        attention.presented.len(),
        attention.seen.len(),
        attention.told.len(),
        state.marks.len(),
        state.fresh.len(),
        state.guard.changed.len(),
        state.order.len(),
    ];
    assert!(sizes.iter().all(|size| *size <= 1), "{sizes:?}");
}
