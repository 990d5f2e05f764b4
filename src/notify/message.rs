//! What a message says: one incident, several, or a storm as one line. Every word from outside goes through [`SafeText`].

use crate::domain::id::{UserName, hex};
use crate::domain::incident::Incident;
use crate::domain::paging::{Page, Step};
use crate::domain::severity::Severity;
use crate::domain::text::SafeText;
use crate::store::hub::Delivery;
use serde::Serialize;
use std::collections::BTreeMap;

/// Most bytes of the text (THREATS.md T18); ntfy would make an attachment of a longer one.
const TEXT_BYTES_MAX: usize = 4096;
/// Most bytes of a title.
const TITLE_BYTES_MAX: usize = 250;
/// Cells of a summary in a title.
const TITLE_CELLS: usize = 100;
/// Cells of a summary in a text.
const SUMMARY_CELLS: usize = 300;
/// Cells of a summary in a list.
const LISTED_CELLS: usize = 80;
/// Cells of a service's name.
const SERVICE_CELLS: usize = 40;
/// Incidents that the JSON form names; the count has them all.
const ITEMS_MAX: usize = 20;
/// Common labels that are told.
const COMMON_MAX: usize = 8;
/// Incidents from which on a common label makes them a storm.
const STORM_FROM: usize = 3;
/// Labels that nearly all alerts have in common: they say where, not what broke.
const COMMONPLACE: [&str; 9] =
    ["alertname", "cluster", "env", "environment", "job", "namespace", "prometheus", "region", "service"];

/// One message to one person; serialised, it is what webhooks and commands get as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Stays the same in every attempt: a receiver may drop what it has.
    pub id: String,
    /// For whom.
    pub person: UserName,
    /// From 1; from 2 on somebody may have got it before.
    pub attempt: u32,
    /// One line.
    pub title: String,
    /// At most 4 KiB.
    pub text: String,
    /// The worst, such as `S2`; none when all are unexamined.
    pub severity: Option<String>,
    /// How many incidents it is about.
    pub count: usize,
    /// Labels that are equal in all of them, when they are several.
    pub common: BTreeMap<String, String>,
    /// The worst of them.
    pub incidents: Vec<Item>,
    /// The numbers of all of them, the worst first: what an answer to this message is about.
    pub numbers: Vec<u64>,
    #[serde(skip)]
    worst: Option<Severity>,
}

/// One incident of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    number: u64,
    id: String,
    severity: Option<String>,
    service: String,
    summary: String,
    state: &'static str,
    since: String,
    why: String,
}

/// An incident with every reason for which its person is called.
struct Topic<'a> {
    incident: &'a Incident,
    why: Vec<String>,
}

impl Message {
    /// Returns the message that tells a person of these pages.
    pub fn of(delivery: &Delivery) -> Self {
        let topics = topics(&delivery.pages);
        let attempt = delivery.pages.iter().map(|(page, _)| page.attempts).max().unwrap_or(1).max(1);
        let worst = topics.first().and_then(|topic| topic.incident.severity);
        let common = if topics.len() > 1 { common(&delivery.common) } else { Vec::new() };
        let mut title = match &topics[..] {
            [] => String::new(),
            [topic] => headline(topic.incident, TITLE_CELLS),
            _ => title_of_several(&topics, &common),
        };
        cut(&mut title, TITLE_BYTES_MAX);
        if attempt > 1 {
            title.push_str(&format!(" #{attempt}"));
        }
        let mut text = match &topics[..] {
            [topic] => text_of_one(topic),
            _ => text_of_several(&topics, &common),
        };
        cut(&mut text, TEXT_BYTES_MAX);
        Self {
            id: id(&delivery.pages),
            person: delivery.person.clone(),
            attempt,
            title,
            text,
            severity: worst.map(|severity| severity.to_string()),
            count: topics.len(),
            common: common.into_iter().collect(),
            incidents: topics.iter().take(ITEMS_MAX).map(Item::of).collect(),
            numbers: topics.iter().map(|topic| topic.incident.number.0).collect(),
            worst,
        }
    }

    /// Returns how urgent it is in ntfy's five steps: what is unexamined is as urgent as the worst.
    pub fn priority(&self) -> u8 {
        match self.worst.map_or(1, Severity::number) {
            1 | 2 => 5,
            3 | 4 => 4,
            _ => 3,
        }
    }
}

impl Item {
    fn of(topic: &Topic<'_>) -> Self {
        let incident = topic.incident;
        Self {
            number: incident.number.0,
            id: incident.id.to_string(),
            severity: incident.severity.map(|severity| severity.to_string()),
            service: service(incident),
            summary: summary(incident, SUMMARY_CELLS),
            state: incident.shown().word(),
            since: incident.since.to_string(),
            why: topic.why.join("; "),
        }
    }
}

/// Returns the incidents, worst and oldest first, each once.
fn topics(pages: &[(Page, Incident)]) -> Vec<Topic<'_>> {
    let mut topics: Vec<Topic<'_>> = Vec::new();
    for (page, incident) in pages {
        match topics.iter_mut().find(|topic| topic.incident.id == incident.id) {
            Some(topic) => topic.why.push(why(page)),
            None => topics.push(Topic { incident, why: vec![why(page)] }),
        }
    }
    let rank = |topic: &Topic<'_>| topic.incident.severity.map_or(0, Severity::number);
    topics.sort_by_key(|topic| (rank(topic), topic.incident.since, topic.incident.number));
    topics
}

fn why(page: &Page) -> String {
    let why = SafeText::line(&page.why, 200);
    match (page.step, page.why.is_empty()) {
        (Step::Level(level), true) => format!("level {} is called", level + 1),
        (Step::Level(level), false) => format!("level {} is called: {why}", level + 1),
        (_, _) => why.to_string(),
    }
}

/// Returns an identity that the same pages always have.
fn id(pages: &[(Page, Incident)]) -> String {
    let mut ids: Vec<[u8; 16]> = pages.iter().map(|(page, _)| page.id.0).collect();
    ids.sort_unstable();
    match &ids[..] {
        [one] => hex(one),
        _ => hex(&blake3::hash(&ids.concat()).as_bytes()[..16]),
    }
}

/// Returns the common labels as they are told: what tells most first.
fn common(labels: &[(String, String)]) -> Vec<(String, String)> {
    let told = labels.iter().filter(|(name, _)| name != "severity");
    let safe = |text: &str| SafeText::line(text, 100).truncated(SERVICE_CELLS).to_string();
    let mut common: Vec<_> = told.map(|(name, value)| (safe(name), safe(value))).collect();
    common.sort_by_key(|(name, _)| (COMMONPLACE.contains(&name.as_str()), name.clone()));
    common.truncate(COMMON_MAX);
    common
}

fn severity(incident: &Incident) -> String {
    incident.severity.map_or("S?".to_owned(), |severity| severity.to_string())
}

fn service(incident: &Incident) -> String {
    SafeText::line(&incident.service, 200).truncated(SERVICE_CELLS).to_string()
}

fn summary(incident: &Incident, cells: usize) -> String {
    SafeText::line(&incident.summary, 1000).truncated(cells).to_string()
}

fn headline(incident: &Incident, cells: usize) -> String {
    let service = service(incident);
    let about = if service.is_empty() { String::new() } else { format!(" {service}") };
    format!("{} {}{about}: {}", severity(incident), incident.number, summary(incident, cells))
}

fn title_of_several(topics: &[Topic<'_>], common: &[(String, String)]) -> String {
    let worst = headline(topics[0].incident, TITLE_CELLS / 2);
    match common.first() {
        Some((name, value)) if topics.len() >= STORM_FROM => {
            format!("STORM {name}={value}: {} incidents, worst {worst}", topics.len())
        }
        _ => format!("{} incidents, worst {worst}", topics.len()),
    }
}

fn text_of_one(topic: &Topic<'_>) -> String {
    let incident = topic.incident;
    let service = service(incident);
    let about = if service.is_empty() { String::new() } else { format!(", {service}") };
    let lines = [
        format!("{} incident {}{about}", severity(incident), incident.number),
        summary(incident, SUMMARY_CELLS),
        format!("{} since {}", incident.shown().word(), incident.since.date_and_second()),
        topic.why.join("\n"),
        format!("nightdesk ack {}", incident.number),
    ];
    lines.join("\n")
}

fn text_of_several(topics: &[Topic<'_>], common: &[(String, String)]) -> String {
    let firing: u32 = topics.iter().map(|topic| topic.incident.tally.firing).sum();
    let mut text = format!("{} incidents, {firing} series firing", topics.len());
    if !common.is_empty() {
        let all: Vec<_> = common.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text.push_str(&format!("\nall have {}", all.join(" ")));
    }
    for (index, topic) in topics.iter().enumerate() {
        let incident = topic.incident;
        let since = incident.since.hour_minute();
        let line = format!(
            "\n{} ({} since {since}Z; {})",
            headline(incident, LISTED_CELLS),
            incident.shown().word(),
            topic.why.join("; ")
        );
        let rest = format!("\nand {} more: nightdesk list", topics.len() - index);
        if text.len() + line.len() + rest.len() > TEXT_BYTES_MAX {
            text.push_str(&rest);
            break;
        }
        text.push_str(&line);
    }
    text
}

/// Cuts between characters; a `~` says that it was longer.
fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = (0..bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('~');
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{IncidentId, Number};
    use crate::domain::incident::Incident;
    use crate::domain::paging::{Call, Paging, Whom};
    use crate::domain::time::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis((1_795_377_600 + second) * 1000)
    }

    fn incident(number: u64, severity: u8, service: &str, summary: &str) -> Incident {
        let group = Group { key: "k".into(), service: service.into(), summary: summary.into() };
        let mut incident = Incident::open(IncidentId::from_bytes([number as u8; 16]), Number(number), group, at(0));
        incident.severity = Severity::new(severity).ok();
        incident.tally.firing = 3;
        incident
    }

    fn page(incident: &Incident, step: Step, why: &str, attempts: u32) -> Page {
        let call = Call { whom: Whom::Level(0), step, why: why.into(), must: false };
        let person = UserName::parse("mira").unwrap();
        let mut page = Page::chain(incident, &call, &person, &Paging::default(), at(1)).remove(0);
        page.attempts = attempts;
        page
    }

    fn message(pages: Vec<(Page, Incident)>, common: &[(&str, &str)]) -> Message {
        let common = common.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let person = UserName::parse("mira").unwrap();
        Message::of(&Delivery { person, channel: "phone".into(), pages, common })
    }

    /// A message about one incident with this summary.
    pub fn about(summary: &str) -> Message {
        message(called(&[incident(12, 2, "api", summary)]), &[])
    }

    fn called(incidents: &[Incident]) -> Vec<(Page, Incident)> {
        incidents.iter().map(|incident| (page(incident, Step::Level(0), "", 1), incident.clone())).collect()
    }

    #[test]
    fn one_incident_says_what_breaks_since_when_and_why_you() {
        let incident = incident(12, 2, "payments-api", "38 % of requests fail");
        let first =
            message(vec![(page(&incident, Step::Level(1), "nobody took it", 1), incident.clone())], &[("job", "x")]);
        assert_eq!(first.title, "S2 12 payments-api: 38 % of requests fail");
        assert_eq!(
            first.text,
            "S2 incident 12, payments-api\n38 % of requests fail\nnew since 2026-11-22 20:00:00Z\n\
             level 2 is called: nobody took it\nnightdesk ack 12"
        );
        assert_eq!((first.priority(), first.count, first.attempt, first.common.len()), (5, 1, 1, 0));
        let again = message(vec![(page(&incident, Step::Level(1), "nobody took it", 2), incident)], &[]);
        assert_eq!(again.title, "S2 12 payments-api: 38 % of requests fail #2");
        assert_eq!(again.id, first.id, "every attempt has the same id");
    }

    #[test]
    fn an_incident_that_calls_for_two_reasons_is_told_once() {
        let incident = incident(12, 2, "", "down");
        let pages = vec![
            (page(&incident, Step::Level(0), "", 1), incident.clone()),
            (page(&incident, Step::Raised(4), "severity rose from S5 to S2", 1), incident),
        ];
        let both = message(pages, &[]);
        assert_eq!((both.count, both.title.as_str()), (1, "S2 12: down"));
        assert!(both.text.contains("level 1 is called\nseverity rose from S5 to S2\n"), "{}", both.text);
    }

    #[test]
    fn several_begin_with_the_worst() {
        let two = [incident(3, 5, "shop", "slow"), incident(4, 1, "dns", "no answer")];
        let message = message(called(&two), &[("severity", "page")]);
        assert_eq!(message.title, "2 incidents, worst S1 4 dns: no answer");
        assert_eq!(
            message.text,
            "2 incidents, 6 series firing\nS1 4 dns: no answer (new since 20:00Z; level 1 is called)\n\
             S5 3 shop: slow (new since 20:00Z; level 1 is called)"
        );
    }

    #[test]
    fn a_storm_is_one_line_with_what_they_have_in_common() {
        let many: Vec<Incident> = (1..=200).map(|number| incident(number, 3, "node", "node is down")).collect();
        let message = message(called(&many), &[("job", "node"), ("severity", "high"), ("switch", "sw4")]);
        assert_eq!(message.title, "STORM switch=sw4: 200 incidents, worst S3 1 node: node is down");
        assert!(message.text.starts_with("200 incidents, 600 series firing\nall have switch=sw4 job=node\nS3 1 node"));
        let last = message.text.lines().last().unwrap_or_default();
        let listed = message.text.lines().count() - 3;
        assert_eq!(last, format!("and {} more: nightdesk list", 200 - listed));
        assert!(message.text.len() <= TEXT_BYTES_MAX);
        assert_eq!((message.count, message.incidents.len(), message.priority()), (200, ITEMS_MAX, 4));
        assert_eq!(message.numbers.iter().collect::<std::collections::HashSet<_>>().len(), 200);
    }

    #[test]
    fn an_unexamined_incident_is_as_urgent_as_the_worst() {
        let mut unexamined = incident(1, 9, "", "?");
        unexamined.severity = None;
        let message = message(called(&[unexamined, incident(2, 1, "", "x")]), &[]);
        assert_eq!((message.priority(), message.severity.clone()), (5, None));
        assert!(message.title.ends_with("worst S? 1: ?"), "{}", message.title);
    }

    #[test]
    fn hostile_text_neither_breaks_a_line_nor_grows_without_end() {
        let bad = "a\r\nX-Priority: 1\n\u{1b}[2J\u{202e}{{7*7}}%s";
        let one = message(called(&[incident(1, 2, bad, bad)]), &[]);
        assert_eq!(one.title, "S2 1 a␍␊X-Priority: 1␊␛[2J‹202e›{{7*7}}%s: a␍␊X-Priority: 1␊␛[2J‹202e›{{7*7}}%s");
        assert_eq!(one.text.lines().count(), 5);
        let long = format!("{}{}", "\u{200b}".repeat(5000), "e\u{301}\u{301}\u{301}\u{301}".repeat(5000));
        let named = (long.as_str(), long.as_str());
        let many: Vec<Incident> = (1..=50).map(|number| incident(number, 2, &long, &long)).collect();
        for pages in [called(&many[..1]), called(&many)] {
            let message = message(pages, &[named, named]);
            assert!(message.title.len() <= TITLE_BYTES_MAX + 1 && message.text.len() <= TEXT_BYTES_MAX + 1);
            let all = format!("{}{}", message.title, message.text);
            assert!(!all.chars().any(|c| c == '\u{200b}' || (c.is_control() && c != '\n')), "{all}");
            assert!(serde_json::to_vec(&message).unwrap().len() < 256 * 1024);
        }
    }
}
