//! What people wrote: configuration, keymap, environment.

use super::{Finding, Scene};
use crate::cli::keys;
use crate::config;
use crate::store::file;
use crate::tui;

/// The variables that this program reads.
const VARIABLES: [&str; 5] =
    ["NIGHTDESK_HUB", "NIGHTDESK_TOKEN_FILE", "NIGHTDESK_HOME", "NIGHTDESK_LOG", "NIGHTDESK_SCRIPTED"];
/// Most mistakes of one file that are told.
const PROBLEMS_MAX: usize = 20;
/// Beginnings of names that only tests set.
const OF_TESTS: &str = "NIGHTDESK_TEST";

/// Looks at every file that people write.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let dir = &scene.paths.config;
    let mut found = vec![console(scene)];
    found.extend(token_file(scene));
    let hub = dir.join("hub.toml");
    if hub.exists() {
        found.push(match config::Hub::read(&hub) {
            Ok(_) => Finding::good("config.hub", format!("{} can be used", hub.display())),
            Err(error) => wrong("config.hub", &super::chain(&error)),
        });
    }
    found.extend(keys(scene));
    found.push(environment());
    found
}

/// Looks at the keymap that the console would take.
fn keys(scene: &Scene) -> Vec<Finding> {
    let choice = scene.console.as_ref().ok().and_then(keys::choice);
    let library = tui::Library::of(Some(&scene.paths.config.join("keymap.toml")));
    let loaded = library.load(choice.as_ref(), None);
    let problem = |text: String| {
        Finding::warning(
            "config.keymap",
            text,
            "mend that line; until then the key below holds (`nightdesk keys check`)",
        )
    };
    let taken = |text: String| Finding::warning("config.keymap", text, "choose another key in one of the two");
    let wrong = loaded.problems.iter().take(PROBLEMS_MAX).map(|one| problem(one.to_string()));
    let mut found: Vec<Finding> = wrong.chain(keys::taken_by_tmux(&loaded.keymap).into_iter().map(taken)).collect();
    if found.is_empty() {
        found.push(Finding::good("config.keymap", format!("{} can be used", loaded.name)));
    }
    found
}

fn wrong(check: &str, error: &str) -> Finding {
    Finding::broken(check, error, "mend that place; examples/ and the README show the form")
}

fn console(scene: &Scene) -> Finding {
    let path = scene.paths.config.join("config.toml");
    match &scene.console {
        Err(error) => wrong("config.console", error),
        Ok(console) => {
            let file =
                if path.exists() { path.display().to_string() } else { "no config.toml, so defaults".to_owned() };
            let hub = console.hub.as_deref().unwrap_or("its own");
            Finding::good("config.console", format!("{file}: you are {}, the hub is {hub}", console.user))
        }
    }
}

fn token_file(scene: &Scene) -> Option<Finding> {
    let path = scene.console.as_ref().ok()?.token_file.as_ref()?;
    let shown = path.display();
    Some(match file::read_secret(path) {
        Ok(Some(_)) => Finding::good("config.token", format!("{shown} can be read by you alone")),
        Ok(None) => {
            let remedy = format!("put the hub's admin.token there (mode 0600), or take token_file out: {shown}");
            Finding::broken("config.token", format!("{shown} does not exist"), remedy)
        }
        Err(error) => Finding::broken("config.token", super::chain(&error), format!("chmod 600 {shown}")),
    })
}

fn environment() -> Finding {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let ours = names.filter(|name| name.starts_with("NIGHTDESK_") && !name.starts_with(OF_TESTS));
    let (known, unknown): (Vec<String>, Vec<String>) = ours.partition(|name| VARIABLES.contains(&name.as_str()));
    match (unknown.first(), known.is_empty()) {
        (Some(name), _) => {
            let remedy = format!("unset {name}; those that are read: {}", VARIABLES.join(", "));
            Finding::warning("config.environment", format!("{name} is set, and nothing reads it"), remedy)
        }
        (None, true) => Finding::good("config.environment", "no NIGHTDESK_ variable is set"),
        (None, false) => Finding::note("config.environment", format!("set: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_variable_of_the_command_line_is_known() {
        let command = crate::cli::Cli::command();
        let read = command.get_arguments().filter_map(|argument| argument.get_env());
        let mut read: Vec<String> = read.map(|name| name.to_string_lossy().into_owned()).collect();
        read.sort();
        let mut known = VARIABLES.map(str::to_owned);
        known.sort();
        assert_eq!(read, known);
    }
}
