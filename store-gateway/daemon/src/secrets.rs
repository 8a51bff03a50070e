//! Random bytes, and the key file beside the database: AEAD for what must be read again, HMAC for what is looked up.
//!
//! One crypto provider serves the whole process: *ring*.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{digest, hkdf, hmac};

/// Bytes in a key file.
const KEY_BYTES: usize = 32;

/// Why a key file or a sealed value can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key file can't be read or written.
    #[error("key file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The key file has another length than a key, or others may read it.
    #[error("key file {path}: {why}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The sealed bytes were not made with this key for this purpose.
    #[error("the sealed value does not open with this key")]
    Sealed,
}

/// Fills an array from the operating system's source.
///
/// # Panics
/// When the operating system has no randomness, without which nothing here is safe.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A 64-bit seed from the operating system's source.
pub fn seed() -> u64 {
    u64::from_le_bytes(random())
}

/// SHA-256 of `bytes`, in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex_of(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        write!(text, "{b:02x}").expect("writing to a String does not fail");
        text
    })
}

/// An unguessable URL-safe token of 256 bits.
pub fn token() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<32>())
}

/// The keys that one key file gives: separate ones for sealing and for looking up.
pub struct Keys {
    seal: LessSafeKey,
    index: hmac::Key,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Reads the key file, or makes it (mode 0600, on disk before it returns) where there is none.
    ///
    /// # Errors
    /// [`SecretError`] naming the file.
    pub fn load_or_create(path: &Path) -> Result<Keys, SecretError> {
        let file_error = |source| SecretError::File { path: path.to_owned(), source };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => create(path).map_err(file_error)?,
            Err(e) => return Err(file_error(e)),
        };
        let shape = |why| SecretError::Shape { path: path.to_owned(), why };
        if bytes.len() != KEY_BYTES {
            return Err(shape("is not 32 bytes long"));
        }
        let mode = std::fs::metadata(path).map_err(file_error)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(shape("may be read by others; set its mode to 0600"));
        }
        Ok(Self::derive(&bytes))
    }

    fn derive(root: &[u8]) -> Keys {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"store-gateway").extract(root);
        let sealing = prk.expand(&[b"seal"], &CHACHA20_POLY1305).expect("one block of HKDF output");
        let indexing = prk.expand(&[b"index"], hmac::HMAC_SHA256).expect("one block of HKDF output");
        Keys { seal: LessSafeKey::new(UnboundKey::from(sealing)), index: hmac::Key::from(indexing) }
    }

    /// Encrypts `plain`; it opens only with the same `purpose` (a row's identity, say).
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random();
        let mut body = plain.to_vec();
        self.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut body)
            .expect("short values can be sealed");
        let mut sealed = nonce.to_vec();
        sealed.append(&mut body);
        sealed
    }

    /// Decrypts what [`Keys::seal`] made for the same `purpose`.
    ///
    /// # Errors
    /// [`SecretError::Sealed`] for any other bytes.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(SecretError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretError::Sealed)?;
        let mut body = body.to_vec();
        let plain = self.seal.open_in_place(nonce, Aad::from(purpose), &mut body).map_err(|_| SecretError::Sealed)?;
        Ok(plain.to_vec())
    }

    /// HMAC-SHA-256 of `value` under `purpose`: equal values are found without being kept.
    pub fn index(&self, purpose: &str, value: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.index);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(value);
        context.sign().as_ref().to_vec()
    }
}

fn create(path: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = random::<KEY_BYTES>();
    write_private(path, &bytes)?;
    Ok(bytes.to_vec())
}

/// Writes a small file that only its owner may read, durably and whole: temporary name, fsync, rename, fsync of the
/// folder.
///
/// # Errors
/// The operating system's own.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = folder.join(name);
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_opens_what_it_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let first = Keys::load_or_create(&path).unwrap();
        let sealed = first.seal("code:a", b"123456");
        let again = Keys::load_or_create(&path).unwrap();
        assert_eq!(again.open("code:a", &sealed).unwrap(), b"123456");
        assert!(again.open("code:b", &sealed).is_err());
        assert_eq!(first.index("x", b"1"), again.index("x", b"1"));
        assert_ne!(first.index("x", b"1"), again.index("y", b"1"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_flipped_bit_does_not_open() {
        let keys = Keys::derive(&[7; 32]);
        let mut sealed = keys.seal("p", b"secret");
        for i in 0..sealed.len() {
            sealed[i] ^= 1;
            assert!(keys.open("p", &sealed).is_err(), "byte {i}");
            sealed[i] ^= 1;
        }
        assert!(keys.open("p", &sealed[..5]).is_err());
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        Keys::load_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::load_or_create(&path).unwrap_err().to_string().contains("0600"));
    }

    #[test]
    fn sha256_is_the_standards() {
        // FIPS 180-2 appendix B.1.
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
