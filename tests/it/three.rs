//! Three people at three terminals, each behind a wire of its own: what each screen says is true at each moment, cut off or not, and once
//! the wires are whole all three hold the same.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::mirror::{dump, dump_of_running, in_folder};
use crate::support::person::Person;
use crate::support::proxy::{Proxy, Way};
use crate::support::tmux::Tmux;
use crate::support::try_until;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
/// The longest pause between two attempts to reach the hub is 15 s.
const BACK_LIMIT: Duration = Duration::from_secs(40);
/// How long an answer to a key may take; longer than what changed just now refuses verbs.
const MOMENT: Duration = Duration::from_millis(900);
/// How long a screen is watched for what must not be on it.
const WATCHED: Duration = Duration::from_millis(500);

/// One person at a terminal.
struct Desk {
    person: Person,
    wire: Proxy,
    console: Tmux,
}

impl Desk {
    fn open(hub: &Hub, home: &Path, name: &str) -> Self {
        let wire = Proxy::before(hub.address());
        let person = Person::through(hub, &wire, home, name);
        let console = person.console(80, 28);
        console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
        Self { person, wire, console }
    }

    /// Waits until the row of the incident has all these words.
    #[track_caller]
    fn shows(&self, words: &[&str]) -> String {
        let holds = |screen: &str| row(screen).is_some_and(|row| words.iter().all(|word| row.contains(word)));
        self.console.wait_for(BACK_LIMIT, holds)
    }

    #[track_caller]
    fn says(&self, words: &str) -> String {
        self.console.wait_for(BACK_LIMIT, |screen| screen.contains(words))
    }

    /// Watches for a while that the row of the incident never has this word.
    #[track_caller]
    fn never_shows(&self, word: &str) {
        let shown = try_until(WATCHED, || {
            let screen = self.console.capture();
            row(&screen).is_none_or(|row| row.contains(word)).then_some(screen)
        });
        assert!(shown.is_none(), "{word:?} is on the screen, or the row is not:\n{}", shown.unwrap_or_default());
    }

    /// Types a command and the answers to its questions until the screen is as wanted: a verb on what changed just now is refused for
    /// 700 ms.
    #[track_caller]
    fn does(&self, command: &str, answers: &[(&str, &str)], wanted: impl Fn(&str) -> bool) -> String {
        let done = try_until(LIMIT, || {
            self.console.send_keys(&[":"]);
            self.console.send_keys(&["-l", command]);
            self.console.send_keys(&["Enter"]);
            for (question, key) in answers {
                try_until(MOMENT, || self.console.capture().contains(question).then_some(()))?;
                self.console.send_keys(&[key]);
            }
            let done = try_until(MOMENT, || Some(self.console.capture()).filter(|screen| wanted(screen)));
            if done.is_none() {
                self.console.send_keys(&["Escape"]);
            }
            done
        });
        done.unwrap_or_else(|| panic!("{command} was not answered as wanted:\n{}", self.console.capture()))
    }

    /// Finds the one letter of the inbox, which says this, and goes back.
    #[track_caller]
    fn reads(&self, words: &str) {
        self.says("inbox 1");
        self.console.send_keys(&["I"]);
        self.says(words);
        self.console.send_keys(&["q"]);
        self.console.wait_for(LIMIT, |screen| row(screen).is_some());
    }

    fn cut(&mut self) {
        self.wire.cut();
        self.says("OFFLINE");
    }

    fn heal(&mut self) {
        self.wire.heal();
        self.console.wait_for(BACK_LIMIT, |screen| screen.contains("LIVE") && !screen.contains("OFFLINE"));
    }
}

/// Returns the incident's line of the list.
fn row(screen: &str) -> Option<&str> {
    screen.lines().find(|line| line.trim_start_matches(['>', ' ']).starts_with("S2 1 "))
}

fn row_has(word: &'static str) -> impl Fn(&str) -> bool {
    move |screen| row(screen).is_some_and(|row| row.contains(word))
}

fn scene(dir: &Path) -> (Hub, [Desk; 3]) {
    let hub = Hub::start(&dir.join("hub"), "");
    let desks = ["mira", "jonas", "lena"].map(|name| Desk::open(&hub, &dir.join(name), name));
    hub.alert(&[firing("DiskFull", &[("service", "db")])]);
    desks.iter().for_each(|desk| drop(desk.shows(&["NEW"])));
    (hub, desks)
}

/// All three mirrors come to be the same, byte for byte, and the same as what a fresh console reads from the hub.
fn all_hold_the_same(hub: &Hub, dir: &Path, desks: &[Desk]) {
    let files: Vec<_> = desks.iter().map(|desk| in_folder(&desk.person.data())).collect();
    let fresh = Person::near(hub, &dir.join("fresh"), "mira");
    let mut last = Vec::new();
    let equal = try_until(LIMIT, || {
        fresh.list();
        last = files.iter().map(|file| dump_of_running(file)).collect();
        last.push(dump(&in_folder(&fresh.data())));
        last.windows(2).all(|pair| pair[0] == pair[1]).then_some(())
    });
    assert!(equal.is_some() && last[0].contains("DiskFull"), "the mirrors differ:\n{}", last.join("\n---\n"));
}

#[test]
fn two_who_ack_while_cut_off_end_with_one_owner() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, [mut mira, mut jonas, lena]) = scene(dir.path());
    mira.cut();
    jonas.cut();
    for desk in [&mira, &jonas] {
        desk.does("ack", &[], row_has("NEW>ack?"));
        desk.says("may still fire");
    }
    [&mira, &jonas].iter().for_each(|desk| desk.never_shows("ACK"));
    lena.never_shows("ack");

    mira.heal();
    mira.shows(&["ACK", "you"]);
    lena.shows(&["ACK", "mira"]);
    jonas.never_shows("ACK");
    let screen = jonas.shows(&["NEW>ack?"]);
    assert!(!row(&screen).is_some_and(|row| row.contains("mira")), "he cannot know:\n{screen}");

    jonas.heal();
    jonas.shows(&["ACK", "mira"]);
    jonas.says("mira has it; you are noted as helping");
    mira.shows(&["ACK", "you"]);
    lena.shows(&["ACK", "mira"]);
    all_hold_the_same(&hub, dir.path(), &[mira, jonas, lena]);
}

#[test]
fn an_ack_whose_answer_is_lost_on_the_way_waits_and_is_done_once() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, [mut mira, jonas, lena]) = scene(dir.path());
    // The hub hears her; she does not hear the hub.
    mira.wire.hold(Way::Down);
    mira.does("ack", &[], row_has("NEW>ack"));
    jonas.shows(&["ACK", "mira"]);
    lena.shows(&["ACK", "mira"]);
    mira.never_shows("ACK");
    mira.wire.cut();
    mira.says("OFFLINE");
    mira.never_shows("ACK");
    mira.heal();
    let screen = mira.shows(&["ACK", "you"]);
    assert!(!screen.contains("inbox"), "nothing unwelcome:\n{screen}");
    let shown = mira.person.show("1");
    let lines = shown["timeline"].as_array().expect("a timeline");
    assert_eq!(lines.iter().filter(|line| line["by"] == "mira").count(), 1, "{shown}");
    all_hold_the_same(&hub, dir.path(), &[mira, jonas, lena]);
}

#[test]
fn a_handover_across_a_cut_leaves_one_owner_at_each_moment() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, [mut mira, mut jonas, lena]) = scene(dir.path());
    mira.does("ack", &[], row_has("ACK"));
    mira.does("offer jonas", &[("y asks", "y")], |screen| screen.contains("offer 1: confirmed by the hub"));
    jonas.says("offered to you");
    mira.cut();
    jonas.cut();
    jonas.does("accept", &[], row_has(">ack?"));
    let screen = jonas.shows(&["mira"]);
    assert!(!row(&screen).is_some_and(|row| row.contains("you")), "it is not his yet:\n{screen}");
    mira.shows(&["ACK", "you"]);
    lena.shows(&["ACK", "mira"]);

    jonas.heal();
    jonas.shows(&["ACK", "you"]);
    lena.shows(&["ACK", "jonas"]);
    mira.says("had it at");
    mira.heal();
    mira.shows(&["ACK", "jonas"]);
    mira.reads("jonas has it");
    lena.shows(&["ACK", "jonas"]);
    all_hold_the_same(&hub, dir.path(), &[mira, jonas, lena]);
}

/// A snooze and an escalation of the same state, both made while cut off; the healing decides which the hub hears first.
fn escalate_against_snooze(snooze_first: bool) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (hub, [mut mira, mut jonas, lena]) = scene(dir.path());
    mira.does("ack", &[], row_has("ACK"));
    jonas.shows(&["ACK", "mira"]);
    mira.cut();
    jonas.cut();
    mira.does("snooze 1h", &[], row_has(">snz?"));
    jonas.does("escalate", &[("next level", "1"), ("y ", "y")], row_has(">esc?"));
    mira.never_shows("SNZ");
    lena.shows(&["ACK", "mira"]);
    if snooze_first {
        mira.heal();
        mira.shows(&["SNZ", "you"]);
        lena.shows(&["SNZ", "mira"]);
        jonas.heal();
    } else {
        jonas.heal();
        lena.says("levels are called on although somebody has it");
        mira.heal();
        mira.reads("it changed since you looked");
        [&mira, &jonas, &lena].iter().for_each(|desk| desk.never_shows("SNZ"));
    }
    // Louder wins in either order: a snooze that the hub heard first stands, and people are called all the same.
    for desk in [&mira, &jonas, &lena] {
        desk.says("levels are called on although somebody has it");
    }
    let desks = [mira, jonas, lena];
    all_hold_the_same(&hub, dir.path(), &desks);
    let lines = desks[2].person.show("1")["timeline"].to_string();
    assert!(lines.contains("escalate"), "{lines}");
}

#[test]
fn an_escalation_wins_over_a_snooze_that_came_later() {
    escalate_against_snooze(false);
}

#[test]
fn an_escalation_wins_over_a_snooze_that_came_first() {
    escalate_against_snooze(true);
}
