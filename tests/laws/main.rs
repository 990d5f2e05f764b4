//! The laws under fire: a hub, consoles, sources and people under a virtual clock, on a network and machines that fail, each run from a
//! seed.
//!
//! `cargo test --test laws` runs 10,000 seeds; `NIGHTDESK_TEST_SEEDS` is another number, `NIGHTDESK_TEST_SEED` runs one again and tells
//! what happened in it.

mod checks;
mod console;
mod hub;
mod random;
mod rules;
mod runbooks;
mod source;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("it is a number"))
}

#[test]
fn the_laws_hold_under_every_seed() {
    if let Some(seed) = number("NIGHTDESK_TEST_SEED") {
        let ran = World::new(seed, true).run();
        println!("SEED={seed} trace {} {:?}", ran.trace, ran.counts);
        return;
    }
    let seeds = number("NIGHTDESK_TEST_SEEDS").unwrap_or(10_000);
    let first = number("NIGHTDESK_TEST_FIRST_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let counts: Mutex<BTreeMap<&'static str, u64>> = Mutex::default();
    let failed: Mutex<Vec<u64>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || !failed.lock().unwrap().is_empty() {
                        return;
                    }
                    match catch_unwind(AssertUnwindSafe(|| World::new(seed, false).run())) {
                        Ok(ran) => {
                            let mut counts = counts.lock().unwrap();
                            ran.counts.iter().for_each(|(what, count)| *counts.entry(what).or_default() += count);
                        }
                        Err(_) => failed.lock().unwrap().push(seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let counts = counts.into_inner().unwrap();
    println!("{seeds} seeds: {counts:?}");
    assert!(
        failed.is_empty(),
        "SEED={}: NIGHTDESK_TEST_SEED={0} cargo test --test laws tells what happened",
        failed[0]
    );
    if seeds >= 1000 {
        for what in ["forks", "restores of the hub", "answers under an old lease", "operations answered again"] {
            assert!(counts.contains_key(what), "no seed came to {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in 1..20 {
        let (first, second) = (World::new(seed, false).run(), World::new(seed, false).run());
        assert_eq!(first.trace, second.trace, "SEED={seed}");
    }
    assert_ne!(World::new(1, false).run().trace, World::new(2, false).run().trace);
}
