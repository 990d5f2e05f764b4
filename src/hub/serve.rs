//! Connections: how many, how long a header may take, and that all of them end when the hub does.

use super::Hub;
use super::auth::Via;
use crate::sync::clock;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a request's header may take, and an idle connection wait for the next: a slow sender holds a place, not the hub.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// The first byte of a TLS connection: a handshake record. No HTTP request begins so.
const TLS_HELLO: u8 = 0x16;
/// How long a request under way may go on once the hub stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long to wait before accepting again when the system has no more descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Serves sources and consoles over TCP: in the clear to this machine, over TLS to all others.
pub async fn tcp(listener: TcpListener, router: Router, hub: Arc<Hub>, tasks: TaskTracker) {
    loop {
        let Some(Ok(place)) = until(&hub.stop, hub.places.clone().acquire_owned()).await else { return };
        match until(&hub.stop, listener.accept()).await {
            None => return,
            Some(Ok((stream, peer))) => {
                let _ = stream.set_nodelay(true);
                let (router, hub) = (router.clone(), hub.clone());
                tasks.spawn(async move {
                    welcome(stream, peer.ip(), router, &hub).await;
                    drop(place);
                });
            }
            Some(Err(error)) => pause(error).await,
        }
    }
}

/// Serves one connection in the way that fits where it arrived.
async fn welcome(stream: TcpStream, peer: IpAddr, router: Router, hub: &Hub) {
    // What arrives at an address of loopback was sent on this machine: the kernel takes it from nowhere else.
    let here = stream.local_addr().is_ok_and(|local| local.ip().to_canonical().is_loopback());
    let stop = hub.stop.clone();
    let Some(tls) = &hub.tls else {
        return if here {
            connection(stream, router, Via::Tcp, stop).await
        };
    };
    if here && !until(&stop, speaks_tls(&stream)).await.unwrap_or(false) {
        return connection(stream, router, Via::Tcp, stop).await;
    }
    let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, tls.acceptor.accept(stream));
    match until(&stop, handshake).await {
        Some(Ok(Ok(stream))) => connection(stream, router, Via::Tls(peer), stop).await,
        Some(Ok(Err(error))) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Some(Err(_)) => tracing::debug!(%peer, "a TLS handshake took too long"),
        None => {}
    }
}

/// Returns whether the first byte begins a TLS connection; `false` when none comes in time.
async fn speaks_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = tokio::time::timeout(HEADER_WITHIN, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0] == TLS_HELLO
}

/// Shows a fresh certificate in time, until the hub stops.
pub async fn certificates(hub: Arc<Hub>) {
    let mut looks = tokio::time::interval(super::tls::LOOK_EVERY);
    while until(&hub.stop, looks.tick()).await.is_some() {
        if let Some(tls) = &hub.tls
            && let Err(error) = tls.look(clock::now())
        {
            tracing::error!(error = &*error as &dyn std::error::Error, "no fresh certificate; the old one is shown on");
        }
    }
}

/// Serves consoles of the same user.
pub async fn unix(listener: UnixListener, router: Router, hub: Arc<Hub>, tasks: TaskTracker) {
    loop {
        match until(&hub.stop, listener.accept()).await {
            None => return,
            Some(Ok((stream, _))) => {
                tasks.spawn(connection(stream, router.clone(), Via::Socket, hub.stop.clone()));
            }
            Some(Err(error)) => pause(error).await,
        }
    }
}

async fn until<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = stop.cancelled() => None,
    }
}

async fn pause(error: std::io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(BREATH).await;
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router, via: Via, stop: CancellationToken) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(via);
        tower_service::Service::call(&mut router.clone(), request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN).max_buf_size(64 * 1024);
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // How a connection ends is the other side's matter.
        _ = &mut serving => return,
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(LAST_WORDS, serving).await;
}
