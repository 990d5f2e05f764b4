//! Which bytes a console may write, and nothing else.

use crate::support::corpus::forbidden;

const BELL: char = '\u{7}';
/// Modes that the console sets and takes back: alternate screen, cursor, marked pastes, focus, wrapping.
const MODES: [&str; 5] = ["?1049", "?25", "?2004", "?1004", "?7"];
/// Modes that it takes back without having set them: whatever set them, the shell must not have them.
const UNDONE: [&str; 5] = ["?1000", "?1002", "?1003", "?1006", "?2026"];
/// The title, kept and put back.
const TITLES: [&str; 2] = ["22;2", "23;2"];

/// Returns how often the bell was rung, or what is not ours, with its place.
pub fn only_ours(raw: &[u8]) -> Result<usize, String> {
    let mut bells = 0;
    let text = std::str::from_utf8(raw).map_err(|error| format!("no UTF-8: {error}"))?;
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        bells += plain(&rest[..at])?;
        rest = sequence(&rest[at + 1..])?;
    }
    Ok(bells + plain(rest)?)
}

/// Text between sequences: nothing that a terminal obeys but the bell, nothing that a person does not see. Returns the bells.
fn plain(text: &str) -> Result<usize, String> {
    match text.chars().find(|c| *c != BELL && (*c == '\n' || forbidden(&c.to_string()).is_some())) {
        Some(bad) => Err(format!("{bad:?} in {:?}", around(text))),
        None => Ok(text.matches(BELL).count()),
    }
}

/// Reads one sequence behind its ESC; returns what follows it.
fn sequence(text: &str) -> Result<&str, String> {
    if let Some(text) = text.strip_prefix('[') {
        return csi(text);
    }
    if let Some(text) = text.strip_prefix("]0;").or_else(|| text.strip_prefix("]2;")) {
        return title(text);
    }
    Err(format!("ESC and {:?}", around(text)))
}

fn csi(text: &str) -> Result<&str, String> {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?')).unwrap_or(text.len());
    let (parameters, rest) = text.split_at(end);
    let mut rest = rest.chars();
    let numbers = parameters.chars().all(|c| matches!(c, '0'..='9' | ';' | ':'));
    let known = match rest.next() {
        Some('m' | 'H' | 'J' | 'K') => numbers,
        Some('h') => MODES.contains(&parameters),
        Some('l') => MODES.contains(&parameters) || UNDONE.contains(&parameters),
        Some('t') => TITLES.contains(&parameters),
        _ => false,
    };
    if known { Ok(rest.as_str()) } else { Err(format!("CSI and {:?}", around(text))) }
}

/// A title of our own form: no text from outside.
fn title(text: &str) -> Result<&str, String> {
    let ours = || {
        // With the terminal it is given back, too: empty where terminals keep none.
        if let Some(rest) = text.strip_prefix("\u{7}") {
            return Some(rest);
        }
        let calls = text.strip_prefix("(!").and_then(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
            rest[digits..].strip_prefix(") ")
        });
        let rest = calls.unwrap_or(text).strip_prefix("nightdesk (open: ")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let rest = rest[digits..].strip_prefix(')')?;
        rest.strip_prefix('\u{7}').or_else(|| rest.strip_prefix("\u{1b}\\"))
    };
    ours().ok_or_else(|| format!("a title {:?}", around(text)))
}

fn around(text: &str) -> String {
    text.chars().take(60).collect()
}

#[test]
fn what_is_not_ours_is_found() {
    for good in [
        "a ü 👩\u{200d}🚀",
        "\u{1b}[1;2H\u{1b}[0mx\u{1b}[38;5;9m",
        "\u{1b}[?1049h\u{1b}[?25l",
        "\u{1b}]2;nightdesk (open: 3)\u{7}x",
        "\u{1b}]2;(!12) nightdesk (open: 3)\u{7}x",
        "\u{1b}]2;\u{7}\u{1b}[23;2t",
    ] {
        assert_eq!(only_ours(good.as_bytes()), Ok(0), "{good:?}");
    }
    for bad in [
        "\u{1b}]0;pwned\u{7}",
        "\u{1b}]2;(!x) nightdesk (open: 3)\u{7}",
        "\u{1b}]52;c;eA==\u{7}",
        "\u{1b}]9;Page\u{1b}\\",
        "\u{1b}[6n",
        "\u{1b}[?1000h",
        "\u{1b}P",
        "a\u{9b}",
        "\r",
        "\u{202e}",
        "\u{1b}[201~",
        "\u{1b}",
    ] {
        assert!(only_ours(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert_eq!(only_ours(b"a\x07b\x1b[0m\x07"), Ok(2));
    assert!(only_ours(b"\x9b").is_err());
}
