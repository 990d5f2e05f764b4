//! Panes, tabs and zoom: what stands where, and what the keys move.

use super::shift::*;
use super::*;
use crate::domain::paging::Step;
use crate::tui::layout::{Focus, Stand, Tab};
use crate::tui::view::built;

#[test]
fn digits_and_brackets_choose_the_tab_and_the_focus_stays() {
    let mut desk = with(many(3), 120, 40);
    desk.keys("2");
    assert_eq!((desk.state.shape.tab, desk.state.focus), (Tab::Series, Focus::Stream));
    assert!(desk.has("[2 Series]") && desk.has("common: alertname=InstanceDown cluster=eu-1 (2)"), "{}", desk.screen());
    desk.keys("] ]");
    assert!(desk.has("[4 Notes 1]") && desk.has("ledger lock is held"), "{}", desk.screen());
    desk.keys("[ [ [ [ [ [ [");
    assert!(desk.has("[5 Pages]") && desk.has("nobody was called about it yet"), "{}", desk.screen());
    let mut narrow = with(many(3), 50, 20);
    narrow.keys("2");
    assert_eq!(narrow.state.focus, Focus::Detail, "where only the list is seen, the tab opens");
    assert!(narrow.has("[2 Series]"), "{}", narrow.screen());
    narrow.keys("esc");
    assert!(narrow.has("SV ID"), "{}", narrow.screen());
}

#[test]
fn a_digit_in_a_menu_takes_a_choice_and_no_tab() {
    let mut desk = Desk::new(called());
    desk.keys("s 2");
    assert_eq!((desk.submitted().len(), desk.state.shape.tab), (1, Tab::Detail));
}

#[test]
fn tab_goes_through_the_panes_that_there_are_and_back() {
    let mut desk = with(detail(12), 200, 60);
    let walk = |desk: &mut Desk, key: &str| {
        desk.keys(key);
        desk.state.focus
    };
    let there: Vec<Focus> = (0..3).map(|_| walk(&mut desk, "tab")).collect();
    assert_eq!(there, [Focus::Detail, Focus::Side, Focus::Stream]);
    let back: Vec<Focus> = (0..3).map(|_| walk(&mut desk, "shift-tab")).collect();
    assert_eq!(back, [Focus::Side, Focus::Detail, Focus::Stream]);
    desk.keys("shift-tab").event(Event::Resize { width: 80, height: 24 });
    assert_eq!(desk.state.focus, Focus::Detail, "a pane that is gone has no focus");
}

#[test]
fn zoom_gives_the_pane_more_and_then_all() {
    let mut desk = with(detail(12), 120, 40);
    let list = |desk: &Desk| desk.state.layout().list.width;
    let normal = list(&desk);
    let half = list(desk.keys("+"));
    assert!(half > normal);
    assert_eq!(list(desk.keys("+")), 120);
    assert_eq!(list(desk.keys("_")), half);
    desk.keys("+ tab");
    assert!(desk.has("[1 Detail]") && !desk.has("SV ID"), "{}", desk.screen());
    assert_eq!(list(desk.keys("tab +")), normal);
}

#[test]
fn the_layout_is_chosen_by_name_and_says_what_does_not_fit() {
    let mut desk = with(detail(12), 120, 40);
    let stand = |desk: &mut Desk, word: &str| {
        desk.keys(&format!(": \"layout_{word}\" enter"));
        desk.state.layout().stand
    };
    assert_eq!(stand(&mut desk, "3"), Stand::Three);
    assert_eq!(stand(&mut desk, "1"), Stand::Single);
    assert_eq!(stand(&mut desk, "auto"), Stand::Two);
    desk.keys(": \"layout_four\" enter");
    assert!(desk.has("no layout \"four\": auto, 1, 2 or 3"), "{}", desk.screen());
    desk.event(Event::Resize { width: 80, height: 24 });
    assert_eq!(stand(&mut desk, "3"), Stand::Two);
    assert!(desk.has("layout 3; this screen has room for fewer"), "{}", desk.screen());
}

#[test]
fn times_are_utc_until_local_ones_are_asked_for() {
    let mut desk = with(detail(12), 120, 40);
    desk.state.zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    assert!(desk.has("opened 03-02 03:16Z (04:16 here)"), "{}", desk.screen());
    desk.keys(": \"tz_local\" enter");
    assert!(desk.has("S1 12   NEW       04:16") && desk.has("local time"), "{}", desk.screen());
    assert!(desk.has("04:18:00  you noted"), "{}", desk.screen());
    desk.keys(": \"tz\" enter");
    assert!(desk.has("S1 12   NEW       03:16") && desk.has("03:18:00Z you noted"), "{}", desk.screen());
}

#[test]
fn tab_layout_and_clock_are_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let keeper = || crate::tui::session::Keeper::new(Some(dir.path().join("session.toml")));
    let mut desk = with(detail(12), 200, 60);
    desk.keys("3 : \"layout_2\" enter : \"tz_local\" enter");
    let first = keeper();
    first.note(&mut desk.state, desk.now);
    first.finish();
    let mut again = with(detail(12), 200, 60);
    assert_ne!(again.state.shape, desk.state.shape);
    keeper().restore(&mut again.state, again.now);
    assert_eq!(again.state.shape, desk.state.shape);
}

#[test]
fn labels_that_all_have_are_folded_and_unfold_by_a_key() {
    let mut desk = with(many(3), 120, 40);
    desk.keys("2 L");
    assert!(desk.has("common (2):") && desk.has("   cluster=eu-1"), "{}", desk.screen());
    desk.keys("L");
    assert!(desk.has("common: alertname=InstanceDown cluster=eu-1 (2)"), "{}", desk.screen());
}

/// The law: what a screen costs does not grow with what it does not show.
#[test]
fn five_thousand_series_cost_what_fifty_cost() {
    let cost = |count: u64, keys: &str| {
        let mut desk = with(many(count), 120, 40);
        desk.keys(&format!("2 tab {keys}"));
        let before = built();
        let screen = desk.screen();
        (built() - before, screen)
    };
    let (few, _) = cost(50, "j j j");
    let (most, screen) = cost(5000, "j j j");
    assert!(most <= few + 2, "{few} pieces for 50 series, {most} for 5,000");
    assert!(screen.contains("node-0003:9100"), "{screen}");
    let (end, screen) = cost(5000, "G");
    assert!(end <= few + few / 5, "{few} pieces at the top, {end} at the end");
    assert!(screen.contains("over S?"), "what is over stands last: {screen}");
}

#[test]
fn every_series_can_be_scrolled_to_and_none_beyond() {
    for (width, height) in [(120, 40), (200, 60), (80, 24), (40, 20), (30, 9)] {
        let mut desk = with(many(40), width, height);
        desk.keys("2 enter G");
        let at = desk.state.detail_scroll;
        let last = desk.screen();
        desk.keys("j");
        assert_eq!((desk.state.detail_scroll, desk.screen()), (at, last.clone()), "{width}x{height}");
        assert!(last.contains("node-0037") || width < 40, "{width}x{height}: the last is seen:\n{last}");
    }
}

#[test]
fn what_waits_stands_at_its_place_in_the_timeline_and_is_not_confirmed() {
    let mut desk = with(detail(12), 120, 40);
    desk.change_row(12, wait_for(Act::Ack)).keys("3");
    assert!(desk.has("03:20:00Z you ack (not confirmed)"), "{}", desk.screen());
    desk.change_row(12, wait_for(Act::Note { text: "looking at the lock".into() })).keys("4");
    assert!(desk.has("you noted (not confirmed)") && desk.has("looking at the lock"), "{}", desk.screen());
}

#[test]
fn sources_that_say_the_same_at_once_are_one_line_with_a_count() {
    let mut desk = with(many(30), 120, 40);
    desk.keys("3");
    assert!(desk.has("prometheus fires 30x"), "{}", desk.screen());
}

#[test]
fn a_new_day_has_its_line_in_the_timeline() {
    let mut told = (*detail(12)).clone();
    let before = Timestamp::parse("2026-03-01T23:58:00Z").unwrap();
    told.lines.insert(0, Line::by_hub(before, Told::Opened, "yesterday"));
    let mut desk = with(Arc::new(told), 120, 40);
    desk.keys("3");
    let lines = desk.lines();
    let place = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    assert!(place("-- 2026-03-01 ---") < place("yesterday") && place("03:16:00Z") < place("-- 2026-03-01"));
}

#[test]
fn calls_say_how_far_they_came() {
    let mut told = (*detail(12)).clone();
    let mut seen = page(12, Step::Level(0));
    (seen.delivered_at, seen.seen_at) = (Some(at("03:16")), Some(at("03:17")));
    let mut failed = page(12, Step::Level(1));
    failed.person = user("jonas");
    failed.state = crate::domain::paging::PageState::Failed("no route to the provider".into());
    told.pages = vec![seen, failed];
    let mut desk = with(Arc::new(told), 120, 40);
    desk.keys("5");
    for words in [
        "jonas NOT DELIVERED",
        "by console, level 2",
        "no route to the provider",
        "you seen, no answer",
        "seen 03:17:00Z",
    ] {
        assert!(desk.has(words), "{words}: {}", desk.screen());
    }
}

#[test]
fn who_is_on_call_changes_with_the_clock_and_wakes_the_screen_for_it() {
    let mut desk = with(detail(12), 200, 60);
    assert!(desk.has("now    you until 06:00Z") && desk.has("next   jonas from 06:00Z to 12:00Z"), "{}", desk.screen());
    assert_eq!(desk.state.deadline(), Some(at("06:00")));
    desk.now = at("06:00");
    desk.event(Event::Due);
    assert!(desk.has("now    jonas until 12:00Z") && desk.has("on call: jonas until 12:00Z"), "{}", desk.screen());
}

#[test]
fn what_calls_me_is_marked_as_mine_to_take() {
    let mut picture = called();
    picture.calls = calls([page(12, Step::Level(0))]);
    let desk = Desk::new(picture);
    assert!(desk.cursor().1.ends_with(">you"), "{}", desk.screen());
}

/// The law of drawing: every size draws, and where there is a list it names severity, number and state of each row.
#[test]
fn every_size_draws_and_a_list_says_severity_number_and_state() {
    let edges = [1, 2, 19, 20, 21, 25, 33, 39, 40, 48, 59, 60, 72, 80, 99, 100, 119, 120, 150, 169, 170, 200, 220];
    let heights = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 16, 19, 20, 24, 40, 70];
    let zooms = ["", "+", "+ +", "tab +", "tab + +", "tab tab +", "2 tab", "enter 3", "5 tab", ": \"layout_3\" enter"];
    for (turn, keys) in zooms.into_iter().chain(["s", "?", "n \"x\""]).enumerate() {
        let mut desk = with(many(30), 200, 60);
        desk.change(|picture| picture.calls = calls([page(11, Step::Level(0))])).keys(keys);
        let widths = edges.into_iter().filter(|width| turn == 0 || (width + turn as u16).is_multiple_of(3));
        for (width, height) in widths.flat_map(|width| heights.map(|height| (width, height))) {
            desk.event(Event::Resize { width, height });
            assert_eq!(desk.lines().len(), usize::from(height));
            check_rows(&desk, keys);
        }
    }
}

#[track_caller]
fn check_rows(desk: &Desk, keys: &str) {
    let (layout, lines) = (desk.state.layout(), desk.lines());
    if !matches!(desk.state.mode, Mode::Browse) || layout.tiny {
        return;
    }
    for (offset, place) in layout.list.rows().enumerate() {
        let Some(row) = desk.state.row_at(desk.state.top + offset) else { continue };
        let line = &lines[usize::from(place.y)];
        let severity = row.incident.severity.map_or("S?".to_owned(), |severity| severity.to_string());
        let state = crate::tui::order::state_word(row.incident.shown());
        let begins = [severity, row.incident.number.to_string(), state.to_owned()];
        let words: Vec<&str> = line[1..].split_whitespace().take(3).collect();
        let named = words.len() == 3 && words.iter().zip(&begins).all(|(word, begin)| word.starts_with(begin.as_str()));
        assert!(named, "{keys} {}x{}: {line:?}", desk.state.width, desk.state.height);
    }
}

/// The law of the list: whatever comes, the row under the cursor stays what and where it is, in every layout.
#[test]
fn what_comes_moves_nothing_under_the_cursor_in_any_layout() {
    for (width, height) in [(40, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::sized(called(), width, height);
        desk.keys("j j");
        let before = desk.cursor();
        desk.wait(5000).add(incident(1313, 1, "dns", "all resolvers fail", "03:19"));
        desk.add(incident(1314, 1, "ntp", "clock runs away", "03:19"));
        assert_eq!(desk.cursor(), before, "{width}x{height}:\n{}", desk.screen());
        assert!(desk.has("2 NEW ABOVE"), "{width}x{height}:\n{}", desk.screen());
    }
}
