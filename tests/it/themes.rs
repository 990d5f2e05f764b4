//! Themes as a terminal gets them: the colours that are really sent, none where none are wanted, and files that change under a running console.

use crate::support::alerts::{firing_until, in_seconds};
use crate::support::hub::{BINARY, Hub};
use crate::support::person::Person;
use crate::support::pty::Pty;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// A hub with one incident whose summary is not ASCII, and the settings of a person beside it.
struct Desk {
    _hub: Hub,
    person: Person,
    config: PathBuf,
}

impl Desk {
    fn new(dir: &Path, settings: &str) -> Self {
        let hub = Hub::start(&dir.join("hub"), "");
        hub.alert(&[firing_until("DiskFull", &[("service", "größe磁盘")], in_seconds(86_400))]);
        let person = Person::near(&hub, &dir.join("mira"), "mira");
        let config = dir.join("mira/config");
        std::fs::create_dir_all(config.join("themes")).expect("a folder for settings");
        std::fs::write(config.join("config.toml"), settings).expect("settings");
        Self { _hub: hub, person, config }
    }

    /// Opens the console with these variables; `COLORTERM` and `NO_COLOR` are set by them alone.
    fn open(&self, variables: &[(&str, &str)], args: &[&str]) -> Pty {
        let mut env = vec![("COLORTERM".to_owned(), String::new()), ("NO_COLOR".to_owned(), String::new())];
        env.extend(self.person.env());
        env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let pty = Pty::start(100, 30, BINARY, args, &env);
        pty.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("DiskFull"));
        pty
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.config.join(name), text).expect("a file of settings");
    }
}

fn sent(pty: &Pty) -> String {
    String::from_utf8_lossy(&pty.raw()).into_owned()
}

/// `#12161c`, the ground of `dark`.
const DARK: &str = "48;2;18;22;28";

#[test]
fn a_terminal_gets_the_colours_that_it_has() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let desk = Desk::new(dir.path(), "theme = \"dark\"\n");
    let all = sent(&desk.open(&[("COLORTERM", "truecolor")], &[]));
    assert!(all.contains(DARK), "the theme's own ground");
    let few = sent(&desk.open(&[("TERM", "xterm-256color")], &[]));
    assert!(few.contains("48;5;") && !few.contains("8;2;"), "256 colours by number");
    let sixteen = sent(&desk.open(&[("TERM", "xterm")], &[]));
    let numbers = sixteen.split("8;5;").skip(1).map(|rest| rest.split(['m', ';']).next().unwrap_or_default());
    let numbers: Vec<u8> = numbers.filter_map(|number| number.parse().ok()).collect();
    assert!(!numbers.is_empty() && numbers.iter().all(|number| *number < 16), "{numbers:?}");
    assert!(!sixteen.contains("8;2;"));
}

#[test]
fn without_colour_nothing_is_lost_but_the_colour() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let desk = Desk::new(dir.path(), "theme = \"dark\"\n");
    let bare = sent(&desk.open(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")], &[]));
    assert!(!bare.contains("8;2;") && !bare.contains("8;5;"), "no colour is sent");
    assert!(bare.contains("\u{1b}[7m") && bare.contains("\u{1b}[1m"), "reverse and bold are");
}

#[test]
fn where_only_ascii_can_be_shown_no_other_byte_is_sent() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let desk = Desk::new(dir.path(), "");
    let plain = |pty: &Pty| pty.raw().iter().all(|byte| *byte <= 0x7e);
    assert!(!plain(&desk.open(&[], &[])), "the alert holds other characters");
    for (variables, args) in [(&[][..], &["--ascii"][..]), (&[("LC_ALL", "C")], &[]), (&[("TERM", "linux")], &[])] {
        let pty = desk.open(variables, args);
        assert!(plain(&pty), "{variables:?} {args:?}");
        assert!(pty.screen_text().contains("gr??e????"), "{}", pty.screen_text());
    }
}

#[test]
fn an_edit_shows_at_once_and_a_broken_one_keeps_what_was() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let desk = Desk::new(dir.path(), "theme = \"mine\"\n");
    desk.write("themes/mine.toml", "inherits = \"dark\"\n");
    let pty = desk.open(&[("COLORTERM", "truecolor")], &[]);
    assert!(sent(&pty).contains(DARK));

    desk.write("themes/mine.toml", "inherits = \"dark\"\n[palette]\npaper = \"#010203\"\n");
    crate::support::until("the new ground", LIMIT, || sent(&pty).contains("48;2;1;2;3").then_some(()));

    desk.write("themes/mine.toml", "inherits = \"dark\"\n\n[roles]\n\"sev.wurst\" = {}\n");
    let screen = pty.wait_for(LIMIT, |screen| screen.contains("themes/mine.toml:4"));
    assert!(screen.contains("sev.worst"), "the nearest name is said:\n{screen}");
    let before = sent(&pty).len();
    desk.write("themes/mine.toml", "inherits = \"light\"\n");
    pty.wait_for(LIMIT, |screen| !screen.contains("themes/mine.toml:4"));
    let after = sent(&pty).split_off(before);
    assert!(after.contains("48;2;250;250;250"), "mended, it shows");
}

#[test]
fn a_theme_that_is_none_does_not_keep_the_console_from_starting() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let desk = Desk::new(dir.path(), "user = \"mira\"\ntheme = \"drak\"\n");
    let pty = desk.open(&[], &[]);
    let screen = pty.wait_for(LIMIT, |screen| screen.contains("config.toml:2"));
    assert!(screen.contains("dark"), "{screen}");
}
