//! How two consoles know each other: each shows a certificate of its device key, and believes exactly the keys of the hub's roster.
//!
//! The certificate vouches for nothing by itself: the handshake proves that the other holds the key, and the roster says whose it is.

use super::plan::{Known, Who};
use crate::domain::id::NodeId;
use crate::sync::roster::SignedRoster;
use crate::sync::tls::provider;
use ed25519_dalek::SigningKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use std::sync::{Arc, PoisonError, RwLock};

/// An Ed25519 key as PKCS#8 (RFC 8410, section 7), before its 32 bytes.
const PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// An Ed25519 public key in a certificate (RFC 8410, section 4), before its 32 bytes.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The roster that this console goes by now; shared by the mirror's thread and the connections.
#[derive(Debug, Default)]
pub struct Team(RwLock<Option<Arc<SignedRoster>>>);

impl Team {
    /// Puts a roster in the place of the present one.
    pub fn set(&self, roster: Option<SignedRoster>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = roster.map(Arc::new);
    }

    /// Returns the present roster; `None` before the hub was met for the first time.
    pub fn roster(&self) -> Option<Arc<SignedRoster>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn knows_key(&self, key: &[u8; 32]) -> bool {
        self.roster().is_some_and(|signed| signed.roster.device_by_key(key).is_some())
    }

    /// Returns whether this node is let in and has that key.
    pub fn is_key_of(&self, node: NodeId, key: &[u8; 32]) -> bool {
        self.device(node).is_some_and(|known| known.key.as_bytes() == key)
    }
}

impl Who for Team {
    fn device(&self, node: NodeId) -> Option<Known> {
        let signed = self.roster()?;
        let member = signed.roster.device(node)?;
        Some(Known { user: member.user.clone(), key: member.key()? })
    }
}

/// Returns the Ed25519 key of a certificate, if it has one.
pub fn key_of(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    let spki = parsed.subject_public_key_info();
    spki.as_ref().strip_prefix(&SPKI)?.try_into().ok()
}

/// Both ends of connections to other consoles.
pub struct Ends {
    /// As the one who calls.
    pub client: Arc<ClientConfig>,
    /// As the one who is called.
    pub server: Arc<ServerConfig>,
}

/// What does not work with the device key.
#[derive(Debug, thiserror::Error)]
pub enum EndsError {
    /// The certificate.
    #[error("cannot make a certificate of the device key")]
    Certificate(#[from] rcgen::Error),
    /// The cryptography.
    #[error("cannot speak TLS with the device key")]
    Tls(#[from] rustls::Error),
}

/// Returns how this console speaks to others: with its device key, to devices of the roster alone. TLS 1.3.
///
/// # Errors
/// [`EndsError`].
pub fn ends(key: &SigningKey, team: Arc<Team>) -> Result<Ends, EndsError> {
    let pkcs8 = PrivatePkcs8KeyDer::from([&PKCS8[..], key.as_bytes()].concat());
    let pair = rcgen::KeyPair::try_from(&pkcs8)?;
    let mut parameters = rcgen::CertificateParams::new(vec!["nightdesk-console".to_owned()])?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    let certificate = parameters.self_signed(&pair)?.der().clone();
    let pinned = Arc::new(Pinned { team, provider: provider() });
    let (chain, private) = (vec![certificate], PrivateKeyDer::from(pkcs8));
    let client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        // What is dangerous about it is a verifier that believes too much; this one believes the roster.
        .dangerous()
        .with_custom_certificate_verifier(pinned.clone())
        .with_client_auth_cert(chain.clone(), private.clone_key())?;
    let server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(pinned)
        .with_single_cert(chain, private)?;
    Ok(Ends { client: Arc::new(client), server: Arc::new(server) })
}

/// Believes certificates whose key is that of a device of the roster that was not revoked, and no other.
#[derive(Debug)]
struct Pinned {
    team: Arc<Team>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let key = key_of(certificate).ok_or(CertificateError::BadEncoding)?;
        match self.team.knows_key(&key) {
            true => Ok(()),
            false => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }
}

fn no_tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
    Err(rustls::Error::General("TLS 1.2 is not spoken".to_owned()))
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{UserName, hex};
    use crate::sync::roster::{Member, Roster};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    fn key(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[number; 32])
    }

    /// Devices 1 and 2 are let in, 3 was revoked.
    fn team() -> Arc<Team> {
        let member = |number: u8| Member {
            node: NodeId::from_bytes([number; 16]),
            user: UserName::parse("mira").unwrap(),
            public_key: hex(key(number).verifying_key().as_bytes()),
            revoked: number == 3,
        };
        let hub_key = hex(key(9).verifying_key().as_bytes());
        let roster = Roster {
            version: 1,
            hub_key,
            epoch: "e".into(),
            devices: vec![member(1), member(2), member(3)],
            paging: None,
        };
        let team = Team::default();
        team.set(SignedRoster::sign(roster, &key(9)).ok());
        Arc::new(team)
    }

    async fn meet(caller: u8, called: u8, theirs: Arc<Team>) -> bool {
        let (client, server) = (ends(&key(caller), theirs).unwrap().client, ends(&key(called), team()).unwrap().server);
        let (near, far) = tokio::io::duplex(64 * 1024);
        let name = ServerName::try_from("nightdesk-console").unwrap();
        let (connected, accepted) =
            tokio::join!(TlsConnector::from(client).connect(name, near), TlsAcceptor::from(server).accept(far));
        // In TLS 1.3 the caller is done before the called has looked at its certificate: both must be content.
        if let Ok(stream) = &accepted {
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| key_of(&chain[0]));
            assert_eq!(shown, Some(*key(caller).verifying_key().as_bytes()));
        }
        connected.is_ok() && accepted.is_ok()
    }

    #[tokio::test]
    async fn only_devices_of_the_roster_meet() {
        assert!(meet(1, 2, team()).await);
        assert!(!meet(3, 2, team()).await, "the caller was revoked");
        assert!(!meet(1, 3, team()).await, "the called was revoked");
        assert!(!meet(4, 2, team()).await, "a stranger calls");
        assert!(!meet(1, 4, team()).await, "a stranger is called");
        assert!(!meet(1, 2, Arc::default()).await, "who never met the hub believes nobody");
    }

    #[test]
    fn a_key_is_of_its_node_alone() {
        let team = team();
        let of = |node: u8, number: u8| {
            team.is_key_of(NodeId::from_bytes([node; 16]), key(number).verifying_key().as_bytes())
        };
        assert!(of(1, 1) && !of(1, 2) && !of(3, 3) && !of(7, 1));
    }
}
