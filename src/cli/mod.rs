//! The command line: reads arguments, calls, prints. One file a subcommand.

mod access;
mod act;
mod change;
mod check;
mod claim;
mod completions;
mod demo;
mod doctor;
mod first_run;
mod import;
mod inbox;
mod join;
mod keys;
mod list;
mod log;
mod notify;
mod open;
mod output;
mod past;
mod paths;
mod plain;
mod quarantine;
mod query;
mod read;
mod runbook;
mod serve;
mod show;
mod signals;
mod silence;
mod similar;
mod sources;
mod theme;
mod tui;
mod watch;
mod why;

use crate::domain::nearest::nearest;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;

/// What a command ended with; its number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, and confirmed by the hub where it is an operation.
    Confirmed = 0,
    /// It failed; nothing was done.
    Failed = 1,
    /// `doctor` found something broken; a query that is none.
    Broken = 2,
    /// Saved here, not confirmed by the hub.
    Waiting = 3,
    /// Another was faster, or the rules forbid it.
    NotDone = 4,
    /// The terminal is gone.
    HungUp = 129,
}

/// The on-call console for the terminal, and the hub behind it.
///
/// Without a subcommand it opens the full-screen console. With no hub configured it runs one itself.
///
/// Exit status: 0 done (operations: confirmed by the hub); 1 failed; 2 wrong usage; 3 waiting: saved here, not confirmed by the hub;
/// 4 another was faster (joined, superseded) or the rules forbid it.
#[derive(Debug, Parser)]
#[command(name = "nightdesk", version)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Args)]
struct Globals {
    /// The hub: https://HOST:7400 (once joined), http://127.0.0.1:7400 or unix:/path/to/hub.sock. Without one, a hub of this user's own.
    #[arg(long, env = "NIGHTDESK_HUB", global = true, value_name = "ADDRESS")]
    hub: Option<String>,
    /// A file (mode 0600) with the hub's admin token; needed once per console for a hub over http.
    #[arg(long, env = "NIGHTDESK_TOKEN_FILE", global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Puts configuration, data and state under this directory instead of the XDG ones.
    #[arg(long, env = "NIGHTDESK_HOME", global = true, value_name = "DIR", hide_env_values = true)]
    home: Option<PathBuf>,
    /// What is logged: error, warn, info, debug or trace, or for one part `info,nightdesk::sync=debug`.
    #[arg(long, env = "NIGHTDESK_LOG", global = true, value_name = "LEVEL", value_parser = log::level)]
    log_level: Option<String>,
    /// The console as lines instead of a screen: for screen readers, terminals without a cursor, and pipes.
    #[arg(long, global = true)]
    plain: bool,
    /// Writes nothing but ASCII to the screen, as where the locale is not UTF-8.
    #[arg(long, global = true, help_heading = "Console")]
    ascii: bool,
    /// Opens a console that only looks: every act is refused until `:rw`.
    #[arg(long, global = true, help_heading = "Console")]
    readonly: bool,
    /// Keys of the console come from a script such as `tmux send-keys`, as fast as it likes; else a burst is taken for pasted text.
    #[arg(long, env = "NIGHTDESK_SCRIPTED", value_parser = clap::builder::BoolishValueParser::new(), global = true, help_heading = "Console")]
    scripted: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens the full-screen console (the default).
    Tui,
    /// Runs the hub by itself.
    Serve(serve::Arguments),
    /// Lists incidents: the open ones and those resolved within a day, or those that fit a query.
    List(list::Arguments),
    /// Explains queries: the one language of filters, searches and rules.
    #[command(subcommand)]
    Query(query::Command),
    /// Shows one incident with its series and its timeline.
    Show(show::Arguments),
    #[command(flatten)]
    Act(act::Command),
    /// Lists what stays until you dismiss it: answers you did not want, and what is no longer yours.
    Inbox(inbox::Arguments),
    /// Silences: what calls nobody for a while.
    #[command(subcommand)]
    Silence(silence::Command),
    /// Lists what the hub could not take, with the reasons.
    Quarantine(quarantine::Arguments),
    /// Lists the sources: whether they live, when they spoke last, what is expected of them.
    Sources(sources::Sources),
    /// Prints the funnel of the last days: alerts, series, incidents, pages.
    Stats(sources::Stats),
    /// Tells the hub of deploys, flags and drills, or lists them.
    #[command(subcommand)]
    Change(change::Command),
    /// Says that what fits a query is known to you, for a time: on-call sees whom to ask. It silences nothing.
    Claim(claim::Arguments),
    /// Shows the earlier incidents like this one: how often, who handled them, how long it took.
    Similar(similar::Arguments),
    /// Runbooks: what is to be done, what changed since you read it, who has read it.
    #[command(subcommand)]
    Runbook(runbook::Command),
    /// Prints a code by which another machine joins this hub as that user's console; on the hub's machine.
    Enrol(access::Enrol),
    /// Joins a hub on another machine by a code of `nightdesk enrol`.
    Join(join::Arguments),
    /// Lists the devices that the hub lets in; on the hub's machine.
    Devices(access::Devices),
    /// Lets a user or a device in no more; on the hub's machine.
    Revoke(access::Revoke),
    /// Tries how you are told of pages.
    Notify(notify::Arguments),
    /// Lists, checks and explains the keys of the console.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Lists, checks and shows themes.
    #[command(subcommand)]
    Theme(theme::Command),
    /// Looks at everything that must hold, and says what to do where it does not. Changes nothing.
    ///
    /// Exit status: 0 all good; 1 something to look at; 2 something is broken.
    Doctor(doctor::Arguments),
    /// Says where files lie, which of them exist, and what put them there.
    Paths(paths::Arguments),
    /// Prints the completions for a shell.
    Completions(completions::Arguments),
    /// Writes a manual page for the program and one for each command into a directory.
    Man(completions::Man),
    /// Checks a hub's configuration: mistakes with their lines, rules that nothing reaches or that matched nothing.
    ///
    /// Exit status: 0 nothing found; 1 something.
    Check(check::Arguments),
    /// Says why an incident calls whom it calls; or what the rules would make of labels.
    Why(why::Arguments),
    /// Turns the configuration of another system into ours.
    #[command(subcommand)]
    Import(import::Command),
    /// Shows everything at once with made-up alerts, in a directory of its own.
    Demo,
}

/// Returns the error with the command that is nearest to what was written: one that is merely alike may act on somebody else's work.
fn meant(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(written)) = error.get(ContextKind::InvalidSubcommand).cloned() else { return error };
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(|one| one.get_name()).collect();
    error.remove(ContextKind::SuggestedSubcommand);
    if let Some(name) = nearest(&written, names) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![name.to_owned()]));
    }
    error
}

/// Runs what the arguments say and returns the exit status.
///
/// # Errors
/// What went wrong, with its context; the caller prints it.
pub fn run() -> anyhow::Result<Exit> {
    let Cli { globals, command } = Cli::try_parse().unwrap_or_else(|error| meant(error).exit());
    if globals.readonly && !matches!(command, None | Some(Command::Tui | Command::Demo)) {
        anyhow::bail!(
            "--readonly is for the console; commands that only look need no leave, and the others were meant"
        );
    }
    match command.unwrap_or(Command::Tui) {
        Command::Tui => tui::run(&globals),
        Command::Serve(arguments) => serve::run(&globals, &arguments),
        Command::List(arguments) => list::run(&globals, &arguments),
        Command::Query(command) => query::run(&globals, &command),
        Command::Show(arguments) => show::run(&globals, &arguments),
        Command::Act(command) => act::run(&globals, &command),
        Command::Inbox(arguments) => inbox::run(&globals, &arguments),
        Command::Silence(command) => silence::run(&globals, &command),
        Command::Quarantine(arguments) => quarantine::run(&globals, &arguments),
        Command::Sources(arguments) => sources::run(&globals, &arguments),
        Command::Stats(arguments) => sources::stats(&globals, &arguments),
        Command::Change(command) => change::run(&globals, &command),
        Command::Claim(arguments) => claim::run(&globals, &arguments),
        Command::Similar(arguments) => similar::run(&globals, &arguments),
        Command::Runbook(command) => runbook::run(&globals, &command),
        Command::Enrol(arguments) => access::enrol(&globals, &arguments),
        Command::Join(arguments) => join::run(&globals, &arguments),
        Command::Devices(arguments) => access::devices(&globals, &arguments),
        Command::Revoke(arguments) => access::revoke(&globals, &arguments),
        Command::Notify(arguments) => notify::run(&globals, &arguments),
        Command::Keys(command) => keys::run(&globals, &command),
        Command::Theme(command) => theme::run(&globals, &command),
        Command::Doctor(arguments) => doctor::run(&globals, &arguments),
        Command::Paths(arguments) => paths::run(&globals, &arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => completions::man(&arguments),
        Command::Check(arguments) => check::run(&globals, &arguments),
        Command::Why(arguments) => why::run(&globals, &arguments),
        Command::Import(command) => import::run(&command),
        Command::Demo => demo::run(&globals),
    }
}

/// Returns a runtime for a command that asks a hub once.
fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_command_is_told_the_nearest_and_nothing_far() {
        let says = |words: &[&str]| {
            let error = Cli::try_parse_from([&["nightdesk"], words].concat()).map(drop).expect_err("no command");
            meant(error).to_string()
        };
        assert!(says(&["akc", "1"]).contains("'ack'"), "{}", says(&["akc", "1"]));
        assert!(!says(&["qqqqqq"]).contains("similar"), "{}", says(&["qqqqqq"]));
    }
}
