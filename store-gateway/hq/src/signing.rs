//! HQ's Ed25519 key: configuration and P0 batches carry its signature, so that a broker that was taken over can't
//! speak for HQ.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use store_daemon::secrets::{random, write_private};

/// Bytes of an Ed25519 seed (RFC 8032 §5.1.5).
const SEED_BYTES: usize = 32;

/// Why the key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or written.
    #[error("signing key {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file holds no key.
    #[error("signing key {path}: is not a seed of {SEED_BYTES} bytes")]
    Shape {
        /// The file.
        path: PathBuf,
    },
}

/// Signs for HQ.
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public_key())
    }
}

impl Signer {
    /// Reads the key file, or makes it (mode 0600) where there is none.
    ///
    /// # Errors
    /// [`KeyError`] naming the file.
    pub fn load_or_create(path: &Path) -> Result<Signer, KeyError> {
        let file = |source| KeyError::File { path: path.to_owned(), source };
        let seed = match std::fs::read(path) {
            Ok(seed) => seed,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let seed: [u8; SEED_BYTES] = random();
                write_private(path, &seed).map_err(file)?;
                seed.to_vec()
            }
            Err(e) => return Err(file(e)),
        };
        Self::from_seed(&seed).ok_or_else(|| KeyError::Shape { path: path.to_owned() })
    }

    fn from_seed(seed: &[u8]) -> Option<Signer> {
        Ed25519KeyPair::from_seed_unchecked(seed).ok().map(|pair| Signer { pair })
    }

    /// The public key in base64, as `[uplink] hq_key` takes it.
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.pair.public_key())
    }

    /// The signature over exactly these bytes, in base64.
    pub fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 2 and test 3.
    #[test]
    fn agrees_with_rfc_8032() {
        for (seed, public, message, signature) in [
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let signer = Signer::from_seed(&hex::decode(seed).unwrap()).unwrap();
            assert_eq!(signer.public_key(), STANDARD.encode(hex::decode(public).unwrap()));
            assert_eq!(signer.sign(&hex::decode(message).unwrap()), STANDARD.encode(hex::decode(signature).unwrap()));
        }
    }

    #[test]
    fn the_key_stays_the_same_and_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.key");
        let first = Signer::load_or_create(&path).unwrap().public_key();
        assert_eq!(Signer::load_or_create(&path).unwrap().public_key(), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(Signer::load_or_create(&path), Err(KeyError::Shape { .. })));
    }
}
