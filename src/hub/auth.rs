//! Who may do what: the socket of the same user, tokens, and nobody else.

use super::Hub;
use crate::config::Source;
use crate::domain::id::{NodeId, SourceName, UserName};
use crate::domain::scope::{Right, Scope};
use crate::ingest::Format;
use crate::store::devices::{Bearer, NewToken};
use crate::store::{Device, StoreError, file};
use crate::sync::clock;
use crate::sync::token::{self, Token};
use anyhow::Context as _;
use axum::http::{HeaderMap, header};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// How often the use of a token is written down.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The socket in the hub's private directory: the same user.
    Socket,
    /// A TCP connection in the clear: anybody on this machine.
    Tcp,
    /// TLS: anybody, from that address. The files' tokens of the administrator and the open door are for this machine alone.
    Tls(IpAddr),
}

impl Via {
    fn is_here(self) -> bool {
        !matches!(self, Self::Tls(_))
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The user whose hub this is, over the socket or with the admin token.
    Admin,
    /// A console.
    Console(Device),
    /// Who looks and does nothing.
    Viewer {
        /// The person.
        user: UserName,
        /// The database.
        node: NodeId,
    },
    /// A source.
    Source,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nobody knows who asks.
    NoRight,
    /// It is known who asks, and they have no right to this.
    Forbidden,
    /// Nobody can say now: the store does not answer.
    Unavailable,
}

/// Tokens that lie in files.
pub struct Tokens {
    admin: [u8; 32],
    /// Takes alerts for any source; the source is named after the format.
    ingest: [u8; 32],
    /// Takes alerts for one source.
    sources: Vec<([u8; 32], SourceName)>,
    open_ingest: bool,
}

impl Tokens {
    /// Reads the tokens; makes `ingest.token` and `admin.token` at the first start.
    pub fn prepare(data: &Path, sources: &[Source], open_ingest: bool) -> Result<Self, anyhow::Error> {
        let own = |name: &str, scope: Scope| -> Result<[u8; 32], StoreError> {
            let path = data.join(name);
            if let Some(text) = file::read_secret(&path)?.filter(|text| !text.is_empty()) {
                return Ok(token::hash(&text));
            }
            let token = Token::new(scope);
            file::write_private(&path, token.text.as_bytes())?;
            Ok(token.hash())
        };
        let mut by_hash = Vec::with_capacity(sources.len());
        for source in sources {
            let Some(path) = &source.token_file else { continue };
            let text = file::read_secret(path)?.filter(|text| text.len() >= 16).with_context(|| {
                format!("source {}: {} must hold a token of 16 characters or more", source.name, path.display())
            })?;
            by_hash.push((token::hash(&text), source.name.clone()));
        }
        Ok(Self {
            admin: own("admin.token", Scope::Admin)?,
            ingest: own("ingest.token", Scope::Ingest)?,
            sources: by_hash,
            open_ingest,
        })
    }

    /// Returns the source that a request with these headers speaks for.
    ///
    /// # Errors
    /// [`Denied`] without a token that may send.
    pub fn source(&self, headers: &HeaderMap, via: Via, format: Format) -> Result<SourceName, Denied> {
        let by_format = || SourceName::parse(format.default_source()).expect("the formats' names are names");
        let hash = credentials(headers).map(|text| token::hash(&text));
        match hash.and_then(|hash| self.scope(&hash, via)) {
            Some((scope, _)) if !scope.allows(Right::Send) => Err(Denied::Forbidden),
            Some((_, named)) => Ok(named.cloned().unwrap_or_else(by_format)),
            None if self.open_ingest && via.is_here() => Ok(by_format()),
            None => Err(Denied::NoRight),
        }
    }

    /// Returns whether a request with these headers may ping in that name: with the source's token, or one for all sources.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn may_ping(&self, headers: &HeaderMap, via: Via, name: Option<&SourceName>) -> Result<(), Denied> {
        let hash = credentials(headers).map(|text| token::hash(&text));
        match hash.and_then(|hash| self.scope(&hash, via)) {
            Some((scope, _)) if !scope.allows(Right::Send) => Err(Denied::Forbidden),
            Some((_, Some(own))) if Some(own) != name => Err(Denied::Forbidden),
            Some(_) => Ok(()),
            None if self.is_open(via) => Ok(()),
            None => Err(Denied::NoRight),
        }
    }

    /// Returns the source whose own token the headers hold.
    pub fn named(&self, headers: &HeaderMap, via: Via) -> Option<SourceName> {
        self.scope(&token::hash(&credentials(headers)?), via)?.1.cloned()
    }

    /// Returns whether whoever comes that way may send without a token.
    pub fn is_open(&self, via: Via) -> bool {
        self.open_ingest && via.is_here()
    }

    /// Returns the scope of a token that lies in a file, and whose it is. Looks at all of them, so that time tells nothing.
    fn scope(&self, hash: &[u8; 32], via: Via) -> Option<(Scope, Option<&SourceName>)> {
        let mut found = None;
        for (known, name) in &self.sources {
            if token::same(known, hash) {
                found = Some((Scope::Ingest, Some(name)));
            }
        }
        if token::same(&self.ingest, hash) {
            found = Some((Scope::Ingest, None));
        }
        if token::same(&self.admin, hash) && via.is_here() {
            found = Some((Scope::Admin, None));
        }
        found
    }
}

/// Returns who asks, if they have the right.
///
/// # Errors
/// [`Denied`] without the socket or a token that has it.
pub async fn caller(hub: &Hub, via: Via, headers: &HeaderMap, right: Right) -> Result<Caller, Denied> {
    let by_socket = if via == Via::Socket { Ok(Caller::Admin) } else { Err(Denied::NoRight) };
    let Some(text) = credentials(headers) else { return by_socket };
    let hash = token::hash(&text);
    let (scope, caller) = match hub.tokens.scope(&hash, via) {
        Some((Scope::Admin, _)) => (Scope::Admin, Caller::Admin),
        // To all but what it is for, a source is nobody.
        Some((scope, _)) if !scope.allows(right) => return Err(Denied::NoRight),
        Some((scope, _)) => (scope, Caller::Source),
        None => match bearer(hub, &text, &hash).await? {
            Some(bearer) => (bearer.token.scope, who(bearer)?),
            None => return by_socket,
        },
    };
    if scope.allows(right) { Ok(caller) } else { Err(Denied::Forbidden) }
}

fn who(bearer: Bearer) -> Result<Caller, Denied> {
    let Bearer { token, user, node, public_key, .. } = bearer;
    match (token.scope, public_key) {
        (Scope::Console, Some(public_key)) => Ok(Caller::Console(Device { node, user, public_key })),
        (Scope::Viewer, _) => Ok(Caller::Viewer { user, node }),
        _ => Err(Denied::NoRight),
    }
}

/// Returns what the store knows of a token that is the right one and lives.
async fn bearer(hub: &Hub, text: &str, hash: &[u8; 32]) -> Result<Option<Bearer>, Denied> {
    // What is no token of ours is known as such without the disk.
    let Some((_, id)) = token::read(text) else { return Ok(None) };
    let found = hub.store.bearer(id.to_owned()).await.map_err(|error| {
        super::fold::failed(hub, &error);
        Denied::Unavailable
    })?;
    let now = clock::now();
    let Some(found) = found.filter(|found| token::same(&found.token.hash, hash) && lives(found, now)) else {
        return Ok(None);
    };
    if now.since(found.last_used_at) > USE_NOTED_EVERY
        && let Err(error) = hub.store.used(found.token.id.clone(), now).await
    {
        // A full disk must not lock people out.
        super::fold::failed(hub, &error);
    }
    Ok(Some(found))
}

fn lives(bearer: &Bearer, now: crate::domain::time::Timestamp) -> bool {
    let NewToken { scope, created_at, .. } = bearer.token;
    scope.token_ends_at(created_at, bearer.last_used_at).is_none_or(|end| now < end)
}

/// Returns the token of a request: as Bearer, or as the password of basic authentication.
pub(super) fn credentials(headers: &HeaderMap) -> Option<String> {
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
        let sources = [Source {
            name: SourceName::parse("prom-eu").unwrap(),
            token_file: Some(mine),
            expected: None,
            heartbeat: None,
        }];
        let first = Tokens::prepare(dir.path(), &sources, false).unwrap();
        let again = Tokens::prepare(dir.path(), &sources, false).unwrap();
        assert_eq!(first.admin, again.admin);
        let mut headers = HeaderMap::new();
        assert_eq!(first.source(&headers, Via::Tcp, Format::AlertmanagerApi), Err(Denied::NoRight));
        headers.insert(header::AUTHORIZATION, "Bearer 0123456789abcdef".parse().unwrap());
        assert_eq!(first.source(&headers, Via::Tcp, Format::AlertmanagerApi).unwrap().as_str(), "prom-eu");
        let ingest = file::read_secret(&dir.path().join("ingest.token")).unwrap().unwrap();
        headers.insert(header::AUTHORIZATION, format!("Bearer {ingest}").parse().unwrap());
        assert_eq!(first.source(&headers, Via::Tcp, Format::AlertmanagerWebhook).unwrap().as_str(), "alertmanager");
    }
}
