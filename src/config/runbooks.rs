//! Where runbooks come from: `runbooks = "path"` and `[runbook_urls]` of `hub.toml`.

use super::{ConfigError, value_error};
use crate::domain::runbook::RunbookName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Addresses by which `runbook_url` annotations name runbooks, most of them.
const PREFIXES_MAX: usize = 100;

/// A directory of runbooks, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runbooks {
    /// The directory.
    pub path: PathBuf,
    /// Of the beginning of an address, the directory within whose files it names: `https://runbooks.example/` to `alerts/`.
    prefixes: BTreeMap<String, String>,
}

impl Runbooks {
    /// Returns the addresses that name a runbook because of where its file lies.
    pub fn addresses(&self, name: &RunbookName) -> Vec<String> {
        let stem = [".md", ".markdown"].iter().find_map(|end| {
            let at = name.as_str().len().checked_sub(end.len())?;
            name.as_str().get(at..).filter(|rest| rest.eq_ignore_ascii_case(end)).map(|_| &name.as_str()[..at])
        });
        let stem = stem.unwrap_or(name.as_str());
        let named = |(url, dir): (&String, &String)| stem.strip_prefix(dir.as_str()).map(|rest| format!("{url}{rest}"));
        self.prefixes.iter().filter_map(named).collect()
    }
}

/// Checks what is written.
///
/// # Errors
/// [`ConfigError::Value`].
pub fn resolve(
    path: &Path,
    base: &Path,
    runbooks: Option<PathBuf>,
    urls: BTreeMap<String, String>,
) -> Result<Option<Runbooks>, ConfigError> {
    let Some(dir) = runbooks else {
        return match urls.is_empty() {
            true => Ok(None),
            false => Err(value_error(path, "runbook_urls", "without a directory of runbooks; add runbooks = \"path\"")),
        };
    };
    if dir.as_os_str().is_empty() {
        return Err(value_error(path, "runbooks", "is empty; write the path of a directory"));
    }
    if urls.len() > PREFIXES_MAX {
        return Err(value_error(path, "runbook_urls", format!("has more than {PREFIXES_MAX} lines")));
    }
    let mut prefixes = BTreeMap::new();
    for (url, within) in urls {
        let field = format!("runbook_urls.{url:?}");
        if !(url.starts_with("https://") || url.starts_with("http://")) || url.len() > 500 {
            return Err(value_error(
                path,
                &field,
                "is no address; write https://runbooks.example/alerts/ = \"alerts/\"",
            ));
        }
        let plain = within.trim_end_matches('/');
        if !plain.is_empty() && RunbookName::parse(plain).is_err() {
            let why =
                format!("{within:?} is no directory within the runbooks; write \"alerts/\", or \"\" for all of it");
            return Err(value_error(path, &field, why));
        }
        let within = if plain.is_empty() { String::new() } else { format!("{plain}/") };
        prefixes.insert(format!("{}/", url.trim_end_matches('/')), within);
    }
    Ok(Some(Runbooks { path: base.join(dir), prefixes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dir: &str, urls: &[(&str, &str)]) -> Result<Option<Runbooks>, String> {
        let urls = urls.iter().map(|(url, dir)| ((*url).to_owned(), (*dir).to_owned())).collect();
        let dir = (!dir.is_empty()).then(|| dir.into());
        resolve(Path::new("hub.toml"), Path::new("/etc/nightdesk"), dir, urls).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_name_files_by_where_they_lie() {
        let urls = [("https://runbooks.example/runbooks", "alerts"), ("https://wiki.example/", "")];
        let runbooks = read("books", &urls).unwrap().unwrap();
        assert_eq!(runbooks.path, Path::new("/etc/nightdesk/books"));
        let of = |name: &str| runbooks.addresses(&RunbookName::parse(name).unwrap());
        let both = ["https://runbooks.example/runbooks/node/Down", "https://wiki.example/alerts/node/Down"];
        assert_eq!(of("alerts/node/Down.md"), both);
        assert_eq!(of("other/x.MD"), ["https://wiki.example/other/x"]);
    }

    #[test]
    fn mistakes_name_the_place_and_the_way_out() {
        assert_eq!(read("", &[]), Ok(None));
        let said = |dir, urls: &[(&str, &str)]| read(dir, urls).unwrap_err();
        assert!(said("", &[("https://x/", "")]).contains("add runbooks = "));
        assert!(said("a", &[("ftp://x/", "")]).contains("is no address"));
        assert!(said("a", &[("https://x/", "../up")]).contains("is no directory within"));
    }
}
