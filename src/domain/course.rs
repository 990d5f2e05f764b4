//! What the hub's rules made of an alert, kept with its incident: whose it is, who is called, and by which rule.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One step of the way from an alert to a person: what was decided, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// What was decided: `severity`, `group`, `plan`, `route`.
    pub part: String,
    /// What decided it, such as ``rule `prod` (line 12)`` or `the default`.
    pub by: String,
    /// What came out.
    pub made: String,
}

/// What the rules made of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Course {
    /// Whose it is; empty where no route says: `unrouted`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// The escalation policy; empty is the default one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// How long after its end a re-fire is the same incident, in milliseconds; absent: the hub's flap window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
    /// How it came to that, for those who ask why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
}

/// The word for what no route names.
pub const UNROUTED: &str = "unrouted";

impl Course {
    /// Returns the team's name, or [`UNROUTED`].
    pub fn team(&self) -> &str {
        if self.team.is_empty() { UNROUTED } else { &self.team }
    }

    /// Returns the policy's name.
    pub fn policy(&self) -> &str {
        if self.policy.is_empty() { crate::domain::paging::DEFAULT_POLICY } else { &self.policy }
    }

    /// Tells a part as another course does: what that one is of made the part what it is now.
    pub fn retell(&mut self, part: &str, by: &Self) {
        let Some(way) = by.ways.iter().find(|way| way.part == part) else { return };
        match self.ways.iter_mut().find(|way| way.part == part) {
            Some(own) => own.clone_from(way),
            None => self.ways.push(way.clone()),
        }
    }

    /// Returns how long after its end a re-fire is the same incident, where the hub's own window is that.
    pub fn window(&self, flap_window: Duration) -> Duration {
        self.window_ms.map_or(flap_window, Duration::from_millis)
    }
}
