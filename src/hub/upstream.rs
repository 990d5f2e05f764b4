//! Alertmanagers in front: what they silence and inhibit calls nobody here. One that cannot be asked hides nothing for long.

use super::metrics::BySource;
use super::{Hub, fold, own};
use crate::domain::item::Silence;
use crate::domain::silence::{Upstream, WORDS_MAX};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::notify;
use crate::query::Query;
use crate::query::silencing::{LabelMatcher, braces};
use crate::rules::Alertmanager;
use crate::store::file;
use crate::store::hub::Fronts;
use crate::sync::clock;
use crate::sync::device::random;
use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long one answer may take.
const WITHIN: Duration = Duration::from_secs(10);
/// Longest answer.
const BODY_MAX: usize = 8 * 1024 * 1024;
/// Silences of one Alertmanager that count.
const SILENCES_MAX: usize = 256;
/// Inhibited alerts of one Alertmanager that count.
const INHIBITED_MAX: usize = 1000;
/// Failures in a row after which what it said hides nothing any more.
const FAILURES: u32 = 3;
/// The longest wait between two failed polls: the hub's alert about it burns for longer.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Asks all Alertmanagers in front until the hub stops; others from the next reload on.
pub async fn run(hub: Arc<Hub>) {
    let mut fronts = hub.fronts.subscribe();
    loop {
        let now_configured = fronts.borrow_and_update().clone();
        let mut all = BTreeMap::new();
        for one in now_configured {
            match Front::prepare(&one) {
                Ok(front) => drop(all.insert(front.name.clone(), front)),
                Err(why) => cannot_ask(&hub, &one, &why).await,
            }
        }
        let configured: BTreeSet<String> = all.keys().cloned().collect();
        // What was said by others, before a restart among them, hides nothing.
        hear(&hub, Fronts { configured: configured.clone(), said: None }).await;
        let mut tasks = tokio::task::JoinSet::new();
        for front in all.into_values() {
            tasks.spawn(ask(hub.clone(), front, configured.clone()));
        }
        tokio::select! {
            changed = fronts.changed() => if changed.is_err() { return },
            () = hub.stop.cancelled() => return,
        }
        // Polls under way are dropped; whatever they had written is right.
        tasks.shutdown().await;
    }
}

async fn cannot_ask(hub: &Hub, one: &Alertmanager, why: &str) {
    tracing::error!(why, "an Alertmanager in front cannot be asked");
    let summary = format!("an Alertmanager in front cannot be asked, so what it hides pages: {}", line(why, 200));
    let place = line(&one.url, 200);
    // What stands before an @ may be a password.
    let place = place.rsplit('@').next().unwrap_or_default();
    let event =
        own::alert("NightdeskUpstreamUnheard", ("upstream", place), &summary, &hub.config.identity, clock::now());
    fold::raise(hub, event).await;
}

async fn hear(hub: &Hub, fronts: Fronts) {
    loop {
        match hub.store.hear_fronts(fronts.clone(), clock::now()).await {
            Ok(due) => {
                hub.committed(&due.committed);
                if !due.more {
                    return;
                }
            }
            Err(error) => return fold::failed(hub, &error),
        }
    }
}

async fn ask(hub: Arc<Hub>, front: Front, configured: BTreeSet<String>) {
    let mut failures = 0u32;
    let by = BySource { source: front.name.clone() };
    loop {
        let wait = match front.poll(clock::now()).await {
            Ok(hidden) => {
                if failures >= FAILURES {
                    tracing::info!(upstream = front.name, "this Alertmanager answers again: what it hides counts");
                }
                failures = 0;
                hub.metrics.upstream_hidden.get_or_create(&by).set(hidden.silences.len() as i64);
                if hidden.left_out > 0 {
                    let left_out = hidden.left_out;
                    tracing::warn!(upstream = front.name, left_out, "not all that it hides can be taken; that pages");
                }
                let said = Some((front.name.clone(), hidden.silences));
                hear(&hub, Fronts { configured: configured.clone(), said }).await;
                front.every
            }
            Err(why) => {
                failures = failures.saturating_add(1);
                tracing::warn!(upstream = front.name, failures, why, "an Alertmanager in front was not heard");
                if failures >= FAILURES {
                    hub.metrics.upstream_hidden.get_or_create(&by).set(0);
                    fail_open(&hub, &front.name, &configured, &why).await;
                }
                backoff(front.every, failures)
            }
        };
        hub.metrics.upstream_failures.get_or_create(&by).set(i64::from(failures));
        tokio::time::sleep(wait).await;
    }
}

/// Lets what it hid page, and tells people why.
async fn fail_open(hub: &Hub, name: &str, configured: &BTreeSet<String>, why: &str) {
    hear(hub, Fronts { configured: configured.clone(), said: Some((name.to_owned(), Vec::new())) }).await;
    let summary = format!("the Alertmanager at {name} is not heard, so what it silences or inhibits pages: {why}");
    let event =
        own::alert("NightdeskUpstreamUnheard", ("upstream", name), &summary, &hub.config.identity, clock::now());
    fold::raise(hub, event).await;
}

/// Returns how long to wait: full jitter over a growing span, and never less than half an interval.
fn backoff(every: Duration, failures: u32) -> Duration {
    let most = every.saturating_mul(2u32.saturating_pow(failures.min(8))).min(WAIT_MAX);
    let least = (every / 2).min(most);
    let span = (most - least).as_millis() as u64;
    least + Duration::from_millis(u64::from_le_bytes(random::<8>()) % (span + 1))
}

/// One Alertmanager, ready to be asked.
struct Front {
    name: String,
    base: Url,
    client: Client,
    every: Duration,
    token: Option<String>,
}

/// What one hides.
#[derive(Debug, PartialEq, Eq)]
struct Hidden {
    silences: Vec<Silence>,
    /// What is beyond the bounds, or cannot be read: it pages.
    left_out: usize,
}

impl Front {
    fn prepare(one: &Alertmanager) -> Result<Self, String> {
        let base = Url::parse(&one.url).map_err(|error| error.to_string())?;
        let host = base.host_str().ok_or("its address names no host")?;
        let port = base.port_or_known_default().unwrap_or(80);
        let name = format!("{host}:{port}{}", base.path().trim_end_matches('/'));
        let token = match &one.token_file {
            None => None,
            Some(path) => {
                let read = file::read_secret(path).map_err(|error| error.to_string())?;
                Some(read.ok_or_else(|| format!("{} is not there", path.display()))?)
            }
        };
        let client = notify::client(&base).map_err(|error| error.to_string())?;
        Ok(Self { name, base, client, every: one.every.max(Duration::from_secs(1)), token })
    }

    async fn poll(&self, now: Timestamp) -> Result<Hidden, String> {
        let silences: Vec<Said> = self.get("/api/v2/silences", "").await?;
        let query = "active=false&unprocessed=false&silenced=true&inhibited=true";
        let alerts: Vec<Alert> = self.get("/api/v2/alerts", query).await?;
        Ok(hidden(&self.name, silences, alerts, now))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &str) -> Result<T, String> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let mut request = self.client.get(url).timeout(WITHIN);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut response = request.send().await.map_err(|error| plainly(&error))?;
        if !response.status().is_success() {
            return Err(format!("{path} answers {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| plainly(&error))? {
            if body.len() + chunk.len() > BODY_MAX {
                return Err(format!("{path} answers with more than {BODY_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        read(path, &body)
    }
}

/// Reads an answer; what is wrong with it quotes what was said, and so is bounded.
fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, String> {
    let wrong =
        |error: serde_json::Error| format!("{path} answers with something else: {}", line(&error.to_string(), 200));
    serde_json::from_slice(body).map_err(wrong)
}

/// Returns the innermost cause: the address may hold a secret.
fn plainly(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", WITHIN.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    SafeText::line(&cause.to_string(), 200).to_string()
}

/// A silence, as Alertmanager has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    id: String,
    status: State,
    matchers: Vec<LabelMatcher>,
    starts_at: String,
    ends_at: String,
    updated_at: String,
    created_by: String,
    comment: String,
}

/// How a silence is.
#[derive(Debug, Deserialize)]
struct State {
    state: String,
}

/// An alert, as Alertmanager has it.
#[derive(Debug, Deserialize)]
struct Alert {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    status: Suppressed,
}

/// What hides an alert.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suppressed {
    #[serde(default)]
    inhibited_by: Vec<String>,
}

fn hidden(name: &str, said: Vec<Said>, alerts: Vec<Alert>, now: Timestamp) -> Hidden {
    let active: Vec<Said> = said.into_iter().filter(|one| one.status.state == "active").collect();
    let inhibited: Vec<Alert> = alerts.into_iter().filter(|alert| !alert.status.inhibited_by.is_empty()).collect();
    let all = active.len() + inhibited.len();
    let silences = active.into_iter().filter_map(|one| silence(name, one)).take(SILENCES_MAX);
    let inhibited = inhibited.into_iter().filter_map(|one| inhibition(name, &one, now)).take(INHIBITED_MAX);
    let silences: Vec<Silence> = silences.chain(inhibited).collect();
    Hidden { left_out: all - silences.len(), silences }
}

/// Returns the silence as it counts here; `None`: it cannot be read, and hides nothing.
fn silence(name: &str, said: Said) -> Option<Silence> {
    let matchers = braces(&said.matchers);
    Query::parse(&matchers).ok().filter(|query| !query.is_all())?;
    let (starts_at, ends_at) = (Timestamp::parse(&said.starts_at).ok()?, Timestamp::parse(&said.ends_at).ok()?);
    Some(Silence {
        id: format!("{name}/{}", line(&said.id, 64)),
        matchers,
        starts_at,
        ends_at,
        created_by: line(&said.created_by, WORDS_MAX / 4),
        reason: line(&said.comment, WORDS_MAX / 4),
        updated_at: Timestamp::parse(&said.updated_at).unwrap_or(starts_at),
        ended_by: None,
        upstream: Some(Upstream { name: name.to_owned(), inhibited: false }),
    })
}

/// Returns what hides one inhibited alert for as long as it is said to be inhibited.
fn inhibition(name: &str, alert: &Alert, now: Timestamp) -> Option<Silence> {
    let one = |(name, value): (&String, &String)| LabelMatcher {
        name: name.clone(),
        value: value.clone(),
        is_regex: false,
        is_equal: true,
    };
    let matchers = braces(&alert.labels.iter().map(one).collect::<Vec<_>>());
    Query::parse(&matchers).ok().filter(|query| !query.is_all())?;
    let by: Vec<String> = alert.status.inhibited_by.iter().take(3).map(|by| line(by, 32)).collect();
    Some(Silence {
        id: format!("{name}/inhibited/{}", line(&alert.fingerprint, 32)),
        matchers,
        starts_at: now,
        ends_at: Timestamp::from_millis(i64::MAX),
        created_by: "an inhibit rule".to_owned(),
        reason: format!("inhibited there by {}", by.join(", ")),
        updated_at: now,
        ended_by: None,
        upstream: Some(Upstream { name: name.to_owned(), inhibited: true }),
    })
}

fn line(text: &str, chars_max: usize) -> String {
    SafeText::line(text, chars_max).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: &str, state: &str, matchers: &str) -> String {
        format!(
            r#"{{"id":"{id}","status":{{"state":"{state}"}},"matchers":{matchers},"startsAt":"2026-11-23T00:00:00.000Z",
            "endsAt":"2026-11-23T02:00:00.000Z","updatedAt":"2026-11-23T00:00:00.000Z","createdBy":"be\u001bn","comment":"disk"}}"#
        )
    }

    fn alert(fingerprint: &str, labels: &str, inhibited_by: &str) -> String {
        format!(
            r#"{{"fingerprint":"{fingerprint}","labels":{labels},"annotations":{{}},
            "status":{{"state":"suppressed","silencedBy":[],"inhibitedBy":{inhibited_by}}}}}"#
        )
    }

    fn listed<T: DeserializeOwned>(list: &[String]) -> Vec<T> {
        serde_json::from_str(&format!("[{}]", list.join(","))).unwrap()
    }

    const EQUAL: &str = r#"[{"name":"a","value":"b","isRegex":false,"isEqual":true}]"#;

    #[test]
    fn what_is_active_there_counts_and_what_hides_nothing_or_everything_does_not() {
        let silences = [
            said("1", "active", EQUAL),
            said("2", "expired", EQUAL),
            said("3", "pending", EQUAL),
            said("4", "active", "[]"),
        ];
        let alerts = [alert("f", r#"{"alertname":"X","b c":"d\"e"}"#, r#"["9"]"#), alert("g", r#"{"a":"b"}"#, "[]")];
        let now = Timestamp::from_millis(5);
        let hidden = hidden("am:9093", listed(&silences), listed(&alerts), now);
        let ids: Vec<_> = hidden.silences.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((ids, hidden.left_out), (vec!["am:9093/1", "am:9093/inhibited/f"], 1));
        assert_eq!(hidden.silences[0].matchers, r#"{a="b"}"#);
        assert!(!hidden.silences[0].created_by.contains('\u{1b}'), "{:?}", hidden.silences[0]);
        assert_eq!(hidden.silences[1].matchers, r#"{alertname="X", "b c"="d\"e"}"#);
        assert_eq!(hidden.silences[1].upstream.as_ref().map(|up| up.inhibited), Some(true));
    }

    #[test]
    fn more_than_the_bounds_is_left_out_and_counted() {
        let silences: Vec<_> = (0..300).map(|id| said(&id.to_string(), "active", EQUAL)).collect();
        let alerts: Vec<_> = (0..1002).map(|id| alert(&id.to_string(), r#"{"a":"b"}"#, r#"["9"]"#)).collect();
        let hidden = hidden("am", listed(&silences), listed(&alerts), Timestamp::from_millis(5));
        assert_eq!((hidden.silences.len(), hidden.left_out), (SILENCES_MAX + INHIBITED_MAX, 46));
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_one_short_line() {
        let body = format!(r#"["\u001b[2J{}"]"#, "A".repeat(100_000));
        let why = read::<Vec<Said>>("/api/v2/silences", body.as_bytes()).unwrap_err();
        assert!(why.starts_with("/api/v2/silences answers with something else: invalid type: string"), "{why}");
        assert!(why.len() < 1000 && !why.contains('\u{1b}'), "{why}");
    }

    #[test]
    fn a_failed_poll_is_tried_again_within_what_the_alert_about_it_burns() {
        for failures in 1..40 {
            let wait = backoff(Duration::from_secs(30), failures);
            assert!(wait >= Duration::from_secs(15) && wait <= WAIT_MAX, "{wait:?}");
            assert!(backoff(Duration::from_secs(3600), failures) <= WAIT_MAX);
        }
    }
}
