//! Fuzzing without a sanitiser: texts made from a corpus by structured mutation, run one after the other, from a seed.
//!
//! ```text
//! cargo bench --bench fuzz -- query 10000000 [--seed N]
//! ```
//!
//! A target takes one text and panics when something that must hold does not. The runner watches what each execution takes: longer
//! than [`TIME_MAX`] (measured again before it counts: a machine may be busy) or more memory than [`MEMORY_MAX`] in all is a failure, and
//! so is a panic. What failed is printed with its seed and number, which bring it back. Another target is one line in [`TARGETS`].

mod mutate;
mod query;
mod rules;
mod runbooks;

use mutate::{Mutator, Random};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What one text may take, so much that only what grows faster than its length reaches it.
const TIME_MAX: Duration = Duration::from_millis(500);
/// What the process may hold.
const MEMORY_MAX: u64 = 1 << 30;
/// Longest text that is made.
pub const TEXT_MAX: usize = 6000;

/// What is fuzzed.
struct Target {
    name: &'static str,
    /// Texts to begin with.
    corpus: fn() -> Vec<String>,
    /// Pieces that are put into texts.
    words: &'static [&'static str],
    /// Takes one text; says whether it was a good one, and panics when something is wrong.
    run: fn(&str) -> bool,
}

const TARGETS: &[Target] = &[
    Target { name: "query", corpus: query::corpus, words: query::WORDS, run: query::run },
    Target { name: "rules", corpus: rules::corpus, words: rules::WORDS, run: rules::run },
    Target { name: "matcher", corpus: query::matchers, words: query::WORDS, run: query::run_matcher },
    Target { name: "page", corpus: runbooks::corpus, words: runbooks::WORDS, run: runbooks::run },
    Target { name: "front", corpus: runbooks::files, words: runbooks::FRONT_WORDS, run: runbooks::run_front },
    Target { name: "changes", corpus: runbooks::pairs, words: runbooks::WORDS, run: runbooks::run_changes },
];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let bench = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    // cargo test --benches only wants to know that it starts.
    if !bench || arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let mut seed = 1;
    if let Some(at) = arguments.iter().position(|argument| argument == "--seed") {
        seed = arguments.get(at + 1).and_then(|text| text.parse().ok()).unwrap_or(seed);
        arguments.drain(at..(at + 2).min(arguments.len()));
    }
    let (name, executions) = match arguments.as_slice() {
        [name] => (name.as_str(), 1_000_000),
        [name, count] => (name.as_str(), count.parse().unwrap_or(1_000_000)),
        _ => ("", 0),
    };
    match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => fuzz(target, executions, seed),
        None => {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            eprintln!(
                "usage: cargo bench --bench fuzz -- TARGET [EXECUTIONS] [--seed N]; targets: {}",
                names.join(", ")
            );
            ExitCode::from(2)
        }
    }
}

fn fuzz(target: &Target, executions: u64, seed: u64) -> ExitCode {
    // The place of a panic is printed by us, with the text.
    std::panic::set_hook(Box::new(|_| {}));
    let mut mutator = Mutator::new(Random(seed), (target.corpus)(), target.words);
    let (began, mut said) = (Instant::now(), Instant::now());
    let (mut good, mut bytes, mut slowest) = (0u64, 0u64, (Duration::ZERO, String::new()));
    for number in 0..executions {
        let text = mutator.next();
        let (outcome, took) = once(target, &text);
        bytes += text.len() as u64;
        match outcome {
            Ok(taken) => {
                good += u64::from(taken);
                mutator.keep(&text, taken);
            }
            Err(why) => return failed(target, seed, number, &text, &why),
        }
        if took > slowest.0 {
            slowest = (took, text.clone());
        }
        if took > TIME_MAX && (0..3).all(|_| once(target, &text).1 > TIME_MAX) {
            return failed(target, seed, number, &text, &format!("it took {} ms", took.as_millis()));
        }
        if number.is_multiple_of(4096) && memory("VmRSS:") > MEMORY_MAX {
            return failed(target, seed, number, &text, "the process holds more than a gigabyte");
        }
        if said.elapsed() > Duration::from_secs(30) {
            said = Instant::now();
            println!("{number} of {executions}, {:.0}/s", number as f64 / began.elapsed().as_secs_f64());
        }
    }
    let rate = executions as f64 / began.elapsed().as_secs_f64();
    println!(
        "{}: {executions} executions from seed {seed}, {rate:.0}/s, {good} good texts, {} bytes each on average; no panic; \
         the slowest took {:.2} ms; at most {} MiB",
        target.name,
        bytes / executions.max(1),
        slowest.0.as_secs_f64() * 1e3,
        memory("VmHWM:") >> 20
    );
    println!("slowest: {:?}", slowest.1.chars().take(200).collect::<String>());
    ExitCode::SUCCESS
}

fn once(target: &Target, text: &str) -> (Result<bool, String>, Duration) {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(text))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
    });
    (outcome, began.elapsed())
}

fn failed(target: &Target, seed: u64, number: u64, text: &str, why: &str) -> ExitCode {
    println!("{} FAILED at execution {number} of seed {seed}: {why}\n{text:?}", target.name);
    ExitCode::FAILURE
}

/// Returns a line of `/proc/self/status` in bytes; 0 where there is none.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|found| found.strip_prefix(line));
    found.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}
