//! One run: a hub, consoles, sources and people under a virtual clock and on a network that fails, all from one seed.

use crate::checks::Ledger;
use crate::console::{Console, Flight, Which};
use crate::hub::Hub;
use crate::random::Random;
use crate::source::Source;
use nightdesk::domain::id::{NodeId, UserName};
use nightdesk::domain::paging::PageId;
use nightdesk::domain::time::Timestamp;
use nightdesk::store::hub::{Outcome, Receipt};
use nightdesk::store::{Cursor, FeedPage};
use nightdesk::sync::wire::PushAnswer;
use std::collections::{BTreeMap, BTreeSet};

/// When the virtual clocks begin, in milliseconds since 1970.
const BEGIN: i64 = 1_700_000_000_000;
/// How long things go wrong, in milliseconds.
const FAULTS_MS: i64 = 120_000;
/// How long everything then has to drain.
const DRAIN_MS: i64 = 75_000;

/// Whoever sends or receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Hub,
    Console(usize),
    Source(usize),
}

/// What somebody asks of the hub.
#[derive(Debug, Clone)]
pub enum Ask {
    Feed { cursor: Cursor, node: NodeId },
    Push(Vec<Vec<u8>>),
    Receipts(UserName, Vec<(PageId, Receipt)>),
    Alerts(Vec<(usize, bool)>),
}

/// What the hub answers.
#[derive(Debug)]
pub enum Reply {
    Page(FeedPage),
    Gone(String),
    Pushed(PushAnswer),
    Taken,
}

/// Which request of whom an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct From {
    pub place: Place,
    pub session: usize,
    pub which: Which,
    pub no: u64,
}

/// Something that happens at a time.
#[derive(Debug)]
pub enum Event {
    Asked(From, Ask),
    Answered(From, Reply),
    /// An exchange that began under this boot gave up waiting.
    TimedOut(From),
    Round {
        boot: u64,
    },
    Finished {
        boot: u64,
        done: Vec<(PageId, u64, Outcome)>,
    },
    Begin {
        console: usize,
        session: usize,
        which: Which,
        boot: u64,
    },
    Person(usize),
    Speaks(usize),
    Fault,
    Starts(Place),
    Healed(Place, Place),
}

/// What may go wrong in this run: each kind only in some runs, so that some runs are simple enough to understand.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub loss: u64,
    pub twice: u64,
    pub delay_ms: i64,
    pub cuts: bool,
    pub hub_dies: u64,
    pub console_dies: u64,
    pub hub_pauses: bool,
    pub hub_clock: bool,
    pub console_clocks: bool,
    pub restores: bool,
    pub copies: bool,
    pub versions: bool,
    pub signatures: bool,
    pub rules: bool,
    pub provider: u64,
    pub rows_max: usize,
}

impl Faults {
    fn drawn(random: &mut Random) -> Self {
        let mut some = |of: u64, most: i64| if random.permille(of) { random.between(1, most) } else { 0 };
        Self {
            loss: some(500, 250) as u64,
            twice: some(400, 200) as u64,
            delay_ms: 20 + some(500, 6000),
            cuts: some(500, 1) == 1,
            hub_dies: some(400, 30) as u64,
            console_dies: some(400, 30) as u64,
            hub_pauses: some(250, 1) == 1,
            hub_clock: some(300, 1) == 1,
            console_clocks: some(400, 1) == 1,
            restores: some(150, 1) == 1,
            copies: some(150, 1) == 1,
            versions: some(250, 1) == 1,
            signatures: some(125, 1) == 1,
            provider: some(600, 500) as u64,
            rows_max: if some(500, 1) == 1 { 1 + some(1000, 12) as usize } else { 1000 },
            rules: some(500, 1) == 1,
        }
    }
}

/// Everything.
pub struct World {
    /// True time since the beginning.
    pub now: i64,
    pub random: Random,
    pub faults: Faults,
    pub calm: bool,
    pub hub: Hub,
    pub consoles: Vec<Console>,
    pub sources: Vec<Source>,
    pub ledger: Ledger,
    cuts: BTreeSet<(Place, Place)>,
    queue: BTreeMap<(i64, u64), Event>,
    next: u64,
    trace: Vec<u8>,
    loud: bool,
}

/// What one run gave.
pub struct Ran {
    /// Hash of all that happened, in order.
    pub trace: blake3::Hash,
    pub counts: BTreeMap<&'static str, u64>,
}

impl World {
    pub fn new(seed: u64, loud: bool) -> Self {
        let mut random = Random::new(seed);
        let faults = Faults::drawn(&mut random);
        let people = 2 + random.below(3);
        let consoles = (0..people).map(|index| Console::new(index, &mut random)).collect::<Vec<_>>();
        let sources = (0..2).map(Source::new).collect();
        let mut world = Self {
            now: 0,
            random,
            calm: false,
            hub: Hub::new(&consoles, faults.rules),
            faults,
            consoles,
            sources,
            ledger: Ledger::default(),
            cuts: BTreeSet::new(),
            queue: BTreeMap::new(),
            next: 0,
            trace: Vec::new(),
            loud,
        };
        world.say(|world| format!("{:?}", world.faults));
        world
    }

    /// Runs to the end and checks what must hold then.
    pub fn run(mut self) -> Ran {
        self.begin();
        self.until(FAULTS_MS);
        self.calm_down();
        self.until(FAULTS_MS + DRAIN_MS);
        self.settle_down();
        crate::checks::at_the_end(&mut self);
        Ran { trace: blake3::hash(&self.trace), counts: self.ledger.counts }
    }

    fn begin(&mut self) {
        self.at(0, Event::Round { boot: 0 });
        for index in 0..self.consoles.len() {
            // One comes late: to a hub with a history.
            let late = if index == 2 { self.random.between(0, FAULTS_MS) } else { 0 };
            self.start_sessions(index, late);
            self.at(late + 500, Event::Person(index));
        }
        for index in 0..self.sources.len() {
            self.at(index as i64 * 300, Event::Speaks(index));
        }
        self.at(3000, Event::Fault);
    }

    pub fn start_sessions(&mut self, console: usize, after: i64) {
        let boot = self.consoles[console].boot;
        for session in 0..self.consoles[console].sessions.len() {
            for which in [Which::Pull, Which::Push] {
                let wait = after + self.random.between(0, 1000);
                self.at(wait, Event::Begin { console, session, which, boot });
            }
        }
    }

    fn until(&mut self, end: i64) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((now, _), event) = entry.remove_entry();
            self.now = now;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        self.say(|_| brief(&event));
        self.mark(&marks(&event));
        match event {
            Event::Asked(from, ask) => self.asked(from, ask),
            Event::Answered(from, reply) => self.answered(from, reply),
            Event::TimedOut(from) => self.timed_out(from),
            Event::Round { boot } => self.round(boot),
            Event::Finished { boot, done } => self.finished(boot, done),
            Event::Begin { console, session, which, boot } => self.begin_exchange(console, session, which, boot),
            Event::Person(console) => self.person(console),
            Event::Speaks(source) => self.speaks(source),
            Event::Fault => self.fault(),
            Event::Starts(place) => self.starts(place),
            Event::Healed(from, to) => {
                self.cuts.remove(&(from, to));
            }
        }
    }

    /// Tells whoever reads along.
    pub fn say(&mut self, text: impl FnOnce(&Self) -> String) {
        if self.loud {
            println!("{:>9.3} {}", self.now as f64 / 1000.0, text(self));
        }
    }

    /// Adds to the trace.
    pub fn mark(&mut self, marks: &[u64]) {
        self.trace.extend_from_slice(&self.now.to_le_bytes());
        marks.iter().for_each(|mark| self.trace.extend_from_slice(&mark.to_le_bytes()));
    }

    pub fn at(&mut self, after: i64, event: Event) {
        self.next += 1;
        self.queue.insert((self.now + after.max(0), self.next), event);
    }

    pub fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Returns the time of a clock that is so far off.
    pub fn clock(&self, offset: i64) -> Timestamp {
        Timestamp::from_millis(BEGIN + self.now + offset)
    }

    pub fn hub_clock(&self) -> Timestamp {
        self.clock(self.hub.offset)
    }

    /// Sends over the network: it may get lost, come late, twice, or in another order.
    pub fn send(&mut self, from: Place, to: Place, mut event: impl FnMut() -> Event) {
        let copies = 1 + usize::from(!self.calm && self.random.permille(self.faults.twice));
        for _ in 0..copies {
            let lost = !self.calm && self.random.permille(self.faults.loss);
            if lost || self.cuts.contains(&(from, to)) {
                self.ledger.count("lost messages");
                continue;
            }
            let slowest = if self.calm { 20 } else { self.faults.delay_ms };
            let delay = self.random.between(1, slowest);
            self.at(delay, event());
        }
    }

    fn calm_down(&mut self) {
        self.calm = true;
        self.cuts.clear();
        self.say(|_| "the faults stop".into());
        if self.hub.down {
            self.at(0, Event::Starts(Place::Hub));
        }
        for index in 0..self.consoles.len() {
            if self.consoles[index].down {
                self.at(0, Event::Starts(Place::Console(index)));
            }
        }
    }

    /// The hub changes nothing any more, and the consoles ask until they have it all.
    fn settle_down(&mut self) {
        self.hub.frozen = true;
        self.until(self.now + 15_000);
    }

    fn fault(&mut self) {
        if self.calm {
            return;
        }
        let consoles = self.consoles.len();
        match self.random.below(10) {
            0 | 1 if self.faults.cuts => {
                let other = match self.random.below(consoles + 1) {
                    index if index < consoles => Place::Console(index),
                    _ => Place::Source(self.random.below(2)),
                };
                let length = self.random.between(1000, 60_000);
                let ways = self.random.below(3);
                for (way, ends) in [(Place::Hub, other), (other, Place::Hub)].into_iter().enumerate() {
                    if ways == 2 || ways == way {
                        self.cuts.insert(ends);
                        self.at(length, Event::Healed(ends.0, ends.1));
                    }
                }
                self.ledger.count("cuts");
            }
            2 if self.faults.hub_dies > 0 => self.kill_hub(),
            3 if self.faults.hub_pauses && !self.hub.down => {
                let length = self.random.between(2000, 50_000);
                self.hub.paused_until = self.now + length;
                self.ledger.count("pauses of the hub");
            }
            4 if self.faults.hub_clock => {
                let step = self.random.between(-600_000, 600_000);
                self.hub.offset += step;
                // A step back that is too small to be noticed is waited out.
                let noticed = self.now + (-step).clamp(0, 30_000);
                // Who is paused notices it afterwards.
                self.hub.disturbed_at = self.hub.disturbed_at.max(noticed);
                self.say(|_| format!("the hub's clock steps by {step} ms"));
                self.ledger.count("steps of the hub's clock");
            }
            5 if self.faults.console_clocks => {
                let console = self.random.below(consoles);
                self.consoles[console].offset = self.random.between(-86_400_000, 86_400_000);
                self.ledger.count("jumps of consoles' clocks");
            }
            6 if self.faults.restores => self.copy_or_restore_hub(),
            7 if self.faults.copies => self.copy_or_restore_mirror(),
            8 if self.faults.console_dies > 0 => {
                let console = self.random.below(consoles);
                self.kill_console(console);
            }
            9 => self.rule_fault(),
            _ => {}
        }
        if self.faults.rules && self.random.permille(300) {
            self.rule_fault();
        }
        let wait = self.random.between(500, 12_000);
        self.at(wait, Event::Fault);
    }

    fn copy_or_restore_hub(&mut self) {
        match self.hub.copy.take() {
            Some(copy) if self.random.permille(500) => {
                self.ledger.count("restores of the hub");
                let epoch = format!("epoch-{}", self.fresh());
                self.hub.store = copy.branched(&epoch).expect("a copy is a store");
                let (rules, clock) = (self.hub.rules.clone(), self.hub_clock());
                self.hub.store.reload(rules, clock).expect("its rules are those of today");
                self.ledger.restored(&self.hub.store);
                self.kill_hub();
            }
            _ => self.hub.copy = Some(self.hub.store.clone()),
        }
    }

    fn copy_or_restore_mirror(&mut self) {
        let index = self.random.below(self.consoles.len());
        let console = &mut self.consoles[index];
        match console.copy.take() {
            Some(copy) => {
                console.mirror = copy;
                console.was_restored = true;
                self.ledger.count("restores of mirrors");
                self.kill_console(index);
            }
            None => console.copy = Some(console.mirror.copied().expect("a mirror can be copied")),
        }
    }

    pub fn kill_hub(&mut self) {
        if self.hub.down {
            return;
        }
        self.ledger.count("deaths of the hub");
        self.hub.die();
        let wait = self.random.between(500, 45_000);
        self.at(wait, Event::Starts(Place::Hub));
    }

    pub fn kill_console(&mut self, console: usize) {
        if self.consoles[console].down {
            return;
        }
        self.ledger.count("deaths of consoles");
        self.consoles[console].die();
        let wait = self.random.between(100, 30_000);
        self.at(wait, Event::Starts(Place::Console(console)));
    }

    fn starts(&mut self, place: Place) {
        match place {
            Place::Hub if self.hub.down => {
                let (now, clock) = (self.now, self.hub_clock());
                self.hub.start(now, clock);
                let boot = self.hub.boot;
                self.at(0, Event::Round { boot });
            }
            Place::Console(index) if self.consoles[index].down => {
                self.consoles[index].down = false;
                self.start_sessions(index, 0);
            }
            _ => {}
        }
    }

    pub fn flight(&mut self, from: From) -> Option<&mut Option<Flight>> {
        match from.place {
            Place::Console(index) => self.consoles[index].flight(from.session, from.which),
            Place::Hub | Place::Source(_) => None,
        }
    }
}

fn brief(event: &Event) -> String {
    match event {
        Event::Answered(from, Reply::Page(page)) => {
            format!(
                "{from:?} gets ({}, {}] of {} in {}: {} rows",
                page.after,
                page.next,
                page.head,
                page.epoch,
                page.rows.len()
            )
        }
        Event::Asked(from, Ask::Push(ops)) => format!("{from:?} pushes {} operations", ops.len()),
        other => format!("{other:?}"),
    }
}

/// Returns what of an event is in the trace.
fn marks(event: &Event) -> [u64; 3] {
    match event {
        Event::Asked(from, ask) => match ask {
            Ask::Feed { cursor, .. } => [1, from.no, cursor.seq],
            Ask::Push(ops) => [2, from.no, ops.iter().map(|op| u64::from(op[op.len() - 1])).sum()],
            Ask::Receipts(_, receipts) => [3, from.no, receipts.len() as u64],
            Ask::Alerts(alerts) => [4, from.no, alerts.len() as u64],
        },
        Event::Answered(from, reply) => match reply {
            Reply::Page(page) => [5, from.no, page.next],
            Reply::Gone(_) => [6, from.no, 0],
            Reply::Pushed(answer) => [7, from.no, answer.head],
            Reply::Taken => [8, from.no, 0],
        },
        Event::TimedOut(from) => [9, from.no, 0],
        Event::Round { boot } => [10, *boot, 0],
        Event::Finished { boot, done } => [11, *boot, done.len() as u64],
        Event::Begin { console, session, boot, .. } => [12, *console as u64 + 8 * *session as u64, *boot],
        Event::Person(console) => [13, *console as u64, 0],
        Event::Speaks(source) => [14, *source as u64, 0],
        Event::Fault => [15, 0, 0],
        Event::Starts(_) => [16, 0, 0],
        Event::Healed(..) => [17, 0, 0],
    }
}
