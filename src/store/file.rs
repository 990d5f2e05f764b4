//! Files that only their owner may read, made so before SQLite opens them.

use super::StoreError;
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

/// Makes a directory for this user alone (0700), parents too, or checks that it is one; closes an empty one.
///
/// # Errors
/// [`StoreError::Unsafe`] when it belongs to another user, [`StoreError::NetworkFile`] where SQLite loses data.
pub fn private_dir(path: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))?;
    let meta = fs::metadata(path).map_err(io_error(path))?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(StoreError::Unsafe { path: path.to_owned(), why: "the directory belongs to another user".into() });
    }
    if meta.permissions().mode() & 0o077 != 0 {
        // Somebody else's files may lie in it: closing it is not ours to decide.
        if fs::read_dir(path).map_err(io_error(path))?.next().is_some() {
            let why =
                "others may enter this directory and it is not empty; `chmod 700` it, or choose another one".into();
            return Err(StoreError::Unsafe { path: path.to_owned(), why });
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io_error(path))?;
    }
    refuse_network(path)
}

fn refuse_network(path: &Path) -> Result<(), StoreError> {
    // The magic numbers of statfs(2).
    const KINDS: [(i64, &str); 4] = [(0x6969, "NFS"), (0x517B, "SMB"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2")];
    let stat = rustix::fs::statfs(path).map_err(|errno| io_error(path)(errno.into()))?;
    match KINDS.iter().find(|(magic, _)| *magic == stat.f_type) {
        Some((_, kind)) => Err(StoreError::NetworkFile { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Returns the number of the user whose process this is.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Makes an empty file for this user alone (0600), or checks that it is a plain file of this user's.
///
/// # Errors
/// [`StoreError::Unsafe`] for a symbolic link or another user's file.
pub fn private_file(path: &Path) -> Result<File, StoreError> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
        .map_err(io_error(path))?;
    let meta = file.metadata().map_err(io_error(path))?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(StoreError::Unsafe { path: path.to_owned(), why: "not a plain file of this user".into() });
    }
    if meta.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(io_error(path))?;
    }
    Ok(file)
}

/// Writes a small file whole: beside it, synced, then in its place.
///
/// # Errors
/// [`StoreError::Io`].
pub fn write_private(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    let beside = path.with_extension(format!("new{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let mut file = private_file(&beside)?;
    file.write_all(contents).and_then(|()| file.sync_all()).map_err(io_error(&beside))?;
    fs::rename(&beside, path).map_err(io_error(path))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error(dir))
}

/// Returns the contents of a small secret file, or `None` when there is none.
///
/// # Errors
/// [`StoreError::Unsafe`] when others may read it: a secret that others may have read is none.
pub fn read_secret(path: &Path) -> Result<Option<String>, StoreError> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path)(error)),
    };
    if meta.permissions().mode() & 0o077 != 0 {
        let why = "others may read this secret; `chmod 600` it, and make a new one if they did".into();
        return Err(StoreError::Unsafe { path: path.to_owned(), why });
    }
    fs::read_to_string(path).map(|text| Some(text.trim().to_owned())).map_err(io_error(path))
}
