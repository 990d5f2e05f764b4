//! What people and machines change: deploys, flags, drills. They stand beside the incidents that they may have caused.

use super::incident::{Line, Told};
use super::item::{Change, ChangeKind};
use super::label::Labels;
use super::time::Timestamp;
use std::time::Duration;

/// How long a change is kept.
pub const CHANGES_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long before an incident's opening a change may still have caused it.
pub const BEFORE: Duration = Duration::from_secs(3600);
/// The labels that say what a change and an incident are about.
pub const ABOUT: [&str; 4] = ["service", "cluster", "namespace", "team"];

/// Every kind.
pub const KINDS: [ChangeKind; 5] =
    [ChangeKind::Deploy, ChangeKind::Flag, ChangeKind::Drill, ChangeKind::Experiment, ChangeKind::Other];

/// Returns the kind of that word.
pub fn kind_of(word: &str) -> Option<ChangeKind> {
    KINDS.into_iter().find(|kind| kind.word() == word)
}

/// Returns a change as a person reads it, such as `deploy: payments 1.42 by mira (03:05Z)`; its words as they came.
pub fn sentence(change: &Change) -> String {
    let by = if change.by.is_empty() { String::new() } else { format!(" by {}", change.by) };
    format!("{}: {}{by} ({}Z)", change.kind.word(), change.title, change.at.hour_minute())
}

/// Changes that are told at once in one timeline, the newest.
pub const TOLD_MAX: usize = 20;

/// Returns its line in the timeline of an incident, told at `now`.
pub fn line(change: &Change, now: Timestamp) -> Line {
    Line::by_hub(now, Told::Changed, sentence(change))
}

/// Returns whether the change is about what has these labels: all labels that both have among [`ABOUT`] are equal, and one is.
pub fn about(change: &Change, labels: &Labels) -> bool {
    let mut equal = 0;
    for name in ABOUT {
        match (change.labels.get(name), labels.get(name)) {
            (Some(a), Some(b)) if a == b => equal += 1,
            (Some(_), Some(_)) => return false,
            _ => {}
        }
    }
    equal > 0
}

/// Returns whether the change lies where it may have to do with an incident: within the hour before the opening, or before the end.
pub fn during(change: &Change, opened_at: Timestamp, resolved_at: Option<Timestamp>) -> bool {
    change.at >= opened_at.minus(BEFORE) && resolved_at.is_none_or(|end| change.at <= end)
}

/// Returns the changes of the `span` before `now`, the newest first.
pub fn lately<'a>(all: impl IntoIterator<Item = &'a Change>, now: Timestamp, span: Duration) -> Vec<&'a Change> {
    let mut lately: Vec<&Change> = all.into_iter().filter(|change| change.at >= now.minus(span)).collect();
    lately.sort_by(|a, b| (b.at, &a.id).cmp(&(a.at, &b.id)));
    lately
}

#[cfg(test)]
mod tests {
    use super::super::label::LabelLimits;
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().copied(), &LabelLimits::LABELS).unwrap()
    }

    fn change(pairs: &[(&str, &str)], at: &str) -> Change {
        Change {
            id: "1".into(),
            kind: ChangeKind::Deploy,
            title: "payments 1.42".into(),
            labels: labels(pairs),
            at: Timestamp::parse(at).unwrap(),
            url: String::new(),
            by: "mira".into(),
        }
    }

    #[test]
    fn a_change_is_about_what_agrees_in_all_that_both_have_and_in_one_at_least() {
        let deploy = change(&[("service", "pay"), ("cluster", "eu"), ("version", "1.42")], "2026-03-01T03:05:00Z");
        for (expect, pairs) in [
            (true, &[("service", "pay"), ("cluster", "eu"), ("version", "1.41")][..]),
            (true, &[("service", "pay"), ("team", "payments")]),
            (true, &[("cluster", "eu")]),
            (false, &[("service", "pay"), ("cluster", "us")]),
            (false, &[("version", "1.42")]),
            (false, &[]),
        ] {
            assert_eq!(about(&deploy, &labels(pairs)), expect, "{pairs:?}");
        }
    }

    #[test]
    fn it_lies_within_the_hour_before_and_until_the_end() {
        let at = |text| Timestamp::parse(text).unwrap();
        let deploy = change(&[], "2026-03-01T03:05:00Z");
        assert!(during(&deploy, at("2026-03-01T04:05:00Z"), None));
        assert!(!during(&deploy, at("2026-03-01T04:05:00.001Z"), None));
        assert!(during(&deploy, at("2026-03-01T02:00:00Z"), None));
        assert!(!during(&deploy, at("2026-03-01T02:00:00Z"), Some(at("2026-03-01T03:00:00Z"))));
    }

    #[test]
    fn a_person_reads_what_who_and_when() {
        assert_eq!(sentence(&change(&[], "2026-03-01T03:05:59Z")), "deploy: payments 1.42 by mira (03:05Z)");
    }
}
