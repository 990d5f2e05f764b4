//! What the kernel says of a process, and numbers made of many.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Clock ticks in a second of /proc/PID/stat: 100 on every Linux that Rust knows.
const TICKS_PER_SECOND: u64 = 100;

/// Returns the processor time that a process has used, of all its threads, ended ones too.
pub fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is the name in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS_PER_SECOND)
}

/// Memory of a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// MiB now.
    pub now: f64,
    /// MiB at most so far.
    pub most: f64,
}

/// Returns the resident memory of a process.
pub fn memory(process: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0)
    };
    Memory { now: kib("VmRSS:") / 1024.0, most: kib("VmHWM:") / 1024.0 }
}

/// Returns the value below which so many of a hundred lie; `sorted` goes up. 0 of none.
pub fn percentile(sorted: &[u32], hundredth: usize) -> u32 {
    let index = (sorted.len() * hundredth).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(0)
}

/// Returns the machine's load averages.
pub fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

/// Returns a line about the machine; the disk's fsync bounds what a durable answer can cost at best.
pub fn machine(dir: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut micros = fsyncs(dir).unwrap_or_default();
    micros.sort_unstable();
    format!(
        "{cores} cores, generator beside the server; write and fdatasync of 4 KiB: p50 {} us, p99 {} us; load {}",
        percentile(&micros, 50),
        percentile(&micros, 99),
        load()
    )
}

fn fsyncs(dir: &Path) -> std::io::Result<Vec<u32>> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join("fsync");
    let mut file = File::create(&path)?;
    let mut micros = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        micros.push(began.elapsed().as_micros() as u32);
    }
    std::fs::remove_file(path)?;
    Ok(micros)
}

/// Lets this process and those it starts have as many open files as the system allows.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the own limit may be used up");
}

/// Returns whether others want more of the machine than it has.
pub fn is_busy() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let wanted = load().split(' ').next().and_then(|load| load.parse::<f64>().ok()).unwrap_or(0.0);
    wanted > cores as f64 + 1.0
}
