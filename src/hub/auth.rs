//! Who may do what: the socket of the same user, tokens, and nobody else.

use super::Hub;
use crate::config::Source;
use crate::domain::id::{SourceName, hex};
use crate::ingest::Format;
use crate::store::{Device, StoreError, file};
use crate::sync::device::random;
use anyhow::Context as _;
use axum::http::{HeaderMap, header};
use std::collections::HashMap;
use std::path::Path;

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The socket in the hub's private directory: the same user.
    Socket,
    /// A TCP connection: anybody on this machine.
    Tcp,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The user whose hub this is, over the socket or with the admin token.
    Admin,
    /// A console.
    Console(Device),
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It has no right to what it asks.
    NoRight,
    /// Nobody can say now: the store does not answer.
    Unavailable,
}

/// Returns a new token: a kind by which a scanner finds a leaked one, and 256 random bits.
pub fn new_token(kind: &str) -> String {
    format!("nd_{kind}_{}", hex(&random::<32>()))
}

/// Returns the hash under which a token is known; a plain one is enough for 256 random bits.
pub fn token_hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// Tokens that lie in files.
pub struct Tokens {
    admin: [u8; 32],
    /// Takes alerts for any source; the source is named after the format.
    ingest: [u8; 32],
    /// Takes alerts for one source.
    sources: HashMap<[u8; 32], SourceName>,
    open_ingest: bool,
}

impl Tokens {
    /// Reads the tokens; makes `ingest.token` and `admin.token` at the first start.
    pub fn prepare(data: &Path, sources: &[Source], open_ingest: bool) -> Result<Self, anyhow::Error> {
        let own = |name: &str, kind: &str| -> Result<[u8; 32], StoreError> {
            let path = data.join(name);
            if let Some(token) = file::read_secret(&path)?.filter(|token| !token.is_empty()) {
                return Ok(token_hash(&token));
            }
            let token = new_token(kind);
            file::write_private(&path, token.as_bytes())?;
            Ok(token_hash(&token))
        };
        let mut by_hash = HashMap::new();
        for source in sources {
            let token =
                file::read_secret(&source.token_file)?.filter(|token| token.len() >= 16).with_context(|| {
                    format!(
                        "source {}: {} must hold a token of 16 characters or more",
                        source.name,
                        source.token_file.display()
                    )
                })?;
            by_hash.insert(token_hash(&token), source.name.clone());
        }
        Ok(Self { admin: own("admin.token", "a")?, ingest: own("ingest.token", "i")?, sources: by_hash, open_ingest })
    }

    /// Returns the source that a request with these headers speaks for.
    ///
    /// # Errors
    /// [`Denied`] without a token that may send.
    pub fn source(&self, headers: &HeaderMap, format: Format) -> Result<SourceName, Denied> {
        let by_format = || SourceName::parse(format.default_source()).expect("the formats' names are names");
        match credentials(headers) {
            Some(token) => {
                let hash = token_hash(&token);
                if let Some(source) = self.sources.get(&hash) {
                    return Ok(source.clone());
                }
                if hash == self.ingest || hash == self.admin || self.open_ingest {
                    Ok(by_format())
                } else {
                    Err(Denied::NoRight)
                }
            }
            None if self.open_ingest => Ok(by_format()),
            None => Err(Denied::NoRight),
        }
    }
}

/// Returns who asks for what only consoles and their user may.
///
/// # Errors
/// [`Denied`] without the socket or a token.
pub async fn caller(hub: &Hub, via: Via, headers: &HeaderMap) -> Result<Caller, Denied> {
    let Some(token) = credentials(headers) else {
        return if via == Via::Socket { Ok(Caller::Admin) } else { Err(Denied::NoRight) };
    };
    let hash = token_hash(&token);
    if hash == hub.tokens.admin {
        return Ok(Caller::Admin);
    }
    match hub.store.device_by_token(hash).await {
        Ok(Some(device)) => Ok(Caller::Console(device)),
        Ok(None) if via == Via::Socket => Ok(Caller::Admin),
        Ok(None) => Err(Denied::NoRight),
        Err(error) => {
            super::fold::failed(hub, &error);
            Err(Denied::Unavailable)
        }
    }
}

/// Returns the token of a request: as Bearer, or as the password of basic authentication.
fn credentials(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = decode_base64(rest.trim())?;
    let (_, password) = decoded.split_once(':')?;
    Some(password.to_owned())
}

fn decode_base64(text: &str) -> Option<String> {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        credentials(&headers)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_a_password() {
        assert_eq!(token_of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token_of("basic cHJvbTpzM2NyZXQ6eA==").as_deref(), Some("s3cret:x"));
        assert_eq!(token_of("Digest abc"), None);
        assert_eq!(token_of("Basic !"), None);
    }

    #[test]
    fn tokens_are_made_once_and_name_the_source() {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("eu.token");
        file::write_private(&mine, b"0123456789abcdef").unwrap();
        let sources = [Source { name: SourceName::parse("prom-eu").unwrap(), token_file: mine }];
        let first = Tokens::prepare(dir.path(), &sources, false).unwrap();
        let again = Tokens::prepare(dir.path(), &sources, false).unwrap();
        assert_eq!(first.admin, again.admin);
        let mut headers = HeaderMap::new();
        assert_eq!(first.source(&headers, Format::AlertmanagerApi), Err(Denied::NoRight));
        headers.insert(header::AUTHORIZATION, "Bearer 0123456789abcdef".parse().unwrap());
        assert_eq!(first.source(&headers, Format::AlertmanagerApi).unwrap().as_str(), "prom-eu");
        let ingest = file::read_secret(&dir.path().join("ingest.token")).unwrap().unwrap();
        headers.insert(header::AUTHORIZATION, format!("Bearer {ingest}").parse().unwrap());
        assert_eq!(first.source(&headers, Format::AlertmanagerWebhook).unwrap().as_str(), "alertmanager");
    }
}
