//! What is silenced stands on the screen like everything else, and says so.

use super::*;
use crate::domain::incident::Silenced;
use crate::tui::topic::Topic;

fn silenced_one() -> Picture {
    let mut picture = picture(rows());
    for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number.0 == 12) {
        let silenced = Silenced { until: at("04:00"), by: vec!["s".into()], who: "ben".into(), upstream: None };
        row.incident_mut().silence(Some(silenced), at("03:17"));
    }
    picture
}

#[test]
fn a_silenced_incident_is_shown_marked_and_counted() {
    let desk = Desk::new(silenced_one());
    assert!(desk.has("[silenced to 04:00Z] error"), "{}", desk.screen());
    assert!(desk.has("1 silenced"), "{}", desk.screen());
    assert_eq!(desk.state.order.len(), 6, "nothing is hidden by it");
    assert!(!Desk::new(picture(rows())).has("silenced"));
}

#[test]
fn its_detail_says_until_when_and_by_whom() {
    let mut picture = silenced_one();
    picture.detail = Some(detail(12));
    let mut desk = Desk::new(picture);
    desk.keys("enter");
    assert!(desk.has("silenced until"), "{}", desk.screen());
    assert!(desk.has("by ben: calls nobody"), "{}", desk.screen());
    assert!(!desk.has("the first call at"), "{}", desk.screen());
}

#[test]
fn a_silence_is_asked_for_with_what_it_fits_and_made_by_the_hub() {
    let mut index = crate::query::index::Index::default();
    index.set(id(12), &[series(1)]);
    let picture = Picture { labels: Arc::new(index).into(), detail: Some(detail(12)), ..picture(rows()) };
    let mut desk = Desk::new(picture);
    // The command line opens with what the series have in common.
    desk.keys(": \"silence\" enter");
    assert!(desk.has("severity=\"s1\"} 2h"), "{}", desk.screen());
    desk.keys("ctrl-u \"silence_{alertname=HighErrorRate}_2h_disk_swap\" enter");
    insta::assert_snapshot!(desk.screen());
    let asks = |desk: &Desk| desk.effects.iter().any(|effect| matches!(effect, Effect::Read(Topic::Silence, _)));
    assert!(!asks(&desk), "nothing is done before the answer");
    desk.keys("y");
    assert!(asks(&desk));
}

#[test]
fn what_no_silence_can_be_is_said_and_nothing_is_asked() {
    for (words, says) in [
        ("{alertname=HighErrorRate}", "nothing was silenced; write silence"),
        ("{alertname=HighErrorRate} 2h", "say why"),
        ("severity<=3 2h because", "label matchers only"),
        ("{alertname=~\"High.*\"} 2h because", "at least one label that is equal"),
    ] {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(":").event(Event::Paste(format!("silence {words}"))).wait(1000).keys("enter");
        assert!(desk.has(says) && desk.state.mode == Mode::Browse, "{words}\n{}", desk.screen());
    }
    let mut desk = Desk::new(Picture { link: Link::Stale { since: at("03:00") }, ..picture(rows()) });
    desk.keys(": \"silence_{a=b}_2h_x\" enter");
    assert!(desk.has("only a hub silences"), "{}", desk.screen());
}
