//! Screens and keys: state in by events, screen out as text, at a fixed time.

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
    Row { incident, waiting: Vec::new(), said: Vec::new(), via_peer: None }
}

fn owned(mut row: Row, owner: &str) -> Row {
    row.incident.life = Life::Acked;
    row.incident.owner = UserName::parse(owner).ok();
    row.incident.rev += 1;
    row.incident.claim_no += 1;
    row
}

fn over(mut row: Row, since: &str) -> Row {
    row.incident.tally = Tally { firing: 0, unknown: 0, over: 1, instant: 0 };
    row.incident.resolve(at(since), None);
    row
}

fn rows() -> Vec<Row> {
    let mut recovering = owned(incident(8, 3, "mail-relay", "queue depth 12k", "01:40"), "mira");
    recovering.incident.recovering_until = Some(at("03:25"));
    let mut unknown = incident(9, 0, "backup", "wal gap on eu-2", "01:12");
    unknown.incident.tally = Tally { firing: 0, unknown: 2, over: 0, instant: 0 };
    let mut overdue = incident(11, 2, "checkout-web", "p99 latency 2.8s > 1.5s", "03:09");
    overdue.incident.overdue = true;
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
    Arc::new(Detail { incident: id(number), series: vec![series(1)], lines, pages: Vec::new() })
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
        detail: None,
        calls: Vec::new(),
        inbox: Vec::new(),
        alarms: Vec::new(),
        undo: Vec::new(),
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
        let state = State::new(Arc::new(picture), Keymap::builtin(), Vec::new(), (width, height));
        Self { state, now: night(), effects: Vec::new() }
    }

    fn event(&mut self, event: Event) -> &mut Self {
        let effects = update(&mut self.state, event, self.now);
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
                self.wait(100).event(Event::Key(press));
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

mod screens {
    use super::*;

    #[test]
    fn eighty_by_twenty_four() {
        let mut desk = Desk::new(picture(rows()));
        desk.change(|picture| picture.detail = Some(detail(12)));
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn styles_of_eighty_by_twenty_four() {
        let buffer = Desk::new(picture(rows())).buffer();
        let theme = Theme::base16();
        let named = |cell: &ratatui::buffer::Cell| {
            let of = |role: Role| ratatui::buffer::Cell::default().set_style(theme.style(role)).style();
            let same = |role: &&Role| of(**role) == cell.style();
            Role::ALL.iter().find(same).map_or("mixed", |role| role.name())
        };
        let mut out = String::new();
        for (y, row) in buffer.content.chunks(80).enumerate() {
            for run in row.chunk_by(|a, b| a.style() == b.style()).filter(|run| named(&run[0]) != "text") {
                let words: String = run.iter().map(|cell| cell.symbol()).collect();
                out.push_str(&format!("{y:2} {:14} {}\n", named(&run[0]), words.trim()));
            }
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_hundred_and_twenty_by_forty() {
        let mut desk = Desk::sized(picture(rows()), 120, 40);
        desk.change(|picture| picture.detail = Some(detail(12))).keys("j k");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn forty_by_twelve_offline() {
        let mut desk = Desk::sized(picture(rows()), 40, 12);
        desk.change(|picture| picture.link = offline());
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn offline_with_something_unsent() {
        let mut desk = Desk::new(picture(rows()));
        desk.change(|picture| picture.link = offline()).keys("a");
        desk.change(|picture| picture.unsent = 1).change_row(12, wait_for(Act::Ack));
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn the_opened_incident() {
        let mut desk = Desk::new(picture(rows()));
        desk.change(|picture| picture.detail = Some(detail(12))).keys("enter");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn help() {
        let mut desk = Desk::sized(picture(rows()), 120, 50);
        desk.keys("?");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn a_question_at_sixty_by_twenty() {
        let mut desk = Desk::sized(picture(rows()), 60, 20);
        desk.keys("D");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn a_command_being_typed_while_something_new_stands_above() {
        let mut desk = Desk::sized(picture(rows()), 100, 20);
        desk.keys("j").wait(5000).add(incident(1313, 1, "dns", "all resolvers fail", "03:19"));
        desk.keys(": \"un\"");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn a_note_at_thirty_by_six() {
        let mut desk = Desk::sized(picture(rows()), 30, 6);
        desk.keys("n \"it_is_the_ledger_lock_again\" left left");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn a_first_start_without_alerts() {
        let mut picture = picture(Vec::new());
        picture.ingest = Some("127.0.0.1:7400".into());
        picture.ingest_open = true;
        insta::assert_snapshot!(Desk::new(picture).screen());
    }

    #[test]
    fn the_smallest_screens_say_how_it_stands() {
        let mut picture = picture(rows());
        picture.link = offline();
        assert_eq!(Desk::sized(picture.clone(), 19, 2).lines()[0], "un:3 OFFLINE");
        assert_eq!(Desk::sized(picture.clone(), 1, 1).lines(), ["~"]);
        assert!(Desk::sized(picture, 20, 3).lines()[0].contains("OFFLINE"));
    }

    #[test]
    fn no_size_makes_it_panic() {
        for keys in ["", "enter", "?", "a", "n \"abc\"", "D", ": \"q\"", "/ \"pay\"", "G tab ctrl-d"] {
            let mut desk = Desk::new(picture(rows()));
            desk.change(|picture| picture.detail = Some(detail(12))).keys(keys);
            for width in (1..=130).step_by(7) {
                for height in (1..=45).step_by(3) {
                    desk.event(Event::Resize { width, height });
                    assert_eq!(desk.lines().len(), usize::from(height));
                }
            }
        }
    }
}

/// Returns the change that an own operation makes which waits.
fn wait_for(act: Act) -> impl FnOnce(&mut Row) {
    move |row| row.waiting.push(Waiting { op_id: OpId::from_bytes([0; 16]), act, created_at: at("03:20") })
}

mod selection {
    use super::*;

    #[test]
    fn the_worst_and_newest_stands_first_and_what_is_over_last() {
        let desk = Desk::new(picture(rows()));
        let numbers: Vec<u64> = (0..6).map(|position| desk.state.row_at(position).unwrap().incident.number.0).collect();
        assert_eq!(numbers, [12, 11, 10, 8, 9, 7]);
    }

    #[test]
    fn a_row_that_comes_above_moves_neither_selection_nor_line() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("j");
        let before = desk.cursor();
        desk.wait(5000).add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
        assert_eq!(desk.cursor(), before);
        assert_eq!(desk.selected(), 11);
        assert!(desk.has("1 NEW ABOVE: S1 13 dns") && desk.has("1 above (1 new)"), "{}", desk.screen());
        assert!(desk.keys("g g").has("all resolvers fail") && !desk.has("above"));
    }

    #[test]
    fn a_list_that_nobody_touches_shows_its_top_and_keeps_its_selection() {
        let mut desk = Desk::new(picture(rows()));
        desk.add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
        assert_eq!(desk.selected(), 12);
        assert!(desk.has("all resolvers fail") && desk.cursor().1.contains("payments-api"));
    }

    #[test]
    fn the_order_stands_still_while_the_cursor_moves() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("j j").wait(1000).change_row(9, |row| row.incident.severity = Some(Severity::S1));
        assert!(desk.state.held);
        assert_eq!((desk.selected(), desk.state.position()), (10, Some(2)));
        let line = desk.cursor().0;
        desk.wait(3000).event(Event::Due);
        assert!(!desk.state.held);
        assert_eq!((desk.selected(), desk.state.position(), desk.cursor().0), (10, Some(3), line));
    }

    #[test]
    fn a_row_that_vanishes_gives_the_cursor_to_a_neighbour_that_no_key_is_meant_for_yet() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("j")
            .change(|picture| Arc::make_mut(&mut picture.rows).retain(|row| row.incident.number != Number(11)));
        assert_eq!(desk.selected(), 10);
        assert!(desk.keys("a").submitted().is_empty());
        assert!(desk.has("10 changed just now, press a again"));
    }

    #[test]
    fn opening_and_moving_look_at_the_incident_once() {
        let looks = |desk: &Desk| -> Vec<Effect> {
            desk.effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Look(_)))).cloned().collect()
        };
        let look = |number| Effect::Ask(Ask::Look(Some(id(number))));
        let mut narrow = Desk::sized(picture(rows()), 50, 24);
        narrow.keys("j j");
        assert_eq!(looks(&narrow), []);
        narrow.keys("enter esc");
        assert_eq!(looks(&narrow), [look(10), Effect::Ask(Ask::Look(None))]);
        let mut wide = Desk::new(picture(rows()));
        wide.keys("j k tab tab j");
        assert_eq!(looks(&wide), [look(11), look(12), look(11)]);
    }

    #[test]
    fn moves_go_to_both_ends_and_no_further() {
        for (keys, expect) in
            [("G", 7), ("G g g", 12), ("end home", 12), ("ctrl-d", 7), ("j pagedown pageup", 12), ("k", 12), ("G j", 7)]
        {
            let mut desk = Desk::new(picture(rows()));
            assert_eq!(desk.keys(keys).selected(), expect, "{keys}");
        }
    }

    #[test]
    fn a_broken_sequence_does_nothing() {
        check_asked("g a", &[]);
    }
}

mod verbs {
    use super::*;

    #[test]
    fn a_acknowledges_what_the_cursor_is_on_with_what_was_seen() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("j a");
        let submit = Ask::Submit { incident: id(11), basis: Basis { rev: 1, claim_no: 0 }, act: Act::Ack };
        assert!(desk.effects.contains(&Effect::Ask(submit)), "{:?}", desk.effects);
    }

    #[test]
    fn an_ack_waits_visibly_until_the_hub_confirms_it() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("a");
        assert!(desk.has("ack 12 ...") && desk.cursor().1.contains(" NEW  "));
        desk.change_row(12, wait_for(Act::Ack));
        assert!(desk.cursor().1.contains("12   NEW>ack "), "{}", desk.screen());
        assert!(desk.has("ack 12 saved here, waiting for the hub"));
        desk.change(|picture| {
            let row = &mut Arc::make_mut(&mut picture.rows)[5];
            *row = owned(Row { waiting: Vec::new(), ..row.clone() }, "mira");
            picture.notices.push(Notice {
                no: 1,
                text: "ack 12: yours, confirmed by the hub".into(),
                welcome: true,
                answer: None,
            });
        });
        assert!(desk.cursor().1.contains("12   ACK  ") && desk.cursor().1.ends_with("you"), "{}", desk.screen());
        assert!(desk.has("ack 12: yours, confirmed by the hub"));
    }

    #[test]
    fn offline_an_ack_says_that_it_was_not_sent() {
        let mut desk = Desk::new(picture(rows()));
        desk.change(|picture| picture.link = offline()).keys("a").change_row(12, wait_for(Act::Ack));
        for word in [
            "OFFLINE since 03:16Z: NO new alerts come here",
            "NEW>ack?",
            "NOT sent. The first call at 03:16Z may still fire.",
        ] {
            assert!(desk.has(word), "{}", desk.screen());
        }
        desk.wait(60_000).event(Event::Due);
        assert!(desk.has("NOT sent"));
        assert!(!desk.keys("esc").has("NOT sent. The"));
    }

    #[test]
    fn a_busy_mirror_is_not_called_saved() {
        let mut desk = Desk::new(picture(rows()));
        assert!(desk.keys("a").event(Event::Busy).has("NOT done"));
    }

    #[test]
    fn a_row_that_changed_under_the_cursor_refuses_the_verb_for_a_moment() {
        let mut desk = Desk::new(picture(rows()));
        desk.change_row(12, |row| row.incident.rev += 1).keys("a");
        assert!(desk.submitted().is_empty() && desk.has("12 changed just now, press a again"));
        desk.wait(700).keys("a");
        assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
    }

    #[test]
    fn a_change_of_another_row_refuses_nothing() {
        let mut desk = Desk::new(picture(rows()));
        desk.change_row(11, |row| row.incident.rev += 1).keys("a");
        assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
    }

    #[test]
    fn a_held_key_counts_once() {
        check_asked("a a a", &[(12, Act::Ack)]);
    }

    #[test]
    fn acking_what_another_has_asks_first() {
        check("j j a", &["jonas has 10; y joins, Esc leaves it (db-orders)"]);
        check_asked("j j a a enter", &[]);
        check_asked("j j a y", &[(10, Act::Ack)]);
    }

    #[test]
    fn resolve_needs_another_key_than_the_one_that_asked() {
        check("D", &["Resolve 12? 1 fire: f forces, Esc leaves it"]);
        check_asked("D D enter space a", &[]);
        check_asked("D esc y", &[]);
        check_asked("D y", &[(12, Act::Resolve { force: false })]);
        check_asked("D f", &[(12, Act::Resolve { force: true })]);
    }

    #[test]
    fn force_is_not_offered_where_nothing_burns() {
        check("j j j j D", &["Resolve 9? y resolves, Esc leaves it (backup)"]);
        check_asked("j j j j D f", &[]);
    }

    #[test]
    fn a_question_stays_with_the_incident_it_was_about() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("D").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5));
        desk.keys("y");
        assert_eq!(desk.submitted(), [(id(12), Act::Resolve { force: false })]);
    }

    #[test]
    fn enter_never_acts() {
        check_asked("enter enter enter", &[]);
        check_asked("tab enter", &[]);
        check_asked("y f u", &[]);
    }

    #[test]
    fn a_note_is_typed_and_sent() {
        check("n \"look:_j_a\"", &["Note on 12: look: j a"]);
        check_asked("n \"look\" enter", &[(12, Act::Note { text: "look".into() })]);
        check_asked("n enter", &[]);
        check_asked("n \"look\" esc", &[]);
    }

    #[test]
    fn a_cancelled_note_is_kept_as_a_draft_of_its_incident() {
        check("n \"draft\" esc n", &["Note on 12: draft"]);
        let mut desk = Desk::new(picture(rows()));
        assert!(!desk.keys("n \"draft\" esc j n").has("draft"));
    }

    #[test]
    fn a_verdict_that_nobody_wanted_stays_until_esc() {
        let mut desk = Desk::new(picture(rows()));
        let notice = |no, text: &str, welcome| Notice { no, text: text.into(), welcome, answer: None };
        desk.change(|picture| picture.notices.push(notice(1, "ack 12: too late: already resolved", false)));
        desk.change(|picture| picture.notices.push(notice(2, "note 11: confirmed by the hub", true)));
        desk.wait(60_000).event(Event::Due);
        assert!(desk.has("too late"));
        assert!(!desk.keys("esc").has("too late"));
    }

    #[test]
    fn verdicts_of_before_the_start_are_not_told_again() {
        let mut picture = picture(rows());
        picture.notices.push(Notice { no: 7, text: "ack 1: too late".into(), welcome: false, answer: None });
        let mut desk = Desk::new(picture.clone());
        assert!(!desk.show(picture).has("too late"));
    }

    #[test]
    fn what_cannot_be_seen_cannot_be_acted_on() {
        let mut desk = Desk::sized(picture(rows()), 19, 2);
        assert!(desk.keys("a").submitted().is_empty());
    }
}

mod people {
    use super::*;
    use crate::domain::id::OpId;
    use crate::domain::incident::Offer;
    use crate::domain::judge::{Newer, Refusal, Verdict};
    use crate::domain::op::Kind;
    use crate::domain::paging::{Callee, Level, Page, PageId, PageState, Paging, Shift, Step};
    use crate::sync::foresight::{Known, Undoable};
    use crate::sync::picture::{Answer, Letter, LetterId, LocalAlarm, Matter, Said};

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn op(number: u8) -> OpId {
        OpId::from_bytes([number; 16])
    }

    /// Three people; lena is on call until 06:00, jonas from then on; level 2 calls jonas.
    fn known() -> Arc<Known> {
        let shift = |person, from, to| Shift { person: user(person), from: at(from), to: at(to) };
        let within = Duration::from_secs(600);
        let level = |callee| Level { call: vec![callee], within };
        let paging = Paging {
            levels: vec![level(Callee::OnCall), level(Callee::Person(user("jonas")))],
            on_call: vec![shift("mira", "00:00", "06:00"), shift("jonas", "06:00", "12:00")],
            ..Paging::default()
        };
        Arc::new(Known { paging: Some(paging), people: ["jonas", "lena", "mira"].map(user).into() })
    }

    /// The usual rows, with the first level of each called and the next due at 03:26.
    fn called() -> Picture {
        let mut picture = picture(rows());
        for row in Arc::make_mut(&mut picture.rows) {
            (row.incident.level, row.incident.step_due_at) = (1, at("03:26"));
        }
        picture.known = known();
        picture
    }

    fn page(number: u64, step: Step) -> Page {
        Page {
            id: PageId([number as u8; 16]),
            incident: id(number),
            fire_no: 1,
            step,
            round: 0,
            person: user("mira"),
            channel: "console".into(),
            link: 0,
            must: false,
            why: String::new(),
            state: PageState::Sent,
            queued_at: at("03:16"),
            not_before: at("03:16"),
            attempts: 1,
            lease_no: 1,
            lease_until: None,
            delivered_at: None,
            seen_at: None,
            acknowledged_at: None,
            closed: None,
        }
    }

    #[track_caller]
    fn check_called(keys: &str, expect: &[(u64, Act)]) {
        let mut desk = Desk::new(called());
        desk.keys(keys);
        let expect: Vec<_> = expect.iter().map(|(number, act)| (id(*number), act.clone())).collect();
        assert_eq!(desk.submitted(), expect, "{}", desk.screen());
    }

    /// The time that a test's keys, each 100 ms, have come to.
    fn in_minutes(minutes: u64, keys: u64) -> Timestamp {
        night().plus(Duration::from_secs(minutes * 60)).plus(Duration::from_millis(keys * 100))
    }

    #[test]
    fn a_snooze_is_two_keys_and_says_when_it_wakes_and_what_goes_on() {
        let mut desk = Desk::new(called());
        desk.keys("s");
        insta::assert_snapshot!(desk.screen());
        assert_eq!(desk.submitted(), []);
        check_called("s 1", &[(12, Act::Snooze { until: in_minutes(15, 2), until_change: false })]);
        check_called("s 4", &[(12, Act::Snooze { until: in_minutes(24 * 60, 2), until_change: true })]);
        check_called("s 5", &[(12, Act::Snooze { until: at("06:00"), until_change: false })]);
        check_called("s 9", &[]);
        check_called("s enter s esc", &[]);
    }

    #[test]
    fn a_typed_time_is_told_before_it_counts() {
        let mut desk = Desk::new(called());
        desk.state.zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
        desk.keys("s c \"05:00_change\"");
        insta::assert_snapshot!(desk.screen());
        desk.keys("enter");
        assert_eq!(desk.submitted(), [(id(12), Act::Snooze { until: at("04:00"), until_change: true })]);
        let mut desk = Desk::new(called());
        desk.keys("s c \"soon\" enter");
        assert!(desk.has("\"soon\" is no time") && desk.submitted().is_empty(), "{}", desk.screen());
        desk.keys("ctrl-u \"2d\" enter");
        assert!(desk.has("a snooze lasts a day at most") && desk.submitted().is_empty(), "{}", desk.screen());
    }

    #[test]
    fn escalating_lists_who_is_called_and_asks() {
        let mut desk = Desk::new(called());
        desk.keys("E");
        insta::assert_snapshot!(desk.screen());
        check_called("E 1", &[]);
        check_called("E 1 enter 1 E", &[]);
        check_called("E 1 y", &[(12, Act::Escalate { to: None, level_seen: 1 })]);
        check_called("E 3 y", &[(12, Act::Escalate { to: Some(user("lena")), level_seen: 1 })]);
        check_called("E c \"jo\" tab enter y", &[(12, Act::Escalate { to: Some(user("jonas")), level_seen: 1 })]);
        check_called("E c \"eve\" enter y", &[]);
        let mut desk = Desk::new(called());
        assert!(desk.keys("E 1").has("Escalate 12? y calls level 2: jonas, for good"), "{}", desk.screen());
    }

    #[test]
    fn every_verb_has_its_key_and_its_words() {
        let offer = |minutes, keys| Act::Offer { to: user("lena"), expires_at: in_minutes(minutes, keys) };
        check_called("h \"lena\" enter y", &[(12, offer(20, 6))]);
        check_called(": \"offer_lena_1h\" enter y", &[(12, offer(60, 15))]);
        check_called("j j t y", &[(10, Act::TakeOver)]);
        check_called("t", &[(12, Act::TakeOver)]);
        check_called("@ \"lena\" enter y", &[(12, Act::Assign { to: user("lena") })]);
        check_called("S \"s5\" enter y", &[(12, Act::SetSeverity { to: Severity::new(5).unwrap() })]);
        check_called("S \"critical\" enter y", &[]);
        check_called("M \"11\" enter y", &[(12, Act::Merge { into: id(11) })]);
        check_called("M \"7\" enter y", &[]);
        check_called("M \"12\" enter y", &[]);
        check_called("G O y", &[(7, Act::Reopen)]);
        let wait = Act::Wait {
            reason: "a disk".into(),
            ticket: "OPS-1".into(),
            until: at("09:00").plus(Duration::from_secs(86_400)),
        };
        check_called("w \"tomorrow_09:00_#OPS-1_a_disk\" enter", &[(12, wait)]);
        check_called("w \"2d\" enter", &[]);
        check_called(": \"resolve_force\" enter y", &[(12, Act::Resolve { force: true })]);
        check_called(": \"snooze_4h\" enter", &[(12, Act::Snooze { until: in_minutes(240, 11), until_change: false })]);
        check_called(": \"accept\" enter", &[]);
    }

    #[test]
    fn a_split_names_series_that_are_on_the_screen() {
        let mut desk = Desk::new(called());
        desk.change(|picture| {
            picture.detail = Some(detail(12));
            Arc::make_mut(&mut picture.rows)[5].incident.tally.firing = 2;
        });
        desk.wait(1000).keys("% \"instance=eu-1-9:9100\" enter");
        assert!(desk.has("no series is") && desk.submitted().is_empty(), "{}", desk.screen());
        desk.keys("ctrl-u \"instance=eu-1-1:9100\" enter");
        assert!(desk.has("Split 12? y makes 1 of 2 series their own incident"), "{}", desk.screen());
        desk.keys("y");
        assert!(matches!(&desk.submitted()[0].1, Act::Split { series } if series.len() == 1));
    }

    #[test]
    fn a_prompt_stays_with_the_incident_and_the_basis_it_was_opened_on() {
        let mut desk = Desk::new(called());
        desk.keys("s").change_row(12, |row| row.incident.rev = 9).wait(1000).keys("1");
        let basis = desk.effects.iter().find_map(|effect| match effect {
            Effect::Ask(Ask::Submit { incident, basis, .. }) => Some((*incident, *basis)),
            _ => None,
        });
        assert_eq!(basis, Some((id(12), Basis { rev: 1, claim_no: 0 })), "the hub will see that it was another then");
        let mut desk = Desk::new(called());
        desk.keys("h \"lena\"").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5)).keys("enter y");
        assert_eq!(desk.submitted()[0].0, id(12));
    }

    #[test]
    fn what_changed_a_moment_ago_takes_no_answer() {
        let mut desk = Desk::new(called());
        desk.keys("E 1").change_row(12, |row| row.incident.rev += 1).keys("y");
        assert!(desk.submitted().is_empty() && desk.has("nothing was done"), "{}", desk.screen());
        let mut desk = Desk::new(called());
        desk.keys("s").change_row(12, |row| row.incident.rev += 1).keys("1");
        assert!(desk.submitted().is_empty() && desk.has("12 changed just now"), "{}", desk.screen());
    }

    fn undoable(number: u64, kind: Kind, clock: &str) -> Undoable {
        Undoable {
            op: op(9),
            kind,
            incident: id(number),
            created_at: at(clock),
            refused: None,
            call: Some("escalation at 03:26Z".into()),
            call_at: Some(at("03:26")),
        }
    }

    #[test]
    fn undo_names_what_it_takes_back() {
        let mut picture = called();
        picture.undo = vec![undoable(12, Kind::Ack, "03:02")];
        let mut desk = Desk::new(picture);
        desk.keys("u");
        assert!(desk.has("Undo ack 12 of 03:02Z? y takes it back: escalation at 03:26Z"), "{}", desk.screen());
        assert_eq!(desk.submitted(), []);
        desk.keys("y");
        assert_eq!(desk.submitted(), [(id(12), Act::Undo { op: op(9), kind: Kind::Ack })]);
    }

    #[test]
    fn what_was_done_here_a_moment_ago_is_undone_at_once() {
        let undo = Act::Undo { op: op(9), kind: Kind::Ack };
        let mut desk = Desk::new(called());
        desk.keys("a").change(|picture| picture.undo = vec![undoable(12, Kind::Ack, "03:20")]).keys("u");
        assert_eq!(desk.submitted(), [(id(12), Act::Ack), (id(12), undo.clone())]);
        assert!(desk.has("undo ack 12 ...: escalation at 03:26Z"), "{}", desk.screen());
        // Not where it calls somebody now.
        let now = Undoable { call_at: Some(at("03:20")), ..undoable(12, Kind::Ack, "03:20") };
        let mut desk = Desk::new(called());
        desk.keys("a").change(|picture| picture.undo = vec![now]).keys("u");
        assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
    }

    #[test]
    fn what_cannot_be_undone_says_so_and_offers_what_stands_before_it() {
        let mut picture = called();
        let why = Verdict::Refused { because: Refusal::CannotUndo { kind: "escalate".into() } }.sentence();
        let refused = Undoable { refused: Some(why), call: None, ..undoable(11, Kind::Escalate, "03:19") };
        picture.undo = vec![refused.clone()];
        let mut desk = Desk::new(picture.clone());
        assert!(desk.keys("u").has("escalate 11: refused: people have been called; tell them by a note"));
        picture.undo = vec![refused, undoable(12, Kind::Ack, "03:02")];
        let mut desk = Desk::new(picture);
        assert!(desk.keys("u").has("y undoes ack 12 instead"), "{}", desk.screen());
        desk.keys("u u enter");
        assert_eq!(desk.submitted(), []);
        desk.keys("y");
        assert_eq!(desk.submitted(), [(id(12), Act::Undo { op: op(9), kind: Kind::Ack })]);
        let mut desk = Desk::new(called());
        assert!(desk.keys("u").has("nothing of yours stands"));
    }

    #[test]
    fn giving_back_asks_where_that_calls_somebody_at_once() {
        let mut desk = Desk::new(called());
        desk.change_row(10, |row| row.incident.owner = Some(user("mira"))).wait(1000).keys("j j : \"unack\" enter");
        assert_eq!(desk.submitted(), [(id(10), Act::Unack)], "not before 03:26: {}", desk.screen());
        let mut desk = Desk::new(called());
        desk.change_row(10, |row| {
            (row.incident.owner, row.incident.step_due_at) = (Some(user("mira")), at("03:10"));
        });
        desk.wait(1000).keys("j j : \"unack\" enter");
        assert!(desk.submitted().is_empty() && desk.has("Give 10 back? y calls people at once"), "{}", desk.screen());
    }

    #[test]
    fn marks_are_acted_on_together_after_a_list_and_their_count() {
        let mut desk = Desk::new(called());
        desk.keys("space space space");
        assert!(desk.has("3 marked") && desk.has(" *S1 12"), "{}", desk.screen());
        desk.keys("a");
        insta::assert_snapshot!(desk.screen());
        desk.keys("\"2\" enter enter y");
        assert_eq!(desk.submitted(), []);
        desk.keys("ctrl-u \"3\" enter");
        assert_eq!(desk.submitted(), [(id(12), Act::Ack), (id(11), Act::Ack), (id(10), Act::Ack)]);
        assert!(desk.state.marks.is_empty());
        let answer = |number, verdict: Verdict| Notice {
            no: number,
            text: format!("ack {number}"),
            welcome: verdict.is_welcome(),
            answer: Some(Answer { op_id: op(number as u8), incident: id(number), act: Act::Ack, verdict }),
        };
        desk.change(|picture| {
            picture.notices.push(answer(10, Verdict::Joined { owner: user("jonas") }));
            picture.notices.push(answer(12, Verdict::Won { claim_no: 1 }));
        });
        insta::assert_snapshot!(desk.screen());
        assert!(
            desk.keys("esc : \"results\" enter").has("11    checkout-web     waits for the hub"),
            "{}",
            desk.screen()
        );
    }

    #[test]
    fn a_list_that_changed_a_moment_ago_is_not_carried_out() {
        let mut desk = Desk::new(called());
        desk.keys("space space a \"2\"").change_row(11, |row| row.incident.rev += 1).keys("enter");
        assert!(desk.submitted().is_empty() && desk.has("nothing was done"), "{}", desk.screen());
    }

    #[test]
    fn what_comes_after_the_list_is_not_touched() {
        let mut desk = Desk::new(called());
        desk.keys("A").add(incident(13, 1, "dns", "all resolvers fail", "03:19"));
        assert!(desk.has("Type 3 and Enter"), "{}", desk.screen());
        desk.keys("\"3\" enter");
        let mut numbers: Vec<IncidentId> = desk.submitted().into_iter().map(|(incident, _)| incident).collect();
        numbers.sort();
        assert_eq!(numbers, [id(9), id(11), id(12)], "what nobody has, as the filter showed it");
    }

    #[test]
    fn marks_go_by_esc_and_with_what_vanishes() {
        let mut desk = Desk::new(called());
        desk.keys("space space").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5));
        assert_eq!(desk.state.marks.len(), 1);
        assert!(!desk.keys("esc").has("marked"));
        desk.keys(": \"marks\" enter");
        assert_eq!(desk.state.marks.len(), 4, "what is over is not marked");
        assert!(desk.keys(": \"marks_clear\" enter").state.marks.is_empty());
    }

    #[test]
    fn a_shift_goes_to_who_is_next_by_two_keys() {
        let mine = |picture: &mut Picture| {
            for row in Arc::make_mut(&mut picture.rows) {
                if row.incident.number == Number(10) {
                    row.incident.owner = Some(user("mira"));
                }
            }
        };
        let mut picture = called();
        mine(&mut picture);
        let mut desk = Desk::new(picture);
        desk.keys("H");
        insta::assert_snapshot!(desk.screen());
        desk.keys("y");
        let offer = Act::Offer { to: user("jonas"), expires_at: in_minutes(20, 1) };
        assert_eq!(desk.submitted(), [(id(8), offer.clone()), (id(10), offer)]);
        let mut picture = called();
        mine(&mut picture);
        let mut desk = Desk::new(picture);
        desk.keys("H c \"lena_1h\" enter");
        assert!(desk.has("Hand 2 incidents over to lena, who may accept until 04:20Z"), "{}", desk.screen());
        assert_eq!(desk.submitted(), []);
    }

    fn offered() -> Picture {
        let mut picture = called();
        for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number == Number(10)) {
            row.incident.offer = Some(Offer { op: op(3), to: user("mira"), expires_at: at("03:40") });
        }
        picture
    }

    #[test]
    fn an_offer_stands_in_the_banner_and_is_answered_in_the_inbox() {
        let mut desk = Desk::new(offered());
        assert!(
            desk.has("jonas offers you 10 until 03:40Z: db-orders (I answers, H accepts all)"),
            "{}",
            desk.screen()
        );
        assert!(desk.has("inbox 1"), "{}", desk.screen());
        desk.keys("y");
        assert_eq!(desk.submitted(), [], "y alone changes nothing");
        desk.keys("I");
        assert!(desk.has("y accepts, n declines"), "{}", desk.screen());
        desk.keys("y");
        assert_eq!(desk.submitted(), [(id(10), Act::Accept { offer: op(3) })]);
        let mut desk = Desk::new(offered());
        desk.keys("I n");
        assert_eq!(desk.submitted(), [(id(10), Act::Decline { offer: op(3) })]);
        let mut desk = Desk::new(offered());
        desk.keys("H");
        assert!(desk.has("Accept 1 incident offered to you"), "{}", desk.screen());
        desk.keys("y");
        assert_eq!(desk.submitted(), [(id(10), Act::Accept { offer: op(3) })]);
    }

    #[test]
    fn who_won_a_claim_is_told_that_a_key_keeps_it() {
        let mut desk = Desk::new(picture(rows()));
        let answer = Answer { op_id: op(1), incident: id(12), act: Act::Ack, verdict: Verdict::Won { claim_no: 1 } };
        let text = "ack 12: yours, confirmed by the hub".into();
        desk.change(|picture| picture.notices.push(Notice { no: 1, text, welcome: true, answer: Some(answer) }));
        assert!(desk.has("ack 12: yours, confirmed by the hub; press any key to show you saw it"), "{}", desk.screen());
    }

    #[test]
    fn what_is_open_is_not_reopened_and_nothing_is_promised() {
        let mut desk = Desk::new(offered());
        desk.keys("O");
        assert!(desk.has("is not resolved; nothing was done"), "{}", desk.screen());
        assert!(!desk.has("people are called"), "{}", desk.screen());
    }

    #[test]
    fn the_detail_says_to_whom_it_is_offered() {
        let mut desk = Desk::new(offered());
        assert!(desk.keys("j j").has("offered to you until 03-02 03:40Z"), "{}", desk.screen());
    }

    fn letter(number: u8, incident: u64, act: Act, verdict: Verdict) -> Letter {
        let matter = Matter::Answer { act, verdict };
        Letter {
            id: LetterId::Answer(op(number)),
            incident: id(incident),
            number: Some(Number(incident)),
            at: at("03:12"),
            matter,
        }
    }

    fn lost(no: u64, incident: u64, owner: Option<&str>) -> Letter {
        let matter = Matter::Lost { owner: owner.map(user), why: "jonas took it over from mira".into() };
        Letter {
            id: LetterId::Loss(no),
            incident: id(incident),
            number: Some(Number(incident)),
            at: at("03:13"),
            matter,
        }
    }

    fn letters() -> Vec<Letter> {
        let resolved = Verdict::Superseded { by: Newer::Resolved { successor: Some(id(12)) } };
        let firing = Verdict::Refused { because: Refusal::StillFiring { firing: 3 } };
        let changed = Verdict::Superseded { by: Newer::Changed };
        vec![
            letter(1, 7, Act::Ack, resolved),
            letter(2, 11, Act::Resolve { force: false }, firing),
            letter(3, 11, Act::Resolve { force: true }, changed),
            lost(4, 10, Some("jonas")),
            lost(5, 9, None),
        ]
    }

    #[test]
    fn letters_stay_until_dismissed_and_offer_what_fits() {
        let mut picture = called();
        picture.inbox = letters();
        let mut desk = Desk::new(picture.clone());
        assert!(desk.has("inbox 5"), "{}", desk.screen());
        desk.keys("I");
        insta::assert_snapshot!(desk.screen());
        desk.keys("j d");
        assert!(desk.effects.contains(&Effect::Ask(Ask::Dismiss(vec![LetterId::Answer(op(2))]))));
        let next = |keys: &str| {
            let mut desk = Desk::new(picture.clone());
            desk.keys(keys);
            desk
        };
        assert_eq!(next("I r").submitted(), [(id(12), Act::Ack)], "the successor");
        assert!(next("I j r").has("snooze 11: 1 15m"), "a snooze instead of a refused resolve");
        assert!(next("I j j r").has("Resolve 11? 1 fire"), "the same again, on what it is now");
        assert_eq!(next("I j j j r").selected(), 10);
        assert_eq!(next("I j j j j r").submitted(), [(id(9), Act::Ack)]);
        assert_eq!(next("I j j j enter").selected(), 10);
    }

    #[test]
    fn a_letter_that_goes_gives_the_cursor_to_no_other() {
        let mut picture = called();
        picture.inbox = letters();
        let mut desk = Desk::new(picture);
        desk.keys("I j").change(|picture| drop(picture.inbox.remove(1))).keys("d");
        assert!(!desk.effects.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Dismiss(_)))));
    }

    fn rings(desk: &Desk) -> usize {
        desk.effects.iter().filter(|effect| **effect == Effect::Bell).count()
    }

    #[test]
    fn a_call_rings_once_and_takes_neither_cursor_nor_prompt() {
        let mut desk = Desk::new(called());
        desk.keys("j n \"typing\"").wait(5000);
        let before = desk.state.mode.clone();
        desk.change(|picture| picture.calls = vec![page(12, Step::Level(1))]);
        assert_eq!((rings(&desk), desk.selected(), desk.state.mode == before), (1, 11, true));
        assert!(desk.has("CALL 12 S1 payments-api: error rate 38%"), "{}", desk.screen());
        desk.wait(5000).change(|picture| picture.unsent = 1);
        assert_eq!(rings(&desk), 1, "the same page rings once");
        desk.keys("esc !");
        assert_eq!((desk.selected(), &desk.state.mode), (12, &Mode::Browse));
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn the_bell_rings_at_most_once_in_two_seconds_and_not_too_little() {
        let mut desk = Desk::new(called());
        desk.change(|picture| picture.calls = vec![page(12, Step::Level(1))]);
        desk.wait(500).change(|picture| picture.calls.push(page(11, Step::Level(1))));
        desk.wait(500).change(|picture| picture.calls.push(page(9, Step::Level(1))));
        assert_eq!(rings(&desk), 1);
        assert_eq!(desk.state.deadline(), Some(night().plus(Duration::from_secs(2))));
        desk.wait(1000).event(Event::Due);
        assert_eq!((rings(&desk), desk.state.deadline()), (2, None));
    }

    #[test]
    fn after_an_absence_one_bell_is_enough() {
        let mut picture = called();
        picture.link = offline();
        let mut desk = Desk::new(picture);
        desk.change(|picture| picture.calls = vec![page(12, Step::Level(1))]);
        desk.wait(3000).change(|picture| picture.calls.push(page(11, Step::Level(1))));
        assert_eq!(rings(&desk), 0, "what is known to be incomplete is gathered");
        desk.wait(3000).change(|picture| picture.link = Link::Live);
        assert_eq!(rings(&desk), 1);
        assert!(desk.has("2 calls came while the hub was away"), "{}", desk.screen());
    }

    #[test]
    fn a_storm_is_one_line_and_is_taken_as_it_was_listed() {
        let mut picture = called();
        for row in Arc::make_mut(&mut picture.rows) {
            row.incident.hit.extend(["service=pay".to_owned(), format!("cluster={}", row.incident.number)]);
        }
        picture.calls = [9, 11, 12].map(|number| page(number, Step::Level(1))).into();
        let mut desk = Desk::new(picture);
        assert!(desk.has("CALLS 3, all service=pay: A takes all, ! goes there; worst S1 12"), "{}", desk.screen());
        desk.keys("A").change(|picture| picture.calls.push(page(10, Step::Level(1))));
        assert!(desk.has("y does it, Esc leaves it") && desk.submitted().is_empty());
        desk.keys("y");
        assert_eq!(desk.submitted().len(), 3, "who joins later calls anew");
    }

    fn presented(desk: &Desk) -> Vec<Effect> {
        desk.effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Present { .. }))).cloned().collect()
    }

    #[test]
    fn a_key_after_it_was_shown_says_that_the_person_knows() {
        let mut desk = Desk::new(called());
        desk.change_row(12, |row| {
            *row = owned(row.clone(), "mira");
            row.incident.seen_due = Some(at("03:21"));
        });
        desk.change(|picture| picture.calls = vec![page(11, Step::Level(1))]);
        assert_eq!(presented(&desk), [], "nobody has pressed a key since");
        desk.keys("j k j");
        let claims = vec![(id(12), 1)];
        assert_eq!(presented(&desk), [Effect::Ask(Ask::Present { claims, calls: vec![PageId([11; 16])] })], "once");
        let mut tiny = Desk::sized(called(), 19, 2);
        tiny.change_row(12, |row| {
            *row = owned(row.clone(), "mira");
            row.incident.seen_due = Some(at("03:21"));
        });
        assert_eq!(presented(tiny.keys("j")), [], "what cannot be seen was not");
    }

    #[test]
    fn what_became_louder_is_said_to_be_known_anew() {
        let mut desk = Desk::new(called());
        desk.change_row(12, |row| {
            *row = owned(row.clone(), "mira");
            row.incident.seen_due = Some(at("03:21"));
        });
        desk.keys("j k");
        // Somebody escalated it: the hub does not take the word of before for this.
        desk.change_row(12, |row| (row.incident.rev, row.incident.loud_rev) = (9, 9));
        desk.keys("j k");
        assert_eq!(presented(&desk).len(), 2);
    }

    #[test]
    fn a_silent_hub_makes_the_console_ring_by_itself_once() {
        let mut desk = Desk::new(called());
        let alarm = |number, level| LocalAlarm {
            incident: id(number),
            number: Number(number),
            due_at: at("03:26"),
            silent_since: at("03:14"),
            level,
        };
        desk.change(|picture| (picture.link, picture.alarms) = (offline(), vec![alarm(12, 1)]));
        desk.wait(60_000).change(|picture| picture.unsent = 1);
        assert_eq!(rings(&desk), 1);
        insta::assert_snapshot!(desk.lines()[1]);
        let wide = Desk::sized((*desk.state.picture).clone(), 160, 24);
        assert!(wide.has(
            "hub silent since 03:14Z; you are level 1 for incident 12; it may be handled, this console cannot know"
        ));
        desk.change(|picture| picture.alarms.push(alarm(11, 2)));
        assert_eq!(rings(&desk), 2, "each incident rings once");
    }

    #[test]
    fn why_a_console_rings_by_itself_stands_before_earlier_calls() {
        let mut desk = Desk::new(called());
        desk.change(|picture| {
            picture.calls = [12, 11].map(|number| page(number, Step::Level(1))).into();
            picture.link = offline();
            let (due_at, silent_since) = (at("03:26"), at("03:14"));
            picture.alarms = vec![LocalAlarm { incident: id(12), number: Number(12), due_at, silent_since, level: 1 }];
        });
        assert!(
            desk.lines()[1].starts_with(" hub silent since 03:14Z; you are level 1 for incident 12"),
            "{}",
            desk.screen()
        );
    }

    #[test]
    fn what_others_say_never_reads_as_acked() {
        let mut desk = Desk::new(called());
        desk.change_row(12, |row| {
            row.said.push(Said { actor: user("jonas"), act: Act::Ack, created_at: at("03:12") });
        });
        let line = desk.cursor().1;
        assert!(line.contains("NEW") && line.contains("[jonas says ack]") && !line.contains("ACK"), "{line}");
        assert!(desk.has("jonas says (via peer): ack 03:12Z | hub not asked"), "{}", desk.screen());
    }

    #[test]
    fn what_waits_says_what_goes_on_meanwhile() {
        let meanwhile = |act: Act, words: &[&str]| {
            let mut desk = Desk::new(called());
            desk.change(|picture| picture.link = offline()).change_row(12, wait_for(act));
            for word in words {
                assert!(desk.has(word), "{word}:\n{}", desk.screen());
            }
        };
        meanwhile(Act::Ack, &["NEW>ack?", "not confirmed: escalation at 03:26Z may still fire"]);
        meanwhile(
            Act::Snooze { until: at("04:20"), until_change: false },
            &["NEW>snz?", "snooze until 04:20Z (saved here only"],
        );
        meanwhile(Act::Escalate { to: None, level_seen: 1 }, &["NEW>esc?", "nobody is called by it yet"]);
        meanwhile(
            Act::Offer { to: user("lena"), expires_at: at("03:40") },
            &["lena does not know yet, and it stays yours"],
        );
    }

    #[test]
    fn without_the_hub_an_owner_is_who_had_it() {
        let mut desk = Desk::new(called());
        assert!(desk.has("OWNER"));
        desk.change(|picture| picture.link = offline()).keys("j j");
        assert!(desk.has("HAD IT") && desk.has("owner jonas had it at 03:17Z"), "{}", desk.screen());
    }

    #[test]
    fn wide_and_narrow_screens_keep_the_menu_and_the_call() {
        let mut picture = called();
        picture.calls = vec![page(12, Step::Level(1))];
        picture.inbox = letters();
        let mut wide = Desk::sized(picture.clone(), 120, 40);
        wide.keys("E");
        insta::assert_snapshot!("a_menu_at_a_hundred_and_twenty_by_forty", wide.screen());
        let mut narrow = Desk::sized(picture.clone(), 40, 12);
        narrow.keys("s");
        insta::assert_snapshot!("a_menu_at_forty_by_twelve", narrow.screen());
        for keys in ["s", "E", "h \"x\"", "I", "A", "space space s 1", "H", "w", ": \"snooze_1h\""] {
            let mut desk = Desk::new(picture.clone());
            desk.keys(keys);
            for width in (1..=130).step_by(17) {
                for height in (1..=45).step_by(7) {
                    desk.event(Event::Resize { width, height });
                    assert_eq!(desk.lines().len(), usize::from(height), "{keys}");
                }
            }
        }
    }

    /// The law: whatever arrives between drawing and key, no key acts on another incident than was drawn.
    #[test]
    fn no_key_acts_on_another_incident_than_was_drawn() {
        let changes: [fn(&mut Picture); 4] = [
            |picture| Arc::make_mut(&mut picture.rows).retain(|row| row.incident.number != Number(12)),
            |picture| Arc::make_mut(&mut picture.rows).push(incident(13, 1, "dns", "all resolvers fail", "03:19")),
            |picture| Arc::make_mut(&mut picture.rows)[4].incident.severity = Some(Severity::S1),
            |picture| picture.calls = vec![page(11, Step::Level(1))],
        ];
        for change in changes {
            for (before, after) in [
                ("", "a"),
                ("s", "1"),
                ("E 1", "y"),
                ("D", "f"),
                ("h \"lena\" enter", "y"),
                ("n \"x\"", "enter"),
                (": \"ack\"", "enter"),
                (": \"snooze_1h\"", "enter"),
                ("t", ""),
                ("S \"s2\" enter", "y"),
            ] {
                let mut desk = Desk::new(called());
                desk.keys(before).change(change).keys(after);
                let acted = desk.submitted();
                assert!(acted.iter().all(|(incident, _)| *incident == id(12)), "{before} {after}: {acted:?}");
            }
        }
    }
}

mod prompts {
    use super::*;

    #[test]
    fn a_paste_outside_a_prompt_is_thrown_away() {
        let mut desk = Desk::new(picture(rows()));
        desk.event(Event::Paste("a\na\nD y".into()));
        assert!(desk.submitted().is_empty() && desk.has("pasted text thrown away"));
    }

    #[test]
    fn a_paste_into_a_note_is_one_line() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("n").event(Event::Paste("one\r\ntwo".into())).keys("enter");
        assert_eq!(desk.submitted(), [(id(12), Act::Note { text: "one two".into() })]);
    }

    #[test]
    fn a_filter_hides_rows_and_counts_them() {
        check("/ \"PAY\"", &["1 of 6 shown", "2 unacked hidden by the filter", "filter: PAY", " /PAY"]);
        check("/ \"ack_jonas\" enter", &["1 of 6 shown", "> S2 10"]);
        check("/ \"pay\" esc", &["6 of 6 shown"]);
        check("/ \"pay\" enter esc", &["1 of 6 shown", "Esc again clears the filter"]);
        check("/ \"pay\" enter esc esc", &["6 of 6 shown"]);
        check("/ \"pay\" enter esc j esc", &["1 of 6 shown"]);
        check(": \"filter_s?\" enter", &["1 of 6 shown", "S? 9"]);
        check(": \"filter_pay\" enter : \"filter_clear\" enter", &["6 of 6 shown"]);
    }

    #[test]
    fn letters_in_a_prompt_are_letters() {
        check_asked("/ \"aD_y\" enter", &[]);
        check_asked(": \"a\" esc", &[]);
    }

    #[test]
    fn commands_do_what_keys_do() {
        check_asked(": \"ack\" enter", &[(12, Act::Ack)]);
        check_asked(": \"unack\" enter", &[(12, Act::Unack)]);
        check_asked(": \"note_on_it\" enter", &[(12, Act::Note { text: "on it".into() })]);
        check_asked(": \"una\" tab enter", &[(12, Act::Unack)]);
        check_asked(": \"incident.ack\" enter", &[(12, Act::Ack)]);
        check_asked(": \"resolve\" enter enter", &[]);
        check_asked(": \"ack_13\" enter", &[]);
        check(": \"akc\" enter", &["no command \"akc\", did you mean \"ack\"?"]);
        check(": \"", &[" :\""]);
        check(": \"a\"", &[" :a   ack"]);
    }

    #[test]
    fn a_command_does_not_act_on_an_incident_that_came_under_the_cursor_meanwhile() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(": \"resolve\"").change(|picture| Arc::make_mut(&mut picture.rows).truncate(5));
        desk.wait(5000).keys("enter y");
        assert!(desk.submitted().is_empty());
        desk.keys(": \"ack\"").change(|picture| Arc::make_mut(&mut picture.rows).truncate(4));
        desk.wait(5000).keys("enter");
        assert!(desk.submitted().is_empty() && desk.has("changed while you typed"), "{}", desk.screen());
    }

    #[test]
    fn a_long_note_keeps_its_cursor_on_the_screen() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("n").event(Event::Paste("x".repeat(200))).keys("\"END\"");
        assert!(desk.has("xEND"), "{}", desk.screen());
    }
}

mod leaving {
    use super::*;

    fn left(desk: &Desk) -> bool {
        desk.effects.contains(&Effect::Leave(Exit::Quit))
    }

    #[test]
    fn q_at_the_root_only_says_how_to_leave() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("q q");
        assert!(!left(&desk) && desk.has(":quit leaves"));
    }

    #[test]
    fn q_and_esc_close_what_is_open() {
        let mut desk = Desk::new(picture(rows()));
        assert!(desk.keys("enter").state.open);
        assert!(!desk.keys("q").state.open);
        assert_eq!(desk.keys("? esc").state.mode, Mode::Browse);
    }

    #[test]
    fn quit_leaves_at_once_where_nobody_would_miss_it() {
        let mut desk = Desk::new(picture(rows()));
        assert!(left(desk.keys(": \"quit\" enter")));
    }

    #[test]
    fn quit_asks_where_prometheus_sends_and_says_what_waits() {
        let mut picture = picture(rows());
        (picture.ingest, picture.unsent) = (Some("127.0.0.1:7400".into()), 2);
        let mut desk = Desk::new(picture);
        desk.keys(": \"quit\" enter");
        assert!(!left(&desk));
        assert!(
            desk.has("Quit? y, Esc stays: the hub stops too, for everybody, and 2 operations wait"),
            "{}",
            desk.screen()
        );
        assert!(!left(desk.keys("enter q")) && left(desk.keys(": \"quit\" enter y")));
    }

    #[test]
    fn ctrl_c_leaves_when_pressed_twice_within_two_seconds() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("ctrl-c").wait(2000).keys("ctrl-c");
        assert!(!left(&desk));
        assert!(left(desk.keys("ctrl-c")));
        let mut desk = Desk::new(picture(rows()));
        desk.keys("n ctrl-c ctrl-c");
        assert!(!left(&desk), "the first cancelled the prompt");
    }
}

mod truth {
    use super::*;

    #[test]
    fn offline_and_stale_win_over_demo() {
        let head = |link| {
            let mut picture = picture(rows());
            (picture.demo, picture.link) = (true, link);
            Desk::new(picture).lines()[0].clone()
        };
        assert!(head(Link::Live).ends_with("DEMO"));
        assert!(head(offline()).ends_with("OFFLINE since 03:16Z"));
        assert!(head(Link::Stale { since: at("03:17") }).ends_with("STALE AS OF 03:17Z"));
        assert!(head(Link::Connecting).ends_with("CONNECTING"));
    }

    #[test]
    fn empty_is_never_all_clear() {
        let words = |link, as_of| {
            let mut picture = picture(Vec::new());
            (picture.link, picture.as_of) = (link, as_of);
            Desk::new(picture).screen()
        };
        assert!(words(Link::Live, Some(at("03:17"))).contains("No open incidents. Hub confirmed 03:17Z."));
        assert!(
            words(offline(), Some(at("03:16"))).contains("No open incidents as of 03:16Z. Cannot know since then.")
        );
        assert!(words(offline(), None).contains("Nothing was ever heard from the hub"));
        assert!(words(Link::Connecting, None).contains("No answer from the hub yet"));
    }

    #[test]
    fn an_overdue_or_pending_state_never_reads_as_acked() {
        let mut desk = Desk::new(picture(rows()));
        desk.change_row(11, wait_for(Act::Ack));
        assert!(desk.has("11   NEW>ack! ") && !desk.has(" ACK>"), "{}", desk.screen());
    }

    #[test]
    fn an_incident_older_than_a_day_shows_its_date() {
        let mut desk = Desk::new(picture(rows()));
        desk.change_row(12, |row| row.incident.since = Timestamp::parse("2026-02-27T03:16:00Z").unwrap());
        assert!(desk.cursor().1.contains("02-27"));
    }

    #[test]
    fn a_hostile_text_never_reaches_the_screen_as_it_is() {
        let hostile = "\x1b]0;owned\x07\x1b[2J\u{202e}gnirts\u{200b}\u{9b}31m\nline\ttab";
        let mut row = incident(13, 1, hostile, hostile, "03:19");
        row.waiting.push(Waiting {
            op_id: OpId::from_bytes([0; 16]),
            act: Act::Note { text: hostile.into() },
            created_at: at("03:20"),
        });
        let mut picture = picture(vec![row]);
        picture.hub = hostile.into();
        picture.link = Link::Offline { since: at("03:16"), reason: hostile.into(), refused: false };
        let mut shown = (*detail(13)).clone();
        shown.lines[0].text = hostile.into();
        shown.series[0].generator_url = hostile.into();
        picture.detail = Some(Arc::new(shown));
        for (width, keys) in [(80, "enter"), (120, "D"), (120, "/"), (40, ""), (120, "n")] {
            let mut desk = Desk::sized(picture.clone(), width, 40);
            desk.keys(keys);
            desk.change(|picture| {
                picture.notices.push(Notice { no: 1, text: hostile.into(), welcome: false, answer: None })
            });
            let screen: String = desk.buffer().content.iter().map(|cell| cell.symbol()).collect();
            assert!(!screen.contains(|c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}')), "{screen:?}");
        }
    }

    #[test]
    fn a_wrong_keymap_is_told_until_it_is_mended_and_the_console_starts() {
        let (keymap, problems) = Keymap::builtin().overlaid("[stream]\n\"x\" = \"incident.akc\"\n", "keymap.toml");
        let state = State::new(Arc::new(picture(rows())), keymap, problems, (120, 30));
        let mut desk = Desk { state, now: night(), effects: Vec::new() };
        desk.keys("j esc");
        assert!(desk.has(r#"keymap.toml:2: unknown action "incident.akc", did you mean "incident.ack"?"#));
        assert!(!desk.keys("a").submitted().is_empty());
    }

    #[test]
    fn nothing_is_drawn_anew_when_nothing_changed() {
        let mut desk = Desk::new(picture(rows()));
        let before = desk.buffer();
        let same = (*desk.state.picture).clone();
        desk.show(same).wait(600_000).event(Event::Due);
        assert_eq!(desk.state.deadline(), None);
        assert!(before.diff(&desk.buffer()).is_empty());
    }
}
