//! The hub's certificate: from its own authority, made at its first start for others, or from files of the administrator's.
//!
//! The authority's key is a file; the server's key is in memory alone, made at each start and again before its certificate ends.

use crate::config;
use crate::domain::time::Timestamp;
use crate::store::file;
use crate::sync::tls::{Fingerprint, fingerprint, provider};
use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_rustls::TlsAcceptor;

const DAY: Duration = Duration::from_secs(86_400);
/// How long the hub's own authority holds.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3650);
/// How long a certificate of it holds.
const CERTIFICATE_LIFE: Duration = DAY.saturating_mul(90);
/// How far another machine's clock may be behind.
const CLOCKS_DIFFER: Duration = DAY;
/// How often certificates are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// What the hub shows, and to whom it says who vouches for it.
pub struct Tls {
    /// Takes connections.
    pub acceptor: TlsAcceptor,
    /// The fingerprint that consoles pin, or `None` for a public certificate.
    pub authority: Option<Fingerprint>,
    shown: Arc<Shown>,
    issuer: Source,
}

enum Source {
    Own { authority: Box<Authority>, names: Vec<String> },
    Files { certificate: std::path::PathBuf, key: std::path::PathBuf },
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(RwLock<Current>);

#[derive(Debug, Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    since: Timestamp,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now().key)
    }
}

impl Shown {
    fn now(&self) -> Current {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tls {
    /// Returns what a hub that listens there shows; makes its authority at its first start.
    pub fn prepare(data: &Path, config: &config::Tls, listen: &[SocketAddr], now: Timestamp) -> anyhow::Result<Self> {
        let (issuer, authority) = match &config.files {
            Some((certificate, key)) => (Source::Files { certificate: certificate.clone(), key: key.clone() }, None),
            None => {
                let authority = Authority::prepare(data, now).context("preparing the hub's own authority")?;
                let fingerprint = fingerprint(&authority.certificate);
                (Source::Own { authority: Box::new(authority), names: names(config, listen) }, Some(fingerprint))
            }
        };
        let current = Current { key: issuer.certificate(now)?, since: now };
        let shown = Arc::new(Shown(RwLock::new(current)));
        let mut server = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .context("choosing TLS 1.3")?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), authority, shown, issuer })
    }

    /// Shows a fresh certificate when the present one is in its last third, or what lies in the files now.
    ///
    /// # Errors
    /// Why there is none; the present one is shown on.
    pub fn look(&self, now: Timestamp) -> anyhow::Result<()> {
        let current = self.shown.now();
        let fresh = match self.issuer {
            Source::Own { .. } if !in_last_third(current.since, now) => return Ok(()),
            _ => self.issuer.certificate(now)?,
        };
        if fresh.cert != current.key.cert {
            tracing::info!("the hub shows another certificate from now on");
            *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Current { key: fresh, since: now };
        }
        Ok(())
    }

    /// Returns whether the certificate holds that name or address (without a port).
    pub fn holds(&self, name: &str) -> bool {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let Ok(name) = ServerName::try_from(name) else { return false };
        let current = self.shown.now();
        let Some(leaf) = current.key.cert.first() else { return false };
        webpki::EndEntityCert::try_from(leaf).is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok())
    }
}

/// Returns whether two thirds of a certificate's life are over. A clock that was set back counts as over: better once too often.
fn in_last_third(since: Timestamp, now: Timestamp) -> bool {
    now < since || now.since(since) >= CERTIFICATE_LIFE * 2 / 3
}

impl Source {
    fn certificate(&self, now: Timestamp) -> anyhow::Result<Arc<CertifiedKey>> {
        let (chain, key) = match self {
            Self::Own { authority, names } => authority.issue(names, now).context("making the hub's certificate")?,
            Self::Files { certificate, key } => files(certificate, key)?,
        };
        let key = provider().key_provider.load_private_key(key).context("reading the key of the hub's certificate")?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().context("the key does not belong to the certificate")?;
        Ok(Arc::new(certified))
    }
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn files(certificate: &Path, key: &Path) -> anyhow::Result<Pair> {
    let reading = |path: &Path| format!("reading {}", path.display());
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate).with_context(|| reading(certificate))?.collect();
    let text = file::read_secret(key)?.with_context(|| format!("{} does not exist", key.display()))?;
    let key_der = PrivateKeyDer::from_pem_slice(text.as_bytes()).with_context(|| reading(key))?;
    let chain = chain.with_context(|| reading(certificate))?;
    anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", certificate.display());
    Ok((chain, key_der))
}

/// The hub's own authority: vouches for this hub and for nothing else.
struct Authority {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    /// Reads the authority, or makes it.
    fn prepare(data: &Path, now: Timestamp) -> anyhow::Result<Self> {
        let (key_file, certificate_file) = (data.join("tls-ca.key"), data.join("tls-ca.pem"));
        let key = match file::read_secret(&key_file)? {
            Some(pem) => KeyPair::from_pem(&pem).context("reading tls-ca.key")?,
            None => {
                let key = KeyPair::generate()?;
                file::write_private(&key_file, key.serialize_pem().as_bytes())?;
                key
            }
        };
        let certificate = match file::read_secret(&certificate_file)? {
            Some(pem) => CertificateDer::from_pem_slice(pem.as_bytes()).context("reading tls-ca.pem")?,
            None => {
                let certificate = Self::parameters(now).self_signed(&key)?;
                file::write_private(&certificate_file, certificate.pem().as_bytes())?;
                certificate.der().clone()
            }
        };
        Ok(Self { certificate, key })
    }

    fn parameters(now: Timestamp) -> CertificateParams {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "nightdesk hub authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (parameters.not_before, parameters.not_after) = life(now, AUTHORITY_LIFE);
        parameters
    }

    /// Returns a certificate for these names with the authority's behind it, and its new key.
    fn issue(&self, names: &[String], now: Timestamp) -> Result<Pair, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "nightdesk hub");
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (parameters.not_before, parameters.not_after) = life(now, CERTIFICATE_LIFE);
        let issuer = Issuer::new(Self::parameters(now), &self.key);
        let certificate = parameters.signed_by(&key, &issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok((vec![certificate.der().clone(), self.certificate.clone()], key.into()))
    }
}

fn life(now: Timestamp, life: Duration) -> (OffsetDateTime, OffsetDateTime) {
    let at = |time: Timestamp| {
        OffsetDateTime::from_unix_timestamp(time.as_millis() / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    };
    (at(now.minus(CLOCKS_DIFFER)), at(now.plus(life)))
}

/// Returns the names of the certificate: this machine's own, the addresses where it listens, and the configured ones.
fn names(config: &config::Tls, listen: &[SocketAddr]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    for address in listen {
        names.extend(reached_at(address.ip()).iter().map(IpAddr::to_string));
    }
    names.extend(config.names.iter().cloned());
    names.sort();
    names.dedup();
    names
}

/// Returns the addresses at which a listener is reached: its own, or those from which this machine speaks to others.
pub fn reached_at(listen: IpAddr) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    // Nothing is sent: the kernel only says which of its addresses it would use. The targets are reserved for documents.
    let from = |own: &str, other: &str| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(other).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    let v4 = from("0.0.0.0:0", "198.51.100.1:9");
    let v6 = from("[::]:0", "[2001:db8::1]:9").filter(|_| listen.is_ipv6());
    [v4, v6].into_iter().flatten().filter(|ip| !ip.is_loopback() && !ip.is_unspecified()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + day * 86_400_000)
    }

    fn prepare(dir: &Path, names: &[&str]) -> Tls {
        let config = config::Tls {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            files: None,
            ..config::Tls::default()
        };
        Tls::prepare(dir, &config, &["192.0.2.7:7400".parse().unwrap()], at(0)).unwrap()
    }

    #[test]
    fn the_authority_is_made_once_and_its_files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let first = prepare(dir.path(), &[]);
        assert_eq!(prepare(dir.path(), &[]).authority, first.authority);
        for name in ["tls-ca.key", "tls-ca.pem"] {
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn the_certificate_holds_the_names_under_which_the_hub_is_met() {
        let dir = tempfile::tempdir().unwrap();
        let tls = prepare(dir.path(), &["hub.example"]);
        for name in ["localhost", "127.0.0.1", "[::1]", "192.0.2.7", "hub.example"] {
            assert!(tls.holds(name), "{name}");
        }
        for name in ["evil.example", "192.0.2.8", "", "hub.example.evil"] {
            assert!(!tls.holds(name), "{name}");
        }
    }

    #[test]
    fn a_certificate_of_the_administrators_is_shown_and_read_again_when_it_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("hub.pem"), dir.path().join("hub.key"));
        let write = |name: &str| {
            let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            std::fs::write(&certificate, pair.cert.pem()).unwrap();
            file::write_private(&key, pair.signing_key.serialize_pem().as_bytes()).unwrap();
        };
        write("one.example");
        let config = config::Tls { files: Some((certificate.clone(), key.clone())), ..config::Tls::default() };
        let open = || Tls::prepare(dir.path(), &config, &[], at(0));
        let tls = open().unwrap();
        assert_eq!(tls.authority, None);
        assert!(tls.holds("one.example") && !tls.holds("localhost"));
        write("two.example");
        tls.look(at(1)).unwrap();
        assert!(tls.holds("two.example"));
        let old = std::fs::read(&key).unwrap();
        write("three.example");
        file::write_private(&key, &old).unwrap();
        assert!(tls.look(at(2)).is_err() && open().is_err(), "the key of another certificate");
        assert!(tls.holds("two.example"), "the one before is shown on");
        assert!(!dir.path().join("tls-ca.key").exists());
        std::fs::remove_file(&key).unwrap();
        assert!(open().is_err());
    }

    #[test]
    fn a_certificate_is_replaced_in_its_last_third() {
        let dir = tempfile::tempdir().unwrap();
        let tls = prepare(dir.path(), &[]);
        let first = tls.shown.now().key;
        tls.look(at(59)).unwrap();
        assert_eq!(tls.shown.now().key.cert, first.cert);
        tls.look(at(60)).unwrap();
        let second = tls.shown.now().key;
        assert_ne!(second.cert[0], first.cert[0]);
        assert_eq!(second.cert[1], first.cert[1], "of the same authority");
        tls.look(at(119)).unwrap();
        assert_eq!(tls.shown.now().key.cert, second.cert);
    }
}
