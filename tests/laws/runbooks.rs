//! A runbook whose file goes on while people confirm what they have of it: nobody is said to have read what they have not, and who has
//! read an older text can be shown what changed.

use crate::world::World;
use nightdesk::domain::id::{IncidentId, UserName};
use nightdesk::domain::item::{Item, ItemKind};
use nightdesk::domain::judge::Verdict;
use nightdesk::domain::op::{Act, Basis, Op};
use nightdesk::domain::runbook::{Made, RECEIPTS_MAX, Readers, Reading, Revision, Runbook, RunbookName};
use nightdesk::store::hub::Found;
use std::collections::BTreeSet;

/// Texts that the file has by turns: an old one comes back now and then.
const TEXTS: usize = 12;

fn name() -> RunbookName {
    RunbookName::parse("pay.md").expect("it is a name")
}

/// What a witness remembers of receipts.
#[derive(Default)]
pub struct Written(BTreeSet<(UserName, Revision)>);

impl Written {
    /// An operation was written on a console's disk.
    pub fn note(&mut self, op: &Op) {
        if let Act::Read { revision, .. } = &op.act {
            self.0.insert((op.actor.clone(), *revision));
        }
    }
}

impl World {
    /// The file changes, or is gone for a while.
    pub fn runbook_fault(&mut self) {
        if !self.faults.runbooks || self.hub.down || self.hub.frozen || self.now < self.hub.paused_until {
            return;
        }
        let (clock, before) = (self.hub_clock(), self.hub.store.head().expect("the head is read").seq);
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        if self.random.permille(100) {
            gone.push(name());
        } else {
            let text = format!("# Pay\n\nStep {}\n", self.random.below(TEXTS));
            let (author, message, commit) = Default::default();
            let made = Made { revision: Revision::of(&text), at: clock, author, message, commit };
            let texts = [(made.revision, text)].into();
            let runbook = Runbook { made: vec![made], ..Runbook::unread(name()) };
            found.push(Found { runbook, has_history: false, texts });
        }
        self.hub.store.keep_runbooks(found, &gone, clock).expect("a runbook is kept");
        self.ledger.count("revisions of a runbook");
        self.changed(before);
        self.committed();
    }

    /// Somebody confirms what their console has, or once had; returns whether they did.
    pub fn confirms(&mut self, index: usize) -> bool {
        if !self.faults.runbooks || !self.random.permille(200) {
            return false;
        }
        let items = self.consoles[index].mirror.items().expect("items are read");
        let Some(runbook) = items.runbooks.get(name().as_str()) else { return false };
        let latest = if self.random.permille(700) { 1 } else { runbook.made.len() };
        let Some(made) = self.random.pick(&runbook.made[..latest.min(runbook.made.len())]).cloned() else {
            return false;
        };
        let act = Act::Read { runbook: name(), revision: made.revision };
        self.acts(index, IncidentId::from_bytes([0; 16]), Basis { rev: 0, claim_no: 0 }, act);
        self.ledger.count("receipts written");
        true
    }
}

fn readers(world: &World) -> Option<Readers> {
    let items = world.hub.store.items(ItemKind::Readers).expect("items are read");
    items.into_iter().find_map(|item| match item {
        Item::Readers(readers) => Some(readers),
        _ => None,
    })
}

/// Nobody is said to have read what they have not.
pub fn after_a_commit(world: &World) {
    if !world.faults.runbooks {
        return;
    }
    for (user, receipts) in readers(world).into_iter().flat_map(|readers| readers.by) {
        for revision in receipts.keys() {
            let wrote = world.ledger.read.0.contains(&(user.clone(), *revision));
            assert!(wrote, "runbooks: {user} is said to have read {revision}, and never said so");
        }
    }
}

/// What was confirmed is there, and what changed since can be shown.
pub fn at_the_end(world: &mut World, written: &[(usize, Op)]) {
    let readers = readers(world);
    for (index, op) in written {
        let Act::Read { revision, .. } = &op.act else { continue };
        let console = &mut world.consoles[*index];
        let own = console.mirror.own_op(op.op_id).expect("operations are read");
        let applied = own.is_some_and(|own| own.verdict == Some(Verdict::Applied));
        // What a copy of the hub does not know of, and what a copied console forgot, nobody can say again.
        if !applied || world.ledger.restores() > 0 || console.was_restored {
            continue;
        }
        let receipts = readers.as_ref().and_then(|readers| readers.by.get(&op.actor));
        let is_there = receipts.is_some_and(|all| all.contains_key(revision) || all.len() == RECEIPTS_MAX);
        assert!(is_there, "runbooks: a confirmed receipt is gone: {op:?}");
    }
    for console in &mut world.consoles {
        let items = console.mirror.items().expect("items are read");
        let Some(runbook) = items.runbooks.get(name().as_str()) else { continue };
        let mut needed: Vec<Revision> = runbook.current().map(|made| made.revision).into_iter().collect();
        match runbook.reading(&console.user, items.readers.get(name().as_str())) {
            Reading::Changed { read, .. } => needed.push(read),
            Reading::Current { .. } => world.ledger.count("nights that end with the current text read"),
            Reading::Unread => {}
        }
        for revision in needed {
            let text = console.mirror.runbook_text(&name(), revision).expect("texts are read");
            assert!(text.is_some(), "runbooks: {} lacks the text {revision}", console.user);
        }
    }
}
