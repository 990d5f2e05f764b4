//! Databases: whole, ours, and of a layout that this program knows.

use super::{Finding, Scene};
use crate::store::health::{Database, Health, examine};
use std::path::{Path, PathBuf};

/// Most mirrors that are looked at.
const MIRRORS_MAX: usize = 20;

/// Looks at every mirror, and at this user's own hub.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let mut found: Vec<Finding> = mirrors(&scene.paths.data)
        .iter()
        .take(MIRRORS_MAX)
        .map(|path| judged("data.mirror", path, examine(path, Database::Mirror).map_err(|error| super::chain(&error))))
        .collect();
    let hub = scene.paths.hub().join("hub.db");
    if hub.exists() {
        found.push(judged("data.hub", &hub, examine(&hub, Database::Hub).map_err(|error| super::chain(&error))));
    }
    if found.is_empty() {
        found.push(Finding::note("data", "no database yet"));
    }
    found
}

/// Returns the files of mirrors.
pub(super) fn mirrors(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(data) else { return Vec::new() };
    let is_mirror = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("mirror-") && name.ends_with(".db")
    };
    let mut mirrors: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_mirror).collect();
    mirrors.sort();
    mirrors
}

fn judged(check: &str, path: &Path, health: Result<Health, String>) -> Finding {
    let shown = path.display();
    let way = match check {
        "data.hub" => "stop the hub and restore hub.db from a backup".to_owned(),
        _ => format!("stop the console and move {shown} away: it is fetched anew, but what waited in it is lost"),
    };
    match health {
        Err(error) => Finding::broken(check, format!("{shown}: {error}"), way),
        Ok(health) if !health.ours => {
            let remedy = "move it away, or choose another directory with NIGHTDESK_HOME";
            Finding::broken(check, format!("{shown} belongs to another program"), remedy)
        }
        Ok(health) if !health.damage.is_empty() => {
            Finding::broken(check, format!("{shown} is damaged: {}", health.damage.join("; ")), way)
        }
        Ok(Health { version, known, .. }) if version > known => {
            let says = format!("{shown} has schema {version}, and this program knows {known}");
            Finding::broken(check, says, "run the newer nightdesk")
        }
        Ok(Health { version, .. }) => Finding::good(check, format!("{shown}: whole, schema {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn what_is_damaged_foreign_or_newer_is_broken() {
        let good = Health { version: 1, known: 1, ours: true, damage: Vec::new() };
        let status = |health| judged("data.mirror", Path::new("/x.db"), health).status;
        assert_eq!(status(Ok(good.clone())), Status::Good);
        assert_eq!(status(Ok(Health { ours: false, ..good.clone() })), Status::Broken);
        assert_eq!(status(Ok(Health { version: 2, ..good.clone() })), Status::Broken);
        assert_eq!(status(Ok(Health { damage: vec!["page 3".into()], ..good })), Status::Broken);
        assert_eq!(status(Err("unreadable".into())), Status::Broken);
    }
}
