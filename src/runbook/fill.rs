//! Templates: `{{ labels.namespace }}`, `{{ $labels.namespace }}` and `{{ .Labels.namespace }}` become the incident's value.
//!
//! Values come from whoever sends alerts, and what stands in code may be copied into a shell. So in code a value that is not plain is put in
//! single quotes, and only where the shell will read them as such: behind nothing that may have opened a quote before. Elsewhere the
//! template is left as it was written, and marked.

use super::line::Role;
use crate::domain::text::SafeText;
use std::collections::BTreeMap;
use std::hash::BuildHasher;

/// Longest template, in bytes.
const TEMPLATE_BYTES_MAX: usize = 200;
/// Longest value that is put in, in characters.
const VALUE_CHARS_MAX: usize = 300;

/// Where labels are asked for.
pub trait Labels {
    /// Returns the value of the label; `None` where there is none.
    fn label(&self, name: &str) -> Option<&str>;
}

impl Labels for BTreeMap<String, String> {
    fn label(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl<S: BuildHasher> Labels for std::collections::HashMap<String, String, S> {
    fn label(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl Labels for crate::domain::label::Labels {
    fn label(&self, name: &str) -> Option<&str> {
        self.get(name)
    }
}

/// No labels: every template stays as it was written.
impl Labels for () {
    fn label(&self, _name: &str) -> Option<&str> {
        None
    }
}

/// How labels are asked for here.
pub(super) type Ask<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'t> {
    Written(&'t str),
    Filled(SafeText),
    Unfilled(&'t str),
}

/// What a shell has read so far: a block of code, or code within words.
#[derive(Default)]
pub(super) struct Shell {
    /// Something stood there that may have opened a quotation.
    quotes: bool,
    escape: bool,
}

impl Shell {
    fn read(&mut self, text: &str) {
        self.quotes = self.quotes || text.contains(['\'', '"', '`']) || text.contains("<<");
        if !text.is_empty() {
            self.escape = text.ends_with('\\');
        }
    }

    /// Returns the value as it may stand here.
    fn quoted(&self, value: &str) -> Option<SafeText> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '-');
        // What begins with a dash would be an option, quoted or not.
        if value.is_empty() || value.starts_with('-') || value.chars().count() > VALUE_CHARS_MAX {
            return None;
        }
        if value.chars().all(plain) {
            return Some(SafeText::line(value, VALUE_CHARS_MAX));
        }
        if self.quotes || self.escape {
            return None;
        }
        let quoted = SafeText::line(&format!("'{}'", value.replace('\'', "'\\''")), usize::MAX);
        Some(quoted)
    }
}

/// Returns the parts of a text that stands in this role; `shell` remembers what stood before in the same code.
pub(super) fn parts<'t>(text: &'t str, role: Role, shell: &mut Shell, ask: Ask<'_>) -> Vec<Part<'t>> {
    let mut parts = Vec::new();
    let (mut written, mut at) = (0, 0);
    while let Some(found) = text[at..].find("{{") {
        let start = at + found;
        let Some((end, name)) = template(text, start) else {
            at = start + 2;
            continue;
        };
        if written < start {
            shell.read(&text[written..start]);
            parts.push(Part::Written(&text[written..start]));
        }
        let part = ask(name).and_then(|value| value_at(value, role, shell));
        parts.push(match part {
            Some(value) => {
                shell.escape = false;
                Part::Filled(value)
            }
            None => Part::Unfilled(&text[start..end]),
        });
        (written, at) = (end, end);
    }
    if written < text.len() {
        shell.read(&text[written..]);
        parts.push(Part::Written(&text[written..]));
    }
    parts
}

fn value_at(value: &str, role: Role, shell: &Shell) -> Option<SafeText> {
    match role {
        Role::Code | Role::CodeBlock => shell.quoted(value),
        Role::LinkTarget => Some(SafeText::line(&percent(value), VALUE_CHARS_MAX)),
        _ => Some(SafeText::line(value, VALUE_CHARS_MAX)),
    }
}

/// Returns the value as it may stand in an address.
fn percent(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().take(VALUE_CHARS_MAX).map(byte).collect()
}

/// Returns where the template ends that begins here, and the label it names; `None` where there is none of ours.
fn template(text: &str, start: usize) -> Option<(usize, &str)> {
    let window = &text[start..text.floor_char_boundary(start + TEMPLATE_BYTES_MAX)];
    let close = window.find("}}")?;
    let inner = window[2..close].trim_matches(' ');
    let named = ["$labels.", "labels.", ".Labels."].iter().find_map(|prefix| inner.strip_prefix(prefix))?;
    let head = named.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let rest = named.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (head && rest).then_some((start + close + 2, named))
}

/// Returns the text of code with its labels put in, for the clipboard, and the templates that were left.
pub(super) fn copied(text: &str, ask: Ask<'_>) -> (String, Vec<SafeText>) {
    let (mut out, mut left) = (String::with_capacity(text.len()), Vec::new());
    for part in parts(text, Role::CodeBlock, &mut Shell::default(), ask) {
        match part {
            Part::Written(text) => out.push_str(text),
            Part::Filled(value) => out.push_str(value.as_str()),
            Part::Unfilled(text) => {
                out.push_str(text);
                left.push(SafeText::line(text, TEMPLATE_BYTES_MAX));
            }
        }
    }
    (out, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, value: &str) -> String {
        let labels: BTreeMap<String, String> = [("x".to_owned(), value.to_owned())].into();
        copied(text, &|name| labels.label(name)).0
    }

    #[test]
    fn all_three_ways_to_write_a_label_are_filled() {
        assert_eq!(filled("a {{ $labels.x }} {{labels.x}} {{ .Labels.x }}.", "pod-1"), "a pod-1 pod-1 pod-1.");
        assert_eq!(
            filled("{{ $value }} {{range .items}} {{ $labels.y }} {{ labels.x", "v"),
            "{{ $value }} {{range .items}} {{ $labels.y }} {{ labels.x"
        );
    }

    #[test]
    fn a_value_that_is_not_plain_is_quoted_for_a_shell() {
        assert_eq!(filled("rm {{ labels.x }}", "a; reboot"), "rm 'a; reboot'");
        assert_eq!(filled("rm {{ labels.x }}", "a'$(reboot)'"), r"rm 'a'\''$(reboot)'\'''");
        assert_eq!(filled("rm {{ labels.x }}", "a\nreboot\x1b[2J"), "rm 'a␊reboot␛[2J'");
        assert_eq!(filled("rm \\\n {{ labels.x }}", "a b"), "rm \\\n 'a b'");
    }

    #[test]
    fn a_value_that_is_not_plain_is_not_put_where_quotes_might_not_hold() {
        for text in [
            "rm \"{{ labels.x }}\"",
            "rm 'a {{ labels.x }}'",
            "# it's\nrm '{{ labels.x }}'",
            "rm \\{{ labels.x }}",
            "cat <<E\n{{ labels.x }}",
            "`{{ labels.x }}",
        ] {
            assert_eq!(filled(text, "$(reboot)"), text);
            assert_eq!(filled(text, "plain"), text.replace("{{ labels.x }}", "plain"));
        }
        assert_eq!(filled("kubectl delete pod {{ labels.x }}", "--all"), "kubectl delete pod {{ labels.x }}");
    }

    #[test]
    fn a_real_shell_gets_one_word() {
        for value in
            ["a; echo b", "$(echo b)", "`echo b`", "'; echo b; '", "\"", "a\\", "* ?", "a\nb", "!!", "#x", "~root"]
        {
            let command = filled("printf '%s' ", value) + &filled("{{ labels.x }}", value);
            let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), SafeText::line(value, 300).as_str(), "{command}");
        }
    }

    #[test]
    fn what_was_left_is_told() {
        let (text, left) = copied("a {{ labels.y }}", &|_| None);
        assert_eq!((text.as_str(), left.len(), left[0].as_str()), ("a {{ labels.y }}", 1, "{{ labels.y }}"));
    }
}
