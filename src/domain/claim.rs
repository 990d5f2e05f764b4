//! Claims: a person says for a time that what fits a query is known to them. On-call sees whom to ask; a claim never silences.

use super::id::UserName;
use super::item::Claim;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest that a claim may last.
pub const CLAIM_MAX: Duration = Duration::from_secs(7 * 86_400);
/// The shortest.
pub const CLAIM_MIN: Duration = Duration::from_secs(60);
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 200;
/// Claims that may stand at once.
pub const CLAIMS_MAX: usize = 1000;

/// A claim as the incidents that it fits carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Which claim.
    pub id: String,
    /// Whom to ask.
    pub by: UserName,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Whether that person is called before all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub page_me: bool,
}

impl Claimed {
    /// Returns what an incident keeps of a claim.
    pub fn of(claim: &Claim) -> Self {
        let Claim { id, by, reason, until, page_me, .. } = claim.clone();
        Self { id, by, reason, until, page_me }
    }

    /// Returns what on-call reads, such as `ask jonas (disk swap until 14:00)`; the reason as it came.
    pub fn sentence(&self) -> String {
        let reason = if self.reason.is_empty() { String::new() } else { format!("{} ", self.reason) };
        format!("ask {} ({reason}until {})", self.by, self.until.hour_minute())
    }
}

/// Returns whom to call before any level, at `now`: who claimed it, wants that, and was not called for this firing yet.
///
/// `called_for` is the [`fire_no`](super::incident::Incident::fire_no) for which that person was called last; `level` and `round` are how
/// far the levels were called. Once a level was called nothing is put before it, and what the claim names is called once: then the levels
/// go on as always.
pub fn first_call(
    claimed: Option<&Claimed>,
    called_for: Option<u64>,
    fire_no: u64,
    (level, round): (u32, u32),
    now: Timestamp,
) -> Option<&UserName> {
    let claimed = claimed.filter(|claimed| claimed.page_me && now < claimed.until)?;
    let begins = level == 0 && round == 0 && called_for != Some(fire_no);
    begins.then_some(&claimed.by)
}

/// Returns the claim that an incident shows of those that fit it: one that wants to be called before one that does not, then the newest.
pub fn choose<'a>(fitting: impl IntoIterator<Item = &'a Claim>, now: Timestamp) -> Option<&'a Claim> {
    let open = fitting.into_iter().filter(|claim| now < claim.until);
    open.max_by(|a, b| (a.page_me, a.at, &a.id).cmp(&(b.page_me, b.at, &b.id)))
}

/// Says why a claim cannot be taken: its span, its reason.
///
/// # Errors
/// What to write instead.
pub fn check(span: Duration, reason: &str) -> Result<(), String> {
    if span < CLAIM_MIN || span > CLAIM_MAX {
        return Err("a claim lasts from a minute to 7 days, such as 4h".into());
    }
    if reason.trim().is_empty() {
        return Err("a claim has a reason: on-call must know why to ask you".into());
    }
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(format!("a reason has at most {REASON_CHARS_MAX} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn claim(id: &str, by: &str, page_me: bool, from: i64, until: i64) -> Claim {
        let (by, query) = (UserName::parse(by).unwrap(), "{service=\"pay\"}".to_owned());
        Claim { id: id.into(), by, query, at: at(from), until: at(until), reason: "disk swap".into(), page_me }
    }

    #[test]
    fn the_claimer_is_called_once_for_a_firing_and_before_any_level() {
        let jonas = Claimed::of(&claim("1", "jonas", true, 0, 60));
        let first =
            |called, at_level, now| first_call(Some(&jonas), called, 3, at_level, at(now)).map(UserName::as_str);
        assert_eq!(first(None, (0, 0), 1), Some("jonas"));
        assert_eq!(first(Some(2), (0, 0), 1), Some("jonas"), "another firing");
        assert_eq!(first(Some(3), (0, 0), 1), None, "called for this one");
        assert_eq!(first(None, (1, 0), 1), None, "a level was called");
        assert_eq!(first(None, (0, 1), 1), None);
        assert_eq!(first(None, (0, 0), 60), None, "it is over");
        let quiet = Claimed { page_me: false, ..jonas.clone() };
        assert_eq!(first_call(Some(&quiet), None, 3, (0, 0), at(1)), None);
        assert_eq!(first_call(None, None, 3, (0, 0), at(1)), None);
    }

    #[test]
    fn who_wants_to_be_called_comes_before_who_does_not_and_the_newest_before_older_ones() {
        let all = [
            claim("a", "jonas", false, 9, 60),
            claim("b", "mira", true, 1, 60),
            claim("c", "kim", true, 2, 60),
            claim("d", "ada", true, 5, 10),
        ];
        assert_eq!(choose(&all, at(10)).map(|claim| claim.id.as_str()), Some("c"));
        assert_eq!(choose(&all[..1], at(10)).map(|claim| claim.id.as_str()), Some("a"));
        assert_eq!(choose(&all, at(60)), None);
    }

    #[test]
    fn a_claim_says_why_and_lasts_a_week_at_most() {
        assert!(check(Duration::from_secs(4 * 3600), "disk swap").is_ok());
        assert!(check(CLAIM_MAX + Duration::from_secs(1), "x").is_err());
        assert!(check(Duration::from_secs(59), "x").is_err());
        assert!(check(Duration::from_secs(3600), "  ").is_err());
    }

    #[test]
    fn on_call_reads_whom_to_ask() {
        assert_eq!(Claimed::of(&claim("1", "jonas", true, 0, 840)).sentence(), "ask jonas (disk swap until 14:00)");
    }
}
