//! The feed: a long poll by cursor.

use super::{Hubbed, denied, store_failed};
use crate::domain::id::UserName;
use crate::domain::scope::Right;
use crate::hub::Hub;
use crate::hub::auth::{self, Caller, Denied, Via};
use crate::hub::news::{self, News};
use crate::store::{Device, StoreError};
use crate::sync::clock;
use crate::sync::roster::VERSION_HEADER;
use crate::sync::wire::{FeedQuery, Gone, TIME_HEADER, WAIT_SECONDS_MAX};
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

pub async fn feed(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Query(query): Query<FeedQuery>,
) -> Response {
    // Subscribed before the token is looked at: a revocation in between is seen.
    let mut revocations = hub.revocations.subscribe();
    let user = match let_in(&hub, via, &headers, &query).await {
        Ok(user) => user,
        Err(why) => return denied(&hub, why),
    };
    // The disk may be ahead of what the waiting consoles have been told.
    let ahead = query.after > *hub.head.borrow();
    let beyond = match ahead {
        true => hub.store.head().await.map(|head| query.after > head.seq),
        false => Ok(false),
    };
    let beyond = match beyond {
        Ok(beyond) => beyond,
        Err(error) => return store_failed(&hub, &error),
    };
    if query.epoch != hub.epoch || beyond {
        return (StatusCode::GONE, heads(&hub), Json(Gone { epoch: hub.epoch.clone() })).into_response();
    }
    // Who does not wait is a command that ends, or a console that is not whole yet: no page can be left to it.
    let waits = user.filter(|_| query.wait > 0).map(|user| hub.presence.waits(&user));
    let page = match wait_for_news(&hub, &query, &mut revocations).await {
        Ok(page) => page,
        Err(error) => return store_failed(&hub, &error),
    };
    if revocations.has_changed().unwrap_or(true)
        && let Err(why) = let_in(&hub, via, &headers, &query).await
    {
        return denied(&hub, why);
    }
    if let Some(waits) = waits {
        waits.answered();
    }
    (heads(&hub), [(header::CONTENT_TYPE, "application/json")], page).into_response()
}

/// A console and a viewer read for their own node alone. Returns the person whose console asks: a viewer's cannot answer a page.
async fn let_in(hub: &Hub, via: Via, headers: &HeaderMap, query: &FeedQuery) -> Result<Option<UserName>, Denied> {
    match auth::caller(hub, via, headers, Right::Read).await? {
        Caller::Console(Device { node, .. }) | Caller::Viewer { node, .. } if node != query.node => {
            Err(Denied::NoRight)
        }
        Caller::Console(device) => Ok(Some(device.user)),
        Caller::Viewer { .. } | Caller::Admin => Ok(None),
        Caller::Source => Err(Denied::Forbidden),
    }
}

/// Returns the page after the cursor as soon as it has something, or an empty one after the wait or when somebody is revoked.
async fn wait_for_news(
    hub: &Hub,
    query: &FeedQuery,
    revocations: &mut watch::Receiver<u64>,
) -> Result<Bytes, StoreError> {
    // Who does not wait wants all there is: a command that shows what it has just done.
    let mut announced = if query.wait == 0 { hub.head.subscribe() } else { hub.news.subscribe() };
    let until = tokio::time::Instant::now() + Duration::from_secs(query.wait.min(WAIT_SECONDS_MAX));
    let _waiting = News::wait(hub);
    loop {
        let newest = *announced.borrow_and_update();
        if newest > query.after {
            return news::page(hub, query, newest).await;
        }
        let changed = tokio::select! {
            changed = tokio::time::timeout_at(until, announced.changed()) => changed.is_ok(),
            () = hub.stop.cancelled() => false,
            () = revoked(revocations) => false,
        };
        if !changed {
            return news::nothing(hub, query);
        }
    }
}

/// Completes at a revocation, which stays unseen: the caller looks again.
async fn revoked(revocations: &mut watch::Receiver<u64>) {
    if revocations.changed().await.is_ok() {
        revocations.mark_changed();
    }
}

fn heads(hub: &Hub) -> [(&'static str, String); 2] {
    let version = hub.roster_version.load(Ordering::Relaxed);
    [(TIME_HEADER, clock::now().as_millis().to_string()), (VERSION_HEADER, version.to_string())]
}
