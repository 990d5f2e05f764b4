//! A real Prometheus and a real Alertmanager, as Debian ships them; `tests/run` fetches them and names them in the environment.

use super::process::Process;
use super::{free_port, http};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a server may take until it answers `/-/ready`.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long Prometheus may take until it knows its targets and receivers: about 5 s (DECISIONS 29).
const WARM_LIMIT: Duration = Duration::from_secs(30);

/// Returns the program that `tests/run` fetched: `PROMETHEUS`, `PROMTOOL`, `ALERTMANAGER` or `AMTOOL`.
///
/// # Panics
/// When it is not there: a missing server is a failure, never a skipped test.
pub fn program(name: &str) -> String {
    let variable = format!("NIGHTDESK_TEST_{name}");
    let hint = "run tests/run, or eval \"$(tests/run --env)\" before cargo test";
    std::env::var(&variable).unwrap_or_else(|_| panic!("{variable} is not set: {hint}"))
}

/// Where a server sends alerts.
#[derive(Debug, Clone, Default)]
pub struct Receiver {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// Sent as `Authorization: Bearer ..`; none when `None`.
    pub token: Option<String>,
}

impl Receiver {
    fn authorization(&self) -> String {
        self.token.as_ref().map_or_else(String::new, |token| format!("authorization: {{credentials: \"{token}\"}}"))
    }
}

/// What a test's Prometheus watches and whom it tells.
#[derive(Debug, Clone)]
pub struct PrometheusSetup {
    /// The rules file's text.
    pub rules: String,
    /// `HOST:PORT` that are scraped every second.
    pub targets: Vec<String>,
    /// Whom it tells.
    pub receivers: Vec<Receiver>,
    /// How long until a firing alert is sent again; Prometheus' own default is a minute.
    pub resend_delay: Duration,
}

impl PrometheusSetup {
    fn yaml(&self) -> String {
        let receiver = |receiver: &Receiver| {
            let Receiver { address, .. } = receiver;
            format!(
                "    - {{api_version: v2, static_configs: [{{targets: [\"{address}\"]}}], {}}}\n",
                receiver.authorization()
            )
        };
        let receivers: String = self.receivers.iter().map(receiver).collect();
        let targets = &self.targets;
        format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             scrape_configs:\n  - {{job_name: target, static_configs: [{{targets: {targets:?}}}]}}\n\
             alerting:\n  alertmanagers:\n{receivers}"
        )
    }
}

/// A running Prometheus.
pub struct Prometheus {
    process: Process,
    address: String,
    receivers: usize,
    targets: usize,
}

impl Prometheus {
    /// Starts it with its files in `dir` (made if missing), and waits until it answers.
    ///
    /// It is not warm yet: see [`Prometheus::wait_warm`].
    pub fn start(dir: &Path, setup: &PrometheusSetup) -> Self {
        write(dir, "rules.yml", &setup.rules);
        write(dir, "prometheus.yml", &setup.yaml());
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(program("PROMETHEUS"));
        command.current_dir(dir).args(["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]);
        command.args(["--rules.alert.for-grace-period=1s", "--web.console.templates=.", "--web.console.libraries=."]);
        command.arg(format!("--web.listen-address={address}"));
        command.arg(format!("--rules.alert.resend-delay={}ms", setup.resend_delay.as_millis()));
        let process = Process::start("prometheus", &mut command, &dir.join("prometheus.log"));
        let (receivers, targets) = (setup.receivers.len(), setup.targets.len());
        let mut prometheus = Self { process, address, receivers, targets };
        prometheus.wait_ready();
        prometheus
    }

    /// Waits until it answers `/-/ready`.
    pub fn wait_ready(&mut self) {
        wait_ready(&mut self.process, &self.address);
    }

    /// Waits until it knows all its receivers and has scraped all its targets. What fires before that is told a minute late
    /// (DECISIONS 29), so a test calls this before it flips a cause.
    pub fn wait_warm(&mut self) {
        let (receivers, targets, address) = (self.receivers, self.targets, self.address.clone());
        let known = |path: &str, pointer: &str| {
            let answer = http::get(&address, path, &[]).ok()?.json();
            answer.pointer(pointer)?.as_array().map(Vec::len)
        };
        self.process.until("all targets and receivers are known", WARM_LIMIT, || {
            let told = known("/api/v1/alertmanagers", "/data/activeAlertmanagers")?;
            let scraped = known("/api/v1/query?query=up%3D%3D1", "/data/result")?;
            (told == receivers && scraped == targets).then_some(())
        });
    }

    /// Returns `127.0.0.1:PORT` of its own API.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Lets it hang, as a source that falls silent.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`Prometheus::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Kills it with SIGKILL, as a source that falls silent.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }
}

/// Whom a test's Alertmanager tells, and how fast.
#[derive(Debug, Clone)]
pub struct AlertmanagerSetup {
    /// The whole address of the webhook.
    pub webhook_url: String,
    /// Sent as `Authorization: Bearer ..`; none when `None`.
    pub token: Option<String>,
    /// Labels that make a group.
    pub group_by: Vec<String>,
    /// How long a new group waits for company.
    pub group_wait: Duration,
    /// How long until changes of a group are told.
    pub group_interval: Duration,
    /// How long until a firing group is told again.
    pub repeat_interval: Duration,
    /// Further text of `alertmanager.yml`, such as inhibit rules.
    pub rest: String,
}

impl AlertmanagerSetup {
    /// Returns a setup with windows of one second (repeats: an hour), grouped by `alertname`.
    pub fn fast(webhook_url: &str, token: Option<&str>) -> Self {
        let second = Duration::from_secs(1);
        Self {
            webhook_url: webhook_url.to_owned(),
            token: token.map(str::to_owned),
            group_by: vec!["alertname".to_owned()],
            group_wait: second,
            group_interval: second,
            repeat_interval: second * 3600,
            rest: String::new(),
        }
    }

    fn yaml(&self) -> String {
        let ms = |duration: Duration| format!("{}ms", duration.as_millis());
        let (wait, interval, repeat) = (ms(self.group_wait), ms(self.group_interval), ms(self.repeat_interval));
        let Self { webhook_url: url, group_by, rest, .. } = self;
        let authorization = Receiver { address: String::new(), token: self.token.clone() }.authorization();
        format!(
            "route: {{receiver: hub, group_by: {group_by:?}, group_wait: {wait}, group_interval: {interval}, \
             repeat_interval: {repeat}}}\nreceivers:\n  - name: hub\n    webhook_configs:\n      \
             - {{url: \"{url}\", send_resolved: true, http_config: {{{authorization}}}}}\n{rest}"
        )
    }
}

/// A running Alertmanager, alone in its cluster.
pub struct Alertmanager {
    process: Process,
    address: String,
}

impl Alertmanager {
    /// Starts it with its files in `dir` (made if missing), and waits until it answers.
    pub fn start(dir: &Path, setup: &AlertmanagerSetup) -> Self {
        write(dir, "alertmanager.yml", &setup.yaml());
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(program("ALERTMANAGER"));
        command.current_dir(dir).args(["--config.file=alertmanager.yml", "--storage.path=data"]);
        command.args(["--cluster.listen-address=", &format!("--web.listen-address={address}")]);
        let process = Process::start("alertmanager", &mut command, &dir.join("alertmanager.log"));
        let mut alertmanager = Self { process, address };
        alertmanager.wait_ready();
        alertmanager
    }

    /// Waits until it answers `/-/ready`.
    pub fn wait_ready(&mut self) {
        wait_ready(&mut self.process, &self.address);
    }

    /// Returns `127.0.0.1:PORT` of its API.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the process id, for measures of memory and CPU time.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Lets it hang: its senders wait, and it tells nobody anything.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`Alertmanager::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Kills it with SIGKILL, as a source that falls silent.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }
}

fn wait_ready(process: &mut Process, address: &str) {
    process.until("/-/ready", START_LIMIT, || {
        http::get(address, "/-/ready", &[]).ok().filter(|answer| answer.status == 200).map(drop)
    });
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir).expect("the test's folder can be made");
    std::fs::write(dir.join(name), text).expect("the test's folder can be written");
}
