//! How someone is told who has no console open: the text of a message, and one file for each kind of channel.
//!
//! A channel answers with what became of one attempt; what follows from that is a plan that a table can test.

mod command;
pub mod heartbeat;
pub mod message;
pub mod program;
mod webhook;

pub use heartbeat::Heart;
pub use message::Message;
pub use webhook::client;

use crate::config::{self, Format, Sender};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::store::hub::Outcome;
use crate::store::{StoreError, file};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of a provider's or program's answer that are kept.
const REPLY_KEPT: usize = 256;

/// Why a channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The secret file cannot be used.
    #[error(transparent)]
    Secret(#[from] StoreError),
    /// There is no such file.
    #[error("{0}: there is no such file; write the URL into it, mode 0600")]
    NoFile(PathBuf),
    /// The file holds no URL. What it holds is a secret and not told.
    #[error("{0}: it must hold one URL, http:// or https://")]
    NoUrl(PathBuf),
    /// There is no such program.
    #[error("{0}: there is no such program")]
    NoProgram(PathBuf),
    /// The client could not be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// This system has no authorities to trust, or refuses TLS.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Sent,
    /// It may be taken later; why not now.
    Later(String),
    /// It will not be taken; why.
    Never(String),
}

/// Every channel beside the console, by its name.
pub struct Channels(HashMap<String, Channel>);

struct Channel {
    by: By,
    timeout: Duration,
    retry: Vec<Duration>,
}

enum By {
    Webhook(webhook::Webhook, Format),
    Command(Vec<String>),
}

impl Channels {
    /// Reads the secrets and makes ready what is needed to send.
    ///
    /// # Errors
    /// The name of the channel, and [`ChannelError`].
    pub fn prepare(configured: &[config::Channel]) -> Result<Self, (String, ChannelError)> {
        let channel = |channel: &config::Channel| {
            let by = match &channel.by {
                Sender::Webhook { url_file, format } => By::Webhook(webhook::Webhook::read(url_file)?, *format),
                Sender::Command { run } => {
                    let program = run.first().map(PathBuf::from).unwrap_or_default();
                    if !program.is_file() {
                        return Err(ChannelError::NoProgram(program));
                    }
                    By::Command(run.clone())
                }
            };
            Ok(Channel { by, timeout: channel.timeout, retry: channel.retry.clone() })
        };
        let named = |one: &config::Channel| match channel(one) {
            Ok(channel) => Ok((one.name.clone(), channel)),
            Err(error) => Err((one.name.clone(), error)),
        };
        configured.iter().map(named).collect::<Result<_, _>>().map(Self)
    }

    /// Makes one attempt.
    pub async fn send(&self, name: &str, message: &Message) -> Answer {
        let Some(channel) = self.0.get(name) else {
            return Answer::Never(format!("no channel is called {name:?} any more"));
        };
        let sending = async {
            match &channel.by {
                By::Webhook(webhook, format) => webhook.send(message, *format, channel.timeout).await,
                By::Command(run) => command::run(run, message, channel.timeout).await,
            }
        };
        // Each kind keeps its own time; this holds whatever it does.
        let limit = channel.timeout + Duration::from_millis(500);
        tokio::time::timeout(limit, sending).await.unwrap_or_else(|_| Answer::Later(no_answer(channel.timeout)))
    }

    /// Returns what follows from an answer to attempt number `attempt`, from 1.
    pub fn plan(&self, name: &str, answer: &Answer, attempt: u32, now: Timestamp) -> Outcome {
        plan(answer, attempt, self.0.get(name).map_or(&[], |channel| &channel.retry), now)
    }
}

fn plan(answer: &Answer, attempt: u32, retry: &[Duration], now: Timestamp) -> Outcome {
    match answer {
        Answer::Sent => Outcome::Sent,
        Answer::Never(why) => Outcome::Failed { why: why.clone() },
        Answer::Later(why) => match retry.get(attempt.saturating_sub(1) as usize) {
            Some(pause) => Outcome::Retry { at: now.plus(*pause), why: why.clone() },
            None => Outcome::Failed { why: format!("{why} (attempt {attempt})") },
        },
    }
}

fn no_answer(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}

/// Returns what a provider or program said, safe to show, in brackets; empty when it said nothing.
fn said(reply: &[u8]) -> String {
    let reply = reply.trim_ascii();
    if reply.is_empty() { String::new() } else { format!(" ({})", SafeText::bytes(reply, REPLY_KEPT)) }
}

/// Returns the URL that a secret file holds.
fn read_url(path: &Path) -> Result<reqwest::Url, ChannelError> {
    let text = file::read_secret(path)?.ok_or_else(|| ChannelError::NoFile(path.to_owned()))?;
    let url = reqwest::Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(reqwest::Url::has_host).ok_or_else(|| ChannelError::NoUrl(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: Answer, attempt: u32, wanted: Outcome) {
        let retry = [5, 15, 30].map(Duration::from_secs);
        assert_eq!(plan(&answer, attempt, &retry, Timestamp::from_millis(1000)), wanted);
    }

    #[test]
    fn what_may_work_later_is_tried_after_5_15_and_30_seconds_and_then_has_failed() {
        let later = || Answer::Later("500".into());
        let at = |second: i64| Outcome::Retry { at: Timestamp::from_millis(second * 1000), why: "500".into() };
        check(later(), 1, at(6));
        check(later(), 2, at(16));
        check(later(), 3, at(31));
        check(later(), 4, Outcome::Failed { why: "500 (attempt 4)".into() });
        check(Answer::Sent, 4, Outcome::Sent);
        check(Answer::Never("404".into()), 1, Outcome::Failed { why: "404".into() });
    }

    #[test]
    fn a_reply_is_short_and_cannot_obey_a_terminal() {
        assert_eq!(said(b" \n"), "");
        assert_eq!(said(b"no\x1b]0;x\x07\xff\n"), " (no␛]0;x␇‹xff›)");
        assert_eq!(said(&[b'a'; 300]).len(), 256 + " (‹…›)".len());
    }

    #[test]
    fn a_file_without_a_url_is_refused_and_its_content_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        assert!(matches!(read_url(&path), Err(ChannelError::NoFile(_))));
        for wrong in ["secret", "file:///etc/passwd", "unix:/x", ""] {
            file::write_private(&path, wrong.as_bytes()).unwrap();
            let error = read_url(&path).unwrap_err();
            assert!(matches!(error, ChannelError::NoUrl(_)), "{wrong}");
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
        file::write_private(&path, b"https://ntfy.example/topic\n").unwrap();
        assert_eq!(read_url(&path).unwrap().as_str(), "https://ntfy.example/topic");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(read_url(&path), Err(ChannelError::Secret(_))));
    }
}
