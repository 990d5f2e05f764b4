//! What this person should still read, and the word of it when their shift is near.

use super::super::coverage;
use super::super::picture::Link;
use super::Teller;
use crate::domain::paging::Shift;
use crate::domain::time::Timestamp;
use crate::query::coverage::{Coverage, Due};
use crate::store::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// How long the incidents of the last weeks are not looked through again: a thousand of them cost a tenth of a second.
const COVERED_FOR: Duration = Duration::from_secs(600);
/// Incidents that are looked through, the newest: this is beside the work of a console.
const INCIDENTS_MAX: usize = 1000;
/// How long before a shift begins its reader is told: there is time to read then.
const TOLD_BEFORE: Duration = Duration::from_secs(1800);
/// The mirror's note of the shift that was told last: by its beginning.
const TOLD: &str = "told_unread";
/// Runbooks that are told by their names.
const NAMED: usize = 2;

/// What this person should still read.
#[derive(Default)]
pub(super) struct OwnDuty {
    /// Nobody else's.
    pub(super) due: Arc<Vec<Due>>,
    coverage: Coverage,
    covered_at: Option<Timestamp>,
    is_current: bool,
}

impl OwnDuty {
    /// Notes that runbooks, receipts or shifts are other ones now.
    pub(super) fn outdate(&mut self) {
        self.is_current = false;
    }
}

impl Teller {
    /// Finds out what this person should still read, where that may be something else than before, and tells it once a shift.
    pub(super) fn read_duty(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.items.runbooks.is_empty() && self.duty.due.is_empty() {
            return Ok(());
        }
        // A clock that was set back must not make what was found look new for ever.
        let is_old = self.duty.covered_at.is_none_or(|at| at > now || now.since(at) > COVERED_FOR);
        if is_old {
            self.duty.coverage = coverage::lately(&mut self.mirror, &self.shelf, now, INCIDENTS_MAX)?;
            self.duty.covered_at = Some(now);
        }
        if is_old || !self.duty.is_current {
            let (paging, known) = (self.known.paging.clone().unwrap_or_default(), &self.known.people);
            let mut due = self.duty.coverage.due(&self.items, &paging, known, now);
            due.retain(|due| due.user == self.device.user);
            self.duty.due = Arc::new(due);
            self.duty.is_current = true;
        }
        self.tell_duty(now)
    }

    fn tell_duty(&mut self, now: Timestamp) -> Result<(), StoreError> {
        // What the mirror last knew may have been read since, on another machine.
        if self.link != Link::Live || self.duty.due.is_empty() {
            return Ok(());
        }
        let Some(shift) = self.own_shift(now) else { return Ok(()) };
        let mark = shift.from.as_millis().to_string();
        if self.mirror.note(TOLD)?.as_deref() == Some(mark.as_str()) {
            return Ok(());
        }
        self.mirror.set_note(TOLD, &mark)?;
        let text = words(&shift, &self.duty.due, now);
        self.notice(text, false, None);
        Ok(())
    }

    /// Returns the shift of this person that runs or is about to begin.
    fn own_shift(&self, now: Timestamp) -> Option<Shift> {
        let shifts = self.known.paging.iter().flat_map(|paging| &paging.on_call);
        let near =
            |shift: &&Shift| shift.person == self.device.user && shift.from <= now.plus(TOLD_BEFORE) && now < shift.to;
        shifts.filter(near).min_by_key(|shift| shift.from).cloned()
    }
}

fn words(shift: &Shift, due: &[Due], now: Timestamp) -> String {
    let when = if shift.from <= now { "since" } else { "from" };
    let from = shift.from.date_and_second();
    let names: Vec<&str> = due.iter().take(NAMED).map(|due| due.runbook.as_str()).collect();
    let more = due.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let count = if due.len() == 1 { "1 runbook".to_owned() } else { format!("{} runbooks", due.len()) };
    // What to type stands before the names: these may have no room.
    format!("{count} unread, on call {when} {}Z; :unread {}: {}{more}", &from[..16], shift.person, names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::UserName;
    use crate::domain::runbook::{Reading, RunbookName};

    #[test]
    fn it_says_from_when_and_names_the_first() {
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        let mira = UserName::parse("mira").unwrap();
        let shift = Shift { person: mira.clone(), from: at(60), to: at(600) };
        let due = |name: &str| Due {
            user: mira.clone(),
            runbook: RunbookName::parse(name).unwrap(),
            reading: Reading::Unread,
            shift: Some(at(60)),
        };
        let three = [due("a.md"), due("b.md"), due("c.md")];
        assert_eq!(
            words(&shift, &three, at(30)),
            "3 runbooks unread, on call from 1970-01-01 01:00Z; :unread mira: a.md, b.md and 1 more"
        );
        assert_eq!(
            words(&shift, &three[..1], at(60)),
            "1 runbook unread, on call since 1970-01-01 01:00Z; :unread mira: a.md"
        );
    }
}
