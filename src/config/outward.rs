//! How a console reaches its person beside the screen, and where copies and links go.

use super::{ConfigError, value_error};
use serde::Deserialize;
use std::path::Path;

/// `[notify]` of `config.toml`, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNotify {
    tmux: Option<bool>,
    osc: Option<String>,
    command: Option<Vec<String>>,
    desktop: Option<bool>,
}

/// What a console does beside its screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outward {
    /// Whether the option `@nightdesk_pages` of the tmux window says how many pages call.
    pub tmux: bool,
    /// Which sequence asks the terminal for a note.
    pub osc: Osc,
    /// A program that is told of each page by JSON; empty for none.
    pub command: Vec<String>,
    /// Whether the desktop's notification service is asked, where there is one.
    pub desktop: bool,
    /// Where copies go.
    pub clipboard: Clipboard,
    /// The program that takes copies, for [`Clipboard::Command`].
    pub clipboard_command: Vec<String>,
    /// The program that opens links; empty for none.
    pub open: Vec<String>,
}

impl Default for Outward {
    fn default() -> Self {
        Self {
            tmux: false,
            osc: Osc::Off,
            command: Vec::new(),
            desktop: true,
            clipboard: Clipboard::Auto,
            clipboard_command: Vec::new(),
            open: Vec::new(),
        }
    }
}

/// Which sequence asks the terminal for a note. Nothing tells which one it knows, so a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Osc {
    /// None.
    #[default]
    Off,
    /// By the terminal's name.
    Auto,
    /// OSC 9: iTerm2 and most others.
    Nine,
    /// OSC 777: urxvt, foot, Ghostty, WezTerm.
    Urxvt,
    /// OSC 99: kitty.
    Kitty,
}

impl Osc {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 5] =
        [("auto", Self::Auto), ("9", Self::Nine), ("777", Self::Urxvt), ("99", Self::Kitty), ("off", Self::Off)];
}

/// Where copies go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clipboard {
    /// Wherever it is most likely to arrive, from what is known of the terminal.
    #[default]
    Auto,
    /// A buffer of tmux, which hands it on to its terminal.
    Tmux,
    /// The terminal, by OSC 52.
    Osc52,
    /// The desktop's tool: `wl-copy`, `xclip` or `xsel`.
    Native,
    /// Only the file that `:clip show` names.
    File,
    /// A program of the person's own.
    Command,
    /// Nowhere.
    Off,
}

impl Clipboard {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("tmux", Self::Tmux),
        ("osc52", Self::Osc52),
        ("native", Self::Native),
        ("file", Self::File),
        ("command", Self::Command),
        ("off", Self::Off),
    ];
}

/// The lines of `config.toml` that this file reads.
pub(super) struct Raw {
    pub(super) notify: RawNotify,
    pub(super) clipboard: Option<String>,
    pub(super) clipboard_command: Option<Vec<String>>,
    pub(super) open: Option<Vec<String>>,
}

impl Outward {
    pub(super) fn resolve(path: &Path, raw: Raw) -> Result<Self, ConfigError> {
        let Raw { notify, clipboard, clipboard_command, open } = raw;
        let outward = Self {
            tmux: notify.tmux.unwrap_or_default(),
            osc: one_of(path, "notify.osc", notify.osc, &Osc::ALL)?,
            command: program(path, "notify.command", notify.command)?,
            desktop: notify.desktop.unwrap_or(true),
            clipboard: one_of(path, "clipboard", clipboard, &Clipboard::ALL)?,
            clipboard_command: program(path, "clipboard_command", clipboard_command)?,
            open: program(path, "open", open)?,
        };
        if outward.clipboard == Clipboard::Command && outward.clipboard_command.is_empty() {
            let why = "\"command\" needs a line such as clipboard_command = [\"wl-copy\"] beside it";
            return Err(value_error(path, "clipboard", why));
        }
        Ok(outward)
    }
}

/// Returns the choice of that name, or the default where none is written.
fn one_of<T: Copy + Default>(
    path: &Path,
    field: &str,
    text: Option<String>,
    all: &[(&str, T)],
) -> Result<T, ConfigError> {
    let Some(text) = text else { return Ok(T::default()) };
    let found = all.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        value_error(path, field, format!("{text:?} is none of {}", names.join(", ")))
    })
}

/// Returns a program with its arguments: no shell reads them.
fn program(path: &Path, field: &str, run: Option<Vec<String>>) -> Result<Vec<String>, ConfigError> {
    let run = run.unwrap_or_default();
    match run.first() {
        Some(first) if first.is_empty() || first.contains(char::is_whitespace) => {
            let why = format!("{first:?} is no program; write each argument by itself: [\"ntfy\", \"publish\"]");
            Err(value_error(path, field, why))
        }
        _ if run.iter().any(|word| word.contains('\0')) => Err(value_error(path, field, "it holds a null character")),
        _ => Ok(run),
    }
}
