//! Changes come in: deploys, flags, drills.

use super::{BODY_WITHIN, Hubbed, denied, store_failed};
use crate::domain::id::SourceName;
use crate::domain::scope::Right;
use crate::hub::Hub;
use crate::hub::auth::{self, Caller, Denied, Via};
use crate::hub::metrics::BySource;
use crate::ingest::change::{BODY_BYTES_MAX, parse};
use crate::store::Quarantined;
use crate::sync::clock;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// How bodies of changes are named in quarantine.
const FORMAT: &str = "change-v1";

pub async fn take(State(hub): Hubbed, request: Request) -> Response {
    let Some(via) = request.extensions().get::<Via>().copied() else { return denied(&hub, Denied::NoRight) };
    let source = match sender(&hub, via, request.headers()).await {
        Ok(source) => source,
        Err(why) => return denied(&hub, why),
    };
    let body = match tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX)).await
    {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = format!("the body broke off, or is larger than {BODY_BYTES_MAX} bytes\n");
            return (StatusCode::PAYLOAD_TOO_LARGE, why).into_response();
        }
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body took longer than 10 s\n").into_response(),
    };
    let now = clock::now();
    let kept = |raw: &[u8], reason: &str| Quarantined {
        received_at: now,
        source: source.clone(),
        format: FORMAT.into(),
        reason: reason.to_owned(),
        raw: raw[..raw.len().min(64 * 1024)].to_vec(),
        raw_bytes: raw.len() as u64,
    };
    let (changes, quarantined) = match parse(&body, now) {
        Ok((changes, malformed)) => {
            (changes, malformed.iter().map(|one| kept(&one.raw, &one.reason)).collect::<Vec<_>>())
        }
        Err(unreadable) => (Vec::new(), vec![kept(&body, &unreadable.reason)]),
    };
    let ids: Vec<String> = changes.iter().map(|change| change.id.clone()).collect();
    let refused: Vec<String> = quarantined.iter().map(|one| one.reason.clone()).collect();
    let name = BySource { source: source.as_str().to_owned() };
    hub.metrics.quarantined.get_or_create(&name).inc_by(refused.len() as u64);
    match hub.store.changed(changes, quarantined, now).await {
        Ok(committed) => hub.committed(&committed),
        Err(error) => return store_failed(&hub, &error),
    }
    let status = if ids.is_empty() && !refused.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    (status, Json(json!({ "taken": ids, "refused": refused }))).into_response()
}

/// Returns who sends, for the quarantine: a source, or a person of a console.
async fn sender(hub: &Hub, via: Via, headers: &HeaderMap) -> Result<SourceName, Denied> {
    if let Some(named) = hub.tokens.named(headers, via) {
        return Ok(named);
    }
    let named = |name: &str| SourceName::parse(name).map_err(|_| Denied::Forbidden);
    match auth::caller(hub, via, headers, Right::Send).await {
        Ok(_) => return named("changes"),
        Err(Denied::NoRight) if hub.tokens.is_open(via) => return named("changes"),
        Err(Denied::Unavailable) => return Err(Denied::Unavailable),
        Err(Denied::NoRight | Denied::Forbidden) => {}
    }
    match auth::caller(hub, via, headers, Right::Deliver).await? {
        Caller::Console(device) => named(device.user.as_str()),
        Caller::Admin | Caller::Source | Caller::Viewer { .. } => named("changes"),
    }
}
