//! What the console does beside its screen: notes, copies, links. Each on its own time, none of it ever waited for.
//!
//! ```text
//!  update ── Effect::Outward(Errand) ──► outward's thread ─┬─ tmux's option      newest count, 200 ms each
//!                                                          ├─ notes: OSC         asks tmux, answers with a sequence
//!                                                          ├─ command            one at a time, 5 s, killed with its children
//!                                                          ├─ desktop            a thread of its own, which may hang
//!                                                          └─ copies and links   one at a time
//!  update ◄── Event::Outward(Report) ──────────────────────┘
//! ```
//!
//! Bytes for the terminal come back as a [`Report`], and the screen's one writer writes them between two frames.

mod clipboard;
mod desktop;
pub mod errand;
pub mod facts;
pub mod sequence;
mod surroundings;
pub mod tested;
mod tmux;

use crate::config;
use crate::domain::text::SafeText;
use crate::notify::program::{Ended, Environment, Job, execute, launch};
use desktop::Desktop;
use errand::{Errand, Note, Report};
use sequence::Sequence;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use surroundings::{Surroundings, note_kind};
use tokio::sync::{mpsc, watch};

/// Errands of one kind that may wait; more are refused.
const WAITING_MAX: usize = 16;
/// How long a command may take over one note.
const COMMAND_WITHIN: Duration = Duration::from_secs(5);
/// How long a program that opens links may take to say that it cannot; one that runs longer is left alone.
const OPEN_WITHIN: Duration = Duration::from_secs(5);
/// How long the end may take: as long as tmux is given, and some.
const END_WITHIN: Duration = Duration::from_millis(400);
/// Bytes of what a command says that are kept.
const SAID_BYTES: usize = 256;

/// The way outward. Dropping it ends the thread.
pub(crate) struct Outward {
    notes: mpsc::Sender<Note>,
    hands: mpsc::Sender<Errand>,
    calling: watch::Sender<usize>,
    over: Receiver<()>,
}

/// What all of it needs.
struct Settings {
    config: config::Outward,
    around: Surroundings,
    report: Box<dyn Fn(Report) + Send + Sync>,
}

impl Settings {
    fn report(&self, report: Report) {
        (self.report)(report);
    }

    fn failed(&self, text: &str) {
        self.report(Report::Failed(SafeText::line(text, 300)));
    }
}

impl Outward {
    /// Starts the thread; `report` is called from it and may wait.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn start(config: config::Outward, report: impl Fn(Report) + Send + Sync + 'static) -> io::Result<Self> {
        let around = Surroundings::of_this_process();
        let settings = Arc::new(Settings { config, around, report: Box::new(report) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (notes, notes_in) = mpsc::channel(WAITING_MAX);
        let (hands, hands_in) = mpsc::channel(WAITING_MAX);
        let (calling, calling_in) = watch::channel(0);
        let (said_over, over) = sync_channel(1);
        let desktop = settings.config.desktop.then(|| Desktop::start(&settings.around)).flatten();
        std::thread::Builder::new().name("outward".into()).spawn(move || {
            runtime.block_on(work(settings, desktop, notes_in, hands_in, calling_in));
            // What still runs is killed with its children.
            runtime.shutdown_background();
            let _ = said_over.try_send(());
        })?;
        Ok(Self { notes, hands, calling, over })
    }

    /// Hands an errand over without waiting; returns whether it was taken.
    pub(crate) fn give(&self, errand: Errand) -> bool {
        match errand {
            Errand::Tell(note) => self.notes.try_send(note).is_ok(),
            Errand::Calling(count) => {
                self.calling.send_replace(count);
                true
            }
            errand @ (Errand::Copy(_) | Errand::Open(_)) => self.hands.try_send(errand).is_ok(),
        }
    }

    /// Ends it: what runs is killed, and tmux's option taken away, within [`END_WITHIN`].
    pub(crate) fn end(self) {
        let Self { notes, hands, calling, over } = self;
        drop((notes, hands, calling));
        let _ = over.recv_timeout(END_WITHIN);
    }
}

/// Does errands until the other ends are gone.
async fn work(
    settings: Arc<Settings>,
    desktop: Option<Desktop>,
    notes: mpsc::Receiver<Note>,
    hands: mpsc::Receiver<Errand>,
    calling: watch::Receiver<usize>,
) {
    let commands = if settings.config.command.is_empty() {
        None
    } else {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(tell_command(settings.clone(), receiver));
        Some(sender)
    };
    tokio::spawn(tell(settings.clone(), desktop, commands, notes));
    tokio::spawn(hand(settings.clone(), hands));
    // The count is the last thing that counts: it ends when the console does.
    flag(&settings, calling).await;
}

/// Says in tmux how many incidents call, where that is wanted and possible.
async fn flag(settings: &Settings, mut calling: watch::Receiver<usize>) {
    let pane = settings.around.pane.as_deref().filter(|_| settings.config.tmux);
    let mut shown = 0;
    while calling.changed().await.is_ok() {
        let Some(pane) = pane else { continue };
        let count = *calling.borrow_and_update();
        if tmux::flag(pane, count).await {
            shown = count;
        } else {
            tracing::debug!("tmux did not take how many incidents call");
        }
    }
    if let Some(pane) = pane.filter(|_| shown > 0) {
        tmux::flag(pane, 0).await;
    }
}

/// Tells of each note by whatever makes no waiting here.
async fn tell(
    settings: Arc<Settings>,
    desktop: Option<Desktop>,
    commands: Option<mpsc::Sender<Note>>,
    mut notes: mpsc::Receiver<Note>,
) {
    while let Some(note) = notes.recv().await {
        if let Some(commands) = &commands
            && commands.try_send(note.clone()).is_err()
        {
            tracing::warn!("the notify command is slow: a note is dropped");
        }
        if !note.aloud {
            continue;
        }
        if let Some(desktop) = &desktop {
            desktop.tell(&note.text);
        }
        if let Some(sequence) = sequence(&settings, &note.text).await {
            settings.report(Report::Emit(sequence));
        }
    }
}

/// Returns what asks the terminal for a note, where it would get through.
async fn sequence(settings: &Settings, text: &SafeText) -> Option<Sequence> {
    let (choice, around) = (settings.config.osc, &settings.around);
    if choice == config::Osc::Off {
        return None;
    }
    let Some(pane) = &around.pane else {
        // A multiplexer on the way here cannot be asked what it hands on.
        let kind = note_kind(choice, &around.term, &around.program).filter(|_| !around.in_multiplexer())?;
        return Some(Sequence::note(kind, text));
    };
    if !tmux::passes_all(pane).await {
        return None;
    }
    let (term, program) = tmux::client().await.unwrap_or_default();
    note_kind(choice, &term, &program).map(|kind| Sequence::note(kind, text).passed_through())
}

/// Runs the person's command for one note after the other. That it fails is told once, until it works again.
async fn tell_command(settings: Arc<Settings>, mut notes: mpsc::Receiver<Note>) {
    let mut failing = false;
    while let Some(note) = notes.recv().await {
        let ended = run_command(&settings.config.command, &note, COMMAND_WITHIN).await;
        match ended {
            Ok(()) => failing = false,
            Err(why) => {
                tracing::warn!(%why, "the notify command failed");
                if !std::mem::replace(&mut failing, true) {
                    settings.failed(&format!("the notify command failed: {why}"));
                }
            }
        }
    }
}

/// Runs a command for one note.
///
/// # Errors
/// Why it failed, in a few words.
async fn run_command(run: &[String], note: &Note, timeout: Duration) -> Result<(), String> {
    let input = serde_json::to_vec(note).unwrap_or_default();
    let job = Job { run, input, environment: Environment::Person, timeout, kept: SAID_BYTES };
    match execute(job).await {
        Ended::Itself { status, .. } if status.success() => Ok(()),
        Ended::Late => Err(format!("no end within {} s, killed", timeout.as_secs())),
        ended => Err(tmux::why(ended)),
    }
}

/// Copies and opens, one after the other, in the order of the keys.
async fn hand(settings: Arc<Settings>, mut errands: mpsc::Receiver<Errand>) {
    while let Some(errand) = errands.recv().await {
        match errand {
            Errand::Copy(clip) => {
                clipboard::copy(&clip, &settings.config, &settings.around, |report| settings.report(report)).await;
            }
            Errand::Open(url) => {
                // A browser may stay: the next key must not wait for its end.
                tokio::spawn(open(settings.clone(), url));
            }
            Errand::Tell(_) | Errand::Calling(_) => {}
        }
    }
}

/// Hands a link to the person's program, as one argument that no shell reads.
async fn open(settings: Arc<Settings>, url: String) {
    let mut run = settings.config.open.clone();
    let program = run.first().cloned().unwrap_or_default();
    run.push(url);
    match launch(&run, &Environment::Person) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            settings.failed(&format!("{program}: no such program; the link was not opened"));
        }
        Err(error) => settings.failed(&format!("{program} cannot be started: {error}; the link was not opened")),
        Ok(mut child) => match tokio::time::timeout(OPEN_WITHIN, child.wait()).await {
            Ok(Ok(status)) if !status.success() => {
                settings.failed(&format!("{program} ended with {status}; the link may not be open"));
            }
            Ok(Err(error)) => settings.failed(&format!("{program} cannot be waited for: {error}")),
            Ok(Ok(_)) | Err(_) => {}
        },
    }
}
