//! Where keymaps come from: the shipped ones, and a person's own files under `keymaps/`.

use super::read::Reader;
use super::{Keymap, Problem};
use crate::tui::nearest::did_you_mean;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The shipped keymaps with their text.
const SHIPPED: [(&str, &str, &str); 4] = [
    ("default", "keymaps/default.toml", include_str!("../../../keymaps/default.toml")),
    ("vim", "keymaps/vim.toml", include_str!("../../../keymaps/vim.toml")),
    ("arrows", "keymaps/arrows.toml", include_str!("../../../keymaps/arrows.toml")),
    ("emacs", "keymaps/emacs.toml", include_str!("../../../keymaps/emacs.toml")),
];

/// The names of the shipped keymaps.
pub(crate) const NAMES: [&str; 4] = ["default", "vim", "arrows", "emacs"];

/// How deep files may lie over each other.
const DEPTH_MAX: usize = 8;
/// Most bytes of a file.
const BYTES_MAX: u64 = 64 * 1024;
/// Most files of a person's own that are listed.
const OWN_MAX: usize = 100;

/// Keymaps by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Library {
    /// The person's own file, laid over the one chosen.
    own: Option<PathBuf>,
}

/// A keymap that was read, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Loaded {
    pub(crate) keymap: Keymap,
    /// What it is called: `default`, `vim`.
    pub(crate) name: String,
    /// Left out of it.
    pub(crate) problems: Vec<Problem>,
    /// In it, and may surprise. Not shown on the screen.
    pub(crate) warnings: Vec<Problem>,
    /// The names of all keymaps there are.
    pub(crate) names: Vec<String>,
}

/// A keymap that somebody asked for by name, and the place where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which: `vim`, or the name of a file under `keymaps/`.
    pub name: String,
    /// The file that says so.
    pub file: String,
    /// The line of it.
    pub line: usize,
}

impl Library {
    /// Returns the shipped keymaps alone.
    pub(crate) fn shipped() -> Self {
        Self::default()
    }

    /// Returns the shipped keymaps, a person's own file over them, and the folder `keymaps/` beside it.
    pub(crate) fn of(own: Option<&Path>) -> Self {
        Self { own: own.map(Path::to_owned) }
    }

    /// Returns the keymap: `now` (asked for at run time) or what the own file extends, else `set` (the setting), else the default; and
    /// the own file's entries over it. A file that does not exist is no problem; with a broken one the rest holds.
    pub(crate) fn load(&self, set: Option<&Choice>, now: Option<&str>) -> Loaded {
        let mut loaded = Loaded::default();
        let text = self.own_text(&mut loaded);
        let file = self.own.as_deref().map_or_else(String::new, file_name);
        let reader = text.as_deref().map(|text| Reader::read(text, &file));
        let extends = reader.as_ref().and_then(|reader| reader.extends.clone());
        let asked = now.map(|name| Choice { name: name.to_owned(), file: ":keymap".into(), line: 1 });
        let written = extends.map(|(name, line)| Choice { name, file: file.clone(), line });
        let choice = asked.or(written).or_else(|| set.cloned());
        self.base(choice.as_ref(), &mut loaded);
        if let Some(reader) = reader {
            let (keymap, problems, warnings) = reader.over(std::mem::take(&mut loaded.keymap));
            loaded.keymap = keymap;
            loaded.problems.extend(problems);
            loaded.warnings.extend(warnings);
        }
        loaded.names = self.names();
        loaded
    }

    /// Returns a file's keymap as if it were the person's own, over `base` unless it extends another.
    pub(super) fn overlaid(&self, base: Keymap, text: &str, file: &str) -> Loaded {
        let mut loaded = Loaded { keymap: base, ..Loaded::default() };
        self.lay(text, file, 0, &mut loaded);
        loaded
    }

    /// Reads a file that is not the own one, as `keys check FILE` does.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn check(&self, path: &Path) -> std::io::Result<Loaded> {
        let text = read(path)?;
        let loaded = self.overlaid(Keymap::builtin(), &text, &path.display().to_string());
        Ok(Loaded { names: self.names(), ..loaded })
    }

    /// Returns the names of all keymaps, the shipped ones first.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut own: Vec<String> =
            self.folder().and_then(|folder| std::fs::read_dir(folder).ok()).map_or_else(Vec::new, |entries| {
                let stem = |path: PathBuf| {
                    let is_toml = path.extension().is_some_and(|end| end == "toml");
                    path.file_stem()
                        .and_then(|stem| stem.to_str())
                        .filter(|stem| is_toml && is_plain(stem))
                        .map(str::to_owned)
                };
                entries.take(OWN_MAX).filter_map(|entry| stem(entry.ok()?.path())).collect()
            });
        own.retain(|name| !NAMES.contains(&name.as_str()));
        own.sort();
        NAMES.iter().map(ToString::to_string).chain(own).collect()
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.own.as_ref()?.parent()?.join("keymaps"))
    }

    fn own_text(&self, loaded: &mut Loaded) -> Option<String> {
        let path = self.own.as_deref()?;
        match read(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let text = format!("cannot be read: {error}");
                loaded.problems.push(Problem { file: file_name(path), line: 1, text });
                None
            }
        }
    }

    /// Takes the keymap of that name, or the default with a problem.
    fn base(&self, choice: Option<&Choice>, loaded: &mut Loaded) {
        let name = choice.map_or("default", |choice| choice.name.as_str());
        loaded.name = name.to_owned();
        if let Err(text) = self.named(name, 0, loaded) {
            let place = choice.map_or((String::new(), 1), |choice| (choice.file.clone(), choice.line));
            loaded.problems.push(Problem { file: place.0, line: place.1, text });
            loaded.name = "default".to_owned();
            // The shipped default has no problem: a test says so.
            let _ = self.named("default", 0, loaded);
        }
    }

    /// Lays the keymap of that name into `loaded`.
    fn named(&self, name: &str, depth: usize, loaded: &mut Loaded) -> Result<(), String> {
        if depth >= DEPTH_MAX {
            return Err(format!("keymaps lie over each other more than {DEPTH_MAX} deep; do two extend each other?"));
        }
        if name == "none" {
            loaded.keymap = Keymap::builtin().essentials();
            return Ok(());
        }
        if let Some((_, file, text)) = SHIPPED.iter().find(|(shipped, ..)| *shipped == name) {
            if name == "default" {
                loaded.keymap = Keymap::default();
            }
            self.lay(text, file, depth, loaded);
            return Ok(());
        }
        let stem = name.strip_prefix("keymaps/").unwrap_or(name);
        let stem = stem.strip_suffix(".toml").unwrap_or(stem);
        let path = self.folder().filter(|_| is_plain(stem)).map(|folder| folder.join(format!("{stem}.toml")));
        let names = self.names();
        let known = names.iter().map(String::as_str).chain(["none"]);
        let unknown = || format!("unknown keymap {name:?}{}", did_you_mean(name, known));
        let Some(path) = path else { return Err(unknown()) };
        match read(&path) {
            Ok(text) => {
                self.lay(&text, &format!("keymaps/{stem}.toml"), depth, loaded);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(unknown()),
            Err(error) => Err(format!("keymaps/{stem}.toml cannot be read: {error}")),
        }
    }

    /// Lays a file over what it extends, else over what is in `loaded`.
    fn lay(&self, text: &str, file: &str, depth: usize, loaded: &mut Loaded) {
        let reader = Reader::read(text, file);
        let is_root = loaded.keymap == Keymap::default();
        match reader.extends.clone() {
            // The shipped default lies over nothing at all.
            Some((base, _)) if base == "none" && is_root && file == SHIPPED[0].1 => {}
            Some((base, line)) => {
                if let Err(text) = self.named(&base, depth + 1, loaded) {
                    loaded.problems.push(Problem { file: file.to_owned(), line, text });
                    let _ = self.named("default", 0, loaded);
                }
            }
            // A file of one's own that says nothing lies over the default.
            None if is_root => drop(self.named("default", depth + 1, loaded)),
            None => {}
        }
        let (keymap, problems, warnings) = reader.over(std::mem::take(&mut loaded.keymap));
        loaded.keymap = keymap;
        loaded.problems.extend(problems);
        loaded.warnings.extend(warnings);
    }
}

/// Returns whether a name is one of a file: nothing that leads out of the folder.
fn is_plain(stem: &str) -> bool {
    !stem.is_empty() && stem.len() <= 64 && stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "keymap.toml".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    // A pipe or a device would be waited for, or never end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a plain file"));
    }
    std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > BYTES_MAX {
        true => Err(std::io::Error::other(format!("longer than {BYTES_MAX} bytes"))),
        false => Ok(text),
    }
}
