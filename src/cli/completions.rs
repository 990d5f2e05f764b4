//! `nightdesk completions` and `nightdesk man`: what shells and manuals know of the command line, made from the arguments themselves.

use super::{Cli, Exit};
use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// For which shell.
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Where the pages go, as nightdesk.1, nightdesk-list.1 and so on; made if it is not there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Prints the completions.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "nightdesk", &mut script);
    // Who reads no further, as `| head`, is no failure.
    let _ = std::io::stdout().lock().write_all(&script);
    Ok(Exit::Confirmed)
}

/// Writes the manual.
pub fn man(arguments: &Man) -> anyhow::Result<Exit> {
    let dir = &arguments.directory;
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    page(dir, command.clone(), "nightdesk")?;
    for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        page(dir, subcommand.clone(), &format!("nightdesk-{}", subcommand.get_name()))?;
    }
    Ok(Exit::Confirmed)
}

fn page(dir: &Path, command: clap::Command, name: &str) -> anyhow::Result<()> {
    let path = dir.join(format!("{name}.1"));
    let command = command.version(env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).context("rendering a manual page")?;
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
