//! Incidents whose calls wait for another: looked up by their ties, never by looking at each other.

use super::super::StoreError;
use super::tables::Tables;
use super::work::Work;
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;

/// What of an incident ties it to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tied {
    bears: usize,
    leans: usize,
    open: bool,
    can_hold: bool,
    holds_on: bool,
}

impl Tied {
    pub fn of(incident: &Incident) -> Self {
        Self {
            bears: incident.bears.len(),
            leans: incident.leans.len(),
            open: incident.open_key.is_some(),
            can_hold: incident.can_hold(),
            holds_on: incident.holds_on(),
        }
    }

    /// Returns whether the rows of its ties are other ones now: ties are only ever added.
    pub fn differs_from(self, incident: &Incident) -> bool {
        let now = Self::of(incident);
        (self.bears, self.leans) != (now.bears, now.leans) || (self.open != now.open && now.bears + now.leans > 0)
    }
}

/// Lets the next call of an incident wait where another one that it leans on burns; or go out, where none does any longer.
pub(super) fn before_call<T: Tables>(work: &mut Work<'_, T>, id: IncidentId) -> Result<(), StoreError> {
    let now = work.now;
    let Some(incident) = work.incident(id)?.filter(|incident| incident.is_about_to_call(now)).cloned() else {
        return Ok(());
    };
    if incident.leans.is_empty() {
        return Ok(());
    }
    if incident.can_be_held(now) {
        if let Some(held) = &incident.held
            && work.incident(held.by)?.is_some_and(|other| other.holds_on() && incident.is_tied_to(other))
        {
            // Something asked for a call sooner: a raise, a page that failed, rules that were read anew.
            if let Some(incident) = work.incident_mut(id)? {
                incident.step_due_at = held.until;
                incident.arm(now);
            }
            return Ok(());
        }
        for key in incident.leans.keys() {
            for other in work.tied(key, true)? {
                if hold(work, id, other)? {
                    return Ok(());
                }
            }
        }
    }
    let why = if incident.escalating { "a person calls" } else { "it may wait no longer" };
    let_go(work, id, why)
}

/// Lets one incident wait for the other, if it may; returns whether it does.
fn hold<T: Tables>(work: &mut Work<'_, T>, id: IncidentId, other: IncidentId) -> Result<bool, StoreError> {
    let now = work.now;
    let Some(other) = work.incident(other)?.cloned() else { return Ok(false) };
    let Some(incident) = work.incident(id)? else { return Ok(false) };
    let Some(span) = incident.leans_on(&other).filter(|_| incident.can_be_held(now)) else { return Ok(false) };
    let Some(incident) = work.incident_mut(id)? else { return Ok(false) };
    let line = incident.hold_for(&other, span, now);
    work.tell(id, line);
    Ok(true)
}

fn let_go<T: Tables>(work: &mut Work<'_, T>, id: IncidentId, why: &str) -> Result<(), StoreError> {
    let now = work.now;
    if work.incident(id)?.is_some_and(|incident| incident.held.is_some())
        && let Some(line) = work.incident_mut(id)?.and_then(|incident| incident.let_go(now, why))
    {
        work.tell(id, line);
    }
    Ok(())
}

/// Draws the conclusions for others of what became of incidents in this transaction: one that ended lets go what it held, one that began
/// holds in retrospect those that lean on it and called already.
pub(super) fn follow<T: Tables>(work: &mut Work<'_, T>) -> Result<(), StoreError> {
    for (id, before) in work.bearing() {
        let Some(incident) = work.incident(id)?.cloned() else { continue };
        let now = Tied::of(&incident);
        let (ended, began) =
            (before.holds_on && !now.holds_on, now.can_hold && (!before.can_hold || before.bears < now.bears));
        if !ended && !began {
            continue;
        }
        for key in &incident.bears {
            for other in work.tied(key, false)? {
                let Some(leaning) = work.incident(other)? else { continue };
                let is_held = leaning.held.as_ref().map(|held| held.by);
                if ended && is_held == Some(id) {
                    let_go(work, other, why_ended(&incident))?;
                } else if began && is_held.is_none() && leaning.level > 0 {
                    hold(work, other, id)?;
                }
            }
        }
    }
    Ok(())
}

fn why_ended(incident: &Incident) -> &'static str {
    match (incident.open_key.is_some(), &incident.held) {
        (false, _) => "that one is over",
        (true, Some(_)) => "that one waits itself",
        (true, None) => "nobody knows of that one",
    }
}
