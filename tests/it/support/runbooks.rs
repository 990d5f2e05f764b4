//! A directory of runbooks, with or without a history.

use nightdesk::domain::time::Timestamp;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One change of one file.
pub struct Commit {
    /// Its path.
    pub path: String,
    /// Its text from then on.
    pub text: String,
    /// Who changed it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub message: String,
}

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

    /// Makes a history of many commits at once, a tag after each step; the files themselves are not touched.
    pub fn import(&self, steps: &[(String, Vec<Commit>)]) {
        let mut stream: Vec<u8> = Vec::new();
        for (tag, commits) in steps {
            for Commit { path, text, author, at, message } in commits {
                let at = at.as_millis() / 1000;
                write!(stream, "commit refs/heads/main\nauthor {author} <{author}@example.com> {at} +0000\n")
                    .expect("memory");
                write!(stream, "committer c <c@example.com> {at} +0000\ndata {}\n{message}\n", message.len())
                    .expect("memory");
                write!(stream, "M 100644 inline {path:?}\ndata {}\n{text}\n", text.len()).expect("memory");
            }
            write!(stream, "reset refs/tags/{tag}\nfrom refs/heads/main\n\n").expect("memory");
        }
        let mut git = self.command(&["fast-import", "--quiet", "--date-format=raw"]);
        let mut git = git.stdin(Stdio::piped()).spawn().expect("git is installed");
        git.stdin.take().expect("it has an input").write_all(&stream).expect("git reads");
        assert!(git.wait().expect("git ends").success(), "git fast-import");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.args(args).current_dir(&self.0).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("GIT_COMMITTER_NAME", "committer").env("GIT_COMMITTER_EMAIL", "committer@example.com");
        git
    }

    /// Runs git in it, with nothing of the developer's own settings.
    ///
    /// # Panics
    /// When it fails.
    pub fn git(&self, args: &[&str]) {
        let done = self.command(args).output().expect("git is installed");
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
