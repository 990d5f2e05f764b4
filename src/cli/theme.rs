//! `nightdesk theme`: which themes there are, whether a file is one, and how one looks.

use super::open::settings;
use super::output::{say, text};
use super::{Exit, Globals};
use crate::config::Paths;
use crate::tui;
use clap::Subcommand;
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// What to do with themes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the themes by name: the shipped ones, then your own.
    List,
    /// Checks a theme: mistakes with their lines, and what cannot be read well. Exit status 1 when there is either.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Prints each role as it looks; its name alone where the output is no terminal.
    Show {
        /// Which theme.
        name: String,
    },
}

/// Runs it.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    let config = Paths::find(globals.home.clone())?.config;
    match command {
        Command::List => {
            tui::theme_names(&config).iter().for_each(|name| say!("{}", text(name)));
            Ok(Exit::Confirmed)
        }
        Command::Check { file } => {
            let (Ok(found) | Err(found)) = tui::theme_faults(&config, file);
            found.iter().for_each(|line| say!("{}", text(line)));
            Ok(if found.is_empty() { Exit::Confirmed } else { Exit::Failed })
        }
        Command::Show { name } => {
            let look = settings(globals)?.1.look;
            match tui::theme_sample(&config, &look, name, std::io::stdout().is_terminal()) {
                // The only words beside names of our own are those that set colours.
                Ok(lines) => lines.iter().for_each(|line| say!("{line}")),
                Err(problems) => anyhow::bail!("{}", problems.join("; ")),
            }
            Ok(Exit::Confirmed)
        }
    }
}
