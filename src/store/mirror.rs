//! A console's store: the newest confirmed state of one hub, and the own operations, each a transaction and on the disk when it returns.
//!
//! Several processes of one user may have it open. They are one node: numbers are taken inside the transaction that writes them.

mod aside;
mod identity;
mod inbox;
mod past;
mod relay;
mod rows;
mod similar;
mod watch;

use super::sqlite::{self, Schema};
use super::{Cursor, FeedKind, FeedPage, StoreError};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{IncidentId, NodeId, OpId, SourceName, UserName};
use crate::domain::incident::{Incident, Line};
use crate::domain::item::{Item, Items, text_id};
use crate::domain::judge::Verdict;
use crate::domain::label::Fingerprint;
use crate::domain::op::{Act, Op};
use crate::domain::paging::Page;
use crate::domain::runbook::{Revision, RunbookName};
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use identity::Beside;
pub use relay::{
    Held, PENDING_NODE_MAX, PENDING_PEER_BYTES_MAX, PENDING_PEER_MAX, Relayed, SAID_MAX, SIGNED_INCIDENTS_MAX,
    SIGNED_VERDICTS_MAX, Saying, SignedRow, Taken,
};
use rows::{
    cursor, generation, keep_verdict, meta, own, own_node, prune, put_incident, put_item, put_line, put_page,
    put_series, put_verdict, read_ops, set_meta, sweep,
};
use watch::Watch;

use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use inbox::Loss;

/// Operations that may wait for a hub.
pub const WAITING_MAX: u64 = 10_000;

/// The note of when the mirror last held all that the hub had.
const AS_OF: &str = "as_of";

/// The note of when what is too old was last forgotten, and how often it is.
const PRUNED_AT: &str = "pruned_at";
const PRUNED_EVERY: Duration = Duration::from_secs(86_400);

pub(super) const SCHEMA: Schema = Schema {
    application_id: 0x6e64_4d69,
    version: 2,
    sql: include_str!("sqlite/mirror.sql"),
    steps: &[include_str!("sqlite/mirror_2.sql")],
};

/// Pages of the file that are kept in memory: a console looks at one incident after the other, and lies open for weeks.
const CACHE_KIB: i64 = 2048;

/// Why an operation was not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Too many wait already.
    #[error("{WAITING_MAX} operations wait for the hub already; nothing was done")]
    TooManyWait,
    /// The hub takes nothing from this user.
    #[error("you joined this hub to look only; nothing was done")]
    LookOnly,
    /// A newer program has the database; the operation is kept beside it.
    #[error("NOT sent: nightdesk was upgraded underneath; it is kept in {0} and goes out when you restart")]
    Aside(PathBuf),
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An own operation and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOp {
    /// The operation.
    pub op: Op,
    /// The hub's answer, once it came.
    pub verdict: Option<Verdict>,
}

impl OwnOp {
    /// Returns whether it did what it asks for, or may still do so: it waits, or its answer gave it, all or most.
    pub fn is_hopeful(&self) -> bool {
        self.verdict.as_ref().is_none_or(|verdict| verdict.is_welcome() || verdict.is_won())
    }
}

/// How far the series of a mirror were read.
#[derive(Debug, Clone, Default)]
pub struct SeriesMark {
    swept: i64,
    seq: i64,
    row: i64,
    /// The history is another since the call before: what was read until then says nothing any more. For the reader to take away.
    pub anew: bool,
}

impl SeriesMark {
    /// Returns whether nothing was read yet.
    pub fn is_start(&self) -> bool {
        (self.seq, self.row) == (0, 0)
    }
}

/// A series as who reads all of them meets it.
#[derive(Debug)]
pub enum Met {
    /// Of an incident that is known.
    Known(Arc<Series>),
    /// Of another, or of none.
    Other(SourceName, Fingerprint),
}

/// What applying a page of the feed changed.
#[derive(Debug, Default)]
pub struct Applied {
    /// Incidents that are new or newer.
    pub incidents: Vec<Incident>,
    /// Incidents whose series or lines are newer.
    pub touched: Vec<IncidentId>,
    /// Shared items are newer.
    pub items: bool,
    /// Rows of an older generation were swept: what was read before must be read again.
    pub swept: bool,
    /// The hub judged an operation of this very node that this database does not have: there is a twin.
    pub twin: bool,
    /// Something that was this user's is no longer: the inbox has a letter more.
    pub lost: bool,
}

/// A console's store.
pub struct Mirror {
    connection: Connection,
    watch: Watch,
    node: NodeId,
    twin: Beside,
    user: UserName,
    /// The pages that [`Mirror::calls`] returned last, by their text.
    calls: HashMap<Box<str>, Arc<Page>>,
}

impl Mirror {
    /// Opens or makes the mirror of this user; `fresh_node` names a new one. One that a newer program wrote is opened to look at only: see
    /// [`Mirror::check`].
    ///
    /// # Errors
    /// [`StoreError`] says what stands against it; a mirror signs for one user only.
    pub fn open(path: &Path, user: &UserName, fresh_node: NodeId, now: Timestamp) -> Result<Self, StoreError> {
        match sqlite::open(path, &SCHEMA) {
            Ok(connection) => Self::of(connection, Beside::of(path), Watch::of(path)?, user, fresh_node, now),
            Err(StoreError::Newer { found, known, .. }) => {
                Self::looked_at(sqlite::open_reader(path)?, path, Watch::newer(path, found, known)?, user)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a mirror that ends with its process, for simulations; it may be opened as often as one likes.
    ///
    /// # Errors
    /// None that a simulation meets.
    #[doc(hidden)]
    pub fn in_memory(user: &UserName, fresh_node: NodeId, now: Timestamp) -> Result<Self, StoreError> {
        Self::of(sqlite::in_memory(&SCHEMA)?, Beside::nothing(), Watch::nothing(), user, fresh_node, now)
    }

    fn of(
        mut connection: Connection,
        twin: Beside,
        watch: Watch,
        user: &UserName,
        fresh_node: NodeId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let tx = sqlite::immediate(&mut connection)?;
        tx.execute("INSERT INTO meta VALUES ('user', ?1) ON CONFLICT DO NOTHING", [user.as_str()])?;
        belongs_to(&tx, watch.path(), user)?;
        let node = identity::establish(&tx, &twin, fresh_node)?;
        // It goes through all that is mirrored: not for each command that a script runs.
        let pruned = meta(&tx, PRUNED_AT)?.and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
        if pruned.is_none_or(|at| at > now || now.since(at) >= PRUNED_EVERY) {
            prune(&tx, now)?;
        }
        past::fill(&tx)?;
        tx.commit()?;
        Ok(Self { connection, watch, node, twin, user: user.clone(), calls: HashMap::new() })
    }

    /// Returns a mirror of a layout that this program does not know: it reads what it can and writes nothing.
    fn looked_at(mut connection: Connection, path: &Path, watch: Watch, user: &UserName) -> Result<Self, StoreError> {
        let tx = connection.transaction()?;
        belongs_to(&tx, path, user)?;
        let node = own_node(&tx)?;
        drop(tx);
        Ok(Self { connection, watch, node, twin: Beside::of(path), user: user.clone(), calls: HashMap::new() })
    }

    /// Makes sure that this program may still write: nobody brought the database to a newer layout or put another file in its place.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Underneath`]; see [`StoreError::is_outdated`].
    pub fn check(&self) -> Result<(), StoreError> {
        self.watch.check(&self.connection)
    }

    /// Forgets what is too old.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn prune(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        prune(&tx, now)?;
        Ok(tx.commit()?)
    }

    /// Returns another mirror of the same rows, as a copied file is; for simulations.
    ///
    /// # Errors
    /// [`StoreError`].
    #[doc(hidden)]
    pub fn copied(&self) -> Result<Self, StoreError> {
        let copy = sqlite::in_memory(&SCHEMA)?;
        for table in
            ["meta", "incident", "series", "line", "page", "item", "op", "relay", "chain", "evidence", "signed_row"]
        {
            let mut select = self.connection.prepare(&format!("SELECT * FROM {table}"))?;
            let marks = vec!["?"; select.column_count()].join(", ");
            let mut insert = copy.prepare(&format!("INSERT INTO {table} VALUES ({marks})"))?;
            let columns = select.column_count();
            let mut rows = select.query(())?;
            while let Some(row) = rows.next()? {
                let values: Vec<rusqlite::types::Value> =
                    (0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?;
                insert.execute(rusqlite::params_from_iter(values))?;
            }
        }
        Ok(Self {
            connection: copy,
            watch: Watch::nothing(),
            node: self.node,
            twin: Beside::nothing(),
            user: self.user.clone(),
            calls: HashMap::new(),
        })
    }

    /// Returns what is mirrored of the hub, each row as it came, ordered; for comparing.
    ///
    /// # Errors
    /// [`StoreError`].
    #[doc(hidden)]
    pub fn dump(&self) -> Result<Vec<(FeedKind, String)>, StoreError> {
        let mut all = Vec::new();
        let tables = [
            (FeedKind::Incident, "SELECT body FROM incident ORDER BY body"),
            (FeedKind::Series, "SELECT body FROM series ORDER BY body"),
            (FeedKind::Line, "SELECT body FROM line ORDER BY body"),
            (FeedKind::Page, "SELECT body FROM page ORDER BY body"),
            (FeedKind::Item, "SELECT body FROM item ORDER BY body"),
        ];
        for (kind, sql) in tables {
            let mut select = self.connection.prepare_cached(sql)?;
            let bodies = select.query_map((), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            all.extend(bodies.into_iter().map(|body| (kind, body)));
        }
        Ok(all)
    }

    /// Returns the node that this database is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Returns a number that changes when another process wrote.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?)
    }

    /// Returns a remembered text, such as the token for the hub.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        meta(&self.connection.transaction()?, key)
    }

    /// Remembers a text.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_note(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        set_meta(&tx, key, value)?;
        Ok(tx.commit()?)
    }

    /// Returns when the mirror last held all that the hub had; `None` before the first time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn as_of(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.note(AS_OF)?.and_then(|text| text.parse().ok()).map(Timestamp::from_millis))
    }

    /// Notes that the mirror still held all that the hub had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_as_of(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.set_note(AS_OF, &at.as_millis().to_string())
    }

    /// Returns how far the feed was applied.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cursor(&mut self) -> Result<Cursor, StoreError> {
        cursor(&self.connection.transaction()?)
    }

    /// Writes an operation: takes the next number and the end of the chain, lets `sign` make the bytes, and keeps them.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was written then.
    pub fn append(&mut self, sign: impl FnOnce(NodeId, u64, [u8; 32]) -> SignedOp) -> Result<SignedOp, AppendError> {
        let tx = match self.watch.begin(&mut self.connection) {
            Ok(tx) => tx,
            Err(error) if error.is_outdated() => {
                return Err(aside::keep(self.watch.path(), &sign(self.node, 1, [0; 32])));
            }
            Err(error) => return Err(error.into()),
        };
        let node = own_node(&tx)?;
        let waiting: i64 = tx
            .query_row("SELECT count(*) FROM op WHERE verdict IS NULL", (), |row| row.get(0))
            .map_err(StoreError::from)?;
        if waiting as u64 >= WAITING_MAX {
            return Err(AppendError::TooManyWait);
        }
        let last = tx
            .query_row("SELECT nseq, hash FROM op WHERE nseq > 0 ORDER BY nseq DESC LIMIT 1", (), |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?))
            })
            .optional()
            .map_err(StoreError::from)?;
        let (nseq, hash) = last.unwrap_or((0, [0; 32]));
        let signed = sign(node, nseq as u64 + 1, hash);
        tx.execute(
            "INSERT INTO op (nseq, op_id, incident, hash, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                signed.op.nseq as i64,
                signed.op.op_id.as_bytes(),
                signed.op.incident.as_bytes(),
                signed.hash(),
                signed.bytes
            ],
        )
        .map_err(StoreError::from)?;
        tx.commit().map_err(StoreError::from)?;
        self.node = node;
        Ok(signed)
    }

    /// Returns the own operations that the hub is to judge, oldest first, at most `max`: those that wait, and once the hub's new history is
    /// read, those that were answered in the old one and are not in the new.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waiting(&mut self, max: usize) -> Result<Vec<SignedOp>, StoreError> {
        let bytes: Vec<Vec<u8>> = self
            .connection
            .prepare_cached(
                "SELECT bytes FROM op WHERE verdict IS NULL OR again = 1 AND (SELECT value FROM meta WHERE key = 'generation')
                   IS (SELECT value FROM meta WHERE key = 'swept') ORDER BY nseq LIMIT ?1",
            )?
            .query_map([max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(read_ops(bytes))
    }

    /// Returns operations from this number of the chain on, answered ones too, at most `max`: for a hub that lost them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ops_from(&mut self, nseq: u64, max: usize) -> Result<Vec<SignedOp>, StoreError> {
        let bytes: Vec<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM op WHERE nseq >= ?1 ORDER BY nseq LIMIT ?2")?
            .query_map([nseq as i64, max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(read_ops(bytes))
    }

    /// Returns own operations whose effect the mirror does not show yet: those that wait, and those answered later
    /// than the cursor, unless a peer told the incident as it is since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unshown(&mut self) -> Result<Vec<OwnOp>, StoreError> {
        let tx = self.connection.transaction()?;
        let seq = cursor(&tx)?.seq;
        let rows: Vec<(Vec<u8>, Option<String>)> = tx
            .prepare_cached(
                "SELECT bytes, verdict FROM op WHERE verdict IS NULL OR seq > ?1 AND NOT EXISTS (
                   SELECT 1 FROM signed_row WHERE kind = 'incident' AND id = op.incident AND signed_row.seq >= op.seq)
                 ORDER BY nseq",
            )?
            .query_map([seq as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(rows.into_iter().filter_map(own).collect())
    }

    /// Returns own operations that were answered and whose answer nobody was told, oldest first, and notes that they are told now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tell(&mut self) -> Result<Vec<OwnOp>, StoreError> {
        let any: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM op WHERE verdict IS NOT NULL AND told = 0)")?
            .query_row((), |row| row.get(0))?;
        if !any {
            return Ok(Vec::new());
        }
        let tx = self.watch.begin(&mut self.connection)?;
        let rows: Vec<(Vec<u8>, Option<String>)> = tx
            .prepare_cached("SELECT bytes, verdict FROM op WHERE verdict IS NOT NULL AND told = 0 ORDER BY nseq")?
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        tx.execute("UPDATE op SET told = 1 WHERE verdict IS NOT NULL AND told = 0", ())?;
        tx.commit()?;
        // That a claim was seen is between consoles and hub: no person asked for it.
        Ok(rows.into_iter().filter_map(own).filter(|own| own.op.act != Act::Seen).collect())
    }

    /// Returns an own operation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn own_op(&mut self, op_id: OpId) -> Result<Option<OwnOp>, StoreError> {
        let row: Option<(Vec<u8>, Option<String>)> = self
            .connection
            .prepare_cached("SELECT bytes, verdict FROM op WHERE op_id = ?1")?
            .query_row([op_id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((bytes, verdict)) = row else { return Ok(None) };
        let verdict = verdict.map(|text| serde_json::from_str(&text)).transpose()?;
        Ok(SignedOp::read(bytes).ok().map(|signed| OwnOp { op: signed.op, verdict }))
    }

    /// Keeps verdicts that a push brought, on own operations and on those of others. `head` is the hub's newest change after judging.
    ///
    /// # Errors
    /// [`StoreError`]; none was kept then.
    pub fn settle(&mut self, verdicts: Vec<(OpId, Verdict)>, head: u64) -> Result<(), StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        for (op_id, verdict) in verdicts {
            keep_verdict(&tx, op_id, &verdict, head)?;
            relay::settle(&tx, op_id, &verdict)?;
        }
        Ok(tx.commit()?)
    }

    /// Begins a new history, unless another process of this user moved on from `refused`, the cursor that the hub refused: what is
    /// mirrored stays until the new one has been read whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn restart(&mut self, epoch: &str, refused: &Cursor) -> Result<(), StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        if cursor(&tx)? != *refused {
            return Ok(());
        }
        if refused.epoch != epoch {
            relay::begin_anew(&tx)?;
            identity::offer_again(&tx)?;
        }
        let generation = generation(&tx)? + 1;
        set_meta(&tx, "generation", &generation.to_string())?;
        set_meta(&tx, "epoch", epoch)?;
        set_meta(&tx, "seq", "0")?;
        Ok(tx.commit()?)
    }

    /// Applies a page of the feed: rows and cursor in one transaction. At the head, rows of an older generation go, and what is mirrored
    /// is all there was when the hub was asked.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was applied then.
    pub fn apply(&mut self, page: &FeedPage, asked_at: Timestamp) -> Result<Applied, StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        let held = cursor(&tx)?;
        if page.epoch != held.epoch || page.next < held.seq || page.after > held.seq {
            // Another process of this user was faster: it applied something newer, or began the history anew.
            return Ok(Applied::default());
        }
        let generation = generation(&tx)?;
        let mut applied = Applied::default();
        let mut mine = Vec::new();
        for row in &page.rows {
            match row.kind {
                FeedKind::Incident => {
                    mine.extend(inbox::mine(&tx, &row.body, &self.user)?);
                    applied.incidents.push(put_incident(&tx, &row.body, generation)?);
                }
                FeedKind::Series => applied.touched.extend(put_series(&tx, row.seq, &row.body, generation)?),
                FeedKind::Line => applied.touched.push(put_line(&tx, row.seq, &row.body, generation)?),
                FeedKind::Page => applied.touched.push(put_page(&tx, &row.body, generation)?),
                FeedKind::Item => {
                    put_item(&tx, &row.body, generation)?;
                    applied.items = true;
                }
                FeedKind::Verdict => applied.twin |= put_verdict(&tx, &row.body, row.seq)?,
            }
        }
        for signed in page.signed_rows() {
            relay::put_signed(&tx, &signed, asked_at)?;
        }
        relay::bound_signed(&tx)?;
        for before in &mine {
            applied.lost |= inbox::note_loss(&tx, before, &self.user, asked_at)?;
        }
        set_meta(&tx, "seq", &page.next.to_string())?;
        if page.next >= page.head {
            applied.swept = sweep(&tx, generation)?;
            set_meta(&tx, AS_OF, &asked_at.as_millis().to_string())?;
        }
        tx.commit()?;
        Ok(applied)
    }

    /// Returns all incidents that are open or were resolved after `resolved_after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn incidents(&mut self, resolved_after: Timestamp) -> Result<Vec<Incident>, StoreError> {
        let bodies: Vec<String> = self
            .connection
            .prepare_cached("SELECT body FROM incident WHERE resolved_at IS NULL OR resolved_at > ?1 ORDER BY number")?
            .query_map([resolved_after.as_millis()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
    }

    /// Returns all open incidents, and of those that were resolved after `resolved_after` the latest `resolved_max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn recent(&mut self, resolved_after: Timestamp, resolved_max: usize) -> Result<Vec<Incident>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT body FROM incident WHERE resolved_at IS NULL UNION ALL SELECT body FROM
             (SELECT body FROM incident WHERE resolved_at > ?1 ORDER BY resolved_at DESC LIMIT ?2)",
        )?;
        let mut rows = select.query(params![resolved_after.as_millis(), resolved_max as i64])?;
        let mut incidents = Vec::new();
        while let Some(row) = rows.next()? {
            incidents.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
        }
        Ok(incidents)
    }

    /// Returns the pages that call this person's consoles, or found none, and are not answered, oldest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn calls(&mut self, person: &UserName, max: usize) -> Result<Vec<Arc<Page>>, StoreError> {
        // To take a page's text apart costs more than to read it, and of a thousand most are as they were.
        let mut before = std::mem::take(&mut self.calls);
        let mut select = self.connection.prepare_cached(
            "SELECT body FROM page WHERE open = 1 AND person = ?1
             UNION ALL SELECT body FROM page WHERE missed = 1 AND person = ?1 LIMIT ?2",
        )?;
        let mut rows = select.query(params![person.as_str(), max as i64])?;
        let mut pages = Vec::new();
        while let Some(row) = rows.next()? {
            let body = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let (body, page) = match before.remove_entry(body) {
                Some(known) => known,
                None => (body.into(), Arc::new(serde_json::from_str(body)?)),
            };
            pages.push(page.clone());
            self.calls.insert(body, page);
        }
        pages.sort_by_key(|page| (page.queued_at, page.id));
        Ok(pages)
    }

    /// Returns the pages about an incident, oldest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pages_of(&mut self, incident: IncidentId, max: usize) -> Result<Vec<Page>, StoreError> {
        let bodies: Vec<String> = self
            .connection
            .prepare_cached("SELECT body FROM page WHERE incident = ?1 LIMIT ?2")?
            .query_map(params![incident.as_bytes(), max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut pages: Vec<Page> = bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?;
        pages.sort_by_key(|page| (page.queued_at, page.link, page.id));
        Ok(pages)
    }

    /// Returns the incident.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn incident(&mut self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let mut select = self.connection.prepare_cached("SELECT body FROM incident WHERE id = ?1")?;
        let body: Option<String> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
        Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Returns incidents whose number is the text, or whose id begins with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&mut self, text: &str) -> Result<Vec<Incident>, StoreError> {
        let number: i64 = text.parse().unwrap_or(-1);
        let prefix: String = text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_uppercase();
        // Fewer than four digits of an id would more often be a mistyped number.
        let prefix = if prefix.len() >= 4 { prefix } else { "-".into() };
        let bodies: Vec<String> = self
            .connection
            .prepare_cached(
                "SELECT body FROM incident WHERE number = ?1 OR substr(hex(id), 1, length(?2)) = ?2 LIMIT 10",
            )?
            .query_map(params![number, prefix], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
    }

    /// Returns the shared items, without those of a kind that this program does not know.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn items(&mut self) -> Result<Items, StoreError> {
        // Texts of runbooks are asked for one by one.
        let mut select = self.connection.prepare_cached("SELECT body FROM item WHERE kind <> 'text'")?;
        let mut rows = select.query(())?;
        let mut items = Items::default();
        while let Some(row) = rows.next()? {
            let body = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            // What a newer hub tells is kept for the newer console that will read it.
            serde_json::from_str::<Item>(body).into_iter().for_each(|item| items.put(item));
        }
        Ok(items)
    }

    /// Returns a text of a runbook, where the hub told it: the current one, and what somebody has read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn runbook_text(&mut self, runbook: &RunbookName, revision: Revision) -> Result<Option<String>, StoreError> {
        let mut select = self.connection.prepare_cached("SELECT body FROM item WHERE kind = 'text' AND id = ?1")?;
        let body: Option<String> = select.query_row([text_id(runbook, revision)], |row| row.get(0)).optional()?;
        Ok(match body.map(|body| serde_json::from_str(&body)).transpose()? {
            Some(Item::Text(text)) => Some(text.text),
            Some(_) | None => None,
        })
    }

    /// Returns series of the incident, those that burn first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn series_of(&mut self, id: IncidentId, max: usize) -> Result<Vec<Series>, StoreError> {
        let bodies: Vec<String> = self
            .connection
            .prepare_cached("SELECT body FROM series WHERE incident = ?1 ORDER BY over_since IS NOT NULL, over_since DESC, body ->> '$.labels' LIMIT ?2")?
            .query_map(params![id.as_bytes(), max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
    }

    /// Returns the next series in the order in which they came, at most `max`, and tells in `after` how far that is; fewer are the last.
    /// Only those of incidents that are known are read whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn series_after(
        &mut self,
        after: &mut SeriesMark,
        max: usize,
        known: impl Fn(IncidentId) -> bool,
    ) -> Result<Vec<Met>, StoreError> {
        let tx = self.connection.transaction()?;
        let swept = meta(&tx, "swept")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        if swept != after.swept {
            // Another history: its places say nothing about those of the one before.
            *after = SeriesMark { swept, seq: 0, row: 0, anew: true };
        }
        let mut select = tx.prepare_cached(
            "SELECT seq, rowid, source, fingerprint, incident, body FROM series
             WHERE (seq, rowid) > (?1, ?2) ORDER BY seq, rowid LIMIT ?3",
        )?;
        let mut rows = select.query(params![after.seq, after.row, max as i64])?;
        let mut met = Vec::new();
        while let Some(row) = rows.next()? {
            (after.seq, after.row) = (row.get(0)?, row.get(1)?);
            let incident = row.get::<_, Option<[u8; 16]>>(4)?.map(IncidentId::from_bytes);
            let text = |at| -> Result<_, StoreError> { Ok(row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?) };
            if incident.is_some_and(&known) {
                met.push(Met::Known(Arc::new(serde_json::from_str(text(5)?)?)));
            } else if let Ok(source) = SourceName::parse(text(2)?) {
                met.push(Met::Other(source, Fingerprint(row.get(3)?)));
            }
        }
        Ok(met)
    }

    /// Returns the newest `max` lines of the incident's timeline, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lines_of(&mut self, id: IncidentId, max: usize) -> Result<Vec<Line>, StoreError> {
        let mut bodies: Vec<String> = self
            .connection
            .prepare_cached("SELECT body FROM line WHERE incident = ?1 ORDER BY seq DESC LIMIT ?2")?
            .query_map(params![id.as_bytes(), max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        bodies.reverse();
        Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
    }
}

fn belongs_to(tx: &rusqlite::Transaction<'_>, path: &Path, user: &UserName) -> Result<(), StoreError> {
    let Some(other) = meta(tx, "user")?.filter(|other| other != user.as_str()) else { return Ok(()) };
    let why = format!(
        "this mirror is {other}'s and you are {user}; set user in config.toml, or NIGHTDESK_HOME to another directory"
    );
    Err(StoreError::Unsafe { path: path.to_owned(), why })
}
