//! Themes for who asks outside of the screen.

use super::keymap::Problem;
use super::look::Wardrobe;
use super::theme::{Depth, Library, Role};
use crate::config;
use crossterm::style::Colored;
use ratatui::backend::IntoCrossterm as _;
use ratatui::style::{Modifier, Style};
use std::path::Path;

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Returns the names of all themes; `config` is the directory with a person's own.
pub fn theme_names(config: &Path) -> Vec<String> {
    Library { dir: Some(config.to_owned()) }.names()
}

/// Returns what cannot be read well in the theme of that file.
///
/// # Errors
/// Why the file is no theme, a line for each mistake with file and line.
pub fn theme_faults(config: &Path, file: &Path) -> Result<Vec<String>, Vec<String>> {
    let library = Library { dir: Some(config.to_owned()) };
    let mut faults = Vec::new();
    for (depth, name) in [(Depth::True, "all colours"), (Depth::Indexed, "256 colours")] {
        let theme = library.check(file, depth).map_err(|problems| lines(&problems))?;
        faults.extend(theme.faults().into_iter().map(|fault| format!("{fault} ({name})")));
    }
    Ok(faults)
}

/// Returns a line for each role, as it looks on this terminal where `styled`, else its name alone.
///
/// # Errors
/// Why there is no such theme, a line for each mistake.
pub fn theme_sample(config: &Path, look: &config::Look, name: &str, styled: bool) -> Result<Vec<String>, Vec<String>> {
    let loaded = Wardrobe::new(Some(config.to_owned()), look).load(Some(name));
    let theme = loaded.theme.ok_or_else(|| lines(&loaded.problems))?;
    let sample = |role: &Role| match styled {
        true => format!("\x1b[{}m{}\x1b[m", sgr(theme.style(Role::Surface).patch(theme.style(*role))), role.name()),
        false => role.name().to_owned(),
    };
    Ok(Role::ALL.iter().map(sample).collect())
}

/// Returns a style as the numbers that terminals take.
fn sgr(style: Style) -> String {
    let weights = [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::ITALIC, "3"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
    ];
    let set = weights.iter().filter(|(weight, _)| style.add_modifier.contains(*weight));
    let mut parts: Vec<String> = set.map(|(_, number)| (*number).to_owned()).collect();
    parts.extend(style.fg.map(|fg| Colored::ForegroundColor(fg.into_crossterm()).to_string()));
    parts.extend(style.bg.map(|bg| Colored::BackgroundColor(bg.into_crossterm()).to_string()));
    parts.join(";")
}
