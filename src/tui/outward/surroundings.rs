//! What the environment says of where the console runs. Inside a multiplexer it tells of the terminal at its start, not of today's.

use super::sequence::NoteKind;
use crate::config::Osc;
use std::ffi::OsString;
use std::path::PathBuf;

/// What is known without asking anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Our pane, where a tmux of ours answers: `%3`.
    pub(crate) pane: Option<String>,
    /// `TERM`.
    pub(crate) term: String,
    /// `TERM_PROGRAM`.
    pub(crate) program: String,
    /// We came over SSH.
    pub(crate) ssh: bool,
    /// A Wayland desktop.
    pub(crate) wayland: bool,
    /// An X desktop.
    pub(crate) x11: bool,
    /// A session bus is named.
    pub(crate) session_bus: bool,
    /// The person's own directory in memory.
    pub(crate) runtime: Option<PathBuf>,
}

impl Surroundings {
    /// Returns what this process was started with.
    pub(crate) fn of_this_process() -> Self {
        Self::read(|name| std::env::var_os(name))
    }

    /// Returns what these variables say; an empty one says nothing.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok()).unwrap_or_default();
        let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let pane = Some(text("TMUX_PANE")).filter(|pane| has("TMUX") && is_pane(pane));
        let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
        Self {
            pane,
            term: text("TERM"),
            program: text("TERM_PROGRAM"),
            ssh: has("SSH_CONNECTION") || has("SSH_TTY"),
            wayland: has("WAYLAND_DISPLAY"),
            x11: has("DISPLAY"),
            session_bus: has("DBUS_SESSION_BUS_ADDRESS"),
            runtime,
        }
    }

    /// Returns whether a multiplexer stands between us and the terminal: ours, or one on the way here.
    pub(crate) fn in_multiplexer(&self) -> bool {
        self.pane.is_some() || ["tmux", "screen"].iter().any(|name| self.term.starts_with(name))
    }
}

/// Returns whether the text is a pane as tmux names them: it becomes an argument.
fn is_pane(text: &str) -> bool {
    text.strip_prefix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns the sequence that a terminal of that name and program most likely knows; none for those that print what they do not know.
pub(crate) fn note_kind(choice: Osc, term: &str, program: &str) -> Option<NoteKind> {
    let program = program.to_ascii_lowercase();
    let is = |name: &str| term.contains(name) || program.contains(name);
    match choice {
        Osc::Off => None,
        Osc::Nine => Some(NoteKind::Nine),
        Osc::Urxvt => Some(NoteKind::Urxvt),
        Osc::Kitty => Some(NoteKind::Kitty),
        Osc::Auto if matches!(term, "" | "dumb" | "linux") => None,
        Osc::Auto if is("kitty") => Some(NoteKind::Kitty),
        Osc::Auto if ["ghostty", "wezterm", "foot", "rxvt"].into_iter().any(is) => Some(NoteKind::Urxvt),
        Osc::Auto => Some(NoteKind::Nine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tmux_is_ours_only_where_it_names_our_pane() {
        let read = |pairs: &[(&str, &str)]| {
            Surroundings::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into()))
        };
        let ours = read(&[("TMUX", "/tmp/x,1,0"), ("TMUX_PANE", "%12"), ("TERM", "tmux-256color")]);
        assert_eq!((ours.pane.as_deref(), ours.in_multiplexer()), (Some("%12"), true));
        for pane in ["", "%", "%1;x", "-t", "%1 2"] {
            assert_eq!(read(&[("TMUX", "/tmp/x,1,0"), ("TMUX_PANE", pane)]).pane, None);
        }
        assert!(read(&[("TMUX_PANE", "%1"), ("TERM", "screen.xterm")]).in_multiplexer(), "one on the way here");
        assert!(!read(&[("TERM", "xterm-256color"), ("SSH_CONNECTION", "")]).ssh);
        assert_eq!(read(&[("XDG_RUNTIME_DIR", "run/me")]).runtime, None, "not where we happen to stand");
    }

    #[test]
    fn the_kind_of_note_follows_the_terminal() {
        let auto = |term, program| note_kind(Osc::Auto, term, program);
        assert_eq!(auto("xterm-kitty", ""), Some(NoteKind::Kitty));
        for (term, program) in
            [("xterm-ghostty", ""), ("xterm-256color", "WezTerm"), ("foot", ""), ("rxvt-unicode", "")]
        {
            assert_eq!(auto(term, program), Some(NoteKind::Urxvt), "{term} {program}");
        }
        assert_eq!(auto("xterm-256color", "iTerm.app"), Some(NoteKind::Nine));
        assert_eq!((auto("linux", ""), auto("", "")), (None, None));
        assert_eq!(note_kind(Osc::Off, "xterm-kitty", ""), None);
        assert_eq!(note_kind(Osc::Nine, "xterm-kitty", ""), Some(NoteKind::Nine));
    }
}
