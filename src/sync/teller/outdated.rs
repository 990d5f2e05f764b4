//! A program that must not write any more, because a newer one has the database: it shows what it has, and keeps what is done beside it.

use super::super::clock;
use super::super::desk::{Ask, Note};
use super::super::picture::Link;
use super::Teller;
use crate::store::StoreError;

impl Teller {
    /// Reads all there is for the first time, and takes in what an outdated program kept aside.
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        if let Err(error) = self.mirror.check() {
            self.halt(&error);
            // What cannot be read of a layout that is not known is not shown.
            let _ = self.mirror.as_of().map(|as_of| self.as_of = as_of).and_then(|()| self.reload());
            return Ok(());
        }
        let device = &self.device;
        let taken = self.mirror.take_aside(|op| crate::domain::envelope::SignedOp::sign(op, &device.key))?;
        self.as_of = self.mirror.as_of()?;
        self.read_roster()?;
        self.reload()?;
        if taken > 0 {
            self.notice(
                format!("{taken} operations from before the upgrade are taken in; the hub judges them now"),
                true,
                None,
            );
        }
        Ok(())
    }

    /// Stops writing, and says so for as long as this process runs.
    pub(super) fn halt(&mut self, error: &StoreError) {
        let text = match error {
            StoreError::Newer { .. } => {
                "THIS PROGRAM IS OLDER THAN ITS DATA: restart the upgraded one; it only shows what it can read"
            }
            _ => "UPGRADED UNDERNEATH: restart (state kept)",
        };
        if self.halted.is_none() {
            tracing::error!(error = error as &dyn std::error::Error, "the mirror is another program's now");
            self.halted = Some(text.to_owned());
        }
        if self.link == Link::Live || self.link == Link::Connecting {
            self.link = Link::Stale { since: self.last_answer.unwrap_or_else(clock::now) };
        }
    }

    /// Takes a note without writing: what a person does is kept aside, what the hub says is left to the newer program.
    pub(super) fn take_outdated(&mut self, note: Note) -> Result<bool, StoreError> {
        match note {
            Note::Ask(Ask::Submit { incident, basis, act }) => return self.submit(incident, basis, act),
            Note::Ask(Ask::Look(look)) => {
                self.look = look;
                self.read_detail()?;
            }
            Note::Link(link @ Link::Offline { .. }) => self.link = link,
            // Whoever waits for an answer hears that there is none, and tries again ever later.
            _ => {}
        }
        Ok(false)
    }
}
