//! The console's way to a hub: a Unix socket of the same user, or HTTP on this machine.

use super::wire::{
    FeedAnswer, FeedQuery, Gone, HubCard, Introduction, Push, PushAnswer, Receipts, TIME_HEADER, Welcome,
};
use crate::domain::envelope::SignedOp;
use crate::domain::id::hex;
use crate::domain::time::Timestamp;
use crate::store::FeedPage;
use reqwest::{Response, StatusCode};
use std::path::PathBuf;
use std::time::Duration;

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may take beyond the wait that was asked for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where a hub is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubAddress {
    /// A socket in the hub's directory.
    Unix(PathBuf),
    /// `http://host:port`, loopback.
    Http(String),
}

/// A text that names no hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Encryption is not there yet.
    #[error("{0}: this version has no TLS yet; run `ssh -L 7400:127.0.0.1:7400 HOST` and use http://127.0.0.1:7400")]
    NotLocal(String),
    /// Not a form that is known.
    #[error("{0:?} is no address of a hub; write http://127.0.0.1:7400 or unix:/path/to/hub.sock")]
    Unknown(String),
}

impl HubAddress {
    /// Returns the address that the text names.
    ///
    /// # Errors
    /// [`AddressError`]; a token would cross the network in the clear on any other than loopback.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        if text.starts_with("https://") {
            return Err(AddressError::NotLocal(text.to_owned()));
        }
        let rest = text.strip_prefix("http://").ok_or_else(|| AddressError::Unknown(text.to_owned()))?;
        let authority = rest.trim_end_matches('/');
        let url =
            reqwest::Url::parse(&format!("http://{authority}")).map_err(|_| AddressError::Unknown(text.to_owned()))?;
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !local {
            return Err(AddressError::NotLocal(text.to_owned()));
        }
        if url.path() != "/" || !url.username().is_empty() {
            return Err(AddressError::Unknown(text.to_owned()));
        }
        Ok(Self::Http(format!("http://{authority}")))
    }
}

impl std::fmt::Display for HubAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Http(base) => f.write_str(base),
        }
    }
}

/// Why the hub did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing answers there.
    #[error("no hub answers at {address}: {why}")]
    Unreachable {
        /// Where.
        address: HubAddress,
        /// What the attempt said.
        why: String,
    },
    /// It took too long.
    #[error("the hub at {0} does not answer in time")]
    Slow(HubAddress),
    /// The hub does not know this console.
    #[error("the hub does not accept this console's token")]
    Denied,
    /// The hub answered with an error.
    #[error("the hub answered {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        text: String,
    },
    /// The answer is none of this protocol.
    #[error("the hub's answer cannot be read")]
    Unreadable(#[source] reqwest::Error),
    /// The client could not be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
}

/// What the feed answered.
#[derive(Debug)]
pub enum Pulled {
    /// Changes, or none within the wait.
    Page(FeedPage),
    /// The cursor is of another history.
    Gone(String),
}

/// A client of one hub.
#[derive(Clone)]
pub struct HubClient {
    http: reqwest::Client,
    address: HubAddress,
    base: String,
}

impl HubClient {
    /// Returns a client for the hub at that address.
    ///
    /// # Errors
    /// [`ClientError::Client`].
    pub fn new(address: HubAddress) -> Result<Self, ClientError> {
        // Nothing is encrypted on this machine, but the client wants to know how it would be.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none());
        let (builder, base) = match &address {
            HubAddress::Unix(path) => (builder.unix_socket(path.clone()), "http://nightdesk".to_owned()),
            HubAddress::Http(base) => (builder, base.clone()),
        };
        Ok(Self { http: builder.build().map_err(ClientError::Client)?, address, base })
    }

    /// Returns where the hub is.
    pub fn address(&self) -> &HubAddress {
        &self.address
    }

    /// Asks who the hub is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn card(&self, token: Option<&str>) -> Result<HubCard, ClientError> {
        let request = self.http.get(format!("{}/v1/hub", self.base)).timeout(ANSWER_WITHIN);
        self.read(self.send(request, token).await?).await
    }

    /// Introduces this console and returns its token.
    ///
    /// # Errors
    /// [`ClientError::Denied`] without the socket or the admin token.
    pub async fn introduce(&self, introduction: &Introduction, token: Option<&str>) -> Result<String, ClientError> {
        let request = self.http.post(format!("{}/v1/consoles", self.base)).timeout(ANSWER_WITHIN).json(introduction);
        let welcome: Welcome = self.read(self.send(request, token).await?).await?;
        Ok(welcome.token)
    }

    /// Asks for changes; also returns the hub's time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn feed(
        &self,
        query: &FeedQuery,
        token: Option<&str>,
    ) -> Result<(Pulled, Option<Timestamp>), ClientError> {
        let limit = Duration::from_secs(query.wait) + ANSWER_WITHIN;
        let FeedQuery { epoch, after, wait, node } = query;
        let url = format!("{}/v1/feed?epoch={epoch}&after={after}&wait={wait}&node={node}", self.base);
        let response = self.send(self.http.get(url).timeout(limit), token).await?;
        let time = response
            .headers()
            .get(TIME_HEADER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Timestamp::from_millis);
        if response.status() == StatusCode::GONE {
            let gone: Gone = response.json().await.map_err(ClientError::Unreadable)?;
            return Ok((Pulled::Gone(gone.epoch), time));
        }
        let answer: FeedAnswer = self.read(response).await?;
        Ok((Pulled::Page(answer.into()), time))
    }

    /// Pushes operations.
    ///
    /// # Errors
    /// [`ClientError`]; they may be pushed again.
    pub async fn push(&self, ops: &[SignedOp], token: Option<&str>) -> Result<PushAnswer, ClientError> {
        let push = Push { ops: ops.iter().map(|op| hex(&op.bytes)).collect() };
        let request = self.http.post(format!("{}/v1/ops", self.base)).timeout(ANSWER_WITHIN).json(&push);
        self.read(self.send(request, token).await?).await
    }

    /// Says which pages this console has, and which its person saw.
    ///
    /// # Errors
    /// [`ClientError`]; they may be said again.
    pub async fn receipts(&self, receipts: &Receipts, token: Option<&str>) -> Result<(), ClientError> {
        let request = self.http.post(format!("{}/v1/pages/receipts", self.base)).timeout(ANSWER_WITHIN).json(receipts);
        let response = self.send(request, token).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => Err(ClientError::Denied),
            status if status.is_success() => Ok(()),
            status => Err(ClientError::Refused { status: status.as_u16(), text: "receipts".to_owned() }),
        }
    }

    /// Returns what could not be taken, as the hub's JSON.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn quarantine(&self, token: Option<&str>) -> Result<Vec<serde_json::Value>, ClientError> {
        let request = self.http.get(format!("{}/v1/quarantine", self.base)).timeout(ANSWER_WITHIN);
        self.read(self.send(request, token).await?).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, token: Option<&str>) -> Result<Response, ClientError> {
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.map_err(|error| {
            if error.is_timeout() && !error.is_connect() {
                return ClientError::Slow(self.address.clone());
            }
            ClientError::Unreachable { address: self.address.clone(), why: root_cause(&error) }
        })
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(ClientError::Denied);
        }
        if !status.is_success() {
            let text: String = response.text().await.unwrap_or_default().chars().take(200).collect();
            return Err(ClientError::Refused { status: status.as_u16(), text: text.trim().to_owned() });
        }
        response.json().await.map_err(|error| {
            if error.is_timeout() { ClientError::Slow(self.address.clone()) } else { ClientError::Unreadable(error) }
        })
    }
}

/// Returns the innermost cause: "Connection refused", not "error sending request for url".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for good in ["http://127.0.0.1:7400", "http://localhost:7400/", "http://[::1]:7400", "unix:/tmp/hub.sock"] {
            assert!(HubAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1:7400",
            "https://127.0.0.1",
            "127.0.0.1:7400",
            "http://u@127.0.0.1",
            "http://127.0.0.1/x",
            "",
        ] {
            assert!(HubAddress::parse(bad).is_err(), "{bad}");
        }
    }
}
