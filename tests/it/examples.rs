//! The files that people copy from `examples/` are read by the servers' own checkers.

use crate::support::servers::program;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A copy of `examples/` where the token's file exists, as it does on a machine that is set up.
fn examples() -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(copy.path().join("token"), "secret").expect("a temporary file");
    for name in ["prometheus.yml", "alertmanager.yml", "rules.yml"] {
        let text = std::fs::read_to_string(original(name)).expect("the example is there");
        let here = format!("{}/token", copy.path().display());
        let text =
            text.replace("/etc/prometheus/nightdesk.token", &here).replace("/etc/alertmanager/nightdesk.token", &here);
        std::fs::write(copy.path().join(name), text).expect("a temporary file");
    }
    copy
}

fn original(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Runs a checker on a file and returns what it says.
fn check(tool: &str, args: &[&str], file: &Path) -> String {
    let output = Command::new(program(tool)).args(args).arg(file).output().expect("the checker can be started");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{tool} {args:?} {}: {said}", file.display());
    said
}

#[test]
fn prometheus_takes_the_example_config() {
    let copy = examples();
    let said = check("PROMTOOL", &["check", "config"], &copy.path().join("prometheus.yml"));
    assert!(said.contains("3 rules found"), "the rules are read too: {said}");
}

#[test]
fn prometheus_takes_the_example_rules() {
    check("PROMTOOL", &["check", "rules"], &original("rules.yml"));
}

#[test]
fn alertmanager_takes_the_example_config() {
    let copy = examples();
    let said = check("AMTOOL", &["check-config"], &copy.path().join("alertmanager.yml"));
    assert!(said.contains("1 receivers"), "{said}");
}
