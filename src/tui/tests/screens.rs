//! Whole screens.

use super::*;

#[test]
fn eighty_by_twenty_four() {
    let mut desk = Desk::new(picture(rows()));
    desk.change(|picture| picture.detail = Some(detail(12)));
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn styles_of_eighty_by_twenty_four() {
    let buffer = Desk::new(picture(rows())).buffer();
    let theme = Theme::base16();
    let named = |cell: &ratatui::buffer::Cell| {
        let of = |role: Role| ratatui::buffer::Cell::default().set_style(theme.style(role)).style();
        let same = |role: &&Role| of(**role) == cell.style();
        Role::ALL.iter().find(same).map_or("mixed", |role| role.name())
    };
    let mut out = String::new();
    for (y, row) in buffer.content.chunks(80).enumerate() {
        for run in row.chunk_by(|a, b| a.style() == b.style()).filter(|run| named(&run[0]) != "text") {
            let words: String = run.iter().map(|cell| cell.symbol()).collect();
            out.push_str(&format!("{y:2} {:14} {}\n", named(&run[0]), words.trim()));
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_hundred_and_twenty_by_forty() {
    let mut desk = Desk::sized(picture(rows()), 120, 40);
    desk.change(|picture| picture.detail = Some(detail(12))).keys("j k");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn forty_by_twelve_offline() {
    let mut desk = Desk::sized(picture(rows()), 40, 12);
    desk.change(|picture| picture.link = offline());
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn offline_with_something_unsent() {
    let mut desk = Desk::new(picture(rows()));
    desk.change(|picture| picture.link = offline()).keys("a");
    desk.change(|picture| picture.unsent = 1).change_row(12, wait_for(Act::Ack));
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn the_opened_incident() {
    let mut desk = Desk::new(picture(rows()));
    desk.change(|picture| picture.detail = Some(detail(12))).keys("enter");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn help() {
    let mut desk = Desk::sized(picture(rows()), 120, 50);
    desk.keys("?");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn a_question_at_sixty_by_twenty() {
    let mut desk = Desk::sized(picture(rows()), 60, 20);
    desk.keys("D");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn a_command_being_typed_while_something_new_stands_above() {
    let mut desk = Desk::sized(picture(rows()), 100, 20);
    desk.keys("j").wait(5000).add(incident(1313, 1, "dns", "all resolvers fail", "03:19"));
    desk.keys(": \"un\"");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn a_note_at_thirty_by_six() {
    let mut desk = Desk::sized(picture(rows()), 30, 6);
    desk.keys("n \"it_is_the_ledger_lock_again\" left left");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn a_first_start_without_alerts() {
    let mut picture = picture(Vec::new());
    picture.ingest = Some("127.0.0.1:7400".into());
    picture.ingest_open = true;
    insta::assert_snapshot!(Desk::new(picture).screen());
}

#[test]
fn the_smallest_screens_say_how_it_stands() {
    let mut picture = picture(rows());
    picture.link = offline();
    assert_eq!(Desk::sized(picture.clone(), 19, 2).lines()[0], "S1:1 un:3 OFFLINE");
    assert_eq!(Desk::sized(picture.clone(), 14, 2).lines()[0], "un:3 OFFLINE");
    assert_eq!(Desk::sized(picture.clone(), 1, 1).lines(), ["~"]);
    assert!(Desk::sized(picture, 20, 3).lines()[0].contains("OFFLINE"));
}

#[test]
fn no_size_makes_it_panic() {
    for keys in ["", "enter", "?", "a", "n \"abc\"", "D", ": \"q\"", "/ \"pay\"", "G tab ctrl-d"] {
        let mut desk = Desk::new(picture(rows()));
        desk.change(|picture| picture.detail = Some(detail(12))).keys(keys);
        for width in (1..=130).step_by(7) {
            for height in (1..=45).step_by(3) {
                desk.event(Event::Resize { width, height });
                assert_eq!(desk.lines().len(), usize::from(height));
            }
        }
    }
}
