//! What a console finds again when it is opened anew: where the person looked, and the notes they had begun.
//!
//! Never a prompt, never marks, never an order that stands still, and never leave to act: a screen opens safe.

use super::editor::Editor;
use super::layout::{Panes, Tab};
use super::order::{self, Sort};
use super::state::{Focus, Mode, State};
use crate::domain::id::IncidentId;
use crate::domain::op::NOTE_BYTES_MAX;
use crate::domain::time::Timestamp;
use crate::query::Query;
use crate::store::file;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A larger file is none of ours.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Most drafts that are kept.
const DRAFTS_MAX: usize = 50;
/// Longest filter that is kept, in bytes.
const FILTER_BYTES_MAX: usize = 1024;
/// A change is written so long after it was made, or at the end.
const WRITE_AFTER: Duration = Duration::from_secs(30);

/// The file. Lines that this version does not know are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Session {
    /// `stream` or `detail`.
    pane: String,
    /// Whether the detail has the whole body.
    open: bool,
    filter: String,
    sort: String,
    /// The tab of the incident, by its name.
    tab: String,
    /// As `:layout` says it.
    layout: String,
    /// Whether times were local.
    local: bool,
    selected: Option<IncidentId>,
    drafts: Vec<Draft>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Draft {
    incident: IncidentId,
    text: String,
}

impl Session {
    /// Returns what is to be found again.
    fn of(state: &State) -> Self {
        // What is being typed is the person's own words; the filter is what it was before that.
        let filter = if let Mode::Filter { before, .. } = &state.mode { before } else { &state.filter }.text();
        let mut drafts: Vec<Draft> =
            state.drafts.iter().map(|(incident, text)| Draft { incident: *incident, text: text.clone() }).collect();
        if let Some((incident, text)) = begun(&state.mode) {
            drafts.retain(|draft| draft.incident != incident);
            drafts.push(Draft { incident, text: text.to_owned() });
        }
        drafts.retain(|draft| !draft.text.trim().is_empty());
        // Ids rise with time: the newest are kept.
        drafts.sort_by_key(|draft| draft.incident);
        let drafts = drafts.split_off(drafts.len().saturating_sub(DRAFTS_MAX));
        Self {
            pane: if state.focus == Focus::Detail { "detail" } else { "stream" }.to_owned(),
            open: state.open,
            filter: if filter.len() > FILTER_BYTES_MAX { String::new() } else { filter.to_owned() },
            sort: state.sort.word().to_owned(),
            tab: state.shape.tab.title().to_owned(),
            layout: state.shape.panes.word().to_owned(),
            local: state.shape.local,
            selected: state.selected,
            drafts,
        }
    }

    /// Puts the screen where it was, as far as that is still there.
    fn restore(&self, state: &mut State, now: Timestamp) {
        let mut filter = Editor::default();
        if self.filter.len() <= FILTER_BYTES_MAX {
            filter.insert(&self.filter);
        }
        // What an older version wrote may be no query: then all is shown.
        state.filter = Query::parse(filter.text()).unwrap_or_default();
        state.sort = Sort::parse(&self.sort).unwrap_or_default();
        state.shape.tab = Tab::ALL.into_iter().find(|tab| tab.title() == self.tab).unwrap_or_default();
        state.shape.panes = Panes::parse(&self.layout).unwrap_or_default();
        state.shape.local = self.local;
        order::arrange_anew(state);
        if let Some(selected) = self.selected.filter(|id| order::shown_ids(state).contains(id)) {
            state.selected = Some(selected);
            state.open = self.open;
            state.focus = if self.pane == "detail" { Focus::Detail } else { Focus::Stream };
            order::keep_in_view(state);
        }
        for draft in self.drafts.iter().take(DRAFTS_MAX).filter(|draft| draft.text.len() <= NOTE_BYTES_MAX) {
            let mut text = Editor::default();
            text.insert(&draft.text);
            state.drafts.insert(draft.incident, text.text().to_owned());
        }
        if !state.filter.is_all() {
            state.tell(format!("the filter of last time is on: {}", state.filter.text()), now);
        }
    }
}

/// Returns the note that is being typed.
fn begun(mode: &Mode) -> Option<(IncidentId, &str)> {
    match mode {
        Mode::Entry { verb: super::action::Action::IncidentNote, targets, editor, .. } => match targets.as_slice() {
            [one] => Some((one.id, editor.text())),
            _ => None,
        },
        _ => None,
    }
}

/// Reads and writes the file.
#[derive(Debug)]
pub(super) struct Keeper {
    path: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// What stands in the file.
    written: Session,
    /// What is to stand there, and from when on.
    newer: Option<(Session, Timestamp)>,
}

impl Keeper {
    /// Returns the keeper of that file; without one nothing is kept.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, kept: Mutex::default() }
    }

    /// Puts the screen where it was. A file that cannot be used is left out with a line in the log.
    pub(super) fn restore(&self, state: &mut State, now: Timestamp) {
        let Some(path) = &self.path else { return };
        match read(path) {
            Ok(Some(session)) => {
                session.restore(state, now);
                self.lock().written = session;
            }
            Ok(None) => {}
            Err(why) => tracing::warn!(path = %path.display(), %why, "the last session is not restored"),
        }
    }

    /// Notes how the screen stands, and writes it where it changed some time ago. The state then names when it must be called again.
    pub(super) fn note(&self, state: &mut State, now: Timestamp) {
        if self.path.is_none() {
            return;
        }
        let mut kept = self.lock();
        let session = Session::of(state);
        if session == kept.written {
            kept.newer = None;
        } else {
            let due = kept.newer.as_ref().map_or(now.plus(WRITE_AFTER), |(_, due)| *due);
            kept.newer = Some((session, due));
        }
        if kept.newer.as_ref().is_some_and(|(_, due)| *due <= now) {
            self.write(&mut kept);
        }
        state.keep_at = kept.newer.as_ref().map(|(_, due)| *due);
    }

    /// Writes what is not written yet.
    pub(super) fn finish(&self) {
        self.write(&mut self.lock());
    }

    fn write(&self, kept: &mut Kept) {
        let (Some(path), Some((session, _))) = (&self.path, kept.newer.take()) else { return };
        let written = toml::to_string(&session).map_err(anyhow::Error::from);
        if let Err(error) = written.and_then(|text| Ok(file::write_private(path, text.as_bytes())?)) {
            tracing::warn!(path = %path.display(), %error, "the session is not kept");
        }
        // What failed is tried again with the next change.
        kept.written = session;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Session>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    anyhow::ensure!(file.metadata()?.is_file(), "not a plain file");
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    anyhow::ensure!(text.len() as u64 <= FILE_BYTES_MAX, "larger than {FILE_BYTES_MAX} bytes");
    Ok(Some(toml::from_str(&text)?))
}
