//! What is read beside incidents: log, doctor, changelog.

use super::super::topic::Topic;
use super::*;

/// Returns what was asked to be read.
fn reads(effects: &[Effect]) -> Vec<(Topic, &str)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Read(topic, words) => Some((*topic, words.as_str())),
            _ => None,
        })
        .collect()
}

#[test]
fn each_topic_is_asked_for_by_its_name_and_words() {
    for (typed, wanted) in [
        ("log", (Topic::Log, "")),
        ("log_error_of", (Topic::Log, "error of")),
        ("doctor_hub", (Topic::Doctor, "hub")),
        ("whatsnew", (Topic::WhatsNew, "")),
        ("crash", (Topic::Crash, "")),
        ("paths.open", (Topic::Paths, "")),
    ] {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(&format!(": \"{typed}\" enter"));
        assert_eq!(reads(&desk.effects), [wanted], "{typed}");
        assert!(desk.has("looking ..."), "it opens at once");
    }
}

#[test]
fn a_log_opens_at_its_end_and_scrolls() {
    let mut desk = Desk::new(picture(rows()));
    let lines: Vec<String> = (0..100).map(|number| format!("line-{number:03} \u{1b}[2J")).collect();
    desk.keys(": \"log\" enter").event(Event::Read(Topic::Log, lines));
    assert!(desk.has("line-099 ␛[2J") && !desk.has("line-010"));
    desk.keys("pageup pageup pageup pageup pageup pageup pageup pageup pageup pageup pageup pageup");
    assert!(desk.has("line-000") && !desk.has("line-099"));
    desk.keys("q");
    assert!(desk.has("payments-api") && !desk.has("line-000"), "q closes it");
}

#[test]
fn what_was_read_too_late_is_dropped() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys(": \"doctor\" enter esc").event(Event::Read(Topic::Doctor, vec!["too late".into()]));
    assert!(!desk.has("too late"));
    desk.keys(": \"log\" enter").event(Event::Read(Topic::Doctor, vec!["too late".into()]));
    assert!(!desk.has("too late") && desk.has("looking ..."));
    desk.event(Event::Read(Topic::Log, Vec::new()));
    assert!(desk.has("No line of the log holds that."));
}

#[test]
fn the_header_goes_on_counting_while_something_is_read() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys(": \"whatsnew\" enter").event(Event::Read(Topic::WhatsNew, vec!["- something".into()]));
    let mut more = rows();
    more.push(incident(13, 1, "dns", "no answers", "03:20"));
    desk.event(Event::Picture(Arc::new(picture(more))));
    assert!(desk.has("- something") && desk.has("S1:2"));
}
