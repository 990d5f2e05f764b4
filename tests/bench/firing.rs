//! With 100,000 series firing: memory, and the time to read one of them by a filter.

use super::Options;
use super::alerts::instance;
use super::generator::{Generator, Shape};
use super::lane::Phase;
use super::measure::{self, Memory};
use super::rivals::{Rival, Server};
use std::time::{Duration, Instant};

const SERIES: usize = 100_000;
/// Reads of one alert.
const READS: usize = 50;
/// No more reads after so long: an Alertmanager needs most of a second for one.
const READS_WITHIN: Duration = Duration::from_secs(20);

struct Burning {
    rate: f64,
    loaded: Memory,
    after: Memory,
    reads: usize,
    p50: f64,
    p99: f64,
}

/// Prints the table.
pub fn run(options: &Options) {
    println!(
        "{SERIES} series firing, sent twice in requests of 100; then at most {READS} reads of one by instance=\"…\""
    );
    println!("server          first/s   MiB now  MiB most   after reads: now  most    reads   p50 ms   p99 ms");
    let hub = measured(Rival::Hub);
    print(Rival::Hub, &hub);
    if !options.hub_only {
        let other = measured(Rival::Alertmanager);
        print(Rival::Alertmanager, &other);
        println!(
            "ratio {:>15.2} {:>9.2} {:>9.2} {:>26.2} {:>24.4} {:>8.4}",
            hub.rate / other.rate,
            hub.loaded.now / other.loaded.now,
            hub.loaded.most / other.loaded.most,
            hub.after.most / other.after.most,
            hub.p50 / other.p50,
            hub.p99 / other.p99
        );
    }
}

fn print(rival: Rival, burning: &Burning) {
    let Burning { rate, loaded, after, reads, p50, p99 } = burning;
    println!(
        "{:<14} {rate:>8.0} {:>9.1} {:>9.1} {:>18.1} {:>7.1} {reads:>8} {p50:>8.2} {p99:>8.2}",
        rival.name(),
        loaded.now,
        loaded.most,
        after.now,
        after.most
    );
}

fn measured(rival: Rival) -> Burning {
    let server = rival.start();
    let shape = Shape { connections: 4, batch: 100, series: SERIES };
    let mut generator = Generator::start(&server.address, server.token.as_deref(), shape);
    let first = generator.phase(Phase::First);
    generator.phase(Phase::First); // all of them once more: each has been repeated
    let loaded = measure::memory(server.id);
    let mut micros = read(&server);
    micros.sort_unstable();
    let after = measure::memory(server.id);
    let ms = |hundredth| f64::from(measure::percentile(&micros, hundredth)) / 1e3;
    let rate = first.taken as f64 / first.wall.as_secs_f64();
    Burning { rate, loaded, after, reads: micros.len(), p50: ms(50), p99: ms(99) }
}

fn read(server: &Server) -> Vec<u32> {
    let began = Instant::now();
    let numbers = (0..READS).map(|read| read * (SERIES / READS) + 7).take_while(|_| began.elapsed() < READS_WITHIN);
    numbers
        .map(|number| {
            let path = format!("/api/v2/alerts?filter=instance%3D%22{}%22", instance(number));
            let began = Instant::now();
            let body = server.get(&path);
            let micros = began.elapsed().as_micros() as u32;
            let found = String::from_utf8_lossy(&body).matches("\"fingerprint\"").count();
            assert_eq!(found, 1, "exactly one alert is on {}", instance(number));
            micros
        })
        .collect()
}
