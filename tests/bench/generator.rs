//! The load generator: this binary once more, as a process of its own, so that its processor time is counted apart.
//!
//! It connects, then does a phase for each line it reads (`first`, `mixed MS`, `settle`, `repeat MS`) and answers with a line of
//! numbers. Blocking sockets, a thread a connection, bodies made before: what it takes from two cores is little and told.

use super::alerts::Alert;
use super::lane::{Lane, Phase, Tally};
use super::measure;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The hidden command that makes this binary the generator.
pub const COMMAND: &str = "generate";
/// Where the generator finds the server's token; not an argument, for those are seen by all.
const TOKEN: &str = "NIGHTDESK_BENCH_TOKEN";

/// How the alerts are sent.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Connections at once.
    pub connections: usize,
    /// Alerts in a request.
    pub batch: usize,
    /// Different alerts in all.
    pub series: usize,
}

/// What a phase came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Phased {
    /// Alerts answered 200.
    pub taken: u64,
    /// Alerts that burn now, by their senders' last word.
    pub burning: u64,
    /// How long the phase took.
    pub wall: Duration,
    /// Half of the requests took less.
    pub p50: Duration,
    /// 99 of 100 requests took less.
    pub p99: Duration,
    /// Processor time of the generator.
    pub cpu: Duration,
}

/// The generator, seen by who runs it; killed on drop.
pub struct Generator {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Generator {
    /// Starts it against a server; `token` is sent as Bearer where there is one.
    pub fn start(address: &str, token: Option<&str>, shape: Shape) -> Self {
        let own = std::env::current_exe().expect("a running program has a path");
        let mut command = Command::new(own);
        let Shape { connections, batch, series } = shape;
        command.args([COMMAND, address, &connections.to_string(), &batch.to_string(), &series.to_string()]);
        command.env(TOKEN, token.unwrap_or_default()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this binary can be started again");
        let orders = child.stdin.take().expect("it was asked for");
        let answers = BufReader::new(child.stdout.take().expect("it was asked for"));
        Self { child, orders, answers }
    }

    /// Lets it do a phase.
    ///
    /// # Panics
    /// When a connection failed, or an answer was not 200: such a run measured something else.
    pub fn phase(&mut self, phase: Phase) -> Phased {
        let order = match phase {
            Phase::First => "first".to_owned(),
            Phase::Settle => "settle".to_owned(),
            Phase::Mixed(span) => format!("mixed {}", span.as_millis()),
            Phase::Repeat(span) => format!("repeat {}", span.as_millis()),
        };
        writeln!(self.orders, "{order}").expect("the generator listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the generator answers");
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [taken, refused, burning, wall, p50, p99, cpu] = numbers[..] else {
            panic!("the generator failed: {line}")
        };
        assert_eq!(refused, 0, "every request is answered 200");
        let micros = Duration::from_micros;
        let (wall, p50, p99, cpu) = (micros(wall), micros(p50), micros(p99), micros(cpu));
        Phased { taken, burning, wall, p50, p99, cpu }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The generator itself.
pub fn main(arguments: &[String]) {
    let [address, numbers @ ..] = arguments else { panic!("usage: {COMMAND} ADDRESS CONNECTIONS BATCH SERIES") };
    let numbers: Vec<usize> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
    let [connections, batch, series] = numbers[..] else { panic!("usage: {COMMAND} ADDRESS CONNECTIONS BATCH SERIES") };
    let token = std::env::var(TOKEN).unwrap_or_default();
    let authorization = if token.is_empty() { token } else { format!("Authorization: Bearer {token}\r\n") };
    let connect = |lane| {
        let alerts = (lane..series).step_by(connections).map(Alert::new).collect();
        Lane::connect(address, &authorization, alerts, batch).expect("the server accepts connections")
    };
    let mut lanes: Vec<Lane> = (0..connections).map(connect).collect();
    for order in std::io::stdin().lines() {
        let order = order.expect("orders are text");
        println!("{}", perform(&mut lanes, parse(&order)));
    }
}

fn parse(order: &str) -> Phase {
    let (word, millis) = order.split_once(' ').unwrap_or((order, "0"));
    let span = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
    match word {
        "first" => Phase::First,
        "mixed" => Phase::Mixed(span),
        "settle" => Phase::Settle,
        "repeat" => Phase::Repeat(span),
        other => panic!("{other} is no phase"),
    }
}

fn perform(lanes: &mut [Lane], phase: Phase) -> String {
    let (began, cpu) = (Instant::now(), measure::cpu(std::process::id()));
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let threads: Vec<_> = lanes.iter_mut().map(|lane| scope.spawn(|| lane.run(phase))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, std::io::Result<Tally>>| {
            thread.join().expect("a lane does not panic").expect("no connection breaks off")
        };
        threads.into_iter().map(join).collect()
    });
    let wall = began.elapsed();
    let cpu = measure::cpu(std::process::id()) - cpu;
    let taken: u64 = tallies.iter().map(|tally| tally.taken).sum();
    let refused: u64 = tallies.iter().map(|tally| tally.refused).sum();
    let burning: usize = lanes.iter().map(Lane::burning).sum();
    let mut micros: Vec<u32> = tallies.into_iter().flat_map(|tally| tally.micros).collect();
    micros.sort_unstable();
    let (p50, p99) = (measure::percentile(&micros, 50), measure::percentile(&micros, 99));
    format!("{taken} {refused} {burning} {} {p50} {p99} {}", wall.as_micros(), cpu.as_micros())
}
