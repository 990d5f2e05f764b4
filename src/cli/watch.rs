//! Tells when one file changes: the kernel wakes it.
//!
//! Its directory is watched, not the file, because editors put a new file in the old one's place.

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use tokio::sync::mpsc::Sender;

/// Sends whenever the file was written and closed, or another was put in its place; several changes in a row may be one. Ends with the
/// receiver.
///
/// # Errors
/// When the kernel watches nothing more, the file has no directory, or there can be no thread.
pub(super) fn file(path: &Path, changed: Sender<()>) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let watcher = inotify::init(CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watcher, dir, WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR)?;
    std::thread::Builder::new().name("config-file".into()).spawn(move || follow(&watcher, &name, &changed))?;
    Ok(())
}

fn follow(watcher: &OwnedFd, name: &OsString, changed: &Sender<()>) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(watcher, &mut buffer);
    loop {
        match reader.next() {
            Ok(event) => {
                let named = event.file_name().is_some_and(|file| OsStr::from_bytes(file.to_bytes()) == name);
                // What was lost may have been ours.
                let counts = named || event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                // A full channel holds a change that is not read yet: it is read after this one.
                if counts && changed.is_closed() {
                    return;
                }
                if counts {
                    let _ = changed.try_send(());
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
