//! What is silenced stands on the screen like everything else, and says so.

use super::*;
use crate::domain::incident::Silenced;

fn silenced_one() -> Picture {
    let mut picture = picture(rows());
    for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number.0 == 12) {
        let silenced = Silenced { until: at("04:00"), by: vec!["s".into()], who: "ben".into(), upstream: None };
        row.incident.silence(Some(silenced), at("03:17"));
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
