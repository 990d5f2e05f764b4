//! Consoles say which pages they have, and which their person saw.

use super::{Hubbed, denied, json_body, store_failed};
use crate::domain::paging::{CONSOLE, PageId};
use crate::domain::scope::Right;
use crate::hub::auth::{self, Caller, Denied, Via};
use crate::hub::metrics::ByChannel;
use crate::store::hub::Receipt;
use crate::sync::clock;
use crate::sync::wire::{RECEIPTS_MAX, Receipts};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

pub async fn receipts(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    let device = match auth::caller(&hub, via, request.headers(), Right::Deliver).await {
        Ok(Caller::Console(device)) => device,
        // Only a person's own console can say what that person has.
        Ok(Caller::Admin | Caller::Viewer { .. } | Caller::Source) => return denied(&hub, Denied::NoRight),
        Err(why) => return denied(&hub, why),
    };
    let said: Receipts = match json_body(request).await {
        Ok(said) => said,
        Err(refused) => return refused,
    };
    if said.delivered.len().max(said.seen.len()) > RECEIPTS_MAX {
        return (StatusCode::BAD_REQUEST, format!("at most {RECEIPTS_MAX} receipts are taken at once\n"))
            .into_response();
    }
    for (outcome, ids) in [("delivered", &said.delivered), ("seen", &said.seen)] {
        let label = ByChannel { channel: CONSOLE.to_owned(), outcome };
        hub.metrics.pages.get_or_create(&label).inc_by(ids.len() as u64);
    }
    let all = |ids: Vec<PageId>, receipt: Receipt| ids.into_iter().map(move |id| (id, receipt));
    let receipts = all(said.delivered, Receipt::Delivered).chain(all(said.seen, Receipt::Seen)).collect();
    match hub.store.receipts(device.user, receipts, clock::now()).await {
        Ok(committed) => {
            hub.committed(&committed);
            StatusCode::OK.into_response()
        }
        Err(error) => store_failed(&hub, &error),
    }
}
