//! `[[source]]` of `hub.toml`: who sends, and by what it shows that it lives.

use super::{ConfigError, bad_span, parse_span, value_error};
use crate::domain::id::SourceName;
use crate::domain::source::{Expected, Way};
use crate::query::Query;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hub speaks of itself by this name.
const OWN: &str = "nightdesk";
/// The spans in which a source can be expected to speak.
const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(400 * 86_400);
/// How often a source is expected that gives a heartbeat and no span.
const EVERY_DEFAULT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    name: SourceName,
    token_file: Option<PathBuf>,
    heartbeat: Option<String>,
    #[serde(default)]
    ping: bool,
    every: Option<String>,
}

/// A source that the configuration names.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name.
    pub name: SourceName,
    /// A file (0600) with its token; `None`: the token for all sources is its own.
    pub token_file: Option<PathBuf>,
    /// What is expected of it; `None`: it may be silent.
    pub expected: Option<Expected>,
    /// Which of its alerts show that it lives, where a query says so.
    pub heartbeat: Option<Query>,
}

/// Returns the sources, ready to use.
pub(super) fn resolve(path: &Path, base: &Path, raw: Vec<RawSource>) -> Result<Vec<Source>, ConfigError> {
    let mut sources: Vec<Source> = Vec::with_capacity(raw.len());
    for source in raw {
        let field = |key: &str| format!("source {}: {key}", source.name);
        if sources.iter().any(|known| known.name == source.name) {
            return Err(value_error(path, &field("name"), "two sources have it; each must have its own"));
        }
        if source.name.as_str() == OWN {
            return Err(value_error(path, &field("name"), "the hub speaks of itself by it; choose another"));
        }
        let heartbeat = source
            .heartbeat
            .as_deref()
            .map(|text| query(text).map_err(|why| value_error(path, &field("heartbeat"), why)));
        let heartbeat = heartbeat.transpose()?;
        let way = match (&heartbeat, source.ping, &source.every) {
            (Some(_), true, _) => {
                let why = "a source that pings has no heartbeat among its alerts; leave one of heartbeat and ping out";
                return Err(value_error(path, &field("ping"), why));
            }
            (Some(_), false, _) => Some(Way::Heartbeat),
            (None, true, _) => Some(Way::Ping),
            (None, false, Some(_)) => Some(Way::Any),
            (None, false, None) => None,
        };
        let every = match &source.every {
            None if source.ping => {
                return Err(value_error(path, &field("every"), "say how often the job runs, such as \"24h\""));
            }
            None => EVERY_DEFAULT,
            Some(text) => parse_span(text).ok_or_else(|| bad_span(path, &field("every"), text))?,
        };
        if !EVERY.contains(&every) {
            return Err(value_error(path, &field("every"), "it must be from 1s to 400 days"));
        }
        let expected = way.map(|way| Expected { way, every_ms: every.as_millis() as u64 });
        let token_file = source.token_file.map(|file| base.join(file));
        sources.push(Source { name: source.name, token_file, expected, heartbeat });
    }
    Ok(sources)
}

/// Reads a heartbeat's query; everything would make a heartbeat of each alert, and nothing would ever be an incident.
fn query(text: &str) -> Result<Query, String> {
    let query = Query::parse(text).map_err(|error| error.to_string())?;
    if query.is_all() {
        return Err("every alert would be a heartbeat; name one, such as '{alertname=\"Watchdog\"}'".into());
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Hub;

    fn read(text: &str) -> Result<Vec<Source>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.toml");
        std::fs::write(&path, text).unwrap();
        let hub = Hub::read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "hub.toml"));
        hub.map(|hub| hub.sources)
    }

    #[test]
    fn a_source_says_by_what_it_lives() {
        let text = r#"
            [[source]]
            name = "prom-eu"
            token_file = "eu.token"
            heartbeat = '{alertname="Watchdog"}'
            every = "2m"
            [[source]]
            name = "backup"
            ping = true
            every = "24h"
            [[source]]
            name = "grafana"
            every = "1h"
            [[source]]
            name = "quiet"
        "#;
        let sources = read(text).unwrap();
        let expected: Vec<_> = sources.iter().map(|source| source.expected.map(|of| (of.way, of.every_ms))).collect();
        let day = 86_400_000;
        assert_eq!(
            expected,
            [Some((Way::Heartbeat, 120_000)), Some((Way::Ping, day)), Some((Way::Any, day / 24)), None]
        );
        assert_eq!(sources[0].heartbeat, Some(Query::parse("{alertname=\"Watchdog\"}").unwrap()));
    }

    #[test]
    fn what_has_no_sense_names_the_source_and_the_way_out() {
        let why = |rest: &str| read(&format!("[[source]]\nname = \"a\"\n{rest}")).unwrap_err();
        assert!(why("heartbeat = '{'").starts_with("hub.toml: source a: heartbeat: "));
        assert!(why("heartbeat = ''").contains("every alert would be a heartbeat"));
        assert!(why("ping = true").contains("how often the job runs"));
        assert!(why("ping = true\nheartbeat = 'a=b'\nevery = '1m'").contains("leave one"));
        assert!(why("every = 'soon'").contains("not a span of time"));
        assert!(why("every = '0s'").contains("from 1s"));
        assert!(why("[[source]]\nname = \"a\"").contains("each must have its own"));
        assert!(read("[[source]]\nname = \"nightdesk\"").unwrap_err().contains("choose another"));
    }
}
