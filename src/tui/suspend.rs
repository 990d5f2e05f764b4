//! Stopping for a while, as Ctrl-Z does elsewhere: only where somebody can start us again.

use rustix::process::{Pid, Signal, getpgrp, getpid, getsid};

/// Most ancestors looked at.
const ANCESTORS_MAX: usize = 32;

/// Returns whether a shell with job control waits for this process to stop: the first ancestor of another process group is of our session.
/// Where a terminal, tmux or sshd started us, or a shell without job control, nobody would ever say `fg`.
pub(super) fn has_shell() -> bool {
    let (Ok(session), group) = (getsid(None), getpgrp()) else { return false };
    if session == getpid() {
        return false;
    }
    let mut at = getpid();
    for _ in 0..ANCESTORS_MAX {
        let Some(parent) = parent(at) else { return false };
        if rustix::process::getpgid(Some(parent)).is_ok_and(|other| other != group) {
            return getsid(Some(parent)).is_ok_and(|other| other == session);
        }
        at = parent;
    }
    false
}

/// Returns who started that process.
fn parent(of: Pid) -> Option<Pid> {
    if of == getpid() {
        return rustix::process::getppid();
    }
    let stat = std::fs::read_to_string(format!("/proc/{of}/stat")).ok()?;
    // The name before it, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    Pid::from_raw(fields.split_whitespace().nth(1)?.parse().ok()?)
}

/// Stops this process and those it was started with, as one job, until somebody continues them.
///
/// # Errors
/// When the system refuses.
pub(super) fn stop() -> std::io::Result<()> {
    Ok(rustix::process::kill_current_process_group(Signal::STOP)?)
}
