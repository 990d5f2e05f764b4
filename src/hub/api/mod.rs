//! The addresses of the hub, one file a subject.

mod alerts;
mod changes;
mod claims;
mod consoles;
mod feed;
mod identity;
mod ingest;
mod ops;
mod pages;
mod ping;
mod silences;
mod status;

use super::Hub;
use super::attempts::WINDOW;
use super::auth::{self, Denied, Via};
use crate::domain::scope::Right;
use crate::sync::clock;
use crate::sync::wire::{PUSH_BYTES_MAX, RECEIPTS_MAX};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;

/// Bytes of a push: the envelopes as hex, with room for the JSON around each.
const PUSH_BODY_BYTES_MAX: usize = 4 * PUSH_BYTES_MAX;

/// Bytes of receipts: two lists of ids as hex, with quotes and commas.
const RECEIPTS_BYTES_MAX: usize = 2 * RECEIPTS_MAX * 40;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Returns everything that the hub answers to.
pub fn router(hub: Arc<Hub>) -> Router {
    // Two limits: on what comes, and on what it unpacks to.
    let encoded = RequestBodyLimitLayer::new(hub.config.body_bytes_max);
    let decoded = DefaultBodyLimit::max(hub.config.decoded_bytes_max);
    let sources = Router::new()
        .route("/api/v2/alerts", post(ingest::alertmanager_api).get(alerts::list))
        .route("/api/v2/alerts/groups", get(alerts::groups))
        .route("/api/v2/receivers", get(alerts::receivers))
        .route("/api/v2/silences", post(silences::post).get(silences::list))
        .route("/api/v2/silence/{id}", get(silences::one).delete(silences::end))
        .route("/v1/in/alertmanager", post(ingest::alertmanager_webhook))
        .layer(decoded)
        .layer(RequestDecompressionLayer::new().gzip(true).pass_through_unaccepted(true))
        .layer(encoded)
        .layer(middleware::map_request(set_length_aside));
    // Open to everybody on this machine; over TLS each needs its right.
    let open = |right| middleware::from_fn_with_state((hub.clone(), right), closed_to_others);
    let probes = Router::new()
        .route("/api/v2/status", get(status::alertmanager))
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
        .route_layer(open(Right::Probe));
    let metrics = Router::new().route("/metrics", get(status::metrics)).route_layer(open(Right::Read));
    let administration = Router::new()
        .route("/v1/enrolments", post(identity::invite))
        .route("/v1/devices", get(identity::devices))
        .route("/v1/revocations", post(identity::revoke));
    Router::new()
        .merge(sources)
        .merge(probes)
        .merge(metrics)
        .merge(administration)
        .route("/v1/ping/{name}", get(ping::succeeded).post(ping::succeeded))
        .route("/v1/ping/{name}/{what}", get(ping::said).post(ping::said))
        .route("/v1/in/change", post(changes::take))
        .route("/v1/claims", get(claims::list).post(claims::make))
        .route("/v1/claims/{id}", delete(claims::end))
        .route("/v1/join", get(identity::offer).post(identity::join))
        .route("/v1/roster", get(identity::roster))
        .route("/v1/hub", get(consoles::card))
        .route("/v1/consoles", post(identity::introduce))
        .route("/v1/quarantine", get(consoles::quarantine))
        .route("/v1/feed", get(feed::feed))
        .route("/v1/ops", post(ops::push).layer(DefaultBodyLimit::max(PUSH_BODY_BYTES_MAX)))
        .route("/v1/pages/receipts", post(pages::receipts).layer(DefaultBodyLimit::max(RECEIPTS_BYTES_MAX)))
        .layer(middleware::from_fn_with_state(hub.clone(), refuse_browsers))
        .layer(middleware::from_fn_with_state(hub.clone(), slow_guessers))
        .with_state(hub)
}

/// The length of a body as its sender declared it.
#[derive(Debug, Clone, Copy)]
struct Declared(u64);

/// Puts the declared length out of the limit layer's sight: by it alone the layer would answer, and neither the sender's right would be
/// checked nor anybody told that alerts were refused.
async fn set_length_aside(mut request: Request) -> Request {
    let declared = request.headers_mut().remove(header::CONTENT_LENGTH);
    if let Some(length) = declared.and_then(|value| value.to_str().ok()?.parse().ok()) {
        request.extensions_mut().insert(Declared(length));
    }
    request
}

/// Refuses what a web page of anybody could make this machine's browser send: the hub has no page of its own.
async fn refuse_browsers(State(hub): Hubbed, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).map(HeaderValue::as_bytes);
    let meant = match request.extensions().get::<Via>() {
        Some(Via::Socket) => true,
        Some(Via::Tls(_)) => named.is_some_and(|host| is_ours(&hub, host)),
        Some(Via::Tcp) | None => named.is_none_or(is_local),
    };
    if request.headers().contains_key(header::ORIGIN) || !meant {
        return (StatusCode::FORBIDDEN, "the hub takes no requests of web pages\n").into_response();
    }
    next.run(request).await
}

/// Returns whether a Host header names this hub: by a name of its certificate.
fn is_ours(hub: &Hub, host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    hub.tls.as_ref().is_some_and(|tls| tls.holds(without_port(host)))
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name)
}

/// Refuses what is open on this machine to who comes over TLS without the right.
async fn closed_to_others(State((hub, right)): State<(Arc<Hub>, Right)>, request: Request, next: Next) -> Response {
    if let Some(via @ Via::Tls(_)) = request.extensions().get::<Via>().copied()
        && let Err(why) = auth::caller(&hub, via, request.headers(), right).await
    {
        return denied(&hub, why);
    }
    next.run(request).await
}

/// Answers who guesses too often with 429. A right token is always let in: behind one address may sit a whole office.
async fn slow_guessers(State(hub): Hubbed, request: Request, next: Next) -> Response {
    let via = request.extensions().get::<Via>().copied();
    let answer = next.run(request).await;
    match via {
        Some(Via::Tls(address))
            if answer.status() == StatusCode::UNAUTHORIZED && hub.attempts.failed(address, clock::now()) =>
        {
            let after = [(header::RETRY_AFTER, WINDOW.as_secs().to_string())];
            (StatusCode::TOO_MANY_REQUESTS, after, "too many attempts failed; wait a minute\n").into_response()
        }
        _ => answer,
    }
}

/// Returns whether a Host header names this machine by a name that no foreign web page can have.
fn is_local(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let name = without_port(host);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

type Hubbed = State<Arc<Hub>>;

/// The answer to who is not let in.
fn denied(hub: &Hub, why: Denied) -> Response {
    let (reason, status, hint) = match why {
        Denied::NoRight => (
            "denied",
            StatusCode::UNAUTHORIZED,
            "a token is needed: Authorization: Bearer …, or as the password of basic authentication
",
        ),
        Denied::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "this token has no right to that\n"),
        Denied::Unavailable => (
            "unavailable",
            StatusCode::SERVICE_UNAVAILABLE,
            "the hub's store does not answer; come again
",
        ),
    };
    hub.metrics.refused.get_or_create(&super::metrics::ByReason { reason }).inc();
    let mut response = (status, hint).into_response();
    if why == Denied::NoRight {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Reads the JSON body of a console that was let in: nobody else may make the hub wait for one or hold it.
async fn json_body<T: DeserializeOwned>(request: Request) -> Result<T, Response> {
    match tokio::time::timeout(BODY_WITHIN, Json::<T>::from_request(request, &())).await {
        Ok(Ok(Json(body))) => Ok(body),
        Ok(Err(rejection)) => Err(rejection.into_response()),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            "the body took longer than 10 s
",
        )
            .into_response()),
    }
}

/// The answer when the store fails.
fn store_failed(hub: &Hub, error: &crate::store::StoreError) -> Response {
    super::fold::failed(hub, error);
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], "the hub's store did not answer; come again\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_names_that_no_web_page_can_have_are_local() {
        for host in ["127.0.0.1:7400", "localhost:7400", "[::1]:7400", "127.0.0.1"] {
            assert!(is_local(host.as_bytes()), "{host}");
        }
        for host in ["evil.example:7400", "10.0.0.1:7400", "localhost.evil.example", "nightdesk", ""] {
            assert!(!is_local(host.as_bytes()), "{host}");
        }
    }
}
