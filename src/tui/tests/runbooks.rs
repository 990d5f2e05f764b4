//! Reading a runbook beside its incident: whole or what changed, "I've read it" only for what was on the screen, ticks and remarks.

use super::*;
use crate::domain::item::Items;
use crate::domain::paging::Step;
use crate::domain::runbook::{Made, Reading, Remark, Revision, Runbook, RunbookName, Ticked, Ticks};
use crate::query::coverage::Due;
use crate::sync::picture::{Beside, Waiting};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

const FIRST: &str = "---\ntitle: Payments fail\n---\n# Payments fail\n\n`{{ labels.instance }}` answers with errors.\n\n\
    ## First look\n\n- [ ] Is the provider up?\n- [ ] Was something deployed?\n\n```sh\nkubectl get pods\nkubectl get events\n```\n\n\
    ## What to do\n\n1. Restart one pod, and wait five minutes.\n2. Switch to the second provider.\n\n\
    ## When that does not help\n\nCall the lead of payments.\n\nSee <https://wiki.example/payments>.\n";

fn second() -> String {
    FIRST.replace("five minutes", "ten minutes").replace("Call the lead", "Call support, then the lead")
}

fn name(text: &str) -> RunbookName {
    RunbookName::parse(text).unwrap()
}

fn made(text: &str, author: &str, message: &str) -> Made {
    let (author, message, commit) = (author.into(), message.into(), String::new());
    Made { revision: Revision::of(text), at: at("02:00"), author, message, commit }
}

/// A runbook whose current text is this one.
fn beside(path: &str, text: &str) -> Beside {
    let made = vec![made(text, "lena", "five minutes were too short")];
    let runbook = Runbook { title: "Payments fail".into(), made, ..Runbook::unread(name(path)) };
    let why = "match {service=\"payments-api\"}".to_owned();
    let text = Some(Arc::from(text));
    let anchor = String::new();
    Beside { runbook, why, anchor, reading: Reading::Unread, text, read: None, ticks: None, remarks: Vec::new() }
}

fn unread() -> Beside {
    beside("pay/5xx.md", FIRST)
}

fn current() -> Beside {
    Beside { reading: Reading::Current { at: at("01:00") }, ..unread() }
}

fn changed() -> Beside {
    let reading = Reading::Changed { read: Revision::of(FIRST), at: at("01:00") };
    Beside { reading, read: Some(Arc::from(FIRST)), ..beside("pay/5xx.md", &second()) }
}

fn with(runbooks: Vec<Beside>) -> Picture {
    let mut picture = picture(rows());
    let mut items = Items::default();
    items.runbooks.insert("other.md".into(), Runbook::unread(name("other.md")));
    items.runbooks.extend(runbooks.iter().map(|one| (one.runbook.name.to_string(), one.runbook.clone())));
    picture.items = Arc::new(items);
    picture.detail = Some(Arc::new(Detail { runbooks, ..(*detail(12)).clone() }));
    picture
}

fn open(runbooks: Vec<Beside>) -> Desk {
    let mut desk = Desk::new(with(runbooks));
    desk.keys("r");
    desk
}

fn receipt(text: &str) -> Act {
    Act::Read { runbook: name("pay/5xx.md"), revision: Revision::of(text) }
}

fn acts(desk: &Desk) -> Vec<Act> {
    desk.submitted().into_iter().map(|(_, act)| act).collect()
}

#[test]
fn each_state_at_each_size() {
    let several = || vec![changed(), Beside { why: "match all".into(), ..beside("all.md", "# All\n\nRead it.\n") }];
    let broken = || {
        let mut broken = current();
        broken.runbook.fault = Some("pay/5xx.md: line 2: match: a value is missing at character 9".into());
        vec![broken]
    };
    let ticked = || {
        let id = crate::runbook::Runbook::read(FIRST.as_bytes(), "x").unwrap().page().tasks()[0].id.clone();
        let by = UserName::parse("jonas").unwrap();
        let done = Ticked { text: "Is the provider up?".into(), by, at: at("03:17") };
        let (incident, runbook) = (super::id(12), name("pay/5xx.md"));
        let ticks = Ticks { incident, runbook, ticked: [(id, done)].into(), at: at("03:17") };
        vec![Beside { ticks: Some(ticks), ..current() }]
    };
    let scenes: [(&str, Vec<Beside>, &str); 8] = [
        ("unread", vec![unread()], ""),
        ("read", vec![current()], ""),
        ("changed", vec![changed()], ""),
        ("changed_whole", vec![changed()], "w"),
        ("several", several(), ">"),
        ("none", Vec::new(), ""),
        ("broken", broken(), ""),
        ("ticked", ticked(), ""),
    ];
    for (scene, runbooks, keys) in scenes {
        let mut shown = String::new();
        for (width, height) in SIZES {
            let mut desk = Desk::sized(with(runbooks.clone()), width, height);
            desk.keys(&format!("r {keys}"));
            shown.push_str(&format!("{width}x{height}\n{}\n", desk.screen()));
        }
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(format!("runbook_{scene}"), shown);
        });
    }
}

#[test]
fn words_that_are_new_or_gone_are_told_apart_without_colour() {
    let desk = open(vec![changed()]);
    let mono = Theme::shipped("mono", crate::tui::theme::Depth::None);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    view::draw(&desk.state, &mono, &mut buffer);
    let line = text(&buffer).iter().position(|line| line.contains("wait five ten minutes")).unwrap();
    let style = |word: &str| {
        let x = text(&buffer)[line].find(word).unwrap();
        buffer[(x as u16, line as u16)].style().add_modifier
    };
    let (gone, new, same) = (style("five"), style("ten"), style("minutes"));
    assert!(gone != new && gone != same && new != same, "{gone:?} {new:?} {same:?}");
}

#[test]
fn what_was_not_on_the_screen_cannot_be_confirmed() {
    let mut desk = Desk::sized(with(vec![unread()]), 80, 16);
    desk.keys("r R");
    assert_eq!(acts(&desk), []);
    assert!(desk.has("parts were on the screen: here is the next"), "{}", desk.screen());
    desk.keys("G R");
    assert_eq!(acts(&desk), [], "its middle was never there");
    desk.keys("g g ctrl-d ctrl-d ctrl-d ctrl-d R");
    assert_eq!(acts(&desk), [receipt(FIRST)], "{}", desk.screen());
    assert_eq!(desk.submitted()[0].0, IncidentId::from_bytes([0; 16]), "it is about no incident");
}

#[test]
fn hunks_are_gone_through_by_a_key_and_what_was_seen_stays_seen_at_another_width() {
    let mut desk = Desk::sized(with(vec![changed()]), 80, 11);
    desk.keys("r");
    assert!(desk.has("hunks seen 1/2"), "{}", desk.screen());
    desk.keys("n");
    assert!(desk.has("then the lead"), "{}", desk.screen());
    desk.keys("N");
    assert!(desk.has("hunks seen 2/2"), "{}", desk.screen());
    desk.event(Event::Resize { width: 60, height: 11 });
    assert!(desk.has("hunks seen 2/2"), "{}", desk.screen());
    desk.keys("R");
    assert_eq!(acts(&desk), [receipt(&second())]);
}

#[test]
fn a_receipt_is_for_the_text_that_was_on_the_screen() {
    let mut desk = open(vec![unread()]);
    desk.keys("G g g");
    // The hub has another text by now: what was seen of the old one counts for nothing there.
    let newer = with(vec![beside("pay/5xx.md", &format!("{}\n## More\n\nAnd more.\n", second()))]);
    desk.show(newer);
    assert_eq!(desk.state.reader.progress().0, 0);
    desk.keys("R");
    assert_eq!(acts(&desk), [], "its end was not there yet");
}

#[test]
fn a_receipt_waits_visibly_and_is_not_given_twice() {
    let mut desk = open(vec![changed()]);
    desk.keys("j R");
    assert_eq!(acts(&desk).len(), 1);
    let waiting = Waiting {
        op_id: crate::domain::id::OpId::from_bytes([7; 16]),
        act: receipt(&second()),
        created_at: at("03:18"),
    };
    desk.change(|picture| picture.waiting_apart = Arc::new(vec![waiting]));
    assert!(desk.has("waits for the hub"), "{}", desk.screen());
    desk.keys("R");
    assert_eq!(acts(&desk).len(), 1);
    let mut read = open(vec![current()]);
    read.keys("R");
    assert_eq!(acts(&read), []);
    assert!(read.has("you read this text of pay/5xx.md before"), "{}", read.screen());
}

#[test]
fn the_overview_says_what_is_to_be_read() {
    let says = |runbooks: Vec<Beside>, words: &str| {
        let desk = Desk::new(with(runbooks));
        assert!(desk.has(words), "{words}: {}", desk.screen());
    };
    says(vec![unread()], "runbook pay/5xx.md  unread  r=read");
    says(vec![current()], "runbook pay/5xx.md  read, unchanged");
    says(vec![changed()], "runbook pay/5xx.md  CHANGED since you read it");
    says(vec![changed(), unread()], "runbook pay/5xx.md and 1 more");
    says(Vec::new(), "runbook none is for it");
}

#[test]
fn items_are_ticked_within_the_incident_and_code_is_copied_whole() {
    let mut desk = open(vec![current()]);
    desk.keys("space");
    assert!(desk.has("tick: Was something deployed?") && !desk.has("type it"), "{}", desk.screen());
    desk.keys("2");
    let submitted = desk.submitted();
    let [(incident, Act::Tick { runbook, text, done, .. })] = submitted.as_slice() else { panic!("{submitted:?}") };
    assert_eq!((*incident, runbook, text.as_str()), (super::id(12), &name("pay/5xx.md"), "Was something deployed?"));
    assert!(done);
    desk.keys("y c");
    assert_eq!(desk.state.clip.as_ref().map(|clip| clip.text()), Some("kubectl get pods\nkubectl get events".into()));
}

#[test]
fn a_remark_names_its_line_and_text() {
    let mut desk = open(vec![current()]);
    desk.keys("e");
    assert!(desk.has("LINE WORDS, to the author of the runbook"), "{}", desk.screen());
    desk.keys("\"which_pod?\" enter");
    let expected =
        Act::Remark { runbook: name("pay/5xx.md"), revision: Revision::of(FIRST), line: 4, text: "which pod?".into() };
    assert_eq!(acts(&desk), [expected]);
    let remark = Remark {
        op: crate::domain::id::OpId::from_bytes([7; 16]),
        revision: Revision::of(FIRST),
        line: 4,
        text: "which pod?".into(),
        by: UserName::parse("mira").unwrap(),
        at: at("03:18"),
    };
    desk.show(with(vec![Beside { remarks: vec![remark], ..current() }]));
    assert!(desk.has("Payments fail  (1 remarked)"), "{}", desk.screen());
}

#[test]
fn without_one_the_beginning_of_one_is_copied() {
    let mut desk = open(Vec::new());
    assert!(desk.has("no runbook is for this incident"), "{}", desk.screen());
    desk.keys(": \"template\" enter");
    let clip = desk.state.clip.as_ref().map(|clip| clip.text()).unwrap_or_default();
    assert!(clip.contains("match: '{alertname=\"HighErrorRate\", service=\"payments-api\"}'"), "{clip}");
}

#[test]
fn reading_anew_begins_at_the_first_for_another_incident() {
    let mut desk = open(vec![changed(), unread()]);
    desk.keys("> w");
    assert_eq!(desk.state.reader.at, 1);
    let mut other = with(vec![current()]);
    other.detail = Some(Arc::new(Detail { incident: super::id(11), ..(**other.detail.as_ref().unwrap()).clone() }));
    desk.keys("esc j");
    desk.show(other);
    desk.keys("r");
    assert_eq!((desk.selected(), desk.state.reader.at, desk.state.reader.whole), (11, 0, false));
    assert!(desk.has("you read this "), "{}", desk.screen());
}

#[test]
fn an_address_with_an_anchor_opens_at_its_heading() {
    let text =
        format!("{FIRST}\n##### Alert Name: \"KubePodNotReady\"\n\nLook at the pod.\n{}", "\nMore.\n".repeat(30));
    let anchor = "alert-name-kubepodnotready".to_owned();
    let mut desk = open(vec![Beside { anchor, ..beside("real.md", &text) }]);
    assert!(desk.has("Look at the pod.") && !desk.has("answers with errors"), "{}", desk.screen());
    desk.keys("R");
    assert_eq!(acts(&desk), [], "what stands above was not on the screen");
    let mut desk = open(vec![Beside { anchor: "nowhere".into(), ..unread() }]);
    assert!(desk.keys("j").has("answers with errors"), "{}", desk.screen());
}

/// A picture in which these can be read by their names, and the first is open.
fn with_book(runbooks: Vec<Beside>) -> Picture {
    let mut picture = with(runbooks);
    let runbooks = picture.detail.as_ref().map(|detail| detail.runbooks.clone()).unwrap_or_default();
    let alone = |beside: &Beside| Beside { why: String::new(), ..beside.clone() };
    picture.book = runbooks.first().map(|first| Arc::new(alone(first)));
    let user = picture.user.clone();
    let due = |beside: &Beside| Due {
        user: user.clone(),
        runbook: beside.runbook.name.clone(),
        reading: beside.reading,
        shift: None,
    };
    let unread = runbooks.iter().filter(|beside| !matches!(beside.reading, Reading::Current { .. }));
    picture.due = Arc::new(unread.map(due).collect());
    picture
}

/// A picture with a runbook that nobody has read.
pub(super) fn readable() -> Picture {
    with_book(vec![unread()])
}

fn asked_for(desk: &Desk) -> Vec<Option<String>> {
    let open = desk.effects.iter().filter_map(|effect| match effect {
        Effect::Ask(Ask::Open(name)) => Some(name.as_ref().map(RunbookName::to_string)),
        _ => None,
    });
    open.collect()
}

#[test]
fn one_is_opened_by_its_name_over_the_panes_and_confirmed_there() {
    for (width, height) in SIZES {
        let mut desk = Desk::sized(with_book(vec![changed(), unread_other()]), width, height);
        desk.keys(": \"runbook_5xx.md\" enter");
        assert_eq!(asked_for(&desk), [Some("pay/5xx.md".to_owned())]);
        assert!(desk.has("CHANGED since you read") && desk.has("wait five ten minutes"), "{}", desk.screen());
        assert!(!desk.has("payments-api"), "nothing of the panes is seen: {}", desk.screen());
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(format!("runbook_by_name_{width}"), desk.screen());
        });
        // No verb of an incident that is not seen.
        desk.keys("a e");
        assert_eq!(acts(&desk), []);
        desk.keys("esc n R");
        assert_eq!(acts(&desk), [receipt(&second())], "{}", desk.screen());
        desk.keys(">");
        assert_eq!(asked_for(&desk).last(), Some(&Some("all.md".to_owned())), "the next that is to be read");
        desk.keys("q");
        assert_eq!(asked_for(&desk).last(), Some(&None));
        assert!(desk.has("payments-api"), "{}", desk.screen());
    }
}

fn unread_other() -> Beside {
    beside("all.md", "# All\n\nRead it.\n")
}

#[test]
fn a_call_leads_out_of_a_runbook_that_is_open() {
    let mut picture = with_book(vec![unread()]);
    picture.calls = shift::calls([shift::page(12, Step::Level(1))]);
    let mut desk = Desk::new(picture);
    desk.keys(": \"runbook_pay/5xx.md\" enter / \"provider\" enter f2");
    assert_eq!((desk.selected(), desk.state.book.clone()), (12, None), "{}", desk.screen());
}

#[test]
fn what_lies_over_the_panes_hides_what_is_to_be_seen() {
    let seen = |desk: &Desk| desk.effects.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Present { .. })));
    for keys in [": \"runbook_pay/5xx.md\" enter j", "? j", ": \"sources\" enter j"] {
        let mut picture = with_book(vec![unread()]);
        let mut desk = Desk::new(picture.clone());
        desk.keys(keys);
        assert!(!seen(&desk), "nothing calls");
        let mut rows = (*picture.rows).clone();
        for row in &mut rows {
            if row.incident.number == Number(10) {
                row.incident_mut().owner = UserName::parse("mira").ok();
                row.incident_mut().seen_due = Some(at("03:30"));
            }
        }
        picture.rows = Arc::new(rows);
        desk.show(picture);
        desk.keys("j");
        assert!(!seen(&desk), "{keys}: it is covered: {}", desk.screen());
        desk.keys("q j");
        assert!(seen(&desk), "{keys}: it stands there: {}", desk.screen());
    }
}

#[test]
fn no_runbook_of_that_name_or_several_is_told() {
    let mut desk = Desk::new(with_book(vec![unread(), unread_other()]));
    desk.keys(": \"runbook_nothing\" enter");
    assert!(desk.has("no runbook \"nothing\"; :runbooks lists them"), "{}", desk.screen());
    desk.keys(": \"runbook_.md\" enter");
    assert!(desk.has("3 runbooks end so"), "{}", desk.screen());
    assert_eq!(asked_for(&desk), []);
    desk.keys(": \"runbook_5x\"");
    assert!(desk.has("pay/5xx.md"), "they are offered: {}", desk.screen());
}

#[test]
fn words_are_found_and_headings_gone_to() {
    let mut desk = Desk::sized(with(vec![current()]), 80, 14);
    desk.keys("r / \"PROVIDER\" enter");
    assert!(desk.has("2 lines have it") && desk.has("Is the provider up?"), "{}", desk.screen());
    desk.keys("n");
    assert!(desk.has("second provider"), "{}", desk.screen());
    desk.keys("n");
    assert!(desk.has("Is the provider up?"), "round and round: {}", desk.screen());
    desk.keys("esc o \"does_not_help\" tab enter");
    assert!(desk.has("Call the lead") && !desk.state.reader.finds(), "{}", desk.screen());
    desk.keys("/ \"nowhere\" enter");
    assert!(desk.has("not in it: nowhere"), "{}", desk.screen());
    assert!(desk.state.open, "Esc ended the search, not the reading");
}

#[test]
fn remarks_are_written_from_one_opened_by_its_name_too() {
    let mut desk = Desk::new(with_book(vec![unread()]));
    desk.keys(": \"runbook_pay/5xx.md\" enter e \"which_pod?\" enter");
    let remark =
        Act::Remark { runbook: name("pay/5xx.md"), revision: Revision::of(FIRST), line: 4, text: "which pod?".into() };
    assert_eq!(acts(&desk), [remark], "{}", desk.screen());
    assert!(desk.state.book.is_some(), "it is still open");
    desk.keys("space");
    assert!(desk.has("items are ticked within an incident"), "{}", desk.screen());
}

#[test]
fn all_are_listed_what_is_to_be_read_first() {
    let mut broken = beside("wrong.md", "# W\n");
    broken.runbook.made.clear();
    broken.runbook.fault = Some("wrong.md: line 2: match: a value is missing".into());
    let mut picture = with_book(vec![current(), unread_other(), broken]);
    picture.due = Arc::new(picture.due.iter().filter(|due| due.runbook == name("all.md")).cloned().collect());
    let mut items = (*picture.items).clone();
    let mut readers = crate::domain::runbook::Readers { runbook: name("pay/5xx.md"), by: Default::default() };
    readers.note(&picture.user, Revision::of(FIRST), at("01:00"));
    items.readers.insert("pay/5xx.md".into(), readers);
    picture.items = Arc::new(items);
    let mut desk = Desk::new(picture);
    desk.keys(": \"runbooks\" enter");
    let screen = desk.screen();
    let lines: Vec<&str> = screen.lines().filter(|line| line.contains(".md")).map(str::trim).collect();
    let begin: Vec<&str> = lines.iter().map(|line| &line[..line.len().min(17)]).collect();
    assert_eq!(
        begin,
        ["UNREAD   all.md  ", "WRONG    other.md", "WRONG    wrong.md", "wrong: wrong.md: ", "read     pay/5xx."],
        "{screen}"
    );
}

/// Returns every runbook of the corpus that has several texts, oldest first, without those that cannot be shown.
fn real() -> Vec<(String, Vec<String>)> {
    let good = |text: &String| crate::runbook::Runbook::read(text.as_bytes(), "x").is_ok();
    let read = |(path, texts): (String, Vec<Vec<u8>>)| {
        (path, texts.into_iter().filter_map(|text| String::from_utf8(text).ok()).filter(good).collect::<Vec<_>>())
    };
    crate::runbook::tests::revisions().into_iter().map(read).filter(|(_, texts)| texts.len() > 1).collect()
}

/// Reads all of it as a person would, by the key that says so alone; returns the keys that it took.
fn read_through(desk: &mut Desk, lines: usize) -> usize {
    for keys in 1..=lines + 2 {
        desk.keys("R");
        if !acts(desk).is_empty() {
            return keys;
        }
    }
    panic!("it cannot be confirmed after {lines} lines: {}", desk.screen());
}

#[test]
fn every_real_revision_is_read_through_by_three_readers() {
    let (mut readers, mut keys) = (0, [0; 3]);
    for (path, texts) in real() {
        let (first, rest) = texts.split_first().unwrap();
        for (place, current) in rest.iter().enumerate() {
            // Who read each, who read the first alone, and who read none.
            for (who, last) in [Some(&texts[place]), Some(first), None].into_iter().enumerate() {
                let (width, height) = SIZES[readers % SIZES.len()];
                readers += 1;
                if last == Some(current) {
                    continue;
                }
                let fresh = beside("real.md", current);
                let reading = |text: &String| Reading::Changed { read: Revision::of(text), at: at("01:00") };
                let beside = match last {
                    Some(last) => Beside { reading: reading(last), read: Some(Arc::from(last.as_str())), ..fresh },
                    None => fresh,
                };
                let mut desk = Desk::sized(with(vec![beside]), width, height);
                desk.keys("r");
                let screen = desk.screen();
                let Some(sheet) = desk.state.reader.sheet.clone() else { panic!("{path}: {screen}") };
                assert_eq!(sheet.text.since, last.map(|last| Revision::of(last)), "{path}");
                let head = if last.is_some() { "CHANGED since you read " } else { "you have not read this" };
                assert!(screen.contains(head) && screen.contains("by lena"), "{path}: {screen}");
                let shown = desk.state.reader.sheet.as_ref().map_or(0, |sheet| sheet.lines.len());
                keys[who] += read_through(&mut desk, shown);
                assert_eq!(acts(&desk), [receipt_of(current)], "{path}");
            }
        }
    }
    println!("{readers} readers; keys of who read each, the first alone, none: {keys:?}");
    assert!(readers > 1000, "{readers}");
    assert!(keys[0] < keys[2], "what changed is shorter than the whole: {keys:?}");
}

fn receipt_of(text: &str) -> Act {
    Act::Read { runbook: name("real.md"), revision: Revision::of(text) }
}
