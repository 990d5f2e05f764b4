//! `nightdesk notify test`: each way to get attention in turn, and what the person noticed of it.

use super::open::settings;
use super::{Exit, Globals, tui};
use crate::domain::text::SafeText;
use crate::sync::clock;
use crate::tui::outward::tested::{self, Answer, Channel, Noticed, Trial};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

/// Tells you that something calls: by hand.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Uses each way to get your attention in turn, asks what you saw or heard, and keeps the answers for `nightdesk doctor`.
    Test {
        /// Seconds before each: time to look at another window, as when a page comes.
        #[arg(long, default_value_t = 3, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=60))]
        after: u64,
    },
}

/// Runs the test.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Command::Test { after } = arguments.command;
    tui::need_terminal()?;
    let (paths, console) = settings(globals)?;
    let trial = Trial::new(console.outward, console.user.to_string()).context("making ready for the test")?;
    println!(
        "Each way to get your attention, one after the other. After each: y (noticed), n (not), s (skip the rest)."
    );
    let mut answers = Vec::new();
    let mut skipping = false;
    for channel in Channel::ALL {
        let (noticed, why) = if skipping { (Noticed::Skipped, String::new()) } else { one(&trial, channel, after)? };
        skipping |= noticed == Noticed::Skipped;
        let at = clock::now().date_and_second();
        answers.push(Answer { channel, noticed, why, at, terminal: trial.terminal() });
    }
    println!();
    for answer in &answers {
        let unused = (answer.noticed == Noticed::Yes).then(|| answer.channel.setting()).flatten();
        if let Some(setting) = unused {
            println!("config.toml takes this for what you noticed: {setting}");
        }
    }
    tested::keep(&paths, answers).context("keeping the answers")?;
    println!("Kept; `nightdesk doctor` shows them.");
    Ok(Exit::Confirmed)
}

/// Uses one channel and asks.
fn one(trial: &Trial, channel: Channel, after: u64) -> anyhow::Result<(Noticed, String)> {
    println!();
    print!("{}", channel.expects());
    // A bell that rings before the person could look away says nothing about nights.
    if after > 0 {
        print!(" ... in {after} s");
        std::io::stdout().flush()?;
        std::thread::sleep(Duration::from_secs(after));
    }
    println!();
    let bytes = match trial.perform(channel, clock::now()) {
        Ok(bytes) => bytes,
        Err(why) => {
            let why = SafeText::line(&why, 200).to_string();
            println!("  cannot work here: {why}");
            return Ok((Noticed::Impossible, why));
        }
    };
    write(&bytes)?;
    let noticed = ask();
    write(&trial.take_back(channel))?;
    Ok((noticed?, String::new()))
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Asks until the answer is one; the end of the input skips.
fn ask() -> std::io::Result<Noticed> {
    loop {
        print!("  did you see or hear it? y/n/s ");
        std::io::stdout().flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(Noticed::Skipped);
        }
        match line.trim() {
            "y" | "yes" => return Ok(Noticed::Yes),
            "n" | "no" => return Ok(Noticed::No),
            "s" | "skip" => return Ok(Noticed::Skipped),
            _ => {}
        }
    }
}
