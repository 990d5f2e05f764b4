//! Identities: newtypes, so that two of them cannot be swapped.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Returns the 16 bytes as 32 lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the bytes that hex digits stand for, or `None` when the text is not hex of exactly `N` bytes.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex_all(text)?.try_into().ok()
}

/// Returns the bytes that hex digits stand for, or `None` when the text is not hex.
pub fn unhex_all(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?)).collect()
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Returns the id made of these bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the 16 bytes of the id.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// One incident; a UUID version 7 minted by the hub.
    IncidentId
}
uuid_id! {
    /// One operation of a person; a UUID version 7 minted where the key was pressed. Survives re-issue, so it makes an operation happen once.
    OpId
}
uuid_id! {
    /// One incarnation of a console's database, not a machine: a copied database must become another node.
    NodeId
}

/// The small number people say aloud; minted by the hub in sequence, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(pub u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Longest name in bytes.
            pub const BYTES_MAX: usize = 64;

            /// Returns the name, or why it is none: 1 to 64 of `a-z A-Z 0-9 . _ @ -`.
            pub fn parse(raw: &str) -> Result<Self, NameError> {
                let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
                if raw.is_empty() || raw.len() > Self::BYTES_MAX || !raw.chars().all(allowed) {
                    return Err(NameError { what: $what, raw: raw.chars().take(Self::BYTES_MAX).collect() });
                }
                Ok(Self(raw.to_owned()))
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(raw: String) -> Result<Self, NameError> {
                Self::parse(&raw)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_id! {
    /// A system that sends alerts.
    SourceName, "source"
}
name_id! {
    /// A person.
    UserName, "user"
}

/// A name of a user or a source that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{raw:?} is not a {what} name: use 1 to 64 of a-z A-Z 0-9 . _ @ -")]
pub struct NameError {
    what: &'static str,
    raw: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_comes_back_as_the_same_bytes() {
        assert_eq!(unhex::<3>(&hex(&[0, 0xab, 0xff])), Some([0, 0xab, 0xff]));
        assert_eq!(unhex::<3>("00abfg"), None);
        assert_eq!(unhex::<3>("00ab"), None);
    }

    #[test]
    fn a_name_with_a_control_character_is_refused() {
        assert!(UserName::parse("mira").is_ok());
        assert!(UserName::parse("mi\x1bra").is_err());
        assert!(UserName::parse("").is_err());
    }
}
