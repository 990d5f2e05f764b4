//! Filters in the one language, while they are typed, saved, and used to mark.

use super::*;
use crate::domain::item::{Item, View};
use crate::query::index::Index;
use crate::tui::views::{Edit, OwnView};

/// The picture of the night whose incident 12 has a series of its own.
fn labelled() -> Picture {
    let mut index = Index::default();
    index.set(id(12), &[series(1)]);
    Picture { labels: Arc::new(index).into(), ..picture(rows()) }
}

fn view(name: &str, key: &str, query: &str) -> Item {
    Item::View(View { name: name.into(), key: Some(key.into()), query: query.into(), team: String::new() })
}

/// The picture with views of the team.
fn with_views() -> Picture {
    let mut picture = labelled();
    let items = Arc::make_mut(&mut picture.items);
    [view("checkout", "1", "service:checkout*"), view("later", "2", "severity>=3")]
        .into_iter()
        .for_each(|item| items.put(item));
    picture
}

#[test]
fn labels_of_series_are_looked_at() {
    for (typed, shown) in [
        ("{alertname=~\"High.*\"}", 1),
        ("instance:eu-1-1:*", 1),
        ("instance:eu-2*", 0),
        ("sev:s1,s2 -owner:jonas", 2),
        ("severity<=3 and not (checkout or mail)", 3),
        ("source=prometheus or owner:me", 2),
        ("age<15m", 2),
    ] {
        let mut desk = Desk::new(labelled());
        desk.keys("/").event(Event::Paste(typed.into())).keys("enter");
        assert!(desk.has(&format!("{shown} of 6 shown")), "{typed}:\n{}", desk.screen());
    }
    // What comes is looked at, too.
    let mut desk = Desk::new(picture(rows()));
    desk.keys("/ \"alertname=HighErrorRate\" enter");
    assert!(desk.has("0 of 6 shown"), "{}", desk.screen());
    let labels = labelled().labels;
    desk.change(|picture| picture.labels = labels);
    assert!(desk.has("1 of 6 shown"), "{}", desk.screen());
}

#[test]
fn half_a_query_keeps_the_last_whole_one_and_points_at_what_is_wrong() {
    let mut desk = Desk::new(labelled());
    desk.keys("/ \"owner:me\" enter /").event(Event::Paste(" severity<=".into()));
    assert!(desk.has("1 of 6 shown") && desk.has("filter: owner:me"), "{}", desk.screen());
    insta::assert_snapshot!(desk.screen());
    desk.keys("enter");
    assert!(matches!(desk.state.mode, Mode::Filter { .. }), "what is no query is not taken");
    desk.keys("\"x\" enter");
    assert!(desk.has("1 of 6 shown"), "{}", desk.screen());
    desk.keys("ctrl-w \"severity<=2\" enter");
    assert!(desk.has("0 of 6 shown") && desk.state.mode == Mode::Browse, "{}", desk.screen());
    desk.keys("/ ctrl-u \"jonas\" esc");
    assert_eq!(desk.state.filter.text(), "owner:me severity<=2", "Esc goes back to what it was");
    desk.keys(": \"filter_colour>3\" enter");
    assert!(desk.has("is no query"), "{}", desk.screen());
    assert_eq!(desk.state.filter.text(), "owner:me severity<=2");
}

#[test]
fn tab_completes_names_and_values_from_what_there_is() {
    let mut desk = Desk::new(labelled());
    desk.keys("/ \"inst\" tab");
    assert_eq!(typed(&desk), "instance=");
    desk.keys("tab");
    assert_eq!(typed(&desk), "instance=\"eu-1-1:9100\"");
    desk.keys("enter");
    assert!(desk.has("1 of 6 shown"), "{}", desk.screen());
    desk.keys("/ ctrl-u \"sta\" tab \"n\" tab \",a\" tab");
    assert_eq!(typed(&desk), "state:new,acked");
    // Where several fit, Tab walks, and the arrows do.
    desk.keys("ctrl-u \"s\" tab");
    let first = typed(&desk);
    desk.keys("tab");
    assert_ne!(typed(&desk), first);
    desk.keys("up");
    assert_eq!(typed(&desk), first);
    insta::assert_snapshot!(desk.screen());
}

fn typed(desk: &Desk) -> String {
    match &desk.state.mode {
        Mode::Filter { editor, .. } => editor.text().to_owned(),
        other => panic!("no filter is typed: {other:?}"),
    }
}

#[test]
fn saved_views_are_shown_by_digit_and_by_name_and_ones_own_come_first() {
    let mut desk = Desk::new(with_views());
    desk.keys("f 1");
    assert!(desk.has("filter: service:checkout*") && desk.has("1 of 6 shown"), "{}", desk.screen());
    desk.keys("f 1");
    assert!(desk.has("6 of 6 shown"), "the same again shows all: {}", desk.screen());
    desk.keys("f 7");
    assert!(desk.has("no view is on 7"), "{}", desk.screen());
    desk.keys("esc : \"view_latre\" enter");
    assert!(desk.has("did you mean"), "{}", desk.screen());
    desk.keys("esc : \"view_later\" enter");
    assert_eq!(desk.state.filter.text(), "severity>=3");
    let own = OwnView { name: "mine".into(), key: Some("1".into()), query: "owner:me".into() };
    desk.event(Event::Views(Ok((vec![own], String::new())))).keys("f 1");
    assert_eq!(desk.state.filter.text(), "owner:me");
    desk.keys(": \"views\" enter");
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn what_is_shown_is_kept_under_a_name() {
    let mut desk = Desk::new(with_views());
    desk.keys("/ \"owner:me\" enter : \"view_save_my_night_3\" enter : \"view_drop_x\" enter");
    let edits: Vec<Edit> = desk
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Views(edit) => Some(edit.clone()),
            _ => None,
        })
        .collect();
    let query = crate::query::Query::parse("owner:me").unwrap();
    assert_eq!(edits, [Edit::Save("my night 3".into(), query), Edit::Drop("x".into())]);
    desk.event(Event::Views(Err("NOT kept: disk full".into())));
    assert!(desk.has("NOT kept: disk full"), "{}", desk.screen());
}

#[test]
fn a_query_marks_what_fits_whether_it_is_shown_or_not() {
    let mut desk = Desk::new(labelled());
    desk.keys("/ \"jonas\" enter : \"mark_severity<=2_state:new\" enter");
    assert!(desk.has("2 marked, 2 of them not shown by the filter"), "{}", desk.screen());
    assert_eq!(desk.state.marks, [id(11), id(12)].into());
    desk.keys(": \"mark_sev:s9\" enter");
    assert!(desk.has("no mark was changed"), "{}", desk.screen());
    desk.keys(": \"mark_sev=\" enter");
    assert!(desk.has("is no query") && desk.state.marks.len() == 2, "{}", desk.screen());
}
