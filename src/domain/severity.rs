//! How bad it is: S1 (worst) to S9, and what people in other schemes call it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// S1 (worst) to S9. Not ordered by operators, for "greater" would read both ways: ask [`Severity::is_worse_than`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Severity(u8);

/// A number that is no severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a severity: S1 (worst) to S9")]
pub struct SeverityError(u8);

impl Severity {
    /// The worst.
    pub const S1: Self = Self(1);
    /// The mildest that others call P2: what is milder waits for the morning.
    pub const P2_MILDEST: Self = Self(6);

    /// Returns the severity of that number.
    ///
    /// # Errors
    /// [`SeverityError`] outside 1..=9.
    pub fn new(number: u8) -> Result<Self, SeverityError> {
        if (1..=9).contains(&number) { Ok(Self(number)) } else { Err(SeverityError(number)) }
    }

    /// Returns the number, 1..=9.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Returns what the value of a `severity` label means, or `None` for a word that no rule names: unexamined, not low.
    pub fn from_label(value: &str) -> Option<Self> {
        let word = value.trim().to_ascii_lowercase();
        let number = match word.as_str() {
            "emergency" | "disaster" => 1,
            "critical" | "page" | "fatal" => 2,
            "error" | "high" | "major" => 3,
            "warning" | "medium" | "average" => 5,
            "minor" | "low" => 6,
            "info" | "notice" | "debug" => 8,
            other => match other.as_bytes() {
                [b's', digit @ b'1'..=b'9'] => digit - b'0',
                _ => return None,
            },
        };
        Some(Self(number))
    }

    /// Returns whether this needs attention before `other`.
    pub fn is_worse_than(self, other: Self) -> bool {
        self.0 < other.0
    }

    /// Returns the worse of the two; an examined one is worse than an unexamined one.
    pub fn worse(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if b.is_worse_than(a) { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    /// Returns the same in the four steps that many teams speak: 0 is P0.
    pub fn priority(self) -> u8 {
        match self.0 {
            1 => 0,
            2..=3 => 1,
            4..=6 => 2,
            _ => 3,
        }
    }
}

impl Severity {
    /// Returns it in the words of other teams, such as `P1, SEV1`.
    pub fn elsewhere(self) -> String {
        format!("P{0}, SEV{0}", self.priority())
    }
}

impl TryFrom<u8> for Severity {
    type Error = SeverityError;
    fn try_from(number: u8) -> Result<Self, SeverityError> {
        Self::new(number)
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> u8 {
        severity.0
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_field_have_a_number_and_others_are_unexamined() {
        let number = |word| Severity::from_label(word).map(Severity::number);
        assert_eq!(
            ["Disaster", "page", "HIGH", "warning", "low", "info", "s7"].map(number),
            [Some(1), Some(2), Some(3), Some(5), Some(6), Some(8), Some(7)]
        );
        assert_eq!(["", "none", "P1", "s0", "s10", "критический", "severe"].map(number), [None; 7]);
    }

    #[test]
    fn worse_is_the_smaller_number_and_never_the_unexamined_one() {
        let (s2, s5) = (Severity::new(2).ok(), Severity::new(5).ok());
        assert_eq!(Severity::worse(s5, s2), s2);
        assert_eq!(Severity::worse(None, s5), s5);
        assert!(Severity::new(0).is_err() && Severity::new(10).is_err());
    }
}
