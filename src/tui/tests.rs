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
    Link::Offline { since: at("03:16"), reason: "connection refused".into() }
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
        picture.link = Link::Offline { since: at("03:16"), reason: hostile.into() };
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
