//! What a console asks beside the feed: who the hub is, and what it could not take.

use super::{Hubbed, denied, store_failed};
use crate::domain::id::hex;
use crate::domain::scope::Right;
use crate::domain::text::SafeText;
use crate::hub::auth::{self, Via};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::json;

/// Rows of the quarantine that one answer holds.
const QUARANTINE_ROWS: usize = 1000;
/// Bytes of raw bodies that one answer holds; the newest come first.
const QUARANTINE_BYTES: usize = 4 << 20;

pub async fn card(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    match auth::caller(&hub, via, &headers, Right::Read).await {
        Ok(_) => Json(hub.card.clone()).into_response(),
        Err(why) => denied(&hub, why),
    }
}

pub async fn quarantine(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    if let Err(why) = auth::caller(&hub, via, &headers, Right::Read).await {
        return denied(&hub, why);
    }
    let rows = match hub.store.quarantine(QUARANTINE_ROWS).await {
        Ok(rows) => rows,
        Err(error) => return store_failed(&hub, &error),
    };
    let mut bytes = 0;
    let rows: Vec<_> = rows
        .into_iter()
        .take_while(|(_, row)| {
            bytes += row.raw.len();
            bytes <= QUARANTINE_BYTES
        })
        .map(|(id, row)| {
            json!({
                "id": id, "received_at": row.received_at.to_string(), "source": row.source, "format": row.format,
                "reason": row.reason, "raw_bytes": row.raw_bytes,
                "raw": SafeText::bytes(&row.raw, 4096).as_str(), "raw_hex": hex(&row.raw),
            })
        })
        .collect();
    Json(rows).into_response()
}
