//! When a part of the program fails: the terminal is given back, what is known is written down, and nothing that others wrote with it.
//!
//! A crash file holds places in our source, names of threads and words of our own. What a panic says is left out where it was put together
//! at run time: it may hold an alert's text or a secret. Of the log, only what this program says of itself in fixed words and numbers.

use super::event::Event;
use super::{out, screen};
use crate::log::fact_lines;
use crate::store::file;
use jiff::tz::TimeZone;
use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Once, PoisonError, RwLock};
use std::thread::ThreadId;

/// Most crash files that are kept.
const KEPT: usize = 10;
/// The note of the newest crash that a person was told of.
const TOLD: &str = "told-crash";

/// Whom a panic is told, and where it is written down; replaced by each console.
static CONSOLE: RwLock<Option<Ears>> = RwLock::new(None);

struct Ears {
    events: SyncSender<Event>,
    /// The screen's thread: it cannot go on after a panic, others can.
    screen: ThreadId,
    state: Option<PathBuf>,
}

/// Makes panics readable. One of the screen's thread gives the terminal back, and the console ends. One of any other thread, such as a task
/// of the hub in this process, must neither end the console nor write over its screen, so it is told in the banner. Both leave a file.
pub(super) fn on_panic(events: SyncSender<Event>, state: Option<PathBuf>) {
    static HOOK: Once = Once::new();
    let ears = Ears { events, screen: std::thread::current().id(), state };
    *CONSOLE.write().unwrap_or_else(PoisonError::into_inner) = Some(ears);
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // No console: commands and the hub say it as the language does.
            let console = CONSOLE.try_read();
            let Some(ears) = console.as_deref().ok().and_then(Option::as_ref) else { return before(panic) };
            heard(ears, panic);
        }));
    });
}

fn heard(ears: &Ears, panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let place = panic.location().map_or_else(|| "?".into(), |place| format!("{}:{}", place.file(), place.line()));
    // Keys and bytes come from threads of ours without which there is no console.
    let ends = thread.id() == ears.screen || name == out::THREAD || name == super::run::KEYS_THREAD;
    if ends {
        screen::give_back();
    }
    let file = ears.state.as_deref().and_then(|state| write(state, &report(name, &place, words(panic))));
    let details = file.map_or_else(String::new, |file| format!("; details: {}", file.display()));
    if ends || !screen::is_taken() {
        eprintln!("nightdesk failed at {place}{details}");
        return;
    }
    tracing::error!(place, thread = name, "a thread panicked");
    let _ = ears.events.try_send(Event::Trouble(format!("a part of nightdesk failed at {place}; restart it{details}")));
}

/// Returns what a panic says, if it was fixed when the program was built.
fn words(panic: &PanicHookInfo<'_>) -> &'static str {
    panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(left out: it may hold text of others)")
}

fn report(thread: &str, place: &str, words: &str) -> String {
    let mut text = String::new();
    let fact = |name: &str| std::env::var(name).map_or_else(|_| "unset".into(), |value| shown(&value));
    let is_set = |name: &str| if std::env::var_os(name).is_some() { "set" } else { "unset" };
    let size = crossterm::terminal::size().map_or_else(|_| "unknown".into(), |(w, h)| format!("{w}x{h}"));
    // Writing into a String does not fail.
    let _ = writeln!(text, "nightdesk {} on {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS);
    let _ = writeln!(text, "when: {}", jiff::Timestamp::now());
    let _ = writeln!(text, "thread: {thread}\nplace: {place}\nwords: {words}");
    let _ = writeln!(text, "terminal: TERM {}, COLORTERM {}, size {size}", fact("TERM"), fact("COLORTERM"));
    let _ = writeln!(text, "around it: TMUX {}, STY {}, SSH_TTY {}", is_set("TMUX"), is_set("STY"), is_set("SSH_TTY"));
    let _ = writeln!(text, "\nthe log's last lines, without the words of others:");
    for line in fact_lines() {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "\nbacktrace:\n{}", Backtrace::force_capture());
    text
}

/// Returns a value of the environment as far as it can only be a name.
fn shown(value: &str) -> String {
    value.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.+".contains(*c)).take(40).collect()
}

/// Writes a crash file for its owner alone and returns where; `None` where even that fails.
fn write(state: &Path, text: &str) -> Option<PathBuf> {
    let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S%3fZ").to_string();
    let path = state.join(format!("crash-{now}.txt"));
    file::write_private(&path, text.as_bytes()).ok()?;
    let mut all = files(state);
    let surplus = all.len().saturating_sub(KEPT);
    // Names sort by time.
    all.drain(..surplus).for_each(|old| drop(std::fs::remove_file(old)));
    Some(path)
}

/// Returns the crash files, oldest first.
fn files(state: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("crash-") && name.ends_with(".txt")
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    files.sort();
    files
}

/// What is known of earlier crashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    /// The newest file.
    pub(crate) newest: PathBuf,
    /// Nobody was told of it yet.
    pub(crate) is_new: bool,
}

/// Returns the newest crash, and notes that it is told now.
pub(super) fn past(state: &Path) -> Option<Past> {
    let newest = files(state).pop()?;
    let name = newest.file_name()?.to_str()?.to_owned();
    let told = state.join(TOLD);
    let is_new = std::fs::read_to_string(&told).ok().is_none_or(|last| last.trim() < name.as_str());
    if is_new {
        // A note that cannot be written is told again at the next start.
        let _ = file::write_private(&told, name.as_bytes());
    }
    Some(Past { newest, is_new })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn crash_files_are_private_and_the_ten_newest_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for number in 10..30 {
            std::fs::write(dir.path().join(format!("crash-20260101T0000{number}000Z.txt")), "old").unwrap();
        }
        std::fs::write(dir.path().join("nightdesk.log"), "stays").unwrap();
        let path = write(dir.path(), "why").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let left = files(dir.path());
        assert_eq!((left.len(), left.last()), (KEPT, Some(&path)));
        assert!(left[0].ends_with("crash-20260101T000021000Z.txt"), "{left:?}");
        assert!(dir.path().join("nightdesk.log").exists());
    }

    #[test]
    fn a_crash_is_told_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(past(dir.path()), None);
        let first = write(dir.path(), "why").unwrap();
        assert_eq!(past(dir.path()), Some(Past { newest: first.clone(), is_new: true }));
        assert_eq!(past(dir.path()), Some(Past { newest: first, is_new: false }));
    }

    #[test]
    fn a_report_names_the_place_and_nothing_that_was_put_together() {
        let caught = std::thread::Builder::new().name("worker".into()).spawn(|| {
            let text = std::hint::black_box("tok_secret");
            let fixed = std::panic::catch_unwind(|| panic!("a fixed word")).unwrap_err();
            let built = std::panic::catch_unwind(|| panic!("no such incident: {text}")).unwrap_err();
            (fixed.downcast_ref::<&'static str>().copied(), built.downcast_ref::<&'static str>().copied())
        });
        // What the hook goes by: only fixed words are &'static str.
        assert_eq!(caught.unwrap().join().unwrap(), (Some("a fixed word"), None));
        let text = report("worker", "src/x.rs:3", "a fixed word");
        assert!(text.contains("thread: worker") && text.contains("place: src/x.rs:3") && text.contains("backtrace:"));
        assert_eq!(shown("xterm-256color\x1b]0;x\x07"), "xterm-256color0x");
    }
}
