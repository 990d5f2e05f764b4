//! The feed: a long poll by cursor.

use super::{Hubbed, denied, store_failed};
use crate::hub::Hub;
use crate::hub::auth::{self, Caller, Denied, Via};
use crate::store::{FeedPage, StoreError};
use crate::sync::clock;
use crate::sync::wire::{FEED_ROWS_MAX, FeedAnswer, FeedQuery, Gone, TIME_HEADER, WAIT_SECONDS_MAX};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use std::time::Duration;

pub async fn feed(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Query(query): Query<FeedQuery>,
) -> Response {
    let user = match auth::caller(&hub, via, &headers).await {
        Ok(Caller::Console(device)) if device.node != query.node => return denied(&hub, Denied::NoRight),
        Ok(Caller::Console(device)) => Some(device.user),
        Ok(Caller::Admin) => None,
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
        return (StatusCode::GONE, time(), Json(Gone { epoch: hub.epoch.clone() })).into_response();
    }
    // Who does not wait is a command that ends, or a console that is not whole yet: no page can be left to it.
    let waits = user.filter(|_| query.wait > 0).map(|user| hub.presence.waits(&user));
    let page = match wait_for_news(&hub, &query).await {
        Ok(page) => page,
        Err(error) => return store_failed(&hub, &error),
    };
    if let Some(waits) = waits {
        waits.answered();
    }
    match FeedAnswer::try_from(page) {
        Ok(answer) => (time(), Json(answer)).into_response(),
        Err(error) => store_failed(&hub, &StoreError::Row(error)),
    }
}

/// Returns the page after the cursor as soon as it has something, or an empty one after the wait.
async fn wait_for_news(hub: &Hub, query: &FeedQuery) -> Result<FeedPage, StoreError> {
    // Subscribed before the first read: what commits in between wakes us.
    let mut news = hub.head.subscribe();
    let until = tokio::time::Instant::now() + Duration::from_secs(query.wait.min(WAIT_SECONDS_MAX));
    hub.metrics.waiting.inc();
    let page = loop {
        let head = *news.borrow_and_update();
        if head > query.after {
            break hub.store.feed(query.after, FEED_ROWS_MAX, query.node).await;
        }
        let changed = tokio::select! {
            changed = tokio::time::timeout_at(until, news.changed()) => changed.is_ok(),
            () = hub.stop.cancelled() => false,
        };
        if !changed {
            break Ok(FeedPage {
                epoch: hub.epoch.clone(),
                after: query.after,
                next: query.after,
                head: query.after,
                rows: Vec::new(),
                signatures: None,
            });
        }
    };
    hub.metrics.waiting.dec();
    page
}

fn time() -> [(&'static str, String); 1] {
    [(TIME_HEADER, clock::now().as_millis().to_string())]
}
