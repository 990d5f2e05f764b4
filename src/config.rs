//! What a person wrote into `config.toml` and `hub.toml`, and where files lie.
//!
//! Raw: all optional, unknown keys refused. Resolved: ready to use.

mod guards;
mod outward;
mod paging;
mod runbooks;
mod sources;
mod ui;

pub use guards::Guards;
pub use outward::{Clipboard, Osc, Outward, RawNotify};
pub use paging::{Channel, Format, Heartbeat, Sender};
pub use runbooks::Runbooks;
pub use sources::Source;
pub use ui::{Colors, Look};

use crate::domain::id::UserName;
use crate::domain::incident::Timing;
use crate::domain::label::IdentityRule;
use crate::domain::paging::Paging;
use crate::ingest::Limits;
use crate::log;
use crate::rules::{self, Rulebook};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A configuration that cannot be used, with the place and what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it must be.
    #[error("{path}: line {line}: {why}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// In which line.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// A value has no sense.
    #[error("{path}: {field}: {why}")]
    Value {
        /// Which file.
        path: PathBuf,
        /// Which field.
        field: String,
        /// What is wrong, and the way out.
        why: String,
    },
    /// Rules that cannot be used; all of their mistakes.
    #[error("{}", told(path, faults))]
    Rules {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to write instead.
        faults: Vec<rules::Fault>,
    },
    /// There is no home directory to put files into.
    #[error("no home directory is known; set NIGHTDESK_HOME to a directory of yours")]
    NoHome,
}

fn told(path: &Path, faults: &[rules::Fault]) -> String {
    let each =
        faults.iter().map(|fault| format!("{}: line {}: {}: {}", path.display(), fault.line, fault.place, fault.why));
    each.collect::<Vec<_>>().join("\n")
}

/// Where files lie. `NIGHTDESK_HOME` puts all of them under one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`, `keymap.toml`.
    pub config: PathBuf,
    /// Mirrors, keys, the embedded hub.
    pub data: PathBuf,
    /// Logs and crash reports.
    pub state: PathBuf,
    /// What can be made anew at any time.
    pub cache: PathBuf,
    /// What lives as long as the login, where the system has a place for that.
    pub runtime: Option<PathBuf>,
}

impl Paths {
    /// Returns the places of this user: under `home` when it is given, else by the XDG rules.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`].
    pub fn find(home: Option<PathBuf>) -> Result<Self, ConfigError> {
        if let Some(home) = home {
            let under = |name: &str| home.join(name);
            let (cache, runtime) = (under("cache"), Some(under("runtime")));
            return Ok(Self { config: under("config"), data: under("data"), state: under("state"), cache, runtime });
        }
        let dirs = directories::ProjectDirs::from("", "", "nightdesk").ok_or(ConfigError::NoHome)?;
        let data = dirs.data_dir().to_owned();
        let state = dirs.state_dir().map_or_else(|| data.join("state"), Path::to_owned);
        let (cache, runtime) = (dirs.cache_dir().to_owned(), dirs.runtime_dir().map(Path::to_owned));
        Ok(Self { config: dirs.config_dir().to_owned(), data, state, cache, runtime })
    }

    /// Returns the file that consoles log to.
    pub fn log(&self) -> PathBuf {
        self.state.join("nightdesk.log")
    }

    /// Returns where a hub of this user keeps its data by default.
    pub fn hub(&self) -> PathBuf {
        self.data.join("hub")
    }
}

/// `config.toml`, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConsole {
    /// Address of the hub: `http://127.0.0.1:7400` or `unix:/path/to/hub.sock`. Absent: a hub in the same process.
    pub hub: Option<String>,
    /// A file (0600) with the hub's admin token, to introduce this console by.
    pub token_file: Option<PathBuf>,
    /// Who you are; absent: the login name.
    pub user: Option<String>,
    /// Other consoles: `https://host:port`, or `unix:/directory` where consoles of one machine meet. Absent: none are spoken to.
    #[serde(default)]
    pub peers: Vec<String>,
    /// Where this console listens for others, such as `0.0.0.0:7401`. Absent: nowhere.
    pub listen_peers: Option<SocketAddr>,
    /// How the person is told of pages beside screen and bell.
    #[serde(default)]
    pub notify: RawNotify,
    /// Where copies go: `auto`, `tmux`, `osc52`, `native`, `file`, `command` or `off`.
    pub clipboard: Option<String>,
    /// The program that reads copies, for `command`.
    pub clipboard_command: Option<Vec<String>>,
    /// The program that opens links; it gets the URL as its last argument.
    pub open: Option<Vec<String>>,
    /// The keys: `default`, `vim`, `arrows`, `emacs`, or the name of a file under `keymaps/`. Absent: `default`.
    pub keymap: Option<toml::Spanned<String>>,
    /// What is logged, as for `--log-level`. Absent: `info`.
    pub log_level: Option<String>,
    /// The theme: one of the shipped, or the name of a file under `themes/`. Absent: `base16`.
    pub theme: Option<toml::Spanned<String>>,
    /// How many colours: `auto`, `truecolor`, `256`, `16` or `none`.
    #[serde(default)]
    pub colors: Colors,
    /// How the console looks.
    #[serde(default)]
    pub ui: RawUi,
    /// Every act is refused until `:rw` on the screen.
    pub readonly: Option<bool>,
    /// How long nobody presses a key until the first verb asks: `2m`, or `off`.
    pub arm_after_idle: Option<String>,
}

/// `[ui]` of `config.toml`, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUi {
    /// Lines instead of a screen, as `--plain`.
    pub plain: Option<bool>,
    /// With what charts are drawn: `ascii` or `braille`. Absent: `ascii`.
    pub graph: Option<String>,
    /// Nothing but ASCII is written, as `--ascii`.
    pub ascii: Option<bool>,
}

impl RawUi {
    /// Returns whether charts are drawn in braille dots.
    fn braille(&self, path: &Path) -> Result<bool, ConfigError> {
        match self.graph.as_deref() {
            None | Some("ascii") => Ok(false),
            Some("braille") => Ok(true),
            Some(other) => {
                Err(value_error(path, "ui.graph", format!("{other:?} is no way to draw; write ascii or braille")))
            }
        }
    }
}

/// `hub.toml`, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHub {
    #[serde(default)]
    timing: RawTiming,
    #[serde(default)]
    identity: RawIdentity,
    #[serde(default)]
    limits: RawLimits,
    runbooks: Option<PathBuf>,
    #[serde(default)]
    runbook_urls: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    source: Vec<sources::RawSource>,
    #[serde(default)]
    level: Vec<paging::RawLevel>,
    #[serde(default)]
    policy: Vec<paging::RawPolicy>,
    #[serde(default)]
    on_call: Vec<paging::RawShift>,
    #[serde(default)]
    person: Vec<paging::RawPerson>,
    #[serde(default)]
    channel: Vec<paging::RawChannel>,
    #[serde(default)]
    paging: paging::RawPaging,
    heartbeat: Option<paging::RawHeartbeat>,
    #[serde(default)]
    tls: RawTls,
    #[serde(default)]
    severity: Vec<rules::raw::RawSeverity>,
    #[serde(default)]
    grouping: Vec<rules::raw::RawGrouping>,
    #[serde(default)]
    instant: Vec<rules::raw::RawInstant>,
    #[serde(default)]
    pending: Vec<rules::raw::RawPending>,
    #[serde(default)]
    service_level: Vec<rules::raw::RawServiceLevel>,
    #[serde(default)]
    calendar: Vec<rules::raw::RawCalendar>,
    #[serde(default)]
    route: Vec<rules::raw::RawRoute>,
    #[serde(default)]
    dependency: Vec<rules::raw::RawDependency>,
    #[serde(default)]
    service: Vec<rules::raw::RawService>,
    #[serde(default)]
    view: Vec<rules::raw::RawView>,
    #[serde(default)]
    alertmanager: Vec<rules::raw::RawAlertmanager>,
    #[serde(default)]
    triage: rules::raw::RawTriage,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTiming {
    flap_window: Option<String>,
    ack_lease: Option<String>,
    lease_warning: Option<String>,
    seen_within: Option<String>,
    snooze_max: Option<String>,
    wait_max: Option<String>,
    offer_max: Option<String>,
    resolve_timeout: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIdentity {
    #[serde(default)]
    ignored_labels: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    body_bytes: Option<usize>,
    decoded_bytes: Option<usize>,
    alerts_per_request: Option<usize>,
    queued_alerts: Option<usize>,
    firing_series: Option<usize>,
    connections: Option<usize>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    #[serde(default)]
    listen: Vec<SocketAddr>,
    #[serde(default)]
    names: Vec<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// What a hub shows to consoles and sources of other machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where the hub listens beside `--listen`: how the hub within a console serves others, too.
    pub listen: Vec<SocketAddr>,
    /// Names and addresses under which it is reached, beside those of its listeners; the first stands in codes to enrol by.
    pub names: Vec<String>,
    /// The files of a public certificate (its chain, PEM) and its key (PEM, 0600); absent: the hub's own authority vouches.
    pub files: Option<(PathBuf, PathBuf)>,
}

/// How a hub runs.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Windows and delays.
    pub timing: Timing,
    /// Who is called.
    pub paging: Paging,
    /// The ways to reach people beside their consoles.
    pub channels: Vec<Channel>,
    /// How long one attempt to send a page may take before it is made again.
    pub page_lease: Duration,
    /// Who hears that the hub lives.
    pub heartbeat: Option<Heartbeat>,
    /// Which labels say who an alert is.
    pub identity: IdentityRule,
    /// What one request may hold.
    pub ingest: Limits,
    /// Bytes of a body as it comes.
    pub body_bytes_max: usize,
    /// Bytes of a body once unpacked.
    pub decoded_bytes_max: usize,
    /// Alerts that may wait for the disk.
    pub queued_alerts_max: usize,
    /// Series that may burn at once; a further one goes to quarantine, and an incident says so.
    pub firing_series_max: usize,
    /// Connections at once: each console holds one or two, and a source must still find a place.
    pub connections_max: usize,
    /// Sources with tokens of their own.
    pub sources: Vec<Source>,
    /// What others are met by.
    pub tls: Tls,
    /// Where runbooks come from.
    pub runbooks: Option<Runbooks>,
    /// From what is said to severity, group, plan and people.
    pub book: Rulebook,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            paging: Paging::default(),
            channels: Vec::new(),
            page_lease: paging::PAGE_LEASE,
            heartbeat: None,
            identity: IdentityRule::default(),
            ingest: Limits::default(),
            body_bytes_max: 1 << 20,
            decoded_bytes_max: 4 << 20,
            queued_alerts_max: 20_000,
            firing_series_max: 200_000,
            connections_max: 4096,
            sources: Vec::new(),
            tls: Tls::default(),
            runbooks: None,
            book: Rulebook::default(),
        }
    }
}

impl Hub {
    /// Returns what `hub.toml` says.
    ///
    /// # Errors
    /// [`ConfigError`] names the place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = text(path)?;
        let (hub, faults) = Self::parse(path, &text)?;
        match faults.is_empty() {
            true => Ok(hub),
            false => Err(ConfigError::Rules { path: path.to_owned(), faults }),
        }
    }

    /// Returns what a text says that lies or would lie at `path`, and all that is wrong in its rules: with any, they must not be used.
    ///
    /// # Errors
    /// [`ConfigError`] names the place of the first mistake outside of the rules.
    pub fn parse(path: &Path, text: &str) -> Result<(Self, Vec<rules::Fault>), ConfigError> {
        let raw: RawHub = parse(path, text)?;
        let mut hub = Self::default();
        let span = |field: &str, text: &Option<String>, value: &mut Duration| match text {
            Some(text) => parse_span(text).map(|span| *value = span).ok_or_else(|| bad_span(path, field, text)),
            None => Ok(()),
        };
        span("timing.flap_window", &raw.timing.flap_window, &mut hub.timing.flap_window)?;
        span("timing.ack_lease", &raw.timing.ack_lease, &mut hub.timing.ack_lease)?;
        span("timing.lease_warning", &raw.timing.lease_warning, &mut hub.timing.lease_warning)?;
        span("timing.seen_within", &raw.timing.seen_within, &mut hub.timing.seen_within)?;
        span("timing.snooze_max", &raw.timing.snooze_max, &mut hub.timing.snooze_max)?;
        span("timing.wait_max", &raw.timing.wait_max, &mut hub.timing.wait_max)?;
        span("timing.offer_max", &raw.timing.offer_max, &mut hub.timing.offer_max)?;
        span("timing.resolve_timeout", &raw.timing.resolve_timeout, &mut hub.ingest.resolve_timeout)?;
        let limits = [
            ("limits.body_bytes", raw.limits.body_bytes, &mut hub.body_bytes_max),
            ("limits.decoded_bytes", raw.limits.decoded_bytes, &mut hub.decoded_bytes_max),
            ("limits.alerts_per_request", raw.limits.alerts_per_request, &mut hub.ingest.alerts_max),
            ("limits.queued_alerts", raw.limits.queued_alerts, &mut hub.queued_alerts_max),
            ("limits.firing_series", raw.limits.firing_series, &mut hub.firing_series_max),
            ("limits.connections", raw.limits.connections, &mut hub.connections_max),
        ];
        for (field, limit, value) in limits {
            match limit {
                Some(0) => return Err(value_error(path, field, "0 would take nothing; leave it out for the default")),
                Some(limit) => *value = limit,
                None => {}
            }
        }
        hub.identity = IdentityRule::ignoring(raw.identity.ignored_labels);
        let RawHub { level, policy, on_call, person, channel, paging, heartbeat, .. } = raw;
        let said = paging::Raw { level, policy, on_call, person, channel, paging, heartbeat };
        let calling = paging::resolve(path, said)?;
        (hub.paging, hub.channels) = (calling.paging, calling.channels);
        (hub.page_lease, hub.heartbeat) = (calling.page_lease, calling.heartbeat);
        let base = path.parent().unwrap_or(Path::new("."));
        hub.sources = sources::resolve(path, base, raw.source)?;
        hub.tls = tls(path, base, raw.tls)?;
        hub.runbooks = runbooks::resolve(path, base, raw.runbooks, raw.runbook_urls)?;
        let RawHub { severity, grouping, instant, pending, service_level, calendar, .. } = raw;
        let RawHub { route, dependency, service, view, alertmanager, triage, .. } = raw;
        let written = rules::Raw {
            severity,
            grouping,
            instant,
            pending,
            service_level,
            calendar,
            route,
            dependency,
            service,
            view,
            alertmanager,
            triage,
        };
        let (mut book, faults) = rules::read(&written, text, &hub.paging.policies.keys().cloned().collect());
        hub.paging.calendars.clone_from(&book.calendars);
        for one in &mut book.alertmanagers {
            one.token_file = one.token_file.take().map(|file| base.join(file));
        }
        hub.book = book;
        Ok((hub, faults))
    }
}

fn tls(path: &Path, base: &Path, raw: RawTls) -> Result<Tls, ConfigError> {
    for name in &raw.names {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
        let address = name.parse::<std::net::IpAddr>().is_ok();
        if name.is_empty() || !plain || (name.contains(':') && !address) {
            let why =
                format!("{name:?} is no name of a host and no address; write hub.example or 192.0.2.1, without a port");
            return Err(value_error(path, "tls.names", why));
        }
    }
    let files = match (raw.certificate, raw.key) {
        (Some(certificate), Some(key)) => Some((base.join(certificate), base.join(key))),
        (None, None) => None,
        _ => {
            return Err(value_error(
                path,
                "tls",
                "certificate and key go together; give both, or none for the hub's own",
            ));
        }
    };
    Ok(Tls { listen: raw.listen, names: raw.names, files })
}

/// How a console runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// Address of the hub, or `None` for one in the same process.
    pub hub: Option<String>,
    /// A file with the hub's admin token.
    pub token_file: Option<PathBuf>,
    /// Who looks.
    pub user: UserName,
    /// Other consoles.
    pub peers: Peers,
    /// What the console does beside its screen.
    pub outward: Outward,
    /// The keymap, and the line of `config.toml` that names it.
    pub keymap: Option<(String, usize)>,
    /// What is logged, checked, where the file says.
    pub log_level: Option<String>,
    /// Lines instead of a screen.
    pub plain: bool,
    /// Charts in braille dots instead of ASCII.
    pub braille: bool,
    /// How the screen looks.
    pub look: Look,
    /// Guards before its keys.
    pub guards: Guards,
}

/// Where other consoles are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peers {
    /// `host:port` of consoles that listen.
    pub call: Vec<String>,
    /// Directories where consoles of one machine have their sockets.
    pub dirs: Vec<PathBuf>,
    /// Where this console listens.
    pub listen: Option<SocketAddr>,
}

impl Peers {
    /// Returns whether this console speaks to others at all.
    pub fn is_on(&self) -> bool {
        !self.call.is_empty() || !self.dirs.is_empty() || self.listen.is_some()
    }

    fn resolve(path: &Path, peers: &[String], listen: Option<SocketAddr>) -> Result<Self, ConfigError> {
        let mut resolved = Self { listen, ..Self::default() };
        for text in peers {
            let host = text.strip_prefix("https://").map(|rest| rest.trim_end_matches('/'));
            let dir = text.strip_prefix("unix:").map(Path::new).filter(|dir| dir.is_absolute());
            let is_host = |host: &&str| {
                let port =
                    host.rsplit_once(':').is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
                port && !host.contains(['/', '@', '?', '#', ' '])
            };
            match (host.filter(is_host), dir) {
                (Some(host), _) => resolved.call.push(host.to_owned()),
                (None, Some(dir)) => resolved.dirs.push(dir.to_owned()),
                (None, None) => {
                    let why = format!("{text:?} is no peer; write https://host:port or unix:/directory");
                    return Err(value_error(path, "peers", why));
                }
            }
        }
        Ok(resolved)
    }
}

impl Console {
    /// Returns what `config.toml` says, or the defaults when there is none; `login` is the name for who wrote none.
    ///
    /// # Errors
    /// [`ConfigError`] names the place.
    pub fn read(paths: &Paths, hub: Option<String>, login: &str) -> Result<Self, ConfigError> {
        let path = paths.config.join("config.toml");
        let raw: RawConsole = if path.exists() { read(&path)? } else { RawConsole::default() };
        let user = match &raw.user {
            Some(user) => UserName::parse(user).map_err(|error| value_error(&path, "user", error.to_string()))?,
            None => UserName::parse(login).unwrap_or_else(|_| UserName::parse("me").expect("a plain word is a name")),
        };
        let token_file = raw.token_file.map(|file| paths.config.join(file));
        let peers = Peers::resolve(&path, &raw.peers, raw.listen_peers)?;
        let keymap = raw.keymap.map(|name| (name.get_ref().clone(), line_of(&path, name.span().start)));
        if let Some(level) = &raw.log_level {
            log::check_level(level).map_err(|error| value_error(&path, "log_level", error.to_string()))?;
        }
        let theme = raw.theme.map(|name| (name.get_ref().clone(), line_of(&path, name.span().start)));
        let RawConsole { notify, clipboard, clipboard_command, open, .. } = raw;
        let outward = Outward::resolve(&path, outward::Raw { notify, clipboard, clipboard_command, open })?;
        Ok(Self {
            hub: hub.or(raw.hub),
            token_file,
            user,
            peers,
            outward,
            log_level: raw.log_level,
            plain: raw.ui.plain.unwrap_or(false),
            braille: raw.ui.braille(&path)?,
            look: Look { theme, colors: raw.colors, ascii: raw.ui.ascii.unwrap_or(false) },
            guards: Guards::resolve(&path, raw.readonly, raw.arm_after_idle.as_deref())?,
            keymap,
        })
    }
}

/// Returns the line in which that byte of a file stands; 1 where the file cannot be read any more.
fn line_of(path: &Path, byte: usize) -> usize {
    let text = std::fs::read(path).unwrap_or_default();
    text.iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ConfigError> {
    parse(path, &text(path)?)
}

fn text(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        ConfigError::Parse { path: path.to_owned(), line, why: error.message().to_owned() }
    })
}

/// Returns the span that a text such as `10m`, `1h 30m` or `500ms` names.
fn parse_span(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok()
}

fn bad_span(path: &Path, field: &str, text: &str) -> ConfigError {
    value_error(path, field, format!("{text:?} is not a span of time; write 10m, 90s or 1h 30m"))
}

fn value_error(path: &Path, field: &str, why: impl Into<String>) -> ConfigError {
    ConfigError::Value { path: path.to_owned(), field: field.to_owned(), why: why.into() }
}

#[cfg(test)]
mod tests {
    mod book;

    use super::*;

    fn hub(text: &str) -> Result<Hub, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.toml");
        std::fs::write(&path, text).unwrap();
        Hub::read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "hub.toml"))
    }

    #[test]
    fn spans_and_limits_are_read() {
        let hub = hub(
            "[timing]\nflap_window = \"2s\"\n[limits]\nqueued_alerts = 5\n[identity]\nignored_labels = [\"replica\"]",
        )
        .unwrap();
        assert_eq!((hub.timing.flap_window, hub.queued_alerts_max), (Duration::from_secs(2), 5));
        assert!(!hub.identity.counts("replica"));
    }

    fn example(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
    }

    #[test]
    fn the_example_of_a_hub_says_the_defaults() {
        let (example, default) = (Hub::read(&example("hub.toml")).unwrap(), Hub::default());
        assert_eq!(format!("{example:?}"), format!("{default:?}"));
    }

    #[test]
    fn the_example_of_a_console_loads() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::find(Some(home.path().to_owned())).unwrap();
        std::fs::create_dir(&paths.config).unwrap();
        std::fs::copy(example("console.toml"), paths.config.join("config.toml")).unwrap();
        let console = Console::read(&paths, None, "login").unwrap();
        assert_eq!((console.user.as_str(), console.hub.as_deref()), ("mira", Some("http://127.0.0.1:7400")));
        assert_eq!(Console::read(&paths, Some("unix:/x".into()), "login").unwrap().hub.as_deref(), Some("unix:/x"));
    }

    fn console(text: &str) -> Result<Console, String> {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::find(Some(home.path().to_owned())).unwrap();
        std::fs::create_dir(&paths.config).unwrap();
        std::fs::write(paths.config.join("config.toml"), text).unwrap();
        let place = format!("{}/", paths.config.display());
        Console::read(&paths, None, "login").map_err(|error| error.to_string().replace(&place, ""))
    }

    #[test]
    fn what_a_console_does_beside_its_screen_is_read() {
        assert_eq!(console("").unwrap().outward, Outward::default());
        let text =
            "clipboard = \"tmux\"\nopen = [\"w3m\"]\n[notify]\nosc = \"777\"\ntmux = true\ncommand = [\"x\", \"y z\"]";
        let outward = console(text).unwrap().outward;
        assert_eq!((outward.clipboard, outward.osc, outward.tmux), (Clipboard::Tmux, Osc::Urxvt, true));
        assert_eq!((outward.open.len(), outward.command.len()), (1, 2));
        let wrong = |text: &str| console(text).unwrap_err();
        assert_eq!(
            wrong("clipboard = \"osc\""),
            "config.toml: clipboard: \"osc\" is none of auto, tmux, osc52, native, file, command, off"
        );
        assert!(wrong("clipboard = \"command\"").contains("clipboard_command"));
        assert!(wrong("[notify]\nosc = \"8\"").contains("notify.osc: \"8\" is none of auto, 9, 777, 99, off"));
        assert!(wrong("[notify]\ncommand = [\"ntfy publish x\"]").contains("notify.command"));
        assert!(wrong("[notify]\nbell = true").contains("config.toml: line 2"));
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        assert!(hub("[timing]\nflap = \"2s\"").unwrap_err().contains("line 2"));
        assert_eq!(
            hub("[timing]\nack_lease = \"soon\"").unwrap_err(),
            "hub.toml: timing.ack_lease: \"soon\" is not a span of time; write 10m, 90s or 1h 30m"
        );
        assert!(hub("[limits]\nconnections = 0").unwrap_err().contains("limits.connections"));
        for wrong in ["names = [\"hub:7400\"]", "names = [\"\"]", "key = \"x.key\""] {
            assert!(hub(&format!("[tls]\n{wrong}")).unwrap_err().contains("tls"), "{wrong}");
        }
        assert!(hub("[tls]\ninsecure = true").unwrap_err().contains("line 2"), "nothing skips a check");
    }
}
