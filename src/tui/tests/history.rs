//! What an incident was over time: strips, bars and their axes.

use super::shift::*;
use super::*;
use crate::domain::series::SeriesState;
use crate::tui::history::{Axis, Digest, Mark, dropped, strip};
use crate::tui::state::Graph;

/// A series of that host, which burned from 02:50 to 03:02 and from 03:10 to 03:12, or burns since 02:50.
fn host(name: &str, ended: bool) -> Series {
    let labels = [("alertname", "InstanceDown"), ("cluster", "eu-1"), ("instance", name)];
    series_of(&labels, "02:50", ended.then_some(("03:02", "03:10")))
}

/// The series, as its source left it at 03:05 without a word.
fn silent(mut series: Series) -> Series {
    (series.state, series.ends_at) = (SeriesState::Unknown, Some(at("03:05")));
    series
}

/// Thirty minutes in cells of a minute each, from 02:45.
fn axis() -> Axis {
    Axis::new(at("02:45"), at("03:15"), 30)
}

fn drawn(series: &Series) -> String {
    let mark = |mark: Mark| match mark {
        Mark::Before => ' ',
        Mark::Over => '.',
        Mark::Unknown => '?',
        Mark::Firing => '#',
    };
    strip(series, &axis()).into_iter().map(mark).collect()
}

fn digest(series: Vec<Series>) -> Arc<Digest> {
    let detail = Arc::new(Detail { series, ..(*detail(12)).clone() });
    Digest::renewed(None, Some(&detail)).unwrap()
}

#[test]
fn a_strip_says_before_firing_over_and_unknown_in_one_cell_each() {
    assert_eq!(drawn(&host("a", true)), "     #############.......###..");
    assert_eq!(drawn(&host("a", false)), "     #########################");
    assert_eq!(drawn(&silent(host("a", false))), "     ################?????????");
}

#[test]
fn a_fire_shorter_than_a_cell_is_seen() {
    let day = Axis::new(at("00:00"), at("23:59"), 12);
    assert!(strip(&host("a", true), &day).contains(&Mark::Firing));
}

#[test]
fn bars_count_what_fires_and_leave_a_gap_where_nobody_knows() {
    let both = digest(vec![host("a", true), host("b", false)]);
    let counts = both.steps.counts(&axis());
    assert_eq!(counts[..5], [Some(0); 5], "before the first");
    assert_eq!((counts[6], counts[20], counts[25]), (Some(2), Some(1), Some(2)));
    let lost = digest(vec![silent(host("a", false))]).steps.counts(&axis());
    assert_eq!((lost[6], lost[25]), (Some(1), None), "a gap is not a zero");
    let some = digest(vec![silent(host("a", false)), host("b", false)]).steps.counts(&axis());
    assert_eq!(some[25], Some(1), "what is known to fire is counted beside what is not known");
}

#[test]
fn time_before_what_was_dropped_is_a_gap_too() {
    let mut series = host("a", false);
    let one = series.episodes[0];
    series.episodes = vec![one; 20];
    series.flaps = 40;
    assert_eq!(dropped(&series), Some(at("02:50")));
    let counts = digest(vec![series]).steps.counts(&axis());
    assert_eq!((counts[4], counts[6].is_some()), (None, true));
}

#[test]
fn what_fires_stands_first_and_what_differs_has_columns() {
    let digest = digest(vec![host("b", true), host("c", false), silent(host("a", false)), host("a", false)]);
    let states: Vec<_> = (0..4).map(|place| digest.series(place).unwrap().state).collect();
    use SeriesState::{Firing, Resolved, Unknown};
    assert_eq!(states, [Firing, Firing, Unknown, Resolved]);
    assert_eq!(digest.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["instance"]);
    assert_eq!(digest.common.len(), 2, "{:?}", digest.common);
    assert_eq!(digest.series(0).unwrap().labels.get("instance"), Some("a"));
}

#[test]
fn the_axis_reaches_from_before_the_incident_to_what_is_known() {
    let one = digest(vec![host("a", false)]);
    assert_eq!(one.reach(at("03:16"), at("03:17")), (at("02:50"), at("03:17")));
    assert_eq!(one.reach(at("03:30"), at("03:31")), (at("03:00"), at("03:31")), "half an hour before is enough");
    let over = digest(vec![host("a", true)]);
    assert_eq!(over.reach(at("02:50"), at("09:00")).1, at("03:12"), "what is over ends where it ended");
}

#[test]
fn a_chart_names_numbers_times_and_its_span_and_takes_braille_only_when_asked() {
    let mut desk = Desk::sized(called(), 120, 40);
    desk.change(|picture| picture.detail = Some(many(30)));
    for words in ["series firing of 30, most per cell, 27 min", "30 |##", " 0 |##", "02:50Z", "03:17Z"] {
        assert!(desk.has(words), "{words}:\n{}", desk.screen());
    }
    desk.state.graph = Graph::Braille;
    assert!(desk.has("30 |⣿⣿") && !desk.has("30 |##"), "{}", desk.screen());
}
