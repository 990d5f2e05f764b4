//! `GET /api/v2/alerts`: what burns, as Alertmanager's own clients read it.

use super::{Hubbed, denied, store_failed};
use crate::domain::event::SeriesKey;
use crate::domain::item::{Item, ItemKind};
use crate::domain::label::{AlertmanagerFingerprint, Labels};
use crate::domain::scope::Right;
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use crate::hub::Hub;
use crate::hub::auth::{self, Denied, Via};
use crate::hub::firing::Found;
use crate::query::{self, AlertSubject, Eyes, alertmanager};
use crate::sync::clock;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Filters of one question: each is asked of every alert that burns.
const FILTERS_MAX: usize = 16;
/// What Alertmanager gives an alert that has no end of its own.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GettableAlert<'a> {
    labels: &'a Labels,
    annotations: &'a Labels,
    starts_at: String,
    ends_at: String,
    updated_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
    receivers: [Receiver; 1],
    status: Status,
}

#[derive(Serialize)]
struct Receiver {
    name: &'static str,
}

/// Alerts of one name.
#[derive(Serialize)]
struct AlertGroup<'a> {
    labels: BTreeMap<&'static str, String>,
    receiver: Receiver,
    alerts: Vec<GettableAlert<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: &'static str,
    silenced_by: Vec<String>,
    inhibited_by: [&'static str; 0],
    muted_by: [&'static str; 0],
}

/// Returns whether who asks may read what burns: on this machine, who may send for a source may see what it sent; elsewhere a source's
/// token sends and nothing else.
pub(super) async fn may_read(hub: &Hub, via: Via, headers: &HeaderMap) -> Result<(), Denied> {
    let may_send = !matches!(via, Via::Tls(_))
        && hub.tokens.source(headers, via, crate::ingest::Format::AlertmanagerApi).is_ok()
        && headers.contains_key("authorization");
    if may_send { Ok(()) } else { auth::caller(hub, via, headers, Right::Read).await.map(drop) }
}

pub async fn list(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    match burning(&hub, via, &headers, &query).await {
        Ok((series, live, silences)) => {
            let alerts = series.iter().map(|series| gettable(series, &live, &silences));
            let wanted = Wanted::of(&query);
            Json(alerts.filter(|alert| wanted.takes(alert)).collect::<Vec<_>>()).into_response()
        }
        Err(answer) => answer,
    }
}

/// `GET /api/v2/alerts/groups`: the same alerts by their name.
pub async fn groups(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let (series, live, silences) = match burning(&hub, via, &headers, &query).await {
        Ok(burning) => burning,
        Err(answer) => return answer,
    };
    let wanted = Wanted::of(&query);
    let mut groups: BTreeMap<String, Vec<GettableAlert<'_>>> = BTreeMap::new();
    for series in &series {
        let alert = gettable(series, &live, &silences);
        if wanted.takes(&alert) {
            groups.entry(series.labels.get("alertname").unwrap_or_default().to_owned()).or_default().push(alert);
        }
    }
    let group = |(name, alerts)| AlertGroup {
        labels: BTreeMap::from([("alertname", name)]),
        receiver: Receiver { name: "nightdesk" },
        alerts,
    };
    Json(groups.into_iter().map(group).collect::<Vec<_>>()).into_response()
}

/// `GET /api/v2/receivers`: there is one, the people whom the hub calls.
pub async fn receivers(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    match may_read(&hub, via, &headers).await {
        Ok(()) => Json([Receiver { name: "nightdesk" }]).into_response(),
        Err(why) => denied(&hub, why),
    }
}

type Live = HashMap<SeriesKey, Found>;
type Counting = Vec<(String, crate::query::Query)>;

/// Returns what burns and fits the filters, what memory knows of it, and the silences that count now.
async fn burning(
    hub: &Hub,
    via: Via,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<(Vec<Series>, Live, Counting), Response> {
    may_read(hub, via, headers).await.map_err(|why| denied(hub, why))?;
    if values(query, "filter").count() > FILTERS_MAX {
        return Err((StatusCode::BAD_REQUEST, Json(format!("at most {FILTERS_MAX} filters are taken"))).into_response());
    }
    let matchers: Result<Vec<query::Query>, _> = values(query, "filter").map(alertmanager::matcher).collect();
    let filter = matchers
        .and_then(|matchers| query::Query::all_of(&matchers))
        .map_err(|error| (StatusCode::BAD_REQUEST, Json(error.to_string())).into_response())?;
    let found = hub.firing.find(&filter);
    let live: Live = found.into_iter().map(|found| (found.key.clone(), found)).collect();
    let series = hub.store.series(live.keys().cloned().collect()).await.map_err(|error| store_failed(hub, &error))?;
    let items = hub.store.items(ItemKind::Silence).await.map_err(|error| store_failed(hub, &error))?;
    let now = clock::now();
    let counting = items.into_iter().filter_map(|item| match item {
        Item::Silence(silence) if silence.is_active(now) => {
            Some((silence.id, crate::query::Query::parse(&silence.matchers).ok()?))
        }
        _ => None,
    });
    Ok((series, live, counting.collect()))
}

fn gettable<'a>(series: &'a Series, live: &Live, silences: &Counting) -> GettableAlert<'a> {
    let key = SeriesKey { source: series.source.clone(), fingerprint: series.fingerprint };
    let seen = live.get(&key);
    let updated_at = seen.map_or(series.last_seen, |found| found.last_seen);
    let subject = AlertSubject { source: &series.source, labels: &series.labels };
    let covers = silences.iter().filter(|(_, query)| query.matches(&subject, &Eyes::nobody(updated_at)));
    let silenced_by: Vec<String> = covers.map(|(id, _)| id.clone()).collect();
    let state = if silenced_by.is_empty() { "active" } else { "suppressed" };
    GettableAlert {
        labels: &series.labels,
        annotations: &series.annotations,
        starts_at: series.started_at().to_string(),
        ends_at: seen
            .and_then(|found| found.ends_at)
            .unwrap_or_else(|| Timestamp::plus(updated_at, RESOLVE_TIMEOUT))
            .to_string(),
        updated_at: updated_at.to_string(),
        generator_url: &series.generator_url,
        fingerprint: AlertmanagerFingerprint::of(&series.labels).to_string(),
        receivers: [Receiver { name: "nightdesk" }],
        status: Status { state, silenced_by, inhibited_by: [], muted_by: [] },
    }
}

/// Which alerts are asked for, by `active` and `silenced`; both are, unless it says otherwise.
struct Wanted {
    active: bool,
    silenced: bool,
}

impl Wanted {
    fn of(query: &[(String, String)]) -> Self {
        let says = |name| values(query, name).all(|value| value != "false");
        Self { active: says("active"), silenced: says("silenced") }
    }

    fn takes(&self, alert: &GettableAlert<'_>) -> bool {
        if alert.status.silenced_by.is_empty() { self.active } else { self.silenced }
    }
}

/// Returns the values of a query parameter that may stand several times.
pub(super) fn values<'q>(query: &'q [(String, String)], name: &'q str) -> impl Iterator<Item = &'q str> {
    query.iter().filter_map(move |(key, value)| (key == name).then_some(value.as_str()))
}
