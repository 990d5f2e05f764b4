//! Tells when a file of settings changes, without a timer and without looking: the kernel wakes it.
//!
//! Directories are watched, not files, because editors put a new file in the old one's place. Where the kernel cannot tell (a home directory on
//! a server, a link to a file elsewhere), SIGUSR1 has the same effect.

use super::run::Handle;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What counts: a file was written and closed, or came or went.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::CREATE);

/// Begins to watch the directory that holds `keymap.toml`, `theme.toml`, `keymaps/` and `themes/`; lives as long as the process.
///
/// # Errors
/// When the kernel watches nothing more, or there can be no thread.
pub(super) fn watch(config: PathBuf, handle: Handle) -> std::io::Result<()> {
    let watcher = inotify::init(CreateFlags::CLOEXEC)?;
    std::thread::Builder::new().name("tui-files".into()).spawn(move || follow(&watcher, &config, &handle))?;
    Ok(())
}

fn follow(watcher: &OwnedFd, config: &Path, handle: &Handle) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    watch_all(watcher, config);
    loop {
        let mut reader = inotify::Reader::new(watcher, &mut buffer);
        let mut counts = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    counts |= name.is_some_and(|name| is_ours(name, event.events(), config));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        if counts {
            // Directories that came are watched before what lies in them is read: nothing is missed in between.
            watch_all(watcher, config);
            handle.reload();
        }
    }
}

/// Watches what exists of it. Watching a directory again changes nothing.
fn watch_all(watcher: &OwnedFd, config: &Path) {
    let inside = ["", "themes", "keymaps"].map(|name| config.join(name));
    for dir in config.parent().into_iter().chain(inside.iter().map(PathBuf::as_path)) {
        let _ = inotify::add_watch(watcher, dir, CHANGES | WatchFlags::ONLYDIR);
    }
}

/// Returns whether settings are read from a file of that name. One that was created is empty until it is closed.
fn is_ours(name: &OsStr, what: ReadFlags, config: &Path) -> bool {
    let dir = what.contains(ReadFlags::ISDIR);
    match dir {
        true => name == "themes" || name == "keymaps" || Some(name) == config.file_name(),
        false => Path::new(name).extension() == Some(OsStr::new("toml")) && !what.contains(ReadFlags::CREATE),
    }
}
