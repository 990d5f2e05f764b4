//! What a console knows by way of its peers: what others say, and what the hub confirmed to others later than to this console.

use super::picture::Said;
use crate::domain::id::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::mirror::{Mirror, Relayed, Saying};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Words of others that one incident's row carries, the newest.
const SAID_ROW_MAX: usize = 20;

/// What peers told, as the mirror holds it now.
#[derive(Debug, Default)]
pub(super) struct Hearsay {
    said: HashMap<IncidentId, Vec<Said>>,
    via_peer: HashMap<IncidentId, Timestamp>,
}

impl Hearsay {
    /// Reads what the mirror holds, and puts what the hub confirmed since over what the mirror has from the hub itself.
    pub fn read(
        &mut self,
        mirror: &mut Mirror,
        incidents: &mut BTreeMap<IncidentId, Arc<Incident>>,
    ) -> Result<(), StoreError> {
        self.said.clear();
        for Saying { incident, actor, act, created_at } in mirror.said()? {
            let said = self.said.entry(incident).or_default();
            said.push(Said { actor, act, created_at });
            let surplus = said.len().saturating_sub(SAID_ROW_MAX);
            said.drain(..surplus);
        }
        self.via_peer.clear();
        for Relayed { incident, signed_at } in mirror.relayed()? {
            self.via_peer.insert(incident.id, signed_at);
            incidents.insert(incident.id, Arc::new(incident));
        }
        Ok(())
    }

    /// Returns what others say of an incident and the hub has not answered, oldest first.
    pub fn said_of(&self, incident: IncidentId) -> Vec<Said> {
        self.said.get(&incident).cloned().unwrap_or_default()
    }

    /// Returns when the hub confirmed the incident as it is shown, where only a peer told so.
    pub fn via_peer(&self, incident: IncidentId) -> Option<Timestamp> {
        self.via_peer.get(&incident).copied()
    }
}
