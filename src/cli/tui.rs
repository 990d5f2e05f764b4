//! t
use super::{Exit, Globals};
pub fn run(_globals: &Globals) -> anyhow::Result<Exit> {
    Ok(Exit::Confirmed)
}
