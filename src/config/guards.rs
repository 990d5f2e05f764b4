//! How a console is kept from acting on what nobody meant.

use super::{ConfigError, parse_span, value_error};
use std::path::Path;
use std::time::Duration;

/// How long nobody presses a key until the first verb asks, when nothing else is said.
const ARM_AFTER_IDLE: Duration = Duration::from_secs(120);

/// Guards before a console's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// Every act is refused until the person allows them on the screen.
    pub readonly: bool,
    /// How long nobody presses a key until the first verb asks whether it is meant; `None` never.
    pub arm_after_idle: Option<Duration>,
    /// Keys come from a script, as fast as it likes: no burst of them is taken for a text.
    pub scripted: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self { readonly: false, arm_after_idle: Some(ARM_AFTER_IDLE), scripted: false }
    }
}

impl Guards {
    /// Returns what the lines of `config.toml` say.
    ///
    /// # Errors
    /// [`ConfigError::Value`] where the span is none.
    pub(super) fn resolve(path: &Path, readonly: Option<bool>, idle: Option<&str>) -> Result<Self, ConfigError> {
        let arm_after_idle = match idle {
            None => Some(ARM_AFTER_IDLE),
            Some("off") => None,
            Some(text) => match parse_span(text).filter(|span| !span.is_zero()) {
                Some(span) => Some(span),
                None => {
                    let why = format!("{text:?} is no span of time; write 2m, 30s or off");
                    return Err(value_error(path, "arm_after_idle", why));
                }
            },
        };
        Ok(Self { readonly: readonly.unwrap_or_default(), arm_after_idle, scripted: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(text: &str) -> Result<Option<Duration>, String> {
        let guards = Guards::resolve(Path::new("config.toml"), None, Some(text));
        guards.map(|guards| guards.arm_after_idle).map_err(|error| error.to_string())
    }

    #[test]
    fn the_pause_is_a_span_or_off() {
        assert_eq!(idle("30s"), Ok(Some(Duration::from_secs(30))));
        assert_eq!(idle("off"), Ok(None));
        for wrong in ["soon", "0s", "", "-2m"] {
            let error = format!("config.toml: arm_after_idle: {wrong:?} is no span of time; write 2m, 30s or off");
            assert_eq!(idle(wrong), Err(error));
        }
        assert_eq!(Guards::resolve(Path::new(""), None, None).unwrap(), Guards::default());
    }
}
