//! How the screen looks: which theme, in how many colours, in which characters.

use super::keymap::Problem;
use super::theme::{DEFAULT, Depth, Library, Loaded, Theme, Wanted, is_ascii};
use crate::config;
use std::path::PathBuf;

/// What the state knows of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    /// The theme that is shown.
    pub(crate) name: String,
    /// The names of all themes.
    pub(crate) names: Vec<String>,
    /// The theme that was asked for on the screen.
    pub(crate) chosen: Option<String>,
    /// A keymap was asked for on the screen.
    pub(crate) keymap_chosen: bool,
    /// What is wrong in the theme's files; shown until it is mended.
    pub(crate) problems: Vec<Problem>,
    /// Nothing but ASCII is written.
    pub(crate) ascii: bool,
}

impl Default for Look {
    fn default() -> Self {
        let (chosen, keymap_chosen, problems, ascii) = Default::default();
        Self { name: DEFAULT.into(), names: Library::default().names(), chosen, keymap_chosen, problems, ascii }
    }
}

impl Look {
    /// Takes a theme that was read, and returns it where it is whole; what was shown before stays otherwise.
    pub(crate) fn take(&mut self, loaded: Loaded) -> Option<Theme> {
        self.names = loaded.names;
        self.problems = loaded.problems;
        if loaded.theme.is_some() {
            self.name = loaded.name;
        }
        loaded.theme
    }
}

/// Where themes are read from, and for which terminal.
#[derive(Debug, Clone)]
pub(super) struct Wardrobe {
    library: Library,
    wanted: Wanted,
    depth: Depth,
    /// Nothing but ASCII may be written.
    pub(super) ascii: bool,
}

impl Wardrobe {
    /// Returns what the settings say, for the terminal that the environment names; `dir` holds `theme.toml` and `themes/`.
    pub(super) fn new(dir: Option<PathBuf>, settings: &config::Look) -> Self {
        let variables = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let wanted = match &settings.theme {
            Some((name, line)) => Wanted::by(name, "config.toml", *line),
            None => Wanted::by(DEFAULT, "config.toml", 1),
        };
        let depth = Depth::of(settings.colors, &variables);
        Self { library: Library { dir }, wanted, depth, ascii: settings.ascii || is_ascii(&variables) }
    }

    /// Reads the theme that was asked for on the screen, else that of the settings.
    pub(super) fn load(&self, chosen: Option<&str>) -> Loaded {
        match chosen {
            Some(name) => self.library.load(&Wanted::by(name, ":theme", 1), true, self.depth),
            None => self.library.load(&self.wanted, false, self.depth),
        }
    }

    /// Returns the shipped default for this terminal.
    pub(super) fn default_theme(&self) -> Theme {
        Theme::shipped(DEFAULT, self.depth)
    }
}
