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
    let stat = rustix::fs::statfs(path).map_err(|errno| io_error(path)(errno.into()))?;
    match network_kind(stat.f_type as i64, || mounted_as(path)) {
        Some(kind) => Err(StoreError::NetworkFile { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Returns the name of a file system that lies on another machine, by its magic number of statfs(2); `fuse` says which one it is where the
/// number only says that a program serves it.
fn network_kind(magic: i64, fuse: impl FnOnce() -> Option<String>) -> Option<&'static str> {
    const FUSE: i64 = 0x6573_5546;
    const KINDS: [(i64, &str); 9] = [
        (0x6969, "NFS"),
        (0x517B, "SMB"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB2"),
        (0x5346_414F, "AFS"),
        (0x0102_1997, "9P"),
        (0x00C3_6400, "Ceph"),
        (0x0BD0_0BD0, "Lustre"),
        (0x7375_7245, "Coda"),
    ];
    const SERVED: [(&str, &str); 6] = [
        ("fuse.sshfs", "sshfs"),
        ("fuse.rclone", "rclone"),
        ("fuse.davfs", "WebDAV"),
        ("fuse.s3fs", "s3fs"),
        ("fuse.glusterfs", "GlusterFS"),
        ("fuse.smbnetfs", "SMB"),
    ];
    if magic == FUSE {
        let fuse = fuse()?;
        return SERVED.iter().find(|(name, _)| *name == fuse).map(|(_, kind)| *kind);
    }
    // Some systems give the number in 32 bits with a sign.
    KINDS.iter().find(|(known, _)| *known == magic & 0xFFFF_FFFF).map(|(_, kind)| *kind)
}

/// Returns what this path is mounted as, by the longest mount point above it.
fn mounted_as(path: &Path) -> Option<String> {
    kind_in(&fs::read_to_string("/proc/self/mounts").ok()?, &path.canonicalize().ok()?)
}

fn kind_in(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        // Spaces stand as their octal numbers.
        Some((fields.next()?.replace("\\040", " "), fields.next()?))
    });
    let above = mounts.filter(|(point, _)| path.starts_with(point));
    above.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_known_and_local_ones_are_none() {
        let kind = |magic| network_kind(magic, || None);
        assert_eq!(kind(0x6969), Some("NFS"));
        assert_eq!(kind(0xFF53_4D42), Some("CIFS"));
        assert_eq!(kind(i64::from(0xFE53_4D42_u32 as i32)), Some("SMB2"));
        // ext4, btrfs, xfs, tmpfs, overlayfs, zfs.
        for local in [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1] {
            assert_eq!(kind(local), None, "{local:x}");
        }
        let served = |name: &str| network_kind(0x6573_5546, || Some(name.to_owned()));
        assert_eq!((served("fuse.sshfs"), served("fuse.gocryptfs")), (Some("sshfs"), None));
    }

    #[test]
    fn a_path_is_on_the_nearest_mount_above_it() {
        let mounts =
            "/dev/sda / ext4 rw 0 0\nme@host: /home/me fuse.sshfs rw 0 0\ntmpfs /home/me/my\\040own tmpfs rw 0 0\n";
        let kind = |path: &str| kind_in(mounts, Path::new(path)).unwrap();
        assert_eq!(kind("/home/me/.local/share"), "fuse.sshfs");
        assert_eq!(kind("/home/me/my own/data"), "tmpfs");
        assert_eq!(kind("/home/melissa"), "ext4");
    }

    #[test]
    fn the_refusal_names_a_way_out() {
        let error = StoreError::NetworkFile { path: "/home/me/.local/share/nightdesk".into(), kind: "NFS" }.to_string();
        assert!(error.contains("NFS") && error.contains("NIGHTDESK_HOME=/local/path"), "{error}");
    }
}
