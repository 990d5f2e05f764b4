//! What a filter lets through: words of text, and words such as `state:new`, `owner:me`, `-sev:s4` (UX 4.15).
//!
//! What is not understood is text to look for: a half-typed word never hides everything by an error.

use super::order::state_word;
use crate::domain::id::{IncidentId, UserName};
use crate::domain::incident::{Incident, Life};
use std::collections::HashSet;

/// A filter as it was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sieve {
    terms: Vec<Term>,
    /// Hides even what calls the person.
    hides_pages: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    not: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Text(String),
    Severity(Vec<String>),
    State(Vec<String>),
    Service(Vec<String>),
    Owner(Vec<String>),
    Calls,
}

/// What rows are sifted by beside their own words.
pub(crate) struct Eyes<'a> {
    pub(crate) user: &'a UserName,
    /// Incidents that call the person.
    pub(crate) calls: HashSet<IncidentId>,
}

impl Sieve {
    /// Reads a filter; all its words must fit.
    pub(crate) fn read(words: &str) -> Self {
        let mut sieve = Self::default();
        for word in words.to_lowercase().split_whitespace() {
            if word == "page:hide" {
                sieve.hides_pages = true;
                continue;
            }
            let (not, word) = match word.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, word),
            };
            sieve.terms.push(Term { not, test: Test::read(word) });
        }
        sieve
    }

    /// Returns whether the incident is shown. What calls the person is, unless the filter says otherwise in words.
    pub(crate) fn passes(&self, incident: &Incident, eyes: &Eyes<'_>) -> bool {
        let calls = eyes.calls.contains(&incident.id);
        (calls && !self.hides_pages) || self.terms.iter().all(|term| term.test.fits(incident, eyes, calls) != term.not)
    }
}

impl Test {
    fn read(word: &str) -> Self {
        let text = || Self::Text(word.to_owned());
        let Some((key, values)) = word.split_once(':') else { return text() };
        let list = || values.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        match key {
            _ if values.is_empty() => text(),
            "sev" | "severity" => Self::Severity(list()),
            "state" => Self::State(list()),
            "svc" | "service" => Self::Service(list()),
            "owner" => Self::Owner(list()),
            "page" if values == "me" => Self::Calls,
            _ => text(),
        }
    }

    fn fits(&self, incident: &Incident, eyes: &Eyes<'_>, calls: bool) -> bool {
        let severity = || incident.severity.map_or("s?".to_owned(), |severity| severity.to_string().to_lowercase());
        match self {
            Self::Text(text) => hay(incident).contains(text),
            Self::Severity(any) => any.contains(&severity()),
            Self::State(any) => any.iter().any(|word| is(incident, word)),
            Self::Service(any) => any.iter().any(|pattern| like(&incident.service.to_lowercase(), pattern)),
            Self::Owner(any) => any.iter().any(|name| owns(incident, name, eyes.user)),
            Self::Calls => calls,
        }
    }
}

/// Returns whether a word of a state says how it stands: by what the column shows, or by whether somebody has it.
fn is(incident: &Incident, word: &str) -> bool {
    let shown = incident.shown();
    match word {
        // A silent source does not make it anybody's.
        "new" | "unacked" => incident.life == Life::Triggered,
        "ack" | "acked" => incident.life == Life::Acked,
        "open" => incident.life != Life::Resolved,
        _ => word == shown.word() || word == state_word(shown).to_lowercase(),
    }
}

fn owns(incident: &Incident, name: &str, user: &UserName) -> bool {
    match (&incident.owner, name) {
        (None, "nobody" | "none") => true,
        (None, _) => false,
        (Some(owner), "me") => owner == user,
        (Some(owner), name) => owner.as_str().to_lowercase() == name,
    }
}

/// Returns whether the text is as the pattern, where a `*` at its end stands for any rest.
fn like(text: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(text == pattern, |beginning| text.starts_with(beginning))
}

fn hay(incident: &Incident) -> String {
    let severity = incident.severity.map_or("S?".to_owned(), |severity| severity.to_string());
    let owner = incident.owner.as_ref().map_or("", |owner| owner.as_str());
    let shown = incident.shown();
    let (number, service, summary) = (incident.number, &incident.service, &incident.summary);
    format!("{number} {severity} {} {} {service} {summary} {owner}", shown.word(), state_word(shown)).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::Number;
    use crate::domain::severity::Severity;
    use crate::domain::time::Timestamp;

    fn incident() -> Incident {
        let group = Group { key: "k".into(), service: "payments-api".into(), summary: "error rate 38%".into() };
        let mut incident =
            Incident::open(IncidentId::from_bytes([7; 16]), Number(12), group, Timestamp::from_millis(0));
        incident.severity = Severity::new(2).ok();
        incident
    }

    #[track_caller]
    fn check(words: &str, called: bool, expect: bool) {
        let user = UserName::parse("mira").unwrap();
        let calls = if called { [incident().id].into() } else { HashSet::new() };
        assert_eq!(Sieve::read(words).passes(&incident(), &Eyes { user: &user, calls }), expect, "{words}");
    }

    #[test]
    fn every_word_must_fit_and_an_unknown_one_is_text() {
        for words in ["", "pay 38%", "sev:s1,s2", "severity:S2", "state:new", "state:open", "svc:pay*", "owner:nobody"]
        {
            check(words, false, true);
        }
        for words in ["pay disk", "sev:s3", "-sev:s2", "state:ack", "svc:pay", "owner:me", "page:me", "colour:red"] {
            check(words, false, false);
        }
        for words in ["-sev:s3", "-owner:mira", "-disk", "-state:res"] {
            check(words, false, true);
        }
    }

    #[test]
    fn what_calls_the_person_is_hidden_only_on_demand() {
        check("disk", true, true);
        check("disk page:hide", true, false);
        check("pay page:hide", true, true);
        check("page:me", true, true);
    }
}
