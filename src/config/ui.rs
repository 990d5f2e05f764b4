//! How the console looks.

use serde::Deserialize;

/// How many colours the console uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Colors {
    /// As many as `NO_COLOR`, `COLORTERM` and `TERM` promise.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Any.
    #[serde(rename = "truecolor")]
    Truecolor,
    /// 256.
    #[serde(rename = "256")]
    Indexed,
    /// 16.
    #[serde(rename = "16")]
    Ansi,
    /// None.
    #[serde(rename = "none")]
    None,
}

/// How the console looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The theme, and the line of `config.toml` that names it.
    pub theme: Option<(String, usize)>,
    /// How many colours.
    pub colors: Colors,
    /// Nothing but ASCII is written, whatever the locale says.
    pub ascii: bool,
}
