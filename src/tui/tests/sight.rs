//! What is looked at, and how: orders, quick filters, ranges, jumps, history, and what is found again.

use super::super::order::Sort;
use super::super::session::Keeper;
use super::super::state::Focus;
use super::shift::*;
use super::*;
use crate::domain::judge::{Newer, Verdict};
use crate::domain::op::Kind;
use crate::domain::paging::Step;
use crate::sync::picture::Answer;

fn numbers(desk: &Desk) -> Vec<u64> {
    (0..desk.state.order.len()).map(|position| desk.state.row_at(position).unwrap().incident.number.0).collect()
}

#[track_caller]
fn check_shown(keys: &str, expect: &[u64]) -> Desk {
    let mut desk = Desk::new(called());
    desk.keys(keys);
    assert_eq!(numbers(&desk), expect, "{keys}:\n{}", desk.screen());
    desk
}

#[test]
fn the_list_is_ordered_by_severity_time_or_owner_and_keeps_its_selection() {
    check_shown("", &[12, 11, 10, 8, 9, 7]);
    let desk = check_shown("j j o t", &[12, 11, 10, 8, 9, 7]);
    assert!(desk.has("by time") && desk.selected() == 10);
    let desk = check_shown("j j o o", &[12, 11, 9, 8, 10, 7]);
    assert!(desk.has("by owner") && desk.selected() == 10);
    check_shown("o o o s", &[12, 11, 10, 8, 9, 7]);
    check_shown(": \"sort_owner\" enter", &[12, 11, 9, 8, 10, 7]);
    check(": \"sort_colour\" enter", &["sort by severity, time or owner"]);
}

#[test]
fn a_frozen_list_keeps_its_order_and_still_takes_new_rows_in() {
    let mut desk = Desk::new(called());
    desk.keys("z").wait(600_000);
    assert!(desk.has("frozen"));
    desk.change_row(9, |row| row.incident_mut().severity = Some(Severity::S1)).wait(5000).event(Event::Due);
    assert_eq!(numbers(&desk), [12, 11, 10, 8, 9, 7]);
    desk.add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
    assert_eq!(numbers(&desk), [13, 12, 11, 10, 8, 9, 7]);
    assert_eq!(desk.selected(), 12);
    assert!(desk.state.deadline().is_none_or(|due| due > at("05:00")), "nothing waits for an order that stands");
    desk.keys(": \"freeze\" enter");
    assert_eq!(numbers(&desk), [13, 12, 9, 11, 10, 8, 7]);
    assert!(!desk.has("  frozen"));
}

#[test]
fn quick_filters_show_what_nobody_has_what_is_mine_what_calls_and_what_is_open() {
    check_shown("f u", &[12, 11, 9]);
    check_shown("f m", &[8]);
    check_shown("f p", &[]);
    check_shown("f o", &[12, 11, 10, 8, 9]);
    check_shown("f o f o", &[12, 11, 10, 8, 9, 7]);
    check_shown("f m esc esc", &[12, 11, 10, 8, 9, 7]);
}

#[test]
fn a_page_is_hidden_only_by_a_filter_that_says_so() {
    let mut desk = Desk::new(called());
    desk.keys("/ \"checkout\" enter");
    assert_eq!(numbers(&desk), [11]);
    desk.change(|picture| picture.calls = calls([page(12, Step::Level(1))]));
    assert_eq!(numbers(&desk), [12, 11]);
    desk.keys(": \"filter_checkout_page:hide\" enter");
    assert_eq!(numbers(&desk), [11]);
    assert!(desk.has("hidden by filter, [!] shows it"), "{}", desk.screen());
    desk.keys("!");
    assert_eq!((desk.selected(), numbers(&desk).len()), (12, 6));
    desk.keys("-");
    assert_eq!((desk.selected(), numbers(&desk)), (11, vec![11]), "and back to where one was");
}

#[test]
fn a_jump_goes_there_and_returns() {
    let mut desk = Desk::new(called());
    desk.keys("j j : \"open_9\" enter");
    assert!(desk.selected() == 9 && desk.state.open && desk.has("backup"), "{}", desk.screen());
    desk.keys("- j");
    assert_eq!((desk.selected(), desk.state.open), (8, false));
    desk.keys(": \"open_99\" enter");
    assert!(desk.has("no incident 99 is on this screen"));
    assert!(desk.keys("esc -").has("you did not come from anywhere"));
}

#[test]
fn a_range_is_marked_as_the_cursor_goes() {
    let mut desk = Desk::new(called());
    desk.keys("j v j j");
    assert!(desk.has("3 marked, v ends the range"), "{}", desk.screen());
    desk.keys("k k k");
    assert!(desk.has("2 marked, v ends the range"), "the range follows back over where it began:\n{}", desk.screen());
    desk.keys("v j j");
    assert_eq!(desk.state.marks, [id(12), id(11)].into());
    desk.keys("a \"2\" enter");
    assert_eq!(desk.submitted().len(), 2);
    let mut desk = Desk::new(called());
    desk.keys("v j esc j");
    assert!(desk.state.marks.is_empty() && desk.state.range.is_none());
}

#[test]
fn what_was_lost_later_is_no_longer_called_yours_in_the_results() {
    let mut desk = Desk::new(called());
    desk.keys("space space a \"2\" enter");
    let answer = |number: u64| Answer {
        op_id: op(number as u8),
        incident: id(number),
        act: Act::Ack,
        verdict: Verdict::Won { claim_no: 1 },
    };
    desk.change(|picture| {
        for (no, number) in [(1, 12), (2, 11)] {
            let answer = Some(answer(number));
            picture.notices.push(Notice { no, text: format!("ack {number}: yours"), welcome: true, answer });
        }
        for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number.0 > 10) {
            *row = owned(row.clone(), "mira");
        }
    });
    assert!(desk.has("2 done, 0 otherwise"), "{}", desk.screen());
    desk.change_row(11, |row| *row = owned(row.clone(), "jonas"));
    assert!(desk.has("1 done, 1 otherwise") && desk.has("no longer yours: jonas has it"), "{}", desk.screen());
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn a_silent_source_hides_neither_owner_nor_snooze() {
    let mut desk = Desk::new(called());
    desk.change_row(9, |row| *row = owned(row.clone(), "jonas"));
    assert!(desk.has("9    UNK/ACK "), "{}", desk.screen());
    desk.change_row(9, |row| {
        row.incident_mut().hold = Some(crate::domain::incident::Hold {
            op: op(1),
            by: user("jonas"),
            until: at("05:00"),
            change: None,
            wait: None,
        });
        row.incident_mut().overdue = true;
    });
    assert!(desk.has("9    UNK/SNZ! "), "{}", desk.screen());
}

/// Acks 12 here: saved as operation 1, confirmed, and undone as operation 2.
fn undone() -> Desk {
    let mut desk = Desk::new(called());
    let waits = |number: u8, act: Act| Waiting { op_id: op(number), act, created_at: at("03:20") };
    desk.keys("a").change_row(12, |row| row.waiting.push(waits(1, Act::Ack)));
    desk.change(|picture| {
        picture.undo = vec![crate::sync::foresight::Undoable { op: op(1), ..undoable(12, Kind::Ack, "03:20") }];
    });
    desk.wait(1000).keys("u");
    let undo = Act::Undo { op: op(1), kind: Kind::Ack };
    assert_eq!(desk.submitted(), [(id(12), Act::Ack), (id(12), undo.clone())]);
    desk.change_row(12, |row| row.waiting.push(waits(2, undo))).wait(1000);
    desk
}

#[test]
fn what_was_taken_back_is_done_again_by_its_own_operation() {
    let mut desk = undone();
    desk.keys("U");
    assert_eq!(desk.submitted().last(), Some(&(id(12), Act::Ack)));
    assert!(desk.has("redo ack 12 ..."), "{}", desk.screen());
    assert!(desk.wait(1000).keys("U").has("nothing was taken back on this screen"), "{}", desk.screen());
}

#[test]
fn an_undo_that_the_hub_refused_leaves_nothing_to_redo() {
    let mut desk = undone();
    let undo = Act::Undo { op: op(1), kind: Kind::Ack };
    let verdict = Verdict::Superseded { by: Newer::Changed };
    let answer = Some(Answer { op_id: op(2), incident: id(12), act: undo, verdict });
    desk.change(|picture| picture.notices.push(Notice { no: 1, text: "undo 12: no".into(), welcome: false, answer }));
    assert!(desk.wait(1000).keys("esc U").has("nothing was taken back on this screen"), "{}", desk.screen());
}

#[test]
fn redo_asks_again_what_asked_before() {
    let mut desk = Desk::new(called());
    let waits = |number: u8, act: Act| Waiting { op_id: op(number), act, created_at: at("03:20") };
    desk.keys("S \"s5\" enter y");
    let act = Act::SetSeverity { to: Severity::new(5).unwrap() };
    desk.change_row(12, |row| row.waiting.push(waits(1, act.clone())));
    desk.change(|picture| {
        let undo = undoable(12, Kind::SetSeverity, "03:20");
        picture.undo = vec![crate::sync::foresight::Undoable { op: op(1), ..undo }];
    });
    desk.wait(1000).keys("u").wait(1000).keys("U");
    assert!(desk.has("Severity of 12 from S1 to S5? y sets it"), "{}", desk.screen());
    assert_eq!(desk.wait(1000).keys("y").submitted().last(), Some(&(id(12), act)));
}

#[test]
fn the_history_names_what_was_done_and_takes_one_of_it_back() {
    assert!(Desk::new(called()).keys(": \"history\" enter").has("nothing was done on this screen yet"));
    let mut desk = Desk::new(called());
    desk.keys("a j").wait(300).keys("a").change_row(12, wait_for(Act::Ack));
    desk.change(|picture| {
        let answer = Answer {
            op_id: op(2),
            incident: id(11),
            act: Act::Ack,
            verdict: Verdict::Superseded { by: Newer::Resolved { successor: None } },
        };
        picture.notices.push(Notice { no: 1, text: "ack 11: no".into(), welcome: false, answer: Some(answer) });
    });
    desk.keys("esc : \"history\" enter");
    insta::assert_snapshot!(desk.screen());
    desk.keys("u");
    assert!(desk.has("ack 11 was not done: too late"), "{}", desk.screen());
    desk.keys("j j").wait(1000).keys("u");
    assert!(desk.has("Undo ack 12 of 03:20Z? y takes it back"), "{}", desk.screen());
    desk.wait(1000).keys("y");
    let undo = Act::Undo { op: OpId::from_bytes([0; 16]), kind: Kind::Ack };
    assert_eq!(desk.submitted().last(), Some(&(id(12), undo)));
}

#[test]
fn an_escalation_of_the_history_offers_words_instead() {
    let mut desk = Desk::new(called());
    let act = Act::Escalate { to: None, level_seen: 1 };
    desk.keys("E 1 y").change_row(12, wait_for(act)).keys(": \"history\" enter").wait(1000).keys("u");
    assert!(desk.has("y writes a note to stand down; escalate 12 cannot be undone"), "{}", desk.screen());
}

#[test]
fn a_session_is_found_again_without_prompts_marks_freezing_or_leave_to_act() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.toml");
    let mut desk = Desk::new(called());
    desk.state.readonly = true;
    desk.state.drafts.insert(id(10), "half a\u{1b}[31m thought".into());
    desk.keys("o o z / \"s\" enter j space j enter");
    desk.state.readonly = false;
    desk.keys("n \"begun\"");
    let (selected, marked) = (desk.selected(), *desk.state.marks.first().unwrap());
    let keeper = Keeper::new(Some(path.clone()));
    keeper.note(&mut desk.state, desk.now);
    assert!(!path.exists() && desk.state.deadline().is_some(), "not at every key");
    let due = desk.state.keep_at.unwrap();
    keeper.note(&mut desk.state, due);
    assert!(path.exists() && desk.state.keep_at.is_none());
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let mut again = Desk::new(called());
    Keeper::new(Some(path)).restore(&mut again.state, night());
    let state = &again.state;
    assert_eq!((state.filter.text(), state.sort, state.focus, state.open), ("s", Sort::Owner, Focus::Detail, true));
    assert_eq!(again.selected(), selected);
    assert_eq!(state.mode, Mode::Browse);
    assert!(state.marks.is_empty() && !state.frozen && !state.readonly && state.guard.last_key.is_none());
    assert_eq!(state.drafts[&id(10)], "half a [31m thought");
    assert_eq!(state.drafts[&marked], "begun");
    assert!(again.has("the filter of last time is on: s"), "{}", again.screen());
}

#[test]
fn what_did_not_change_is_not_written_and_a_sent_draft_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.toml");
    let keeper = Keeper::new(Some(path.clone()));
    let mut desk = Desk::new(called());
    desk.keys("n \"draft\" esc");
    keeper.note(&mut desk.state, desk.now);
    keeper.finish();
    assert!(std::fs::read_to_string(&path).unwrap().contains("draft"));
    std::fs::remove_file(&path).unwrap();
    keeper.note(&mut desk.state, desk.now);
    keeper.finish();
    assert!(!path.exists());
    desk.keys("n enter");
    keeper.note(&mut desk.state, desk.now);
    keeper.finish();
    assert!(!std::fs::read_to_string(&path).unwrap().contains("text ="));
}

#[test]
fn a_broken_session_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.toml");
    for text in ["{", "pane = 3", "selected = \"no id\"", "\u{0}\u{0}", &"#".repeat(2 << 20)] {
        std::fs::write(&path, text).unwrap();
        let mut desk = Desk::new(called());
        Keeper::new(Some(path.clone())).restore(&mut desk.state, night());
        assert_eq!((desk.selected(), desk.state.filter.text()), (12, ""));
    }
    std::fs::write(&path, "pane = \"moon\"\nsort = \"colour\"\nnewer = 1\nfilter = \"pay\"\n").unwrap();
    let mut desk = Desk::new(called());
    Keeper::new(Some(path)).restore(&mut desk.state, night());
    assert_eq!((desk.state.filter.text(), desk.state.sort), ("pay", Sort::Severity), "what is understood is taken");
}
