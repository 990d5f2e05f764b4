//! The corpus's runbooks with all their real revisions, as a git history: matched to the corpus's rules by their `runbook_url`, and stepped
//! through by three readers with different last receipts.

use crate::support::alerts::annotated;
use crate::support::corpus;
use crate::support::hub::Hub;
use crate::support::mirror::in_folder;
use crate::support::person::Person;
use crate::support::proxy::Proxy;
use crate::support::runbooks::{Books, Commit};
use crate::support::until;
use nightdesk::domain::runbook::Revision;
use nightdesk::domain::time::Timestamp;
use nightdesk::runbook::{Page, Runbook, changes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Two looks of the hub at a hundred changed files, on a machine that has other work.
const LIMIT: Duration = Duration::from_secs(60);
/// Where the addresses of the corpus's rules lead.
const URLS: [(&str, &str); 3] = [
    ("https://runbooks.prometheus-operator.dev/runbooks/", "prometheus-operator/runbooks/content/runbooks/"),
    ("https://github.com/openshift/runbooks/blob/master/", "openshift/runbooks/"),
    (
        "https://github.com/kubernetes-monitoring/kubernetes-mixin/tree/master/",
        "kubernetes-monitoring/kubernetes-mixin/",
    ),
];
/// Runbooks that the readers follow: those with the most revisions.
const FOLLOWED: usize = 6;
/// The width of what commands print.
const WIDTH: usize = 100;

/// A runbook of the corpus.
struct Book {
    path: String,
    texts: Vec<(String, Timestamp)>,
}

impl Book {
    /// Returns its file after so many steps.
    fn file(&self, step: usize) -> &str {
        &self.texts[step.min(self.texts.len()) - 1].0
    }

    /// Returns what is shown of it then: its last good text. Some real texts have a front matter that is no YAML.
    fn at(&self, step: usize) -> Option<&str> {
        let good = |text: &&str| Runbook::read(text.as_bytes(), "x").is_ok();
        (1..=step).rev().map(|step| self.file(step)).find(good)
    }
}

/// Returns the runbooks that are text and can be shown, by where they lie.
fn books() -> Vec<Book> {
    let index = corpus::read("runbooks/index.json");
    let mut books = Vec::new();
    for one in index["runbooks"].as_array().expect("a list of runbooks") {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let path = format!("{}/{}", text(&one["repo"]), text(&one["path"]));
        let revisions = one["revisions"].as_array().expect("a list of revisions");
        let texts = revisions.iter().map(|revision| {
            let file = corpus::folder().join("runbooks").join(text(&revision["file"]));
            let body = std::fs::read_to_string(file).expect("a text of the corpus can be read");
            (body, Timestamp::parse(&text(&revision["authored"])).expect("a time"))
        });
        books.push(Book { texts: texts.collect(), path });
    }
    books.sort_by(|a, b| a.path.cmp(&b.path));
    books
}

/// Returns the history: in each step every runbook that has another revision gets it, each in a commit of its own.
fn history(books: &[Book]) -> Vec<(String, Vec<Commit>)> {
    let steps = books.iter().map(|book| book.texts.len()).max().expect("there are runbooks");
    let commit = |step: usize, book: &Book| {
        let (text, at) = book.texts.get(step - 1)?;
        let message = format!("revision {step} of {}", book.path);
        Some(Commit { path: book.path.clone(), text: text.clone(), author: "upstream".into(), at: *at, message })
    };
    let of_step = |step: usize| (format!("step-{step}"), books.iter().filter_map(|book| commit(step, book)).collect());
    (1..=steps).map(of_step).collect()
}

fn config() -> String {
    let urls: String = URLS.iter().map(|(url, dir)| format!("{url:?} = {dir:?}\n")).collect();
    format!("runbooks = \"books\"\n[runbook_urls]\n{urls}")
}

/// Returns the names of the corpus's rules that name a runbook, each with its address.
fn rules() -> BTreeMap<String, String> {
    let rules = corpus::read("rules.json");
    let rules = rules.as_array().expect("a list of rules").iter();
    let named = rules.filter_map(|rule| {
        Some((rule["name"].as_str()?.to_owned(), rule["annotations"]["runbook_url"].as_str()?.to_owned()))
    });
    named.collect()
}

/// Returns the runbook that an address leads to, worked out apart from the hub.
fn led_to<'b>(books: &'b [Book], url: &str) -> Option<&'b Book> {
    let url = url.split('#').next()?.trim_end_matches('/');
    let (prefix, dir) = URLS.iter().find(|(prefix, _)| url.starts_with(prefix))?;
    let wanted = format!("{dir}{}", &url[prefix.len()..]).to_lowercase();
    books.iter().find(|book| {
        let path = book.path.to_lowercase();
        path == wanted || path == format!("{wanted}.md")
    })
}

/// Somebody who reads what they are shown, or not.
struct Reader {
    person: Person,
    /// Of each runbook that is followed, what was read of it, the latest last.
    read: BTreeMap<String, Vec<String>>,
}

impl Reader {
    fn new(hub: &Hub, dir: &std::path::Path, name: &str) -> Self {
        Self { person: Person::near(hub, &dir.join(name), name), read: BTreeMap::new() }
    }

    /// Finds that this person is shown what they must be of one runbook: nothing, what changed since their last receipt, or the whole.
    fn is_shown(&self, listed: &Value, book: &Book, current: &str) {
        let nothing = Vec::new();
        let read = self.read.get(&book.path).unwrap_or(&nothing);
        let whole = || page(current).lines(WIDTH, &BTreeMap::new()).iter().map(|line| line.text()).collect::<Vec<_>>();
        match read.last() {
            _ if read.iter().any(|text| text == current) => {
                assert_eq!(listed["reading"], "read", "{}", book.path);
                assert_eq!(listed["read"]["revision"], Revision::of(current).to_string(), "{}", book.path);
            }
            Some(last) => {
                assert_eq!(listed["reading"], "changed", "{}", book.path);
                assert_eq!(listed["read"]["revision"], Revision::of(last).to_string(), "{}", book.path);
                let said = self.person.json(&["runbook", "diff", &book.path], 0);
                let hunks = said[0]["hunks"].as_array().expect("a list of hunks").clone();
                let expected = changes(&page(last), &page(current)).hunks;
                let expected: Vec<Vec<String>> =
                    expected.iter().map(|hunk| hunk.lines(WIDTH).iter().map(|line| line.text()).collect()).collect();
                assert_eq!(serde_json::json!(hunks), serde_json::json!(expected), "{}", book.path);
            }
            None => {
                assert_eq!((&listed["reading"], &listed["read"]), (&"unread".into(), &Value::Null), "{}", book.path);
                let said = self.person.run(&["runbook", "diff", &book.path]).stdout;
                assert!(said.contains("you have not read it"), "{said}");
                let whole = whole();
                let missing = whole.iter().find(|line| !said.contains(line.as_str()));
                assert_eq!(missing, None, "{}: the whole is shown", book.path);
            }
        }
    }

    fn reads(&mut self, book: &Book, current: &str) {
        let said = self.person.json(&["runbook", "read", &book.path], 0);
        assert_eq!(said[0]["op"]["verdict"]["outcome"], "applied", "{said:?}");
        self.read.entry(book.path.clone()).or_default().push(current.to_owned());
    }
}

fn page(text: &str) -> Page {
    Runbook::read(text.as_bytes(), "x").expect("a runbook").page()
}

/// Waits until that person is told these texts, each with its history, and returns what is listed, by name.
fn listed(person: &Person, books: &[Book], step: usize) -> BTreeMap<String, Value> {
    until(&format!("the texts of step {step}"), LIMIT, || {
        let all = person.json(&["runbook", "list"], 0);
        let all: BTreeMap<String, Value> =
            all.into_iter().filter_map(|one| Some((one["name"].as_str()?.to_owned(), one))).collect();
        let is_told = |book: &Book| {
            let Some(one) = all.get(&book.path) else { return false };
            let Some(text) = book.at(step) else { return one["revisions"].as_array().is_some_and(Vec::is_empty) };
            let made = &one["revisions"][0];
            let is_current = made["revision"] == Revision::of(text).to_string() && made["author"] == "upstream";
            is_current && one["fault"].is_null() == (book.file(step) == text)
        };
        books.iter().all(is_told).then_some(all)
    })
}

#[test]
fn the_real_runbooks_revision_by_revision_as_three_readers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (all, checkout) = (books(), Books::checkout(&dir.path().join("hub/books")));
    let history = history(&all);
    checkout.import(&history);
    checkout.git(&["reset", "--quiet", "--hard", "step-1"]);
    let hub = Hub::start(&dir.path().join("hub"), &config());
    let [mut keen, mut first, never] = ["keen", "first", "never"].map(|name| Reader::new(&hub, dir.path(), name));
    let mut followed: Vec<&Book> = all.iter().collect();
    followed.sort_by_key(|book| std::cmp::Reverse(book.texts.len()));
    followed.truncate(FOLLOWED);

    let mut shown = 0;
    for step in 1..=history.len() {
        checkout.git(&["reset", "--quiet", "--hard", &format!("step-{step}")]);
        let told = listed(&keen.person, &all, step);
        for book in &followed {
            let current = book.at(step).expect("their first texts are good");
            [&keen, &first, &never].into_iter().for_each(|reader| {
                let own = match std::ptr::eq(reader, &keen) {
                    true => told[&book.path].clone(),
                    false => reader.person.json(&["runbook", "show", &book.path], 0)[0].clone(),
                };
                reader.is_shown(&own, book, current);
                shown += 1;
            });
            if !keen.read.get(&book.path).is_some_and(|read| read.iter().any(|text| text == current)) {
                keen.reads(book, current);
            }
            if step == 1 {
                first.reads(book, current);
            }
        }
    }
    println!("{} runbooks, {} steps: {shown} looks of three readers", all.len(), history.len());

    // What the rules name by address is beside their alerts; what leads nowhere is a gap.
    let rules = rules();
    let alerts: Vec<Value> = rules.iter().map(|(name, url)| annotated(name, &[], &[("runbook_url", url)])).collect();
    alerts.chunks(50).for_each(|chunk| hub.alert(chunk));
    let (named, bare): (BTreeSet<&String>, BTreeSet<&String>) =
        rules.keys().partition(|name| led_to(&all, &rules[*name]).is_some());
    assert!(named.len() > 80, "{} of the rules name one", named.len());
    println!("{} of {} rules with a runbook_url lead to one of these runbooks", named.len(), rules.len());
    let gaps = never.person.json(&["runbook", "gaps"], 0);
    let without = gaps[0]["alerts_without_runbook"].as_array().expect("a list of alerts");
    let without: BTreeSet<String> =
        without.iter().filter_map(|one| Some(one["alertname"].as_str()?.to_owned())).collect();
    assert_eq!(without.iter().collect::<BTreeSet<_>>(), bare);
    for incident in never.person.list().iter().filter(|incident| incident["number"].as_u64() < Some(20)) {
        let number = incident["number"].to_string();
        let shown = never.person.show(&number);
        let name = shown["series_list"][0]["labels"]["alertname"].as_str().expect("a name").to_owned();
        let Some(book) = led_to(&all, &rules[&name]) else { continue };
        let said = never.person.json(&["runbook", "show", &number], 0);
        assert_eq!((&said[0]["name"], said.len()), (&book.path.clone().into(), 1), "{name}");
        assert_eq!(said[0]["why"], format!("runbook_url {}", rules[&name]));
    }
}

/// Runbooks, and bytes of all of them, of which the mirror's size is stated.
const MANY: usize = 1000;
const MANY_BYTES: usize = 2 << 20;

#[test]
fn a_thousand_runbooks_are_on_a_console_without_a_hub() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let books = Books::directory(&dir.path().join("hub/books"));
    let text = |number: usize| {
        let mut text = format!("---\nmatch: alertname=Alert{number}\n---\n# Alert {number}\n");
        for line in 0.. {
            text.push_str(&format!(
                "\nStep {line} of {number}: look at the graph, then at the log of host-{}.\n",
                line * number
            ));
            if text.len() >= MANY_BYTES / MANY {
                return text;
            }
        }
        text
    };
    (0..MANY).for_each(|number| books.write(&format!("alert-{number}.md"), text(number).as_bytes()));
    let hub = Hub::start(&dir.path().join("hub"), "runbooks = \"books\"\n");
    let mut wire = Proxy::before(hub.address());
    let mira = Person::through(&hub, &wire, &dir.path().join("mira"), "mira");
    until("all runbooks", LIMIT, || (mira.json(&["runbook", "list"], 0).len() == MANY).then_some(()));
    wire.cut();
    let said = mira.run(&["runbook", "show", "alert-777.md"]);
    assert!(said.stdout.contains("Step 1 of 777: look at the graph"), "{said:?}");
    let bytes = std::fs::metadata(in_folder(&mira.data())).expect("there is a mirror").len();
    let of_texts: usize = (0..MANY).map(|number| text(number).len()).sum();
    println!("{MANY} runbooks of {of_texts} bytes: the mirror has {bytes} bytes");
}
