//! Jobs say how they ended, in the manner of Healthchecks: `/v1/ping/NAME`, and `/start`, `/fail`, `/log` or an exit status behind it.

use super::{BODY_WITHIN, Hubbed, denied, store_failed};
use crate::domain::id::SourceName;
use crate::domain::source::{Outcome, PING_BYTES_MAX, Ping};
use crate::hub::auth::{Denied, Via};
use crate::hub::{Hub, sources};
use crate::sync::clock;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;

/// Bytes of a body that are read so that its sender hears the answer; beyond them the connection ends.
const READ_MAX: usize = 1024 * 1024;

pub async fn succeeded(State(hub): Hubbed, Path(name): Path<String>, request: Request) -> Response {
    take(&hub, &name, Outcome::Succeeded, request).await
}

pub async fn said(State(hub): Hubbed, Path((name, what)): Path<(String, String)>, request: Request) -> Response {
    match outcome(&what) {
        Some(outcome) => take(&hub, &name, outcome, request).await,
        None => {
            let way = "behind the name stands nothing, start, fail, log, or an exit status from 0 to 255\n";
            (StatusCode::BAD_REQUEST, way).into_response()
        }
    }
}

fn outcome(what: &str) -> Option<Outcome> {
    match what {
        "start" => Some(Outcome::Started),
        "fail" => Some(Outcome::Failed(None)),
        "log" => Some(Outcome::Logged),
        digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            match digits.parse().ok()? {
                0 => Some(Outcome::Succeeded),
                status => Some(Outcome::Failed(Some(status))),
            }
        }
        _ => None,
    }
}

async fn take(hub: &Hub, name: &str, outcome: Outcome, request: Request) -> Response {
    let Some(via) = request.extensions().get::<Via>().copied() else { return denied(hub, Denied::NoRight) };
    // A picture on a page of anybody's asks by GET and says no origin; what a browser asks for itself says so here.
    if request.headers().get("sec-fetch-site").is_some_and(|site| site != "none") {
        return (StatusCode::FORBIDDEN, "the hub takes no requests of web pages\n").into_response();
    }
    let name = SourceName::parse(name).ok();
    if let Err(why) = hub.tokens.may_ping(request.headers(), via, name.as_ref()) {
        return denied(hub, why);
    }
    let Some(name) = name.filter(|name| hub.watch.takes_pings(name)) else {
        let way =
            "no source of that name takes pings; in hub.toml: [[source]] name = \"…\", ping = true, every = \"1h\"\n";
        return (StatusCode::NOT_FOUND, way).into_response();
    };
    let text = match tokio::time::timeout(BODY_WITHIN, text(request.into_body())).await {
        Ok(Ok(text)) => text,
        Ok(Err(())) => return (StatusCode::BAD_REQUEST, "the body broke off\n").into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body took longer than 10 s\n").into_response(),
    };
    let now = clock::now();
    hub.spoke(&name, now);
    match sources::ping(hub, name, Ping { outcome, text }, now).await {
        Ok(()) => {
            let kept = [("ping-body-limit", PING_BYTES_MAX.to_string())];
            (kept, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "OK\n").into_response()
        }
        Err(error) => store_failed(hub, &error),
    }
}

/// Reads a body and keeps the beginning of it as text.
async fn text(mut body: Body) -> Result<String, ()> {
    let (mut kept, mut read) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ())?.into_data() else { continue };
        read += data.len();
        kept.extend_from_slice(&data[..data.len().min(PING_BYTES_MAX - kept.len())]);
        if read > READ_MAX {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_name_says_how_it_went() {
        assert_eq!(outcome("start"), Some(Outcome::Started));
        assert_eq!(outcome("fail"), Some(Outcome::Failed(None)));
        assert_eq!(outcome("0"), Some(Outcome::Succeeded));
        assert_eq!(outcome("255"), Some(Outcome::Failed(Some(255))));
        for wrong in ["256", "-1", "+1", "", "ok", "1.0"] {
            assert_eq!(outcome(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn of_a_long_body_the_beginning_is_kept() {
        assert_eq!(text(Body::from("two\nlines")).await.unwrap(), "two\nlines");
        let long = text(Body::from(vec![b'x'; 100 * 1024])).await.unwrap();
        assert_eq!(long.len(), PING_BYTES_MAX);
        assert_eq!(text(Body::from(vec![0xff, b'a'])).await.unwrap(), "\u{fffd}a");
    }
}
