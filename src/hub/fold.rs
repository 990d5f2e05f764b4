//! Everything that was queued, in one transaction; while it commits, the next collects. No delay is added to make batches larger.

use super::Hub;
use crate::domain::event::Event;
use crate::store::hub::Batch;
use crate::store::{Quarantined, StoreError};
use crate::sync::clock;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Alerts in one transaction: where a larger one no longer gains.
const BATCH_MAX: usize = 2048;
/// How long a sender waits for the disk before it is told to come again.
const COMMIT_WITHIN: Duration = Duration::from_secs(5);

/// What one request wants on the disk.
pub struct Queued {
    events: Vec<Event>,
    quarantined: Vec<Quarantined>,
    done: oneshot::Sender<bool>,
    /// The room it takes in the queue, given back when it is folded.
    _room: Option<OwnedSemaphorePermit>,
}

/// The hub could not take it now; the sender should come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// As much waits for the disk as may.
    QueueFull,
    /// The disk did not answer, or refused.
    NotCommitted,
}

/// Queues and waits until it is on the disk.
///
/// # Errors
/// [`Overload`]: nothing was promised to the sender then.
pub async fn submit(hub: &Hub, events: Vec<Event>, quarantined: Vec<Quarantined>) -> Result<(), Overload> {
    if events.is_empty() && quarantined.is_empty() {
        return Ok(());
    }
    let wanted = u32::try_from(events.len() + quarantined.len()).unwrap_or(u32::MAX);
    // The permits bound the queue, which therefore needs no bound of its own.
    let room = hub.room.clone().try_acquire_many_owned(wanted).map_err(|_| Overload::QueueFull)?;
    let (done, answer) = oneshot::channel();
    let queued = Queued { events, quarantined, done, _room: Some(room) };
    hub.queue.send(queued).map_err(|_| Overload::NotCommitted)?;
    match tokio::time::timeout(COMMIT_WITHIN, answer).await {
        Ok(Ok(true)) => Ok(()),
        _ => Err(Overload::NotCommitted),
    }
}

/// Folds until every sender is gone.
pub async fn run(hub: Arc<Hub>, mut queue: mpsc::UnboundedReceiver<Queued>) {
    loop {
        let first = tokio::select! {
            first = queue.recv() => first,
            () = hub.stop.cancelled() => queue.try_recv().ok(),
        };
        let Some(first) = first else { return };
        let mut waiting = Vec::new();
        let mut batch = Batch { now: clock::now(), ..Batch::default() };
        take(&mut batch, &mut waiting, first);
        while batch.events.len() < BATCH_MAX
            && let Ok(next) = queue.try_recv()
        {
            take(&mut batch, &mut waiting, next);
        }
        let committed = commit(&hub, batch).await;
        for (done, _room) in waiting {
            let _ = done.send(committed);
        }
    }
}

type Waiting = (oneshot::Sender<bool>, Option<OwnedSemaphorePermit>);

fn take(batch: &mut Batch, waiting: &mut Vec<Waiting>, queued: Queued) {
    batch.events.extend(queued.events);
    batch.quarantined.extend(queued.quarantined);
    waiting.push((queued.done, queued._room));
}

async fn commit(hub: &Hub, batch: Batch) -> bool {
    let alerts = batch.events.len();
    let start = Instant::now();
    match hub.store.ingest(batch).await {
        Ok(committed) => {
            hub.committed(&committed);
            hub.metrics.commit_seconds.observe(start.elapsed().as_secs_f64());
            hub.metrics.commit_alerts.observe(alerts as f64);
            true
        }
        Err(error) => {
            failed(hub, &error);
            false
        }
    }
}

/// Takes an alert of the hub about itself in.
pub async fn raise(hub: &Hub, event: Event) {
    let batch = Batch { now: event.received_at, events: vec![event], ..Batch::default() };
    match hub.store.ingest(batch).await {
        Ok(committed) => hub.committed(&committed),
        Err(error) => failed(hub, &error),
    }
}

/// Logs what the store refused; when nobody knows what the disk kept, the hub stops.
pub fn failed(hub: &Hub, error: &StoreError) {
    tracing::error!(error = error as &dyn std::error::Error, "the store refused");
    if matches!(error, StoreError::Disk(_) | StoreError::Stopped | StoreError::Corrupt { .. }) {
        hub.stop.cancel();
    }
}
