//! The filter bar of a real console: labels of series that came over the wire, views of the team and one's own, and a mirror that two
//! consoles of one person share.

use crate::support::alerts::firing;
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::tmux::Tmux;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
/// Everything here calls everybody: what calls is hidden only by a query that says so.
const VIEWS: &str = "[[view]]\nname = \"storage\"\nkey = \"1\"\nquery = '{team=\"storage\"} page:hide'\n";

fn live(person: &Person) -> Tmux {
    let console = person.console(100, 30);
    console.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    console
}

#[test]
fn filters_look_at_labels_and_views_are_found_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), VIEWS);
    hub.alert(&[
        firing("DiskFull", &[("service", "db"), ("team", "storage"), ("rack", "r4")]),
        firing("Latency", &[("service", "web"), ("team", "web"), ("rack", "r5")]),
    ]);
    let mira = Person::near(&hub, &dir.path().join("mira"), "mira");
    let (one, two) = (live(&mira), live(&mira));
    for console in [&one, &two] {
        console.wait_for(LIMIT, |screen| screen.contains("2 of 2 shown"));
    }

    // The team's view, by its digit.
    one.send_keys(&["f", "1"]);
    one.wait_for(LIMIT, |screen| {
        screen.contains("1 of 2 shown") && screen.contains("filter: {team=\"storage\"} page:hide")
    });
    // Typed with Tab: names and values are those of the data.
    two.send_keys(&["/", "rac", "Tab"]);
    two.wait_for(LIMIT, |screen| screen.contains("/rack=") && screen.contains("r4") && screen.contains("r5"));
    two.send_keys(&["r5 page:hide", "Enter"]);
    two.wait_for(LIMIT, |screen| screen.contains("1 of 2 shown") && screen.contains("filter: rack=r5 page:hide"));
    two.send_keys(&[":", "view save my rack 2", "Enter"]);
    two.wait_for(LIMIT, |screen| screen.contains("view \"my rack\" on 2: rack=r5 page:hide"));

    // What fires later is looked at as well, on both: they share a mirror, and one of them fetches.
    hub.alert(&[firing("FanBroken", &[("service", "fan"), ("team", "storage"), ("rack", "r5")])]);
    one.wait_for(LIMIT, |screen| screen.contains("2 of 3 shown"));
    two.wait_for(LIMIT, |screen| screen.contains("2 of 3 shown"));

    // The hub's rules change: so does the view.
    std::fs::write(dir.path().join("hub/hub.toml"), VIEWS.replace("storage\"}", "web\"}"))
        .expect("the rules can be written");
    one.send_keys(&[":", "views", "Enter"]);
    one.wait_for(LIMIT, |screen| screen.contains("{team=\"web\"}") && screen.contains("my rack"));

    two.send_keys(&[":quit!", "Enter"]);
    let again = live(&mira);
    again.wait_for(LIMIT, |screen| screen.contains("filter: rack=r5 page:hide"));
    again.send_keys(&[":", "filter clear", "Enter"]);
    again.wait_for(LIMIT, |screen| screen.contains("3 of 3 shown"));
    again.send_keys(&["f", "2"]);
    again.wait_for(LIMIT, |screen| screen.contains("2 of 3 shown") && screen.contains("filter: rack=r5 page:hide"));
}
