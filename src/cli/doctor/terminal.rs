//! The terminal: what it says of itself, and what stands between it and us.

use super::{Finding, Scene};
use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

/// Above this an Esc is felt to lag.
const ESCAPE_MILLIS_MAX: u64 = 50;

/// Looks at the environment, and asks tmux where there is one.
pub(super) fn check(_: &Scene) -> Vec<Finding> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let mut found =
        vec![term(&variable("TERM")), locale(&[variable("LC_ALL"), variable("LC_CTYPE"), variable("LANG")])];
    found.push(colours(&variable("COLORTERM"), &variable("TERM"), !variable("NO_COLOR").is_empty()));
    found.extend(size());
    if !variable("TMUX").is_empty() {
        found.extend(tmux());
    }
    found
}

fn term(term: &str) -> Finding {
    let remedy = "set TERM to what the terminal is (xterm-256color), or run `nightdesk --plain`";
    match term {
        "" => Finding::warning("terminal.term", "TERM is not set", remedy),
        "dumb" => Finding::warning("terminal.term", "TERM is dumb: no screen can be drawn there", remedy),
        term => Finding::good("terminal.term", format!("TERM is {term}")),
    }
}

/// The first of these variables that is set decides.
fn locale(variables: &[String; 3]) -> Finding {
    let locale = variables.iter().find(|value| !value.is_empty()).map_or("", String::as_str);
    let plain = locale.to_ascii_lowercase().replace('-', "");
    if plain.contains("utf8") {
        return Finding::good("terminal.locale", format!("{locale}: UTF-8"));
    }
    let says = format!(
        "the locale is {}, not UTF-8: lines and letters may come out wrong",
        if locale.is_empty() { "not set" } else { locale }
    );
    Finding::warning("terminal.locale", says, "export LANG=C.UTF-8 (ssh often drops it: SendEnv LANG, AcceptEnv LANG)")
}

fn colours(colorterm: &str, term: &str, off: bool) -> Finding {
    let says = match () {
        () if off => "NO_COLOR is set: none, by your wish",
        () if matches!(colorterm, "truecolor" | "24bit") => "all of them (COLORTERM)",
        () if term.contains("256color") || term.contains("direct") => "256",
        () => "16",
    };
    Finding::good("terminal.colours", format!("colours: {says}"))
}

fn size() -> Option<Finding> {
    if !std::io::stdout().is_terminal() {
        return Some(Finding::note("terminal.size", "standard output is no terminal"));
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    let says = format!("{} columns, {} rows", size.ws_col, size.ws_row);
    let small = size.ws_col < 60 || size.ws_row < 16;
    let remedy = "make the terminal larger: at 80x24 the list and a preview have room";
    Some(if small { Finding::warning("terminal.size", says, remedy) } else { Finding::good("terminal.size", says) })
}

/// Asks tmux for one thing. A server that hangs is left to the limit of the whole check.
fn ask_tmux(args: &[&str]) -> Option<String> {
    let output = Command::new("tmux").args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn tmux() -> Vec<Finding> {
    let Some(facts) = ask_tmux(&["display-message", "-p", "tmux #{version}, outside #{client_termname}"]) else {
        let remedy = "start the console from a pane of a tmux that runs, or unset TMUX";
        return vec![Finding::warning("terminal.tmux", "TMUX is set, and no tmux answers", remedy)];
    };
    let option = |name: &str| ask_tmux(&["show-options", "-gsv", name]).unwrap_or_default();
    let escape = option("escape-time");
    let clipboard = option("set-clipboard");
    let says =
        format!("{facts}; escape-time {escape}, set-clipboard {clipboard}, focus-events {}", option("focus-events"));
    let slow = escape.parse::<u64>().is_ok_and(|millis| millis > ESCAPE_MILLIS_MAX);
    vec![match slow {
        true => Finding::warning("terminal.tmux", format!("{says}: Esc will lag"), "tmux.conf: set -s escape-time 20"),
        false => Finding::good("terminal.tmux", says),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn the_locale_that_counts_is_the_first_that_is_set() {
        let of = |all: &str, ctype: &str, lang: &str| locale(&[all.into(), ctype.into(), lang.into()]).status;
        assert_eq!(of("", "", "de_DE.UTF-8"), Status::Good);
        assert_eq!(of("C", "", "de_DE.UTF-8"), Status::Warning);
        assert_eq!(of("C.utf8", "POSIX", ""), Status::Good);
        assert_eq!(of("", "", ""), Status::Warning);
    }

    #[test]
    fn a_terminal_that_can_draw_nothing_is_told() {
        assert_eq!(
            [term("dumb").status, term("").status, term("foot").status],
            [Status::Warning, Status::Warning, Status::Good]
        );
        assert!(colours("", "xterm-256color", false).says.as_str().ends_with("256"));
        assert!(colours("truecolor", "x", true).says.as_str().contains("NO_COLOR"));
    }
}
