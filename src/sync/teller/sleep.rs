//! After a time in which this process did not run, nothing is taken to be current until the hub has answered anew.

use super::super::clock;
use super::super::picture::Link;
use super::Teller;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use std::time::Duration;

impl Teller {
    /// Takes note that this process did not run for so long: the machine slept, or somebody stopped it. It is said once.
    pub(in super::super) fn slept(&mut self, gap: Duration) {
        let now = clock::now();
        self.notice(
            format!("suspended {}: nothing came or showed here meanwhile; catching up", words(gap)),
            true,
            None,
        );
        if let Err(error) = self.wake(now) {
            self.complain(&error);
        }
    }

    /// Takes nothing for current any more until the hub has answered a question of later than `now`.
    pub(super) fn wake(&mut self, now: Timestamp) -> Result<(), StoreError> {
        (self.woke_at, self.wakes) = (Some(now), true);
        match self.link {
            Link::Live => self.link_changed(Link::Stale { since: now }),
            Link::Connecting | Link::Stale { .. } | Link::Offline { .. } => Ok(()),
        }
    }

    /// Returns once, after each sleep, that the hub must be asked anew.
    pub(in super::super) fn wakes(&mut self) -> bool {
        std::mem::take(&mut self.wakes)
    }

    /// Returns whether an answer to what was asked at that time says how things are now.
    pub(super) fn is_of_now(&mut self, asked_at: Timestamp) -> bool {
        // A clock that was set back must not make all answers look old for ever.
        let woke_at = self.woke_at.map(|woke| woke.min(clock::now()));
        let is_new = woke_at.is_none_or(|woke| asked_at >= woke);
        self.woke_at = woke_at.filter(|_| !is_new);
        is_new
    }
}

/// Returns `14m`: how long, in the largest unit that says it.
fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_said_in_few_letters() {
        let said: Vec<String> =
            [7, 119, 120, 14 * 60 + 59, 7199, 7200, 100_000].map(|s| words(Duration::from_secs(s))).into();
        assert_eq!(said, ["7s", "119s", "2m", "14m", "119m", "2h00m", "27h46m"]);
    }
}
