//! How a console and its hub come to know each other.

use super::{Hubbed, denied, json_body, store_failed};
use crate::domain::id::hex;
use crate::domain::text::SafeText;
use crate::hub::auth::{self, Caller, Denied, Via};
use crate::store::{Device, StoreError};
use crate::sync::wire::{Introduction, Welcome};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::json;

/// Rows of the quarantine that one answer holds.
const QUARANTINE_ROWS: usize = 1000;
/// Bytes of raw bodies that one answer holds; the newest come first.
const QUARANTINE_BYTES: usize = 4 << 20;

pub async fn card(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    match auth::caller(&hub, via, &headers).await {
        Ok(_) => Json(hub.card.clone()).into_response(),
        Err(why) => denied(&hub, why),
    }
}

pub async fn introduce(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    match auth::caller(&hub, via, request.headers()).await {
        Ok(Caller::Admin) => {}
        Ok(Caller::Console(_)) => return denied(&hub, Denied::NoRight),
        Err(why) => return denied(&hub, why),
    }
    let introduction: Introduction = match json_body(request).await {
        Ok(introduction) => introduction,
        Err(refused) => return refused,
    };
    let Some(public_key) = introduction.key() else {
        return (StatusCode::BAD_REQUEST, "public_key must be 64 hex digits\n").into_response();
    };
    let token = auth::new_token("c");
    let device = Device { node: introduction.node, user: introduction.user, public_key };
    match hub.store.register(device, auth::token_hash(&token)).await {
        Ok(()) => Json(Welcome { token }).into_response(),
        Err(error @ StoreError::Unsafe { .. }) => (StatusCode::CONFLICT, format!("{error}\n")).into_response(),
        Err(error) => store_failed(&hub, &error),
    }
}

pub async fn quarantine(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    if let Err(why) = auth::caller(&hub, via, &headers).await {
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
