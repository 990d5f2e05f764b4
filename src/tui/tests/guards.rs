//! Guards before the keys: texts, idle hands, read-only, and how many keys what reaches others needs.

use super::super::action::Action;
use super::super::key::Key;
use super::super::keymap::{Context, Library};
use super::super::state::{Deed, Preview};
use super::super::tier::Tier;
use super::shift::*;
use super::*;
use crate::domain::paging::Step;
use proptest::prelude::*;

/// Returns the keys that a terminal without bracketed paste makes of a text.
fn typed(text: &str) -> impl Iterator<Item = KeyPress> + '_ {
    text.chars().map(|c| match c {
        '\n' => KeyPress::plain(Key::Enter),
        '\t' => KeyPress::plain(Key::Tab),
        c => KeyPress::plain(Key::Char(c)),
    })
}

impl Desk {
    /// Pastes into a terminal that does not mark pastes: all keys in the same moment.
    fn burst(&mut self, text: &str) -> &mut Self {
        self.wait(1000);
        for key in typed(text) {
            self.event(Event::Key(key));
        }
        self.rest()
    }
}

#[track_caller]
fn check_burst(before: &str, text: &str, expect: &[(u64, Act)]) -> Desk {
    let mut desk = Desk::new(called());
    desk.keys(before).burst(text);
    let expect: Vec<_> = expect.iter().map(|(number, act)| (id(*number), act.clone())).collect();
    assert_eq!(desk.submitted(), expect, "{text:?}:\n{}", desk.screen());
    desk
}

#[test]
fn a_text_that_comes_as_keys_does_nothing_and_locks_the_verbs() {
    for text in [
        "ask",
        "ajax",
        "a\n",
        "s1",
        "E1y",
        "Dy",
        "note it\n",
        ":ack\n",
        "uU",
        "y y",
        ".a",
        "jja!",
        "A5\n",
        "Hy",
        "::\nDH",
        "nnotes",
    ] {
        let desk = check_burst("", text, &[]);
        assert_eq!(desk.state.mode, Mode::Browse, "{text:?}");
        assert!(desk.has("that looked like typing") && desk.has("LOCKED"), "{text:?}:\n{}", desk.screen());
        assert!(desk.state.marks.is_empty(), "{text:?}");
    }
    let mut desk = check_burst("", "kubectl get pods", &[]);
    desk.wait(1000).keys("a j");
    assert!(desk.submitted().is_empty() && desk.has("locked"), "moves go on, verbs wait:\n{}", desk.screen());
    assert_eq!(desk.selected(), 11);
    desk.keys("esc a");
    assert_eq!(desk.submitted(), [(id(11), Act::Ack)]);
}

#[test]
fn a_text_over_a_runbook_opens_no_line_and_says_nothing() {
    for open in ["r", ": \"runbook_pay/5xx.md\" enter"] {
        for text in ["/oA!k", "ok then", "R\nR", "e 4 words\n", " 1y"] {
            let mut desk = Desk::new(super::runbooks::readable());
            desk.keys(open).burst(text);
            assert_eq!((&desk.state.mode, desk.submitted()), (&Mode::Browse, Vec::new()), "{open} {text:?}");
            assert!(desk.has("LOCKED"), "{open} {text:?}:\n{}", desk.screen());
        }
    }
}

#[test]
fn moves_never_count_and_a_verb_behind_them_is_meant() {
    check_burst("", "jjja", &[(8, Act::Ack)]);
    check_burst("", "jjjkka", &[(11, Act::Ack)]);
    // The cursor goes on, the verb stays with what it was pressed on.
    let desk = check_burst("", "ajj", &[(12, Act::Ack)]);
    assert_eq!(desk.selected(), 10);
}

#[test]
fn a_held_verb_counts_once_however_fast_it_repeats() {
    check_burst("", "aaaa", &[(12, Act::Ack)]);
}

#[test]
fn letters_that_mean_nothing_lock_the_verbs_when_they_come_fast() {
    let mut desk = Desk::new(called());
    for letter in ["x", "b", "c"] {
        desk.wait(50).event(Event::Key(KeyPress::parse(letter).unwrap()));
    }
    assert!(desk.has("that looked like typing"));
    let mut desk = Desk::new(called());
    desk.keys("x b c a");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)], "a hand that errs is no text");
}

#[test]
fn a_prompt_takes_text_at_any_speed_and_its_end_only_from_a_hand() {
    let note = |text: &str| (12, Act::Note { text: text.into() });
    check_burst("n", "one line", &[]);
    let mut desk = check_burst("n", "one\ntwo\n", &[]);
    assert!(desk.has("Note on 12: onetwo") && desk.has("press it again"), "{}", desk.screen());
    desk.wait(100).keys("enter");
    assert_eq!(desk.submitted(), [note("onetwo")].map(|(number, act)| (id(number), act)));
    // A line end that comes first was not pressed either, when a text follows it.
    let desk = check_burst("n \"ok\"", "\nmore", &[]);
    assert!(desk.has("Note on 12: okmore"), "{}", desk.screen());
}

#[test]
fn a_script_may_press_keys_as_fast_as_it_likes() {
    let mut desk = Desk::new(called());
    desk.state.guard.scripted = true;
    desk.burst(":ack\n");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
}

#[test]
fn the_first_verb_after_a_pause_asks_and_only_another_key_answers() {
    let idle = |keys: &str| {
        let mut desk = Desk::new(called());
        desk.keys("j k").wait(120_000).keys(keys);
        desk
    };
    let asks = idle("a");
    assert!(asks.has("ack 12 payments-api? y") && asks.submitted().is_empty(), "{}", asks.screen());
    insta::assert_snapshot!(asks.screen());
    assert_eq!(idle("a").wait(200).keys("y").submitted(), [(id(12), Act::Ack)]);
    assert_eq!(idle("j a").wait(200).keys("y").submitted(), [(id(11), Act::Ack)], "moves wake nobody");
    assert!(idle("a y").submitted().is_empty(), "nobody has read it yet");
    assert!(idle("a a enter space esc y y").submitted().is_empty());
    let mut over = idle("a");
    over.wait(3000).event(Event::Due);
    assert!(over.state.mode == Mode::Browse && over.keys("y").submitted().is_empty());
    assert!(idle("s").has("snooze 12 payments-api? y"));
    assert!(idle("u").has("undo? y"));
    // Who has answered once is awake.
    let mut awake = idle("a");
    awake.wait(200).keys("y j").wait(200).keys("a");
    assert_eq!(awake.submitted(), [(id(12), Act::Ack), (id(11), Act::Ack)]);
}

#[test]
fn who_went_to_the_call_is_awake() {
    let mut picture = called();
    picture.calls = calls([page(11, Step::Level(1))]);
    let mut desk = Desk::new(picture);
    desk.keys("j").wait(120_000).keys("! a");
    assert_eq!(desk.submitted(), [(id(11), Act::Ack)]);
}

#[test]
fn the_pause_can_be_switched_off_and_the_command_line_needs_no_question() {
    let mut desk = Desk::new(called());
    desk.state.arm_after_idle = None;
    desk.keys("j k").wait(600_000).keys("a");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
    let mut desk = Desk::new(called());
    desk.keys("j k").wait(600_000).keys(": \"ack\" enter");
    assert_eq!(desk.submitted(), [(id(12), Act::Ack)]);
}

#[test]
fn a_pause_does_not_answer_for_what_came_under_the_cursor() {
    let mut desk = Desk::new(called());
    desk.keys("k").wait(120_000).keys("a").wait(200);
    desk.change(|picture| Arc::make_mut(&mut picture.rows).retain(|row| row.incident.number != Number(12)));
    desk.wait(1000).keys("y");
    assert!(desk.submitted().is_empty() && desk.has("another incident came under the cursor"), "{}", desk.screen());
}

#[test]
fn a_read_only_screen_looks_and_does_nothing_else() {
    let mut picture = called();
    picture.calls = calls([page(12, Step::Level(1))]);
    let mut desk = Desk::new(picture);
    desk.state.readonly = true;
    for keys in ["a", "s", "E", "n", "D", "u", "U", ".", "A", "H", "t", "w", ": \"ack\" enter", ": \"note_x\" enter"] {
        desk.keys(keys);
        assert!(desk.has("read-only:") && desk.has(":rw allows"), "{keys}:\n{}", desk.screen());
        assert_eq!(desk.state.mode, Mode::Browse, "{keys}");
        desk.keys("esc");
    }
    assert!(desk.has(" RO ") && !desk.has(" RW "), "{}", desk.screen());
    let looks = |effect: &Effect| !matches!(effect, Effect::Ask(ask) if !matches!(ask, Ask::Look(_)));
    assert!(desk.effects.iter().all(looks), "nothing is said to be seen: {:?}", desk.effects);
    desk.keys("j tab / \"pay\" enter ? q ! space");
    assert!(desk.effects.iter().all(looks));
    desk.keys(": \"rw\" enter k esc esc a");
    assert!(desk.has(" RW ") && !desk.submitted().is_empty(), "{}", desk.screen());
    assert!(desk.effects.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Present { .. }))));
    desk.keys(": \"ro\" enter");
    assert!(desk.has(" RO "));
}

#[test]
fn read_only_is_said_on_every_screen_with_a_status_line() {
    for (width, height) in [(40, 8), (40, 20), (80, 24), (120, 40)] {
        let mut desk = Desk::sized(called(), width, height);
        desk.state.readonly = true;
        assert!(desk.has(" RO "), "{width}x{height}:\n{}", desk.screen());
    }
}

#[test]
fn enter_never_acts_q_never_quits_and_y_alone_changes_nothing_in_any_keymap() {
    let library = Library::shipped();
    let names = library.names();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let loaded = library.load(None, Some(&name));
        assert!(loaded.problems.is_empty(), "{name}: {:?}", loaded.problems);
        for binding in loaded.keymap.bindings() {
            let is = |key: &str| binding.keys == [KeyPress::parse(key).unwrap()];
            let acts = |action: Action| action.tier() > Tier::View || action.answers_question();
            let what = format!("{name}: {} in {}", binding.label(), binding.context.name());
            if ["enter", "delete", "backspace"].into_iter().any(is) {
                assert!(!binding.actions().any(acts), "{what} acts");
            }
            if is("q") {
                assert!(!binding.actions().any(|action| action == Action::AppQuit), "{what} quits");
            }
            if is("y") && !matches!(binding.context, Context::Inbox) {
                assert!(!binding.actions().any(|action| action.tier() > Tier::View), "{what} acts");
            }
        }
    }
}

#[test]
fn the_key_that_asked_does_not_answer_even_where_somebody_binds_it_so() {
    let (keymap, problems) = Keymap::builtin().overlaid("[confirm]\n\"D\" = \"confirm.yes\"\n", "keymap.toml");
    let state = State::new(Arc::new(called()), keymap, problems, (80, 24));
    let mut desk = Desk { state, now: night(), effects: Vec::new() };
    desk.keys("D").wait(1000).keys("D D");
    assert!(desk.submitted().is_empty() && desk.has("Resolve 12?"), "{}", desk.screen());
}

/// Something that happens to a screen.
#[derive(Debug, Clone)]
enum Happens {
    Key(&'static str),
    Burst(String),
    Paste(String),
    Wait(u64),
    /// The row of that place changes its owner, its severity, or goes.
    Change(usize, u8),
    New(u64),
}

const KEYS: [&str; 46] = [
    "a", "s", "E", "h", "t", "w", "@", "S", "M", "%", "O", ".", "n", "D", "A", "H", "u", "U", "I", "!", "-", "y", "f",
    "1", "2", "3", "c", "enter", "esc", "q", "j", "k", "G", "space", "v", "z", "o", "m", "tab", "/", ":", "g", "d",
    "r", "x", "5",
];

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        12 => prop::sample::select(&KEYS[..]).prop_map(Happens::Key),
        2 => "[ -~\n]{4,12}".prop_map(Happens::Burst),
        1 => ".{0,12}".prop_map(Happens::Paste),
        2 => prop::sample::select(vec![20u64, 300, 1000, 130_000]).prop_map(Happens::Wait),
        2 => (0..6usize, 0..3u8).prop_map(|(row, what)| Happens::Change(row, what)),
        1 => (13..30u64).prop_map(Happens::New),
    ]
}

impl Desk {
    fn happen(&mut self, what: &Happens) {
        match what {
            Happens::Key(key) => drop(self.keys(key)),
            Happens::Burst(text) => drop(self.burst(text)),
            Happens::Paste(text) => drop(self.event(Event::Paste(text.clone()))),
            Happens::Wait(millis) => drop(self.wait(*millis).event(Event::Due)),
            Happens::Change(at, what) => drop(self.change(|picture| {
                let rows = Arc::make_mut(&mut picture.rows);
                let at = (*at).min(rows.len() - 1);
                match what {
                    0 => rows[at] = owned(rows[at].clone(), "jonas"),
                    1 => {
                        let incident = rows[at].incident_mut();
                        (incident.severity, incident.rev) = (Some(Severity::S1), 90);
                    }
                    _ if rows.len() > 2 => drop(rows.remove(at)),
                    _ => {}
                }
            })),
            Happens::New(number) => drop(self.add(incident(*number, 2, "dns", "resolvers fail", "03:19"))),
        }
    }
}

/// Returns whether other people are told of the act at once, or lose something by it.
fn reaches_others(desk: &Desk, incident: IncidentId, act: &Act) -> bool {
    let row = desk.state.row_of(incident);
    let of_another = row.is_some_and(|row| {
        row.incident.life == Life::Acked && row.incident.owner.as_ref().is_some_and(|owner| owner.as_str() != "mira")
    });
    match act {
        Act::Ack | Act::TakeOver => of_another,
        Act::Escalate { .. } | Act::Offer { .. } | Act::Assign { .. } | Act::SetSeverity { .. } => true,
        Act::Merge { .. } | Act::Split { .. } | Act::Resolve { .. } | Act::Reopen => true,
        _ => false,
    }
}

/// Returns whether the open question or list is about that act.
fn is_asked(mode: &Mode, incident: IncidentId, act: &Act) -> bool {
    let is = |submission: &super::super::state::Submission| submission.incident == incident && submission.act == *act;
    match mode {
        Mode::Confirm(confirm) => [Some(&confirm.yes), confirm.force.as_ref()]
            .into_iter()
            .flatten()
            .any(|deed| matches!(deed, Deed::Submit(submission) if is(submission))),
        Mode::Preview(Preview { items, .. }) => items.iter().any(|item| is(&item.submission)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// No key alone, no repeated key and no text does what reaches others: it was asked before, and another key answered.
    #[test]
    fn what_reaches_others_needs_another_key_and_no_text_acts(story in prop::collection::vec(happens(), 1..50)) {
        let mut desk = Desk::new(called());
        for what in &story {
            let (mode, done, before) = (desk.state.mode.clone(), desk.submitted().len(), desk.state.guard.asked_by);
            let reach = |desk: &Desk| -> Vec<bool> {
                desk.submitted()[done..].iter().map(|(id, act)| reaches_others(desk, *id, act)).collect()
            };
            desk.happen(what);
            let new: Vec<_> = desk.submitted()[done..].to_vec();
            let reaches = reach(&desk);
            match what {
                Happens::Key(key) => for ((incident, act), reaches) in new.iter().zip(reaches) {
                    prop_assert!(!reaches || is_asked(&mode, *incident, act), "{key} did {act:?} unasked");
                    prop_assert!(!reaches || before != KeyPress::parse(key), "{key} asked and answered");
                    prop_assert!(*key != "enter" || !reaches || matches!(mode, Mode::Preview(_)), "enter acted");
                },
                // One verb between moves is what a stalled line delivers, too.
                Happens::Burst(text) => {
                    let moves = |c: &char| "jkgG".contains(*c);
                    let verbs = text.chars().filter(|c| !moves(c)).count();
                    prop_assert!(new.is_empty() || verbs <= 1, "{text:?} did {new:?}");
                }
                _ => prop_assert!(new.is_empty(), "{what:?} did {new:?}"),
            }
        }
    }

    /// A read-only screen asks for nothing but to look, whatever happens to it.
    #[test]
    fn a_read_only_screen_never_asks_for_more_than_to_look(story in prop::collection::vec(happens(), 1..40)) {
        let mut picture = called();
        picture.calls = calls([page(12, Step::Level(1))]);
        let mut desk = Desk::new(picture);
        desk.state.readonly = true;
        for what in &story {
            desk.happen(what);
            if !desk.state.readonly {
                // Somebody typed `:rw`.
                return Ok(());
            }
            let asks = desk.effects.iter().filter(|effect| matches!(effect, Effect::Ask(ask) if !matches!(ask, Ask::Look(_))));
            prop_assert_eq!(asks.count(), 0);
        }
    }

    /// An act that a key does at once is on the incident that was under the cursor when the key was pressed.
    #[test]
    fn a_verb_is_for_what_was_under_the_cursor(story in prop::collection::vec(happens(), 0..30), moves in "[jk]{0,4}") {
        let mut desk = Desk::new(called());
        story.iter().for_each(|what| desk.happen(what));
        desk.wait(130_000).keys("esc esc esc esc").wait(1000);
        desk.state.guard.armed = false;
        prop_assume!(desk.state.mode == Mode::Browse && desk.state.marks.is_empty());
        let (under, done) = (desk.state.selected, desk.submitted().len());
        desk.burst(&format!("a{moves}"));
        let new: Vec<_> = desk.submitted()[done..].iter().map(|(id, _)| Some(*id)).collect();
        prop_assert!(new.iter().all(|id| *id == under), "{new:?} is not {under:?}");
    }
}

#[test]
fn a_thousand_texts_without_brackets_do_nothing() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut desk = Desk::new(called());
    for _ in 0..1000 {
        let length = 4 + random(60);
        let text: String = (0..length)
            .map(|_| match random(20) {
                0 => '\n',
                1 => ' ',
                // Half of them of keys that do mean something here.
                2..=10 => "asEhtwnDAHuUIy1!.:/fozv".as_bytes()[random(23) as usize] as char,
                _ => (b'!' + random(94) as u8) as char,
            })
            .collect();
        desk.burst(&text).wait(1000).keys("esc esc");
        let looks =
            |effect: &Effect| !matches!(effect, Effect::Ask(Ask::Submit { .. } | Ask::Dismiss(_)) | Effect::Leave(_));
        assert!(desk.effects.iter().all(looks), "{text:?}: {:?}", desk.effects);
        assert!(desk.state.mode == Mode::Browse && desk.state.marks.is_empty(), "{text:?}:\n{}", desk.screen());
    }
}
