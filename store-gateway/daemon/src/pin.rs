//! Hashing of PINs and passwords: argon2id, 9 MiB, one at a time, so that ten log-ins at once need no more memory
//! than one.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use crate::secrets::random;

/// Memory in KiB: 9 MiB (OWASP's smallest for t=4, p=1).
const MEMORY_KIB: u32 = 9 * 1_024;
/// Passes.
const PASSES: u32 = 4;
/// Octets of a salt (RFC 9106 §3.1) and of a tag.
const SALT_OCTETS: usize = 16;
const TAG_OCTETS: usize = 32;
/// Blocks of 1 KiB that are asked for, far beyond those that are used: glibc maps what is larger than 32 MiB apart from its
/// heaps and gives all of it back to the system at once. Otherwise each thread's heap would keep the memory of its last
/// check, and ten log-ins cost a small box 70 MiB for good. Blocks that nobody touches cost nothing.
const RESERVED_BLOCKS: usize = 40 * 1_024;

static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// Why a secret could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("could not hash the secret: {0}")]
pub struct HashError(String);

/// Argon2id's tag of a secret.
fn tag(secret: &str, salt: &[u8], params: Params, out: &mut [u8]) -> argon2::Result<()> {
    let used = params.block_count();
    let mut memory = Vec::with_capacity(RESERVED_BLOCKS.max(used));
    memory.resize(used, Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(secret.as_bytes(), salt, out, &mut memory)
}

/// Hashes `secret` into a PHC string. Blocks for tens of milliseconds.
///
/// # Errors
/// [`HashError`] when argon2 refuses.
pub fn hash(secret: &str) -> Result<String, HashError> {
    let refused = |e: &dyn std::fmt::Display| HashError(e.to_string());
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("these parameters are in argon2's range");
    let (salt, mut out) = (random::<SALT_OCTETS>(), [0; TAG_OCTETS]);
    tag(secret, &salt, params.clone(), &mut out).map_err(|e| refused(&e))?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|e| refused(&e))?,
        salt: Some(Salt::new(&salt).map_err(|e| refused(&e))?),
        hash: Some(Output::new(&out).map_err(|e| refused(&e))?),
    };
    Ok(phc.to_string())
}

/// Says whether `secret` is the one behind `phc`; a broken string is no one's. One check runs at a time.
pub async fn verify(secret: String, phc: String) -> bool {
    let Ok(_turn) = ONE_AT_A_TIME.acquire().await else { return false };
    tokio::task::spawn_blocking(move || is_behind(&secret, &phc).unwrap_or(false)).await.unwrap_or(false)
}

/// None for a string that is no Argon2id hash of the version that [`hash`] writes. Outputs are compared in constant time.
fn is_behind(secret: &str, phc: &str) -> Option<bool> {
    let phc = PasswordHash::new(phc).ok()?;
    let written = phc.algorithm == Algorithm::Argon2id.ident() && phc.version == Some(Version::V0x13.into());
    let (salt, expected) = (phc.salt?, phc.hash?);
    let mut out = vec![0; expected.len()];
    tag(secret, &salt, Params::try_from(&phc).ok().filter(|_| written)?, &mut out).ok()?;
    Some(Output::new(&out).ok()? == expected)
}

/// The same work as a real check, for a name that nobody has: answers then take as long as for a wrong PIN.
pub async fn verify_nobody(secret: String) {
    static DECOY: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let decoy = tokio::task::spawn_blocking(|| DECOY.get_or_init(|| hash("0").unwrap_or_default()).clone()).await;
    verify(secret, decoy.unwrap_or_default()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opens_with_the_right_pin_only() {
        let phc = hash("4821").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=9216,t=4,p=1$"), "{phc}");
        assert!(verify("4821".into(), phc.clone()).await);
        assert!(!verify("4822".into(), phc).await);
        assert!(!verify("4821".into(), "no hash".into()).await);
        verify_nobody("1".into()).await;
    }

    /// Made by the reference implementation: `printf 4821 | argon2 somesaltsomesalt -id -t 4 -k 9216 -p 1 -e`.
    const REFERENCE: &str =
        "$argon2id$v=19$m=9216,t=4,p=1$c29tZXNhbHRzb21lc2FsdA$BkHAUoXhqTFLI9cDd0HSMJ4wDIedyvlT9X6Rb7Oi/Rw";

    #[tokio::test]
    async fn opens_what_the_reference_implementation_wrote() {
        assert!(verify("4821".into(), REFERENCE.into()).await);
        assert!(!verify("4822".into(), REFERENCE.into()).await);
        assert!(!verify("4821".into(), REFERENCE.replace("argon2id", "argon2i")).await);
    }

    fn resident_kib() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_checks_leave_no_memory_behind() {
        let before = resident_kib();
        let checks: Vec<_> = (0..10).map(|_| tokio::spawn(verify("4821".into(), REFERENCE.into()))).collect();
        for check in checks {
            assert!(check.await.unwrap());
        }
        // Room for what other tests of this process hold meanwhile: one check of theirs, and another.
        let kept = resident_kib().saturating_sub(before);
        assert!(kept < 2 * MEMORY_KIB as usize + 4_096, "{kept} KiB stayed after ten checks");
    }
}
