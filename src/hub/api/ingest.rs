//! Alerts come in. 2xx means: on the disk, or a repeat of what is on the disk.

use super::{BODY_WITHIN, Declared, Hubbed, denied};
use crate::domain::event::Event;
use crate::domain::id::SourceName;
use crate::domain::text::SafeText;
use crate::hub::auth::{Denied, Via};
use crate::hub::metrics::{ByReason, BySource};
use crate::hub::{Hub, fold, own};
use crate::ingest::{Format, Malformed, Unreadable};
use crate::store::Quarantined;
use crate::sync::clock;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Rows of the quarantine that one request may fill.
const MALFORMED_ROWS_MAX: usize = 100;
/// Bytes of a malformed alert or body that are kept.
const RAW_KEPT: usize = 64 * 1024;

pub async fn alertmanager_api(State(hub): Hubbed, request: Request) -> Response {
    take(&hub, Format::AlertmanagerApi, request).await
}

pub async fn alertmanager_webhook(State(hub): Hubbed, request: Request) -> Response {
    take(&hub, Format::AlertmanagerWebhook, request).await
}

async fn take(hub: &Hub, format: Format, request: Request) -> Response {
    // Every connection says how it came in; one that did not would have no rights.
    let Some(via) = request.extensions().get::<Via>().copied() else { return denied(hub, Denied::NoRight) };
    let source = match hub.tokens.source(request.headers(), via, format) {
        Ok(source) => source,
        Err(why) => return denied(hub, why),
    };
    // What the unpacking layer takes it also takes the header of.
    let packed = request.headers().get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if request.extensions().get::<Declared>().is_some_and(|Declared(length)| *length > hub.config.body_bytes_max as u64)
    {
        return refused_body(hub, format, &source, true).await;
    }
    let body = match tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return refused_body(hub, format, &source, is_too_large(&rejection)).await,
        Err(_) => {
            return refuse(hub, "slow_body", StatusCode::REQUEST_TIMEOUT, "the body took longer than 10 s\n".into());
        }
    };
    let now = clock::now();
    hub.spoke(&source, now);
    hub.watch.hear(&source, now, 1, 0);
    if packed {
        let reason = "the body is packed in another way than gzip; send it with gzip or as it is".to_owned();
        return unreadable_body(hub, format, source, &body, Unreadable { reason }).await;
    }
    match format.parse(&body, &hub.config.ingest, now) {
        Ok(parsed) => {
            hub.metrics
                .received
                .get_or_create(&BySource { source: source.as_str().to_owned() })
                .inc_by(parsed.alerts.len() as u64);
            let events = parsed
                .alerts
                .into_iter()
                .map(|alert| Event::new(source.clone(), alert, &hub.config.identity, now))
                .collect();
            let events = hub.watch.take_beats(&source, events, now);
            keep(hub, format, source, events, parsed.malformed, parsed.truncated).await
        }
        Err(unreadable) => unreadable_body(hub, format, source, &body, unreadable).await,
    }
}

async fn keep(
    hub: &Hub,
    format: Format,
    source: SourceName,
    events: Vec<Event>,
    malformed: Vec<Malformed>,
    truncated: u64,
) -> Response {
    let received = events.len();
    let (mut news, beyond) = hub.firing.sift(&source, events, hub.config.firing_series_max);
    hub.metrics.repeated.inc_by((received - news.len() - beyond.len()) as u64);
    let now = clock::now();
    let mut quarantined: Vec<Quarantined> =
        bounded(malformed).into_iter().map(|one| quarantine(&source, format, &one.reason, &one.raw)).collect();
    if !beyond.is_empty() {
        let limit = hub.config.firing_series_max;
        let reason = format!(
            "{limit} series fire already; raise limits.firing_series in hub.toml, or let the source send fewer"
        );
        quarantined.extend(
            beyond.iter().map(|event| quarantine(&source, format, &reason, format!("{:?}", event.alert).as_bytes())),
        );
        news.push(own::alert(
            "NightdeskTooManySeries",
            ("source", source.as_str()),
            &reason,
            &hub.config.identity,
            now,
        ));
    }
    if truncated > 0 {
        let summary =
            format!("{source} left {truncated} alerts out of a message; raise max_alerts in its configuration");
        news.push(own::alert(
            "NightdeskTruncatedMessage",
            ("source", source.as_str()),
            &summary,
            &hub.config.identity,
            now,
        ));
    }
    count_quarantined(hub, &source, quarantined.len());
    match fold::submit(hub, news, quarantined).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(overload) => overloaded(hub, overload),
    }
}

/// Joins what is malformed beyond a bound: one request of nothing but commas must not push out what others left in quarantine.
fn bounded(mut malformed: Vec<Malformed>) -> Vec<Malformed> {
    if malformed.len() <= MALFORMED_ROWS_MAX {
        return malformed;
    }
    let rest = malformed.split_off(MALFORMED_ROWS_MAX - 1);
    let reason = format!(
        "{} further alerts of the same request cannot be taken; the first of them: {}",
        rest.len(),
        rest[0].reason
    );
    let raws: Vec<&[u8]> = rest.iter().map(|one| &*one.raw).collect();
    malformed.push(Malformed { raw: raws.join(&b",\n"[..]).into_boxed_slice(), reason });
    malformed
}

async fn unreadable_body(
    hub: &Hub,
    format: Format,
    source: SourceName,
    body: &[u8],
    Unreadable { reason }: Unreadable,
) -> Response {
    count_quarantined(hub, &source, 1);
    tracing::warn!(%source, format = format.name(), reason = %SafeText::line(&reason, 200), "a body cannot be read; kept in quarantine");
    let kept = fold::submit(hub, Vec::new(), vec![quarantine(&source, format, &reason, body)]).await;
    match kept {
        // Alertmanager's clients expect a JSON text.
        Ok(()) => {
            refuse(hub, "unreadable", StatusCode::BAD_REQUEST, format!("{}\n", serde_json::Value::String(reason)))
        }
        Err(overload) => overloaded(hub, overload),
    }
}

/// Returns whether a limit broke it off; between the limit on what comes and this reader lies the decompression, which wraps its error.
fn is_too_large(rejection: &BytesRejection) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    rejection.status() == StatusCode::PAYLOAD_TOO_LARGE
}

/// A body over the limits is gone before it was read whole: that it came is kept.
async fn refused_body(hub: &Hub, format: Format, source: &SourceName, too_large: bool) -> Response {
    let (status, reason) = if too_large {
        let reason = format!(
            "the body is larger than taken ({} bytes as sent, {} unpacked); send smaller groups, or raise limits.body_bytes in hub.toml",
            hub.config.body_bytes_max, hub.config.decoded_bytes_max
        );
        (StatusCode::PAYLOAD_TOO_LARGE, reason)
    } else {
        (StatusCode::BAD_REQUEST, "the body broke off or its compression cannot be read".to_owned())
    };
    let alert =
        own::alert("NightdeskBodyRefused", ("source", source.as_str()), &reason, &hub.config.identity, clock::now());
    count_quarantined(hub, source, 1);
    match fold::submit(hub, vec![alert], vec![quarantine(source, format, &reason, b"")]).await {
        Ok(()) => refuse(hub, "body", status, format!("{reason}\n")),
        Err(overload) => overloaded(hub, overload),
    }
}

fn quarantine(source: &SourceName, format: Format, reason: &str, raw: &[u8]) -> Quarantined {
    Quarantined {
        received_at: clock::now(),
        source: source.clone(),
        format: format.name().to_owned(),
        reason: reason.to_owned(),
        raw: raw[..raw.len().min(RAW_KEPT)].to_vec(),
        raw_bytes: raw.len() as u64,
    }
}

fn count_quarantined(hub: &Hub, source: &SourceName, count: usize) {
    if count > 0 {
        hub.metrics.quarantined.get_or_create(&BySource { source: source.as_str().to_owned() }).inc_by(count as u64);
    }
}

/// 503, never 429: to an Alertmanager's webhook any 4xx is final, a 5xx is sent again.
fn overloaded(hub: &Hub, overload: fold::Overload) -> Response {
    let reason = match overload {
        fold::Overload::QueueFull => "queue_full",
        fold::Overload::NotCommitted => "not_committed",
    };
    let mut response =
        refuse(hub, reason, StatusCode::SERVICE_UNAVAILABLE, "the hub has no room now; come again\n".into());
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

fn refuse(hub: &Hub, reason: &'static str, status: StatusCode, text: String) -> Response {
    hub.metrics.refused.get_or_create(&ByReason { reason }).inc();
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
