//! A file -> a runbook: the front matter, and where the Markdown begins; or the first mistake, with its line and what to write instead.
//!
//! ```text
//! ---
//! title: A node's disk is full
//! owner: team storage
//! match: '{alertname="NodeFilesystemFilesFillingUp"}'      one query, or a list of them; any that fits is enough
//! runbook_url: https://runbooks.example/disk               one address, or a list: what rules call this file by
//! ---
//! ```

use super::page::Page;
use crate::domain::nearest::nearest;
use crate::domain::text::SafeText;
use crate::query::Query;
use serde_yaml_ng::{Mapping, Value};
use std::collections::HashSet;
use std::fmt;

/// Longest file, in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Longest front matter, in bytes.
const FRONT_BYTES_MAX: usize = 16 * 1024;
/// Most queries, and most addresses.
const ENTRIES_MAX: usize = 64;
/// Longest title and owner, in characters.
const WORDS_MAX: usize = 200;
/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2048;
/// Longest account of a mistake, in characters.
const WHAT_CHARS_MAX: usize = 400;

/// The keys that mean something here.
const KEYS: [&str; 4] = ["title", "owner", "match", "runbook_url"];
/// Keys of those who make web pages of the same files; they say nothing to us and are passed over.
const FOREIGN: &[&str] = &[
    "aliases",
    "author",
    "authors",
    "bookCollapseSection",
    "bookHidden",
    "bookToc",
    "categories",
    "date",
    "description",
    "draft",
    "hide_title",
    "icon",
    "id",
    "keywords",
    "lastmod",
    "layout",
    "linkTitle",
    "menu",
    "nav_order",
    "parent",
    "permalink",
    "published",
    "sidebar_label",
    "sidebar_position",
    "slug",
    "tags",
    "toc",
    "type",
    "url",
    "weight",
];

/// A runbook as its file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// What it is called: from the front matter, else the first heading, else the file's name.
    pub title: SafeText,
    /// Who keeps it, as written.
    pub owner: Option<String>,
    /// Which incidents it is for: those that fit any of them. Empty: none by query.
    pub matches: Vec<Query>,
    /// What `runbook_url` annotations call it, as written.
    pub urls: Vec<String>,
    /// The Markdown, with line feeds alone between lines.
    pub body: String,
    /// In which line of the file the Markdown begins, from 1.
    pub body_line: usize,
}

/// Why a file is no runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// In which line of the file, from 1.
    pub line: usize,
    /// What is wrong, in a lower-case fragment.
    pub what: SafeText,
    /// What to write instead, or what to do.
    pub instead: Option<SafeText>,
}

impl Mistake {
    fn at(line: usize, what: impl AsRef<str>) -> Self {
        Self { line, what: SafeText::line(what.as_ref(), WHAT_CHARS_MAX), instead: None }
    }

    /// Returns what is wrong, and what to write instead, without the line.
    pub fn why(&self) -> String {
        match &self.instead {
            Some(instead) => format!("{} ({instead})", self.what),
            None => self.what.to_string(),
        }
    }

    fn instead(mut self, what: impl AsRef<str>) -> Self {
        self.instead = Some(SafeText::line(what.as_ref(), WHAT_CHARS_MAX));
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why())
    }
}

impl std::error::Error for Mistake {}

impl Runbook {
    /// Reads a file; `name` is what it is called where it says no title itself, with or without `.md`.
    ///
    /// # Errors
    /// [`Mistake`]: the first one, with its line. A file with a mistake is no runbook, whatever else it says.
    pub fn read(bytes: &[u8], name: &str) -> Result<Self, Mistake> {
        let text = text(bytes)?;
        let Some((front, body, body_line)) = split(&text)? else {
            return Ok(Self::titled(Self::plain(text, 1), name));
        };
        let mut runbook = Self::plain(body.to_owned(), body_line);
        Front { text: front }.into(&mut runbook)?;
        Ok(Self::titled(runbook, name))
    }

    /// Returns the text to show and to compare.
    pub fn page(&self) -> Page {
        Page::read(&self.body, self.body_line)
    }

    fn plain(body: String, body_line: usize) -> Self {
        let (title, owner, matches, urls) = (SafeText::default(), None, Vec::new(), Vec::new());
        Self { title, owner, matches, urls, body, body_line }
    }

    fn titled(mut self, name: &str) -> Self {
        if self.title.as_str().is_empty() {
            let heading = self.page().outline().first().map(|heading| heading.title.clone());
            let stem = name.strip_suffix(".md").unwrap_or(name);
            let heading = heading.filter(|title| !title.as_str().is_empty());
            self.title = heading.unwrap_or_else(|| SafeText::line(stem, WORDS_MAX));
        }
        self
    }
}

/// Returns the file as text with line feeds alone.
fn text(bytes: &[u8]) -> Result<String, Mistake> {
    if bytes.len() > FILE_BYTES_MAX {
        let what = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are taken", bytes.len());
        return Err(Mistake::at(1, what).instead("divide it into several runbooks"));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Mistake::at(line_of(bytes, at), "this is not a text: it holds a NUL byte"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let what = format!("the byte 0x{:02x} is no UTF-8", bytes.get(at).copied().unwrap_or_default());
        Mistake::at(line_of(bytes, at), what).instead("save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// Returns the front matter, the Markdown and its first line; `None` where there is no front matter.
fn split(text: &str) -> Result<Option<(&str, &str, usize)>, Mistake> {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return Ok(None) };
    let mut at = first.len();
    for (index, line) in lines.enumerate() {
        if line.trim_end() == "---" {
            return Ok(Some((&text[first.len()..at], &text[at + line.len()..], index + 3)));
        }
        at += line.len();
        if at > FRONT_BYTES_MAX {
            let what = format!("the front matter that begins in line 1 has no end within {FRONT_BYTES_MAX} bytes");
            return Err(Mistake::at(index + 2, what).instead("end it by a line that is ---"));
        }
    }
    Err(Mistake::at(1, "the front matter has no end").instead("end it by a line that is ---"))
}

/// The text between the two lines; its first line is the file's second.
struct Front<'t> {
    text: &'t str,
}

impl Front<'_> {
    fn into(self, runbook: &mut Runbook) -> Result<(), Mistake> {
        self.no_anchors()?;
        let value: Value = serde_yaml_ng::from_str(self.text).map_err(|error| self.yaml(&error))?;
        let keys = match value {
            Value::Null => Mapping::new(),
            Value::Mapping(keys) => keys,
            _ => return Err(Mistake::at(2, "the front matter is no list of keys").instead("write title: …")),
        };
        for (key, value) in &keys {
            self.take(key, value, runbook)?;
        }
        Ok(())
    }

    fn take(&self, key: &Value, value: &Value, runbook: &mut Runbook) -> Result<(), Mistake> {
        let Value::String(key) = key else {
            return Err(Mistake::at(2, "a key is no text").instead(format!("the keys are {}", KEYS.join(", "))));
        };
        let line = self.line_of_key(key);
        match key.as_str() {
            "title" => runbook.title = SafeText::line(&words(line, key, value)?, WORDS_MAX),
            "owner" => runbook.owner = Some(words(line, key, value)?),
            "match" => runbook.matches = self.matches(line, value)?,
            "runbook_url" => runbook.urls = self.urls(line, value)?,
            _ if FOREIGN.contains(&key.as_str()) => {}
            _ => return Err(unknown(line, key)),
        }
        Ok(())
    }

    fn matches(&self, line: usize, value: &Value) -> Result<Vec<Query>, Mistake> {
        let mut found = Vec::new();
        for (line, text) in self.entries(line, "match", value)? {
            let query = Query::parse(&text).map_err(|error| {
                let mistake =
                    Mistake::at(line, format!("match: {} at character {}", error.message, place(&text, &error)));
                match error.hint {
                    Some(hint) => mistake.instead(hint),
                    None => mistake,
                }
            })?;
            if query.is_all() {
                let mistake = Mistake::at(line, "match: an empty query fits every incident");
                return Err(mistake.instead("name an alert: match: '{alertname=\"…\"}'"));
            }
            found.push(query);
        }
        Ok(found)
    }

    fn urls(&self, line: usize, value: &Value) -> Result<Vec<String>, Mistake> {
        let mut found = Vec::new();
        for (line, text) in self.entries(line, "runbook_url", value)? {
            let text = text.trim();
            if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
                let mistake = Mistake::at(line, format!("runbook_url: {text:?} is no address"));
                return Err(mistake.instead("write it as the alert's annotation has it: https://…"));
            }
            if text.len() > URL_BYTES_MAX {
                return Err(Mistake::at(line, format!("runbook_url: longer than {URL_BYTES_MAX} bytes")));
            }
            found.push(text.to_owned());
        }
        Ok(found)
    }

    /// Returns one text, or each of a list, with its line.
    fn entries(&self, line: usize, key: &str, value: &Value) -> Result<Vec<(usize, String)>, Mistake> {
        let list = match value {
            Value::String(text) => return Ok(vec![(line, text.clone())]),
            Value::Sequence(list) => list,
            _ => return Err(self.no_text(line, key)),
        };
        if list.len() > ENTRIES_MAX {
            return Err(Mistake::at(line, format!("{key}: {} entries, at most {ENTRIES_MAX} are taken", list.len())));
        }
        let lines = self.lines_of_entries(line);
        let entry = |(index, entry): (usize, &Value)| {
            let line = lines.get(index).copied().unwrap_or(line);
            match entry {
                Value::String(text) => Ok((line, text.clone())),
                _ => Err(self.no_text(line, key)),
            }
        };
        list.iter().enumerate().map(entry).collect()
    }

    /// A query in braces without quotes is a mapping to YAML: what was written is shown in quotes.
    fn no_text(&self, line: usize, key: &str) -> Mistake {
        let written = self.text.lines().nth(line.saturating_sub(2)).unwrap_or_default().trim();
        let written = written.strip_prefix("- ").unwrap_or(written);
        let written = written.strip_prefix(key).map_or(written, |rest| rest.trim_start_matches(':')).trim();
        let mistake = Mistake::at(line, format!("{key}: this is no text"));
        if written.starts_with('{') {
            return mistake.instead(format!("put it in single quotes: {key}: '{}'", written.replace('\'', "''")));
        }
        mistake.instead(format!("write one text, or a list of texts: {key}: '…'"))
    }

    /// Anchors and aliases let a small text stand for a large one; nothing here needs them.
    fn no_anchors(&self) -> Result<(), Mistake> {
        let begins = |part: &str| {
            let mut chars = part.chars();
            matches!(chars.next(), Some('&' | '*')) && chars.next().is_some_and(|c| !c.is_whitespace())
        };
        // Behind a tag, or a quote that ends nowhere, they would not be seen; a name that is both given and used is no chance.
        let aliases: HashSet<&str> = names(self.text, '*').collect();
        for (index, line) in self.text.lines().enumerate() {
            // What stands in quotes is text; whether a place does is told by the quotes before it.
            let quoted = |at: usize| ['\'', '"'].iter().any(|quote| line[..at].matches(*quote).count() % 2 == 1);
            let opens = |(at, _): (usize, &str)| begins(line[at + 1..].trim_start()) && !quoted(at);
            let bad = begins(line.trim_start()) || line.match_indices([':', '-', '[', '{', ',', '?']).any(opens);
            if bad || names(line, '&').any(|name| aliases.contains(name)) {
                let mistake = Mistake::at(index + 2, "anchors and aliases of YAML (& and *) are not taken");
                return Err(mistake.instead("write the value out, in single quotes where it begins with & or *"));
            }
        }
        Ok(())
    }

    fn yaml(&self, error: &serde_yaml_ng::Error) -> Mistake {
        let line = error.location().map_or(1, |location| location.line().max(1));
        let lines = self.text.lines().count().max(1);
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        let mistake = Mistake::at(line.min(lines) + 1, format!("the front matter is no YAML: {said}"));
        mistake.instead("put texts with : { [ # or quotes in single quotes")
    }

    /// Returns the line of the file in which a key stands.
    fn line_of_key(&self, key: &str) -> usize {
        let is = |line: &str| {
            let line = line.trim_start_matches(['"', '\'']);
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
        };
        self.text.lines().position(is).map_or(2, |index| index + 2)
    }

    /// Returns the lines in which the entries of a list begin that belongs to the key in this line.
    fn lines_of_entries(&self, key_line: usize) -> Vec<usize> {
        let below = self.text.lines().enumerate().skip(key_line - 1);
        let entries = below.take_while(|(_, line)| line.starts_with([' ', '-', '#']) || line.trim().is_empty());
        entries.filter(|(_, line)| line.trim_start().starts_with('-')).map(|(index, _)| index + 2).collect()
    }
}

/// Returns the names that YAML would read behind this sign.
fn names(text: &str, sign: char) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let name = move |(at, _): (usize, &str)| {
        let rest = &text[at + 1..];
        &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())]
    };
    text.match_indices(sign).map(name).filter(|name| !name.is_empty())
}

fn unknown(line: usize, key: &str) -> Mistake {
    let mistake = Mistake::at(line, format!("there is no key {key:?}"));
    match nearest(key, KEYS) {
        Some(name) => mistake.instead(format!("did you mean {name:?}?")),
        None => mistake.instead(format!("the keys are {}", KEYS.join(", "))),
    }
}

/// Returns one text of few characters.
fn words(line: usize, key: &str, value: &Value) -> Result<String, Mistake> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Mistake::at(line, format!("{key}: this is no text")).instead(format!("{key}: '…'"))),
    };
    if text.is_empty() {
        return Err(Mistake::at(line, format!("{key}: is empty")).instead("write it, or leave the line out"));
    }
    let count = text.chars().count();
    if count > WORDS_MAX {
        return Err(Mistake::at(line, format!("{key}: {count} characters, at most {WORDS_MAX} are taken")));
    }
    if text.chars().any(char::is_control) {
        return Err(Mistake::at(line, format!("{key}: holds a control character")).instead("write it in one line"));
    }
    Ok(text)
}

/// Returns at which character of the query the mistake is, from 1.
fn place(text: &str, error: &crate::query::QueryError) -> usize {
    1 + text.char_indices().take_while(|(at, _)| *at < error.span.start).count()
}
