//! `nightdesk keys`: what the keys of the console are, whether a file of them is right, and what a terminal really sends.

mod press;
mod tmux;

use super::{Exit, Globals, output};
use crate::config::{self, Paths};
use crate::domain::text::SafeText;
use crate::tui::{self, KEYMAPS, KeyPress, Keymap, Library, Loaded};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists every key and what it does.
    List(List),
    /// Checks a keymap: mistakes with their lines, and keys that may not come. Exit status 1 when there is a mistake.
    Check(Check),
    /// Says what a key does in each place, and where that is written.
    Explain(Explain),
    /// Prints what the terminal really sends for each key that you press; Ctrl-c twice or Esc twice leaves.
    Press,
    /// Prints the keymap as one file that stands for itself.
    Dump(Named),
    /// Prints the JSON schema of keymaps, for editors.
    Schema,
}

/// Which keymap.
#[derive(Debug, Args)]
pub struct Named {
    /// This keymap with your own file over it, instead of the one that the console would take.
    #[arg(long, value_name = "NAME")]
    keymap: Option<String>,
}

/// Arguments of `keys list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    named: Named,
    /// Prints one JSON object a line.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Prints the table of the README: the shipped default, without your own file.
    #[arg(long)]
    markdown: bool,
}

/// Arguments of `keys check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The file; without one, the keymap that the console would take: settings, your own file, and what it lies over.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Arguments of `keys explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A key as keymaps write it, such as a, ctrl-d, "g g"; several words are a sequence.
    #[arg(required = true, value_name = "KEY", allow_hyphen_values = true)]
    key: Vec<String>,
    #[command(flatten)]
    named: Named,
}

/// Does what the arguments say.
pub fn run(globals: &Globals, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(arguments) if arguments.markdown => {
            output::say!("{}", tui::markdown(&Keymap::builtin()).trim_end());
            Ok(Exit::Confirmed)
        }
        Command::List(arguments) => list(&loaded(globals, &arguments.named)?, arguments.json),
        Command::Check(arguments) => check(globals, arguments),
        Command::Explain(arguments) => explain(globals, arguments),
        Command::Press => press::run(),
        Command::Dump(arguments) => {
            let loaded = loaded(globals, arguments)?;
            told(&loaded);
            let text = tui::dump(&loaded.keymap, &loaded.name);
            text.lines().for_each(|line| output::say!("{}", SafeText::line(line, usize::MAX)));
            Ok(Exit::Confirmed)
        }
        Command::Schema => {
            output::say!("{}", serde_json::to_string_pretty(&tui::schema())?);
            Ok(Exit::Confirmed)
        }
    }
}

/// Returns the keymap that the settings name.
pub fn choice(settings: &config::Console) -> Option<tui::Choice> {
    let (name, line) = settings.keymap.clone()?;
    Some(tui::Choice { name, file: "config.toml".into(), line })
}

/// Reads the keymap that the console would take, or another that is named.
fn loaded(globals: &Globals, named: &Named) -> anyhow::Result<Loaded> {
    let paths = Paths::find(globals.home.clone())?;
    // A name that is wrong in the settings is told; settings that cannot be read at all are not about keys.
    let settings = config::Console::read(&paths, None, "me").ok();
    let library = Library::of(Some(&paths.config.join("keymap.toml")));
    if let Some(name) = named.keymap.as_deref().filter(|name| !library.names().iter().any(|known| known == name)) {
        let hint = tui::did_you_mean(name, KEYMAPS);
        bail!("there is no keymap {name:?}{hint}; there are {}", library.names().join(", "));
    }
    Ok(library.load(settings.as_ref().and_then(choice).as_ref(), named.keymap.as_deref()))
}

fn list(loaded: &Loaded, json: bool) -> anyhow::Result<Exit> {
    told(loaded);
    if json {
        tui::json(&loaded.keymap).iter().for_each(|object| output::say!("{}", output::json_line(object)));
    } else {
        tui::list(&loaded.keymap).iter().for_each(|line| output::say!("{}", output::text(line)));
    }
    Ok(Exit::Confirmed)
}

/// Prints on standard error what is wrong: what is listed is what is left.
fn told(loaded: &Loaded) {
    for problem in &loaded.problems {
        eprintln!("nightdesk: {}", output::text(&problem.to_string()));
    }
}

fn check(globals: &Globals, arguments: &Check) -> anyhow::Result<Exit> {
    let loaded = match &arguments.file {
        Some(file) => {
            let paths = Paths::find(globals.home.clone())?;
            let library = Library::of(Some(&paths.config.join("keymap.toml")));
            library.check(file).with_context(|| format!("reading {}", file.display()))?
        }
        None => loaded(globals, &Named { keymap: None })?,
    };
    let mut warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    for (option, prefix) in tmux::prefixes() {
        let taken = loaded.keymap.bindings().iter().filter(|one| !one.is_none() && one.keys.contains(&prefix));
        warnings.extend(taken.map(|one| {
            let does = one.actions().map(tui::Action::name).collect::<Vec<_>>().join(", ");
            format!("{}: {:?} ({does}) has {prefix}, which is tmux's {option}; press it twice", one.origin, one.label())
        }));
    }
    for problem in &loaded.problems {
        output::say!("{}", output::text(&problem.to_string()));
    }
    for warning in &warnings {
        output::say!("warning: {}", output::text(warning));
    }
    let (wrong, doubtful) = (loaded.problems.len(), warnings.len());
    let count = |count, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    output::say!("{}, {}", count(wrong, "mistake"), count(doubtful, "warning"));
    Ok(if wrong == 0 { Exit::Confirmed } else { Exit::Failed })
}

fn explain(globals: &Globals, arguments: &Explain) -> anyhow::Result<Exit> {
    let written = arguments.key.join(" ");
    let Some(keys) = KeyPress::parse_sequence(&written) else {
        bail!("{written:?} is no key; write it as keymaps do: a, G, ctrl-d, shift-tab, pageup, \"g g\"");
    };
    let loaded = loaded(globals, &arguments.named)?;
    told(&loaded);
    tui::explain(&loaded.keymap, &keys, &written).iter().for_each(|line| output::say!("{}", output::text(line)));
    for (option, prefix) in tmux::prefixes() {
        if keys.contains(&prefix) {
            output::say!("{prefix} is tmux's {option}: press it twice");
        }
    }
    Ok(Exit::Confirmed)
}
