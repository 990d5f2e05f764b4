//! A program that sends: no shell, a short life, and an environment of our own making.
//!
//! Exit status 0 is delivery; 75 (EX_TEMPFAIL of sysexits.h) asks for another attempt; any other one lets the next channel be called.

use super::program::{Ended, Environment, Job, execute};
use super::{Answer, Message, REPLY_KEPT, no_answer, said};
use std::process::ExitStatus;
use std::time::Duration;

/// "Try again later", as sysexits.h has it.
const EX_TEMPFAIL: i32 = 75;

/// Makes one attempt.
pub async fn run(run: &[String], message: &Message, timeout: Duration) -> Answer {
    let input = serde_json::to_vec(message).unwrap_or_default();
    let environment = Environment::Own(environment(message).into());
    match execute(Job { run, input, environment, timeout, kept: REPLY_KEPT }).await {
        Ended::NotStarted(error) => Answer::Never(format!("cannot start the program: {error}")),
        Ended::Late => Answer::Later(no_answer(timeout)),
        Ended::Lost(error) => Answer::Later(format!("cannot wait for the program: {error}")),
        Ended::Itself { status, output, errors } => {
            judge(status, if errors.trim_ascii().is_empty() { &output } else { &errors })
        }
    }
}

fn judge(status: ExitStatus, reply: &[u8]) -> Answer {
    match status.code() {
        Some(0) => Answer::Sent,
        Some(EX_TEMPFAIL) => Answer::Later(format!("{status}{}", said(reply))),
        _ => Answer::Never(format!("{status}{}", said(reply))),
    }
}

fn environment(message: &Message) -> [(&'static str, String); 7] {
    [
        ("NIGHTDESK_ID", message.id.clone()),
        ("NIGHTDESK_PERSON", message.person.to_string()),
        ("NIGHTDESK_ATTEMPT", message.attempt.to_string()),
        ("NIGHTDESK_COUNT", message.count.to_string()),
        ("NIGHTDESK_SEVERITY", message.severity.clone().unwrap_or_default()),
        ("NIGHTDESK_TITLE", message.title.clone()),
        ("NIGHTDESK_TEXT", message.text.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::about;
    use super::*;
    use std::time::Instant;

    fn shell(script: &str, timeout: Duration) -> Answer {
        let line: Vec<String> = ["/bin/sh", "-c", script].map(str::to_owned).into();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&line, &about("$(reboot) \u{1b}[2J"), timeout))
    }

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn the_message_comes_as_json_and_as_environment_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let (body, variables) = (dir.path().join("body"), dir.path().join("env"));
        let script = format!("cat > {}; env > {}", body.display(), variables.display());
        assert_eq!(shell(&script, LONG), Answer::Sent);
        let body: serde_json::Value = serde_json::from_slice(&std::fs::read(body).unwrap()).unwrap();
        assert_eq!((&body["title"], &body["count"]), (&"S2 12 api: $(reboot) ␛[2J".into(), &1.into()));
        assert_eq!(body["incidents"][0]["number"], 12);
        let variables = std::fs::read_to_string(variables).unwrap();
        assert!(variables.contains("NIGHTDESK_TITLE=S2 12 api: $(reboot) ␛[2J\n"), "{variables}");
        assert!(variables.contains("NIGHTDESK_PERSON=mira\n") && variables.contains("NIGHTDESK_SEVERITY=S2\n"));
        assert!(!variables.contains("CARGO"), "what the hub itself was given stays with it: {variables}");
    }

    #[test]
    fn what_it_says_and_how_it_ends_is_the_answer() {
        let why = |answer: Answer| match answer {
            Answer::Never(why) => ("never", why),
            Answer::Later(why) => ("later", why),
            Answer::Sent => ("sent", String::new()),
        };
        assert_eq!(why(shell("echo no number >&2; exit 3", LONG)), ("never", "exit status: 3 (no number)".into()));
        assert_eq!(why(shell("echo busy; exit 75", LONG)), ("later", "exit status: 75 (busy)".into()));
        assert_eq!(
            why(shell("head -c 1000000 /dev/zero | tr '\\0' x; exit 1", LONG)).1.len(),
            "exit status: 1 ()".len() + 256
        );
        assert_eq!(shell("exec <&-; sleep 60 & exit 0", LONG), Answer::Sent, "what it leaves behind is not waited for");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_all_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("trap '' TERM; sleep 60 & echo $! > {}; wait", file.display());
        let answer = shell(&script, Duration::from_secs(1));
        assert_eq!(answer, Answer::Later("no answer within 1 s".into()));
        let id = std::fs::read_to_string(file).unwrap();
        let status = format!("/proc/{}/status", id.trim());
        let gone = || std::fs::read_to_string(&status).map_or(true, |text| text.contains("State:\tZ"));
        let began = Instant::now();
        while !gone() && began.elapsed() < LONG {
            std::thread::yield_now();
        }
        assert!(gone(), "its child lives on");
    }

    #[test]
    fn a_program_that_is_not_there_is_never_there() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(run(&["/no/such/program".to_owned()], &about("x"), LONG));
        assert!(matches!(answer, Answer::Never(_)), "{answer:?}");
    }
}
