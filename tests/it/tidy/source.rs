//! Just enough of Rust's grammar for the house rules: comments and strings blanked, paths opened out.

use std::ops::RangeInclusive;
use std::path::Path;

/// What the rules look at in one file.
pub struct Code {
    /// The text with comments and the insides of strings and characters as spaces; the lines are the original's.
    pub blanked: String,
    /// Every path with what stands inside its groups: `a::{b, c::d}` is `a::b` and `a::c::d`.
    pub paths: Vec<Place>,
    /// The lines (from 1) of what is built for tests alone.
    tests: Vec<RangeInclusive<usize>>,
}

/// A path and where it stands.
#[derive(Debug)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// Inside a test module or a file of tests.
    pub in_tests: bool,
    segments: Vec<String>,
    /// How many `super` lead to the crate's root from here.
    depth: usize,
}

impl Place {
    /// Returns the module that the path names, when it begins at the crate's root.
    pub fn top_module(&self) -> Option<&str> {
        let supers = self.segments.iter().take_while(|segment| *segment == "super").count();
        let root = match self.segments.first()?.as_str() {
            "crate" => 1,
            "super" if supers == self.depth => supers,
            _ => return None,
        };
        self.segments.get(root).map(String::as_str)
    }

    /// Whether these segments stand side by side in the path; an empty last one stands for any.
    pub fn holds(&self, wanted: &[&str]) -> bool {
        let same = |window: &[String]| window.iter().zip(wanted).all(|(have, want)| want.is_empty() || have == want);
        self.segments.windows(wanted.len()).any(same)
    }

    /// Returns the path as it is written without groups.
    pub fn text(&self) -> String {
        self.segments.join("::")
    }
}

impl Code {
    /// Reads a file; `path` begins with `src/` or `tests/`.
    pub fn read(path: &str, text: &str) -> Self {
        let blanked = blank(text);
        let whole = is_test_file(path);
        let tests = if whole { vec![1..=usize::MAX] } else { test_items(&blanked) };
        let mut code = Self { blanked, paths: Vec::new(), tests };
        code.paths = code.read_paths(depth_of(path), !whole);
        code
    }

    /// Whether a line (from 1) belongs to tests.
    pub fn in_tests(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }

    fn read_paths(&self, depth: usize, inline_tests: bool) -> Vec<Place> {
        let tokens = tokens(&self.blanked);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let begins = is_name(&tokens[at].1) && (at == 0 || tokens[at - 1].1 != "::");
            at = if begins { open_out(&tokens, at, &[], &mut found) } else { at + 1 };
        }
        let place = |(line, segments): (usize, Vec<String>)| {
            let in_tests = self.in_tests(line);
            Place { line, in_tests, segments, depth: depth + usize::from(in_tests && inline_tests) }
        };
        found.into_iter().map(place).collect()
    }
}

/// Returns the name of the top module that a file of `src/` belongs to, or `None` for other files.
pub fn module_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    Some(rest.split('/').next()?.trim_end_matches(".rs"))
}

/// Returns all Rust files below `root/folder` with their text, their paths relative to `root`.
pub fn rust_files(root: &Path, folder: &str) -> Vec<(String, String)> {
    let mut entries: Vec<_> = std::fs::read_dir(root.join(folder)).expect("the folder is there").flatten().collect();
    entries.sort_by_key(|entry| entry.file_name());
    let mut files = Vec::new();
    for entry in entries {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files.extend(rust_files(root, &path));
        } else if path.ends_with(".rs") {
            files.push((path, std::fs::read_to_string(entry.path()).expect("a Rust file is text")));
        }
    }
    files
}

/// Whether `word` stands in the line and not as the end of a longer name.
pub fn has_word(line: &str, word: &str) -> bool {
    let whole = |at: usize| word.starts_with('.') || !line[..at].ends_with(|c: char| c == '_' || c.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| whole(at))
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Returns how many `super` lead from a file's module to the crate's root.
fn depth_of(path: &str) -> usize {
    path.split('/').count() - 1 - usize::from(path.ends_with("/mod.rs"))
}

/// Returns the lines of each item under `#[cfg(test)]` that stands at the left margin, as rustfmt lays it out: it ends with the
/// first line there that is `}` or ends with `;`.
fn test_items(blanked: &str) -> Vec<RangeInclusive<usize>> {
    let lines: Vec<&str> = blanked.lines().map(str::trim_end).collect();
    let ends = |line: &str| line == "}" || line.ends_with(';') && !line.starts_with(' ');
    let begins = (0..lines.len()).filter(|at| lines[*at] == "#[cfg(test)]");
    begins.map(|at| at + 1..=(at..lines.len()).find(|end| ends(lines[*end])).unwrap_or(at) + 1).collect()
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

/// Returns names, `::` and single other characters, each with its line (from 1).
fn tokens(blanked: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (index, line) in blanked.lines().enumerate() {
        let line = line.replace("r#", "");
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let name = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push((index + 1, rest[..length].to_owned()));
            rest = rest[length..].trim_start();
        }
    }
    found
}

/// Opens out the path that begins at `at` behind `prefix`; returns where it ends.
fn open_out(tokens: &[(usize, String)], at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| token.as_str());
    let mut path = prefix.to_vec();
    let mut at = at;
    loop {
        let line = tokens.get(at).map_or(0, |(line, _)| *line);
        if token(at) == "{" {
            return open_group(tokens, at, &path, found);
        }
        if !is_name(token(at)) && token(at) != "*" {
            break at;
        }
        path.push(token(at).to_owned());
        if token(at + 1) != "::" {
            found.push((line, path));
            break at + 1;
        }
        at += 2;
    }
}

/// Opens out `{a, b::c}` behind `prefix`; returns the place after the closing brace.
fn open_group(
    tokens: &[(usize, String)],
    brace: usize,
    prefix: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut at = brace + 1;
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            name if is_name(name) || name == "*" || name == "{" => at = open_out(tokens, at, prefix, found),
            _ => at += 1,
        }
    }
    at
}

/// Blanks comments and the insides of strings and characters; line ends stay.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        let Some(end) = end else {
            out.push(chars[at]);
            at += 1;
            continue;
        };
        out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// Returns where the comment, string or character that begins at `at` ends, or `None` when none begins there.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let next = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let word_before = at > 0 && (chars[at - 1] == '_' || chars[at - 1].is_alphanumeric());
    match (chars[at], next(1)) {
        ('/', '/') => Some(find(chars, at, |c| c == '\n')),
        ('/', '*') => Some(block_end(chars, at)),
        ('"', _) => Some(quoted_end(chars, at, '"')),
        ('\'', '\\') => Some(quoted_end(chars, at, '\'')),
        ('\'', _) if next(2) == '\'' => Some(at + 3),
        ('r', '"' | '#') if !word_before || matches!(chars[at - 1], 'b' | 'c') => raw_end(chars, at),
        _ => None,
    }
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|at| wanted(chars[*at])).unwrap_or(chars.len())
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_end(chars: &[char], start: usize) -> Option<usize> {
    let quote = find(chars, start + 1, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return None; // `r#name`
    }
    let hashes = quote - start - 1;
    let closes =
        |at: usize| chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    Some((quote + 1..chars.len()).find(|at| closes(*at)).map_or(chars.len(), |at| at + 1 + hashes))
}

fn block_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    chars.len()
}
