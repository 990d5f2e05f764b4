//! The one place that reads the wall clock.

use crate::domain::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the present time of this machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is a clock at 1970: nothing here depends on it.
    Timestamp::from_millis(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}
