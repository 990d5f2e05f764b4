//! Silences as Alertmanager's API v2 has them, so that amtool and karma work on the hub.

use super::alerts::{may_read, values};
use super::{BODY_WITHIN, Hubbed, denied, store_failed};
use crate::domain::id::SourceName;
use crate::domain::item::{ITEM_BYTES_MAX, Item, ItemKind, Silence};
use crate::domain::scope::Right;
use crate::domain::silence::{ADMIN_MAX, PERSON_MAX};
use crate::domain::time::Timestamp;
use crate::hub::Hub;
use crate::hub::auth::{self, Caller, Denied, Via};
use crate::ingest::Format;
use crate::query::silencing::{LabelMatcher, braces, matchers, silencing};
use crate::query::{AlertSubject, Eyes, Query as Asked, alertmanager};
use crate::store::StoreError;
use crate::sync::clock;
use crate::sync::device::random;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Most matchers of a silence.
const MATCHERS_MAX: usize = 64;
/// Bytes of a silence as JSON: what the store takes of one item, with room for what stands around it.
const BYTES_MAX: usize = ITEM_BYTES_MAX - 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Postable {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<LabelMatcher>,
    starts_at: String,
    ends_at: String,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Gettable {
    id: String,
    status: Status,
    updated_at: String,
    matchers: Vec<LabelMatcher>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
}

#[derive(Serialize)]
struct Status {
    state: &'static str,
}

/// Who writes, and how long their silences may last.
struct Writer {
    /// Whose name it is, where the hub knows it; else they say who they are.
    name: Option<String>,
    longest: Duration,
}

/// On this machine, who may send may silence, as with an Alertmanager; over TLS a console only, in its own person's name.
async fn writer(hub: &Hub, via: Via, headers: &HeaderMap) -> Result<Writer, Denied> {
    let person = |name| Writer { name, longest: PERSON_MAX };
    match auth::caller(hub, via, headers, Right::Deliver).await {
        Ok(Caller::Admin) => Ok(Writer { name: None, longest: ADMIN_MAX }),
        Ok(Caller::Console(device)) => Ok(person(Some(device.user.to_string()))),
        Ok(Caller::Viewer { .. } | Caller::Source) => Err(Denied::Forbidden),
        Err(_) if !matches!(via, Via::Tls(_)) && hub.tokens.source(headers, via, Format::AlertmanagerApi).is_ok() => {
            Ok(person(None))
        }
        Err(why) => Err(why),
    }
}

fn refused(why: impl Into<String>) -> Response {
    (StatusCode::BAD_REQUEST, Json(why.into())).into_response()
}

fn failed(hub: &Hub, error: &StoreError) -> Response {
    match error {
        StoreError::Items(why) => (StatusCode::INSUFFICIENT_STORAGE, Json(why.clone())).into_response(),
        error => store_failed(hub, error),
    }
}

/// `POST /api/v2/silences`. One with the id of another that is alive ends that and is a new one.
pub async fn post(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    let writer = match writer(&hub, via, request.headers()).await {
        Ok(writer) => writer,
        Err(why) => return denied(&hub, why),
    };
    let body = match tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return rejection.into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body took longer than 10 s\n").into_response(),
    };
    let posted: Postable = match serde_json::from_slice(&body) {
        Ok(posted) => posted,
        Err(error) => return refused(format!("this is no silence: {error}")),
    };
    let now = clock::now();
    let replaced = posted.id.clone().filter(|id| !id.is_empty());
    let silence = match read(posted, &writer, now) {
        Ok(silence) => silence,
        Err(why) => return refused(why),
    };
    if let Some(id) = &replaced {
        match find(&hub, id).await {
            Ok(Some(_)) => {}
            Ok(None) => return (StatusCode::NOT_FOUND, Json(format!("there is no silence {id}"))).into_response(),
            Err(error) => return failed(&hub, &error),
        }
    }
    let id = silence.id.clone();
    match hub.store.put_silence(silence, replaced, now).await {
        Ok(committed) => {
            hub.committed(&committed);
            Json(json!({ "silenceID": id })).into_response()
        }
        Err(error) => failed(&hub, &error),
    }
}

fn read(posted: Postable, writer: &Writer, now: Timestamp) -> Result<Silence, String> {
    let Postable { matchers, starts_at, ends_at, created_by, comment, .. } = posted;
    if matchers.len() > MATCHERS_MAX {
        return Err(format!("at most {MATCHERS_MAX} matchers are taken"));
    }
    let (_, text) = silencing(&braces(&matchers))?;
    let time = |name: &str, text: &str| Timestamp::parse(text).map_err(|error| format!("{name}: {error}"));
    let silence = Silence {
        id: Uuid::from_bytes(random()).to_string(),
        matchers: text,
        // What is past is past: it counts from now on.
        starts_at: time("startsAt", &starts_at)?.max(now),
        ends_at: time("endsAt", &ends_at)?,
        created_by: writer.name.clone().unwrap_or(created_by),
        reason: comment,
        updated_at: now,
        ended_by: None,
        upstream: None,
    };
    silence.check(writer.longest, now)?;
    // What is short may be long as JSON: a control character is six bytes there.
    let bytes = serde_json::to_vec(&silence).map_or(usize::MAX, |json| json.len());
    if bytes > BYTES_MAX {
        return Err(format!("the silence is {bytes} bytes as JSON, and at most {BYTES_MAX} are taken: say less in it"));
    }
    Ok(silence)
}

/// Silences that are listed: all that count and may come, and the latest of those that are over.
const LISTED_MAX: usize = 2000;

/// `GET /api/v2/silences`: those that count first, then those to come, then those that are over.
pub async fn list(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if let Err(why) = may_read(&hub, via, &headers).await {
        return denied(&hub, why);
    }
    let filters: Result<Vec<Asked>, _> = values(&query, "filter").take(16).map(alertmanager::matcher).collect();
    let filter = match filters.and_then(|filters| Asked::all_of(&filters)) {
        Ok(filter) => filter,
        Err(error) => return refused(error.to_string()),
    };
    let items = match hub.store.items(ItemKind::Silence).await {
        Ok(items) => items,
        Err(error) => return failed(&hub, &error),
    };
    let now = clock::now();
    let mut silences: Vec<Silence> = items.into_iter().filter_map(only_silence).collect();
    silences.sort_by_key(|silence| match silence.state_word(now) {
        "active" => (0, silence.ends_at.as_millis()),
        "pending" => (1, silence.starts_at.as_millis()),
        _ => (2, silence.ends_at.as_millis().saturating_neg()),
    });
    silences.truncate(LISTED_MAX);
    let found = silences.into_iter().map(move |silence| gettable(silence, now));
    // As Alertmanager does: a filter is asked of the matchers themselves, as though they were labels.
    let fits = move |silence: &Gettable| {
        let labels = silence.matchers.iter().map(|one| (one.name.as_str(), one.value.as_str()));
        let labels = crate::domain::label::Labels::new(labels, &crate::domain::label::LabelLimits::LABELS);
        let Ok((labels, source)) =
            labels.map_err(drop).and_then(|labels| Ok((labels, SourceName::parse("hub").map_err(drop)?)))
        else {
            return false;
        };
        filter.matches(&AlertSubject { source: &source, labels: &labels }, &Eyes::nobody(now))
    };
    // Each is read anew: other requests go on meanwhile.
    match tokio::task::spawn_blocking(move || found.filter(fits).collect::<Vec<_>>()).await {
        Ok(found) => Json(found).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// `GET /api/v2/silence/{id}`.
pub async fn one(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Err(why) = may_read(&hub, via, &headers).await {
        return denied(&hub, why);
    }
    match find(&hub, &id).await {
        Ok(Some(silence)) => Json(gettable(silence, clock::now())).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&hub, &error),
    }
}

/// `DELETE /api/v2/silence/{id}`: it is over now, and stays to be seen.
pub async fn end(
    State(hub): Hubbed,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let writer = match writer(&hub, via, &headers).await {
        Ok(writer) => writer,
        Err(why) => return denied(&hub, why),
    };
    let who = writer.name.unwrap_or_else(|| "the hub's machine".to_owned());
    match hub.store.end_silence(id.clone(), who, clock::now()).await {
        Ok(Some(committed)) => {
            hub.committed(&committed);
            StatusCode::OK.into_response()
        }
        // One that is over already is answered as one that was never there.
        Ok(None) => (StatusCode::NOT_FOUND, Json(format!("no silence {id} is alive"))).into_response(),
        Err(error) => failed(&hub, &error),
    }
}

/// What an Alertmanager in front says is not given out as ours: a hub that asks this one, or that one's own clients, would have it twice.
fn only_silence(item: Item) -> Option<Silence> {
    match item {
        Item::Silence(silence) => Some(silence).filter(|silence| silence.upstream.is_none()),
        _ => None,
    }
}

async fn find(hub: &Hub, id: &str) -> Result<Option<Silence>, StoreError> {
    let items = hub.store.items(ItemKind::Silence).await?;
    Ok(items.into_iter().filter_map(only_silence).find(|silence| silence.id == id))
}

fn gettable(silence: Silence, now: Timestamp) -> Gettable {
    let read = Asked::parse(&silence.matchers).ok();
    Gettable {
        status: Status { state: silence.state_word(now) },
        matchers: read.and_then(|query| matchers(&query)).unwrap_or_default(),
        id: silence.id,
        updated_at: silence.updated_at.to_string(),
        starts_at: silence.starts_at.to_string(),
        ends_at: silence.ends_at.to_string(),
        created_by: silence.created_by,
        comment: silence.reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_would_not_take_is_the_senders_mistake() {
        let now = Timestamp::parse("2026-01-31T03:00:00Z").unwrap();
        let posted = |words: &str| Postable {
            id: None,
            matchers: vec![LabelMatcher {
                name: "a".into(),
                value: "\u{1}".repeat(900),
                is_regex: false,
                is_equal: true,
            }],
            starts_at: "2026-01-31T03:00:00Z".into(),
            ends_at: "2026-01-31T04:00:00Z".into(),
            created_by: words.into(),
            comment: words.into(),
        };
        let writer = Writer { name: None, longest: PERSON_MAX };
        let why = read(posted(&"\u{1b}".repeat(1024)), &writer, now).unwrap_err();
        assert!(why.contains("bytes as JSON"), "{why}");
        assert_eq!(read(posted("mira"), &writer, now).map(|silence| silence.reason), Ok("mira".to_owned()));
    }
}
