//! Incidents that came before and look like this one: how alike, who handled them, how long it took.

use super::id::{IncidentId, Number, UserName};
use super::incident::{Author, Incident, Life, Line, Told};
use super::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How far back the head counts.
pub const SEEN_WITHIN: Duration = Duration::from_secs(30 * 86_400);
/// Earlier incidents that are told.
pub const TOLD_MAX: usize = 40;
/// From which likeness on labels alone make one similar, in percent.
pub const LIKE_FROM: u8 = 40;

/// Label pairs such as `("cluster", "eu")`.
pub type Pairs = BTreeSet<(String, String)>;

/// Why an earlier incident stands here: the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// The same group: the same problem at the same place.
    Group,
    /// The same rule, elsewhere.
    Rule,
    /// Another rule; so many percent of the weight of their labels are the same.
    Labels(u8),
}

impl Likeness {
    /// Returns its word.
    pub fn word(self) -> String {
        match self {
            Self::Group => "same".into(),
            Self::Rule => "rule".into(),
            Self::Labels(percent) => format!("{percent}%"),
        }
    }

    fn class(self) -> u8 {
        match self {
            Self::Group => 0,
            Self::Rule => 1,
            Self::Labels(_) => 2,
        }
    }
}

/// One earlier incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Which.
    pub incident: IncidentId,
    /// What people call it.
    pub number: Number,
    /// Why it stands here.
    pub likeness: Likeness,
    /// When it began.
    pub opened_at: Timestamp,
    /// Who had it at its end, else who acked it first.
    pub who: Option<UserName>,
    /// From its beginning to its first ack.
    pub to_ack: Option<Duration>,
    /// From its beginning to its end; `None` while it is open.
    pub to_resolve: Option<Duration>,
    /// The last note, as it came.
    pub note: Option<String>,
    /// What it was, as it came.
    pub summary: String,
}

/// All that is told of earlier incidents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Similar {
    /// By class, the newest first within; at most [`TOLD_MAX`].
    pub earlier: Vec<Earlier>,
    /// Times that this very problem came in [`SEEN_WITHIN`], this time among them.
    pub seen: usize,
    /// The median of how long the earlier of these took to resolve.
    pub median: Option<Duration>,
    /// Who had most of them.
    pub mostly: Option<UserName>,
}

impl Similar {
    /// Returns the head, such as `seen 14 times in 30 days, median 12 min, mostly mira`.
    pub fn head(&self) -> String {
        let times = if self.seen == 1 { "once".to_owned() } else { format!("{} times", self.seen) };
        let median = self.median.map_or(String::new(), |span| format!(", median {}", span_words(span)));
        let mostly = self.mostly.as_ref().map_or(String::new(), |who| format!(", mostly {who}"));
        format!("seen {times} in 30 days{median}{mostly}")
    }
}

/// Returns a span in one or two words: `40 s`, `12 min`, `3 h 20 min`, `2 d`.
pub fn span_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Returns the rule's name of a group key that is a list of label pairs; `None` where it names none.
pub fn rule_of(group_key: &str) -> Option<String> {
    pairs_of(group_key).into_iter().find(|(name, _)| name == "alertname").map(|(_, value)| value)
}

/// Returns the label pairs that a group key names; none where it is no list of pairs.
pub fn pairs_of(group_key: &str) -> Vec<(String, String)> {
    serde_json::from_str(group_key).unwrap_or_default()
}

/// Returns how much of the weight of their labels two incidents share, in percent: a weighted Jaccard in which a pair counts the more the
/// fewer of `among` have it.
pub fn likeness(a: &Pairs, b: &Pairs, weight: &dyn Fn(&(String, String)) -> f64) -> u8 {
    let of = |pairs: &mut dyn Iterator<Item = &(String, String)>| pairs.map(weight).sum::<f64>();
    let union = of(&mut a.union(b));
    if union <= 0.0 { 0 } else { (of(&mut a.intersection(b)) / union * 100.0).round() as u8 }
}

/// Returns the weight of a pair that `holders` of `all` incidents have.
pub fn weight(holders: usize, all: usize) -> f64 {
    (1.0 + all as f64 / holders.max(1) as f64).ln()
}

/// Returns those of `others` whose labels are alike from [`LIKE_FROM`] on, with the percent.
pub fn alike<'a>(mine: &Pairs, others: &'a [(Incident, Pairs)]) -> Vec<(&'a Incident, Likeness)> {
    let mut holders: BTreeMap<&(String, String), usize> = BTreeMap::new();
    for pair in others.iter().flat_map(|(_, pairs)| pairs).chain(mine) {
        *holders.entry(pair).or_default() += 1;
    }
    let all = others.len() + 1;
    let weigh = |pair: &(String, String)| weight(holders.get(pair).copied().unwrap_or_default(), all);
    let percent = |pairs: &Pairs| likeness(mine, pairs, &weigh);
    let alike = others.iter().map(|(incident, pairs)| (incident, percent(pairs)));
    alike.filter(|(_, percent)| *percent >= LIKE_FROM).map(|(one, percent)| (one, Likeness::Labels(percent))).collect()
}

/// Puts classes in their order, the newest first within each, each incident once under its nearest class, at most [`TOLD_MAX`].
pub fn rank(mut found: Vec<(&Incident, Likeness)>) -> Vec<(&Incident, Likeness)> {
    found.sort_by_key(|(incident, likeness)| {
        (likeness.class(), std::cmp::Reverse((incident.opened_at, incident.number)))
    });
    let mut told = BTreeSet::new();
    found.retain(|(incident, _)| told.insert(incident.id));
    found.truncate(TOLD_MAX);
    found
}

/// Returns what is told of an earlier incident by its timeline.
pub fn earlier(incident: &Incident, likeness: Likeness, lines: &[Line]) -> Earlier {
    let acked = lines.iter().find(|line| matches!(line.told, Told::Acked));
    let acked_by = acked.and_then(|line| match &line.author {
        Author::User(user) => Some(user.clone()),
        Author::Hub | Author::Source(_) => None,
    });
    let note = lines.iter().rev().find(|line| line.told == Told::Note).map(|line| line.text.clone());
    Earlier {
        incident: incident.id,
        number: incident.number,
        likeness,
        opened_at: incident.opened_at,
        who: incident.owner.clone().or(acked_by),
        to_ack: acked.map(|line| line.at.since(incident.opened_at)),
        to_resolve: incident.resolved_at.map(|at| at.since(incident.opened_at)),
        note,
        summary: incident.summary.clone(),
    }
}

/// Returns the whole from what was found and the timelines of what is told; `same` are all earlier ones of the group.
pub fn similar(same: &[Incident], earlier: Vec<Earlier>, now: Timestamp) -> Similar {
    let lately: Vec<&Incident> = same.iter().filter(|one| one.opened_at >= now.minus(SEEN_WITHIN)).collect();
    let over = lately.iter().filter(|one| one.life == Life::Resolved);
    let mut spans: Vec<Duration> = over.filter_map(|one| one.resolved_at.map(|at| at.since(one.opened_at))).collect();
    spans.sort_unstable();
    let mut handled: BTreeMap<&UserName, usize> = BTreeMap::new();
    for who in lately.iter().filter_map(|one| one.owner.as_ref()) {
        *handled.entry(who).or_default() += 1;
    }
    let mostly = handled.into_iter().max_by(|a, b| (a.1, b.0).cmp(&(b.1, a.0))).map(|(who, _)| who.clone());
    Similar { earlier, seen: lately.len() + 1, median: spans.get(spans.len() / 2).copied(), mostly }
}

#[cfg(test)]
mod tests {
    use super::super::grouping::Group;
    use super::*;

    fn pairs(all: &[(&str, &str)]) -> Pairs {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn incident(number: u64, minute: i64) -> Incident {
        let group = Group { key: "k".into(), service: "pay".into(), summary: "down".into() };
        Incident::open(IncidentId::from_bytes(u128::from(number).to_be_bytes()), Number(number), group, at(minute))
    }

    #[test]
    fn a_rare_pair_weighs_more_than_one_that_all_have() {
        let mine = pairs(&[("env", "prod"), ("disk", "sda7")]);
        let others: Vec<(Incident, Pairs)> = (1..20)
            .map(|number| {
                let more = if number == 7 { ("disk", "sda7") } else { ("disk", "other") };
                (incident(number, 0), pairs(&[("env", "prod"), more]))
            })
            .collect();
        let found = alike(&mine, &others);
        assert_eq!(
            found.iter().map(|(one, like)| (one.number.0, *like)).collect::<Vec<_>>(),
            [(7, Likeness::Labels(100))]
        );
        assert!(weight(1, 20) > 2.0 * weight(20, 20));
    }

    #[test]
    fn each_stands_once_under_its_nearest_class_the_newest_first() {
        let (a, b, c, d) = (incident(1, 1), incident(2, 2), incident(3, 3), incident(4, 4));
        let found = vec![
            (&d, Likeness::Labels(50)),
            (&a, Likeness::Rule),
            (&b, Likeness::Group),
            (&c, Likeness::Group),
            (&c, Likeness::Rule),
        ];
        let order: Vec<u64> = rank(found).iter().map(|(one, _)| one.number.0).collect();
        assert_eq!(order, [3, 2, 1, 4]);
    }

    #[test]
    fn the_head_counts_the_last_thirty_days_with_the_median_and_who_had_most() {
        let day = 24 * 60;
        let mut same: Vec<Incident> = [(1, 3, "mira"), (2, 12, "mira"), (3, 50, "jonas")]
            .into_iter()
            .map(|(number, minutes, who)| {
                let mut one = incident(number, 40 * day);
                one.owner = UserName::parse(who).ok();
                one.resolve(at(40 * day + minutes), None);
                one
            })
            .collect();
        same.push(incident(9, 0));
        let similar = similar(&same, Vec::new(), at(41 * day));
        assert_eq!(similar.head(), "seen 4 times in 30 days, median 12 min, mostly mira");
        assert_eq!(super::similar(&[], Vec::new(), at(0)).head(), "seen once in 30 days");
    }

    #[test]
    fn who_handled_it_how_long_it_took_and_the_last_note_come_from_its_timeline() {
        let mut one = incident(1, 0);
        let line = |minute, told, text: &str| Line {
            author: Author::User(UserName::parse("mira").unwrap()),
            ..Line::by_hub(at(minute), told, text)
        };
        let lines = [line(2, Told::Acked, "acked"), line(3, Told::Note, "first"), line(4, Told::Note, "disk was full")];
        one.resolve(at(30), None);
        let earlier = earlier(&one, Likeness::Group, &lines);
        assert_eq!(earlier.who.as_ref().map(UserName::as_str), Some("mira"));
        assert_eq!(
            (earlier.to_ack, earlier.to_resolve),
            (Some(Duration::from_secs(120)), Some(Duration::from_secs(1800)))
        );
        assert_eq!(earlier.note.as_deref(), Some("disk was full"));
    }

    #[test]
    fn a_group_key_names_its_rule() {
        assert_eq!(rule_of(r#"[["alertname","Down"],["cluster","eu"]]"#).as_deref(), Some("Down"));
        assert_eq!(rule_of("12"), None);
        assert_eq!(span_words(Duration::from_secs(3 * 3600 + 20 * 60)), "3 h 20 min");
    }
}
