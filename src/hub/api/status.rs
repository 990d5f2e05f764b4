//! How the hub is: for probes, for Prometheus, for Alertmanager's clients.

use super::Hubbed;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

pub async fn healthy() -> &'static str {
    "OK"
}

pub async fn ready(State(hub): Hubbed) -> Response {
    // Ready is who can read its own store; a hub that cannot is no use to a sender.
    match hub.store.head().await {
        Ok(_) => "OK".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response(),
    }
}

pub async fn metrics(State(hub): Hubbed) -> Response {
    for source in hub.store.sources().await.unwrap_or_default() {
        let name = crate::hub::metrics::BySource { source: source.name.to_string() };
        let seconds = source.heard_at.map_or(0, |at| at.as_millis() / 1000);
        hub.metrics.source_heard.get_or_create(&name).set(seconds);
        hub.metrics.source_silent.get_or_create(&name).set(i64::from(source.silent_since.is_some()));
        hub.metrics.source_beats.get_or_create(&name).set(source.beats as i64);
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], hub.metrics.text()).into_response()
}

/// `GET /api/v2/status`: the fields that amtool reads.
pub async fn alertmanager(State(hub): Hubbed) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let status = json!({
        "cluster": { "status": "disabled", "peers": [] },
        "config": { "original": "# nightdesk stands in for an Alertmanager here; its configuration is hub.toml\n" },
        "uptime": hub.started_at.to_string(),
        "versionInfo": {
            "version": format!("nightdesk {version}"), "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "none",
        },
    });
    Json(status).into_response()
}
