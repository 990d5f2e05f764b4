//! Directories and files: whose they are, who else may read them, on what they lie, and what the log and crash files tell.

use super::{Finding, Scene};
use crate::config::Paths;
use crate::domain::time::Timestamp;
use crate::store::file;
use std::fs::{self, File, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most files of one directory that are looked at.
const FILES_MAX: usize = 2000;
/// Below this a disk is nearly full.
const SPACE_LOW: u64 = 200 << 20;
/// Below this the next hour is in danger.
const SPACE_GONE: u64 = 20 << 20;
/// How much of the end of the log is read.
const LOG_TAIL: u64 = 1 << 20;
const DAY: Duration = Duration::from_secs(86_400);
/// How long a crash file is worth a warning.
const CRASH_FRESH: Duration = Duration::from_secs(7 * 86_400);

/// Looks at directories, files, the disks under them, and crash files.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Scene { paths, .. } = scene;
    let mut found = Vec::new();
    let private =
        [("files.data", paths.data.clone()), ("files.hub", paths.hub()), ("files.state", paths.state.clone())];
    for (check, dir) in &private {
        found.extend(directory(check, dir, 0o077));
    }
    // What is configured is no secret, but who writes it may have commands run.
    found.extend(directory("files.config", &paths.config, 0o022));
    if found.is_empty() {
        found.push(Finding::note("files", "nothing was written yet: this user never ran a console here"));
    }
    let mut disks = Vec::new();
    for (_, dir) in &private {
        let Ok(device) = fs::metadata(dir).map(|meta| meta.dev()) else { continue };
        if !disks.contains(&device) {
            disks.push(device);
            found.extend(disk(dir));
        }
    }
    found.push(crash(paths));
    found
}

/// Looks at a directory and the files in it; `closed` are the bits that must not be set.
fn directory(check: &str, dir: &Path, closed: u32) -> Vec<Finding> {
    let meta = match fs::metadata(dir) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let says = format!("{}: {error}", dir.display());
            return vec![Finding::broken(check, says, format!("make {} readable for you", dir.display()))];
        }
    };
    let mut wrong = Vec::new();
    wrong.extend(entry(check, dir, &meta, closed, "700"));
    let Ok(entries) = fs::read_dir(dir) else {
        let remedy = format!("chmod 700 {}", dir.display());
        return vec![Finding::broken(check, format!("{} cannot be listed", dir.display()), remedy)];
    };
    let mut files = 0;
    for path in entries.flatten().map(|entry| entry.path()).take(FILES_MAX) {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            continue;
        }
        files += 1;
        if meta.is_symlink() && closed == 0o077 {
            let remedy = format!("put the file itself there: mv it to {}", path.display());
            wrong.push(Finding::warning(check, format!("{} is a link, and will be refused", path.display()), remedy));
        } else if !meta.is_symlink() {
            wrong.extend(entry(check, &path, &meta, closed, "600"));
        }
    }
    if wrong.is_empty() {
        wrong.push(Finding::good(check, format!("{}: yours alone, {files} files", dir.display())));
    }
    wrong
}

fn entry(check: &str, path: &Path, meta: &Metadata, closed: u32, mode: &str) -> Option<Finding> {
    if meta.uid() != file::user() {
        let says = format!("{} belongs to user {}", path.display(), meta.uid());
        return Some(Finding::broken(check, says, format!("chown {} {}", file::user(), path.display())));
    }
    let found = meta.permissions().mode() & 0o777;
    // A socket's own bits say nothing where its directory is closed.
    let socket = std::os::unix::fs::FileTypeExt::is_socket(&meta.file_type());
    if found & closed == 0 || socket {
        return None;
    }
    let says = format!("{} may be used by others (mode {found:o})", path.display());
    Some(Finding::broken(check, says, format!("chmod {mode} {}", path.display())))
}

/// The kinds of statfs(2) that matter, with whether the network lies in between.
const KINDS: [(i64, &str, bool); 14] = [
    (0x6969, "NFS", true),
    (0x517B, "SMB", true),
    (0xFF53_4D42, "CIFS", true),
    (0xFE53_4D42, "SMB2", true),
    (0x6573_5546, "FUSE (sshfs and the like)", true),
    (0x0102_1997, "9p", true),
    (0x5346_414F, "AFS", true),
    (0x00C3_6400, "Ceph", true),
    (0xEF53, "ext4", false),
    (0x9123_683E, "btrfs", false),
    (0x5846_5342, "XFS", false),
    (0x0102_1994, "tmpfs", false),
    (0x794C_7630, "overlayfs", false),
    (0x2FC1_2FC1, "ZFS", false),
];

fn kind(magic: i64) -> (String, bool) {
    match KINDS.iter().find(|(known, ..)| *known == magic) {
        Some((_, name, network)) => ((*name).to_owned(), *network),
        None => (format!("a file system of kind {magic:#x}"), false),
    }
}

/// Looks at what a directory lies on: databases must not lie on the network, and need room.
fn disk(dir: &Path) -> Vec<Finding> {
    let (Ok(stat), Ok(space)) = (rustix::fs::statfs(dir), rustix::fs::statvfs(dir)) else { return Vec::new() };
    placed(dir, stat.f_type, space.f_bavail.saturating_mul(space.f_frsize))
}

fn placed(dir: &Path, magic: i64, free: u64) -> Vec<Finding> {
    let (name, network) = kind(magic);
    let shown = dir.display();
    let place = if network {
        let remedy = "set NIGHTDESK_HOME (a hub: --data) to a directory of a local disk";
        Finding::broken("files.system", format!("{shown} lies on {name}, where SQLite loses data"), remedy)
    } else {
        Finding::good("files.system", format!("{shown} lies on {name}"))
    };
    let says = format!("{shown}: {} MiB free", free >> 20);
    let remedy = "make room on that disk: nothing can be kept without";
    let space = match free {
        0..SPACE_GONE => Finding::broken("files.space", says, remedy),
        SPACE_GONE..SPACE_LOW => Finding::warning("files.space", says, remedy),
        _ => Finding::good("files.space", says),
    };
    vec![place, space]
}

/// Returns the newest crash file and when it was written.
pub(in crate::cli) fn last_crash(paths: &Paths) -> Option<(PathBuf, SystemTime)> {
    let entries = fs::read_dir(&paths.state).ok()?.flatten();
    let is_crash = |name: &str| name.starts_with("crash-") && name.ends_with(".txt");
    let crashes = entries.filter(|entry| is_crash(&entry.file_name().to_string_lossy()));
    crashes.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?))).max_by_key(|(_, at)| *at)
}

fn crash(paths: &Paths) -> Finding {
    let Some((path, at)) = last_crash(paths) else { return Finding::good("files.crash", "no crash file") };
    let says = format!("it crashed: {}", path.display());
    match at.elapsed().unwrap_or_default() < CRASH_FRESH {
        true => Finding::warning("files.crash", says, "read that file, report it, then delete it"),
        false => Finding::note("files.crash", format!("{says} (more than a week ago)")),
    }
}

/// Counts the errors of the last day in the log.
pub(super) fn check_log(scene: &Scene) -> Vec<Finding> {
    let path = scene.paths.log();
    let shown = path.display();
    match tail(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            vec![Finding::note("log.errors", "nothing was logged yet")]
        }
        Err(error) => {
            let remedy = format!("make {shown} a file of yours, or remove it");
            vec![Finding::warning("log.errors", format!("{shown}: {error}"), remedy)]
        }
        Ok(text) => vec![match errors_since(&text, scene.now.minus(DAY)) {
            (0, _) => Finding::good("log.errors", format!("{shown}: no error within a day")),
            (count, last) => {
                let says = format!("{count} errors within a day, the last: {}", last.unwrap_or_default());
                Finding::warning("log.errors", says, format!("read {shown} (`:log` in the console)"))
            }
        }],
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns how many lines of level ERROR are younger, and the last of them.
fn errors_since(log: &str, since: Timestamp) -> (usize, Option<&str>) {
    let is_error = |line: &&str| {
        let mut words = line.split_ascii_whitespace();
        let at = words.next().and_then(|word| Timestamp::parse(word).ok());
        at.is_some_and(|at| at >= since) && words.next() == Some("ERROR")
    };
    let errors: Vec<&str> = log.lines().filter(is_error).collect();
    (errors.len(), errors.last().copied())
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn statuses(found: &[Finding]) -> Vec<Status> {
        found.iter().map(|finding| finding.status).collect()
    }

    #[test]
    fn the_network_and_a_full_disk_are_broken() {
        let dir = Path::new("/x");
        let plenty = SPACE_LOW * 10;
        assert_eq!(statuses(&placed(dir, 0xEF53, plenty)), [Status::Good, Status::Good]);
        for network in [0x6969, 0xFF53_4D42, 0x6573_5546] {
            assert_eq!(statuses(&placed(dir, network, plenty))[0], Status::Broken, "{network:x}");
        }
        assert_eq!(statuses(&placed(dir, 0x1234, SPACE_LOW - 1)), [Status::Good, Status::Warning]);
        assert_eq!(statuses(&placed(dir, 0xEF53, 0)), [Status::Good, Status::Broken]);
    }

    #[test]
    fn what_others_may_read_is_broken_and_told_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("data");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).unwrap();
        let file = inner.join("device.key");
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(statuses(&directory("files.data", &inner, 0o077)), [Status::Good]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let found = directory("files.data", &inner, 0o077);
        let remedy = found[0].remedy.as_ref().unwrap().as_str();
        assert_eq!((found.len(), remedy), (1, format!("chmod 600 {}", file.display()).as_str()));
        assert_eq!(statuses(&directory("files.config", &inner, 0o022)), [Status::Good], "reading is fine there");
        assert_eq!(directory("files.data", &dir.path().join("none"), 0o077), []);
    }

    #[test]
    fn errors_are_counted_for_a_day() {
        let log = "2026-01-01T00:00:00.000000Z ERROR old\n2026-01-02T10:00:00.000000Z  INFO fine ERROR\n\
                   2026-01-02T10:00:01.000000Z ERROR nightdesk: new\nERROR without a time\n";
        let since = Timestamp::parse("2026-01-02T00:00:00Z").unwrap();
        assert_eq!(errors_since(log, since), (1, Some("2026-01-02T10:00:01.000000Z ERROR nightdesk: new")));
    }
}
