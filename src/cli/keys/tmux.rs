//! The keys that the tmux around us keeps for itself.

use crate::tui::KeyPress;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long tmux may take to answer.
const PATIENCE: Duration = Duration::from_millis(200);
/// Most bytes of an answer: the name of a key.
const ANSWER_MAX: u64 = 64;

/// Returns tmux's prefix keys with the option that sets each; none outside tmux, or when it does not answer in time.
pub fn prefixes() -> Vec<(&'static str, KeyPress)> {
    if std::env::var_os("TMUX").is_none_or(|tmux| tmux.is_empty()) {
        return Vec::new();
    }
    let of = |option| Some((option, key(ask(option)?.trim())?));
    ["prefix", "prefix2"].into_iter().filter_map(of).collect()
}

/// Asks for an option; whoever does not answer in time is killed.
fn ask(option: &'static str) -> Option<String> {
    let mut command = Command::new("tmux");
    command.args(["show-options", "-gv", option]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let out = child.stdout.take()?;
    let (sender, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = out.take(ANSWER_MAX).read_to_string(&mut text);
        drop(sender.send(read.ok().map(|_| text)));
    });
    let answer = answer.recv_timeout(PATIENCE).ok().flatten();
    // It has ended, or is not waited for.
    drop(child.kill());
    drop(child.wait());
    answer
}

/// Returns a key as tmux writes it: `C-b`, `M-a`, `F12`.
fn key(text: &str) -> Option<KeyPress> {
    let mut name = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('-').filter(|(head, tail)| head.len() == 1 && !tail.is_empty()) {
        name.push_str(match head {
            "C" => "ctrl-",
            "M" => "alt-",
            "S" => "shift-",
            _ => return None,
        });
        rest = tail;
    }
    let named = match rest {
        "Space" => "space".to_owned(),
        "Enter" => "enter".to_owned(),
        "Escape" => "esc".to_owned(),
        "None" => return None,
        more if more.chars().count() > 1 => more.to_ascii_lowercase(),
        one => one.to_owned(),
    };
    KeyPress::parse(&(name + &named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmux_names_are_keys() {
        let check =
            |tmux, ours: Option<&str>| assert_eq!(key(tmux).map(|key| key.to_string()).as_deref(), ours, "{tmux}");
        check("C-b", Some("ctrl-b"));
        check("C-Space", Some("ctrl-space"));
        check("M-a", Some("alt-a"));
        check("C-M-x", Some("ctrl-alt-x"));
        check("`", Some("`"));
        check("F12", Some("f12"));
        check("None", None);
        check("", None);
    }
}
