//! What a shift is made of: people, calls, offers and letters.

use super::*;
use crate::domain::id::OpId;
use crate::domain::incident::Offer;
use crate::domain::judge::{Newer, Refusal, Verdict};
use crate::domain::op::Kind;
use crate::domain::paging::{Callee, Level, Page, PageId, PageState, Paging, Shift, Step};
use crate::sync::foresight::{Known, Undoable};
use crate::sync::picture::{Letter, LetterId, Matter};

pub(super) fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

pub(super) fn op(number: u8) -> OpId {
    OpId::from_bytes([number; 16])
}

/// Three people; lena is on call until 06:00, jonas from then on; level 2 calls jonas.
pub(super) fn known() -> Arc<Known> {
    let shift = |person, from, to| Shift { person: user(person), from: at(from), to: at(to) };
    let within = Duration::from_secs(600);
    let level = |callee| Level { call: vec![callee], within };
    let paging = Paging {
        levels: vec![level(Callee::OnCall), level(Callee::Person(user("jonas")))],
        on_call: vec![shift("mira", "00:00", "06:00"), shift("jonas", "06:00", "12:00")],
        ..Paging::default()
    };
    Arc::new(Known { paging: Some(paging), people: ["jonas", "lena", "mira"].map(user).into() })
}

/// The usual rows, with the first level of each called and the next due at 03:26.
pub(super) fn called() -> Picture {
    let mut picture = picture(rows());
    for row in Arc::make_mut(&mut picture.rows) {
        let incident = row.incident_mut();
        (incident.level, incident.step_due_at) = (1, at("03:26"));
    }
    picture.known = known();
    picture
}

/// Returns pages as a picture has them.
pub(super) fn calls(pages: impl IntoIterator<Item = Page>) -> Arc<Vec<Arc<Page>>> {
    Arc::new(pages.into_iter().map(Arc::new).collect())
}

pub(super) fn page(number: u64, step: Step) -> Page {
    Page {
        id: PageId([number as u8; 16]),
        incident: id(number),
        fire_no: 1,
        step,
        round: 0,
        person: user("mira"),
        channel: "console".into(),
        link: 0,
        must: false,
        why: String::new(),
        state: PageState::Sent,
        queued_at: at("03:16"),
        not_before: at("03:16"),
        attempts: 1,
        lease_no: 1,
        lease_until: None,
        delivered_at: None,
        seen_at: None,
        acknowledged_at: None,
        closed: None,
    }
}

#[track_caller]
pub(super) fn check_called(keys: &str, expect: &[(u64, Act)]) {
    let mut desk = Desk::new(called());
    desk.keys(keys);
    let expect: Vec<_> = expect.iter().map(|(number, act)| (id(*number), act.clone())).collect();
    assert_eq!(desk.submitted(), expect, "{}", desk.screen());
}

/// The time that a test's keys, each 100 ms, have come to.
pub(super) fn in_minutes(minutes: u64, keys: u64) -> Timestamp {
    night().plus(Duration::from_secs(minutes * 60)).plus(Duration::from_millis(keys * 100))
}

pub(super) fn undoable(number: u64, kind: Kind, clock: &str) -> Undoable {
    Undoable {
        op: op(9),
        kind,
        incident: id(number),
        created_at: at(clock),
        refused: None,
        call: Some("escalation at 03:26Z".into()),
        call_at: Some(at("03:26")),
    }
}

pub(super) fn offered() -> Picture {
    let mut picture = called();
    for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number == Number(10)) {
        row.incident_mut().offer = Some(Offer { op: op(3), to: user("mira"), expires_at: at("03:40") });
    }
    picture
}

pub(super) fn letter(number: u8, incident: u64, act: Act, verdict: Verdict) -> Letter {
    let matter = Matter::Answer { act, verdict };
    Letter {
        id: LetterId::Answer(op(number)),
        incident: id(incident),
        number: Some(Number(incident)),
        at: at("03:12"),
        matter,
    }
}

pub(super) fn lost(no: u64, incident: u64, owner: Option<&str>) -> Letter {
    let matter = Matter::Lost { owner: owner.map(user), why: "jonas took it over from mira".into() };
    Letter { id: LetterId::Loss(no), incident: id(incident), number: Some(Number(incident)), at: at("03:13"), matter }
}

pub(super) fn letters() -> Vec<Letter> {
    let resolved = Verdict::Superseded { by: Newer::Resolved { successor: Some(id(12)) } };
    let firing = Verdict::Refused { because: Refusal::StillFiring { firing: 3 } };
    let changed = Verdict::Superseded { by: Newer::Changed };
    vec![
        letter(1, 7, Act::Ack, resolved),
        letter(2, 11, Act::Resolve { force: false }, firing),
        letter(3, 11, Act::Resolve { force: true }, changed),
        lost(4, 10, Some("jonas")),
        lost(5, 9, None),
    ]
}

pub(super) fn rings(desk: &Desk) -> usize {
    desk.effects.iter().filter(|effect| **effect == Effect::Bell).count()
}

pub(super) fn presented(desk: &Desk) -> Vec<Effect> {
    desk.effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Present { .. }))).cloned().collect()
}

/// So many series of one alert on as many hosts of two racks.
pub(super) fn many(count: u64) -> Arc<Detail> {
    let series = (0..count).map(|number| {
        let instance = format!("node-{number:04}:9100");
        let rack = format!("r{}", number % 2);
        let labels = [("alertname", "InstanceDown"), ("cluster", "eu-1"), ("instance", &instance), ("rack", &rack)];
        let end = if number % 3 == 1 { Some(("03:02", "03:10")) } else { None };
        series_of(&labels, "02:50", end)
    });
    Arc::new(Detail { series: series.collect(), ..(*detail(12)).clone() })
}

/// A series that fires from then on, or in a second stretch until then.
pub(super) fn series_of(labels: &[(&str, &str)], from: &str, end: Option<(&str, &str)>) -> Series {
    let alert = |starts: &str, end| Alert {
        labels: Labels::new(labels.iter().copied(), &LabelLimits::LABELS).unwrap(),
        annotations: Labels::new([("summary", "does not answer")], &LabelLimits::ANNOTATIONS).unwrap(),
        starts_at: Some(at(starts)),
        end,
        generator_url: String::new(),
    };
    let event = |starts: &str, end, clock: &str| {
        let source = SourceName::parse("prometheus").unwrap();
        AlertEvent::new(source, alert(starts, end), &IdentityRule::default(), at(clock))
    };
    let (mut series, _) = Series::begin(&event(from, End::Open, from));
    if let Some((ended, again)) = end {
        series.fold(&event(from, End::Ended(at(ended)), ended));
        series.fold(&event(again, End::Open, again));
        series.fold(&event(again, End::Ended(at("03:12")), "03:12"));
    }
    series
}

pub(super) fn with(detail: Arc<Detail>, width: u16, height: u16) -> Desk {
    let mut desk = Desk::sized(called(), width, height);
    desk.change(|picture| picture.detail = Some(detail));
    desk
}
