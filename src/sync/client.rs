//! The console's way to a hub: a Unix socket of the same user, HTTP on this machine, or TLS with a pinned authority.

use super::enrolment::{Invitation, Invited, Join, Joined, Offer};
use super::roster::{ROSTER_BYTES_MAX, RosterError, SIGNATURE_HEADER, SignedRoster, VERSION_HEADER};
use super::tls::{self, Trust};
use super::wire::{
    DevicesAnswer, FeedAnswer, FeedQuery, Gone, HubCard, Introduction, Push, PushAnswer, Receipts, Revocation,
    RevokedAnswer, TIME_HEADER, Welcome,
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
    /// `https://host:port`, anywhere.
    Https(String),
}

/// A text that names no hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// In the clear, and not on this machine.
    #[error("{0}: a token would cross the network in the clear; write https://, as `nightdesk join` did")]
    NotLocal(String),
    /// Not a form that is known.
    #[error("{0:?} is no address of a hub; write https://HOST:7400, http://127.0.0.1:7400 or unix:/path/to/hub.sock")]
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
        let unknown = || AddressError::Unknown(text.to_owned());
        let authority = text.trim_end_matches('/');
        let url = reqwest::Url::parse(authority).map_err(|_| unknown())?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(unknown());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(unknown());
        }
        if url.scheme() == "https" {
            return Ok(Self::Https(authority.to_owned()));
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !local {
            return Err(AddressError::NotLocal(text.to_owned()));
        }
        Ok(Self::Http(authority.to_owned()))
    }
}

impl std::fmt::Display for HubAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Http(base) | Self::Https(base) => f.write_str(base),
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
    #[error("revoked or unknown at the hub; ask its admin for a code, then run `nightdesk join`")]
    Denied,
    /// No hub was joined at that address.
    #[error(
        "{0} was never joined from here; ask its admin for a code (`nightdesk enrol NAME`), then run `nightdesk join`"
    )]
    NotJoined(HubAddress),
    /// The certificate there is not vouched for by whom this console pinned.
    #[error(
        "{address} shows a certificate that is not the joined hub's ({why}): somebody is in between, or the hub was made anew; \
         nothing was sent. If its admin says that it is new, ask for a code and run `nightdesk join`"
    )]
    NotTheHub {
        /// Where.
        address: HubAddress,
        /// What is wrong with it.
        why: String,
    },
    /// The roster is not the hub's.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The encryption could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
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

/// What the hub says beside the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its time.
    pub time: Option<Timestamp>,
    /// The version of its roster.
    pub roster: Option<u64>,
}

/// What a look at a hub found.
#[derive(Debug)]
pub struct Seen {
    /// Who it is.
    pub card: HubCard,
    /// Its time, to the second.
    pub time: Option<Timestamp>,
    /// The certificate that it showed, DER, where TLS is spoken.
    pub certificate: Option<Vec<u8>>,
}

/// A client of one hub.
#[derive(Clone)]
pub struct HubClient {
    http: reqwest::Client,
    address: HubAddress,
    base: String,
}

impl HubClient {
    /// Returns a client for the hub at that address; over TLS, for the hub for which `trust` vouches.
    ///
    /// # Errors
    /// [`ClientError::NotJoined`] for an address over TLS without anybody to vouch; [`ClientError::Client`], [`ClientError::Tls`].
    pub fn new(address: HubAddress, trust: Option<&Trust>) -> Result<Self, ClientError> {
        let config = match (&address, trust) {
            (HubAddress::Https(_), Some(trust)) => tls::client(trust),
            (HubAddress::Https(_), None) => return Err(ClientError::NotJoined(address)),
            (HubAddress::Unix(_) | HubAddress::Http(_), _) => tls::nobody(),
        };
        Self::with_config(address, config.map_err(ClientError::Tls)?)
    }

    /// Returns a client that meets servers in this way.
    ///
    /// # Errors
    /// [`ClientError::Client`].
    pub fn with_config(address: HubAddress, config: rustls::ClientConfig) -> Result<Self, ClientError> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .tls_info(true);
        let (builder, base) = match &address {
            HubAddress::Unix(path) => (builder.unix_socket(path.clone()), "http://nightdesk".to_owned()),
            HubAddress::Http(base) => (builder, base.clone()),
            HubAddress::Https(base) => (builder.https_only(true), base.clone()),
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

    /// Asks who the hub is, and notes what else its answer tells.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn look(&self, token: Option<&str>) -> Result<Seen, ClientError> {
        let request = self.http.get(format!("{}/v1/hub", self.base)).timeout(ANSWER_WITHIN);
        let response = self.send(request, token).await?;
        let date = header(&response, "date").and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
        let time = date.map(|date| Timestamp::from_millis(date.timestamp().as_millisecond()));
        let shown = response.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = shown.and_then(|info| info.peer_certificate()).map(<[u8]>::to_vec);
        Ok(Seen { card: self.read(response).await?, time, certificate })
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

    /// Asks what a code is for.
    ///
    /// # Errors
    /// [`ClientError::Denied`] for a code that was used, ran out or never was.
    pub async fn offer(&self, secret: &str) -> Result<Offer, ClientError> {
        let request = self.http.get(format!("{}/v1/join", self.base)).timeout(ANSWER_WITHIN);
        self.read(self.send(request, Some(secret)).await?).await
    }

    /// Uses a code up.
    ///
    /// # Errors
    /// As [`HubClient::offer`].
    pub async fn join(&self, secret: &str, join: &Join) -> Result<Joined, ClientError> {
        let request = self.http.post(format!("{}/v1/join", self.base)).timeout(ANSWER_WITHIN).json(join);
        self.read(self.send(request, Some(secret)).await?).await
    }

    /// Asks for a code.
    ///
    /// # Errors
    /// [`ClientError`]; 403 without the rights of an administrator.
    pub async fn invite(&self, invitation: &Invitation, token: Option<&str>) -> Result<Invited, ClientError> {
        let request = self.http.post(format!("{}/v1/enrolments", self.base)).timeout(ANSWER_WITHIN).json(invitation);
        self.read(self.send(request, token).await?).await
    }

    /// Returns the devices and viewers that the hub knows.
    ///
    /// # Errors
    /// As [`HubClient::invite`].
    pub async fn devices(&self, token: Option<&str>) -> Result<DevicesAnswer, ClientError> {
        let request = self.http.get(format!("{}/v1/devices", self.base)).timeout(ANSWER_WITHIN);
        self.read(self.send(request, token).await?).await
    }

    /// Revokes a person or a device.
    ///
    /// # Errors
    /// As [`HubClient::invite`].
    pub async fn revoke(&self, revocation: &Revocation, token: Option<&str>) -> Result<RevokedAnswer, ClientError> {
        let request = self.http.post(format!("{}/v1/revocations", self.base)).timeout(ANSWER_WITHIN).json(revocation);
        self.read(self.send(request, token).await?).await
    }

    /// Tells of a change, and returns what the hub took.
    ///
    /// # Errors
    /// [`ClientError`]; 400 says what is wrong with it.
    pub async fn change(
        &self,
        change: &serde_json::Value,
        token: Option<&str>,
    ) -> Result<serde_json::Value, ClientError> {
        let request = self.http.post(format!("{}/v1/in/change", self.base)).timeout(ANSWER_WITHIN).json(change);
        self.read(self.send(request, token).await?).await
    }

    /// Makes a claim; returns it as the hub has it.
    ///
    /// # Errors
    /// [`ClientError`]; 400 says what is wrong with it.
    pub async fn claim(
        &self,
        wanted: &serde_json::Value,
        token: Option<&str>,
    ) -> Result<serde_json::Value, ClientError> {
        let request = self.http.post(format!("{}/v1/claims", self.base)).timeout(ANSWER_WITHIN).json(wanted);
        self.read(self.send(request, token).await?).await
    }

    /// Ends the claim whose id begins so; returns it.
    ///
    /// # Errors
    /// [`ClientError`]; 404 where it names none, or several.
    pub async fn end_claim(&self, id: &str, token: Option<&str>) -> Result<serde_json::Value, ClientError> {
        let mut url = self.base.clone();
        url.push_str("/v1/claims/");
        url.extend(id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-'));
        let request = self.http.delete(url).timeout(ANSWER_WITHIN);
        self.read(self.send(request, token).await?).await
    }

    /// Returns the roster that the hub with this key (hex) signed.
    ///
    /// # Errors
    /// [`ClientError::Roster`] when it did not.
    pub async fn roster(&self, hub_key: &str, token: Option<&str>) -> Result<SignedRoster, ClientError> {
        let request = self.http.get(format!("{}/v1/roster", self.base)).timeout(ANSWER_WITHIN);
        let mut response = self.accept(self.send(request, token).await?).await?;
        let signature = header(&response, SIGNATURE_HEADER).unwrap_or_default();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(ClientError::Unreadable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ROSTER_BYTES_MAX {
                return Err(RosterError::TooLong(bytes.len()).into());
            }
        }
        Ok(SignedRoster::read(bytes, &signature, hub_key)?)
    }

    /// Asks for changes; also returns the hub's time and the roster's version.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn feed(&self, query: &FeedQuery, token: Option<&str>) -> Result<(Pulled, Told), ClientError> {
        let limit = Duration::from_secs(query.wait) + ANSWER_WITHIN;
        let FeedQuery { epoch, after, wait, node, peers } = query;
        let url = format!("{}/v1/feed?epoch={epoch}&after={after}&wait={wait}&node={node}&peers={peers}", self.base);
        let response = self.send(self.http.get(url).timeout(limit), token).await?;
        let told = Told {
            time: header(&response, TIME_HEADER).and_then(|value| value.parse().ok()).map(Timestamp::from_millis),
            roster: header(&response, VERSION_HEADER).and_then(|value| value.parse().ok()),
        };
        if response.status() == StatusCode::GONE {
            let gone: Gone = response.json().await.map_err(ClientError::Unreadable)?;
            return Ok((Pulled::Gone(gone.epoch), told));
        }
        let answer: FeedAnswer = self.read(response).await?;
        Ok((Pulled::Page(answer.into()), told))
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

    /// Makes a silence, as Alertmanager's API has it; returns its id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn add_silence(&self, body: &serde_json::Value, token: Option<&str>) -> Result<String, ClientError> {
        let request = self.http.post(format!("{}/api/v2/silences", self.base)).timeout(ANSWER_WITHIN).json(body);
        let answer: serde_json::Value = self.read(self.send(request, token).await?).await?;
        Ok(answer["silenceID"].as_str().unwrap_or_default().to_owned())
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn end_silence(&self, id: &str, token: Option<&str>) -> Result<(), ClientError> {
        let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let request = self.http.delete(format!("{}/api/v2/silence/{id}", self.base)).timeout(ANSWER_WITHIN);
        self.accept(self.send(request, token).await?).await.map(drop)
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
            let address = self.address.clone();
            match certificate_error(&error) {
                Some(why) => ClientError::NotTheHub { address, why },
                None => ClientError::Unreachable { address, why: root_cause(&error) },
            }
        })
    }

    async fn accept(&self, response: Response) -> Result<Response, ClientError> {
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(ClientError::Denied);
        }
        if !status.is_success() {
            let text: String = response.text().await.unwrap_or_default().chars().take(200).collect();
            return Err(ClientError::Refused { status: status.as_u16(), text: text.trim().to_owned() });
        }
        Ok(response)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        self.accept(response).await?.json().await.map_err(|error| {
            if error.is_timeout() { ClientError::Slow(self.address.clone()) } else { ClientError::Unreadable(error) }
        })
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

/// Returns what is wrong with the server's certificate, if that is why the attempt failed.
fn certificate_error(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(why)) => return Some(why.to_string()),
            Some(rustls::Error::NoCertificatesPresented) => return Some("none".to_owned()),
            Some(_) | None => {}
        }
        // An I/O error carries another inside, and names as its source the source of that one.
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = inside.map(|inside| inside as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
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
        for good in [
            "http://127.0.0.1:7400",
            "http://localhost:7400/",
            "http://[::1]:7400",
            "unix:/tmp/hub.sock",
            "https://10.0.0.1:7400",
            "https://[fd00::2]:7400/",
        ] {
            assert!(HubAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1:7400",
            "https://127.0.0.1/x",
            "https://u:p@127.0.0.1",
            "https://127.0.0.1?x=1",
            "ftp://127.0.0.1",
            "127.0.0.1:7400",
            "http://u@127.0.0.1",
            "http://127.0.0.1/x",
            "",
        ] {
            assert!(HubAddress::parse(bad).is_err(), "{bad}");
        }
    }
}
