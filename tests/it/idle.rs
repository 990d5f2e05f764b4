//! A quiet console is quiet: it writes nothing and takes next to no CPU. `NIGHTDESK_TEST_IDLE_MINUTES` says how long (default 2).

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::pty::Pty;
use crate::support::{try_until, until};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);
/// How long nothing must have been written before the quiet counts.
const SETTLED: Duration = Duration::from_secs(2);
/// Clock ticks of `/proc/PID/stat` in a second; the same on every Linux that we run on.
const TICKS: f64 = 100.0;

/// Returns the CPU time of a process so far, in seconds.
fn cpu_seconds(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    ticks / TICKS
}

/// Lets that time pass without a poll: this process must not take the CPU that it measures.
fn wait(span: Duration) {
    let began = Instant::now();
    while let Some(left) = span.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

fn wait_until_settled(console: &Pty) {
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("DiskFull burns"));
    until("a screen that stands still", LIMIT, || {
        let before = console.bytes_written();
        try_until(SETTLED, || (console.bytes_written() != before).then_some(())).is_none().then_some(())
    });
}

#[test]
fn a_connected_console_writes_nothing_and_rests_while_nothing_happens() {
    let minutes = crate::support::count("NIGHTDESK_TEST_IDLE_MINUTES", 2);
    let dir = tempfile::tempdir().expect("a temporary folder");
    // Due times beyond the test: people who are called again are no quiet.
    let hub = Hub::start(&dir.path().join("hub"), "[[level]]\ncall = [\"on-call\"]\nwithin = \"24h\"\n");
    let day = crate::support::alerts::in_seconds(86_400);
    hub.alert(&[crate::support::alerts::firing_until("DiskFull", &[("service", "db")], day), firing("ProbeDown", &[])]);
    let mut console = Person::near(&hub, &dir.path().join("mira"), "mira").pty(120, 40);
    wait_until_settled(&console);
    // What calls rings again until somebody was there.
    console.write(b"k");
    wait_until_settled(&console);

    let span = Duration::from_secs(minutes * 60);
    let (written, cpu, hub_cpu) = (console.bytes_written(), cpu_seconds(console.id()), cpu_seconds(hub.id()));
    wait(span);
    let (more, used) = (console.bytes_written() - written, cpu_seconds(console.id()) - cpu);
    let hub_used = cpu_seconds(hub.id()) - hub_cpu;
    let percent = |seconds: f64| 100.0 * seconds / span.as_secs_f64();
    println!(
        "{minutes} quiet minutes: {more} bytes, console {:.2} %, hub {:.2} % of a core",
        percent(used),
        percent(hub_used)
    );
    let screen = console.screen_text();
    assert_eq!(more, 0, "written while nothing happened; the screen:\n{screen}");
    assert!(screen.contains("LIVE"), "{screen}");
    assert!(percent(used) < 0.5, "{used} s of CPU in {span:?}");
}
