//! Runbooks of a directory: found, read, and told to consoles when they change.
//!
//! A file counts once two looks at it agree: who writes it may be at it still. One with a mistake changes nothing but that the mistake is told.

mod directory;
mod git;

use super::{Hub, fold};
use crate::config::Runbooks;
use crate::domain::item::{Item, ItemKind};
use crate::domain::runbook::{MADE_MAX, Made, Revision, Runbook, RunbookName};
use crate::domain::time::Timestamp;
use crate::runbook;
use crate::store::hub::Found;
use crate::sync::clock;
use directory::{Listing, Stamp};
use git::Change;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Looks after which the history is asked for, though no file changed.
const LOOKS_PER_HEAD: u32 = 15;
/// Runbooks in one transaction.
const BATCH: usize = 50;
/// Texts that the history is asked for at once.
const TEXTS_MAX: usize = 200;

/// A file that cannot be a runbook as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path within the directory; empty: the directory itself.
    pub file: String,
    /// In which line; `None`: the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead.
    pub why: String,
}

/// Returns how many runbooks a directory has, and all that is wrong with its files.
///
/// # Errors
/// What the system says when the directory itself cannot be read.
pub fn check(root: &Path) -> io::Result<(usize, Vec<Fault>)> {
    let listing = directory::list(root)?;
    let left_out = listing.left_out.into_iter().map(|(file, why)| Fault { file, line: None, why });
    let mut faults: Vec<Fault> = left_out.collect();
    for name in listing.files.keys() {
        let file = name.to_string();
        match directory::read(root, name) {
            Err(why) => faults.push(Fault { file, line: None, why }),
            Ok((bytes, _)) => {
                let mistake = runbook::Runbook::read(&bytes, name.as_str()).err();
                faults.extend(mistake.map(|mistake| Fault { file, line: Some(mistake.line), why: mistake.why() }));
            }
        }
    }
    Ok((listing.files.len(), faults))
}

/// Looks after the directory until the hub stops; after another one from the next reload on.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut configured = hub.runbooks.subscribe();
    loop {
        let now_configured = configured.borrow_and_update().clone();
        let work = async {
            match now_configured {
                Some(config) => Watcher::new(&hub, config).await.look_after(&hub).await,
                None => forget_all(&hub).await,
            }
        };
        tokio::select! {
            () = work => {}
            () = hub.stop.cancelled() => return,
            changed = configured.changed() => if changed.is_err() { return } else { continue },
        }
        tokio::select! {
            () = hub.stop.cancelled() => return,
            changed = configured.changed() => if changed.is_err() { return },
        }
    }
}

/// Without a directory there are no runbooks; who read what stays known.
async fn forget_all(hub: &Hub) {
    let gone: Vec<RunbookName> = told(hub).await.into_keys().collect();
    if !gone.is_empty() {
        keep(hub, Vec::new(), gone).await;
    }
}

async fn told(hub: &Hub) -> BTreeMap<RunbookName, Runbook> {
    match hub.store.items(ItemKind::Runbook).await {
        Ok(items) => {
            let runbooks = items.into_iter().filter_map(|item| match item {
                Item::Runbook(runbook) => Some((runbook.name.clone(), runbook)),
                _ => None,
            });
            runbooks.collect()
        }
        Err(error) => {
            fold::failed(hub, &error);
            BTreeMap::new()
        }
    }
}

/// Returns whether it is on the disk.
async fn keep(hub: &Hub, found: Vec<Found>, gone: Vec<RunbookName>) -> bool {
    match hub.store.keep_runbooks(found, gone, clock::now()).await {
        Ok(committed) => {
            hub.committed(&committed);
            true
        }
        Err(error) => {
            fold::failed(hub, &error);
            false
        }
    }
}

/// What is known of one directory.
struct Watcher {
    config: Runbooks,
    /// What the hub tells, by name.
    told: BTreeMap<RunbookName, Runbook>,
    /// What was taken, with what its file was then.
    taken: BTreeMap<RunbookName, Stamp>,
    /// What was seen at the look before.
    before: Option<Listing>,
    head: Option<String>,
    history: BTreeMap<String, Vec<Change>>,
    /// Which revision each text of the history is; `None`: it is no text that can be shown.
    known: HashMap<String, Option<Revision>>,
    looks: u32,
}

impl Watcher {
    async fn new(hub: &Hub, config: Runbooks) -> Self {
        let (told, taken, history, known) = (told(hub).await, BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { config, told, taken, before: None, head: None, history, known, looks: 0 }
    }

    async fn look_after(mut self, hub: &Hub) {
        loop {
            self.look(hub).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look(&mut self, hub: &Hub) {
        let root = self.config.path.clone();
        let listed = tokio::task::spawn_blocking(move || directory::list(&root)).await;
        let listing = match listed.map_err(|error| error.to_string()).and_then(|list| list.map_err(|e| e.to_string())) {
            Ok(listing) => listing,
            Err(why) => {
                // All stays as it is; said once while it lasts.
                if self.before.take().is_some() || self.looks == 0 {
                    let path = self.config.path.display();
                    tracing::error!(%path, why, "the directory of runbooks cannot be read; what was read of it stays");
                }
                self.looks = self.looks.saturating_add(1);
                return;
            }
        };
        let touched = self.ask_history(&listing).await;
        let ripe = self.ripe(&listing, &touched);
        let gone = self.gone(&listing);
        self.take(hub, &listing, ripe).await;
        if !gone.is_empty() && keep(hub, Vec::new(), gone.clone()).await {
            for name in gone {
                self.told.remove(&name);
                self.taken.remove(&name);
            }
        }
        self.before = Some(listing);
        self.looks = self.looks.saturating_add(1);
    }

    /// Asks for the history where it may have gone on; returns the files of which it says something new.
    async fn ask_history(&mut self, listing: &Listing) -> BTreeSet<String> {
        let changed = self.before.as_ref() != Some(listing);
        if !changed && !self.looks.is_multiple_of(LOOKS_PER_HEAD) {
            return BTreeSet::new();
        }
        let head = git::head(&self.config.path).await;
        if head == self.head {
            return BTreeSet::new();
        }
        let history = match &head {
            Some(_) => git::history(&self.config.path, MADE_MAX).await,
            None => Ok(BTreeMap::new()),
        };
        let history = match history {
            Ok(history) => history,
            Err(why) => {
                tracing::warn!(why, "the history of the runbooks cannot be read; what the hub saw counts");
                return BTreeSet::new();
            }
        };
        self.head = head;
        let before = std::mem::replace(&mut self.history, history);
        let names = self.history.keys().chain(before.keys());
        names.filter(|name| self.history.get(*name) != before.get(*name)).cloned().collect()
    }

    /// Returns which files are to be read: other ones than were taken, and no longer written to.
    fn ripe(&self, listing: &Listing, touched: &BTreeSet<String>) -> Vec<RunbookName> {
        let settled = |name: &RunbookName, stamp: &Stamp| {
            self.before.as_ref().is_none_or(|before| before.files.get(name) == Some(stamp))
        };
        let other = |name: &RunbookName, stamp: &Stamp| self.taken.get(name) != Some(stamp);
        let files = listing.files.iter();
        let ripe = files
            .filter(|(name, stamp)| settled(name, stamp) && (other(name, stamp) || touched.contains(name.as_str())));
        ripe.map(|(name, _)| name.clone()).collect()
    }

    /// Returns what is told and was there at neither look.
    fn gone(&self, listing: &Listing) -> Vec<RunbookName> {
        let Some(before) = &self.before else { return Vec::new() };
        let there = |listing: &Listing, name: &RunbookName| {
            listing.files.contains_key(name) || listing.left_out.contains_key(name.as_str())
        };
        self.told.keys().filter(|name| !there(listing, name) && !there(before, name)).cloned().collect()
    }

    async fn take(&mut self, hub: &Hub, listing: &Listing, ripe: Vec<RunbookName>) {
        for batch in ripe.chunks(BATCH) {
            let mut texts = self.ask_texts(batch).await;
            let mut found = Vec::with_capacity(batch.len());
            for name in batch {
                let (root, of) = (self.config.path.clone(), name.clone());
                let read = tokio::task::spawn_blocking(move || directory::read(&root, &of)).await;
                let read = read.map_err(|error| error.to_string()).and_then(|read| read);
                let seen_at = listing.files.get(name).map_or_else(clock::now, Stamp::modified_at);
                found.push(match read.and_then(|(bytes, stamp)| Ok((self.good(name, &bytes, seen_at)?, stamp))) {
                    Ok((mut good, stamp)) => {
                        self.taken.insert(name.clone(), stamp);
                        for made in &good.runbook.made {
                            good.texts.extend(texts.remove(&made.revision).map(|text| (made.revision, text)));
                        }
                        good
                    }
                    Err(why) => {
                        self.taken.extend(listing.files.get(name).map(|stamp| (name.clone(), *stamp)));
                        self.bad(name, &why)
                    }
                });
            }
            self.tell(hub, found).await;
        }
        let left_out = listing.left_out.iter().filter_map(|(path, why)| Some((RunbookName::parse(path).ok()?, why)));
        let news = |name: &RunbookName, why: &String| {
            self.told.get(name).is_none_or(|told| told.fault != Some(fault(name, why)))
        };
        let found: Vec<Found> =
            left_out.filter(|(name, why)| news(name, why)).map(|(name, why)| self.bad(&name, why)).collect();
        self.tell(hub, found).await;
    }

    async fn tell(&mut self, hub: &Hub, found: Vec<Found>) {
        if found.is_empty() {
            return;
        }
        for one in &found {
            let (runbook, revision) = (&one.runbook.name, one.runbook.current().map(|made| made.revision.short()));
            match &one.runbook.fault {
                None => tracing::info!(%runbook, revision, "a runbook is read"),
                Some(why) => tracing::warn!(%runbook, why, "a runbook cannot be read; the last good text stays"),
            }
            self.told.insert(runbook.clone(), one.runbook.clone());
        }
        if !keep(hub, found, Vec::new()).await {
            // Nothing of it counts: it is read again.
            self.taken.clear();
        }
    }

    /// Asks the history for the texts of these files that were not seen yet.
    async fn ask_texts(&mut self, names: &[RunbookName]) -> HashMap<Revision, String> {
        let changes = names.iter().filter_map(|name| self.history.get(name.as_str())).flatten();
        let unknown: BTreeSet<String> =
            changes.map(|change| change.blob.clone()).filter(|blob| !self.known.contains_key(blob)).collect();
        let unknown: Vec<String> = unknown.into_iter().collect();
        let mut texts = HashMap::new();
        for ids in unknown.chunks(TEXTS_MAX) {
            let found = match git::texts(&self.config.path, ids).await {
                Ok(found) => found,
                Err(why) => {
                    tracing::warn!(why, "earlier texts of runbooks cannot be read");
                    return texts;
                }
            };
            for id in ids {
                let shown = |bytes: &Vec<u8>| bytes.len() <= crate::domain::runbook::TEXT_BYTES_MAX;
                let bytes = found.get(id).filter(|bytes| shown(bytes));
                let text = bytes.and_then(|bytes| String::from_utf8(bytes.clone()).ok());
                self.known.insert(id.clone(), text.as_deref().map(Revision::of));
                texts.extend(text.map(|text| (Revision::of(&text), text)));
            }
        }
        texts
    }

    fn good(&self, name: &RunbookName, bytes: &[u8], seen_at: Timestamp) -> Result<Found, String> {
        let read = runbook::Runbook::read(bytes, name.as_str()).map_err(|mistake| mistake.to_string())?;
        let text = String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())?;
        let current = Revision::of(&text);
        let mut made = self.made(name);
        let has_history = !made.is_empty();
        if made.first().is_none_or(|made| made.revision != current) {
            made.retain(|made| made.revision != current);
            let (author, message, commit) = Default::default();
            made.insert(0, Made { revision: current, at: seen_at, author, message, commit });
        }
        made.truncate(MADE_MAX);
        let runbook = Runbook {
            name: name.clone(),
            title: read.title.to_string(),
            owner: read.owner.unwrap_or_default(),
            matches: read.matches.iter().map(|query| query.text().to_owned()).collect(),
            urls: read.urls.into_iter().chain(self.config.addresses(name)).collect(),
            made,
            bytes: bytes.len() as u64,
            fault: None,
        };
        Ok(Found { runbook, has_history, texts: [(current, text)].into() })
    }

    /// Returns what the history says of a file, the newest first, each text once.
    fn made(&self, name: &RunbookName) -> Vec<Made> {
        let mut seen = BTreeSet::new();
        let changes = self.history.get(name.as_str()).into_iter().flatten();
        let made = changes.filter_map(|change| {
            let revision = self.known.get(&change.blob).copied().flatten()?;
            let Change { at, author, message, commit, .. } = change.clone();
            seen.insert(revision).then_some(Made { revision, at, author, message, commit })
        });
        made.collect()
    }

    /// Returns the runbook as it is told, with what is wrong with its file now.
    fn bad(&self, name: &RunbookName, why: &str) -> Found {
        let before = self.told.get(name).cloned();
        let runbook = before.unwrap_or_else(|| Runbook::unread(name.clone()));
        let runbook = Runbook { fault: Some(fault(name, why)), ..runbook };
        Found { runbook, has_history: true, texts: BTreeMap::new() }
    }
}

fn fault(name: &RunbookName, why: &str) -> String {
    format!("{name}: {why}")
}
