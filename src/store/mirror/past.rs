//! What is over, as narrow rows that a search walks through newest first: what a query asks stands there without a body to be read.
//!
//! Words and exact labels that must hold are looked for by SQLite in two texts of each row; the rest of the query is asked of what is left.

use super::super::StoreError;
use super::Mirror;
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::series::Series;
use crate::domain::severity::Severity;
use crate::domain::similar::pairs_of;
use crate::domain::time::Timestamp;
use crate::query::field::{self, Field};
use crate::query::{Eyes, Query, Subject, Value};
use rusqlite::{Row, Transaction, params, params_from_iter};

/// Label sets that are kept of one incident.
const SETS_MAX: usize = 20;
/// Bytes that are kept of the labels of one incident.
const SETS_BYTES_MAX: usize = 8 << 10;
/// Signs between the sets of labels, around each pair, and between name and value: no value has them.
const SET: char = '\x1d';
const PAIR: char = '\x1e';
const IS: char = '\x1f';
/// What is read of each row, in this order; the sets of labels behind them.
const COLUMNS: &str = "number, id, opened_at, severity, series, flaps, source, service, summary, owner, team, policy";
const SETS: usize = 12;
/// One set without labels, for a query that asks for none.
const NO_SETS: &str = "char(29, 30)";
/// Words and labels of a query that SQLite looks for.
const SOUGHT_MAX: usize = 8;

/// Keeps what a search asks of an incident that is over, or forgets it where it is open again.
pub(super) fn put(tx: &Transaction<'_>, incident: &Incident) -> Result<(), StoreError> {
    let number = incident.number.0 as i64;
    if incident.resolved_at.is_none() {
        tx.prepare_cached("DELETE FROM past WHERE number = ?1")?.execute([number])?;
        return Ok(());
    }
    let series = series_of(tx, incident.id)?;
    let sets = sets(incident, &series);
    let owner = incident.owner.as_ref().map(|owner| owner.as_str());
    let values: String = sets.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = format!("{number} {} {} {} {values}", incident.service, incident.summary, owner.unwrap_or_default());
    tx.prepare_cached(
        "INSERT OR REPLACE INTO past VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        number,
        incident.id.as_bytes(),
        incident.opened_at.as_millis(),
        incident.severity.map(Severity::number),
        incident.tally.total(),
        series.iter().map(|series| series.flaps).max().unwrap_or(0) as i64,
        series.first().map_or("", |series| series.source.as_str()),
        incident.service,
        incident.summary,
        owner,
        incident.course.team(),
        incident.course.policy(),
        words.to_lowercase(),
        sets,
    ])?;
    Ok(())
}

/// Makes the rows of a mirror that has none yet, because an earlier version wrote it.
pub(super) fn fill(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let has = |table: &str| -> Result<bool, StoreError> {
        Ok(tx.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table})"), (), |row| row.get(0))?)
    };
    if has("past")? || !has("incident WHERE resolved_at IS NOT NULL")? {
        return Ok(());
    }
    let mut select = tx.prepare("SELECT body FROM incident WHERE resolved_at IS NOT NULL")?;
    let mut bodies = select.query(())?;
    while let Some(row) = bodies.next()? {
        let body = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        put(tx, &serde_json::from_str(body)?)?;
    }
    Ok(())
}

fn series_of(tx: &Transaction<'_>, incident: IncidentId) -> Result<Vec<Series>, StoreError> {
    let mut select = tx.prepare_cached("SELECT body FROM series WHERE incident = ?1 LIMIT ?2")?;
    let bodies = select.query_map(params![incident.as_bytes(), SETS_MAX as i64], |row| row.get(0))?;
    let bodies = bodies.collect::<Result<Vec<String>, _>>()?;
    Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
}

/// Returns the label sets of an incident: of its series; where they speak of another by now, what its group says.
fn sets(incident: &Incident, series: &[Series]) -> String {
    let mut sets = String::new();
    let mut add = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        let start = sets.len();
        sets.push(SET);
        for (name, value) in pairs {
            let clean = |text: &str| text.replace(|c: char| c.is_control(), " ");
            sets.extend([PAIR.to_string(), clean(name), IS.to_string(), clean(value)]);
        }
        sets.push(PAIR);
        if sets.len() > SETS_BYTES_MAX {
            sets.truncate(start);
        }
    };
    if series.is_empty() {
        let pairs = pairs_of(&incident.group_key);
        let hit = incident.hit.iter().filter_map(|hit| hit.split_once('='));
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        add(&mut pairs.chain(hit));
    }
    series.iter().for_each(|series| add(&mut series.labels.iter()));
    if sets.is_empty() {
        // Its fields can be asked all the same.
        sets.extend([SET, PAIR]);
    }
    sets
}

impl Mirror {
    /// Returns incidents that are over and fit a query, the newest first, at most `max`. A label test holds for one of the first 20 series
    /// that each had at its end; what is only known by its group, by that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn past(&mut self, query: &Query, eyes: &Eyes<'_>, max: usize) -> Result<Vec<Incident>, StoreError> {
        let tx = self.connection.transaction()?;
        let mut sought: Vec<(&str, String)> = Vec::new();
        // In the texts stand spaces where a label had control characters.
        let words = query.words().into_iter().filter(|word| !word.contains(char::is_control));
        sought.extend(words.map(|word| ("words", word.to_owned())));
        let pair = |(name, value): (&str, &str)| ("sets", format!("{PAIR}{name}{IS}{value}{PAIR}"));
        let plain =
            |(name, value): &(&str, &str)| !name.contains(char::is_control) && !value.contains(char::is_control);
        sought.extend(query.equalities().into_iter().filter(plain).map(pair));
        sought.truncate(SOUGHT_MAX);
        let tests: Vec<String> = sought
            .iter()
            .enumerate()
            .map(|(place, (column, _))| format!("instr({column}, ?{}) > 0", place + 1))
            .collect();
        let tests = if tests.is_empty() { String::new() } else { format!("WHERE {}", tests.join(" AND ")) };
        // What is long is read only where it is asked for.
        let sets = if query.asks_labels() { "sets" } else { NO_SETS };
        let mut select =
            tx.prepare_cached(&format!("SELECT {COLUMNS}, {sets} FROM past {tests} ORDER BY number DESC"))?;
        let mut found = select.query(params_from_iter(sought.iter().map(|(_, text)| text)))?;
        let mut numbers: Vec<i64> = Vec::new();
        while let Some(row) = found.next()?
            && numbers.len() < max
        {
            if fits(row, query, eyes)? {
                numbers.push(row.get(0)?);
            }
        }
        let mut select = tx.prepare_cached("SELECT body FROM incident WHERE number = ?1")?;
        let mut incidents = Vec::with_capacity(numbers.len());
        for number in numbers {
            let body: String = select.query_row([number], |row| row.get(0))?;
            incidents.push(serde_json::from_str(&body)?);
        }
        Ok(incidents)
    }
}

/// A row with one of its label sets; what is not asked is not read.
struct OneSet<'r> {
    row: &'r Row<'r>,
    set: &'r str,
}

/// Returns whether one of the row's label sets, together with its fields, makes the whole query true.
fn fits(row: &Row<'_>, query: &Query, eyes: &Eyes<'_>) -> rusqlite::Result<bool> {
    let sets = row.get_ref(SETS)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(sets.split(SET).skip(1).any(|set| query.matches(&OneSet { row, set }, eyes)))
}

impl OneSet<'_> {
    /// The columns have the types that the table says.
    fn text(&self, column: usize) -> Option<&str> {
        self.row.get_ref(column).ok()?.as_str_or_null().ok()?
    }

    fn number(&self, column: usize) -> i64 {
        self.row.get(column).unwrap_or_default()
    }

    fn of_text(&self, column: usize) -> Value<'_> {
        self.text(column).map_or(Value::None, Value::Text)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.set.split(PAIR).filter_map(|pair| pair.split_once(IS))
    }
}

impl Subject for OneSet<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn labels(&self, each: &mut dyn FnMut(&str, &str)) {
        self.pairs().for_each(|(name, value)| each(name, value));
    }

    fn field(&self, field: Field) -> Value<'_> {
        match field {
            Field::Number => Value::Number(self.number(0) as u64),
            Field::Page => match self.row.get(1).map(IncidentId::from_bytes) {
                Ok(id) => Value::Incident(id),
                Err(_) => Value::None,
            },
            Field::Age => Value::Since(Timestamp::from_millis(self.number(2))),
            Field::Severity => {
                let severity: Option<u8> = self.row.get(3).ok().flatten();
                Value::Severity(severity.and_then(|severity| Severity::new(severity).ok()))
            }
            Field::Series => Value::Number(self.number(4) as u64),
            Field::Flaps => Value::Number(self.number(5) as u64),
            Field::Source => self.of_text(6),
            Field::Service => self.of_text(7),
            Field::Text => self.of_text(8),
            Field::Owner => self.of_text(9),
            Field::Team => self.of_text(10),
            Field::Policy => self.of_text(11),
            Field::State => Value::Words(field::state::RESOLVED),
            Field::Held | Field::Silenced | Field::Claimed => Value::Words(field::NO),
            // Not kept of what is over.
            Field::Plan => Value::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;
    use crate::domain::event::{Alert, End, Event};
    use crate::domain::grouping::Group;
    use crate::domain::id::{NodeId, Number, SourceName, UserName};
    use crate::domain::label::{IdentityRule, LabelLimits, Labels};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn incident(number: u64, summary: &str) -> Incident {
        let key = format!(r#"[["alertname","Rule{number}"],["cluster","eu-1"]]"#);
        let group = Group { key, service: "payments-api".into(), summary: summary.into() };
        let mut one =
            Incident::open(IncidentId::from_bytes(u128::from(number).to_be_bytes()), Number(number), group, at(0));
        one.severity = Severity::new(2).ok();
        one.owner = UserName::parse("mira").ok();
        one
    }

    fn series(of: &Incident, instance: &str, job: &str) -> String {
        let labels = [("alertname", "Down"), ("instance", instance), ("job", job)];
        let alert = Alert {
            labels: Labels::new(labels, &LabelLimits::LABELS).unwrap(),
            annotations: Labels::default(),
            starts_at: None,
            end: End::Open,
            generator_url: String::new(),
        };
        let source = SourceName::parse("prometheus").unwrap();
        let (mut series, _) = Series::begin(&Event::new(source, alert, &IdentityRule::default(), at(1)));
        series.incident = Some(of.id);
        serde_json::to_string(&series).unwrap()
    }

    fn put(mirror: &mut Mirror, one: &Incident, of_series: &[String]) {
        let tx = mirror.connection.transaction().unwrap();
        for body in of_series {
            rows::put_series(&tx, 1, body, 0).unwrap();
        }
        rows::put_incident(&tx, &serde_json::to_string(one).unwrap(), 0).unwrap();
        tx.commit().unwrap();
    }

    fn mirror() -> Mirror {
        let user = UserName::parse("mira").unwrap();
        let mut mirror = Mirror::in_memory(&user, NodeId::from_bytes([1; 16]), at(0)).unwrap();
        let (mut one, mut two, open) =
            (incident(1, "Disk is FULL"), incident(2, "Grüße 100%"), incident(3, "disk burns"));
        one.resolve(at(10), None);
        two.resolve(at(20), None);
        let of_one = [series(&one, "a", "node"), series(&one, "b", "etcd")];
        put(&mut mirror, &one, &of_one);
        put(&mut mirror, &two, &[]);
        put(&mut mirror, &open, &[]);
        mirror
    }

    #[track_caller]
    fn found(mirror: &mut Mirror, query: &str) -> Vec<u64> {
        let query = Query::parse(query).unwrap();
        let found = mirror.past(&query, &Eyes::nobody(at(60)), 10).unwrap();
        found.iter().map(|one| one.number.0).collect()
    }

    #[test]
    fn what_is_over_is_found_by_all_that_a_query_asks() {
        let mut mirror = mirror();
        for (query, numbers) in [
            ("", vec![2, 1]),
            ("disk", vec![1]),
            ("grüße", vec![2]),
            ("\"is full\" mira", vec![1]),
            ("instance=a job=node", vec![1]),
            ("instance=a job=etcd", vec![]),
            ("instance=a or grüße", vec![2, 1]),
            ("cluster=eu-1", vec![2]),
            ("cluster=~\"eu-.*\" severity<=2 owner:mira", vec![2]),
            ("instance=x", vec![]),
            ("-instance=a", vec![2, 1]),
            ("state:open", vec![]),
            ("state:resolved age>50m number=1", vec![1]),
            ("severity:unexamined", vec![]),
        ] {
            assert_eq!(found(&mut mirror, query), numbers, "{query}");
        }
        assert_eq!(mirror.past(&Query::all(), &Eyes::nobody(at(60)), 1).unwrap().len(), 1);
    }

    #[test]
    fn what_is_opened_again_is_not_over_and_a_mirror_of_before_is_filled() {
        let mut mirror = mirror();
        let again = incident(1, "Disk is FULL");
        put(&mut mirror, &again, &[]);
        assert_eq!(found(&mut mirror, ""), [2]);
        mirror.connection.execute("DELETE FROM past", ()).unwrap();
        let tx = mirror.connection.transaction().unwrap();
        fill(&tx).unwrap();
        tx.commit().unwrap();
        assert_eq!(found(&mut mirror, "cluster=eu-1"), [2]);
    }
}
