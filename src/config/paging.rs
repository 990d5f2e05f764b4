//! The part of `hub.toml` that says who is called, by what, and who hears that the hub lives.

use super::{ConfigError, parse_span, value_error};
use crate::domain::id::UserName;
use crate::domain::paging::{CONSOLE, Callee, DEFAULT_POLICY, Level, Link, Paging, Shift};
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The word for whoever the list says.
const ON_CALL: &str = "on-call";
/// The word for everybody.
const EVERYONE: &str = "everyone";
/// The longest that a message waits for others to come with it: longer, and it would be silence.
const BUNDLE_MAX: Duration = Duration::from_secs(120);
/// How much of a lease is left for the answer to be written down once a channel's time is over.
const LEASE_MARGIN: Duration = Duration::from_secs(1);
/// Shorter, and there would be no time for an attempt.
const LEASE_MIN: Duration = Duration::from_secs(2);
/// Longer, and the death of a hub would hold a page back for too long.
const LEASE_MAX: Duration = Duration::from_secs(60);
/// Attempts after the first that a channel may be given.
const RETRIES_MAX: usize = 10;

/// What stands in `hub.toml` about calling people.
pub(super) struct Raw {
    pub level: Vec<RawLevel>,
    pub policy: Vec<RawPolicy>,
    pub on_call: Vec<RawShift>,
    pub person: Vec<RawPerson>,
    pub channel: Vec<RawChannel>,
    pub paging: RawPaging,
    pub heartbeat: Option<RawHeartbeat>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLevel {
    call: Vec<String>,
    within: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    name: String,
    levels: Vec<RawLevel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShift {
    person: String,
    from: When,
    to: When,
}

/// A time as TOML writes it, or as a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum When {
    Toml(toml::value::Datetime),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPerson {
    name: String,
    chain: Vec<RawLink>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLink {
    channel: String,
    after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChannel {
    name: String,
    kind: String,
    url_file: Option<PathBuf>,
    format: Option<String>,
    run: Option<Vec<String>>,
    timeout: Option<String>,
    retry: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPaging {
    down_to: Option<String>,
    bundle: Option<String>,
    lease: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHeartbeat {
    url_file: PathBuf,
    every: Option<String>,
}

/// A way to reach people beside their consoles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// What chains call it.
    pub name: String,
    /// How it sends.
    pub by: Sender,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The pauses before the second attempt, the third and so on; after the last one the channel has failed.
    pub retry: Vec<Duration>,
}

/// How a channel sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A POST to the URL that lies in a file (0600): it often holds a secret.
    Webhook {
        /// The file.
        url_file: PathBuf,
        /// What is posted.
        format: Format,
    },
    /// A program, with the message as JSON on its standard input.
    Command {
        /// The program, absolute, and its arguments.
        run: Vec<String>,
    },
}

/// What a webhook posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text, with title, priority and tags as headers: ntfy's form.
    Ntfy,
    /// One JSON object.
    Json,
}

/// Who hears at intervals that the hub lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The file (0600) with the URL.
    pub url_file: PathBuf,
    /// The interval.
    pub every: Duration,
}

/// All of it, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calling {
    pub paging: Paging,
    pub channels: Vec<Channel>,
    pub page_lease: Duration,
    pub heartbeat: Option<Heartbeat>,
}

/// How long one attempt to send a page may take before it is made again.
pub(super) const PAGE_LEASE: Duration = Duration::from_secs(20);
/// How long a provider may take (THREATS.md, section 5).
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between attempts (THREATS.md, section 5).
const RETRY: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];
/// How often the hub says that it lives (THREATS.md, section 5).
const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);

/// Returns what the file says, in relation to the directory that it lies in.
pub(super) fn resolve(path: &Path, raw: Raw) -> Result<Calling, ConfigError> {
    let file = File { path, base: path.parent().unwrap_or(Path::new(".")) };
    let default = Paging::default();
    let bundle = file.span_or("paging.bundle", &raw.paging.bundle, default.bundle)?;
    if bundle > BUNDLE_MAX {
        return Err(file.error("paging.bundle", "at most 2m: a message that waits longer is silence"));
    }
    let page_lease = file.span_or("paging.lease", &raw.paging.lease, PAGE_LEASE)?;
    if !(LEASE_MIN..=LEASE_MAX).contains(&page_lease) {
        return Err(file.error("paging.lease", "2s is the shortest, 1m the longest"));
    }
    let channels = file.channels(raw.channel, page_lease)?;
    let chains = file.chains(raw.person, &channels)?;
    let levels = if raw.level.is_empty() { default.levels } else { file.levels("", raw.level)? };
    let policies = file.policies(raw.policy)?;
    let on_call = file.on_call(raw.on_call)?;
    let heartbeat = raw.heartbeat.map(|raw| file.heartbeat(raw)).transpose()?;
    let down_to = match &raw.paging.down_to {
        Some(text) => Severity::from_label(text)
            .ok_or_else(|| file.error("paging.down_to", format!("{text:?} is no severity; write S1 (worst) to S9")))?,
        None => default.down_to,
    };
    let paging = Paging { levels, policies, on_call, chains, bundle, down_to };
    Ok(Calling { paging, channels, page_lease, heartbeat })
}

/// The file that is read, for paths and for errors.
struct File<'a> {
    path: &'a Path,
    base: &'a Path,
}

impl File<'_> {
    fn error(&self, field: &str, why: impl Into<String>) -> ConfigError {
        value_error(self.path, field, why)
    }

    fn span(&self, field: &str, text: &str) -> Result<Duration, ConfigError> {
        parse_span(text).ok_or_else(|| super::bad_span(self.path, field, text))
    }

    /// Returns a span that is not zero.
    fn span_or(&self, field: &str, text: &Option<String>, default: Duration) -> Result<Duration, ConfigError> {
        let span = text.as_ref().map_or(Ok(default), |text| self.span(field, text))?;
        if span < Duration::from_secs(1) { Err(self.error(field, "1s is the shortest")) } else { Ok(span) }
    }

    fn person(&self, field: &str, name: &str) -> Result<UserName, ConfigError> {
        if name == ON_CALL || name == EVERYONE {
            return Err(self.error(field, format!("{name:?} is a word of levels and no person's name")));
        }
        UserName::parse(name).map_err(|error| self.error(field, error.to_string()))
    }

    fn levels(&self, of: &str, raw: Vec<RawLevel>) -> Result<Vec<Level>, ConfigError> {
        let level = |(index, raw): (usize, RawLevel)| {
            let field = |part: &str| format!("{of}level {}: {part}", index + 1);
            if raw.call.is_empty() {
                let why = format!("nobody is called; write {ON_CALL:?}, {EVERYONE:?} or names");
                return Err(self.error(&field("call"), why));
            }
            let callee = |name: &String| match name.as_str() {
                ON_CALL => Ok(Callee::OnCall),
                EVERYONE => Ok(Callee::Everyone),
                name => self.person(&field("call"), name).map(Callee::Person),
            };
            let call = raw.call.iter().map(callee).collect::<Result<_, _>>()?;
            let within = self.span_or(&field("within"), &raw.within, Paging::default().within(DEFAULT_POLICY, 0))?;
            Ok(Level { call, within })
        };
        raw.into_iter().enumerate().map(level).collect()
    }

    fn policies(&self, raw: Vec<RawPolicy>) -> Result<BTreeMap<String, Vec<Level>>, ConfigError> {
        let mut policies = BTreeMap::new();
        for RawPolicy { name, levels } in raw {
            let field = format!("policy {name}: ");
            if name.is_empty() || name == DEFAULT_POLICY {
                let why = "the policy called \"default\" is what stands in [[level]]; give this one another name";
                return Err(self.error("policy", why));
            }
            if levels.is_empty() {
                return Err(self.error(&format!("{field}levels"), "nobody is called; write [{ call = [\"on-call\"] }]"));
            }
            let levels = self.levels(&field, levels)?;
            if policies.insert(name.clone(), levels).is_some() {
                return Err(self.error(field.trim_end_matches(": "), "it stands there twice"));
            }
        }
        Ok(policies)
    }

    fn on_call(&self, raw: Vec<RawShift>) -> Result<Vec<Shift>, ConfigError> {
        let shift = |(index, raw): (usize, RawShift)| {
            let field = |part: &str| format!("on_call {}: {part}", index + 1);
            let time = |part: &str, when: &When| {
                let text = match when {
                    When::Toml(time) => time.to_string(),
                    When::Text(text) => text.clone(),
                };
                Timestamp::parse(&text).map_err(|error| self.error(&field(part), error.to_string()))
            };
            let person = self.person(&field("person"), &raw.person)?;
            let (from, to) = (time("from", &raw.from)?, time("to", &raw.to)?);
            if to <= from {
                return Err(self.error(&field("to"), format!("the shift of {person} ends before it begins")));
            }
            Ok(Shift { person, from, to })
        };
        raw.into_iter().enumerate().map(shift).collect()
    }

    fn chains(&self, raw: Vec<RawPerson>, channels: &[Channel]) -> Result<BTreeMap<UserName, Vec<Link>>, ConfigError> {
        let mut chains = BTreeMap::new();
        for RawPerson { name, chain } in raw {
            let person = self.person("person", &name)?;
            let field = format!("person {person}: chain");
            if chain.is_empty() {
                return Err(self.error(&field, "it is empty; leave the person out for consoles alone"));
            }
            let links = chain.into_iter().map(|link| self.link(&field, link, channels)).collect::<Result<_, _>>()?;
            if chains.insert(person.clone(), links).is_some() {
                return Err(self.error("person", format!("{person} stands there twice")));
            }
        }
        Ok(chains)
    }

    fn link(&self, field: &str, raw: RawLink, channels: &[Channel]) -> Result<Link, ConfigError> {
        let known = raw.channel == CONSOLE || channels.iter().any(|channel| channel.name == raw.channel);
        if !known {
            let names: Vec<_> =
                [CONSOLE].into_iter().chain(channels.iter().map(|channel| channel.name.as_str())).collect();
            let why = format!("no channel is called {:?}; there are: {}", raw.channel, names.join(", "));
            return Err(self.error(field, why));
        }
        let after = raw.after.map_or(Ok(Duration::ZERO), |text| self.span(&format!("{field}: after"), &text))?;
        Ok(Link { channel: raw.channel, after })
    }

    fn channels(&self, raw: Vec<RawChannel>, page_lease: Duration) -> Result<Vec<Channel>, ConfigError> {
        let mut names = BTreeSet::from([CONSOLE.to_owned()]);
        let mut channels = Vec::new();
        for raw in raw {
            // What a name may be is the same for all names.
            let name = UserName::parse(&raw.name)
                .map(String::from)
                .map_err(|_| self.error("channel", format!("{:?} is no name: use a-z A-Z 0-9 . _ @ -", raw.name)))?;
            if !names.insert(name.clone()) {
                let why = if name == CONSOLE { "console is always there" } else { "it stands there twice" };
                return Err(self.error(&format!("channel {name}"), why));
            }
            channels.push(self.channel(name, raw, page_lease)?);
        }
        Ok(channels)
    }

    fn channel(&self, name: String, raw: RawChannel, page_lease: Duration) -> Result<Channel, ConfigError> {
        let field = |part: &str| format!("channel {name}: {part}");
        let by = self.sender(&name, &raw)?;
        let timeout = self.span_or(&field("timeout"), &raw.timeout, TIMEOUT.min(page_lease - LEASE_MARGIN))?;
        if timeout + LEASE_MARGIN > page_lease {
            let why = "an attempt must end 1s or more before paging.lease, or it is made twice";
            return Err(self.error(&field("timeout"), why));
        }
        let retry = match &raw.retry {
            None => RETRY.to_vec(),
            Some(pauses) if pauses.len() > RETRIES_MAX => {
                return Err(self.error(&field("retry"), format!("at most {RETRIES_MAX} further attempts")));
            }
            Some(pauses) => pauses.iter().map(|pause| self.span(&field("retry"), pause)).collect::<Result<_, _>>()?,
        };
        Ok(Channel { name, by, timeout, retry })
    }

    fn sender(&self, name: &str, raw: &RawChannel) -> Result<Sender, ConfigError> {
        let field = |part: &str| format!("channel {name}: {part}");
        let foreign = |fields: &[(&str, bool)]| match fields.iter().find(|(_, given)| *given) {
            Some((part, _)) => Err(self.error(&field(part), format!("a {} has none", raw.kind))),
            None => Ok(()),
        };
        match raw.kind.as_str() {
            "webhook" => {
                foreign(&[("run", raw.run.is_some())])?;
                let file = raw.url_file.as_ref();
                let file =
                    file.ok_or_else(|| self.error(&field("url_file"), "a webhook needs the file with its URL"))?;
                let format = match raw.format.as_deref() {
                    Some("ntfy") => Format::Ntfy,
                    None | Some("json") => Format::Json,
                    Some(other) => {
                        let why = format!("{other:?} is not known; write \"ntfy\" or \"json\"");
                        return Err(self.error(&field("format"), why));
                    }
                };
                Ok(Sender::Webhook { url_file: self.base.join(file), format })
            }
            "command" => {
                foreign(&[("url_file", raw.url_file.is_some()), ("format", raw.format.is_some())])?;
                let run = raw.run.clone().unwrap_or_default();
                if !run.first().is_some_and(|program| Path::new(program).is_absolute()) {
                    let why = "a command needs its program with the whole path, and its arguments: no shell reads it";
                    return Err(self.error(&field("run"), why));
                }
                Ok(Sender::Command { run })
            }
            other => {
                let why = format!("{other:?} is not known; write \"webhook\" or \"command\"");
                Err(self.error(&field("kind"), why))
            }
        }
    }

    fn heartbeat(&self, raw: RawHeartbeat) -> Result<Heartbeat, ConfigError> {
        let every = self.span_or("heartbeat.every", &raw.every, HEARTBEAT_EVERY)?;
        Ok(Heartbeat { url_file: self.base.join(raw.url_file), every })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Format, Hub, Sender};
    use crate::domain::id::UserName;
    use crate::domain::paging::Callee;
    use crate::domain::time::Timestamp;
    use std::time::Duration;

    fn read(text: &str) -> Result<Hub, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.toml");
        std::fs::write(&path, text).unwrap();
        Hub::read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "hub.toml"))
    }

    #[track_caller]
    fn check(text: &str, wanted: &str) {
        assert_eq!(read(text).map(|_| ()).unwrap_err(), format!("hub.toml: {wanted}"), "{text}");
    }

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap()
    }

    /// Everything that the example mentions only in comments.
    fn whole_example() -> String {
        let text = include_str!("../../examples/hub.toml");
        let setting = |line: &str| {
            let word = line.split([' ', '=']).next().unwrap_or_default();
            line.starts_with('[') || (line.contains(" = ") && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        };
        let open = |line: &str| match line.strip_prefix("# ") {
            Some(inner) if setting(inner) => format!("{inner}\n"),
            _ => format!("{line}\n"),
        };
        text.lines().map(open).collect()
    }

    #[test]
    fn what_the_example_says_in_comments_can_be_used_too() {
        let hub = read(&whole_example()).unwrap();
        let senders: Vec<_> = hub.channels.iter().map(|channel| (channel.name.as_str(), &channel.by)).collect();
        assert!(matches!(senders[0], ("phone", Sender::Webhook { format: Format::Ntfy, .. })), "{senders:?}");
        assert!(matches!(senders[1], ("sms", Sender::Command { .. })), "{senders:?}");
        assert_eq!(hub.paging.chains[&name("mira")].len(), 3);
        assert_eq!(hub.paging.on_call.len(), 2);
        assert_eq!(hub.paging.levels.len(), 3);
        assert_eq!(hub.heartbeat.map(|heartbeat| heartbeat.every), Some(Duration::from_secs(30)));
    }

    #[test]
    fn levels_shifts_and_chains_are_read() {
        let hub = read(
            "[[level]]\ncall = [\"on-call\", \"jonas\"]\nwithin = \"3s\"\n[[level]]\ncall = [\"everyone\"]\n\
             [[on_call]]\nperson = \"mira\"\nfrom = 2026-01-01T20:00:00+01:00\nto = \"2026-01-02T08:00:00Z\"\n\
             [[person]]\nname = \"mira\"\nchain = [{ channel = \"console\" }, { channel = \"p\", after = \"1m\" }]\n\
             [[channel]]\nname = \"p\"\nkind = \"webhook\"\nurl_file = \"p.url\"\nretry = []\n\
             [paging]\nbundle = \"2s\"\nlease = \"4s\"\ndown_to = \"S9\"",
        )
        .unwrap();
        assert_eq!(hub.paging.levels[0].call, [Callee::OnCall, Callee::Person(name("jonas"))]);
        assert_eq!(hub.paging.levels[0].within, Duration::from_secs(3));
        assert_eq!(hub.paging.levels[1].within, Duration::from_secs(300), "what is not said is the default");
        assert_eq!(hub.paging.on_call[0].from, Timestamp::parse("2026-01-01T19:00:00Z").unwrap());
        assert_eq!(hub.paging.chains[&name("mira")][1].after, Duration::from_secs(60));
        assert_eq!((hub.paging.bundle, hub.paging.down_to.number()), (Duration::from_secs(2), 9));
        let channel = &hub.channels[0];
        assert_eq!(
            (channel.timeout, channel.retry.len()),
            (Duration::from_secs(3), 0),
            "an attempt ends within its lease"
        );
        assert!(matches!(&channel.by, Sender::Webhook { url_file, .. } if url_file.is_absolute()));
    }

    #[test]
    fn a_mistake_in_who_is_called_names_its_place() {
        let webhook = "[[channel]]\nname = \"p\"\nkind = \"webhook\"\nurl_file = \"u\"\n";
        check("[[level]]\ncall = []", "level 1: call: nobody is called; write \"on-call\", \"everyone\" or names");
        check(
            "[[level]]\ncall = [\"mi ra\"]",
            "level 1: call: \"mi ra\" is not a user name: use 1 to 64 of a-z A-Z 0-9 . _ @ -",
        );
        check("[[level]]\ncall = [\"on-call\"]\nwithin = \"0s\"", "level 1: within: 1s is the shortest");
        check(
            "[[on_call]]\nperson = \"mira\"\nfrom = \"2026-01-02T08:00:00Z\"\nto = \"2026-01-01T08:00:00Z\"",
            "on_call 1: to: the shift of mira ends before it begins",
        );
        check(
            "[[on_call]]\nperson = \"mira\"\nfrom = 2026-01-02T08:00:00\nto = \"2026-01-01T08:00:00Z\"",
            "on_call 1: from: \"2026-01-02T08:00:00\" is not an RFC 3339 time such as 2026-01-31T03:16:02Z",
        );
        check(
            &format!("{webhook}[[person]]\nname = \"mira\"\nchain = [{{ channel = \"fax\" }}]"),
            "person mira: chain: no channel is called \"fax\"; there are: console, p",
        );
        check(
            "[[person]]\nname = \"mira\"\nchain = []",
            "person mira: chain: it is empty; leave the person out for consoles alone",
        );
        check(
            "[[person]]\nname = \"on-call\"\nchain = []",
            "person: \"on-call\" is a word of levels and no person's name",
        );
        let person = "[[person]]\nname = \"mira\"\nchain = [{ channel = \"console\" }]\n";
        check(&format!("{person}{person}"), "person: mira stands there twice");
        check(&format!("{webhook}{webhook}"), "channel p: it stands there twice");
        check("[[channel]]\nname = \"console\"\nkind = \"webhook\"", "channel console: console is always there");
        check(
            "[[channel]]\nname = \"p\"\nkind = \"fax\"",
            "channel p: kind: \"fax\" is not known; write \"webhook\" or \"command\"",
        );
        check(
            "[[channel]]\nname = \"p\"\nkind = \"webhook\"",
            "channel p: url_file: a webhook needs the file with its URL",
        );
        check(&format!("{webhook}run = [\"/x\"]"), "channel p: run: a webhook has none");
        check(
            &format!("{webhook}format = \"xml\""),
            "channel p: format: \"xml\" is not known; write \"ntfy\" or \"json\"",
        );
        check(
            "[[channel]]\nname = \"c\"\nkind = \"command\"\nrun = [\"sh\"]",
            "channel c: run: a command needs its program with the whole path, and its arguments: no shell reads it",
        );
        check(
            &format!("{webhook}timeout = \"20s\""),
            "channel p: timeout: an attempt must end 1s or more before paging.lease, or it is made twice",
        );
        check("[paging]\nbundle = \"1h\"", "paging.bundle: at most 2m: a message that waits longer is silence");
        check("[paging]\nlease = \"1s\"", "paging.lease: 2s is the shortest, 1m the longest");
        check("[paging]\ndown_to = \"bad\"", "paging.down_to: \"bad\" is no severity; write S1 (worst) to S9");
        check(
            "[heartbeat]\nurl_file = \"u\"\nevery = \"often\"",
            "heartbeat.every: \"often\" is not a span of time; write 10m, 90s or 1h 30m",
        );
        assert!(read("[paging]\nbundel = \"2s\"").unwrap_err().contains("line 2"));
        assert!(read("[heartbeat]\nevery = \"2s\"").unwrap_err().contains("url_file"));
    }

    #[test]
    fn somebody_without_a_chain_may_stand_in_a_level() {
        assert!(read("[[level]]\ncall = [\"mira\"]").unwrap().paging.chains.is_empty());
    }
}
