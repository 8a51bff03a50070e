//! TLS 1.3 between two of our machines that know each other by their certificates' SHA-256, without an authority.
//!
//! Each makes its own key and certificate once. Names and dates in a certificate mean nothing here: a box may not know
//! the time yet, and the shop's network has no names. Whoever shows a certificate has proved in the handshake that the
//! key is his; the digest then says who he is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use serde::{Deserialize, Serialize};

use crate::secrets::write_private;

/// SHA-256 of a certificate's DER.
pub type Digest = [u8; 32];

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum PinnedError {
    /// The identity's file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The identity's file holds something else.
    #[error("{path}: is no identity (a JSON object with certificate and key in base64)")]
    Shape {
        /// The file.
        path: PathBuf,
    },
    /// A key or certificate could not be made.
    #[error("making a certificate: {0}")]
    Making(#[from] rcgen::Error),
    /// The TLS library refused the identity.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// A machine's own key and certificate.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

#[derive(Serialize, Deserialize)]
struct File {
    certificate: String,
    key: String,
}

impl Identity {
    /// Reads the identity, or makes one (mode 0600, on disk before it returns) where there is none.
    ///
    /// # Errors
    /// [`PinnedError`] naming the file.
    pub fn load_or_create(path: &Path) -> Result<Self, PinnedError> {
        match std::fs::read(path) {
            Ok(octets) => Self::read(&octets).ok_or_else(|| PinnedError::Shape { path: path.to_owned() }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let made = Self::make()?;
                let failed = |source| PinnedError::File { path: path.to_owned(), source };
                write_private(path, &made.written()).map_err(failed)?;
                Ok(made)
            }
            Err(source) => Err(PinnedError::File { path: path.to_owned(), source }),
        }
    }

    fn make() -> Result<Self, PinnedError> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(vec!["store".to_owned()])?.self_signed(&key)?;
        Ok(Self { certificate: certificate.der().clone(), key: PrivatePkcs8KeyDer::from(key.serialize_der()) })
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let file: File = serde_json::from_slice(octets).ok()?;
        let certificate = CertificateDer::from(STANDARD.decode(file.certificate).ok()?);
        let key = PrivatePkcs8KeyDer::from(STANDARD.decode(file.key).ok()?);
        Some(Self { certificate, key })
    }

    fn written(&self) -> Vec<u8> {
        let key = STANDARD.encode(self.key.secret_pkcs8_der());
        let file = File { certificate: STANDARD.encode(&self.certificate), key };
        serde_json::to_vec(&file).unwrap_or_default()
    }

    /// By which the other side knows this machine.
    pub fn digest(&self) -> Digest {
        digest_of(&self.certificate)
    }

    /// For a listener. It takes any certificate whose key the other side has; who that is, the caller looks up by
    /// [`digest_of`] before it believes a word.
    ///
    /// # Errors
    /// [`PinnedError::Tls`].
    pub fn server(&self) -> Result<Arc<rustls::ServerConfig>, PinnedError> {
        let provider = provider();
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(anybody)
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key().into())?;
        Ok(Arc::new(config))
    }

    /// For a connection to the listener whose certificate `is_right` takes.
    ///
    /// # Errors
    /// [`PinnedError::Tls`].
    pub fn client(
        &self,
        is_right: impl Fn(&Digest) -> bool + Send + Sync + 'static,
    ) -> Result<Arc<rustls::ClientConfig>, PinnedError> {
        let provider = provider();
        let pinned = Arc::new(Pinned { provider: Arc::clone(&provider), is_right: Box::new(is_right) });
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(pinned)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key().into())?;
        config.enable_sni = false;
        Ok(Arc::new(config))
    }
}

/// SHA-256 of a certificate.
pub fn digest_of(certificate: &CertificateDer<'_>) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, certificate).as_ref());
    digest
}

/// A name for [`rustls::ClientConnection`], which wants one; nobody reads it.
pub fn any_name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

struct Pinned {
    provider: Arc<CryptoProvider>,
    is_right: Box<dyn Fn(&Digest) -> bool + Send + Sync>,
}

impl std::fmt::Debug for Pinned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pinned")
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let known = (self.is_right)(&digest_of(shown)).then(ServerCertVerified::assertion);
        known.ok_or(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(only_13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(only_13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, shown, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn only_13() -> rustls::Error {
    rustls::Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shakes hands in memory; gives what the server saw of the client.
    fn shake(config: Arc<rustls::ClientConfig>, server: &Identity) -> Result<Digest, rustls::Error> {
        let mut client = rustls::ClientConnection::new(config, any_name())?;
        let mut server = rustls::ServerConnection::new(server.server().unwrap())?;
        while client.is_handshaking() || server.is_handshaking() {
            let (mut out, mut back) = (Vec::new(), Vec::new());
            client.write_tls(&mut out).unwrap();
            server.read_tls(&mut &*out).unwrap();
            server.process_new_packets()?;
            server.write_tls(&mut back).unwrap();
            client.read_tls(&mut &*back).unwrap();
            client.process_new_packets()?;
        }
        Ok(digest_of(&server.peer_certificates().unwrap()[0]))
    }

    fn handshake(client: &Identity, server: &Identity, pin: Digest) -> Result<Digest, rustls::Error> {
        shake(client.client(move |digest| *digest == pin).unwrap(), server)
    }

    #[test]
    fn both_ends_know_each_other_by_digest_and_a_wrong_gateway_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let till = Identity::load_or_create(&path("till")).unwrap();
        let gateway = Identity::load_or_create(&path("gateway")).unwrap();
        let other = Identity::load_or_create(&path("other")).unwrap();
        assert_eq!(handshake(&till, &gateway, gateway.digest()), Ok(till.digest()));
        assert!(handshake(&till, &other, gateway.digest()).is_err());
        let again = Identity::load_or_create(&path("till")).unwrap();
        assert_eq!(again.digest(), till.digest(), "it is made once");
    }

    #[test]
    fn a_client_without_the_key_of_its_certificate_is_refused() {
        let (till, thief, gateway) = (Identity::make().unwrap(), Identity::make().unwrap(), Identity::make().unwrap());
        let key = provider().key_provider.load_private_key(thief.key.clone_key().into()).unwrap();
        let stolen = rustls::sign::CertifiedKey::new(vec![till.certificate.clone()], key);
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { provider: provider(), is_right: Box::new(|_| true) }))
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(stolen)));
        let error = shake(Arc::new(config), &gateway).unwrap_err();
        assert_eq!(error, rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature));
    }

    #[test]
    fn a_file_that_is_no_identity_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.json");
        std::fs::write(&path, "{}").unwrap();
        let error = Identity::load_or_create(&path).err().unwrap().to_string();
        assert!(error.contains("identity.json"), "{error}");
    }
}
