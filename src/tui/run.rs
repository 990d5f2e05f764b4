//! The loop: events in, effects out, draw when something changed.
//!
//! One thread draws and never waits for disk, network, terminal or a lock. A second reads keys, a third writes to the terminal, a fourth
//! waits for it to vanish.

use super::event::{Effect, Event, Exit};
use super::keymap::{Choice, Library, Loaded};
use super::look::{Look, Wardrobe};
use super::outward::Outward;
use super::outward::errand::Errand;
use super::recent;
use super::session::Keeper;
use super::stage::Stage;
use super::state::{Graph, State};
use super::topic::{Reader, Topic};
use super::views;
use super::{crash, files, input, suspend, update, watchdog};
use crate::config::{self, Guards};
use crate::domain::id::IncidentId;
use crate::domain::time::Timestamp;
use crate::sync::desk::{Ask, Desk};
use anyhow::Context as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// How long a frame waits for the detail of another incident; nobody sees that it did.
const DETAIL_WITHIN: Duration = Duration::from_millis(8);

/// What was drawn last.
#[derive(Default)]
struct Drawn {
    selected: Option<IncidentId>,
    /// Until when the next drawing waits.
    until: Option<Instant>,
    /// Since when an incident is drawn without its detail.
    without: Option<Instant>,
    /// The last detail took longer than a frame waits for it: the mirror has much to do, and waiting for the next one helps nobody.
    is_slow: bool,
}

/// What the caller decides.
#[derive(Clone, Default)]
pub struct Options {
    /// The person's own keymap, laid over the shipped one. A file that does not exist is no problem.
    pub keymap: Option<PathBuf>,
    /// What is done beside the screen.
    pub outward: config::Outward,
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
    /// The file of the person's own saved views; without it none are kept.
    pub views: Option<PathBuf>,
    /// With what charts are drawn.
    pub graph: Graph,
    /// The directory of `theme.toml` and `themes/`; the files of settings in it are read again when they change.
    pub config: Option<PathBuf>,
    /// How the screen looks.
    pub look: config::Look,
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
    /// While it runs.
    outward: Option<Outward>,
    keeper: Keeper,
    recent: recent::Keeper,
    wardrobe: Wardrobe,
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
        let wardrobe = Wardrobe::new(options.config.clone(), &options.look);
        Self { desk, options, handle, events, outward: None, keeper, recent, wardrobe }
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
    pub fn run(mut self) -> anyhow::Result<Exit> {
        let loaded = Library::of(self.options.keymap.as_deref()).load(self.options.keymap_choice.as_ref(), None);
        let over = Arc::new(AtomicBool::new(false));
        watchdog::start(self.handle.events.clone(), over.clone()).context("watching the terminal")?;
        crash::on_panic(self.handle.events.clone(), self.options.state.clone());
        let mut look = Look { ascii: self.wardrobe.ascii, ..Look::default() };
        let theme = look.take(self.wardrobe.load(None)).unwrap_or_else(|| self.wardrobe.default_theme());
        let size = crossterm::terminal::size().context("asking for the size of the terminal")?;
        let mut stage = Stage::take(theme, self.handle.events.clone()).context("taking the terminal")?;
        read_keys(self.handle.events.clone()).context("reading keys")?;
        let reports = self.handle.events.clone();
        let report = move |report| drop(reports.send(Event::Outward(report)));
        let outward = Outward::start(self.options.outward.clone(), report).context("starting what tells of pages")?;
        self.outward = Some(outward);
        let (handle, desk) = (self.handle.clone(), self.desk.clone());
        self.desk.wake_with(move || handle.wake(&desk));
        let mut state = State::new(self.desk.picture(), loaded.keymap, loaded.problems, size);
        state.keymap_names = (loaded.name, loaded.names);
        state.look = look;
        state.palette.recent = self.options.recent.as_deref().map_or_else(Vec::new, recent::read);
        state.zone = jiff::tz::TimeZone::system();
        state.opens_links = !self.options.outward.open.is_empty();
        state.take_crash(self.options.state.as_deref().and_then(crash::past));
        state.guard_by(&self.options.guards);
        state.graph = self.options.graph;
        self.follow_files();
        self.keeper.restore(&mut state, now());
        if self.options.views.is_some() {
            self.views(views::Edit::Read);
        }
        let exit = self.turn(state, &mut stage);
        self.keeper.finish();
        drop(stage);
        if let Some(outward) = self.outward.take() {
            outward.end();
        }
        // A hang-up is the one end after which the watchdog still counts: a caller that hangs must not live on without a terminal.
        over.store(!matches!(exit, Ok(Exit::Hangup)), Ordering::SeqCst);
        exit
    }

    /// Handles events and draws, until something says to leave.
    fn turn(&self, mut state: State, stage: &mut Stage) -> anyhow::Result<Exit> {
        // A picture may have come before anybody could be woken.
        let mut waiting = vec![Event::Picture(self.desk.picture())];
        let mut drawn = Drawn::default();
        loop {
            for event in waiting {
                if let Some(exit) = self.step(&mut state, event, stage)? {
                    return Ok(exit);
                }
            }
            if self.handle.stop.load(Ordering::SeqCst) {
                return Ok(Exit::Stopped);
            }
            let event = match self.before_drawing(&state, &mut drawn) {
                Some(event) => event,
                None => {
                    if let Err(error) = stage.draw(&state) {
                        return if is_hang_up(&error) { Ok(Exit::Hangup) } else { Err(error).context("drawing") };
                    }
                    let Some(event) = self.next(&state, stage) else { return Ok(Exit::Stopped) };
                    event
                }
            };
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

    /// Returns what came while the detail of an incident was awaited that the cursor has just come to: one frame with it is calmer, and
    /// fewer bytes, than one without and one with. `None` once there is nothing to wait for, or the moment is over.
    fn before_drawing(&self, state: &State, drawn: &mut Drawn) -> Option<Event> {
        let came = drawn.selected != state.selected;
        if came && state.awaits_detail() && !drawn.is_slow {
            let until = *drawn.until.get_or_insert_with(|| Instant::now() + DETAIL_WITHIN);
            let left = until.checked_duration_since(Instant::now());
            if let Some(event) = left.and_then(|left| self.events.recv_timeout(left).ok()) {
                return Some(event);
            }
        }
        match (came, state.awaits_detail()) {
            (true, true) => drawn.without = Some(drawn.until.map_or_else(Instant::now, |until| until - DETAIL_WITHIN)),
            (true, false) => (drawn.without, drawn.is_slow) = (None, false),
            (false, true) => {}
            (false, false) => {
                let took = drawn.without.take().map(|since| since.elapsed());
                drawn.is_slow = took.map_or(drawn.is_slow, |took| took > DETAIL_WITHIN);
            }
        }
        (drawn.selected, drawn.until) = (state.selected, None);
        None
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
            Event::Theme(loaded, asked) => {
                loaded.theme.iter().for_each(|theme| stage.dress(theme.clone()));
                Event::Theme(loaded, asked)
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
                    Effect::Emit(sequence) => {
                        if !stage.screen().is_some_and(|screen| screen.emit(sequence.into_bytes())) {
                            tracing::warn!("the terminal is slow, or not ours now: a sequence was not sent");
                        }
                    }
                    Effect::Outward(errand) => {
                        let told = matches!(errand, Errand::Tell(_) | Errand::Calling(_));
                        let taken = self.outward.as_ref().is_some_and(|outward| outward.give(errand));
                        if !taken && !told {
                            state.warn("too much waits to be copied or opened: NOT done, press again");
                        }
                    }
                    Effect::Repaint => stage.screen().into_iter().for_each(|screen| screen.forget()),
                    Effect::LoadKeymap(name) => self.load_keymap(Some(name), Event::Keymap),
                    Effect::RereadKeymap(name) => self.load_keymap(name, Event::KeymapAgain),
                    Effect::LoadTheme(name, asked) => self.load_theme(name, asked),
                    Effect::Remember(names) => self.recent.keep(names),
                    Effect::Views(edit) => self.views(edit),
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
    fn load_keymap(&self, name: Option<String>, event: fn(Box<Loaded>) -> Event) {
        let (events, options) = (self.handle.events.clone(), self.options.clone());
        let read = move || {
            let library = Library::of(options.keymap.as_deref());
            let loaded = library.load(options.keymap_choice.as_ref(), name.as_deref());
            drop(events.send(event(Box::new(loaded))));
        };
        if let Err(error) = std::thread::Builder::new().name("keymap".into()).spawn(read) {
            tracing::warn!(%error, "the keymap cannot be read");
        }
    }

    /// Reads the person's own views by a thread of its own, after doing that to them.
    fn views(&self, edit: views::Edit) {
        let (events, path) = (self.handle.events.clone(), self.options.views.clone());
        let edited = move || {
            let nowhere = || Err("this console keeps no views".to_owned());
            let outcome = path.map_or_else(nowhere, |path| views::edit(&path, &edit));
            drop(events.send(Event::Views(outcome)));
        };
        if let Err(error) = std::thread::Builder::new().name("views".into()).spawn(edited) {
            tracing::warn!(%error, "views cannot be read");
        }
    }

    /// Reads a theme by a thread of its own, as [`Console::load_keymap`] does.
    fn load_theme(&self, name: Option<String>, asked: bool) {
        let (events, wardrobe) = (self.handle.events.clone(), self.wardrobe.clone());
        let read = move || drop(events.send(Event::Theme(Box::new(wardrobe.load(name.as_deref())), asked)));
        if let Err(error) = std::thread::Builder::new().name("theme".into()).spawn(read) {
            tracing::warn!(%error, "the theme cannot be read");
        }
    }

    /// Has keymaps and themes read again when their files change.
    fn follow_files(&self) {
        let Some(config) = self.options.config.clone() else { return };
        if let Err(error) = files::watch(config, self.handle.clone()) {
            tracing::warn!(%error, "changes of keymaps and themes are not noticed; SIGUSR1 has them read again");
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
            waiting_apart: Arc::default(),
            book: None,
            due: Arc::default(),
            detail: None,
            calls: Arc::default(),
            inbox: Vec::new(),
            alarms: Vec::new(),
            undo: Vec::new(),
            items: Arc::default(),
            labels: Default::default(),
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
