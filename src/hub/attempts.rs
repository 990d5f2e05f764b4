//! Attempts that failed, by where they came from: who guesses is slowed down, who has a right never is.

use crate::domain::time::Timestamp;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failed attempts that one address has within a window before it is refused without a look.
const ATTEMPTS_MAX: u32 = 10;
/// The window.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 4096;

/// Who failed how often.
#[derive(Default)]
pub struct Attempts {
    by_address: Mutex<HashMap<IpAddr, Window>>,
}

struct Window {
    began: Timestamp,
    failed: u32,
}

impl Attempts {
    /// Notes a failed attempt; returns whether it was one too many.
    ///
    /// Where too many addresses fail at once, every further one counts as one too many: it only ever meets who failed.
    pub fn failed(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&address) {
            all.retain(|_, window| now.since(window.began) < WINDOW);
            if all.len() >= ADDRESSES_MAX {
                return true;
            }
        }
        let window = all.entry(address).or_insert(Window { began: now, failed: 0 });
        if now.since(window.began) >= WINDOW || now < window.began {
            *window = Window { began: now, failed: 0 };
        }
        window.failed = window.failed.saturating_add(1);
        window.failed > ATTEMPTS_MAX
    }
}

/// One customer has 2^64 addresses of version 6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn failures(attempts: &Attempts, address: &str, second: i64, times: usize) -> Vec<bool> {
        (0..times).map(|_| attempts.failed(address.parse().unwrap(), at(second))).collect()
    }

    #[test]
    fn the_eleventh_within_a_minute_is_one_too_many() {
        let attempts = Attempts::default();
        assert_eq!(failures(&attempts, "192.0.2.1", 0, 10), [false; 10]);
        assert_eq!(failures(&attempts, "192.0.2.1", 59, 2), [true; 2]);
        assert_eq!(failures(&attempts, "192.0.2.2", 59, 1), [false], "another address");
        assert_eq!(failures(&attempts, "192.0.2.1", 60, 1), [false], "another minute");
    }

    #[test]
    fn a_network_of_version_6_is_one_and_a_mapped_address_is_of_version_4() {
        let attempts = Attempts::default();
        failures(&attempts, "2001:db8::1", 0, 10);
        assert_eq!(failures(&attempts, "2001:db8::ffff:2", 0, 1), [true]);
        failures(&attempts, "::ffff:192.0.2.1", 0, 10);
        assert_eq!(failures(&attempts, "192.0.2.1", 0, 1), [true]);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets() {
        let attempts = Attempts::default();
        for number in 0..ADDRESSES_MAX as u32 + 10 {
            attempts.failed(IpAddr::V4((number + 1).into()), at(0));
        }
        assert_eq!(attempts.by_address.lock().unwrap().len(), ADDRESSES_MAX);
        assert_eq!(failures(&attempts, "203.0.113.9", 1, 1), [true]);
        assert_eq!(failures(&attempts, "203.0.113.9", 61, 1), [false]);
    }
}
