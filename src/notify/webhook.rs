//! A POST to a provider: ntfy's form, or one JSON object.
//!
//! The URL stands in a file that only the hub's admin can write, so it is the list of allowed destinations; redirects are not followed, for
//! they would be somebody else's choice. Neither URL nor credentials are ever told.

use super::{Answer, ChannelError, Message, REPLY_KEPT, no_answer, read_url, said};
use crate::config::Format;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longest piece of a header that is one encoded word (RFC 2047: 75 with its frame), in bytes before encoding.
const WORD_BYTES_MAX: usize = 45;

/// One URL and the client for it.
pub struct Webhook {
    client: Client,
    url: Url,
}

impl Webhook {
    /// Reads the URL.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn read(url_file: &Path) -> Result<Self, ChannelError> {
        let url = read_url(url_file)?;
        Ok(Self { client: client(&url)?, url })
    }

    /// Makes one attempt.
    pub async fn send(&self, message: &Message, format: Format, timeout: Duration) -> Answer {
        let request = self.client.post(self.url.clone()).timeout(timeout);
        let request = match format {
            Format::Ntfy => request.headers(ntfy_headers(message)).body(message.text.clone()),
            Format::Json => request.headers(page_header(message)).json(message),
        };
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => refused(&error, timeout),
        }
    }

    /// Asks for the URL, for its side effect alone.
    ///
    /// # Errors
    /// What went wrong, in a few words.
    pub async fn touch(&self, timeout: Duration) -> Result<(), String> {
        match self.client.get(self.url.clone()).timeout(timeout).send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(response.status().to_string()),
            Err(error) => match refused(&error, timeout) {
                Answer::Later(why) | Answer::Never(why) => Err(why),
                Answer::Sent => Ok(()),
            },
        }
    }
}

/// Returns a client for one address: no proxy, no redirects, the system's authorities.
///
/// # Errors
/// [`ChannelError`].
pub fn client(url: &Url) -> Result<Client, ChannelError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ChannelError::Tls)?;
    let tls = match url.scheme() {
        "https" => builder.with_platform_verifier().map_err(ChannelError::Tls)?,
        // In the clear nobody is to be believed.
        _ => builder.with_root_certificates(rustls::RootCertStore::empty()),
    };
    Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("nightdesk/", env!("CARGO_PKG_VERSION")))
        // A connection that was kept may have died meanwhile, and a page would pay for finding out.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(ChannelError::Client)
}

fn page_header(message: &Message) -> HeaderMap {
    headers([("x-nightdesk-page", message.id.clone())])
}

fn ntfy_headers(message: &Message) -> HeaderMap {
    let severity = message.severity.as_deref().unwrap_or("unexamined");
    let mut headers = headers([
        ("x-nightdesk-page", message.id.clone()),
        ("title", header_text(&message.title)),
        ("priority", message.priority().to_string()),
        ("tags", format!("rotating_light,{severity}")),
    ]);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers
}

fn headers<const N: usize>(all: [(&'static str, String); N]) -> HeaderMap {
    let pair = |(name, value): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    };
    all.into_iter().filter_map(pair).collect()
}

/// Returns a text as a header can hold it: as it is when it is plain, else in RFC 2047's encoded words.
fn header_text(text: &str) -> String {
    use base64::Engine as _;
    let plain = text.chars().all(|c| matches!(c, ' '..='~')) && !text.contains("=?");
    if plain {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= WORD_BYTES_MAX => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let encode = |word: &String| format!("=?UTF-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(word));
    words.iter().map(encode).collect::<Vec<_>>().join(" ")
}

async fn answer(mut response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        return Answer::Sent;
    }
    let mut reply = Vec::new();
    while reply.len() < REPLY_KEPT
        && let Ok(Some(chunk)) = response.chunk().await
    {
        reply.extend_from_slice(&chunk);
    }
    reply.truncate(REPLY_KEPT);
    let text = format!("{status}{}", said(&reply));
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Answer::Later(text),
        status if status.is_server_error() => Answer::Later(text),
        status if status.is_redirection() => Answer::Never(format!("{status}: redirects are not followed")),
        _ => Answer::Never(text),
    }
}

/// Returns what a failed attempt means; the URL is a secret, so only the innermost cause is told.
fn refused(error: &reqwest::Error, timeout: Duration) -> Answer {
    if error.is_timeout() {
        return Answer::Later(no_answer(timeout));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_builder() {
        return Answer::Never("the URL cannot be asked for".to_owned());
    }
    Answer::Later(crate::domain::text::SafeText::line(&cause.to_string(), REPLY_KEPT).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_a_header_that_nobody_can_break() {
        assert_eq!(header_text("S2 12 api: down"), "S2 12 api: down");
        assert_eq!(header_text("磁盘"), "=?UTF-8?B?56OB55uY?=");
        assert!(header_text("=?UTF-8?B?56OB55uY?=").starts_with("=?UTF-8?B?PT9"), "what looks encoded is encoded");
        let long = header_text(&"磁\r\n".repeat(40));
        assert!(long.split(' ').all(|word| word.len() <= 75 && word.ends_with("?=")), "{long}");
        assert!(HeaderValue::from_str(&long).is_ok());
    }
}
