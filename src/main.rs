//! The one binary: console, hub and commands.

use nightdesk::cli;
use nightdesk::domain::text::SafeText;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};
use std::process::ExitCode;

/// Keys, tokens and others' texts are in memory: no core file of it, and no look into it by this user's other programs.
fn keep_memory_to_itself() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A system that forbids lowering a limit is none we know; the program works without.
    let _ = rustix::process::setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

fn main() -> ExitCode {
    // Before any file is made: what this program writes is for its user alone.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    if std::env::var_os("NIGHTDESK_CORE").is_none_or(|wanted| wanted != "1") {
        keep_memory_to_itself();
    }
    // A hub holds a connection for each console: the default of 1024 files is for programs that use select.
    let Rlimit { maximum, .. } = rustix::process::getrlimit(Resource::Nofile);
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    match cli::run() {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            eprintln!("nightdesk: {}", SafeText::line(&format!("{error:#}"), 2000));
            ExitCode::from(cli::Exit::Failed as u8)
        }
    }
}
