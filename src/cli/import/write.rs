//! TOML as people write it.

use crate::query::Query;
use anyhow::anyhow;

/// Widest line of a comment.
const COLUMNS: usize = 120;

/// Returns a TOML text: without escapes where it needs none.
pub(super) fn text(value: &str) -> String {
    let literal = value.contains('"') && !value.contains('\'') && !value.chars().any(char::is_control);
    if literal { format!("'{value}'") } else { toml::Value::String(value.to_owned()).to_string() }
}

/// Returns a TOML list of texts.
pub(super) fn list(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "))
}

/// Returns a comment of one or more lines. What comes from outside cannot end it: it holds no line break and no control character.
pub(super) fn comment(words: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in words.split_whitespace() {
        let word: String = word.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let last = lines.last_mut().expect("it begins with one");
        if last.len() > 1 && last.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(format!("# {word}"));
        } else {
            last.push(' ');
            last.push_str(&word);
        }
    }
    lines.join("\n") + "\n"
}

/// Returns one matcher, or several with commas between them, as they stand in our braces.
pub(super) fn matcher(text: &str) -> anyhow::Result<String> {
    let inner = text.trim();
    let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(inner);
    let braced = format!("{{{inner}}}");
    let query = Query::parse(&braced).map_err(|error| anyhow!("{text:?} is no matcher: {error}"))?;
    if query.is_all() {
        return Err(anyhow!("{text:?} is no matcher"));
    }
    Ok(inner.trim().trim_end_matches(',').to_owned())
}
