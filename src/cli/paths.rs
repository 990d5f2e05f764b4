//! `nightdesk paths`: where things lie, and why there.

use super::output::{json_line, say, text};
use super::{Exit, Globals};
use crate::config::Paths;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `paths`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What lies there, in a word that stays.
    pub name: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What put it there: a variable.
    pub by: &'static str,
}

/// Prints every place.
pub fn run(globals: &Globals, arguments: &Arguments) -> anyhow::Result<Exit> {
    for place in places(globals)? {
        let exists = place.path.symlink_metadata().is_ok();
        if arguments.json {
            let path = place.path.display().to_string();
            let object = json!({ "v": 1, "name": place.name, "path": path, "exists": exists, "by": place.by });
            say!("{}", json_line(&object));
        } else {
            say!("{}", line(&place, exists));
        }
    }
    Ok(Exit::Confirmed)
}

/// Returns a place as one line for people.
pub fn line(place: &Place, exists: bool) -> String {
    let mark = if exists { "" } else { " (not there)" };
    format!("{:<13} {}{mark}  [{}]", place.name, text(&place.path.display().to_string()), place.by)
}

/// Returns every place, whether something lies there or not.
pub fn places(globals: &Globals) -> anyhow::Result<Vec<Place>> {
    let paths = Paths::find(globals.home.clone())?;
    let by = |variable: &'static str| match () {
        () if globals.home.is_some() => "NIGHTDESK_HOME",
        // The rules of XDG take no relative path.
        () if std::env::var_os(variable).is_some_and(|dir| PathBuf::from(dir).is_absolute()) => variable,
        () => "HOME",
    };
    let mut places = Vec::new();
    let mut put = |name, path: PathBuf, variable| places.push(Place { name, path, by: by(variable) });
    put("config", paths.config.clone(), "XDG_CONFIG_HOME");
    put("config.toml", paths.config.join("config.toml"), "XDG_CONFIG_HOME");
    put("hub.toml", paths.config.join("hub.toml"), "XDG_CONFIG_HOME");
    put("keymap.toml", paths.config.join("keymap.toml"), "XDG_CONFIG_HOME");
    put("keymaps", paths.config.join("keymaps"), "XDG_CONFIG_HOME");
    put("views.toml", paths.config.join("views.toml"), "XDG_CONFIG_HOME");
    put("themes", paths.config.join("themes"), "XDG_CONFIG_HOME");
    put("data", paths.data.clone(), "XDG_DATA_HOME");
    put("hub", paths.hub(), "XDG_DATA_HOME");
    put("state", paths.state.clone(), "XDG_STATE_HOME");
    put("session.toml", paths.state.join("session.toml"), "XDG_STATE_HOME");
    put("log", paths.log(), "XDG_STATE_HOME");
    put("cache", paths.cache.clone(), "XDG_CACHE_HOME");
    if let Some(runtime) = paths.runtime {
        put("runtime", runtime, "XDG_RUNTIME_DIR");
    }
    Ok(places)
}
