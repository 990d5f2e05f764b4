//! A directory of runbooks, with or without a history.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory.
pub struct Books(PathBuf);

impl Books {
    /// Makes a directory without a history.
    pub fn directory(path: &Path) -> Self {
        std::fs::create_dir_all(path).expect("the directory can be made");
        Self(path.to_owned())
    }

    /// Makes a git checkout.
    pub fn checkout(path: &Path) -> Self {
        let books = Self::directory(path);
        books.git(&["init", "--quiet", "--initial-branch=main"]);
        books
    }

    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file whole: another one takes its place.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("the directory can be made");
        let fresh = path.with_extension("fresh");
        std::fs::write(&fresh, bytes).expect("the file can be written");
        std::fs::rename(fresh, path).expect("the file can be put in its place");
    }

    /// Writes a file and commits it.
    pub fn commit(&self, name: &str, text: &str, author: &str, message: &str) {
        self.write(name, text.as_bytes());
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message, "--author", &format!("{author} <{author}@example.com>")]);
    }

    /// Runs git in it, with nothing of the developer's own settings.
    ///
    /// # Panics
    /// When it fails.
    pub fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(args).current_dir(&self.0).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("GIT_COMMITTER_NAME", "committer").env("GIT_COMMITTER_EMAIL", "committer@example.com");
        let done = git.output().expect("git is installed");
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
