//! One time type: UTC milliseconds.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 time such as 2026-01-31T03:16:02Z")]
pub struct TimeError(String);

impl Timestamp {
    /// Go's zero time, 0001-01-01T00:00:00Z: what Prometheus' relatives write for "no time".
    pub const GO_ZERO: Self = Self(-62_135_596_800_000);

    /// The latest time there is, for what no clock reaches.
    pub const NEVER: Self = Self(253_402_207_199_999);

    /// Returns the time so many milliseconds after 1970 (before, when negative), kept within the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        const YEAR_0: i64 = -62_167_219_200_000;
        const YEAR_9999_END: i64 = 253_402_207_199_999;
        Self(millis.clamp(YEAR_0, YEAR_9999_END))
    }

    /// Returns the milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the time that an RFC 3339 text names; finer than a millisecond is cut off.
    ///
    /// # Errors
    /// [`TimeError`] for anything else, a text without an offset among it: a time without a zone is a guess.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError(text.chars().take(64).collect());
        let bytes = text.as_bytes();
        // jiff also takes forms that RFC 3339 does not; the shape is checked before, so that what we take is what we say.
        let shape = bytes.len() >= 20
            && bytes[..19].iter().zip(b"dddd-dd-ddTdd:dd:dd").all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                other => byte == other,
            })
            && matches!(bytes[19], b'.' | b'Z' | b'z' | b'+' | b'-');
        if !shape {
            return Err(refuse());
        }
        let fraction = bytes[19..].iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        // More than nine digits of fraction name the same millisecond; jiff stops at nine.
        let parsed = if bytes[19] == b'.' && fraction > 9 {
            format!("{}{}", &text[..29], text.get(20 + fraction..).unwrap_or_default()).parse::<jiff::Timestamp>()
        } else {
            text.parse::<jiff::Timestamp>()
        };
        parsed.map(|time| Self::from_millis(time.as_millisecond())).map_err(|_| refuse())
    }

    /// Returns whether this is one of the ways to write "no time": Go's zero, or before it.
    pub fn is_go_zero(self) -> bool {
        self <= Self::GO_ZERO
    }

    /// Returns the time `span` later.
    pub fn plus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time `span` earlier.
    pub fn minus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns how long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns `hh:mm` in UTC, for a table cell.
    pub fn hour_minute(self) -> String {
        self.zoned().strftime("%H:%M").to_string()
    }

    /// Returns `yyyy-mm-dd hh:mm:ssZ`, for a detail line.
    pub fn date_and_second(self) -> String {
        self.zoned().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    fn zoned(self) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(self.0)
            .expect("the constructor keeps the range")
            .to_zoned(jiff::tz::TimeZone::UTC)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.zoned().strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        let got = Timestamp::parse(text).ok().map(|time| time.to_string());
        assert_eq!(got.as_deref(), expect, "{text:?}");
    }

    #[test]
    fn what_senders_write_is_read() {
        check("2020-02-06T00:17:58.432911368Z", Some("2020-02-06T00:17:58.432Z"));
        check("2020-02-06T00:17:58.432911368123Z", Some("2020-02-06T00:17:58.432Z"));
        check("2018-11-04T22:43:58.283995108+01:00", Some("2018-11-04T21:43:58.283Z"));
        check("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00.000Z"));
        check("2262-04-11T23:47:17Z", Some("2262-04-11T23:47:17.000Z"));
        check("2024-01-01T00:00:00+23:59", Some("2023-12-31T00:01:00.000Z"));
        check("2024-01-01t00:00:00z", Some("2024-01-01T00:00:00.000Z"));
    }

    #[test]
    fn a_guess_is_not_a_time() {
        for text in
            ["", "-", "1405090000", "2022-08-26 01:02:24", "3/22/2019 1:36:31 PM", "2024-W01-1", "2024-13-01T00:00:00Z"]
        {
            check(text, None);
        }
    }

    #[test]
    fn the_edges_do_not_overflow() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(Timestamp::from_millis(i64::MIN).minus(Duration::MAX), Timestamp::from_millis(i64::MIN));
        assert!(last.to_string().starts_with("9999-"));
        assert!(Timestamp::GO_ZERO.is_go_zero());
    }
}
