//! What is over, searched by a query from the screen.

use super::open::{address, parts, settings};
use super::{Globals, output, query};
use crate::domain::incident::Incident;
use crate::domain::similar::span_words;
use crate::query::Query;

/// Most incidents that are shown.
const SHOWN_MAX: usize = 500;

/// Returns the lines of what is over and fits; no hub is asked.
pub fn said(globals: &Globals, words: &str) -> Vec<String> {
    match found(globals, words) {
        Ok(found) => found.iter().map(line).collect(),
        Err(error) => format!("{error:#}").lines().map(str::to_owned).collect(),
    }
}

fn found(globals: &Globals, words: &str) -> anyhow::Result<Vec<Incident>> {
    let asked = Query::parse(words).map_err(|error| anyhow::anyhow!("{}", error.pointed(words)))?;
    let (paths, console) = settings(globals)?;
    let address = address(&paths, &console)?;
    let mut parts = super::small_runtime()?.block_on(parts(&paths, &console, address))?;
    let seen = query::Seen::of(&mut parts.mirror, &parts.device.user, Vec::new())?;
    Ok(parts.mirror.past(&asked, &seen.eyes(), SHOWN_MAX)?)
}

fn line(incident: &Incident) -> String {
    let severity = incident.severity.map_or("S?".to_owned(), |severity| severity.to_string());
    let opened = incident.opened_at.date_and_second();
    let took = incident.resolved_at.map(|at| span_words(at.since(incident.opened_at))).unwrap_or_default();
    let owner = incident.owner.as_ref().map_or("-", |owner| owner.as_str());
    format!(
        "{severity} {:<6} {opened} {} {} {} {}",
        incident.number.0,
        output::cell(&took, 8),
        output::cell(&incident.service, 15),
        output::cell(owner, 10),
        output::text(&incident.summary)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{IncidentId, Number};
    use crate::domain::time::Timestamp;

    #[test]
    fn a_line_says_when_and_how_long() {
        let group = Group { key: "k".into(), service: "payments-api".into(), summary: "it \x1b[2J burns".into() };
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        let mut one = Incident::open(IncidentId::from_bytes([7; 16]), Number(12), group, at(0));
        one.resolve(at(42), None);
        let line = line(&one);
        assert!(line.starts_with("S? 12     1970-01-01 00:00:00Z 42 min   payments-api    -"), "{line}");
        assert!(!line.contains('\x1b'), "{line}");
    }
}
