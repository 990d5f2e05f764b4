//! What a git checkout tells of its files: who changed each, when and why, and what stood there. Asked of `git` itself.

use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// How long one question may take.
const WITHIN: Duration = Duration::from_secs(60);
/// Longest answer.
const ANSWER_MAX: u64 = 64 * 1024 * 1024;
/// Commits that are looked at, the newest.
const COMMITS_MAX: &str = "20000";
/// Longest name of an author, and longest first line of a message, in bytes.
const AUTHOR_BYTES_MAX: usize = 100;
const MESSAGE_BYTES_MAX: usize = 200;
/// Begins a commit in the log that is asked for: no text of a commit has it in this place.
const BEGIN: char = '\u{1}';

/// One text of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The id of its text.
    pub blob: String,
    /// When it was committed.
    pub at: Timestamp,
    /// By whom it was written.
    pub author: String,
    /// The first line of why.
    pub message: String,
    /// In which commit.
    pub commit: String,
}

/// Returns the commit that is checked out; `None` where the directory is in no checkout, nothing was committed, or there is no `git`.
pub async fn head(dir: &Path) -> Option<String> {
    let answer = ask(dir, &["rev-parse", "--verify", "--quiet", "HEAD"], Vec::new()).await.ok()?;
    let head = String::from_utf8(answer).ok()?.trim().to_owned();
    (!head.is_empty()).then_some(head)
}

/// Returns the texts of each file of the directory that is there now, newest first, at most `max` of each; renamed files are followed.
///
/// # Errors
/// What `git` says.
pub async fn history(dir: &Path, max: usize) -> Result<BTreeMap<String, Vec<Change>>, String> {
    let format = "--format=%x01%H%x00%ct%x00%an%x00%s%x00";
    let log = ["log", "-z", "--raw", "--no-abbrev", "-M", "--relative", "--max-count", COMMITS_MAX, format, "--", "."];
    let answer = ask(dir, &log, Vec::new()).await?;
    Ok(read_log(&String::from_utf8_lossy(&answer), max))
}

/// Returns the texts with these ids, as far as they are there.
///
/// # Errors
/// What `git` says.
pub async fn texts(dir: &Path, ids: &[String]) -> Result<HashMap<String, Vec<u8>>, String> {
    let answer = ask(dir, &["cat-file", "--batch"], (ids.join("\n") + "\n").into_bytes()).await?;
    Ok(read_batch(&answer))
}

/// Runs `git` in the directory. Nothing that a repository configures is run by it, and nothing is fetched.
async fn ask(dir: &Path, arguments: &[&str], said: Vec<u8>) -> Result<Vec<u8>, String> {
    let safe = ["core.fsmonitor=false", "log.showSignature=false", "core.quotePath=false", "core.hooksPath=/dev/null"];
    let mut command = Command::new("git");
    command.arg("--no-pager").arg("-C").arg(dir);
    for setting in safe {
        command.arg("-c").arg(setting);
    }
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let answered = tokio::time::timeout(WITHIN, answer(command, said)).await;
    answered.unwrap_or_else(|_| Err(format!("git did not answer within {} s", WITHIN.as_secs())))
}

async fn answer(mut command: Command, said: Vec<u8>) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("git: {error}");
    let mut child = command.spawn().map_err(told)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let say = async {
        // One that ends early has said why.
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&said).await;
        }
    };
    let (mut heard, mut complaint) = (Vec::new(), Vec::new());
    let hear = async {
        match stdout {
            Some(stdout) => stdout.take(ANSWER_MAX + 1).read_to_end(&mut heard).await.map(drop),
            None => Ok(()),
        }
    };
    let complain = async {
        match stderr {
            Some(stderr) => stderr.take(4096).read_to_end(&mut complaint).await.map(drop),
            None => Ok(()),
        }
    };
    let ((), heard_all, complained) = tokio::join!(say, hear, complain);
    heard_all.and(complained).map_err(told)?;
    if heard.len() as u64 > ANSWER_MAX {
        return Err(format!("git said more than {} MiB", ANSWER_MAX >> 20));
    }
    match child.wait().await.map_err(told)? {
        status if status.success() => Ok(heard),
        status => {
            let complaint = String::from_utf8_lossy(&complaint);
            Err(format!("git ended with {status}: {}", complaint.lines().next().unwrap_or_default()))
        }
    }
}

/// Reads a log of commits, newest first, each with the files that it changed.
fn read_log(log: &str, max: usize) -> BTreeMap<String, Vec<Change>> {
    let mut files: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    // What a file was called at the time, to what it is called now; `None`: it was taken away.
    let mut names: HashMap<String, Option<String>> = HashMap::new();
    let mut fields = log.split('\0').map(|field| field.trim_start_matches('\n'));
    let mut commit = None;
    while let Some(field) = fields.next() {
        if let Some(hash) = field.strip_prefix(BEGIN) {
            commit = begin(hash, &mut fields);
        } else if let Some(raw) = field.strip_prefix(':') {
            let mut parts = raw.split(' ').skip(3);
            let (Some(blob), Some(status), Some(path)) = (parts.next(), parts.next(), fields.next()) else { break };
            // Renamed and copied files name both.
            let is_renamed = status.starts_with('R');
            let path_now = if is_renamed || status.starts_with('C') { fields.next() } else { Some(path) };
            let (Some(path_now), Some(commit)) = (path_now, &commit) else { break };
            let name = names.get(path_now).cloned().unwrap_or_else(|| Some(path_now.to_owned()));
            if status == "D" {
                names.entry(path.to_owned()).or_insert(None);
                continue;
            }
            if let Some(name) = &name {
                let texts = files.entry(name.clone()).or_default();
                if texts.len() < max && texts.last().is_none_or(|last| last.blob != blob) {
                    texts.push(Change { blob: blob.to_owned(), ..commit.clone() });
                }
            }
            if is_renamed {
                names.insert(path.to_owned(), name);
            }
            if status.starts_with('A') || is_renamed {
                // What had the name before is another file.
                names.insert(path_now.to_owned(), None);
            }
        }
    }
    files
}

fn begin<'a>(hash: &str, fields: &mut impl Iterator<Item = &'a str>) -> Option<Change> {
    let (at, author, message) = (fields.next()?, fields.next()?, fields.next()?);
    let cut = |text: &str, max: usize| text[..text.floor_char_boundary(max)].to_owned();
    let at = Timestamp::from_millis(at.parse::<i64>().ok()?.saturating_mul(1000));
    let (author, message) = (cut(author, AUTHOR_BYTES_MAX), cut(message, MESSAGE_BYTES_MAX));
    Some(Change { blob: String::new(), at, author, message, commit: hash.to_owned() })
}

/// Reads `ID blob SIZE`, the text and a newline, again and again; `ID missing` has no text.
fn read_batch(mut answer: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut texts = HashMap::new();
    while let Some(end) = answer.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        answer = &answer[end + 1..];
        let mut words = head.split(' ');
        let (Some(id), Some(kind), size) = (words.next(), words.next(), words.next()) else { break };
        if kind == "missing" {
            continue;
        }
        let Some(size) = size.and_then(|size| size.parse::<usize>().ok()).filter(|size| *size <= answer.len()) else {
            break;
        };
        if kind == "blob" {
            texts.insert(id.to_owned(), answer[..size].to_vec());
        }
        answer = answer.get(size + 1..).unwrap_or_default();
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(hash: &str, at: i64, why: &str, files: &[&str]) -> String {
        let files: String = files.iter().map(|file| format!("{file}\0")).collect();
        format!("\u{1}{hash}\0{at}\0lena\0{why}\0\n{files}\0")
    }

    fn raw(old: &str, new: &str, status: &str, paths: &[&str]) -> String {
        format!(":100644 100644 {old} {new} {status}\0{}", paths.join("\0"))
    }

    fn blobs(texts: &[Change]) -> Vec<&str> {
        texts.iter().map(|text| text.blob.as_str()).collect()
    }

    #[test]
    fn each_file_has_its_texts_newest_first_under_the_name_of_today() {
        let log = [
            commit("c5", 50, "port 81", &[&raw("b2", "b3", "M", &["new.md"])]),
            commit("c4", 40, "rename", &[&raw("b1", "b2", "R090", &["old.md", "new.md"])]),
            commit("c3", 30, "another of that name", &[&raw("x0", "x1", "D", &["new.md"])]),
            commit("c2", 20, "other", &[&raw("0", "o1", "A", &["other.md"]), &raw("0", "x1", "A", &["new.md"])]),
            commit("c1", 10, "begin", &[&raw("0", "b1", "A", &["old.md"])]),
        ];
        let files = read_log(&log.concat(), 10);
        assert_eq!(blobs(&files["new.md"]), ["b3", "b2", "b1"]);
        assert_eq!(blobs(&files["other.md"]), ["o1"]);
        let first = &files["new.md"][0];
        assert_eq!((first.commit.as_str(), first.author.as_str(), first.message.as_str()), ("c5", "lena", "port 81"));
        assert_eq!(first.at, Timestamp::from_millis(50_000));
        assert_eq!(blobs(&read_log(&log.concat(), 2)["new.md"]), ["b3", "b2"]);
    }

    #[test]
    fn a_broken_log_is_read_as_far_as_it_goes() {
        let log = commit("c1", 10, "begin", &[&raw("0", "b1", "A", &["a.md"])]);
        for end in 0..log.len() {
            assert!(read_log(&log[..end], 10).len() <= 1);
        }
        assert!(read_log(":x\0:y z\0\u{1}\0", 10).is_empty());
    }

    #[test]
    fn texts_come_as_they_are() {
        let batch = b"aa blob 4\na\nb\n\nbb missing\ncc blob 0\n\ndd tree 2\nxx\n";
        let texts = read_batch(batch);
        assert_eq!(texts.get("aa").map(Vec::as_slice), Some(b"a\nb\n".as_slice()));
        assert_eq!((texts.get("cc").map(Vec::len), texts.len()), (Some(0), 2));
        assert!(read_batch(b"aa blob 99999999999999999999\n").is_empty() && read_batch(b"aa blob 9\nshort").is_empty());
    }
}
