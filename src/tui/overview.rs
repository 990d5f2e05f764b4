//! What is counted and looked up in a picture: made once when it comes, for the many drawings and keys that follow.

use super::order;
use super::state::Item;
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life};
use crate::domain::paging::{Page, Step};
use crate::domain::severity::Severity;
use crate::sync::picture::Picture;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Facts of one picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overview {
    rows: Arc<OfRows>,
    /// What lies in the inbox: what others wait for first, then letters, the oldest first.
    pub(crate) inbox: Vec<Item>,
    /// The pages that the banner speaks of, as indices into the picture's calls. Offers stand there in words of their own.
    pub(crate) calls: Vec<usize>,
    /// Incidents that call the person.
    called: HashSet<IncidentId>,
    /// The worst page that calls the person and that they have not answered here yet, else the worst at all.
    pub(crate) worst_call: Option<usize>,
}

/// What depends on the rows alone: pictures in which only the detail is another share it.
#[derive(Debug, Default)]
struct OfRows {
    places: HashMap<IncidentId, usize>,
    unresolved: usize,
    unacked: usize,
    severities: BTreeMap<u8, usize>,
    offers: Vec<Item>,
    asked: Vec<Item>,
    mine_unseen: Vec<usize>,
    number_max: u64,
}

impl Overview {
    /// Returns the facts of a picture; `before` are those of an earlier one with the same rows, where there is one.
    pub(crate) fn of(picture: &Picture, before: Option<&Self>) -> Self {
        let rows = before.map_or_else(|| Arc::new(OfRows::of(picture)), |before| before.rows.clone());
        let called = picture.calls.iter().map(|page| page.incident).collect();
        let mut overview = Self { rows, called, ..Self::default() };
        overview.inbox = overview.inbox_of(picture);
        overview.calls =
            (0..picture.calls.len()).filter(|at| !overview.is_offer(picture, &picture.calls[*at])).collect();
        overview.worst_call =
            overview.calls.iter().copied().min_by_key(|at| overview.rank(picture, &picture.calls[*at]));
        overview
    }

    /// Returns whether the incident calls the person.
    pub(crate) fn is_called(&self, incident: IncidentId) -> bool {
        self.called.contains(&incident)
    }

    /// Returns where the incident stands among the picture's rows.
    pub(crate) fn place(&self, incident: IncidentId) -> Option<usize> {
        self.rows.places.get(&incident).copied()
    }

    /// Returns how many rows are not over.
    pub(crate) fn unresolved(&self) -> usize {
        self.rows.unresolved
    }

    /// Returns how many incidents nobody has, by what the hub confirmed.
    pub(crate) fn unacked(&self) -> usize {
        self.rows.unacked
    }

    /// Returns how many incidents are open of each severity, the worst first; unexamined ones stand under 255.
    pub(crate) fn severities(&self) -> &BTreeMap<u8, usize> {
        &self.rows.severities
    }

    /// Returns the places of claims of the person's that were not seen to be known.
    pub(crate) fn mine_unseen(&self) -> &[usize] {
        &self.rows.mine_unseen
    }

    /// Returns the largest number of an incident.
    pub(crate) fn number_max(&self) -> u64 {
        self.rows.number_max
    }

    fn inbox_of(&self, picture: &Picture) -> Vec<Item> {
        let letters = picture.inbox.iter().map(|letter| Item::Letter(letter.id));
        self.rows.offers.iter().chain(&self.rows.asked).copied().chain(letters).collect()
    }

    fn is_offer(&self, picture: &Picture, page: &Page) -> bool {
        let offer = self.place(page.incident).and_then(|at| picture.rows[at].incident.offer.as_ref());
        offer.is_some_and(|offer| offer.to == picture.user && page.step == Step::Offer(offer.op))
    }

    /// Returns where a page sorts, the worst first: what the person has answered here last.
    pub(crate) fn rank(&self, picture: &Picture, page: &Page) -> impl Ord + use<> {
        let row = self.place(page.incident).map(|at| &picture.rows[at]);
        let answered = row.is_some_and(|row| !row.waiting.is_empty());
        let severity = row.map_or(0, |row| order::severity_rank(&row.incident));
        (answered, severity, page.queued_at, page.id)
    }
}

impl OfRows {
    fn of(picture: &Picture) -> Self {
        let mut facts = Self::default();
        for (at, row) in picture.rows.iter().enumerate() {
            facts.count(at, &row.incident, picture);
        }
        facts
    }

    fn count(&mut self, at: usize, incident: &Incident, picture: &Picture) {
        self.places.insert(incident.id, at);
        self.number_max = self.number_max.max(incident.number.0);
        let me = &picture.user;
        if incident.seen_due.is_some() && incident.owner.as_ref() == Some(me) {
            self.mine_unseen.push(at);
        }
        if incident.life == Life::Resolved {
            return;
        }
        self.unresolved += 1;
        self.unacked += usize::from(incident.life == Life::Triggered);
        *self.severities.entry(incident.severity.map_or(u8::MAX, Severity::number)).or_default() += 1;
        let offer = incident.offer.as_ref().filter(|offer| offer.to == *me);
        self.offers.extend(offer.map(|offer| Item::Offer(incident.id, offer.op)));
        let asked = incident.assigned.as_ref().filter(|asked| asked.to == *me);
        self.asked.extend(asked.map(|asked| Item::Asked(incident.id, asked.op)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{Number, UserName};
    use crate::domain::time::Timestamp;
    use crate::sync::picture::Row;

    fn row(number: u8, severity: u8) -> Row {
        let group = Group { key: number.to_string(), service: "api".into(), summary: "down".into() };
        let id = IncidentId::from_bytes([number; 16]);
        let mut incident = Incident::open(id, Number(number.into()), group, Timestamp::from_millis(1000));
        incident.severity = Severity::new(severity).ok();
        Row { incident: incident.into(), waiting: Vec::new(), said: Vec::new(), via_peer: None }
    }

    #[test]
    fn it_counts_what_is_open_and_finds_every_row() {
        let mut rows = vec![row(1, 2), row(2, 2), row(3, 0), row(40, 5)];
        rows[3].incident_mut().life = Life::Resolved;
        rows[1].incident_mut().life = Life::Acked;
        rows[1].incident_mut().owner = UserName::parse("mira").ok();
        rows[1].incident_mut().seen_due = Some(Timestamp::from_millis(2000));
        let mut picture = crate::tui::run::tests::picture(0);
        picture.rows = Arc::new(rows);
        let overview = Overview::of(&picture, None);
        assert_eq!((overview.unresolved(), overview.unacked(), overview.number_max()), (3, 2, 40));
        assert_eq!(overview.severities().iter().map(|(s, n)| (*s, *n)).collect::<Vec<_>>(), [(2, 2), (u8::MAX, 1)]);
        assert_eq!(overview.mine_unseen(), [1]);
        for (place, row) in picture.rows.iter().enumerate() {
            assert_eq!(overview.place(row.incident.id), Some(place));
        }
        assert_eq!(overview.place(IncidentId::from_bytes([9; 16])), None);
    }
}
