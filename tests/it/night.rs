//! A night of a cluster before a real hub with the example's rules: a storm is one call, what heals calls nobody, nothing real is missed.

use crate::support::alerting::example;
use crate::support::night::{BEGIN, Cause, Night, Size};
use crate::support::vigil::{Vigil, pass};
use nightdesk::domain::holds::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Small enough for an unoptimized build.
const SMALL: Size = Size { events: 6000, repeat: 4, outage: 20, flapping: 120 };
const SEED: u64 = 20_261_125;
const WINDOW_MS: i64 = 30 * 60_000;
/// The longest pending rule, and a tick.
const LATE_MS: i64 = 5 * 60_000 + 10_000;

fn night() -> &'static (Night, Vigil) {
    static NIGHT: OnceLock<(Night, Vigil)> = OnceLock::new();
    NIGHT.get_or_init(|| {
        let hub = example("hub-rules.toml");
        let night = Night::new(SEED, SMALL, &hub.book);
        let vigil = pass(&night, &hub);
        (night, vigil)
    })
}

#[test]
fn every_message_is_counted_and_the_funnel_narrows() {
    let (night, vigil) = night();
    let counted = &vigil.counted;
    assert_eq!((counted.events as usize, night.words.len()), (SMALL.events, SMALL.events));
    assert_eq!(counted.series as usize, vigil.series);
    assert_eq!(counted.incidents as usize, vigil.hub.incidents().count());
    assert!(
        counted.series > counted.real && counted.real > counted.incidents && counted.incidents > counted.pages,
        "{counted:?}"
    );
}

#[test]
fn a_dead_switch_is_one_incident_that_is_paged_once() {
    let (night, vigil) = night();
    let series =
        night.burns.iter().filter(|burn| burn.cause == Cause::Switch).map(|burn| &burn.labels).collect::<Vec<_>>();
    assert_eq!(series.len(), 400);
    let incidents: Vec<_> = vigil.of(night, Cause::Switch).into_iter().collect();
    let [incident] = incidents[..] else { panic!("{} incidents", incidents.len()) };
    assert_eq!(vigil.incident(incident).expect("it is there").tally.total(), 400);
    assert_eq!(vigil.calls(incident).len(), 1, "{:#?}", vigil.calls(incident));
}

#[test]
fn what_had_its_place_behind_the_switch_is_seen_and_calls_nobody() {
    let (night, vigil) = night();
    for service in 0..8 {
        let incidents = vigil.of(night, Cause::Behind(service));
        assert_eq!(incidents.len(), 1);
        let incident = vigil.incident(*incidents.first().expect("one")).expect("it is there");
        assert_eq!(vigil.calls(incident.id).len(), 0, "{}", incident.summary);
        assert_eq!(incident.plan, Plan::Page, "only the switch held {} back", incident.summary);
    }
}

#[test]
fn a_flapping_probe_pages_at_most_once_in_each_window() {
    let (night, vigil) = night();
    let mut paged = 0;
    for probe in 0..10 {
        let mut windows: BTreeMap<i64, usize> = BTreeMap::new();
        for incident in vigil.of(night, Cause::Probe(probe)) {
            for page in vigil.calls(incident) {
                *windows.entry((page.queued_at.as_millis() - BEGIN) / WINDOW_MS).or_default() += 1;
            }
        }
        paged += windows.len();
        assert!(windows.values().all(|pages| *pages == 1), "probe {probe}: {windows:?}");
    }
    assert!(paged >= 8, "probes that are away for minutes are told: {paged}");
}

#[test]
fn pods_that_heal_themselves_are_never_paged() {
    let (night, vigil) = night();
    for pod in 0..20 {
        assert_eq!(vigil.of(night, Cause::Pod(pod)), BTreeSet::new(), "what never was real is no incident");
    }
}

#[test]
fn nothing_real_is_missed() {
    let (night, vigil) = night();
    let mut seen = BTreeSet::new();
    for fault in 0..12 {
        let incidents = vigil.of(night, Cause::Fault(fault));
        assert_eq!(incidents.len(), 1, "fault {fault}");
        let incident = *incidents.first().expect("one");
        let summary = vigil.incident(incident).map(|one| one.summary);
        let calls = vigil.calls(incident);
        let first = calls.first().unwrap_or_else(|| panic!("fault {fault} called nobody: {summary:?}"));
        let began = night.burns.iter().find(|burn| burn.cause == Cause::Fault(fault)).expect("it burned").from;
        let late = first.queued_at.as_millis() - began;
        assert!((0..=LATE_MS).contains(&late), "fault {fault} was told after {late} ms: {summary:?}");
        assert!(seen.insert(incident), "each fault is its own problem");
    }
}

#[test]
fn what_only_smoulders_calls_nobody_at_night() {
    let (night, vigil) = night();
    let real = |cause: &Cause| !matches!(cause, Cause::Noise);
    let causes: BTreeSet<Cause> = night.burns.iter().map(|burn| burn.cause).filter(real).collect();
    let told: BTreeSet<_> = causes.into_iter().flat_map(|cause| vigil.of(night, cause)).collect();
    let noise: Vec<_> = vigil.of(night, Cause::Noise).into_iter().filter(|incident| !told.contains(incident)).collect();
    assert!(noise.len() > 50, "{} incidents of noise", noise.len());
    for incident in noise {
        assert_eq!(vigil.calls(incident).len(), 0, "{:?}", vigil.incident(incident).map(|one| one.summary));
    }
}
