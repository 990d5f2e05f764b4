//! What shells and manuals know of the command line, and where files lie.

use crate::support::hub::{BINARY, Program};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn output(args: &[&str], home: &Path) -> String {
    let output = Program::plain().command(home).args(args).output().expect("our own binary can be started");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the commands that `nightdesk --help` lists.
fn commands(home: &Path) -> Vec<String> {
    let help = output(&["--help"], home);
    let (_, after) = help.split_once("Commands:").expect("a list of commands");
    let lines = after.lines().skip(1).take_while(|line| !line.trim().is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned));
    names.filter(|name| !name.is_empty() && name != "help").collect()
}

#[test]
fn a_real_bash_takes_the_completions() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let script = output(&["completions", "bash"], dir.path());
    // Parsed, read in, and asked as a Tab would.
    let ask = "source /dev/stdin; COMP_WORDS=(nightdesk doc); COMP_CWORD=1; _nightdesk nightdesk doc nightdesk; echo \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    let mut bash = bash.args(["--norc", "-c", ask]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash");
    bash.stdin.take().expect("its input").write_all(script.as_bytes()).expect("bash reads");
    let output = bash.wait_with_output().expect("bash ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "doctor");
}

#[test]
fn every_shell_knows_every_command() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let commands = commands(dir.path());
    assert!(commands.len() > 20, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = output(&["completions", shell], dir.path());
        let missing: Vec<&String> = commands.iter().filter(|command| !script.contains(command.as_str())).collect();
        assert!(missing.is_empty(), "{shell} lacks {missing:?}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let man = dir.path().join("man");
    output(&["man", &man.display().to_string()], dir.path());
    let mut names = commands(dir.path()).iter().map(|name| format!("nightdesk-{name}.1")).collect::<Vec<_>>();
    names.push("nightdesk.1".to_owned());
    names.sort();
    let found = std::fs::read_dir(&man).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut found: Vec<String> = found.map(|name| name.to_string_lossy().into_owned()).collect();
    found.sort();
    assert_eq!(found, names);
    for name in &names {
        let page = std::fs::read_to_string(man.join(name)).expect("a page");
        for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS"] {
            assert!(page.contains(part), "{name} has no {part}");
        }
        rendered(&man.join(name));
    }
}

/// Renders the page with groff where that is installed, which must find no fault in it; its structure was looked at in any case.
fn rendered(page: &Path) {
    let groff = Command::new("groff").args(["-man", "-Tascii", "-ww", "-z"]).arg(page).output();
    let Ok(output) = groff else { return println!("no groff here: {} was not rendered", page.display()) };
    assert!(output.status.success(), "{output:?}");
    let faults = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!faults.contains("error"), "{}: {faults}", page.display());
}

#[test]
fn paths_name_each_place_and_what_put_it_there() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = dir.path().join("home");
    let text = output(&["paths"], &home);
    assert!(
        text.contains(&home.join("state/nightdesk.log").display().to_string()) && text.contains("(not there)"),
        "{text}"
    );
    let mut command = Command::new(BINARY);
    command.env_remove("NIGHTDESK_HOME").env("HOME", &home).env("XDG_DATA_HOME", dir.path().join("data"));
    command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME").args(["paths", "--json"]);
    let output = command.output().expect("our own binary can be started");
    let object = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let places: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(object).collect();
    let place = |name: &str| places.iter().find(|place| place["name"] == name).expect("a place").clone();
    assert_eq!(place("data")["by"], "XDG_DATA_HOME");
    assert_eq!(place("config")["by"], "HOME");
    assert_eq!(place("config")["path"], home.join(".config/nightdesk").display().to_string().as_str());
}
