//! Where each program logs to, and how much.

use super::Globals;
use crate::config::Paths;
use crate::log::{self, BadLevel, DEFAULT_LEVEL, Rotating};
use crate::store::file;
use anyhow::Context as _;

/// Reads `--log-level`.
pub fn level(text: &str) -> Result<String, BadLevel> {
    log::check_level(text).map(|()| text.to_owned())
}

/// Logs to a file from now on: the screen, or standard output, is taken. What the person said now outdoes what they configured.
pub fn to_file(paths: &Paths, globals: &Globals, configured: Option<&str>) -> anyhow::Result<()> {
    file::private_dir(&paths.state)?;
    let log = Rotating::open(&paths.log()).with_context(|| format!("opening {}", paths.log().display()))?;
    Ok(log::to_file(log, chosen(globals, configured))?)
}

/// Logs to standard error from now on.
pub fn to_stderr(globals: &Globals) -> anyhow::Result<()> {
    Ok(log::to_stderr(chosen(globals, None))?)
}

fn chosen<'a>(globals: &'a Globals, configured: Option<&'a str>) -> &'a str {
    globals.log_level.as_deref().or(configured).unwrap_or(DEFAULT_LEVEL)
}
