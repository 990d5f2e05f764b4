//! Receipts for runbooks: given offline, by one person on two consoles, for a text that the hub replaced meanwhile; and what cannot be a
//! runbook.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::proxy::Proxy;
use crate::support::runbooks::Books;
use crate::support::until;
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
const CONFIG: &str = "runbooks = \"books\"\n";

/// What a person has read of the only runbook: the word, and the revision.
fn reading(person: &Person) -> (String, Value) {
    let mut all = person.json(&["runbook", "list"], 0);
    assert_eq!(all.len(), 1, "{all:?}");
    let word = all[0]["reading"].as_str().expect("it is a word").to_owned();
    (word, all[0]["read"]["revision"].take())
}

fn read(revision: &Value) -> (String, Value) {
    ("read".into(), revision.clone())
}

/// Waits until the hub tells that person of so many revisions, and returns the newest.
fn revision(person: &Person, count: usize) -> Value {
    until("the revision", LIMIT, || {
        let all = person.json(&["runbook", "list"], 0);
        let made = all.first()?["revisions"].as_array()?.clone();
        (made.len() == count).then(|| made[0]["revision"].clone())
    })
}

#[test]
fn a_receipt_counts_for_the_text_that_was_read_whenever_it_arrives() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::checkout(&dir.path().join("hub/books"));
    books.commit("pay.md", "# Pay\n\nRestart it once.\n", "jonas", "first");
    let mut hub = Hub::start(&dir.path().join("hub"), CONFIG);
    let mut wire = Proxy::before(hub.address());
    let desk = Person::near(&hub, &dir.path().join("desk"), "mira");
    let train = Person::through(&hub, &wire, &dir.path().join("train"), "mira");
    let lena = Person::through(&hub, &wire, &dir.path().join("lena"), "lena");
    let jonas = Person::near(&hub, &dir.path().join("jonas"), "jonas");
    let first = revision(&train, 1);
    revision(&lena, 1);
    assert_eq!(reading(&train).0, "unread");

    // Without a hub it waits, and is shown as that.
    wire.cut();
    for person in [&train, &lena] {
        let said = person.run(&["runbook", "read", "pay.md"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.stdout.contains("NOT confirmed"), "{said:?}");
    }
    // Meanwhile the text changes, and the other console reads the new one.
    books.commit("pay.md", "# Pay\n\nRestart it twice.\n", "jonas", "once is not enough");
    let second = revision(&desk, 2);
    assert_eq!(desk.json(&["runbook", "read", "pay.md"], 0)[0]["op"]["verdict"]["outcome"], "applied");
    hub.kill9();
    hub.restart();
    wire.heal();

    // Of two texts the newer counts, though the receipt for the older came later; who read the older alone is shown what changed.
    let said = until("the verdict", LIMIT, || {
        Some(train.run(&["runbook", "list"])).filter(|said| said.stderr.contains("pay.md"))
    });
    assert!(said.stderr.contains("runbook_read pay.md"), "{said:?}");
    assert_eq!(reading(&train), read(&second));
    assert_eq!(reading(&desk), read(&second));
    until("the receipt", LIMIT, || (reading(&lena) == ("changed".into(), first.clone())).then_some(()));
    let changed = lena.run(&["runbook", "diff", "pay.md"]).stdout;
    assert!(changed.contains("once is not enough") && changed.contains("by jonas"), "{changed}");
    assert!(changed.contains("once") && changed.contains("twice"), "{changed}");
    // Nobody is said to have read what they have not.
    assert_eq!(reading(&jonas).0, "unread");

    // A text that comes back is one that was read.
    books.commit("pay.md", "# Pay\n\nRestart it once.\n", "lena", "back again");
    until("the text", LIMIT, || (reading(&lena) == read(&first)).then_some(()));
}

#[test]
fn what_cannot_be_a_runbook_has_a_word_and_the_hub_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::directory(&dir.path().join("hub/books"));
    let hub = Hub::start(&dir.path().join("hub"), CONFIG);
    let mira = Person::near(&hub, &dir.path().join("mira"), "mira");
    books
        .write("good.md", b"---\nmatch: alertname=Down\n---\n# Good\n\n\x1b]0;title\x07\x1b[2Jred \xe2\x80\xae evil\n");
    books.write("huge.md", &vec![b'x'; 5 * 1024 * 1024]);
    books.write("binary.md", &[0, 159, 146, 150, 0, 1, 2]);
    books.write("latin.md", b"caf\xe9\n");
    books.write("deep.md", "> ".repeat(10_000).as_bytes());
    books.write("query.md", b"---\nmatch: service==(\n---\ntext\n");
    books.write("open.md", b"---\nmatch: a=b\ntext without an end\n");
    books.write("bomb.md", format!("---\nmatch: [{}]\n---\n", "a=b, ".repeat(40_000)).as_bytes());
    std::os::unix::fs::symlink("/etc/passwd", books.path().join("secret.md")).expect("a link");
    hub.alert(&[firing("Down", &[])]);

    let all = until("the files", LIMIT, || Some(mira.json(&["runbook", "list"], 0)).filter(|all| all.len() >= 8));
    let fault = |name: &str| {
        let one = all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {all:?}"));
        one["fault"].as_str().unwrap_or_default().to_owned()
    };
    for (name, word) in [
        ("huge.md", "5120 KiB"),
        ("binary.md", "line 1"),
        ("latin.md", "line 1"),
        ("query.md", "line 2"),
        ("open.md", "line 1"),
        ("bomb.md", "line 2"),
        ("secret.md", "leads out of the directory"),
    ] {
        assert!(fault(name).contains(word), "{name}: {}", fault(name));
    }
    assert_eq!((fault("good.md"), fault("deep.md")), (String::new(), String::new()));
    let shown = mira.run(&["runbook", "show", "good.md"]).stdout;
    assert!(
        shown.contains("red") && shown.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
        "{shown:?}"
    );
    assert!(mira.run(&["runbook", "show", "deep.md"]).stdout.len() < 100_000);
    assert!(!format!("{all:?}").contains("root:"), "nothing of a file outside");

    // Before it counts: the same words, with file and line.
    let config = dir.path().join("hub/hub.toml");
    let checked = hub.command(&["check", "--alone", &config.display().to_string()]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.stdout.contains("query.md: line 2:"), "{}", checked.stdout);
    assert!(checked.stdout.contains("huge.md: it is 5120 KiB long"), "{}", checked.stdout);

    // The last good text stays while the file is wrong, and what is mended counts.
    books.write("good.md", b"---\nmatch: ((\n---\n# Bad\n");
    books.write("query.md", b"---\nmatch: service=pay\n---\ntext\n");
    let all = until("both", LIMIT, || {
        let all = mira.json(&["runbook", "list"], 0);
        let of = |name: &str| all.iter().find(|one| one["name"] == name).cloned();
        let (good, query) = (of("good.md")?, of("query.md")?);
        (good["fault"].is_string() && query["fault"].is_null()).then_some((good, query))
    });
    assert_eq!((&all.0["title"], all.0["revisions"].as_array().map(Vec::len)), (&json!("Good"), Some(1)));
    assert!(mira.run(&["runbook", "show", "1"]).stdout.contains("WRONG"));
    assert_eq!(all.1["match"], json!(["service=pay"]));
}

#[test]
fn who_may_be_called_and_has_not_read_it_is_told_before_the_night() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::directory(&dir.path().join("hub/books"));
    books.write("pay.md", b"---\nmatch: service=pay\n---\n# Pay\n\nRestart it.\n");
    books.write("idle.md", b"---\nmatch: service=nothing\n---\n# Idle\n");
    let on_call = "[[on_call]]\nperson = \"mira\"\nfrom = \"2020-01-01T00:00:00Z\"\nto = \"2100-01-01T00:00:00Z\"\n";
    let hub = Hub::start(&dir.path().join("hub"), &format!("{CONFIG}{on_call}"));
    let mira = Person::near(&hub, &dir.path().join("mira"), "mira");
    let jonas = Person::near(&hub, &dir.path().join("jonas"), "jonas");
    jonas.list();
    hub.alert(&[firing("Slow", &[("service", "pay")]), firing("Bare", &[("service", "db")])]);
    let names = |person: &Person| -> Vec<(Value, Value)> {
        let due = person.json(&["runbook", "unread"], 0);
        due.into_iter().map(|mut due| (due["user"].take(), due["name"].take())).collect()
    };
    let both = [(json!("mira"), json!("idle.md")), (json!("mira"), json!("pay.md"))];
    until("both runbooks", LIMIT, || (names(&jonas) == both).then_some(()));
    assert_eq!(jonas.json(&["runbook", "unread", "--mine"], 0), Vec::<Value>::new(), "he is not on call");
    mira.json(&["runbook", "read", "pay.md"], 0);
    assert_eq!(names(&jonas), both[..1]);
    assert!(jonas.run(&["runbook", "unread"]).stdout.contains("on call since 2020-01-01"));
    let gaps = jonas.json(&["runbook", "gaps"], 0).remove(0);
    assert_eq!(gaps["runbooks_without_alert"], json!(["idle.md"]));
    assert_eq!(gaps["alerts_without_runbook"][0]["alertname"], "Bare");
    assert_eq!(gaps["alerts_without_runbook"].as_array().map(Vec::len), Some(1));

    // The beginning of one, written as it is printed, is beside that alert from then on.
    let number = gaps["alerts_without_runbook"][0]["number"].to_string();
    let file = jonas.run(&["runbook", "template", &number]);
    assert_eq!(file.code, Some(0), "{file:?}");
    books.write("bare.md", file.stdout.as_bytes());
    let found = || jonas.run(&["runbook", "show", &number, "--json"]).stdout;
    until("the runbook", LIMIT, || found().contains("\"name\":\"bare.md\"").then_some(()));
    assert_eq!(jonas.json(&["runbook", "gaps"], 0)[0]["alerts_without_runbook"], json!([]));
    // Under another name it is the same text: who read it is not asked again.
    std::fs::rename(books.path().join("pay.md"), books.path().join("moved.md")).expect("a file can be renamed");
    let word = |all: &[Value], name: &str| Some(all.iter().find(|one| one["name"] == name)?["reading"].clone());
    until("the new name", LIMIT, || {
        let all = mira.json(&["runbook", "list"], 0);
        (word(&all, "pay.md").is_none() && word(&all, "moved.md")? == "read").then_some(())
    });
    assert_eq!(names(&jonas).len(), 2, "what nobody read is still to be read");
}
