//! Saved questions: the person's own, kept in a file, and the team's, which the hub tells.
//!
//! ```toml
//! [[view]]
//! name = "mine tonight"
//! key = "1"
//! query = "owner:me severity<=3"
//! ```

use super::nearest::did_you_mean;
use super::state::State;
use crate::domain::text::SafeText;
use crate::query::Query;
use crate::store::file;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::Path;

/// Most views that a person keeps.
const VIEWS_MAX: usize = 100;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 60;
/// A larger file is none of ours.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A view of the person's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnView {
    /// What it is called.
    pub name: String,
    /// The digit, 1 to 9, that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it shows.
    pub query: String,
}

/// What to do to the person's own views.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Nothing.
    Read,
    /// Keep a query, under a name and perhaps a digit.
    Save(String, Query),
    /// Forget the one of that name.
    Drop(String),
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    view: Vec<OwnView>,
}

/// A view, whosever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'s> {
    pub(crate) name: &'s str,
    pub(crate) key: Option<&'s str>,
    pub(crate) query: &'s str,
    pub(crate) own: bool,
}

/// Returns all views: the person's own first, each by name.
pub(crate) fn all(state: &State) -> Vec<View<'_>> {
    let own = state.views.iter().map(|view| View {
        name: &view.name,
        key: view.key.as_deref(),
        query: &view.query,
        own: true,
    });
    let team = state.picture.items.views.values().map(|view| View {
        name: &view.name,
        key: view.key.as_deref(),
        query: &view.query,
        own: false,
    });
    own.chain(team).collect()
}

/// Returns the view of that name, the person's own before the team's.
///
/// # Errors
/// What to say where there is none, or where it is no query that this version reads.
pub(crate) fn named(state: &State, name: &str) -> Result<Query, String> {
    let views = all(state);
    let Some(view) = views.iter().find(|view| view.name == name) else {
        return Err(format!(
            "no view {name:?}{}; :views lists them",
            did_you_mean(name, views.iter().map(|view| view.name))
        ));
    };
    read(view)
}

/// Returns the name and the query of the view on that digit, the person's own before the team's.
///
/// # Errors
/// What to say where there is none, or where it is no query that this version reads.
pub(crate) fn on_key(state: &State, digit: &str) -> Result<(String, Query), String> {
    let views = all(state);
    let Some(view) = views.iter().find(|view| view.key == Some(digit)) else {
        return Err(format!("no view is on {digit}; :view save NAME {digit} puts what is shown there"));
    };
    read(view).map(|query| (view.name.to_owned(), query))
}

fn read(view: &View<'_>) -> Result<Query, String> {
    Query::parse(view.query).map_err(|error| format!("view {:?} is no query: {error}", view.name))
}

/// Keeps what is shown under a name, and on a digit where the last word is one; returns what to say.
///
/// # Errors
/// What is wrong with the words.
fn save(views: &mut Vec<OwnView>, words: &str, query: &Query) -> Result<String, String> {
    let (name, key) = match words.rsplit_once(' ') {
        Some((name, digit)) if is_digit(digit) => (name.trim(), Some(digit.to_owned())),
        _ => (words.trim(), None),
    };
    if name.is_empty() {
        return Err("write a name: :view save NAME, or :view save NAME 1 for a digit".into());
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("a name has at most {NAME_BYTES_MAX} bytes"));
    }
    if query.is_all() {
        return Err("nothing is filtered: filter first, then save".into());
    }
    let before = views.iter().position(|view| view.name == name);
    if before.is_none() && views.len() >= VIEWS_MAX {
        return Err(format!("{VIEWS_MAX} views are kept already; :view drop NAME makes room"));
    }
    if key.is_some() {
        views.iter_mut().filter(|view| view.key == key).for_each(|view| view.key = None);
    }
    let on = key.as_ref().map_or(String::new(), |key| format!(" on {key}"));
    let key = key.or_else(|| views.get(before?)?.key.clone());
    let view = OwnView { name: name.to_owned(), key, query: query.text().to_owned() };
    match before {
        Some(place) => views[place] = view,
        None => views.push(view),
    }
    views.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(format!("view {name:?}{on}: {}", query.text()))
}

/// Forgets a view of the person's own; returns what to say.
///
/// # Errors
/// That there is none.
fn drop_one(views: &mut Vec<OwnView>, name: &str) -> Result<String, String> {
    let place = views.iter().position(|view| view.name == name);
    let place = place.ok_or_else(|| {
        format!("no view {name:?} of your own{}", did_you_mean(name, views.iter().map(|view| view.name.as_str())))
    })?;
    views.remove(place);
    Ok(format!("view {name:?} is gone"))
}

/// Returns the lines of the list of views.
pub(crate) fn lines(state: &State, words: &str) -> Vec<String> {
    let line = |view: &View<'_>| {
        let key = view.key.map_or("  ".to_owned(), |key| format!("f{key}"));
        let whose = if view.own { "yours" } else { "team" };
        format!("{key} {:<24} {whose:<6} {}", SafeText::line(view.name, NAME_BYTES_MAX), view.query)
    };
    let views = all(state);
    views.iter().filter(|view| view.name.contains(words.trim())).map(line).collect()
}

/// Does it to the file, which other consoles of the person may have written meanwhile; returns all views and what to say.
pub(super) fn edit(path: &Path, edit: &Edit) -> Result<(Vec<OwnView>, String), String> {
    let mut views = load(path).map_err(|error| format!("{error:#}"))?;
    let says = match edit {
        Edit::Read => return Ok((views, String::new())),
        Edit::Save(words, query) => save(&mut views, words, query)?,
        Edit::Drop(name) => drop_one(&mut views, name)?,
    };
    keep(path, &views).map_err(|error| format!("NOT kept: {error:#}"))?;
    Ok((views, says))
}

fn is_digit(word: &str) -> bool {
    matches!(word.as_bytes(), [b'1'..=b'9'])
}

/// Reads the file; none where it does not exist.
///
/// # Errors
/// What is wrong in it, with the place.
fn load(path: &Path) -> anyhow::Result<Vec<OwnView>> {
    let opened = match std::fs::File::open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let mut text = String::new();
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text).with_context(|| format!("reading {}", path.display()))?;
    let kept: Kept = toml::from_str(&text).with_context(|| format!("{} is no list of views", path.display()))?;
    let mut views = kept.view;
    views.truncate(VIEWS_MAX);
    for view in &views {
        Query::parse(&view.query).map_err(|error| {
            anyhow::anyhow!("{}: view {:?}: {:?} is no query: {error}", path.display(), view.name, view.query)
        })?;
        anyhow::ensure!(
            view.key.as_deref().is_none_or(is_digit),
            "{}: view {:?}: key is a digit from \"1\" to \"9\"",
            path.display(),
            view.name
        );
    }
    Ok(views)
}

/// Writes the file anew, for this user alone.
///
/// # Errors
/// That it cannot be written.
fn keep(path: &Path, views: &[OwnView]) -> anyhow::Result<()> {
    let text = toml::to_string(&Kept { view: views.to_vec() })?;
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        file::private_dir(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    file::write_private(path, text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn a_view_is_kept_by_its_name_and_a_digit_has_one() {
        let mut views = Vec::new();
        assert_eq!(save(&mut views, "my night 1", &query("owner:me")).unwrap(), "view \"my night\" on 1: owner:me");
        save(&mut views, "disks 1", &query("disk")).unwrap();
        save(&mut views, "disks", &query("disk sev:s1")).unwrap();
        let told: Vec<_> =
            views.iter().map(|view| (view.name.as_str(), view.key.as_deref(), view.query.as_str())).collect();
        assert_eq!(told, [("disks", Some("1"), "disk sev:s1"), ("my night", None, "owner:me")]);
        for (words, filter) in [("", "x"), ("all", ""), (" 3", "x")] {
            assert!(save(&mut views, words, &query(filter)).is_err(), "{words:?} {filter:?}");
        }
        assert!(drop_one(&mut views, "disk").unwrap_err().contains("did you mean \"disks\""));
        drop_one(&mut views, "disks").unwrap();
        assert_eq!(views.len(), 1);
    }

    #[test]
    fn the_file_is_read_as_it_was_written_and_mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config/views.toml");
        assert_eq!(load(&path).unwrap(), []);
        let views = vec![OwnView { name: "a \"b\"".into(), key: Some("2".into()), query: "{a=\"b\"} or x".into() }];
        keep(&path, &views).unwrap();
        assert_eq!(load(&path).unwrap(), views);
        for (text, says) in [
            ("[[view]]\nname = \"x\"\nquery = \"severty<=3\"\n", "did you mean `severity`"),
            ("[[view]]\nname = \"x\"\nkey = \"0\"\nquery = \"a\"\n", "from \"1\" to \"9\""),
            ("[[view]]\nname = \"x\"\nqery = \"a\"\n", "views.toml is no list of views"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", load(&path).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
