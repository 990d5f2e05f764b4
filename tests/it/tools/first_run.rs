//! The first start of a person, in a terminal: a few questions, once.

use super::LIMIT;
use crate::support::hub::{BINARY, Hub};
use crate::support::pty::Pty;
use std::path::{Path, PathBuf};

/// A person's home where nothing was ever written. It is no `NIGHTDESK_HOME`: who has one has prepared it.
struct Home(PathBuf);

impl Home {
    fn console(&self) -> Pty {
        let text = |name: &str| self.0.join(name).display().to_string();
        let places = [("HOME", text("")), ("XDG_CONFIG_HOME", text("config")), ("XDG_DATA_HOME", text("data"))];
        let state = [("XDG_STATE_HOME", text("state")), ("USER", "mira".to_owned())];
        let env: Vec<(&str, String)> = places.into_iter().chain(state).collect();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Pty::start(120, 40, BINARY, &[], &env)
    }

    fn config(&self) -> PathBuf {
        self.0.join("config/nightdesk/config.toml")
    }
}

fn home(dir: &Path) -> Home {
    let home = dir.join("home");
    std::fs::create_dir(&home).expect("a folder");
    Home(home)
}

#[test]
fn what_is_answered_is_written_and_never_asked_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub::start(&dir.path().join("hub"), "");
    let home = home(dir.path());
    let mut console = home.console();
    console.wait_for(LIMIT, |screen| screen.contains("1 of 3"));
    console.write(b"nonsense\n");
    console.wait_for(LIMIT, |screen| screen.contains("no address of a hub"));
    console.write(format!("{}\n", hub.socket()).as_bytes());
    console.wait_for(LIMIT, |screen| screen.contains("2 of 3"));
    console.write(b"lena\n");
    console.wait_for(LIMIT, |screen| screen.contains("3 of 3"));
    console.write(b"y\n");
    console.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("lena@"));
    assert!(console.raw().contains(&7), "the bell was tested");
    assert_eq!(super::plain::mode(&home.config()), 0o600);
    let written = std::fs::read_to_string(home.config()).expect("a configuration");
    assert!(written.contains("user = \"lena\"") && written.contains(&hub.socket()), "{written}");
    console.write(b":quit\r");
    assert_eq!(console.exit_code(LIMIT), Some(0));

    let again = home.console();
    again.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    assert!(!String::from_utf8_lossy(&again.raw()).contains("1 of 3"));
}

#[test]
fn who_skips_all_has_a_console_with_its_own_hub_and_is_not_asked_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = home(dir.path());
    let mut console = home.console();
    console.wait_for(LIMIT, |screen| screen.contains("1 of 3"));
    console.write(&[4]);
    console.wait_for(LIMIT, |screen| screen.contains("mira@") && screen.contains("LIVE"));
    assert!(!home.config().exists(), "nothing was answered, so nothing is written");
    console.write(b":quit!\r");
    assert_eq!(console.exit_code(LIMIT), Some(0));
    let again = home.console();
    again.wait_for(LIMIT, |screen| screen.contains("LIVE"));
    assert!(!String::from_utf8_lossy(&again.raw()).contains("1 of 3"));
}
