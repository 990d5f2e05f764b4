//! `GET /api/v2/alerts`: what burns, as Alertmanager's own clients read it.

use super::{Hubbed, denied, store_failed};
use crate::domain::event::SeriesKey;
use crate::domain::label::{AlertmanagerFingerprint, Labels};
use crate::domain::time::Timestamp;
use crate::hub::auth::{self, Via};
use crate::hub::firing::Found;
use crate::hub::matcher::Matcher;
use axum::extract::{RawQuery, State};
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
    RawQuery(query): RawQuery,
) -> Response {
    // Who may send for a source may see what it sent.
    let may_send = hub.tokens.source(&headers, crate::ingest::Format::AlertmanagerApi).is_ok()
        && headers.contains_key("authorization");
    if !may_send && let Err(why) = auth::caller(&hub, via, &headers).await {
        return denied(&hub, why);
    }
    let query = query.unwrap_or_default();
    if values(&query, "filter").count() > FILTERS_MAX {
        return (StatusCode::BAD_REQUEST, Json(format!("at most {FILTERS_MAX} filters are taken"))).into_response();
    }
    let matchers: Result<Vec<Matcher>, _> = values(&query, "filter").map(|text| Matcher::parse(&text)).collect();
    let matchers = match matchers {
        Ok(matchers) => matchers,
        Err(error) => return (StatusCode::BAD_REQUEST, Json(error.to_string())).into_response(),
    };
    if values(&query, "active").any(|value| value == "false") {
        // Nothing is silenced or inhibited yet, so all that burns is active.
        return Json::<[u8; 0]>([]).into_response();
    }
    let found = hub.firing.find(&matchers);
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

/// Returns the decoded values of a query parameter that may stand several times.
fn values<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = String> + 'q {
    query.split('&').filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode(value))
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                let hex = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                hex.unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_come_url_encoded_and_several() {
        let query = "filter=job%3D%22a+b%22&active=true&filter=x%3d1";
        assert_eq!(values(query, "filter").collect::<Vec<_>>(), ["job=\"a b\"", "x=1"]);
        assert_eq!(values("filter", "filter").collect::<Vec<_>>(), [""]);
        assert_eq!(decode("%zz%4"), "?@");
    }
}
