//! The hub's heartbeat to somebody independent: it stops when the hub stops, and when its engine does.

use super::Hub;
use super::metrics::ByReason;
use crate::notify::Heart;
use crate::sync::clock;
use std::sync::Arc;
use tokio::time::MissedTickBehavior;

/// An engine whose last round is older does not work: that the process lives is then nothing to tell.
const ENGINE_WITHIN_SECONDS: i64 = 30;

/// Beats until the hub stops.
pub async fn run(hub: Arc<Hub>, heart: Heart) {
    let mut beats = tokio::time::interval(heart.every);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = hub.stop.cancelled() => return,
        }
        let beat = tokio::select! {
            beat = beat(&hub, &heart) => beat,
            () = hub.stop.cancelled() => return,
        };
        let reason = if beat.is_ok() { "sent" } else { "failed" };
        hub.metrics.heartbeats.get_or_create(&ByReason { reason }).inc();
        if let Err(why) = beat {
            tracing::warn!(why, "the heartbeat did not go out");
        }
    }
}

async fn beat(hub: &Hub, heart: &Heart) -> Result<(), String> {
    // Zero before the first round.
    let last = hub.metrics.tick.get();
    let silent = clock::now().as_millis() / 1000 - last;
    if last > 0 && silent > ENGINE_WITHIN_SECONDS {
        return Err(format!("the engine's last round was {silent} s ago; whoever waits for the heartbeat must know"));
    }
    heart.beat().await
}
