//! What was answered, beside what the database says.

use crate::support::database::Database;
use std::collections::HashMap;

/// What a series must look like.
#[derive(Debug, Clone, Default)]
struct Expected {
    /// By the last answer; `None` when none came yet.
    answered: Option<&'static str>,
    /// By the one request that got no answer.
    perhaps: Option<&'static str>,
}

/// The series of one sender.
#[derive(Debug, Default)]
pub struct Journal {
    series: HashMap<String, Expected>,
    /// Alerts answered with 200.
    pub answered: u64,
}

impl Journal {
    /// Notes that this is about to be said of a series.
    pub fn say(&mut self, name: &str, state: &'static str) {
        self.series.entry(name.to_owned()).or_default().perhaps = Some(state);
    }

    /// Notes that it was answered.
    pub fn answer(&mut self, name: &str) {
        if let Some(expected) = self.series.get_mut(name) {
            expected.answered = expected.perhaps.take();
            self.answered += 1;
        }
    }

    /// Returns how many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Returns each series that is in the database otherwise than was answered.
    pub fn wrong(&self, database: &Database) -> Vec<String> {
        let stored = stored(database);
        let mut wrong = Vec::new();
        for (name, expected) in &self.series {
            let state = stored.get(name).map(String::as_str);
            let right = [expected.answered, expected.perhaps].contains(&state);
            if !right || (state.is_none() && expected.answered.is_some()) {
                wrong.push(format!("{name} is {state:?}, answered was {expected:?}"));
            }
        }
        wrong
    }

    /// Settles what was in doubt by what the database says.
    pub fn settle(&mut self, database: &Database) {
        let stored = stored(database);
        for (name, expected) in &mut self.series {
            let state = stored.get(name).map(String::as_str);
            let right = [expected.answered, expected.perhaps];
            let settled = right.into_iter().flatten().find(|word| Some(*word) == state);
            *expected = Expected { answered: settled, perhaps: None };
        }
        self.series.retain(|_, expected| expected.answered.is_some());
    }
}

/// Returns the state of each stored series by name.
fn stored(database: &Database) -> HashMap<String, String> {
    let sql = "SELECT json_extract(body, '$.labels.alertname'), state FROM series";
    database.pairs(sql, ()).into_iter().collect()
}
