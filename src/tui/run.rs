//! The loop: events in, effects out, draw when something changed.
//!
//! One thread draws and never waits for disk, network, terminal or a lock. A second reads keys, a third writes to the terminal, a fourth
//! waits for it to vanish.

use super::event::{Effect, Event, Exit};
use super::keymap::{Choice, Library};
use super::recent;
use super::session::Keeper;
use super::stage::Stage;
use super::state::State;
use super::theme::Theme;
use super::topic::{Reader, Topic};
use super::{crash, input, suspend, update, watchdog};
use crate::config::Guards;
use crate::domain::time::Timestamp;
use crate::sync::desk::{Ask, Desk};
use anyhow::Context as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most events between two drawings.
const EVENTS_PER_DRAWING: usize = 64;
/// Most events that wait; the reader of keys waits beyond that, which no hand can reach.
const EVENTS_MAX: usize = 1024;
/// The thread that reads keys: without it there is no console.
pub(super) const KEYS_THREAD: &str = "tui-keys";

/// Somebody asked for the settings to be read again.
const RELOAD: u8 = 1;
/// Somebody asked this process to stop for a while.
const SUSPEND: u8 = 2;
/// This process was stopped and goes on.
const CONTINUED: u8 = 4;

/// What the caller decides.
#[derive(Clone, Default)]
pub struct Options {
    /// The person's own keymap, laid over the shipped one. A file that does not exist is no problem.
    pub keymap: Option<PathBuf>,
    /// The keymap that the settings name; the person's own file may extend another.
    pub keymap_choice: Option<Choice>,
    /// Where the names of commands that were used are kept between runs.
    pub recent: Option<PathBuf>,
    /// Where crash files go, and are found again.
    pub state: Option<PathBuf>,
    /// Reads what is not an incident.
    pub reader: Option<Reader>,
    /// Where it is kept what the next console finds again; nowhere, if absent.
    pub session: Option<PathBuf>,
    /// Guards before the keys.
    pub guards: Guards,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("keymap", &self.keymap).finish_non_exhaustive()
    }
}

/// Reaches a running console from another thread, such as the one that waits for signals.
#[derive(Clone)]
pub struct Handle {
    events: SyncSender<Event>,
    stop: Arc<AtomicBool>,
    /// What was asked for by signals; the same asked twice is once.
    asked: Arc<AtomicU8>,
    picture_waits: Arc<AtomicBool>,
    /// A newer picture found the queue full.
    picture_missed: Arc<AtomicBool>,
}

impl Handle {
    /// Ends the console; it gives the terminal back and returns [`Exit::Stopped`]. Never blocks; may be called more than once.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        // A full queue is being worked off, and the flag is read after each round.
        let _ = self.events.try_send(Event::Stop);
    }

    /// Has the settings read again and everything drawn anew. Never blocks.
    pub fn reload(&self) {
        self.ask(RELOAD);
    }

    /// Has the console give the terminal back and stop, as its key for that does. Never blocks.
    pub fn suspend(&self) {
        self.ask(SUSPEND);
    }

    /// Says that the process was stopped and goes on: the terminal may be in any state. Never blocks.
    pub fn continued(&self) {
        self.ask(CONTINUED);
    }

    fn ask(&self, what: u8) {
        self.asked.fetch_or(what, Ordering::SeqCst);
        // A full queue is being worked off, and what is asked is read after each round.
        let _ = self.events.try_send(Event::Due);
    }

    /// Says that a newer picture lies ready; at most one such event waits at any time.
    fn wake(&self, desk: &Desk) {
        if self.picture_waits.swap(true, Ordering::SeqCst) {
            return;
        }
        // The newest is taken again when the event is handled: what lies in the event only has to be not newer.
        if self.events.try_send(Event::Picture(desk.picture())).is_err() {
            self.picture_missed.store(true, Ordering::SeqCst);
        }
    }
}

/// A console that has not taken the terminal yet.
pub struct Console {
    desk: Desk,
    options: Options,
    handle: Handle,
    events: Receiver<Event>,
    keeper: Keeper,
    recent: recent::Keeper,
}

/// Runs a console until it ends; for callers who need no [`Handle`].
///
/// # Errors
/// As [`Console::run`].
pub fn run(desk: Desk, options: Options) -> anyhow::Result<Exit> {
    Console::new(desk, options).run()
}

impl Console {
    /// Returns a console over this desk.
    pub fn new(desk: Desk, options: Options) -> Self {
        let (sender, events) = sync_channel(EVENTS_MAX);
        let (stop, asked, picture_waits, picture_missed) = Default::default();
        let handle = Handle { events: sender, stop, asked, picture_waits, picture_missed };
        let keeper = Keeper::new(options.session.clone());
        let recent = recent::Keeper::start(options.recent.clone());
        Self { desk, options, handle, events, keeper, recent }
    }

    /// Returns what ends it from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes the terminal, shows the incidents, and gives the terminal back.
    ///
    /// [`Exit::Hangup`] means exit status 129; should the caller then need more than a second to end, the process is ended for it.
    ///
    /// # Errors
    /// When there is no terminal, or it cannot be written to.
    pub fn run(self) -> anyhow::Result<Exit> {
        let loaded = Library::of(self.options.keymap.as_deref()).load(self.options.keymap_choice.as_ref(), None);
        let over = Arc::new(AtomicBool::new(false));
        watchdog::start(self.handle.events.clone(), over.clone()).context("watching the terminal")?;
        crash::on_panic(self.handle.events.clone(), self.options.state.clone());
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let theme = Theme::for_terminal(no_color, &std::env::var("TERM").unwrap_or_default());
        let size = crossterm::terminal::size().context("asking for the size of the terminal")?;
        let mut stage = Stage::take(theme, self.handle.events.clone()).context("taking the terminal")?;
        read_keys(self.handle.events.clone()).context("reading keys")?;
        let (handle, desk) = (self.handle.clone(), self.desk.clone());
        self.desk.wake_with(move || handle.wake(&desk));
        let mut state = State::new(self.desk.picture(), loaded.keymap, loaded.problems, size);
        state.keymap_names = (loaded.name, loaded.names);
        state.palette.recent = self.options.recent.as_deref().map_or_else(Vec::new, recent::read);
        state.zone = jiff::tz::TimeZone::system();
        state.take_crash(self.options.state.as_deref().and_then(crash::past));
        state.guard_by(&self.options.guards);
        self.keeper.restore(&mut state, now());
        let exit = self.turn(state, &mut stage);
        self.keeper.finish();
        drop(stage);
        // A hang-up is the one end after which the watchdog still counts: a caller that hangs must not live on without a terminal.
        over.store(!matches!(exit, Ok(Exit::Hangup)), Ordering::SeqCst);
        exit
    }

    /// Handles events and draws, until something says to leave.
    fn turn(&self, mut state: State, stage: &mut Stage) -> anyhow::Result<Exit> {
        // A picture may have come before anybody could be woken.
        let mut waiting = vec![Event::Picture(self.desk.picture())];
        loop {
            for event in waiting {
                if let Some(exit) = self.step(&mut state, event, stage)? {
                    return Ok(exit);
                }
            }
            if self.handle.stop.load(Ordering::SeqCst) {
                return Ok(Exit::Stopped);
            }
            if let Err(error) = stage.draw(&state) {
                return if is_hang_up(&error) { Ok(Exit::Hangup) } else { Err(error).context("drawing") };
            }
            let Some(event) = self.next(&state, stage) else { return Ok(Exit::Stopped) };
            waiting = std::iter::once(event).chain(self.events.try_iter()).take(EVENTS_PER_DRAWING).collect();
            // Sizes are gathered: the newest counts, a little later.
            if waiting.extract_if(.., |event| matches!(event, Event::Resize { .. })).count() > 0 {
                stage.resized();
            }
            waiting.extend(self.asked());
            // Nothing but the newest picture counts, and the step takes that one.
            let missed = self.handle.picture_missed.swap(false, Ordering::SeqCst);
            waiting.extend(missed.then(|| Event::Picture(self.desk.picture())));
            waiting.extend(stage.resize());
        }
    }

    /// Returns what signals asked for.
    fn asked(&self) -> Vec<Event> {
        let asked = self.handle.asked.swap(0, Ordering::SeqCst);
        // First the terminal, then what is to be done with it.
        let all = [(CONTINUED, Event::Continued), (RELOAD, Event::Reload), (SUSPEND, Event::Suspend)];
        all.into_iter().filter(|(bit, _)| asked & bit != 0).map(|(_, event)| event).collect()
    }

    /// Waits for an event: without a timer, unless the state named a time at which something must be drawn anew, or a new size waits.
    fn next(&self, state: &State, stage: &Stage) -> Option<Event> {
        // One millisecond more: woken a little early, the loop would turn once for nothing.
        let due = state.deadline().map(|deadline| deadline.since(now()) + Duration::from_millis(1));
        let Some(wait) = due.into_iter().chain(stage.resizes_in()).min() else { return self.events.recv().ok() };
        match self.events.recv_timeout(wait) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => Some(Event::Due),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Handles one event and does what it asks for; returns why to leave, if so.
    fn step(&self, state: &mut State, event: Event, stage: &mut Stage) -> anyhow::Result<Option<Exit>> {
        let event = match event {
            Event::Picture(_) => {
                // Cleared before the newest is taken: one that comes in between wakes once more, and none is missed.
                self.handle.picture_waits.store(false, Ordering::SeqCst);
                Event::Picture(self.desk.picture())
            }
            Event::Reload => {
                #[cfg(debug_assertions)]
                fail_on_purpose();
                Event::Reload
            }
            Event::Continued => {
                stage.retake().context("taking the terminal again")?;
                Event::Continued
            }
            other => other,
        };
        let mut effects = update::update(state, event, now());
        self.keeper.note(state, now());
        while !effects.is_empty() {
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::Ask(ask) => effects.extend(self.ask(state, ask)),
                    Effect::Bell => stage.screen().into_iter().for_each(|screen| screen.bell()),
                    Effect::Repaint => stage.screen().into_iter().for_each(|screen| screen.forget()),
                    Effect::LoadKeymap(name) => self.load_keymap(name),
                    Effect::Remember(names) => self.recent.keep(names),
                    Effect::Suspend if !suspend::has_shell() => {
                        effects.extend(update::update(state, Event::NoShell, now()));
                    }
                    Effect::Suspend => {
                        stage.leave();
                        suspend::stop().context("stopping")?;
                    }
                    Effect::Read(topic, words) => self.read(topic, words),
                    Effect::Leave(exit) => return Ok(Some(exit)),
                }
            }
        }
        Ok(None)
    }

    /// Reads on a thread of its own; what comes of it is an event.
    fn read(&self, topic: Topic, words: String) {
        let (reader, events) = (self.options.reader.clone(), self.handle.events.clone());
        let started = std::thread::Builder::new().name("reader".into()).spawn(move || {
            let lines = reader.map_or_else(Vec::new, |reader| reader(topic, &words));
            let _ = events.send(Event::Read(topic, lines));
        });
        if let Err(error) = started {
            tracing::warn!(%error, "nothing can be read now");
        }
    }

    /// Reads another keymap by a thread of its own, for a home directory may be slow; it comes back as an event.
    fn load_keymap(&self, name: String) {
        let (events, options) = (self.handle.events.clone(), self.options.clone());
        let read = move || {
            let library = Library::of(options.keymap.as_deref());
            let loaded = library.load(options.keymap_choice.as_ref(), Some(&name));
            drop(events.send(Event::Keymap(Box::new(loaded))));
        };
        if let Err(error) = std::thread::Builder::new().name("keymap".into()).spawn(read) {
            tracing::warn!(%error, "the keymap cannot be read");
        }
    }

    /// Hands an ask over; a refused act is told, a refused look is asked for again with the next event.
    fn ask(&self, state: &mut State, ask: Ask) -> Vec<Effect> {
        let is_look = matches!(ask, Ask::Look(_));
        let is_present = matches!(ask, Ask::Present { .. });
        match self.desk.ask(ask) {
            Ok(()) => Vec::new(),
            Err(_) if is_look => {
                state.looked = None;
                Vec::new()
            }
            Err(_) if is_present => {
                // Said again with the next key.
                state.attention.presented.clear();
                state.attention.seen.clear();
                Vec::new()
            }
            Err(_) => update::update(state, Event::Busy, now()),
        }
    }
}

/// Returns whether writing failed because nobody is at the other end: the watchdog may notice a moment later.
fn is_hang_up(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::IO | Errno::PIPE | Errno::NXIO | Errno::BADF))
}

/// Fails if the environment says so, for tests of what follows; release builds cannot.
#[cfg(debug_assertions)]
fn fail_on_purpose() {
    let Ok(words) = std::env::var("NIGHTDESK_TEST_PANIC") else { return };
    match words.strip_prefix("worker ") {
        Some(words) => drop(std::thread::spawn({
            let words = words.to_owned();
            move || panic!("{words}")
        })),
        None => panic!("{words}"),
    }
}

/// Returns the time by this machine's clock: the only place of the console that reads one.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Says at its end, by whatever way, that no more keys come.
struct LastWord(SyncSender<Event>);

impl Drop for LastWord {
    fn drop(&mut self) {
        let _ = self.0.try_send(Event::Hangup);
    }
}

/// Starts the thread that waits for keys. It lives as long as the process: nothing can call it back from the terminal.
fn read_keys(events: SyncSender<Event>) -> std::io::Result<()> {
    std::thread::Builder::new().name(KEYS_THREAD.into()).spawn(move || {
        let last_word = LastWord(events);
        let mut known = crossterm::terminal::size().ok();
        let (mut read_at, mut more) = (now(), false);
        while let Ok(raw) = crossterm::event::read() {
            // What lay ready beside the key before came with it, however late this thread gets to it.
            read_at = if more { read_at } else { now() };
            // crossterm 0.29 forgets that the size changed when keys came in the same moment: the keys say so then.
            let size = crossterm::terminal::size().ok();
            let resized = std::mem::replace(&mut known, size) != size;
            let resize = size.filter(|_| resized).map(|(width, height)| Event::Resize { width, height });
            for event in resize.into_iter().chain(input::event(raw)) {
                if last_word.0.send(event.read_at(read_at)).is_err() {
                    return;
                }
            }
            more = crossterm::event::poll(Duration::ZERO).unwrap_or(false);
        }
    })?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::keymap::Keymap;
    use super::*;
    use crate::domain::id::UserName;
    use crate::sync::desk::Slot;
    use crate::sync::picture::{Link, Picture};

    pub(crate) fn picture(unsent: usize) -> Picture {
        Picture {
            user: UserName::parse("mira").unwrap(),
            hub: "hub".into(),
            ingest: None,
            ingest_open: false,
            demo: false,
            link: Link::Live,
            halted: None,
            as_of: None,
            skew_ms: None,
            rows: Arc::default(),
            rows_hidden: 0,
            detail: None,
            calls: Vec::new(),
            inbox: Vec::new(),
            alarms: Vec::new(),
            undo: Vec::new(),
            known: Arc::default(),
            unsent,
            notices: Vec::new(),
        }
    }

    fn console() -> (Console, Arc<Slot>) {
        let slot = Arc::new(Slot::new(picture(0)));
        (Console::new(Desk::without_mirror(slot.clone()), Options::default()), slot)
    }

    #[test]
    fn a_thousand_pictures_are_one_event() {
        let (console, slot) = console();
        let (handle, desk) = (console.handle(), console.desk.clone());
        console.desk.wake_with(move || handle.wake(&desk));
        (1..=1000).for_each(|unsent| slot.publish(picture(unsent)));
        assert_eq!(console.events.try_iter().count(), 1);
        assert_eq!(console.desk.picture().unsent, 1000);
    }

    #[test]
    fn a_picture_that_finds_the_queue_full_is_not_forgotten() {
        let (console, _slot) = console();
        let handle = console.handle();
        (0..EVENTS_MAX).for_each(|_| handle.events.try_send(Event::Due).unwrap());
        handle.wake(&console.desk);
        assert!(handle.picture_missed.load(Ordering::SeqCst));
    }

    #[test]
    fn stopping_a_full_queue_does_not_block() {
        let (console, _slot) = console();
        let handle = console.handle();
        (0..EVENTS_MAX).for_each(|_| handle.events.try_send(Event::Due).unwrap());
        handle.stop();
        assert!(handle.stop.load(Ordering::SeqCst));
    }

    #[test]
    fn a_mirror_that_is_gone_is_told_and_not_called_saved() {
        let (console, _slot) = console();
        let mut state = State::new(console.desk.picture(), Keymap::builtin(), Vec::new(), (80, 24));
        let id = crate::domain::id::IncidentId::from_bytes([1; 16]);
        let basis = crate::domain::op::Basis { rev: 1, claim_no: 0 };
        console.ask(&mut state, Ask::Submit { incident: id, basis, act: crate::domain::op::Act::Ack });
        assert!(state.toast.is_some_and(|toast| toast.warn && toast.text.as_str().contains("NOT done")));
    }
}
