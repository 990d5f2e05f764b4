//! The console as lines: what changed, and what is typed.

use super::super::plain::changes::{between, opening};
use super::super::plain::talk::Talk;
use super::shift::{lost, page};
use super::*;
use crate::config::Guards;
use crate::domain::incident::{Hold, Offer};
use crate::domain::paging::{Page, Step};
use crate::sync::picture::Said;

fn call(number: u64, since: &str) -> Page {
    Page { queued_at: at(since), ..page(number, Step::Level(0)) }
}

/// Expects exactly these lines from what changes in the usual picture.
#[track_caller]
fn check_lines(change: impl FnOnce(&mut Picture), expect: &[&str]) {
    let before = picture(rows());
    let mut after = before.clone();
    change(&mut after);
    assert_eq!(between(&before, &after), expect);
}

fn row(picture: &mut Picture, number: u64) -> &mut Row {
    let rows = Arc::make_mut(&mut picture.rows);
    rows.iter_mut().find(|row| row.incident.number == Number(number)).unwrap()
}

#[test]
fn nothing_new_is_no_line() {
    check_lines(|_| {}, &[]);
    check_lines(|picture| picture.as_of = Some(at("03:21")), &[]);
    check_lines(|picture| row(picture, 12).incident_mut().tally.firing += 1, &[]);
}

#[test]
fn each_change_is_a_line_that_begins_with_a_word() {
    let payments = "12 S1 payments-api: error rate 38% > 5% for 3m";
    let acked = |picture: &mut Picture| *row(picture, 12) = owned(row(picture, 12).clone(), "jonas");
    check_lines(acked, &[&format!("ACK {payments} | jonas has it")]);
    check_lines(
        |picture| *row(picture, 10) = owned(row(picture, 10).clone(), "mira"),
        &["OWNER 10 S2 db-orders: replica lag 340s | you have it, before jonas"],
    );
    let resolved = |picture: &mut Picture| *row(picture, 12) = over(row(picture, 12).clone(), "03:20");
    check_lines(resolved, &[&format!("RESOLVED {payments} | nobody has it")]);
    let worse = |picture: &mut Picture| row(picture, 10).incident_mut().severity = Severity::new(1).ok();
    check_lines(worse, &["SEVERITY 10 S1 db-orders: replica lag 340s | was S2"]);
    let snoozed = |picture: &mut Picture| {
        row(picture, 10).incident_mut().hold = Some(Hold {
            by: UserName::parse("jonas").unwrap(),
            op: OpId::from_bytes([3; 16]),
            until: at("04:20"),
            change: None,
            wait: None,
        });
    };
    check_lines(snoozed, &["SNOOZED 10 S2 db-orders: replica lag 340s until 04:20Z | jonas has it"]);
    let overdue = |picture: &mut Picture| row(picture, 12).incident_mut().overdue = true;
    check_lines(overdue, &[&format!("OVERDUE {payments} | every level was called, and nobody took it")]);
    check_lines(
        |picture| Arc::make_mut(&mut picture.rows).push(incident(13, 0, "dns", "no \u{1b}[2J answers", "03:20")),
        &["NEW 13 S? dns: no ␛[2J answers | since 03:20Z"],
    );
    check_lines(
        |picture| Arc::make_mut(&mut picture.rows).push(over(incident(14, 2, "x", "y", "03:00"), "03:10")),
        &[],
    );
    check_lines(
        |picture| {
            let offer = Offer { to: picture.user.clone(), op: OpId::from_bytes([4; 16]), expires_at: at("03:40") };
            row(picture, 10).incident_mut().offer = Some(offer);
        },
        &["OFFER 10 S2 db-orders: replica lag 340s | accept 10 takes it until 03:40Z, decline 10 refuses"],
    );
}

#[test]
fn what_the_hub_has_not_confirmed_says_so() {
    let waits = Waiting { op_id: OpId::from_bytes([1; 16]), act: Act::Ack, created_at: at("03:20") };
    check_lines(|picture| row(picture, 12).waiting.push(waits), &["SAVED ack 12: here, NOT confirmed by the hub yet"]);
    let said = Said { actor: UserName::parse("jonas").unwrap(), act: Act::Ack, created_at: at("03:20") };
    check_lines(
        |picture| row(picture, 12).said.push(said),
        &["SAYS 12 jonas: ack (by way of a peer, NOT confirmed by the hub)"],
    );
    let notice = |welcome| Notice { no: 9, text: "ack 12: yours".into(), welcome, answer: None };
    check_lines(|picture| picture.notices.push(notice(true)), &["DONE ack 12: yours"]);
    check_lines(|picture| picture.notices.push(notice(false)), &["REFUSED ack 12: yours"]);
}

#[test]
fn pages_come_before_all_else_and_silence_is_told_once() {
    check_lines(
        |picture| {
            row(picture, 12).incident_mut().overdue = true;
            Arc::make_mut(&mut picture.calls).push(call(12, "03:19").into());
            picture.link = Link::Offline { since: at("03:16"), reason: "refused".into(), refused: false };
        },
        &[
            "OFFLINE since 03:16Z, as of 03:17Z: NO new alerts come here (refused)",
            "PAGE 12 S1 payments-api: error rate 38% > 5% for 3m | for you since 03:19Z",
            "OVERDUE 12 S1 payments-api: error rate 38% > 5% for 3m | every level was called, and nobody took it",
        ],
    );
    let mut before = picture(rows());
    before.link = Link::Offline { since: at("03:16"), reason: "refused".into(), refused: false };
    let mut after = before.clone();
    after.link = Link::Offline { since: at("03:16"), reason: "no route".into(), refused: false };
    assert_eq!(between(&before, &after), Vec::<String>::new());
    after.link = Link::Live;
    assert!(between(&before, &after)[0].starts_with("LIVE"));
}

#[test]
fn a_storm_is_bounded_and_counted() {
    let before = picture(rows());
    let mut after = before.clone();
    Arc::make_mut(&mut after.rows).extend((100..1100).map(|number| incident(number, 3, "x", "y", "03:20")));
    Arc::make_mut(&mut after.calls).push(call(1099, "03:20").into());
    let lines = between(&before, &after);
    assert!(lines[0].starts_with("PAGE 1099"));
    assert_eq!(lines.len(), 502);
    assert_eq!(lines[501], "MORE 500 changes; type list");
}

#[test]
fn empty_is_not_green() {
    let mut none = picture(Vec::new());
    assert!(opening(&none).contains(&"NONE open, confirmed by the hub".to_owned()));
    let mut before = none.clone();
    before.link = Link::Connecting;
    assert_eq!(between(&before, &none)[1..], ["NONE open, confirmed by the hub"]);
    none.link = Link::Offline { since: at("03:16"), reason: String::new(), refused: false };
    assert!(opening(&none).contains(&"NONE open as of 03:17Z; cannot know since then".to_owned()));
    none.inbox.push(lost(1, 7, None));
    assert!(opening(&none).contains(&"INBOX 1 letters wait; type inbox".to_owned()));
}

/// Types lines on the usual picture; returns what was printed and what was asked of the hub.
fn typed(lines: &[&str]) -> (Vec<String>, Vec<(u64, Act)>) {
    let mut talk = Talk::new(Arc::new(picture(rows())), jiff::tz::TimeZone::UTC, &Guards::default());
    let (mut printed, mut asked) = (Vec::new(), Vec::new());
    for line in lines {
        let (said, effects) = talk.typed(line, night());
        printed.extend(said);
        asked.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Ask(Ask::Submit { incident, act, .. }) => Some((incident, act)),
            _ => None,
        }));
    }
    let number = |wanted: IncidentId| (0..100).find(|number| id(*number) == wanted).unwrap();
    (printed, asked.into_iter().map(|(incident, act)| (number(incident), act)).collect())
}

#[track_caller]
fn check_typed(lines: &[&str], expect: &[(u64, Act)]) {
    let (printed, asked) = typed(lines);
    assert_eq!(asked, expect, "{printed:#?}");
}

#[track_caller]
fn check_printed(lines: &[&str], words: &str) {
    let (printed, _) = typed(lines);
    assert!(printed.iter().any(|line| line.contains(words)), "{words:?} is not in {printed:#?}");
}

#[test]
fn a_verb_is_done_to_the_number_behind_it() {
    check_typed(&["ack 12"], &[(12, Act::Ack)]);
    check_typed(&["note 11 looked at 12 of them"], &[(11, Act::Note { text: "looked at 12 of them".into() })]);
    let snooze = Act::Snooze { until: at("04:20"), until_change: false };
    check_typed(&["snooze 12 1h"], &[(12, snooze.clone())]);
    check_typed(&["snooze 12", "2"], &[(12, snooze.clone())]);
    check_typed(&["snooze 12", "1h"], &[(12, snooze)]);
    check_typed(&["incident.ack 12"], &[(12, Act::Ack)]);
    check_typed(&["ack 4131"], &[]);
    check_printed(&["ack 4131"], "no incident 4131 is known here");
}

#[test]
fn where_the_number_is_missing_one_is_picked() {
    check_printed(&["ack"], "1. 12 S1 payments-api");
    check_typed(&["ack", "1"], &[(12, Act::Ack)]);
    check_typed(&["ack", "9"], &[]);
    check_typed(&["ack", ""], &[]);
    check_typed(&["note all is lost", "2"], &[(11, Act::Note { text: "all is lost".into() })]);
    check_typed(&["snooze", "ack 11"], &[(11, Act::Ack)]);
    check_printed(&["reopen"], "1. 7 S3 search");
}

#[test]
fn what_reaches_others_wants_a_yes() {
    let severity = Act::SetSeverity { to: Severity::new(3).unwrap() };
    check_typed(&["severity 12 S3"], &[]);
    check_typed(&["severity 12 S3", "yes"], &[(12, severity)]);
    check_typed(&["severity 12 S3", "no"], &[]);
    check_typed(&["severity 12 S3", ""], &[]);
    check_typed(&["severity 12 S3", "ack 12", "yes"], &[]);
    check_typed(&["resolve 12", "force"], &[(12, Act::Resolve { force: true })]);
    check_typed(&["resolve 12", "yes"], &[(12, Act::Resolve { force: false })]);
    check_typed(&["ack 10", "yes"], &[(10, Act::Ack)]);
    check_typed(&["ack 10", "10"], &[]);
    check_printed(&["ack 10"], "type yes; anything else leaves it");
}

#[test]
fn several_want_their_count() {
    check_typed(&["ack 11 12", "2"], &[(11, Act::Ack), (12, Act::Ack)]);
    check_typed(&["ack 11 12", "yes"], &[]);
    check_typed(&["ack 11 12", ""], &[]);
    check_printed(&["ack 11 12"], "EACH 11 checkout-web");
}

#[test]
fn words_that_are_missing_are_asked_for() {
    check_typed(
        &["wait 12", "2h a disk"],
        &[(12, Act::Wait { reason: "a disk".into(), ticket: String::new(), until: at("05:20") })],
    );
    check_typed(&["note 12", "hello"], &[(12, Act::Note { text: "hello".into() })]);
    check_typed(&["note 12", ""], &[]);
    check_typed(&["note 12", "", "ack 12"], &[(12, Act::Ack)]);
}

#[test]
fn what_is_no_command_says_what_was_meant() {
    check_printed(&["akc 12"], "no command akc, did you mean \"ack\"?");
    check_printed(&["cursor.down"], "needs the screen");
    check_printed(&["help"], "HELP snooze NUMBER");
    check_printed(&["list"], "OPEN 12 S1 payments-api");
    check_printed(&["inbox"], "INBOX is empty");
    check_printed(&["show 12"], "SHOW 12 S1");
    assert_eq!(typed(&[""]).0, Vec::<String>::new());
}

#[test]
fn a_detail_is_printed_once_it_is_read() {
    let mut talk = Talk::new(Arc::new(picture(rows())), jiff::tz::TimeZone::UTC, &Guards::default());
    let (_, effects) = talk.typed("show 12", night());
    assert!(effects.contains(&Effect::Ask(Ask::Look(Some(id(12))))));
    let read = Arc::new(Picture { detail: Some(detail(12)), ..picture(rows()) });
    let (lines, _) = talk.heard(read.clone(), night());
    assert!(lines.iter().any(|line| line.starts_with("TIMELINE") && line.contains("ledger lock")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("SERIES firing")), "{lines:?}");
    assert_eq!(talk.heard(read, night()).0, Vec::<String>::new());
}

#[test]
fn who_types_has_seen_what_was_printed() {
    let mut calling = picture(rows());
    Arc::make_mut(&mut calling.calls).push(call(12, "03:19").into());
    let mut talk = Talk::new(Arc::new(calling), jiff::tz::TimeZone::UTC, &Guards::default());
    let (_, effects) = talk.typed("", night());
    assert!(matches!(effects.as_slice(), [Effect::Ask(Ask::Present { calls, .. })] if calls.len() == 1), "{effects:?}");
}

#[test]
fn a_console_that_only_looks_asks_nothing_of_anybody() {
    let mut calling = picture(rows());
    Arc::make_mut(&mut calling.calls).push(call(12, "03:19").into());
    let guards = Guards { readonly: true, ..Guards::default() };
    let mut talk = Talk::new(Arc::new(calling), jiff::tz::TimeZone::UTC, &guards);
    for typed in ["ack 12", "ack", "1", "note 12 hello", "resolve 12", "yes", "shift", "ack-all", "inbox dismiss"] {
        let (_, effects) = talk.typed(typed, night());
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ask(_))), "{typed}: {effects:?}");
    }
    assert!(talk.typed("ack 12", night()).0.iter().any(|line| line.contains("read-only")));
    talk.typed("rw", night());
    assert!(!talk.typed("ack 12", night()).1.is_empty());
}
