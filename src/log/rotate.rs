//! A log file that is put aside when it is full, while the program runs and whichever of several programs fills it.

use rustix::fs::{FlockOperation, OFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file that holds this many bytes is put aside.
pub const FILE_BYTES_MAX: u64 = 5 << 20;
/// How many files there are at most: the one that is written, and those put aside as `.1` (the newest) to `.4`.
pub const FILES: u32 = 5;

/// A log file, private to its user (0600).
#[derive(Debug)]
pub struct Rotating {
    path: PathBuf,
    bytes_max: u64,
    file: Mutex<File>,
}

impl Rotating {
    /// Opens the file for appending, and makes it if there is none.
    ///
    /// # Errors
    /// When it cannot be opened, is a symbolic link or belongs to somebody else.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::bounded(path, FILE_BYTES_MAX)
    }

    fn bounded(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let file = Mutex::new(private(path)?);
        Ok(Self { path: path.to_owned(), bytes_max, file })
    }

    /// Writes a line behind the others. A full file is put aside before.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn append(&self, line: &str) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_current(&file)? {
            // Another program of this user put it aside, or somebody removed it.
            *file = private(&self.path)?;
        }
        if file.metadata()?.len() + line.len() as u64 >= self.bytes_max {
            self.put_aside(&file)?;
            *file = private(&self.path)?;
        }
        // One write: lines of several programs must not mix.
        file.write_all(format!("{line}\n").as_bytes())
    }

    fn is_current(&self, file: &File) -> io::Result<bool> {
        let own = file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(named) => Ok((own.dev(), own.ino()) == (named.dev(), named.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renames the files, unless another program does or has just done so. The lock lies on the full file itself.
    fn put_aside(&self, full: &File) -> io::Result<()> {
        if rustix::fs::flock(full, FlockOperation::NonBlockingLockExclusive).is_err() || !self.is_current(full)? {
            return Ok(());
        }
        for number in (1..FILES - 1).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.numbered(1))
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn private(path: &Path) -> io::Result<File> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(no_follow).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the log is not a plain file of this user"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn full_files_are_put_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Rotating::bounded(&path, 1000).unwrap();
        (0..1000).for_each(|number| log.append(&format!("line {number:04}")).unwrap());
        assert_eq!(files(dir.path()), ["log", "log.1", "log.2", "log.3", "log.4"]);
        let mut lines = String::new();
        for name in ["log.4", "log.3", "log.2", "log.1", "log"] {
            let meta = fs::metadata(dir.path().join(name)).unwrap();
            assert!(meta.len() <= 1000 && meta.permissions().mode() & 0o777 == 0o600, "{name}: {meta:?}");
            lines += &fs::read_to_string(dir.path().join(name)).unwrap();
        }
        let numbers: Vec<usize> = lines.lines().map(|line| line[5..].parse().unwrap()).collect();
        assert_eq!(numbers.last(), Some(&999));
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no line is lost or torn");
    }

    #[test]
    fn two_programs_share_the_files_and_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        // Few enough bytes in all that nothing is thrown away.
        let logs = [Rotating::bounded(&path, 4000).unwrap(), Rotating::bounded(&path, 4000).unwrap()];
        std::thread::scope(|scope| {
            for (name, log) in ["a", "b"].into_iter().zip(&logs) {
                scope.spawn(move || (0..500).for_each(|number| log.append(&format!("{name} {number:04}")).unwrap()));
            }
        });
        let mut lines: Vec<String> = Vec::new();
        for name in files(dir.path()) {
            let text = fs::read_to_string(dir.path().join(name)).unwrap();
            lines.extend(text.lines().map(str::to_owned));
        }
        lines.sort();
        let wanted: Vec<String> =
            ["a", "b"].iter().flat_map(|name| (0..500).map(move |number| format!("{name} {number:04}"))).collect();
        assert_eq!(lines, wanted);
    }

    #[test]
    fn a_file_that_was_removed_is_made_anew_and_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Rotating::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        log.append("anew").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "anew\n");
        std::os::unix::fs::symlink(&path, dir.path().join("link")).unwrap();
        assert!(Rotating::open(&dir.path().join("link")).is_err());
    }
}
