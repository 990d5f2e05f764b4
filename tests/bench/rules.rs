//! All alert rules of the corpus through the default rules and through `examples/hub-rules.toml`: what becomes of them. Nothing is timed.

use super::Options;
use super::support::alerting::{AlertRule, Judged, example, judge, rules};
use nightdesk::config;
use nightdesk::domain::holds::Plan;
use nightdesk::domain::severity::Severity;
use std::collections::{BTreeMap, BTreeSet};

/// Instances that each alert fires for.
const INSTANCES: usize = 3;
/// Lines of the sample.
const SAMPLE: usize = 25;

/// Prints the tables.
pub fn run(_options: &Options) {
    let rules = rules();
    let (default, example) = (config::Hub::default(), example("hub-rules.toml"));
    println!("{} alert rules, each firing for {INSTANCES} instances: {} series", rules.len(), rules.len() * INSTANCES);
    let plain = judge(&default.book, &rules, INSTANCES);
    let shaped = judge(&example.book, &rules, INSTANCES);
    severities(&plain, &shaped);
    calls(&default, &plain, &example, &shaped);
    teams(&shaped);
    groups(&rules, &shaped);
    sample(&rules, &shaped);
}

fn counted<K: Ord>(all: &[Judged], key: impl Fn(&Judged) -> K) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    all.iter().for_each(|one| *counts.entry(key(one)).or_default() += 1);
    counts
}

fn severities(plain: &[Judged], shaped: &[Judged]) {
    println!("\nseverity      default  example   (alert rules)");
    let (plain, shaped) = (counted(plain, Judged::severity), counted(shaped, Judged::severity));
    let words: BTreeSet<&String> = plain.keys().chain(shaped.keys()).collect();
    for word in words {
        let count = |of: &BTreeMap<String, usize>| of.get(word).copied().unwrap_or_default() / INSTANCES;
        println!("{word:<12} {:>8} {:>8}", count(&plain), count(&shaped));
    }
}

fn incidents(all: &[Judged]) -> usize {
    all.iter().map(|one| one.decision.group.key.as_str()).collect::<BTreeSet<_>>().len()
}

/// Incidents, and those of them that call: at any hour, and in working hours.
fn calls(default: &config::Hub, plain: &[Judged], example: &config::Hub, shaped: &[Judged]) {
    println!("\n                 default  example");
    let print = |what: &str, of: &dyn Fn(&[Judged], Severity) -> usize| {
        println!("{what:<16} {:>7} {:>8}", of(plain, default.paging.down_to), of(shaped, example.paging.down_to));
    };
    let that_call = |all: &[Judged], down_to, plan: Option<Plan>| {
        let fits = |one: &&Judged| one.calls(down_to) && plan.is_none_or(|plan| one.decision.plan == plan);
        all.iter().filter(fits).map(|one| one.decision.group.key.clone()).collect::<BTreeSet<_>>()
    };
    print("series", &|all, _| all.len());
    print("incidents", &|all, _| incidents(all));
    print("that page", &|all, down_to| that_call(all, down_to, Some(Plan::Page)).len());
    print("that batch", &|all, down_to| {
        let pages = that_call(all, down_to, Some(Plan::Page));
        that_call(all, down_to, Some(Plan::Batch)).difference(&pages).count()
    });
    print("that call nobody", &|all, down_to| incidents(all) - that_call(all, down_to, None).len());
    print("wait to be real", &|all, _| all.iter().filter(|one| !one.decision.pending.is_zero()).count() / INSTANCES);
    print("are facts", &|all, _| all.iter().filter(|one| one.decision.instant).count() / INSTANCES);
}

fn teams(shaped: &[Judged]) {
    println!("\nteam (example)   rules  page  batch  keep   policy");
    let teams: BTreeSet<&str> = shaped.iter().map(|one| one.decision.course.team()).collect();
    for team in teams {
        let all: Vec<Judged> = shaped.iter().filter(|one| one.decision.course.team() == team).cloned().collect();
        let plans = counted(&all, |one| one.decision.plan);
        let of = |plan| plans.get(&plan).copied().unwrap_or_default() / INSTANCES;
        let policies: BTreeSet<&str> = all.iter().map(|one| one.decision.course.policy()).collect();
        let policies: Vec<&str> = policies.into_iter().collect();
        println!(
            "{team:<16} {:>5} {:>5} {:>6} {:>5}   {}",
            all.len() / INSTANCES,
            of(Plan::Page),
            of(Plan::Batch),
            of(Plan::Keep),
            policies.join(", ")
        );
    }
}

/// The groups of most series: where an SRE would ask whether that is one problem.
fn groups(rules: &[AlertRule], shaped: &[Judged]) {
    println!("\nlargest incidents (example)                                  series  alerts  such as");
    let mut groups: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    shaped.iter().for_each(|one| groups.entry(one.decision.group.key.as_str()).or_default().push(one));
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|all| std::cmp::Reverse(all.len()));
    for all in groups.iter().take(12) {
        let names: BTreeSet<&str> = all.iter().map(|one| rules[one.rule].name.as_str()).collect();
        let such: Vec<&str> = names.iter().step_by(names.len().div_ceil(3).max(1)).take(3).copied().collect();
        let title: String = all[0].decision.group.summary.chars().take(58).collect();
        println!("{title:<60} {:>6} {:>7}  {}", all.len(), names.len(), such.join(", "));
    }
}

fn sample(rules: &[AlertRule], shaped: &[Judged]) {
    println!("\n{:<40} {:<9} {:<10} {:<11} {:<6} group", "alert (example)", "label", "severity", "team", "plan");
    let step = rules.len() / SAMPLE;
    for one in shaped.iter().step_by(INSTANCES).skip(step / 2).step_by(step).take(SAMPLE) {
        let (rule, decision) = (&rules[one.rule], &one.decision);
        let label = if rule.severity().is_empty() { "-" } else { rule.severity() };
        let name: String = rule.name.chars().take(39).collect();
        let group = decision.course.ways.iter().find(|way| way.part == "group");
        let group = group.map(|way| format!("{} -> {}", way.by, way.made)).unwrap_or_default();
        println!(
            "{name:<40} {label:<9} {:<10} {:<11} {:<6} {group}",
            one.severity(),
            decision.course.team(),
            decision.plan.word()
        );
    }
}
