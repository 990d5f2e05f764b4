//! The language while somebody types: parse and filter at each key, over 1,000 open incidents of 100 series each; and a search of what is over.
//!
//! Each query is typed from its first character to its last; a text that is none keeps the last good result, as the filter bar does.
//! Beside the index stands the plain way: every series of every incident is asked, until one fits.

use super::Options;
use nightdesk::domain::event::{Alert, End, Event};
use nightdesk::domain::grouping::Group;
use nightdesk::domain::id::{IncidentId, NodeId, Number, SourceName, UserName};
use nightdesk::domain::incident::Incident;
use nightdesk::domain::label::{IdentityRule, LabelLimits, Labels};
use nightdesk::domain::series::Series;
use nightdesk::domain::severity::Severity;
use nightdesk::domain::time::Timestamp;
use nightdesk::query::index::Index;
use nightdesk::query::{Eyes, IncidentSubject, Query, complete};
use nightdesk::store::mirror::Mirror;
use nightdesk::store::{FeedKind, FeedPage, FeedRow};
use std::collections::{BTreeSet, HashSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

const INCIDENTS: usize = 1_000;
const SERIES: usize = 100;
const ROUNDS: usize = 5;
/// Incidents that are over.
const PAST: usize = 100_000;
const PAGE: usize = 1_000;
/// From one that finds enough at once to those that walk through all.
const PAST_QUERIES: [&str; 7] = [
    "payments",
    "payments-7 disk",
    "nothing-says-this",
    "instance=host-17:9100 severity<=2",
    "{cluster=~\"eu-.*\"} owner:nobody-has-this-name",
    "flaps>=1000000 or number=3",
    "age<3h severity<=3",
];

const QUERIES: [&str; 10] = [
    "payments",
    "sev:s1,s2 state:new",
    "{service=\"payments-7\", cluster=~\"eu-.*\"}",
    "severity<=3 -owner:me age<2h",
    "cluster:eu-* not (service:search* or disk)",
    "instance=~\"host-1[0-9]+:9100\"",
    "10.4.77",
    "state:open owner:nobody flaps>=3 pod:*-7f9c4",
    "{namespace!~\"kube-.*\",severity=\"critical\"} or team=storage",
    "\"volume is full\" zone!=b page:hide",
];

/// Prints the tables.
pub fn run(_options: &Options) {
    let night = Night::new();
    let began = Instant::now();
    let mut index = Index::default();
    night.all.iter().for_each(|(incident, series)| index.set(incident.id, series));
    println!(
        "{} series of {INCIDENTS} incidents, {} distinct pairs; the index is made in {} ms",
        index.len(),
        index.pairs(),
        began.elapsed().as_millis()
    );
    again(&mut index, &night);
    let (mut keys, mut parses) = (Vec::new(), Vec::new());
    println!(
        "{:<58} {:>5} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "query", "fit", "p50 ms", "p99 ms", "max ms", "plain ms", "ratio"
    );
    for text in QUERIES {
        let (mut own, mut fits) = (Vec::new(), HashSet::new());
        for _ in 0..ROUNDS {
            for end in 1..=text.len() {
                let began = Instant::now();
                let read = Query::parse(black_box(&text[..end]));
                parses.push(began.elapsed());
                if let Ok(query) = read {
                    fits = index.fits(&query, night.incidents(), &night.eyes());
                }
                own.push(began.elapsed());
            }
        }
        let query = Query::parse(text).expect("a query");
        let began = Instant::now();
        let plain = night.plain(&query);
        let plain_took = began.elapsed();
        assert_eq!(fits, plain, "{text}: the index and the plain way say the same");
        own.sort_unstable();
        let whole = ratio(&index, &night, &query, plain_took);
        println!(
            "{text:<58} {:>5} {:>9.2} {:>9.2} {:>9.2} {:>9.1} {whole:>6.0}x",
            fits.len(),
            ms(at(&own, 50)),
            ms(at(&own, 99)),
            ms(at(&own, 100)),
            ms(plain_took)
        );
        keys.append(&mut own);
    }
    keys.sort_unstable();
    parses.sort_unstable();
    let (p50, p99, max) = (at(&keys, 50), at(&keys, 99), at(&keys, 100));
    println!(
        "a key, parse and fits: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms ({} keys)",
        ms(p50),
        ms(p99),
        ms(max),
        keys.len()
    );
    println!("parse alone: p50 {:.1} us, p99 {:.1} us", ms(at(&parses, 50)) * 1e3, ms(at(&parses, 99)) * 1e3);
    let began = Instant::now();
    let offered = complete("instance=host-1", 15, &index);
    println!(
        "completion of a value among {} series: {:.2} ms, {} offered",
        index.len(),
        ms(began.elapsed()),
        offered.len()
    );
    past();
}

/// Searches what is over in a mirror on the disk, whole: as many as are asked for are found, or all was walked through.
fn past() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let user = UserName::parse("mira").expect("a name");
    let began = Instant::now();
    let path = dir.path().join("mirror.db");
    let mut mirror = Mirror::open(&path, &user, NodeId::from_bytes([1; 16]), at_minute(0)).expect("a mirror");
    let refused = mirror.cursor().expect("a cursor");
    mirror.restart("e", &refused).expect("a history");
    let source = SourceName::parse("prometheus").expect("a name");
    for from in (0..PAST).step_by(PAGE) {
        let mut rows = Vec::new();
        for number in from..from + PAGE {
            let mut one = incident(number);
            one.resolve(at_minute(number as i64 + 12), None);
            let mut of_it = series(&source, number, number % SERIES);
            of_it.incident = Some(one.id);
            let seq = 2 * number as u64 + 1;
            rows.push(FeedRow { seq, kind: FeedKind::Series, body: json(&of_it) });
            rows.push(FeedRow { seq: seq + 1, kind: FeedKind::Incident, body: json(&one) });
        }
        let (after, next) = (2 * from as u64, 2 * (from + PAGE) as u64);
        let page = FeedPage { epoch: "e".into(), after, next, head: 2 * PAST as u64, rows, signatures: None };
        mirror.apply(&page, at_minute(0)).expect("a page");
    }
    let size = std::fs::metadata(&path).map_or(0, |meta| meta.len());
    println!("{PAST} past incidents mirrored in {} ms, {} MiB", began.elapsed().as_millis(), size >> 20);
    println!("{:<58} {:>5} {:>9} {:>9}", "query", "found", "p50 ms", "max ms");
    let eyes = Eyes::nobody(at_minute(PAST as i64));
    for text in PAST_QUERIES {
        let query = Query::parse(text).expect("a query");
        let (mut took, mut found) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            found = mirror.past(&query, &eyes, 500).expect("a search").len();
            took.push(began.elapsed());
        }
        took.sort_unstable();
        println!("{text:<58} {found:>5} {:>9.1} {:>9.1}", ms(at(&took, 50)), ms(at(&took, 100)));
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it can be written")
}

fn at_minute(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000)
}

/// Measures what an update of one incident's series costs.
fn again(index: &mut Index, night: &Night) {
    let began = Instant::now();
    night.all.iter().for_each(|(incident, series)| index.put(incident.id, &series[7]));
    println!("one series put anew: {:.1} us", began.elapsed().as_secs_f64() * 1e6 / INCIDENTS as f64);
    let began = Instant::now();
    night.all.iter().for_each(|(incident, series)| index.set(incident.id, series));
    println!("all series of an incident set anew: {:.1} us", began.elapsed().as_secs_f64() * 1e6 / INCIDENTS as f64);
}

fn ratio(index: &Index, night: &Night, query: &Query, plain: Duration) -> f64 {
    let mut own: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            black_box(index.fits(query, night.incidents(), &night.eyes()));
            began.elapsed()
        })
        .collect();
    own.sort_unstable();
    plain.as_secs_f64() / at(&own, 50).as_secs_f64()
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

struct Night {
    all: Vec<(Incident, Vec<Series>)>,
    mira: UserName,
    on_call: BTreeSet<UserName>,
    calls: HashSet<IncidentId>,
}

impl Night {
    fn new() -> Self {
        let source = SourceName::parse("prometheus").expect("a name");
        let all = (0..INCIDENTS)
            .map(|number| (incident(number), (0..SERIES).map(|nth| series(&source, number, nth)).collect()));
        let mira = UserName::parse("mira").expect("a name");
        Self { all: all.collect(), on_call: BTreeSet::from([mira.clone()]), mira, calls: HashSet::new() }
    }

    fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.all.iter().map(|(incident, _)| incident)
    }

    fn eyes(&self) -> Eyes<'_> {
        let now = Timestamp::from_millis(4 * 3_600_000);
        Eyes { now, me: Some(&self.mira), on_call: &self.on_call, calls: &self.calls }
    }

    fn plain(&self, query: &Query) -> HashSet<IncidentId> {
        let fits = |(incident, series): &&(Incident, Vec<Series>)| {
            series.iter().any(|series| query.matches(&IncidentSubject { incident, series: Some(series) }, &self.eyes()))
        };
        self.all.iter().filter(fits).map(|(incident, _)| incident.id).collect()
    }
}

fn incident(number: usize) -> Incident {
    let summary = ["error rate 38%", "volume is full", "probe is down", "latency is high"][number % 4];
    let group =
        Group { key: number.to_string(), service: format!("payments-{}", number % 40), summary: summary.into() };
    let opened = Timestamp::from_millis(number as i64 * 14_000);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(number as u64).to_le_bytes());
    let mut incident = Incident::open(IncidentId::from_bytes(id), Number(number as u64), group, opened);
    incident.severity = Severity::new((number % 10) as u8).ok();
    incident.owner = number.is_multiple_of(7).then(|| UserName::parse("mira").expect("a name"));
    incident
}

fn series(source: &SourceName, number: usize, nth: usize) -> Series {
    let host = number * SERIES + nth;
    let owned = [
        ("alertname", ["ErrorRate", "VolumeFull", "ProbeDown", "LatencyHigh"][number % 4].to_owned()),
        ("service", format!("payments-{}", number % 40)),
        ("cluster", format!("{}-{}", ["eu", "us", "ap"][nth % 3], number % 9)),
        ("namespace", format!("{}-{}", ["kube", "shop", "bank"][number % 3], number % 50)),
        ("instance", format!("host-{host}:9100")),
        ("address", format!("10.{}.{}.{}", host % 13, host / 13 % 251, host % 251)),
        ("pod", format!("payments-{}-{:x}-7f9c4", number % 40, host * 7919)),
        ("severity", ["critical", "warning", "info"][nth % 3].to_owned()),
        ("zone", ["a", "b", "c"][nth % 3].to_owned()),
        ("team", ["storage", "shop", "bank", "edge"][number % 4].to_owned()),
    ];
    let labels =
        Labels::new(owned.iter().map(|(name, value)| (*name, value.as_str())), &LabelLimits::LABELS).expect("labels");
    let alert =
        Alert { labels, annotations: Labels::default(), starts_at: None, end: End::Open, generator_url: String::new() };
    let event = Event::new(source.clone(), alert, &IdentityRule::default(), Timestamp::from_millis(0));
    let mut series = Series::begin(&event).0;
    series.flaps = (host % 6) as u64;
    series
}
