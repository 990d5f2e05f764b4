//! Screens and keys: state in by events, screen out as text, at a fixed time.

mod calling;
mod guards;
mod hands;
mod history;
mod inbox;
mod keys;
mod leaving;
mod life;
mod panes;
mod people;
mod plain;
mod prompts;
mod queries;
mod reading;
mod runbooks;
mod screens;
mod selection;
mod several;
mod shared;
mod shift;
mod sight;
mod silences;
mod sizes;
mod truth;
mod undo;
mod verbs;

use super::event::{Effect, Event, Exit};
use super::key::KeyPress;
use super::keymap::Keymap;
use super::state::{Mode, State};
use super::theme::{Role, Theme};
use super::update::update;
use super::view;
use crate::domain::event::{Alert, End, Event as AlertEvent};
use crate::domain::grouping::Group;
use crate::domain::id::{IncidentId, Number, OpId, SourceName, UserName};
use crate::domain::incident::{Incident, Life, Line, Tally, Told};
use crate::domain::label::{IdentityRule, LabelLimits, Labels};
use crate::domain::op::{Act, Basis};
use crate::domain::series::Series;
use crate::domain::severity::Severity;
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::desk::Ask;
use crate::sync::picture::{Detail, Link, Notice, Picture, Row, Waiting};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::Duration;

/// 03:20 UTC of some night.
fn night() -> Timestamp {
    Timestamp::parse("2026-03-02T03:20:00Z").unwrap()
}

fn at(clock: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-03-02T{clock}:00Z")).unwrap()
}

fn id(number: u64) -> IncidentId {
    IncidentId::from_bytes(u128::from(number).to_be_bytes())
}

/// An incident that burns: number, severity (0 is unexamined), service, summary, since.
fn incident(number: u64, severity: u8, service: &str, summary: &str, since: &str) -> Row {
    let group = Group { key: number.to_string(), service: service.into(), summary: summary.into() };
    let mut incident = Incident::open(id(number), Number(number), group, at(since));
    incident.severity = Severity::new(severity).ok();
    incident.tally = Tally { firing: 1, unknown: 0, over: 0, instant: 0 };
    Row { incident: incident.into(), waiting: Vec::new(), said: Vec::new(), via_peer: None }
}

fn owned(mut row: Row, owner: &str) -> Row {
    row.incident_mut().life = Life::Acked;
    row.incident_mut().owner = UserName::parse(owner).ok();
    row.incident_mut().rev += 1;
    row.incident_mut().claim_no += 1;
    row
}

fn over(mut row: Row, since: &str) -> Row {
    row.incident_mut().tally = Tally { firing: 0, unknown: 0, over: 1, instant: 0 };
    row.incident_mut().resolve(at(since), None);
    row
}

fn rows() -> Vec<Row> {
    let mut recovering = owned(incident(8, 3, "mail-relay", "queue depth 12k", "01:40"), "mira");
    recovering.incident_mut().recovering_until = Some(at("03:25"));
    let mut unknown = incident(9, 0, "backup", "wal gap on eu-2", "01:12");
    unknown.incident_mut().tally = Tally { firing: 0, unknown: 2, over: 0, instant: 0 };
    let mut overdue = incident(11, 2, "checkout-web", "p99 latency 2.8s > 1.5s", "03:09");
    overdue.incident_mut().overdue = true;
    vec![
        over(incident(7, 3, "search", "index lag recovered", "00:30"), "01:58"),
        unknown,
        recovering,
        owned(incident(10, 2, "db-orders", "replica lag 340s", "02:51"), "jonas"),
        overdue,
        incident(12, 1, "payments-api", "error rate 38% > 5% for 3m", "03:16"),
    ]
}

fn series(number: u64) -> Series {
    let limits = (&LabelLimits::LABELS, &LabelLimits::ANNOTATIONS);
    let instance = format!("eu-1-{number}:9100");
    let labels =
        [("alertname", "HighErrorRate"), ("instance", &instance), ("service", "payments-api"), ("severity", "s1")];
    let texts = [("summary", "error rate 38% > 5% for 3m"), ("value", "0.38")];
    let alert = |end| Alert {
        labels: Labels::new(labels, limits.0).unwrap(),
        annotations: Labels::new(texts, limits.1).unwrap(),
        starts_at: None,
        end,
        generator_url: "http://prometheus:9090/graph?g0.expr=error_rate".into(),
    };
    let event = |end, clock| {
        let source = SourceName::parse("prometheus").unwrap();
        AlertEvent::new(source, alert(end), &IdentityRule::default(), at(clock))
    };
    let (mut series, _) = Series::begin(&event(End::Open, "02:40"));
    series.fold(&event(End::Ended(at("02:47")), "02:47"));
    series.fold(&event(End::Open, "03:16"));
    series
}

fn detail(number: u64) -> Arc<Detail> {
    let by = |clock: &str, told, text: &str| Line::by_hub(at(clock), told, text);
    let mut note = by(
        "03:18",
        Told::Note,
        "ledger lock is held by the batch job; mira looks at it and will call the payments lead",
    );
    note.author = crate::domain::incident::Author::User(UserName::parse("mira").unwrap());
    let lines = vec![by("03:16", Told::Opened, "HighErrorRate of prometheus"), note];
    Arc::new(Detail {
        incident: id(number),
        series: vec![series(1)],
        lines,
        pages: Vec::new(),
        similar: Some(Arc::default()),
        runbooks: Vec::new(),
    })
}

fn picture(rows: Vec<Row>) -> Picture {
    Picture {
        user: UserName::parse("mira").unwrap(),
        hub: "127.0.0.1:7400".into(),
        ingest: None,
        ingest_open: false,
        demo: false,
        link: Link::Live,
        halted: None,
        as_of: Some(at("03:17")),
        skew_ms: None,
        rows: Arc::new(rows),
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
        unsent: 0,
        notices: Vec::new(),
    }
}

fn offline() -> Link {
    Link::Offline { since: at("03:16"), reason: "connection refused".into(), refused: false }
}

/// A screen with a person before it; a key takes 100 ms.
struct Desk {
    state: State,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Desk {
    fn new(picture: Picture) -> Self {
        Self::sized(picture, 80, 24)
    }

    fn sized(picture: Picture, width: u16, height: u16) -> Self {
        let mut state = State::new(Arc::new(picture), Keymap::builtin(), Vec::new(), (width, height));
        state.now = night();
        Self { state, now: night(), effects: Vec::new() }
    }

    fn event(&mut self, event: Event) -> &mut Self {
        let effects = update(&mut self.state, event, self.now);
        self.effects.extend(effects);
        self
    }

    /// Lets what waits for the end of a burst of keys be done; the clock stays where it was, for keys are counted by it.
    fn rest(&mut self) -> &mut Self {
        let effects = update(&mut self.state, Event::Due, self.now.plus(Duration::from_millis(30)));
        self.effects.extend(effects);
        self
    }

    fn wait(&mut self, millis: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_millis(millis));
        self
    }

    /// Presses keys, separated by spaces; `"text"` in quotes is typed letter by letter (`_` is a space).
    fn keys(&mut self, keys: &str) -> &mut Self {
        for word in keys.split(' ').filter(|word| !word.is_empty()) {
            let typed = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
            let presses: Vec<KeyPress> = match typed {
                Some(text) => text
                    .chars()
                    .map(|c| KeyPress::plain(super::key::Key::Char(if c == '_' { ' ' } else { c })))
                    .collect(),
                None => vec![KeyPress::parse(word).unwrap()],
            };
            for press in presses {
                self.wait(100).event(Event::Key(press)).rest();
            }
        }
        self
    }

    fn show(&mut self, picture: Picture) -> &mut Self {
        self.event(Event::Picture(Arc::new(picture)))
    }

    /// Changes the picture that is shown.
    fn change(&mut self, change: impl FnOnce(&mut Picture)) -> &mut Self {
        let mut picture = (*self.state.picture).clone();
        change(&mut picture);
        self.show(picture)
    }

    fn change_row(&mut self, number: u64, change: impl FnOnce(&mut Row)) -> &mut Self {
        self.change(|picture| {
            let rows = Arc::make_mut(&mut picture.rows);
            change(rows.iter_mut().find(|row| row.incident.number == Number(number)).unwrap());
        })
    }

    fn add(&mut self, row: Row) -> &mut Self {
        self.change(|picture| Arc::make_mut(&mut picture.rows).push(row))
    }

    fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.state.width, self.state.height));
        view::draw(&self.state, &Theme::base16(), &mut buffer);
        buffer
    }

    fn lines(&self) -> Vec<String> {
        text(&self.buffer())
    }

    fn screen(&self) -> String {
        self.lines().join("\n")
    }

    /// Returns the line of the screen where the cursor stands, and its number.
    fn cursor(&self) -> (usize, String) {
        let lines = self.lines();
        let line = lines.iter().position(|line| line.starts_with('>')).unwrap();
        (line, lines[line].clone())
    }

    fn selected(&self) -> u64 {
        self.state.row().unwrap().incident.number.0
    }

    fn submitted(&self) -> Vec<(IncidentId, Act)> {
        let of = |effect: &Effect| match effect {
            Effect::Ask(Ask::Submit { incident, act, .. }) => Some((*incident, act.clone())),
            _ => None,
        };
        self.effects.iter().filter_map(of).collect()
    }

    fn has(&self, words: &str) -> bool {
        self.screen().contains(words)
    }
}

fn text(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    let mut lines = Vec::new();
    for row in buffer.content.chunks(width) {
        let (mut line, mut skip) = (String::new(), 0);
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Presses keys on the usual screen, and expects these words on it.
#[track_caller]
fn check(keys: &str, words: &[&str]) {
    let mut desk = Desk::new(picture(rows()));
    desk.keys(keys);
    for word in words {
        assert!(desk.has(word), "{word:?} is not on the screen:\n{}", desk.screen());
    }
}

/// Presses keys on the usual screen, and expects that exactly this is asked of the hub.
#[track_caller]
fn check_asked(keys: &str, expect: &[(u64, Act)]) {
    let mut desk = Desk::new(picture(rows()));
    desk.keys(keys);
    let expect: Vec<_> = expect.iter().map(|(number, act)| (id(*number), act.clone())).collect();
    assert_eq!(desk.submitted(), expect, "{}", desk.screen());
}

/// Returns the change that an own operation makes which waits.
fn wait_for(act: Act) -> impl FnOnce(&mut Row) {
    move |row| row.waiting.push(Waiting { op_id: OpId::from_bytes([0; 16]), act, created_at: at("03:20") })
}
