//! Claims: who says that what fits a query is known to them, made and ended by the person whose token or socket it is.

use super::{Hubbed, denied, json_body, store_failed};
use crate::domain::claim::{self, REASON_CHARS_MAX};
use crate::domain::id::UserName;
use crate::domain::item::{Claim, Item, ItemKind};
use crate::domain::scope::Right;
use crate::domain::text::SafeText;
use crate::hub::Hub;
use crate::hub::auth::{self, Caller, Via};
use crate::query::Query;
use crate::store::StoreError;
use crate::sync::clock;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// What a person asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The text of a query.
    query: String,
    /// For how long, in milliseconds.
    for_ms: u64,
    /// Why.
    reason: String,
    /// Whether the person is to be called first.
    #[serde(default)]
    page_me: bool,
    /// Whose claim it is; only who has the hub itself may say another than themselves.
    #[serde(default)]
    by: Option<UserName>,
}

/// Answers `GET /v1/claims`: those that stand, the next to end first.
pub async fn list(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    if let Err(why) = auth::caller(&hub, via, request.headers(), Right::Read).await {
        return denied(&hub, why);
    }
    match standing(&hub).await {
        Ok(claims) => Json(json!({ "claims": claims })).into_response(),
        Err(error) => store_failed(&hub, &error),
    }
}

/// Answers `POST /v1/claims`.
pub async fn make(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    let caller = match auth::caller(&hub, via, request.headers(), Right::Deliver).await {
        Ok(caller) => caller,
        Err(why) => return denied(&hub, why),
    };
    let wanted: Wanted = match json_body(request).await {
        Ok(wanted) => wanted,
        Err(refused) => return refused,
    };
    let by = match (caller, wanted.by.clone()) {
        (Caller::Console(device), None) => device.user,
        (Caller::Console(device), Some(by)) if by == device.user => by,
        (Caller::Admin, Some(by)) => by,
        (Caller::Admin, None) => return wrong("say whose claim it is: \"by\""),
        _ => return (StatusCode::FORBIDDEN, "a claim is its own person's\n").into_response(),
    };
    let query = match Query::parse(&wanted.query) {
        Ok(query) if query.is_all() => return wrong("the query is empty: that would claim everything"),
        Ok(query) => query,
        Err(error) => return wrong(&error.pointed(&wanted.query)),
    };
    let span = Duration::from_millis(wanted.for_ms);
    if let Err(why) = claim::check(span, &wanted.reason) {
        return wrong(&why);
    }
    let now = clock::now();
    let claim = Claim {
        id: Uuid::now_v7().to_string(),
        by,
        query: query.text().to_owned(),
        at: now,
        until: now.plus(span),
        reason: SafeText::line(wanted.reason.trim(), REASON_CHARS_MAX).to_string(),
        page_me: wanted.page_me,
    };
    match hub.store.claim(claim.clone(), now).await {
        Ok(committed) => {
            hub.committed(&committed);
            tracing::info!(id = claim.id, by = %claim.by, query = ?claim.query, until = %claim.until, "a claim is made");
            (StatusCode::CREATED, Json(claim)).into_response()
        }
        Err(StoreError::Items(why)) => wrong(&why),
        Err(error) => store_failed(&hub, &error),
    }
}

/// Answers `DELETE /v1/claims/{id}`; the beginning of an id is enough where it names one.
pub async fn end(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let caller = match auth::caller(&hub, via, request.headers(), Right::Deliver).await {
        Ok(caller) => caller,
        Err(why) => return denied(&hub, why),
    };
    let named: Vec<Claim> = match standing(&hub).await {
        Ok(claims) => claims.into_iter().filter(|claim| !id.is_empty() && claim.id.starts_with(&id)).collect(),
        Err(error) => return store_failed(&hub, &error),
    };
    let [claim] = &named[..] else {
        let why = if named.is_empty() { "no claim of that id stands\n" } else { "that begins several ids\n" };
        return (StatusCode::NOT_FOUND, why).into_response();
    };
    // Anybody on the rota may end it: who claimed it may be asleep.
    let who = match &caller {
        Caller::Console(device) => device.user.to_string(),
        _ => "the hub's own user".to_owned(),
    };
    match hub.store.end_claims(vec![claim.id.clone()], clock::now()).await {
        Ok(committed) => {
            hub.committed(&committed);
            tracing::info!(id = claim.id, by = %claim.by, ended_by = who, "a claim is ended before its time");
            Json(claim).into_response()
        }
        Err(error) => store_failed(&hub, &error),
    }
}

async fn standing(hub: &Hub) -> Result<Vec<Claim>, StoreError> {
    let now = clock::now();
    let items = hub.store.items(ItemKind::Claim).await?.into_iter();
    let mut claims: Vec<Claim> = items
        .filter_map(|item| match item {
            Item::Claim(claim) => Some(claim),
            _ => None,
        })
        .filter(|claim| now < claim.until)
        .collect();
    claims.sort_by(|a, b| (a.until, &a.id).cmp(&(b.until, &b.id)));
    Ok(claims)
}

fn wrong(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response()
}
