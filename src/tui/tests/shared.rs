//! Changes, sources, the funnel, claims, similar incidents, and why: panes beside the stream that never move its cursor.

use super::*;
use crate::domain::claim::Claimed;
use crate::domain::day::Counts;

use crate::domain::item::{Change, ChangeKind, Claim, Day, Heartbeat, Item, Items, SourceHealth, SourceState};
use crate::domain::similar::{Earlier, Likeness, Similar};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 20)];

fn change(id: &str, clock: &str, title: &str, service: &str) -> Item {
    let labels = Labels::new([("service", service)], &LabelLimits::LABELS).unwrap();
    let (by, url) = ("mira".to_owned(), String::new());
    Item::Change(Change {
        id: id.into(),
        at: at(clock),
        kind: ChangeKind::Deploy,
        title: title.into(),
        labels,
        url,
        by,
    })
}

fn source(name: &str, silent: Option<&str>) -> Item {
    let heartbeat =
        Heartbeat { query: Some("{alertname=\"Watchdog\"}".into()), every_ms: 300_000, last: Some(at("03:00")) };
    Item::Source(SourceState {
        name: SourceName::parse(name).unwrap(),
        last_seen: Some(at("03:10")),
        heartbeat: Some(heartbeat),
        silent_since: silent.map(at),
        state: if silent.is_some() { SourceHealth::Silent } else { SourceHealth::Heard },
        counts: Default::default(),
    })
}

fn claim() -> Claim {
    Claim {
        id: "0190aaaa-0000-7000-8000-000000000001".into(),
        by: UserName::parse("jonas").unwrap(),
        query: "{service=\"payments-api\"}".into(),
        at: at("03:00"),
        until: at("07:00"),
        reason: "disk swap".into(),
        page_me: true,
    }
}

/// Everything that the panes show.
fn whole() -> Picture {
    let mut picture = picture(rows());
    let date = at("03:00").date_and_second()[..10].to_owned();
    let counts = Counts { events: 100_000, series: 400, real: 120, incidents: 6, pages: 2 };
    let day = |source: &str, part: u64| Day {
        date: date.clone(),
        source: source.into(),
        events: counts.events / part,
        series: counts.series / part,
        real: counts.real / part,
        incidents: counts.incidents / part,
        pages: counts.pages / part,
    };
    picture.items = Arc::new(Items::from_iter([
        change("1", "03:05", "payments 1.42", "payments-api"),
        change("2", "03:15", "search 7", "search"),
        source("prometheus", None),
        source("nightly", Some("03:12")),
        Item::Day(day("prometheus", 1)),
        Item::Day(day("nightly", 50)),
        Item::Claim(claim()),
    ]));
    let mut told = (*detail(12)).clone();
    let earlier = |number: u64, likeness, clock: &str| Earlier {
        incident: id(number),
        number: Number(number),
        likeness,
        opened_at: at(clock),
        who: UserName::parse("mira").ok(),
        to_ack: Some(Duration::from_secs(120)),
        to_resolve: Some(Duration::from_secs(720)),
        note: Some("restarted the ledger job".into()),
        summary: "error rate 12% > 5%".into(),
    };
    told.similar = Some(Arc::new(Similar {
        earlier: vec![
            earlier(6, Likeness::Group, "01:00"),
            earlier(5, Likeness::Rule, "00:40"),
            earlier(4, Likeness::Labels(61), "00:20"),
        ],
        seen: 14,
        median: Some(Duration::from_secs(720)),
        mostly: UserName::parse("mira").ok(),
    }));
    picture.detail = Some(Arc::new(told));
    for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number == Number(12)) {
        row.incident_mut().claimed = Some(Claimed::of(&claim()));
        row.incident_mut().group_key = r#"[["alertname","HighErrorRate"],["service","payments-api"]]"#.into();
    }
    picture
}

#[track_caller]
fn scene(name: &str, picture: &Picture, keys: &str) {
    let mut text = String::new();
    for (width, height) in SIZES {
        let mut desk = Desk::sized(picture.clone(), width, height);
        let selected = desk.state.selected;
        desk.keys(keys);
        assert_eq!(desk.state.selected, selected, "a pane moves no cursor");
        text.push_str(&format!("{width}x{height}\n{}\n", desk.screen()));
    }
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn each_pane_at_each_size() {
    for (name, keys) in [
        ("changes", ": \"changes\" enter"),
        ("sources", ": \"sources\" enter"),
        ("funnel", ": \"funnel\" enter"),
        ("claims", ": \"claims\" enter"),
        ("similar", "6"),
        ("why", "7"),
        ("claimed", ""),
    ] {
        scene(&format!("shared_{name}"), &whole(), keys);
    }
}

#[test]
fn an_empty_pane_says_what_it_does_not_know() {
    for (typed, said) in [
        ("changes", "No change was told to the hub in that time."),
        ("sources", "No source was heard yet."),
        ("funnel", "Nothing was counted in these days."),
        ("claims", "No claim stands."),
    ] {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(&format!(": \"{typed}\" enter"));
        assert!(desk.has(said), "{typed}\n{}", desk.screen());
    }
}

#[test]
fn a_pane_follows_the_picture_and_its_window_is_typed() {
    let mut desk = Desk::sized(picture(rows()), 120, 40);
    desk.keys(": \"changes\" enter");
    assert!(desk.has("No change was told"));
    desk.change(|picture| picture.items = whole().items);
    assert!(desk.has("payments 1.42") && desk.has("search 7"));
    desk.keys("q : \"changes_1m\" enter");
    assert!(!desk.has("payments 1.42"));
    desk.keys("q : \"changes_soon\" enter");
    assert!(desk.has("is not a span of time"));
}

#[test]
fn changes_about_the_incident_stand_first() {
    let mut desk = Desk::sized(whole(), 120, 40);
    desk.keys(": \"changes\" enter");
    let screen = desk.screen();
    let place = |text: &str| screen.find(text).unwrap_or_else(|| panic!("no {text}\n{screen}"));
    assert!(place("about 12 payments-api") < place("payments 1.42") && place("payments 1.42") < place("search 7"));
}
