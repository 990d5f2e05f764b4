//! `GET /api/v2/alerts`: what burns, as Alertmanager's own clients read it.

use super::{Hubbed, denied, store_failed};
use crate::domain::event::SeriesKey;
use crate::domain::label::{AlertmanagerFingerprint, Labels};
use crate::domain::scope::Right;
use crate::domain::time::Timestamp;
use crate::hub::auth::{self, Via};
use crate::hub::firing::Found;
use crate::query::{Query, alertmanager};
use axum::extract::{self, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Serialize;
use std::collections::HashMap;
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: &'static str,
    silenced_by: [&'static str; 0],
    inhibited_by: [&'static str; 0],
    muted_by: [&'static str; 0],
}

pub async fn list(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    extract::Query(query): extract::Query<Vec<(String, String)>>,
) -> Response {
    // On this machine, who may send for a source may see what it sent; elsewhere a source's token sends and nothing else.
    let may_send = !matches!(via, Via::Tls(_))
        && hub.tokens.source(&headers, via, crate::ingest::Format::AlertmanagerApi).is_ok()
        && headers.contains_key("authorization");
    if !may_send && let Err(why) = auth::caller(&hub, via, &headers, Right::Read).await {
        return denied(&hub, why);
    }
    if values(&query, "filter").count() > FILTERS_MAX {
        return (StatusCode::BAD_REQUEST, Json(format!("at most {FILTERS_MAX} filters are taken"))).into_response();
    }
    let matchers: Result<Vec<Query>, _> = values(&query, "filter").map(alertmanager::matcher).collect();
    let filter = match matchers.and_then(|matchers| Query::all_of(&matchers)) {
        Ok(filter) => filter,
        Err(error) => return (StatusCode::BAD_REQUEST, Json(error.to_string())).into_response(),
    };
    if values(&query, "active").any(|value| value == "false") {
        // Nothing is silenced or inhibited yet, so all that burns is active.
        return Json::<[u8; 0]>([]).into_response();
    }
    let found = hub.firing.find(&filter);
    let live: HashMap<SeriesKey, Found> = found.into_iter().map(|found| (found.key.clone(), found)).collect();
    let series = match hub.store.series(live.keys().cloned().collect()).await {
        Ok(series) => series,
        Err(error) => return store_failed(&hub, &error),
    };
    let alerts: Vec<GettableAlert<'_>> = series
        .iter()
        .map(|series| {
            let key = SeriesKey { source: series.source.clone(), fingerprint: series.fingerprint };
            let seen = live.get(&key);
            let updated_at = seen.map_or(series.last_seen, |found| found.last_seen);
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
                status: Status { state: "active", silenced_by: [], inhibited_by: [], muted_by: [] },
            }
        })
        .collect();
    Json(alerts).into_response()
}

/// Returns the values of a query parameter that may stand several times.
fn values<'q>(query: &'q [(String, String)], name: &'q str) -> impl Iterator<Item = &'q str> {
    query.iter().filter_map(move |(key, value)| (key == name).then_some(value.as_str()))
}
