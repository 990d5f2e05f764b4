//! Rule files: whatever a text is, it is taken or each mistake in it has its line, and what was taken decides of any alert.

use nightdesk::config::Hub;
use nightdesk::domain::id::SourceName;
use nightdesk::domain::label::{LabelLimits, Labels};
use nightdesk::rules::{Rulebook, Said, remarks};
use std::path::Path;
use std::sync::LazyLock;

/// Pieces of rule files.
pub const WORDS: &[&str] = &[
    "[[severity]]\n",
    "[[grouping]]\n",
    "[[instant]]\n",
    "[[pending]]\n",
    "[[service_level]]\n",
    "[[calendar]]\n",
    "[[policy]]\n",
    "[[route]]\n",
    "[[dependency]]\n",
    "[[service]]\n",
    "[[source]]\n",
    "[[view]]\n",
    "[[alertmanager]]\n",
    "[triage]\n",
    "[[level]]\n",
    "match = ''\n",
    "match = '{alertname=\"Down\"}'\n",
    "match = 'severity<=3'\n",
    "name = \"x\"\n",
    "severity = \"S1\"\n",
    "impact = \"high\"\nlikelihood = \"low\"\n",
    "by = [\"cluster\"]\n",
    "by = []\n",
    "window = \"10m\"\n",
    "title = \"{rack} {}\"\n",
    "for = \"2m\"\n",
    "for = \"9999999999999d\"\n",
    "plan = \"batch\"\n",
    "calendar = \"office\"\n",
    "zone = \"Europe/Berlin\"\n",
    "days = [\"mon\"]\n",
    "from = \"09:00\"\n",
    "to = \"24:00\"\n",
    "except = [\"2026-12-25\"]\n",
    "team = \"a\"\n",
    "policy = \"db\"\n",
    "levels = [{ call = [\"on-call\"], within = \"5m\" }]\n",
    "on = ''\n",
    "same = [\"rack\"]\n",
    "hold = \"15m\"\n",
    "criticality = 1\n",
    "links = { a = \"https://x\" }\n",
    "key = \"1\"\n",
    "query = 'owner:me'\n",
    "every = \"5m\"\n",
    "heartbeat = '{alertname=\"Watchdog\"}'\n",
    "ping = true\n",
    "deadline = \"1h\"\n",
    "url = \"http://[::1]:9093\"\n",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    "#",
    "-1",
    "1e99",
    "0x",
    "é",
    "\u{202e}",
    "1979-05-27T07:32:00Z",
    "true",
    "nan",
];

/// The examples, table by table, and with their neighbours.
pub fn corpus() -> Vec<String> {
    let files = [include_str!("../../examples/hub-rules.toml"), include_str!("../../examples/hub.toml")];
    let mut texts = Vec::new();
    for file in files {
        let parts: Vec<&str> = file.split("\n\n").collect();
        texts.extend(parts.iter().map(|part| format!("{part}\n")));
        texts.extend(parts.windows(4).map(|parts| format!("{}\n", parts.join("\n\n"))));
        // What is commented out is an example, too.
        texts.extend(parts.iter().map(|part| part.replace("# ", "") + "\n"));
    }
    texts
}

static ALERTS: LazyLock<Vec<Labels>> = LazyLock::new(|| {
    let sets: [&[(&str, &str)]; 4] = [
        &[],
        &[("alertname", "Down"), ("severity", "critical"), ("cluster", "eu-1"), ("rack", "r4"), ("job", "switch")],
        &[("alertname", "{alertname}"), ("rack", "{rack}{}"), ("severity", "\u{202e}S1"), ("x", "\n\0\x1b[2J")],
        &[("alertname", "Watchdog"), ("severity", "none"), ("service", "\"]]"), ("team", "a")],
    ];
    let labels = |set: &&[(&str, &str)]| Labels::new(set.iter().copied(), &LabelLimits::LABELS).expect("labels");
    sets.iter().map(labels).collect()
});

/// Reads a text as the file of a hub; returns whether it may be used.
pub fn run(text: &str) -> bool {
    let Ok((hub, faults)) = Hub::parse(Path::new("hub.toml"), text) else { return false };
    let lines = text.lines().count();
    for fault in &faults {
        assert!((1..=lines.max(1)).contains(&fault.line), "a mistake at line {} of {lines}: {}", fault.line, fault.why);
        assert!(!fault.why.is_empty() && fault.why.len() < 4096, "{}", fault.why);
    }
    decide(&hub.book);
    assert!(remarks(&hub.book, None).len() <= 100_000);
    faults.is_empty()
}

fn decide(book: &Rulebook) {
    let source = SourceName::parse("prometheus").expect("a name");
    for labels in ALERTS.iter() {
        let decision = book.decide(Said { source: &source, labels, annotations: labels });
        assert!(decision.group.key.len() <= 8192, "a key of {} bytes", decision.group.key.len());
        assert!(decision.group.summary.len() <= 4096, "a title of {} bytes", decision.group.summary.len());
        let again = book.decide(Said { source: &source, labels, annotations: labels });
        assert_eq!(decision.group, again.group, "the same alert, the same group");
    }
}
