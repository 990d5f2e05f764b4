//! Whom a console believes: the one authority that it pinned at enrolment. There is no way to believe everybody.

use crate::domain::id::{hex, unhex_all};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// Who vouches for a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// This authority's certificate and no other: the hub's own.
    Authority(CertificateDer<'static>),
    /// The authorities that this system trusts: the hub has a public certificate.
    Public,
}

/// The SHA-256 of a certificate.
pub type Fingerprint = [u8; 32];

impl Trust {
    /// Returns it as text: `public`, or the certificate as hex.
    pub fn to_text(&self) -> String {
        match self {
            Self::Authority(certificate) => hex(certificate),
            Self::Public => "public".to_owned(),
        }
    }

    /// Returns what [`Trust::to_text`] made that text of.
    pub fn of_text(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            hex => Some(Self::Authority(unhex_all(hex).filter(|bytes| !bytes.is_empty())?.into())),
        }
    }
}

/// Returns the fingerprint of a certificate.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> Fingerprint {
    Sha256::digest(certificate).into()
}

/// Returns the cryptography that all of this program's TLS uses.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Returns how a client meets a server for which this vouches. TLS 1.3 alone.
///
/// # Errors
/// When the pinned certificate is none, or this system has no authorities.
pub fn client(trust: &Trust) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    let builder = match trust {
        Trust::Authority(certificate) => builder.with_root_certificates(only(certificate)?),
        Trust::Public => builder.with_platform_verifier()?,
    };
    Ok(builder.with_no_client_auth())
}

/// Returns how a client speaks in the clear: its encryption believes nobody.
pub fn nobody() -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn only(certificate: &CertificateDer<'static>) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    Ok(roots)
}

/// Returns how a client meets a hub of which it knows the authority's fingerprint alone, and where the authority's certificate is
/// found after a handshake that held.
///
/// # Errors
/// When the cryptography refuses TLS 1.3.
pub fn first_meeting(expected: Fingerprint) -> Result<(ClientConfig, Arc<ByFingerprint>), rustls::Error> {
    let verifier = Arc::new(ByFingerprint { expected, found: Mutex::new(None), provider: provider() });
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        // What is dangerous about it is a verifier that believes too much; this one believes one authority.
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    Ok((config, verifier))
}

/// Believes exactly the authority with one fingerprint, which the server shows behind its own certificate.
#[derive(Debug)]
pub struct ByFingerprint {
    expected: Fingerprint,
    found: Mutex<Option<CertificateDer<'static>>>,
    provider: Arc<CryptoProvider>,
}

impl ByFingerprint {
    /// Returns the authority's certificate once a handshake held.
    pub fn found(&self) -> Option<CertificateDer<'static>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for ByFingerprint {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let authority = intermediates
            .iter()
            .find(|certificate| fingerprint(certificate) == self.expected)
            .ok_or(CertificateError::UnknownIssuer)?
            .clone()
            .into_owned();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(only(&authority)?), self.provider.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let verified = verifier.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(authority);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // TLS 1.2 is not spoken.
        Err(rustls::Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
