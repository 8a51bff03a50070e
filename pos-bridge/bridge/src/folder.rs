//! The folder of a till: its journal, its identity, the certificate of its gateway, and the lock of the one process
//! that owns them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use store_daemon::pinned::{Digest, Identity};
use store_daemon::secrets::{hex_of, write_private};

/// The folder; it exists and only its owner may enter it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// Held by the one process that drives the devices; freed when it ends, however it ends.
pub struct Lock(#[expect(dead_code, reason = "it is held, not used")] Flock<File>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayFile {
    certificate_sha256: String,
}

/// Which writing of `gateway.json` this is: enrolling again makes another, with the same certificate too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

impl Folder {
    /// Takes the folder, or makes it, with mode 0700.
    ///
    /// # Errors
    /// The operating system's, with the path.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let told = || format!("the storage {}", path.display());
        DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(told)?;
        let meta = std::fs::metadata(path).with_context(told)?;
        if meta.permissions().mode() & 0o077 != 0 {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).with_context(told)?;
        }
        Ok(Self(path.to_owned()))
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal.db")
    }

    /// What the running daemon says about its link, one word; for `doctor`.
    pub fn link_state(&self) -> PathBuf {
        self.0.join("link.state")
    }

    fn gateway(&self) -> PathBuf {
        self.0.join("gateway.json")
    }

    /// Takes the devices and the journal for this process.
    ///
    /// # Errors
    /// When another process has them, or the lock's file can't be made.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.0.join("journal.lock");
        let file = private_file(&path).with_context(|| path.display().to_string())?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Lock(lock)),
            Err((_, Errno::EAGAIN)) => {
                bail!("{} is locked: `pos-bridge run` has the devices and the journal; stop it first", path.display())
            }
            Err((_, e)) => Err(e).with_context(|| path.display().to_string()),
        }
    }

    /// The till's key and certificate, made at the first call.
    ///
    /// # Errors
    /// When the file can't be read or made.
    pub fn identity(&self) -> anyhow::Result<Identity> {
        let path = self.0.join("identity.lock");
        let file = private_file(&path).with_context(|| path.display().to_string())?;
        // `run` and `enrol` may be started in one moment: without the lock each could make its own.
        let locked = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| e);
        let _locked = locked.with_context(|| path.display().to_string())?;
        Ok(Identity::load_or_create(&self.0.join("identity.json"))?)
    }

    /// SHA-256 of the gateway's certificate; `None` before the till is enrolled.
    ///
    /// # Errors
    /// When the file holds something else.
    pub fn pin(&self) -> anyhow::Result<Option<Digest>> {
        let path = self.gateway();
        let octets = match std::fs::read(&path) {
            Ok(octets) => octets,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| path.display().to_string()),
        };
        let file: GatewayFile =
            serde_json::from_slice(&octets).with_context(|| format!("{} is damaged; enrol again", path.display()))?;
        let digest = digest_of_hex(&file.certificate_sha256);
        digest.map(Some).with_context(|| format!("{}: certificate_sha256 is no SHA-256; enrol again", path.display()))
    }

    /// Keeps the gateway's certificate, on disk before it returns.
    ///
    /// # Errors
    /// The operating system's, with the path.
    pub fn set_pin(&self, digest: &Digest) -> anyhow::Result<()> {
        let path = self.gateway();
        let octets = serde_json::to_vec(&GatewayFile { certificate_sha256: hex_of(digest) })?;
        write_private(&path, &octets).with_context(|| path.display().to_string())
    }

    /// Which writing of `gateway.json` is there.
    pub fn stamp(&self) -> Option<Stamp> {
        let meta = std::fs::metadata(self.gateway()).ok()?;
        Some(Stamp { inode: meta.ino(), changed: (meta.ctime(), meta.ctime_nsec()) })
    }

    /// Tries whether a file can be written here.
    ///
    /// # Errors
    /// The operating system's.
    pub fn probe(&self) -> io::Result<()> {
        let path = self.0.join("write-probe");
        write_private(&path, b"probe")?;
        std::fs::remove_file(path)
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn digest_of_hex(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if text.len() != digest.len() * 2 || !text.is_ascii() {
        return None;
    }
    for (at, octet) in digest.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("till")).unwrap();
        (dir, folder)
    }

    #[test]
    fn the_folder_is_its_owner_s_alone() {
        let (dir, folder) = folder();
        let path = dir.path().join("till");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Folder::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        folder.identity().unwrap();
        assert_eq!(mode(&path.join("identity.json")), 0o600);
        assert_eq!(folder.identity().unwrap().digest(), folder.identity().unwrap().digest());
    }

    #[test]
    fn the_gateway_s_certificate_reads_back_and_each_writing_has_its_stamp() {
        let (dir, folder) = folder();
        assert_eq!((folder.pin().unwrap(), folder.stamp()), (None, None));
        let digest: Digest = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        folder.set_pin(&digest).unwrap();
        let first = folder.stamp().unwrap();
        assert_eq!(folder.pin().unwrap(), Some(digest));
        folder.set_pin(&digest).unwrap();
        assert_ne!(folder.stamp(), Some(first));
        std::fs::write(dir.path().join("till/gateway.json"), r#"{"certificate_sha256":"00"}"#).unwrap();
        assert!(folder.pin().unwrap_err().to_string().contains("enrol again"));
    }

    #[test]
    fn one_process_has_the_lock() {
        let (_dir, folder) = folder();
        let lock = folder.lock().unwrap();
        let told = folder.lock().err().unwrap().to_string();
        assert!(told.contains("pos-bridge run"), "{told}");
        drop(lock);
        folder.lock().unwrap();
    }
}
