//! A night of a cluster, 100,000 messages from a fixed seed, before the hub's real store with `examples/hub-rules.toml`: what comes out,
//! and why each page was one. Nothing is timed.

use super::Options;
use super::support::alerting::example;
use super::support::night::{Cause, Night, SOURCE, Size};
use super::support::vigil::{Vigil, pass};
use nightdesk::domain::id::IncidentId;
use nightdesk::domain::incident::Incident;
use nightdesk::domain::paging::{Page, Step};
use std::collections::{BTreeMap, BTreeSet};

const SIZE: Size = Size { events: 100_000, repeat: 1, outage: 40, flapping: 260 };
const SEED: u64 = 20_261_125;

/// Prints the night.
pub fn run(_options: &Options) {
    let hub = example("hub-rules.toml");
    let night = Night::new(SEED, SIZE, &hub.book);
    let vigil = pass(&night, &hub);
    funnel(&night, &vigil);
    causes(&night, &vigil);
    pages(&night, &vigil);
}

fn funnel(night: &Night, vigil: &Vigil) {
    let counted = &vigil.counted;
    let sent = vigil.sent();
    let calls = sent.iter().filter(|page| is_call(page)).count();
    println!("seed {SEED}, {} stretches of burning, five hours from midnight UTC", night.burns.len());
    println!(
        "events {}, series {}, real {}, incidents {}, pages {} ({calls} calls, {} reminders to who has it)",
        counted.events,
        counted.series,
        counted.real,
        counted.incidents,
        sent.len(),
        sent.len() - calls
    );
}

fn is_call(page: &Page) -> bool {
    matches!(page.step, Step::Level(_) | Step::Raised(_))
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Switch => "the switch",
        Cause::Behind(_) => "services behind it",
        Cause::Probe(_) => "flapping probes",
        Cause::Pod(_) => "pods that heal themselves",
        Cause::Fault(_) => "other faults",
        Cause::Noise => "noise",
    }
}

fn causes(night: &Night, vigil: &Vigil) {
    println!("\n{:<28} {:>9} {:>7} {:>9} {:>6} {:>6}", "cause", "stretches", "series", "incidents", "held", "calls");
    let causes: BTreeSet<Cause> = night.burns.iter().map(|burn| burn.cause).collect();
    let mut words: BTreeMap<&str, Vec<Cause>> = BTreeMap::new();
    causes.into_iter().for_each(|cause| words.entry(word(cause)).or_default().push(cause));
    for (word, causes) in words {
        let burns: Vec<_> = night.burns.iter().filter(|burn| causes.contains(&burn.cause)).collect();
        let series: BTreeSet<String> = burns.iter().map(|burn| format!("{:?}", burn.labels)).collect();
        let incidents: BTreeSet<IncidentId> = causes.iter().flat_map(|cause| vigil.of(night, *cause)).collect();
        let held = incidents.iter().filter(|id| vigil.was_held(**id)).count();
        let calls: usize = incidents.iter().map(|id| vigil.calls(*id).len()).sum();
        println!("{word:<28} {:>9} {:>7} {:>9} {held:>6} {calls:>6}", burns.len(), series.len(), incidents.len());
    }
}

fn pages(night: &Night, vigil: &Vigil) {
    let mut of: BTreeMap<IncidentId, BTreeSet<&str>> = BTreeMap::new();
    for (burn, incidents) in night.burns.iter().zip(&vigil.incidents) {
        for id in incidents {
            of.entry(*id).or_default().insert(word(burn.cause));
        }
    }
    println!("\ncalls, each with its way");
    for page in vigil.sent().iter().filter(|page| is_call(page)) {
        let Some(incident) = vigil.incident(page.incident) else { continue };
        let because: Vec<&str> = of.get(&page.incident).into_iter().flatten().copied().collect();
        println!(
            "{} {} to {}: {} [{}]",
            page.queued_at.hour_minute(),
            incident.number,
            page.person,
            incident.summary,
            because.join(", ")
        );
        println!("    {}", level(page, &incident));
        for way in &incident.course.ways {
            println!("    {}: {} -> {}", way.part, way.by, way.made);
        }
    }
}

/// From where, how bad, and which step of the policy.
fn level(page: &Page, incident: &Incident) -> String {
    let severity = incident.severity.map_or("unexamined".to_owned(), |severity| severity.to_string());
    let level = match page.step {
        Step::Level(level) => format!("level {} of policy {}", level + 1, incident.course.policy()),
        _ => page.why.clone(),
    };
    format!("source {SOURCE}, {severity}, {} series, {level}", incident.tally.total())
}
