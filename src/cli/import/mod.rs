//! `nightdesk import`: the configuration of another system as rules of ours, with a word for all that has no equal here.

mod alertmanager;
mod calendar;
mod rules;
#[cfg(test)]
mod tests;
mod write;

use super::Exit;
use super::output::say;
use anyhow::Context as _;
use clap::Subcommand;
use std::io::Read as _;
use std::path::PathBuf;

/// Largest file that is read, in bytes.
const BYTES_MAX: u64 = 4 << 20;

/// What to import.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turns an alertmanager.yml into rules for hub.toml, on the standard output.
    ///
    /// Routes become [[route]], [[grouping]] and [[policy]], inhibit rules become [[dependency]], and time intervals [[calendar]].
    /// A comment stands wherever Alertmanager means something else, or has something that has no equal here. Try the result with
    /// `nightdesk check`.
    Alertmanager {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
}

/// Runs it.
pub fn run(command: &Command) -> anyhow::Result<Exit> {
    let Command::Alertmanager { file } = command;
    let name = file.display().to_string();
    let mut text = String::new();
    let read = if name == "-" {
        std::io::stdin().take(BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
    };
    read.with_context(|| format!("reading {name}"))?;
    anyhow::ensure!(text.len() as u64 <= BYTES_MAX, "{name} is larger than {} MiB", BYTES_MAX >> 20);
    let imported = alertmanager::import(&text).with_context(|| format!("{name} is no alertmanager.yml"))?;
    say!("{}", imported.trim_end());
    Ok(Exit::Confirmed)
}
