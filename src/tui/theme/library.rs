//! Themes by name: the shipped ones, a person's own under `themes/`, and `theme.toml` over whichever is chosen.

use super::read::{self, Ink, Layer, Styles};
use super::{Depth, Role, Theme};
use crate::tui::keymap::Problem;
use crate::tui::nearest::did_you_mean;
use ratatui::style::{Color, Style};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The shipped themes with their text; the first is the default.
const SHIPPED: [(&str, &str); 8] = [
    ("base16", include_str!("../../../themes/base16.toml")),
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("contrast-dark", include_str!("../../../themes/contrast-dark.toml")),
    ("contrast-light", include_str!("../../../themes/contrast-light.toml")),
    ("deuteranopia", include_str!("../../../themes/deuteranopia.toml")),
    ("tritanopia", include_str!("../../../themes/tritanopia.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// The theme of who chose none.
pub(crate) const DEFAULT: &str = SHIPPED[0].0;
/// Contrast that a theme keeps when it says none.
const CONTRAST: f64 = 4.5;
/// How deep themes may lie over each other.
const DEPTH_MAX: usize = 8;
/// Most bytes of a file.
const BYTES_MAX: u64 = 64 * 1024;
/// Most files of a person's own that are listed.
const OWN_MAX: usize = 100;

/// A theme that somebody asked for, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// The file and the line that name it.
    pub(crate) place: (String, usize),
}

impl Wanted {
    /// Returns a theme that was asked for by that file.
    pub(crate) fn by(name: &str, file: &str, line: usize) -> Self {
        Self { name: name.to_owned(), place: (file.to_owned(), line) }
    }
}

/// What came of reading themes.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it is called.
    pub(crate) name: String,
    /// `None` where something is wrong: what was shown before stays.
    pub(crate) theme: Option<Theme>,
    pub(crate) problems: Vec<Problem>,
    /// The names of all themes there are.
    pub(crate) names: Vec<String>,
}

/// Where themes come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Library {
    /// The directory of `theme.toml` and `themes/`.
    pub(crate) dir: Option<PathBuf>,
}

impl Library {
    /// Returns the names of all themes: the shipped ones in their order, then the person's own by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        let files = self.dir.iter().filter_map(|dir| std::fs::read_dir(dir.join("themes")).ok()).flatten().flatten();
        let stem = |file: std::fs::DirEntry| Some(file.file_name().to_str()?.strip_suffix(".toml")?.to_owned());
        let mut own: Vec<String> = files.filter_map(stem).filter(|name| !names.contains(name)).take(OWN_MAX).collect();
        own.sort();
        names.extend(own);
        names
    }

    /// Returns the theme of that name for a terminal with so many colours. `theme.toml` is laid over it, and may choose another where
    /// nobody asked for one on the screen.
    pub(crate) fn load(&self, wanted: &Wanted, on_screen: bool, depth: Depth) -> Loaded {
        let chain = self.own().and_then(|own| {
            let chosen = own.as_ref().and_then(|own| Some((own.file.clone(), own.inherits.clone()?)));
            let wanted = match chosen.filter(|_| !on_screen) {
                Some((file, (name, line))) => Wanted::by(&name, &file, line),
                None => wanted.clone(),
            };
            let mut chain = self.chain(&wanted)?;
            chain.extend(own);
            Ok((wanted.name, chain))
        });
        let theme = chain.and_then(|(name, chain)| Ok((name, build(&chain, depth)?)));
        let names = self.names();
        match theme {
            Ok((name, theme)) => Loaded { name, theme: Some(theme), problems: Vec::new(), names },
            Err(problems) => Loaded { name: wanted.name.clone(), theme: None, problems, names },
        }
    }

    /// Returns the theme in one file, as if it stood under `themes/`.
    ///
    /// # Errors
    /// All that is wrong.
    pub(crate) fn check(&self, path: &Path, depth: Depth) -> Result<Theme, Vec<Problem>> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = path.display().to_string();
        let text = text(path, &file)?.ok_or_else(|| vec![unreadable(&file, "there is no such file")])?;
        let layer = read::read(&text, &file)?;
        let below = below(&layer, &name, true).unwrap_or_else(|| Wanted::by(DEFAULT, &file, 1));
        let own = Library { dir: self.dir.clone() };
        let mut chain = match below.name == name {
            true => Library::default().chain(&below)?,
            false => own.chain(&below)?,
        };
        chain.push(layer);
        build(&chain, depth)
    }

    fn own(&self) -> Result<Option<Layer>, Vec<Problem>> {
        let Some(dir) = &self.dir else { return Ok(None) };
        text(&dir.join("theme.toml"), "theme.toml")?.map(|text| read::read(&text, "theme.toml")).transpose()
    }

    /// Returns the layers of a theme, the lowest first.
    fn chain(&self, wanted: &Wanted) -> Result<Vec<Layer>, Vec<Problem>> {
        let (mut next, mut layers) = (Some((wanted.clone(), true)), Vec::new());
        let mut seen: Vec<(String, bool)> = Vec::new();
        while let Some((wanted, own_too)) = next {
            let (layer, own) = self.find(&wanted, own_too)?;
            let key = (wanted.name.clone(), own);
            let deep = seen.len() >= DEPTH_MAX;
            if deep || seen.contains(&key) {
                let way: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).chain([wanted.name.as_str()]).collect();
                let text = match deep {
                    true => format!("more than {DEPTH_MAX} themes lie over each other"),
                    false => format!("theme {:?} inherits itself: {}", wanted.name, way.join(" > ")),
                };
                return Err(vec![at(&wanted, text)]);
            }
            seen.push(key);
            // A file that is called as a shipped theme, and inherits that name, means the shipped one.
            next = below(&layer, &wanted.name, own).map(|below| {
                let itself = own && below.name == wanted.name;
                (below, !itself)
            });
            layers.push(layer);
        }
        layers.reverse();
        Ok(layers)
    }

    fn find(&self, wanted: &Wanted, own_too: bool) -> Result<(Layer, bool), Vec<Problem>> {
        let name = &wanted.name;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let dir = self.dir.as_ref().filter(|_| own_too && plain && !name.starts_with('.'));
        if let Some(dir) = dir {
            let file = format!("themes/{name}.toml");
            if let Some(text) = text(&dir.join(&file), &file)? {
                return Ok((read::read(&text, &file)?, true));
            }
        }
        match SHIPPED.iter().find(|(shipped, _)| shipped == name) {
            Some((_, text)) => Ok((read::read(text, &format!("themes/{name}.toml"))?, false)),
            None => {
                let names = self.names();
                let hint = did_you_mean(name, names.iter().map(String::as_str).filter(|known| known != name));
                Err(vec![at(wanted, format!("unknown theme {name:?}{hint}"))])
            }
        }
    }
}

/// Returns what a layer lies on.
fn below(layer: &Layer, name: &str, own: bool) -> Option<Wanted> {
    match &layer.inherits {
        Some((base, line)) => Some(Wanted::by(base, &layer.file, *line)),
        None if own && SHIPPED.iter().any(|(shipped, _)| *shipped == name) => Some(Wanted::by(name, &layer.file, 1)),
        None if own => Some(Wanted::by(DEFAULT, &layer.file, 1)),
        None => None,
    }
}

fn at(wanted: &Wanted, text: String) -> Problem {
    let (file, line) = wanted.place.clone();
    Problem { file, line, text }
}

fn unreadable(file: &str, why: &str) -> Problem {
    Problem { file: file.to_owned(), line: 1, text: format!("cannot be read: {why}") }
}

/// Returns a file's text; `None` where there is no such file.
fn text(path: &Path, file: &str) -> Result<Option<String>, Vec<Problem>> {
    let opened = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other,
    };
    let mut text = String::new();
    match opened.and_then(|opened| opened.take(BYTES_MAX + 1).read_to_string(&mut text)) {
        Ok(bytes) if bytes as u64 > BYTES_MAX => Err(vec![unreadable(file, "it is longer than 64 KiB")]),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(vec![unreadable(file, &error.to_string())]),
    }
}

/// Returns the theme that layers make for a terminal with so many colours.
fn build(chain: &[Layer], depth: Depth) -> Result<Theme, Vec<Problem>> {
    let mut palette: BTreeMap<&str, Color> = BTreeMap::new();
    for layer in chain {
        palette.extend(layer.palette.iter().map(|(name, color)| (name.as_str(), *color)));
    }
    let mut maker = Maker { palette, problems: Vec::new() };
    let (mut styles, mut ansi, mut mono) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let base = read::read(SHIPPED[7].1, "themes/mono.toml")?;
    mono.extend(maker.styles(&base.file, &base.roles));
    for layer in chain {
        let roles = maker.styles(&layer.file, &layer.roles);
        // What a later layer says of a role counts for more than what an earlier one says of it for few colours.
        ansi.retain(|role, _| !roles.contains_key(role));
        styles.extend(roles);
        ansi.extend(maker.styles(&layer.file, &layer.ansi));
        mono.extend(maker.styles(&layer.file, &layer.mono));
    }
    if !maker.problems.is_empty() {
        return Err(maker.problems);
    }
    let least = chain.iter().rev().find_map(|layer| layer.contrast).unwrap_or(CONTRAST);
    let all = |map: &BTreeMap<usize, Style>| {
        (0..Role::ALL.len()).map(|role| map.get(&role).copied().unwrap_or_default()).collect()
    };
    Ok(match depth {
        Depth::None => Theme { styles: all(&mono), least }.colourless(),
        Depth::True => Theme { styles: all(&styles), least },
        Depth::Indexed => Theme { styles: all(&styles), least }.with_fewer(depth, &BTreeMap::new()),
        Depth::Ansi => Theme { styles: all(&styles), least }.with_fewer(depth, &ansi),
    })
}

struct Maker<'a> {
    palette: BTreeMap<&'a str, Color>,
    problems: Vec<Problem>,
}

impl Maker<'_> {
    fn styles(&mut self, file: &str, raw: &Styles) -> BTreeMap<usize, Style> {
        let mut styles = BTreeMap::new();
        for (role, raw) in raw {
            let mut style = Style::new().add_modifier(raw.mods);
            style.fg = raw.fg.as_ref().and_then(|ink| self.color(file, ink));
            style.bg = raw.bg.as_ref().and_then(|ink| self.color(file, ink));
            styles.insert(*role, style);
        }
        styles
    }

    fn color(&mut self, file: &str, ink: &Ink) -> Option<Color> {
        let found = self.palette.get(ink.word.as_str()).copied().or_else(|| read::color(&ink.word));
        if found.is_none() {
            let known = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "gray"];
            let hint = did_you_mean(&ink.word, self.palette.keys().copied().chain(known));
            let text = format!("{:?} is no colour{hint}", ink.word);
            self.problems.push(Problem { file: file.to_owned(), line: ink.line, text });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(files: &[(&str, &str)]) -> (tempfile::TempDir, Library) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("themes")).unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        let library = Library { dir: Some(dir.path().to_owned()) };
        (dir, library)
    }

    fn load(files: &[(&str, &str)], name: &str) -> Result<Theme, Vec<String>> {
        let (_dir, library) = library(files);
        let loaded = library.load(&Wanted::by(name, "config.toml", 3), false, Depth::True);
        loaded.theme.ok_or_else(|| loaded.problems.iter().map(Problem::to_string).collect())
    }

    fn shipped(name: &str) -> Theme {
        load(&[], name).unwrap()
    }

    #[test]
    fn a_file_changes_what_it_says_and_keeps_the_rest() {
        let text = "inherits = \"dark\"\n[palette]\nred = \"#ff0000\"\n[roles]\n\"me\" = { fg = \"red\", mods = [\"italic\"] }\n";
        let (mine, dark) = (load(&[("themes/mine.toml", text)], "mine").unwrap(), shipped("dark"));
        assert_eq!(mine.style(Role::Me).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(
            mine.style(Role::SeverityHigh).fg,
            Some(Color::Rgb(255, 0, 0)),
            "a palette colours what is inherited"
        );
        assert_eq!(mine.style(Role::StateAck), dark.style(Role::StateAck));
        assert_eq!(mine.style(Role::Surface), dark.style(Role::Surface));
    }

    #[test]
    fn a_file_called_as_a_shipped_theme_lies_over_it() {
        for inherits in ["", "inherits = \"light\"\n"] {
            let text = format!("{inherits}[roles]\n\"me\" = {{ fg = \"#010203\" }}\n");
            let mine = load(&[("themes/light.toml", &text)], "light").unwrap();
            assert_eq!(mine.style(Role::Me).fg, Some(Color::Rgb(1, 2, 3)));
            assert_eq!(mine.style(Role::Surface), shipped("light").style(Role::Surface));
        }
    }

    #[test]
    fn theme_toml_lies_over_what_is_chosen_and_may_choose() {
        let over = ("theme.toml", "[roles]\n\"me\" = { fg = \"#010203\" }\n");
        let mine = load(&[over], "light").unwrap();
        assert_eq!(mine.style(Role::Surface), shipped("light").style(Role::Surface));
        let chosen = format!("inherits = \"dark\"\n{}", over.1);
        let (_dir, library) = library(&[("theme.toml", &chosen)]);
        let wanted = Wanted::by("light", "config.toml", 3);
        let surface = |on_screen| {
            let theme = library.load(&wanted, on_screen, Depth::True).theme.unwrap();
            assert_eq!(theme.style(Role::Me).fg, Some(Color::Rgb(1, 2, 3)));
            theme.style(Role::Surface)
        };
        assert_eq!(surface(false), shipped("dark").style(Role::Surface));
        assert_eq!(surface(true), shipped("light").style(Role::Surface));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_the_nearest_name() {
        let check = |text: &str, expect: &str| {
            assert_eq!(load(&[("themes/mine.toml", text)], "mine").unwrap_err(), [expect], "{text}");
        };
        check(
            "\n[roles]\n\"sev.wurst\" = {}\n",
            "themes/mine.toml:3: unknown role \"sev.wurst\", did you mean \"sev.worst\"?",
        );
        check(
            "[roles]\n\"me\" = { fg = \"yelow\" }",
            "themes/mine.toml:2: \"yelow\" is no colour, did you mean \"yellow\"?",
        );
        check(
            "[roles]\n\"me\" = { mods = [\"bald\"] }",
            "themes/mine.toml:2: unknown modifier \"bald\", did you mean \"bold\"?",
        );
        check("[roles]\n\"me\" = { mods = [\"blink\"] }", "themes/mine.toml:2: unknown modifier \"blink\"");
        check("inherit = \"dark\"", "themes/mine.toml:1: unknown setting \"inherit\", did you mean \"inherits\"?");
        check("#\ninherits = \"drak\"", "themes/mine.toml:2: unknown theme \"drak\", did you mean \"dark\"?");
        check("schema = 2", "themes/mine.toml:1: unknown schema: this program reads schema 1");
        check(
            "[palette]\nred = \"#ff\"",
            "themes/mine.toml:2: \"red\" of the palette is \"#rrggbb\" or one of the terminal's colours",
        );
        check("contrast = 40", "themes/mine.toml:1: contrast is a number from 1 to 21");
        assert!(load(&[("themes/mine.toml", "[roles\n")], "mine").unwrap_err()[0].starts_with("themes/mine.toml:1: "));
        assert_eq!(
            load(&[], "lihgt").unwrap_err(),
            ["config.toml:3: unknown theme \"lihgt\", did you mean \"light\"?"]
        );
    }

    #[test]
    fn a_circle_is_told_and_a_path_is_no_name() {
        let (a, b) = (("themes/a.toml", "\ninherits = \"b\""), ("themes/b.toml", "inherits = \"a\""));
        assert_eq!(load(&[a, b], "a").unwrap_err(), ["themes/b.toml:1: theme \"a\" inherits itself: a > b > a"]);
        let itself = load(&[("themes/a.toml", "inherits = \"a\"")], "a").unwrap_err();
        assert_eq!(itself, ["themes/a.toml:1: unknown theme \"a\""]);
        assert!(load(&[("theme.toml", "")], "../theme").unwrap_err()[0].contains("unknown theme"));
    }

    #[test]
    fn a_fallback_counts_where_it_is_meant_for() {
        let text = "[roles]\n\"me\" = { fg = \"#123456\" }\n[fallback.16]\n\"me\" = { fg = \"green\" }\n[fallback.mono]\n\"me\" = { mods = [\"italic\"] }\n";
        let (_dir, library) = library(&[("themes/mine.toml", text)]);
        let at =
            |depth| library.load(&Wanted::by("mine", "config.toml", 1), false, depth).theme.unwrap().style(Role::Me);
        assert_eq!(at(Depth::Ansi).fg, Some(Color::Green));
        assert!(matches!(at(Depth::Indexed).fg, Some(Color::Indexed(16..))));
        assert_eq!(at(Depth::None), Style::new().add_modifier(ratatui::style::Modifier::ITALIC));
    }

    #[test]
    fn names_hold_the_person_s_own() {
        let (_dir, library) = library(&[("themes/zebra.toml", ""), ("themes/dark.toml", ""), ("themes/x.txt", "")]);
        assert_eq!(library.names().len(), SHIPPED.len() + 1);
        assert_eq!(library.names().last().map(String::as_str), Some("zebra"));
    }
}
