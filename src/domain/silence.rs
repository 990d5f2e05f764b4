//! Silences: what one may say, and when it counts.

use super::incident::Silenced;
use super::item::Silence;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest silence of a person.
pub const PERSON_MAX: Duration = Duration::from_secs(8 * 3600);
/// The longest silence of the hub's administrator: planned maintenance.
pub const ADMIN_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Longest reason, and longest name of who wants it, in bytes.
pub const WORDS_MAX: usize = 1024;

/// What an Alertmanager in front hides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Which one: its host, port and path.
    pub name: String,
    /// One alert that an inhibit rule there keeps back, named by all of its labels; else a silence there.
    #[serde(default)]
    pub inhibited: bool,
}

impl Silenced {
    /// Returns `silenced until 14:00 by mira`, given that time; what hides it, where that is an Alertmanager in front.
    pub fn words(&self, until: &str) -> String {
        match &self.upstream {
            None => format!("silenced until {until} by {}", self.who),
            Some(Upstream { inhibited: false, .. }) => format!("silenced upstream by {} until {until}", self.who),
            Some(Upstream { name, .. }) => format!("inhibited upstream ({name})"),
        }
    }
}

impl Silence {
    /// Returns whether it counts at that time.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    /// Returns whether it is over: nothing makes it count again.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// Returns `pending`, `active` or `expired`, as Alertmanager has it.
    pub fn state_word(&self, now: Timestamp) -> &'static str {
        match (self.is_over(now), self.is_active(now)) {
            (true, _) => "expired",
            (false, true) => "active",
            (false, false) => "pending",
        }
    }

    /// Checks all but the matchers of a silence that is new at `now`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn check(&self, longest: Duration, now: Timestamp) -> Result<(), String> {
        let words = [(&self.reason, "a reason", "comment"), (&self.created_by, "an owner", "createdBy")];
        for (text, what, field) in words {
            if text.trim().is_empty() {
                return Err(format!("a silence needs {what} ({field})"));
            }
            if text.len() > WORDS_MAX {
                return Err(format!("{field} is longer than {WORDS_MAX} bytes"));
            }
        }
        if self.ends_at <= self.starts_at {
            return Err("a silence ends after it begins".to_owned());
        }
        if self.ends_at <= now {
            return Err("a silence ends in the future".to_owned());
        }
        if self.ends_at.since(self.starts_at) > longest {
            let hours = longest.as_secs() / 3600;
            return Err(format!("a silence lasts {hours} h at most; the hub's administrator may set one of 168 h"));
        }
        if self.starts_at > now.plus(ADMIN_MAX) {
            return Err("a silence begins within 7 days".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_millis(hour * 3_600_000)
    }

    fn silence(from: i64, until: i64) -> Silence {
        Silence {
            id: "a".into(),
            matchers: r#"{a="b"}"#.into(),
            starts_at: at(from),
            ends_at: at(until),
            created_by: "mira".into(),
            reason: "the switch".into(),
            updated_at: at(from),
            ended_by: None,
            upstream: None,
        }
    }

    #[test]
    fn it_counts_from_its_beginning_until_its_end_and_not_at_it() {
        let words = [0, 1, 2, 3].map(|hour| silence(1, 3).state_word(at(hour)));
        assert_eq!(words, ["pending", "active", "active", "expired"]);
    }

    #[test]
    fn it_needs_an_end_within_reach_a_reason_and_an_owner() {
        let check = |silence: Silence| silence.check(PERSON_MAX, at(0)).err().unwrap_or_default();
        assert_eq!(check(silence(0, 8)), "");
        assert!(check(silence(0, 9)).contains("8 h at most"));
        assert_eq!(silence(0, 168).check(ADMIN_MAX, at(0)), Ok(()));
        assert!(check(silence(3, 3)).contains("ends after"));
        assert!(check(silence(-3, 0)).contains("in the future"));
        assert!(check(silence(169, 170)).contains("within 7 days"));
        assert!(check(Silence { reason: " ".into(), ..silence(0, 1) }).contains("a reason"));
        assert!(check(Silence { created_by: String::new(), ..silence(0, 1) }).contains("an owner"));
        assert!(check(Silence { reason: "x".repeat(1025), ..silence(0, 1) }).contains("longer"));
    }
}
