//! What the cursor is on, whatever arrives.

use super::*;

#[test]
fn the_worst_and_newest_stands_first_and_what_is_over_last() {
    let desk = Desk::new(picture(rows()));
    let numbers: Vec<u64> = (0..6).map(|position| desk.state.row_at(position).unwrap().incident.number.0).collect();
    assert_eq!(numbers, [12, 11, 10, 8, 9, 7]);
}

#[test]
fn a_row_that_comes_above_moves_neither_selection_nor_line() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("j");
    let before = desk.cursor();
    desk.wait(5000).add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
    assert_eq!(desk.cursor(), before);
    assert_eq!(desk.selected(), 11);
    assert!(desk.has("1 NEW ABOVE: S1 13 dns") && desk.has("1 above (1 new)"), "{}", desk.screen());
    assert!(desk.keys("g g").has("all resolvers fail") && !desk.has("above"));
}

#[test]
fn a_list_that_nobody_touches_shows_its_top_and_keeps_its_selection() {
    let mut desk = Desk::new(picture(rows()));
    desk.add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
    assert_eq!(desk.selected(), 12);
    assert!(desk.has("all resolvers fail") && desk.cursor().1.contains("payments-api"));
}

#[test]
fn the_order_stands_still_while_the_cursor_moves() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("j j").wait(1000).change_row(9, |row| row.incident_mut().severity = Some(Severity::S1));
    assert!(desk.state.held);
    assert_eq!((desk.selected(), desk.state.position()), (10, Some(2)));
    let line = desk.cursor().0;
    desk.wait(3000).event(Event::Due);
    assert!(!desk.state.held);
    assert_eq!((desk.selected(), desk.state.position(), desk.cursor().0), (10, Some(3), line));
}

#[test]
fn a_row_that_vanishes_gives_the_cursor_to_a_neighbour_that_no_key_is_meant_for_yet() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys("j").change(|picture| Arc::make_mut(&mut picture.rows).retain(|row| row.incident.number != Number(11)));
    assert_eq!(desk.selected(), 10);
    assert!(desk.keys("a").submitted().is_empty());
    assert!(desk.has("10 changed just now, press a again"));
}

#[test]
fn opening_and_moving_look_at_the_incident_once() {
    let looks = |desk: &Desk| -> Vec<Effect> {
        desk.effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Look(_)))).cloned().collect()
    };
    let look = |number| Effect::Ask(Ask::Look(Some(id(number))));
    let mut narrow = Desk::sized(picture(rows()), 50, 24);
    narrow.keys("j j");
    assert_eq!(looks(&narrow), []);
    narrow.keys("enter esc");
    assert_eq!(looks(&narrow), [look(10), Effect::Ask(Ask::Look(None))]);
    let mut wide = Desk::new(picture(rows()));
    wide.keys("j k tab tab j");
    assert_eq!(looks(&wide), [look(11), look(12), look(11)]);
}

#[test]
fn moves_go_to_both_ends_and_no_further() {
    for (keys, expect) in
        [("G", 7), ("G g g", 12), ("end home", 12), ("ctrl-d", 7), ("j pagedown pageup", 12), ("k", 12), ("G j", 7)]
    {
        let mut desk = Desk::new(picture(rows()));
        assert_eq!(desk.keys(keys).selected(), expect, "{keys}");
    }
}

#[test]
fn a_broken_sequence_does_nothing() {
    check_asked("g a", &[]);
}
