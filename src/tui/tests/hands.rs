//! Copies and links.

use super::*;
use crate::tui::outward::errand::{Clip, Errand, Report};
use crate::tui::outward::sequence::Sequence;

/// The usual desk with the first incident's detail read, and these texts beside its series.
fn looked(annotations: &[(&str, &str)], generator: &str) -> Desk {
    let mut detail = (*detail(12)).clone();
    let mut second = series(2);
    let pairs = annotations.iter().copied();
    second.annotations = Labels::new(pairs, &LabelLimits::ANNOTATIONS).unwrap();
    detail.series.push(second);
    detail.series.iter_mut().for_each(|one| one.generator_url = generator.into());
    let mut picture = picture(rows());
    picture.detail = Some(Arc::new(detail));
    Desk::new(picture)
}

fn copied(desk: &Desk) -> Vec<String> {
    let clip = |effect: &Effect| match effect {
        Effect::Outward(Errand::Copy(clip)) => Some(clip.text().to_string()),
        _ => None,
    };
    desk.effects.iter().filter_map(clip).collect()
}

fn opened(desk: &Desk) -> Vec<String> {
    let url = |effect: &Effect| match effect {
        Effect::Outward(Errand::Open(url)) => Some(url.clone()),
        _ => None,
    };
    desk.effects.iter().filter_map(url).collect()
}

#[test]
fn two_keys_copy_and_one_does_nothing() {
    let mut desk = looked(&[("runbook_url", "https://wiki.example/pay")], "http://prometheus:9090/graph?g0=x");
    desk.keys("y esc");
    assert_eq!(copied(&desk), [""; 0]);
    desk.keys("y y y l y r y k y m");
    assert_eq!(
        copied(&desk),
        [
            "12",
            "http://prometheus:9090/graph?g0=x",
            "{alertname=\"HighErrorRate\",service=\"payments-api\",severity=\"s1\"}",
            "https://wiki.example/pay",
            "**12 S1 payments-api**: error rate 38% > 5% for 3m (new since 2026-03-02 03:16:00Z, nobody has it; \
             1 firing, 0 unknown, 0 over) runbook: <https://wiki.example/pay> \
             source: <http://prometheus:9090/graph?g0=x>"
                .replace("3% >", "3% \\>")
                .replace("38% >", "38% \\>")
                .as_str(),
        ]
    );
    assert_eq!(desk.submitted(), []);
    desk.keys(": \"copy_labels\" enter : \"copy\" enter : \"copy_all\" enter");
    assert_eq!(copied(&desk).len(), 7);
    assert!(desk.has("copy what? id, link, labels, md, runbook"), "{}", desk.screen());
}

#[test]
fn what_is_not_there_is_not_copied() {
    let mut desk = Desk::new(picture(rows()));
    assert!(desk.keys("y l").has("not read yet"), "{}", desk.screen());
    let mut desk = looked(&[("runbook_url", "javascript:alert(1)")], "file:///etc/passwd");
    assert!(desk.keys("y l").has("12 has no link over http or https"), "{}", desk.screen());
    assert!(desk.keys("y k").has("12 has no link to a runbook"), "{}", desk.screen());
    assert!(desk.keys("g l").has("12 has no link over http or https"), "{}", desk.screen());
    assert_eq!(copied(&desk), [""; 0]);
}

#[test]
fn a_hostile_text_is_copied_as_it_is_seen_and_on_one_line() {
    let mut desk = Desk::new(picture(vec![incident(1, 1, "a\nb", "x\u{1b}]52;c;eA==\u{7}`id`\r\n$(reboot)", "03:00")]));
    desk.keys("y m");
    let text = copied(&desk).remove(0);
    assert!(text.contains("a␊b") && text.contains("x␛\\]52;c;eA==␇\\`id\\`␍␊\\$\\(reboot\\)"), "{text}");
    assert!(!text.chars().any(char::is_control));
}

#[test]
fn the_last_copy_can_be_shown_and_marked() {
    let mut desk = looked(&[], "http://prometheus:9090/");
    assert!(desk.keys(": \"clip_show\" enter").has("nothing was copied here yet"), "{}", desk.screen());
    desk.keys("y r : \"clip_show\" enter");
    assert!(desk.has("Last copy: labels of 12") && desk.lines()[4].starts_with("{alertname="), "{}", desk.screen());
    assert_eq!(desk.keys("esc").state.mode, Mode::Browse);
    desk.state.clip = Some(Clip::new("long", &"x".repeat(3000)));
    desk.keys(": \"clip\" enter pagedown pagedown pagedown pagedown");
    assert!(desk.lines().iter().any(|line| line.len() == 40), "its end can be reached:\n{}", desk.screen());
}

#[test]
fn a_link_is_opened_by_its_digit_once_its_host_was_seen() {
    let evil = "https://grafana.example@evil.example/x";
    let mut desk =
        looked(&[("runbook_url", evil), ("dashboard", "https://gr\u{430}fana.example/d/1")], "http://p:9090/");
    desk.state.opens_links = true;
    desk.keys("g l");
    insta::assert_snapshot!(desk.screen());
    desk.keys("enter y c 9");
    assert_eq!((opened(&desk), copied(&desk)), (vec![], vec![]), "{}", desk.screen());
    desk.keys("3");
    assert_eq!(opened(&desk), ["http://p:9090/"]);
    assert!(desk.has("opening p:9090 ..."), "{}", desk.screen());
    desk.state.opens_links = false;
    desk.keys("g l 1");
    assert_eq!((opened(&desk).len(), copied(&desk)), (1, vec![evil.to_owned()]));
}

#[test]
fn a_host_is_never_cut_and_what_has_no_room_is_not_opened() {
    let long = format!("https://grafana.example.{}.evil.example/", vec!["a".repeat(50); 4].join("."));
    let mut desk = looked(&[("runbook_url", &long)], "http://p:9090/");
    desk.state.opens_links = true;
    desk.keys("g l");
    let shown: String = desk.lines().iter().map(|line| line.trim()).collect();
    assert!(shown.contains("evil.example"), "{}", desk.screen());
    let mut small = Desk::sized((*desk.state.picture).clone(), 40, 12);
    small.state.opens_links = true;
    small.keys("g l");
    assert!(small.has("more have no room here"), "{}", small.screen());
    small.keys("2 1");
    assert_eq!(opened(&small), [""; 0], "{}", small.screen());
}

#[test]
fn what_became_of_a_copy_is_told_and_its_bytes_are_written() {
    let mut desk = Desk::new(picture(rows()));
    let text = |text| SafeText::line(text, 100);
    let sequence = Sequence::copy("12");
    desk.event(Event::Outward(Report::Emit(sequence.clone())));
    assert!(desk.effects.contains(&Effect::Emit(sequence)));
    assert!(desk.event(Event::Outward(Report::Done(text("sent to x")))).has("sent to x"));
    desk.event(Event::Outward(Report::Failed(text("NOT copied")))).event(Event::Outward(Report::Done(text("sent"))));
    assert!(desk.has("NOT copied"), "bad news stays:\n{}", desk.screen());
}
