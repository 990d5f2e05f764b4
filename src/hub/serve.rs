//! Connections: how many, how long a header may take, and that all of them end when the hub does.

use super::Hub;
use super::auth::Via;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a request's header may take, and an idle connection wait for the next: a slow sender holds a place, not the hub.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// How long a request under way may go on once the hub stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long to wait before accepting again when the system has no more descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Serves sources and consoles over TCP.
pub async fn tcp(listener: TcpListener, router: Router, hub: Arc<Hub>, tasks: TaskTracker) {
    let router = router.layer(Extension(Via::Tcp));
    let places = Arc::new(Semaphore::new(hub.config.connections_max));
    loop {
        let Some(Ok(place)) = until(&hub.stop, places.clone().acquire_owned()).await else { return };
        match until(&hub.stop, listener.accept()).await {
            None => return,
            Some(Ok((stream, _))) => {
                let _ = stream.set_nodelay(true);
                let connection = connection(stream, router.clone(), hub.stop.clone());
                tasks.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Some(Err(error)) => pause(error).await,
        }
    }
}

/// Serves consoles of the same user.
pub async fn unix(listener: UnixListener, router: Router, hub: Arc<Hub>, tasks: TaskTracker) {
    let router = router.layer(Extension(Via::Socket));
    loop {
        match until(&hub.stop, listener.accept()).await {
            None => return,
            Some(Ok((stream, _))) => {
                tasks.spawn(connection(stream, router.clone(), hub.stop.clone()));
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

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router, stop: CancellationToken) {
    let service = TowerToHyperService::new(router);
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
