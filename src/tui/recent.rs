//! The names of commands that were used, between two runs: one a line, nothing else.

use super::palette::RECENT_MAX;
use super::update::{named, spoken};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Most bytes that are read of the file: names are short.
const BYTES_MAX: u64 = 4096;

/// Returns the names in the file, the latest first; none when it cannot be read. What is no command is left out.
pub(super) fn read(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
    if file.is_err() {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for name in text.lines().filter(|line| named(line).is_some_and(|action| spoken(action) == *line)) {
        if names.len() < RECENT_MAX && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Writes the file anew, for this user alone.
fn write(path: &Path, names: &[String]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let fresh = path.with_extension("new");
    // Left by one that was killed in between.
    drop(std::fs::remove_file(&fresh));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(names.iter().map(|name| format!("{name}\n")).collect::<String>().as_bytes())?;
    std::fs::rename(&fresh, path)
}

/// Keeps the names on the disk, by a thread of its own: the screen never waits for a disk.
pub(super) struct Keeper(Option<SyncSender<Vec<String>>>);

impl Keeper {
    /// Starts the thread; without a path nothing is kept.
    pub(super) fn start(path: Option<PathBuf>) -> Self {
        let Some(path) = path else { return Self(None) };
        let (sender, names) = sync_channel(8);
        let thread = std::thread::Builder::new().name("recent".into()).spawn(move || keep(&path, &names));
        Self(thread.is_ok().then_some(sender))
    }

    /// Keeps these names. Never waits: with a slow disk some are kept by the next call.
    pub(super) fn keep(&self, names: Vec<String>) {
        if let Some(sender) = &self.0 {
            drop(sender.try_send(names));
        }
    }
}

fn keep(path: &Path, names: &Receiver<Vec<String>>) {
    while let Ok(first) = names.recv() {
        let newest = names.try_iter().last().unwrap_or(first);
        if let Err(error) = write(path, &newest) {
            tracing::warn!(%error, "the commands that were used cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn names_are_kept_for_their_user_alone_and_nothing_else_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recent");
        write(&path, &["snooze".into(), "inbox".into()]).unwrap();
        assert_eq!(read(&path), ["snooze", "inbox"]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "note the password\ninbox\ninbox\n\x1b[2J\nincident.ack\nack\n").unwrap();
        assert_eq!(read(&path), ["inbox", "ack"]);
        assert_eq!(read(&dir.path().join("none")), [""; 0]);
    }
}
