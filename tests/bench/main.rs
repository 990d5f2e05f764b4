//! The benches: the hub beside a real Alertmanager on the same machine, fed by the same generator with the same bodies.
//!
//! ```text
//! eval "$(tests/run --env)"
//! cargo bench --bench bench -- [query|ingest|firing|screen|console|rules|night|runbooks]... [--seconds N] [--hub-only]
//! ```
//!
//! `rules` and `night` measure no time: they tell what rules make of alerts that others wrote, and of a whole night.
//! `runbooks` tells what a reader must look at when a runbook changed, and what opening and comparing take.
//!
//! They print what they measure, against what, and the ratio. They assert that every answer was 200 and that every alert is there
//! afterwards, and never a time: a time is no property of the code alone. Without a name all of them run, in less than six minutes.

mod alerts;
mod console;
mod firing;
mod generator;
mod ingest;
mod lane;
mod night;
mod query;
mod rivals;
mod rules;
mod runbooks;
mod screen;
#[path = "../it/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;
use support::measure;

/// What the command line wants.
pub struct Options {
    /// How long each steady phase lasts.
    pub seconds: Duration,
    /// Leave the Alertmanager out: for work on the hub itself.
    pub hub_only: bool,
    only: Vec<String>,
}

type Bench = fn(&Options);

const BENCHES: [(&str, Bench); 8] = [
    ("query", query::run),
    ("ingest", ingest::run),
    ("firing", firing::run),
    ("screen", screen::run),
    ("console", console::run),
    ("rules", rules::run),
    ("night", night::run),
    ("runbooks", runbooks::run),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == generator::COMMAND) {
        generator::main(&arguments.skip(1).collect::<Vec<_>>());
        return ExitCode::SUCCESS;
    }
    match options(arguments) {
        Ok(Some(options)) => run(&options),
        Ok(None) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!(
                "{wrong} (usage: [query|ingest|firing|screen|console|rules|night|runbooks]... [--seconds N] [--hub-only])"
            );
            ExitCode::from(2)
        }
    }
}

/// Returns what is wanted; `None` when `cargo test --benches` only wants to know that it starts.
fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { seconds: Duration::from_secs(5), hub_only: false, only: Vec::new() };
    let mut bench = false;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => bench = true,
            "--test" => return Ok(None),
            "--hub-only" => options.hub_only = true,
            "--seconds" => {
                let text = arguments.next().unwrap_or_default();
                let seconds = text.parse().map_err(|_| format!("--seconds {text:?} is not a number"))?;
                options.seconds = Duration::from_secs(seconds);
            }
            name if BENCHES.iter().any(|(known, _)| *known == name) => options.only.push(argument),
            other => return Err(format!("{other:?} is no bench and no flag")),
        }
    }
    // cargo bench says --bench; cargo test says nothing at all.
    Ok((bench || !options.only.is_empty()).then_some(options))
}

fn run(options: &Options) -> ExitCode {
    println!("{}", measure::machine(&rivals::root()));
    for (name, bench) in BENCHES {
        if options.only.is_empty() || options.only.iter().any(|only| only == name) {
            println!("\n=== {name} (load before: {})", measure::load());
            bench(options);
        }
    }
    ExitCode::SUCCESS
}
