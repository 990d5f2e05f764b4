//! Alerts a second, taken over HTTP: the hub's are on the disk when it answers, the Alertmanager's in memory.
//!
//! 10,000 series. Three phases apart: each seen for the first time; then all in turn, a tenth saying at each turn the contrary of what it
//! said before; then repeats alone.

use super::Options;
use super::generator::{Generator, Phased, Shape};
use super::lane::Phase;
use super::measure::{self, Memory};
use super::rivals::Rival;
use std::collections::BTreeSet;
use std::time::Duration;

const SERIES: usize = 10_000;
const SHAPES: [Shape; 3] = [
    Shape { connections: 8, batch: 1, series: SERIES },
    Shape { connections: 64, batch: 1, series: SERIES },
    Shape { connections: 4, batch: 100, series: SERIES },
];

struct Phases {
    /// Name, what the generator saw, processor time of the server.
    rows: Vec<(&'static str, Phased, Duration)>,
    memory: Memory,
    fingerprints: BTreeSet<String>,
}

/// Prints the tables.
pub fn run(options: &Options) {
    println!(
        "{SERIES} series; first: each once; mixed: in turn, a tenth flaps at each turn; repeat: nothing new.\n\
         s/1000: processor seconds for 1,000 alerts, of the server and of the generator."
    );
    for (index, shape) in SHAPES.into_iter().enumerate() {
        println!("\n{} a request, {} connections", shape.batch, shape.connections);
        if options.hub_only {
            print(&measured(Rival::Hub, shape, options.seconds), None);
            continue;
        }
        // By turns, so that neither always runs on the warmer machine.
        let (hub, other) = if index % 2 == 0 {
            let hub = measured(Rival::Hub, shape, options.seconds);
            (hub, measured(Rival::Alertmanager, shape, options.seconds))
        } else {
            let other = measured(Rival::Alertmanager, shape, options.seconds);
            (measured(Rival::Hub, shape, options.seconds), other)
        };
        print(&hub, Some(&other));
        assert_eq!(hub.fingerprints, other.fingerprints, "both know the same alerts");
    }
}

fn measured(rival: Rival, shape: Shape, span: Duration) -> Phases {
    let server = rival.start();
    let mut generator = Generator::start(&server.address, server.token.as_deref(), shape);
    let mut phase = |phase| {
        let before = measure::cpu(server.id);
        let phased = generator.phase(phase);
        (phased, measure::cpu(server.id) - before)
    };
    let (first, first_cpu) = phase(Phase::First);
    let (mixed, mixed_cpu) = phase(Phase::Mixed(span));
    phase(Phase::Settle);
    let (repeat, repeat_cpu) = phase(Phase::Repeat(span));
    let memory = measure::memory(server.id);
    let fingerprints = server.fingerprints();
    assert_eq!((fingerprints.len(), repeat.burning), (SERIES, SERIES as u64), "{}: every alert burns", rival.name());
    let rows = vec![("first", first, first_cpu), ("mixed", mixed, mixed_cpu), ("repeat", repeat, repeat_cpu)];
    Phases { rows, memory, fingerprints }
}

fn print(hub: &Phases, other: Option<&Phases>) {
    println!("phase   server          alerts/s  ratio   p50 ms   p99 ms   s/1000  generator");
    for (index, (name, phased, cpu)) in hub.rows.iter().enumerate() {
        let rival = other.map(|other| &other.rows[index]);
        let ratio = rival.map(|(_, rival, _)| rate(phased) / rate(rival));
        line(name, Rival::Hub, phased, *cpu, ratio);
        if let Some((_, phased, cpu)) = rival {
            line("", Rival::Alertmanager, phased, *cpu, None);
        }
    }
    let memory =
        |name: &str, memory: Memory| println!("memory  {name:<14} {:8.1} MiB, at most {:.1}", memory.now, memory.most);
    memory(Rival::Hub.name(), hub.memory);
    if let Some(other) = other {
        memory(Rival::Alertmanager.name(), other.memory);
        println!("memory  ratio          {:8.2} of Alertmanager's at most", hub.memory.most / other.memory.most);
    }
}

fn line(name: &str, rival: Rival, phased: &Phased, cpu: Duration, ratio: Option<f64>) {
    let thousands = phased.taken as f64 / 1000.0;
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    println!(
        "{name:<7} {:<14} {:>9.0} {ratio:>6} {:>8.2} {:>8.2} {:>8.4} {:>10.4}",
        rival.name(),
        rate(phased),
        phased.p50.as_secs_f64() * 1e3,
        phased.p99.as_secs_f64() * 1e3,
        cpu.as_secs_f64() / thousands,
        phased.cpu.as_secs_f64() / thousands,
    );
}

fn rate(phased: &Phased) -> f64 {
    phased.taken as f64 / phased.wall.as_secs_f64()
}
