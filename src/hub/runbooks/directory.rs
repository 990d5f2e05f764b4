//! The files of a directory of runbooks: which there are, whether one changed, and what is in it.

use crate::domain::runbook::{RunbookName, TEXT_BYTES_MAX};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Runbooks of one directory.
pub const FILES_MAX: usize = 2000;
/// Entries that are looked at.
const ENTRIES_MAX: usize = 50_000;
/// Directories below each other.
const DEPTH_MAX: usize = 12;

/// What tells that a file is another one now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Returns when the file was last written.
    pub fn modified_at(&self) -> Timestamp {
        Timestamp::from_millis(self.modified.0.saturating_mul(1000))
    }

    fn of(meta: &Metadata) -> Self {
        Self {
            bytes: meta.len(),
            inode: meta.ino(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// What a directory holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its Markdown files.
    pub files: BTreeMap<RunbookName, Stamp>,
    /// What is left out, by its path, and why.
    pub left_out: BTreeMap<String, String>,
}

/// Lists the Markdown files below a directory; what is hidden is none.
///
/// # Errors
/// What the system says when the directory itself cannot be read.
pub fn list(root: &Path) -> io::Result<Listing> {
    let real = fs::canonicalize(root)?;
    let mut listing = Listing::default();
    let (mut waiting, mut looked_at) = (vec![(real.clone(), String::new(), 0)], 0);
    while let Some((dir, prefix, depth)) = waiting.pop() {
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            Err(error) => {
                listing.left_out.insert(prefix, error.to_string());
                continue;
            }
        };
        for entry in entries.flatten() {
            looked_at += 1;
            if looked_at > ENTRIES_MAX {
                let why = format!("more than {ENTRIES_MAX} files and directories: what comes after is not looked at");
                listing.left_out.insert(String::new(), why);
                return Ok(listing);
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            match kind(&real, &entry.path()) {
                Ok(Kind::Directory) if depth < DEPTH_MAX => waiting.push((entry.path(), format!("{path}/"), depth + 1)),
                Ok(Kind::Directory) => {
                    listing.left_out.insert(path, format!("more than {DEPTH_MAX} directories deep"));
                }
                Ok(Kind::File(stamp)) if is_markdown(&name) => put(&mut listing, path, stamp),
                Ok(Kind::File(_) | Kind::Other) => {}
                Err(why) if is_markdown(&name) => drop(listing.left_out.insert(path, why)),
                Err(_) => {}
            }
        }
    }
    Ok(listing)
}

fn put(listing: &mut Listing, path: String, stamp: Stamp) {
    match RunbookName::parse(&path) {
        _ if listing.files.len() >= FILES_MAX => {
            let why = format!("more than {FILES_MAX} runbooks: this one and others are left out");
            listing.left_out.entry(String::new()).or_insert(why);
        }
        Ok(name) => drop(listing.files.insert(name, stamp)),
        Err(error) => drop(listing.left_out.insert(path, error.to_string())),
    }
}

fn is_markdown(name: &str) -> bool {
    [".md", ".markdown"].iter().any(|end| name.len() > end.len() && name.to_ascii_lowercase().ends_with(end))
}

enum Kind {
    Directory,
    File(Stamp),
    Other,
}

/// Returns what stands there. A link is followed to a file within the directory, and nowhere else.
fn kind(root: &Path, path: &Path) -> Result<Kind, String> {
    let said = |error: io::Error| error.to_string();
    let meta = fs::symlink_metadata(path).map_err(said)?;
    if meta.is_dir() {
        return Ok(Kind::Directory);
    }
    if meta.is_file() {
        return Ok(Kind::File(Stamp::of(&meta)));
    }
    if !meta.is_symlink() {
        return Ok(Kind::Other);
    }
    let meta = fs::metadata(within(root, path)?).map_err(said)?;
    Ok(if meta.is_file() { Kind::File(Stamp::of(&meta)) } else { Kind::Other })
}

/// Returns where a path leads, which must be within the directory.
fn within(root: &Path, path: &Path) -> Result<PathBuf, String> {
    let real = fs::canonicalize(path).map_err(|error| error.to_string())?;
    if real.starts_with(root) { Ok(real) } else { Err("a link that leads out of the directory".into()) }
}

/// Reads a runbook's file whole, with the stamp that it has.
///
/// # Errors
/// Why it cannot be one: gone, too long, or no file any more.
pub fn read(root: &Path, name: &RunbookName) -> Result<(Vec<u8>, Stamp), String> {
    let said = |error: io::Error| error.to_string();
    let root = fs::canonicalize(root).map_err(said)?;
    let path = within(&root, &root.join(name.as_str()))?;
    // What is no file is not opened: a pipe would wait for a writer.
    if !fs::metadata(&path).map_err(said)?.is_file() {
        return Err("it is no file".into());
    }
    let file = File::open(path).map_err(said)?;
    let before = Stamp::of(&file.metadata().map_err(said)?);
    if before.bytes > TEXT_BYTES_MAX as u64 {
        let longest = TEXT_BYTES_MAX / 1024;
        return Err(format!("it is {} KiB long; a runbook has at most {longest} KiB", before.bytes.div_ceil(1024)));
    }
    let mut bytes = Vec::with_capacity(before.bytes as usize);
    (&file).take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(said)?;
    let after = Stamp::of(&file.metadata().map_err(said)?);
    if before != after || bytes.len() as u64 != after.bytes {
        return Err("it is being written".into());
    }
    Ok((bytes, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(listing: &Listing) -> Vec<&str> {
        listing.files.keys().map(RunbookName::as_str).collect()
    }

    fn name(text: &str) -> RunbookName {
        RunbookName::parse(text).unwrap()
    }

    #[test]
    fn markdown_is_found_at_any_depth_and_what_is_hidden_is_not() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a.md", "pay/5xx.md", "pay/deep/x.MARKDOWN", ".git/b.md", ".hidden.md", "notes.txt", ".md"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "# text").unwrap();
        }
        let listing = list(dir.path()).unwrap();
        assert_eq!(names(&listing), ["a.md", "pay/5xx.md", "pay/deep/x.MARKDOWN"]);
        assert!(listing.left_out.is_empty());
        let (bytes, stamp) = read(dir.path(), &name("pay/5xx.md")).unwrap();
        assert_eq!((bytes.as_slice(), listing.files[&name("pay/5xx.md")] == stamp), (b"# text".as_slice(), true));
        assert!(list(&dir.path().join("none")).is_err());
    }

    #[test]
    fn links_lead_nowhere_else() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret.md"), "secret").unwrap();
        fs::write(dir.path().join("a.md"), "a").unwrap();
        symlink(other.path().join("secret.md"), dir.path().join("out.md")).unwrap();
        symlink(other.path(), dir.path().join("outside")).unwrap();
        symlink("a.md", dir.path().join("in.md")).unwrap();
        symlink("loop.md", dir.path().join("loop.md")).unwrap();
        let listing = list(dir.path()).unwrap();
        assert_eq!(names(&listing), ["a.md", "in.md"]);
        assert!(listing.left_out["out.md"].contains("out of the directory"), "{:?}", listing.left_out);
        assert!(listing.left_out.contains_key("loop.md"));
        assert!(read(dir.path(), &name("out.md")).unwrap_err().contains("out of the directory"));
        assert!(read(dir.path(), &name("outside/secret.md")).unwrap_err().contains("out of the directory"));
    }

    #[test]
    fn what_is_too_long_or_no_file_has_a_word() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("long.md"), vec![b'x'; 5 * 1024 * 1024]).unwrap();
        let why = read(dir.path(), &name("long.md")).unwrap_err();
        assert_eq!(why, "it is 5120 KiB long; a runbook has at most 256 KiB");
        fs::create_dir(dir.path().join("dir.md")).unwrap();
        assert!(list(dir.path()).unwrap().files.contains_key(&name("long.md")));
        assert_eq!(read(dir.path(), &name("dir.md")).unwrap_err(), "it is no file");
    }
}
