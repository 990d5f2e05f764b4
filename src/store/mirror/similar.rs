//! Earlier incidents that look like one, from what is mirrored: no hub is asked.

use super::super::StoreError;
use super::Mirror;
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::similar::{self, Likeness, Pairs, Similar, pairs_of, rule_of};
use crate::domain::time::Timestamp;
use rusqlite::params;

/// Earlier incidents of the same group that are read.
const GROUP_MAX: i64 = 300;
/// Of the same rule.
const RULE_MAX: i64 = 60;
/// Of the same service, and of all, whose labels are held against the incident's.
const LABELS_MAX: i64 = 150;
/// Series of each whose labels are read.
const SERIES_MAX: usize = 10;
/// Lines of the timeline of each that is told.
const LINES_MAX: usize = 200;

impl Mirror {
    /// Returns the incidents that began before this one and look like it. Bounded: it reads at most some hundred rows, by indexes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn similar(&mut self, id: IncidentId, now: Timestamp) -> Result<Similar, StoreError> {
        let Some(incident) = self.incident(id)? else { return Ok(Similar::default()) };
        let same = self.of_group(&incident)?;
        let rule = self.of_rule(&incident)?;
        let others = self.of_others(&incident)?;
        let mine = self.pairs(&incident)?;
        let mut found = similar::alike(&mine, &others);
        found.extend(rule.iter().map(|one| (one, Likeness::Rule)));
        found.extend(same.iter().map(|one| (one, Likeness::Group)));
        let mut earlier = Vec::new();
        for (one, likeness) in similar::rank(found) {
            let lines = self.lines_of(one.id, LINES_MAX)?;
            earlier.push(similar::earlier(one, likeness, &lines));
        }
        Ok(similar::similar(&same, earlier, now))
    }

    fn of_group(&mut self, incident: &Incident) -> Result<Vec<Incident>, StoreError> {
        self.read_similar(
            "SELECT body FROM incident WHERE json_extract(body, '$.group_key') = ?1 AND number < ?2
             ORDER BY number DESC LIMIT ?3",
            params![incident.group_key, incident.number.0 as i64, GROUP_MAX],
        )
    }

    /// The keys of groups of one rule begin alike: a range of the index of groups.
    fn of_rule(&mut self, incident: &Incident) -> Result<Vec<Incident>, StoreError> {
        let Some(rule) = rule_of(&incident.group_key) else { return Ok(Vec::new()) };
        let first = serde_json::to_string(&[["alertname", &rule]])?;
        let from = first.strip_suffix(']').unwrap_or(&first);
        self.read_similar(
            "SELECT body FROM incident WHERE id IN (SELECT id FROM incident
               WHERE json_extract(body, '$.group_key') >= ?1 AND json_extract(body, '$.group_key') < ?1 || char(1114111)
                 AND number < ?2 ORDER BY number DESC LIMIT ?3)",
            params![from, incident.number.0 as i64, RULE_MAX],
        )
    }

    /// Returns the latest of the same service, and the latest of all, each once, with their label pairs.
    fn of_others(&mut self, incident: &Incident) -> Result<Vec<(Incident, Pairs)>, StoreError> {
        let number = incident.number.0 as i64;
        let mut others = self.read_similar(
            "SELECT body FROM incident WHERE json_extract(body, '$.service') = ?1 AND number < ?2
             ORDER BY number DESC LIMIT ?3",
            params![incident.service, number, LABELS_MAX],
        )?;
        others.extend(self.read_similar(
            "SELECT body FROM incident WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
            params![number, LABELS_MAX],
        )?);
        others.sort_by_key(|one| one.number);
        others.dedup_by_key(|one| one.id);
        others.into_iter().map(|one| self.pairs(&one).map(|pairs| (one, pairs))).collect()
    }

    /// Returns the label pairs of an incident: of its series, of its group, of what it hit. Its series may be another's by now.
    fn pairs(&mut self, incident: &Incident) -> Result<Pairs, StoreError> {
        let mut pairs: Pairs = pairs_of(&incident.group_key).into_iter().collect();
        let hit = incident.hit.iter().filter_map(|hit| hit.split_once('='));
        pairs.extend(hit.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for series in self.series_of(incident.id, SERIES_MAX)? {
            pairs.extend(series.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Ok(pairs)
    }

    fn read_similar(&mut self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Incident>, StoreError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let bodies = select.query_map(values, |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{NodeId, Number, UserName};
    use std::time::{Duration, Instant};

    /// A mirror with so many resolved incidents of some hundred rules, a minute after each other.
    fn mirror(count: u64) -> Mirror {
        let user = UserName::parse("mira").unwrap();
        let mut mirror = Mirror::in_memory(&user, NodeId::from_bytes([1; 16]), at(0)).unwrap();
        let tx = mirror.connection.transaction().unwrap();
        for number in 1..=count {
            let (rule, cluster) = (number % 300, number % 7);
            let key = format!(r#"[["alertname","Rule{rule}"],["cluster","c{cluster}"],["service","s{}"]]"#, rule % 40);
            let group = Group { key, service: format!("s{}", rule % 40), summary: format!("rule {rule} burns") };
            let id = IncidentId::from_bytes(u128::from(number).to_be_bytes());
            let mut one = Incident::open(id, Number(number), group, at(number));
            one.owner = Some(user.clone());
            one.resolve(at(number + 12), None);
            super::super::rows::put_incident(&tx, &serde_json::to_string(&one).unwrap(), 0).unwrap();
        }
        tx.commit().unwrap();
        mirror
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(minute as i64 * 60_000)
    }

    #[test]
    fn group_rule_and_labels_are_found_in_their_order() {
        let mut mirror = mirror(4300);
        let id = IncidentId::from_bytes(4300u128.to_be_bytes());
        let similar = mirror.similar(id, at(4300)).unwrap();
        let numbers = |wanted: &dyn Fn(Likeness) -> bool| {
            let found = similar.earlier.iter().filter(|one| wanted(one.likeness));
            found.map(|one| one.number.0).collect::<Vec<_>>()
        };
        // Rule and cluster come together again each 2,100.
        assert_eq!(numbers(&|like| like == Likeness::Group), [2200, 100]);
        assert_eq!(numbers(&|like| like == Likeness::Rule)[..2], [4000, 3700]);
        // What shares only cluster or service is not alike enough.
        assert!(numbers(&|like| matches!(like, Likeness::Labels(_))).is_empty());
        assert_eq!(similar.head(), "seen 3 times in 30 days, median 12 min, mostly mira");
        let first = mirror.similar(IncidentId::from_bytes(1u128.to_be_bytes()), at(1)).unwrap();
        assert!(first.earlier.is_empty() && first.seen == 1);
    }

    /// Says how long it takes; the bound is only against a scan of all.
    #[test]
    fn a_hundred_thousand_past_incidents_are_read_by_indexes() {
        let mut mirror = mirror(100_000);
        let id = IncidentId::from_bytes(100_000u128.to_be_bytes());
        let begun = Instant::now();
        let similar = mirror.similar(id, at(100_000)).unwrap();
        let took: Duration = begun.elapsed();
        println!("similar among 100,000: {took:?}");
        assert_eq!(similar.earlier.len(), similar::TOLD_MAX);
        for (sql, index) in [
            ("json_extract(body, '$.group_key') = 'x' AND number < 9 ORDER BY number DESC", "incident_group"),
            ("json_extract(body, '$.service') = 'x' AND number < 9 ORDER BY number DESC", "incident_service"),
        ] {
            let plan: String = mirror
                .connection
                .query_row(&format!("EXPLAIN QUERY PLAN SELECT body FROM incident WHERE {sql}"), (), |row| row.get(3))
                .unwrap();
            assert!(plan.contains(index), "{plan}");
        }
    }
}
