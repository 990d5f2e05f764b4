//! A night of a cluster, made up from a seed and the alert rules of the corpus: who burns from when to when, and what its source says of it.

use super::alerting::{self, AlertRule};
use super::random::Random;
use nightdesk::domain::event::{Alert, End, Event};
use nightdesk::domain::holds::Plan;
use nightdesk::domain::id::SourceName;
use nightdesk::domain::label::{IdentityRule, Labels};
use nightdesk::domain::time::Timestamp;
use nightdesk::rules::{Rulebook, Said};
use std::collections::{BTreeMap, BTreeSet};

/// When it begins: a Wednesday's midnight, UTC.
pub const BEGIN: i64 = 1_795_564_800_000;
/// How long sources speak.
pub const HOURS: i64 = 5;
/// Who speaks.
pub const SOURCE: &str = "prometheus-eu";

const MINUTE: i64 = 60_000;
/// Hosts of the rack whose switch fails, and ports of the switch.
const HOSTS: usize = 25;
const PORTS: usize = 24;
/// What is said of each host that does not answer.
const UNREACHABLE: [&str; 15] = [
    "KubeNodeNotReady",
    "KubeNodeUnreachable",
    "KubeletInstanceUnreachable",
    "KubeletDown",
    "KubeProxyInstanceUnreachable",
    "KubernetesNodeNotReady",
    "KubernetesNodeNetworkUnavailable",
    "NodeExporterDown",
    "NodePingPacketLoss",
    "CiliumAgentUnreachableNodes",
    "CiliumAgentUnreachableHealthEndpoints",
    "PrometheusTargetMissing",
    "BlackboxProbeFailed",
    "BlackboxProbeSlowPing",
    "PveNodeDown",
];
/// What else fails because hosts of the rack are away.
const BEHIND: [&str; 8] = [
    "PostgresqlDown",
    "RedisDown",
    "MemcachedDown",
    "MongodbDown",
    "RabbitmqNodeDown",
    "MinioNodeDiskOffline",
    "ElasticsearchHealthyNodes",
    "CephOsdDown",
];
const PROBES: usize = 10;
const PODS: usize = 20;
/// Rules that always burn somewhere, and hosts on which they do.
const NOISY_RULES: u64 = 90;
const NOISY_HOSTS: u64 = 40;
/// Real faults, each of its own.
const FAULTS: usize = 12;

/// How large a night is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Messages in all, exactly.
    pub events: usize,
    /// Minutes between two messages of what burns.
    pub repeat: i64,
    /// Minutes that the switch is away.
    pub outage: i64,
    /// Minutes that the probes flap.
    pub flapping: i64,
}

/// Why something burns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A switch is dead: it, its ports, and every host behind it.
    Switch,
    /// A service had its place behind that switch.
    Behind(usize),
    /// A probe that flaps.
    Probe(usize),
    /// A pod that heals itself.
    Pod(usize),
    /// A fault that a person must see.
    Fault(usize),
    /// What always burns somewhere.
    Noise,
}

/// One stretch of burning of one series.
#[derive(Debug, Clone)]
pub struct Burn {
    /// Why.
    pub cause: Cause,
    /// Who it is.
    pub labels: Labels,
    /// In which words.
    pub annotations: Labels,
    /// From.
    pub from: i64,
    /// Until.
    pub to: i64,
}

/// What a source says at a time: of which burn, and whether it is over.
pub type Word = (i64, usize, bool);

/// The night.
pub struct Night {
    /// How large it is.
    pub size: Size,
    /// What burns.
    pub burns: Vec<Burn>,
    /// Every message, in the order of time.
    pub words: Vec<Word>,
}

struct Maker<'b> {
    size: Size,
    random: Random,
    book: &'b Rulebook,
    rules: Vec<AlertRule>,
    burns: Vec<Burn>,
    said: usize,
}

impl Night {
    /// Makes it; the same seed, size and rules give the same night.
    ///
    /// # Panics
    /// When the named part alone is more than the size allows.
    pub fn new(seed: u64, size: Size, book: &Rulebook) -> Self {
        let rules = alerting::rules();
        let mut maker = Maker { size, random: Random::seeded(seed), book, rules, burns: Vec::new(), said: 0 };
        maker.switch();
        maker.probes();
        maker.pods();
        maker.faults();
        assert!(maker.said < size.events, "{} messages of named causes", maker.said);
        maker.noise();
        let Maker { burns, .. } = maker;
        let mut words: Vec<Word> =
            burns.iter().enumerate().flat_map(|(place, burn)| words_of(place, burn, size)).collect();
        words.sort_unstable();
        // The last noise is more than was wanted; what is left out of it is the end of it.
        let over = words.len() - size.events;
        let last = burns.len() - 1;
        let mut left = over;
        while let Some(place) = (left > 0).then(|| words.iter().rposition(|word| word.1 == last)).flatten() {
            words.remove(place);
            left -= 1;
        }
        Self { size, burns, words }
    }

    /// Returns a message as the hub takes it.
    pub fn event(&self, word: Word, now: Timestamp) -> Event {
        let (at, place, over) = word;
        let burn = &self.burns[place];
        let holds = std::time::Duration::from_millis((4 * self.size.repeat * MINUTE) as u64);
        let alert = Alert {
            labels: burn.labels.clone(),
            annotations: burn.annotations.clone(),
            starts_at: Some(Timestamp::from_millis(burn.from)),
            end: if over { End::Ended(Timestamp::from_millis(at)) } else { End::Until(now.plus(holds)) },
            generator_url: String::new(),
        };
        Event::new(source(), alert, &IdentityRule::default(), now)
    }
}

/// Returns the name of who speaks.
pub fn source() -> SourceName {
    SourceName::parse(SOURCE).expect("it is a name")
}

fn words_of(place: usize, burn: &Burn, size: Size) -> impl Iterator<Item = Word> + use<> {
    let (from, to) = (burn.from, burn.to);
    let step = usize::try_from(size.repeat * MINUTE).expect("it is positive");
    (from..to).step_by(step).map(move |at| (at, place, false)).chain([(to, place, true)])
}

impl Maker<'_> {
    /// Returns a time from `a` to `b` seconds.
    fn seconds(&mut self, a: u64, b: u64) -> i64 {
        ((a + self.random.below(b - a)) * 1000) as i64
    }

    fn rule(&self, name: &str) -> AlertRule {
        let named = |rule: &&AlertRule| rule.name == name && !["warning", "info"].contains(&rule.severity());
        let rule = self.rules.iter().find(named).or_else(|| self.rules.iter().find(|rule| rule.name == name));
        rule.unwrap_or_else(|| panic!("the corpus has a rule {name}")).clone()
    }

    fn burn(&mut self, cause: Cause, rule: &AlertRule, more: &[(&str, &str)], from: i64, to: i64) {
        let (labels, annotations) = rule.series(0, more);
        let burn = Burn { cause, labels, annotations, from, to };
        self.said += words_of(0, &burn, self.size).count();
        self.burns.push(burn);
    }

    /// The switch of rack r4, its 24 ports, 25 hosts behind it with 15 alerts each, and services that had their place there.
    fn switch(&mut self) {
        let down = BEGIN + 70 * MINUTE;
        let up = down + self.size.outage * MINUTE;
        let rack = ("rack", "r4");
        for port in 0..=PORTS {
            let (name, port) = if port == PORTS {
                ("SnmpTargetDown", String::new())
            } else {
                ("SNMPInterfaceDown", format!("ge-0/0/{port}"))
            };
            let (rule, late) = (self.rule(name), self.seconds(20, 90));
            self.burn(
                Cause::Switch,
                &rule,
                &[rack, ("instance", "sw4"), ("job", "snmp"), ("ifName", &port)],
                down + late,
                up + late,
            );
        }
        for host in 0..HOSTS {
            let node = format!("node-r4-{host:02}");
            for name in UNREACHABLE {
                let (rule, late) = (self.rule(name), self.seconds(20, 120));
                self.burn(Cause::Switch, &rule, &[rack, ("instance", &node), ("node", &node)], down + late, up + late);
            }
        }
        for (place, name) in BEHIND.iter().enumerate() {
            let (rule, late, node) = (self.rule(name), self.seconds(240, 480), format!("node-r4-{place:02}"));
            self.burn(Cause::Behind(place), &rule, &[rack, ("instance", &node)], down + late, up + late.min(120_000));
        }
    }

    fn probes(&mut self) {
        let rule = self.rule("BlackboxProbeFailed");
        for probe in 0..PROBES {
            let target = format!("https://shop-{probe}.example/health");
            let mut at = BEGIN + self.seconds(600, 1800);
            let end = at + self.size.flapping * MINUTE;
            while at < end {
                let (on, off) = (self.seconds(20, 240), self.seconds(20, 180));
                self.burn(Cause::Probe(probe), &rule, &[("instance", &target), ("job", "blackbox")], at, at + on);
                at += on + off;
            }
        }
    }

    /// Each says three times in the night that it is not well, and is before anybody could look.
    fn pods(&mut self) {
        let rules =
            ["KubernetesPodNotHealthy", "KubePodNotReady", "KubernetesPodCrashLooping"].map(|name| self.rule(name));
        for pod in 0..PODS {
            let name = format!("worker-7d9f8b6c5-{pod:05x}");
            for turn in 0..3 {
                let from = BEGIN + turn * 80 * MINUTE + self.seconds(0, 2400);
                let to = from + self.seconds(40, 270);
                self.burn(Cause::Pod(pod), &rules[pod % 3], &[("namespace", "jobs"), ("pod", &name)], from, to);
            }
        }
    }

    fn decided(&self, labels: &Labels, annotations: &Labels) -> nightdesk::rules::Decision {
        self.book.decide(Said { source: &source(), labels, annotations })
    }

    /// Faults of critical rules of the corpus, no two of one problem.
    fn faults(&mut self) {
        let critical: Vec<AlertRule> =
            self.rules.iter().filter(|rule| rule.severity() == "critical" && !rule.is_watchdog()).cloned().collect();
        let named: BTreeSet<&str> = UNREACHABLE.iter().chain(&BEHIND).copied().collect();
        let groups = self.burns.iter().map(|burn| self.decided(&burn.labels, &burn.annotations).group.key);
        let mut groups: BTreeSet<String> = groups.collect();
        let mut fault = 0;
        while fault < FAULTS {
            let rule = &critical[self.random.below(critical.len() as u64) as usize];
            let (namespace, host) = (format!("fault-{fault}"), format!("db-{fault}"));
            let more = [("namespace", namespace.as_str()), ("instance", host.as_str()), ("node", host.as_str())];
            let (labels, annotations) = rule.series(0, &more);
            let key = self.decided(&labels, &annotations).group.key;
            if named.contains(rule.name.as_str()) || !groups.insert(key) {
                continue;
            }
            let from = BEGIN + self.seconds(600, 10_000);
            let to = from + self.seconds(1500, 6000);
            self.burn(Cause::Fault(fault), rule, &more, from, to);
            fault += 1;
        }
    }

    /// Warnings and information of the corpus that call nobody at night: some rules, again and again, on other hosts.
    fn noise(&mut self) {
        let is_noise = |rule: &&AlertRule| {
            let (labels, annotations) = rule.series(0, &[]);
            ["warning", "info"].contains(&rule.severity()) && self.decided(&labels, &annotations).plan != Plan::Page
        };
        let all: Vec<AlertRule> = self.rules.iter().filter(is_noise).cloned().collect();
        let some: Vec<AlertRule> =
            (0..NOISY_RULES).map(|_| all[self.random.below(all.len() as u64) as usize].clone()).collect();
        let end = BEGIN + HOURS * 60 * MINUTE;
        // Until when each of them burns: one series cannot burn twice at once.
        let mut busy: BTreeMap<String, i64> = BTreeMap::new();
        while self.said < self.size.events {
            let rule = &some[self.random.below(NOISY_RULES) as usize];
            let host = self.random.below(NOISY_HOSTS);
            let (namespace, host) = (format!("team-{}", host % 6), format!("node-r{}-{host:02}", host % 3));
            let more = [("namespace", namespace.as_str()), ("instance", host.as_str()), ("node", host.as_str())];
            let key = format!("{:?}", rule.series(0, &more).0);
            let from = busy.get(&key).copied().unwrap_or(BEGIN) + self.seconds(120, 7200);
            // Mostly short, some for hours.
            let long = 1 + self.random.below(30) as i64 * i64::from(self.random.below(4) == 0);
            let to = (from + self.seconds(60, 600) * long).min(end);
            if from < to {
                busy.insert(key, to);
                self.burn(Cause::Noise, rule, &more, from, to);
            }
        }
    }
}
