//! The hub tells somebody independent that it lives: when that one hears nothing, nobody is called any more.

use super::ChannelError;
use super::webhook::Webhook;
use crate::config::Heartbeat;
use std::time::Duration;

/// How long the other side may take; a beat never waits for the one before it.
const WITHIN: Duration = Duration::from_secs(10);

/// One URL that is asked for at intervals.
pub struct Heart {
    webhook: Webhook,
    /// The interval.
    pub every: Duration,
}

impl Heart {
    /// Reads the URL.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn prepare(configured: &Heartbeat) -> Result<Self, ChannelError> {
        Ok(Self { webhook: Webhook::read(&configured.url_file)?, every: configured.every })
    }

    /// Beats once.
    ///
    /// # Errors
    /// What went wrong, in a few words.
    pub async fn beat(&self) -> Result<(), String> {
        self.webhook.touch(WITHIN.min(self.every)).await
    }
}
