//! The first console of a user: a few questions before the screen is taken, each of which Enter skips. They are never asked again.
//!
//! Plain lines, for they work in every terminal and with every screen reader.

use super::{Globals, join};
use crate::config::Paths;
use crate::domain::id::UserName;
use crate::domain::text::SafeText;
use crate::store::file;
use crate::sync::client::HubAddress;
use crate::sync::enrolment::Code;
use anyhow::Context as _;
use std::io::{self, BufRead, IsTerminal as _, Read, Write};
use std::path::PathBuf;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 4096;
/// How often a question is asked that was answered wrongly.
const TRIES: usize = 3;

/// What was answered; `None` was skipped.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answers {
    hub: Option<String>,
    code: Option<String>,
    user: Option<String>,
}

/// Nobody answers any more: the rest is skipped.
struct Over;

type Answered<T> = Result<T, Over>;

/// Asks, where this is the first console of a person at a terminal. Who says where things lie (`NIGHTDESK_HOME`) or which hub there is
/// has decided already, and so has who ran a console or wrote a configuration before.
pub fn ask_once(globals: &Globals) -> anyhow::Result<()> {
    let paths = Paths::find(globals.home.clone())?;
    let decided = globals.home.is_some() || globals.hub.is_some();
    let begun = [paths.config.join("config.toml"), paths.data.join("device.key"), stamp(&paths)];
    if decided || begun.iter().any(|path| path.exists()) || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Ok(());
    }
    let answers = questions(&mut io::stdin().lock(), &mut io::stdout().lock(), &super::open::login());
    keep(globals, &paths, &answers)?;
    file::private_dir(&paths.state)?;
    file::write_private(&stamp(&paths), b"asked\n").context("noting that nothing must be asked again")
}

/// The file whose being there says that the questions were asked.
fn stamp(paths: &Paths) -> PathBuf {
    paths.state.join("first-run")
}

fn questions(input: &mut dyn BufRead, out: &mut dyn Write, login: &str) -> Answers {
    let mut answers = Answers::default();
    // Whoever stops answering has skipped the rest.
    let _ = converse(input, out, login, &mut answers);
    answers
}

fn converse(input: &mut dyn BufRead, out: &mut dyn Write, login: &str, answers: &mut Answers) -> Answered<()> {
    say(
        out,
        "Nightdesk, for the first time here. Three short questions: Enter skips one, Ctrl-D skips all, and none is asked again.",
    )?;
    say(out, "")?;
    say(
        out,
        "1 of 3  Which hub? Paste the code that `nightdesk enrol` printed there, or write http://127.0.0.1:7400 or unix:/path.",
    )?;
    say(out, "        Enter: none yet, this console runs one of its own.")?;
    ask(input, out, |text| {
        if Code::parse(text).is_ok() {
            answers.code = Some(text.to_owned());
            return Ok(());
        }
        match HubAddress::parse(text) {
            Ok(HubAddress::Https(_)) => {
                Err("a hub on another machine lets you in by a code: `nightdesk enrol NAME` prints one there"
                    .to_owned())
            }
            Ok(_) => {
                answers.hub = Some(text.to_owned());
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    })?;
    if answers.code.is_none() {
        say(out, &format!("2 of 3  Who are you? The name by which others hand you work. Enter: {}.", named(login)))?;
        ask(input, out, |text| match UserName::parse(text) {
            Ok(user) => {
                answers.user = Some(user.as_str().to_owned());
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        })?;
    }
    say(out, "3 of 3  Test the bell? A page rings it. y rings it now; Enter goes on.")?;
    let mut rang = false;
    ask(input, out, |text| {
        rang = matches!(text, "y" | "yes");
        Ok(())
    })?;
    if rang {
        say(
            out,
            "\x07        That was it. If you neither heard nor saw it, `nightdesk doctor` says what the terminal does.",
        )?;
    }
    Ok(())
}

/// Returns the name that is taken where none is written.
fn named(login: &str) -> String {
    UserName::parse(login).map_or_else(|_| "me".to_owned(), |user| user.to_string())
}

fn say(out: &mut dyn Write, line: &str) -> Answered<()> {
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| Over)
}

/// Asks until the answer is taken, is empty, or was wrong too often.
fn ask(input: &mut dyn BufRead, out: &mut dyn Write, mut take: impl FnMut(&str) -> Result<(), String>) -> Answered<()> {
    for _ in 0..TRIES {
        write!(out, "> ").and_then(|()| out.flush()).map_err(|_| Over)?;
        let mut line = Vec::new();
        let read = Read::take(&mut *input, ANSWER_BYTES_MAX).read_until(b'\n', &mut line).map_err(|_| Over)?;
        let line = String::from_utf8_lossy(&line).into_owned();
        // Esc, as far as a line shows it.
        if read == 0 || line.contains('\x1b') {
            return Err(Over);
        }
        let text = line.trim();
        if text.is_empty() {
            return Ok(());
        }
        match take(text) {
            Ok(()) => return Ok(()),
            Err(why) => say(out, &format!("        {}", SafeText::line(&why, 300)))?,
        }
    }
    say(out, "        left out; it can be written into config.toml later")
}

/// Writes down what was answered, and nothing else.
fn keep(globals: &Globals, paths: &Paths, answers: &Answers) -> anyhow::Result<()> {
    if let Some(code) = &answers.code {
        // What stands against it is told; the console starts all the same.
        if let Err(error) = join::run(globals, &join::Arguments { code: Some(code.clone()) }) {
            println!("not joined: {}", SafeText::line(&format!("{error:#}"), 500));
        }
    }
    let Some(text) = configuration(answers) else { return Ok(()) };
    std::fs::create_dir_all(&paths.config).context("making the directory of the configuration")?;
    let path = paths.config.join("config.toml");
    file::write_private(&path, text.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
}

fn configuration(answers: &Answers) -> Option<String> {
    let lines = [("hub", &answers.hub), ("user", &answers.user)];
    let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name} = {}\n", quoted(value.as_ref()?))));
    let lines: String = lines.collect();
    (!lines.is_empty())
        .then(|| format!("# Written at the first start; examples/console.toml shows what else there is.\n{lines}"))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(typed: &str) -> (Answers, String) {
        let mut out = Vec::new();
        let answers = questions(&mut typed.as_bytes(), &mut out, "mira");
        (answers, String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_question_can_be_skipped_and_all_at_once() {
        for typed in ["\n\n\n", "", "\x1b\n", "\n\x1b\nx\n", "\n"] {
            let (answers, _) = answered(typed);
            assert_eq!(answers, Answers::default(), "{typed:?}");
            assert_eq!(configuration(&answers), None);
        }
    }

    #[test]
    fn only_what_was_answered_is_written() {
        let (answers, out) = answered("http://127.0.0.1:7400\n\n\n");
        assert_eq!(
            configuration(&answers).unwrap().lines().skip(1).collect::<Vec<_>>(),
            ["hub = \"http://127.0.0.1:7400\""]
        );
        assert!(out.contains("Enter: mira.") && !out.contains('\x07'), "{out}");
        let (answers, out) = answered("\njonas\ny\n");
        assert_eq!(configuration(&answers).unwrap().lines().skip(1).collect::<Vec<_>>(), ["user = \"jonas\""]);
        assert!(out.contains('\x07'));
    }

    #[test]
    fn a_wrong_answer_is_told_and_asked_again() {
        let (answers, out) = answered("10.0.0.1\nhttps://hub.example:7400\nunix:/run/hub.sock\n\n\n");
        assert_eq!(answers.hub.as_deref(), Some("unix:/run/hub.sock"));
        assert!(out.contains("no address of a hub") && out.contains("lets you in by a code"), "{out}");
        let (answers, out) = answered("x\nx\nx\njonas\n\n");
        assert_eq!((answers.hub, answers.user.as_deref()), (None, Some("jonas")));
        assert!(out.contains("left out"));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let answers = Answers { hub: Some("unix:/a \"b\"\\c".into()), user: Some("mira".into()), code: None };
        let table: toml::Table = toml::from_str(&configuration(&answers).unwrap()).unwrap();
        assert_eq!(table["hub"].as_str(), Some("unix:/a \"b\"\\c"));
    }
}
