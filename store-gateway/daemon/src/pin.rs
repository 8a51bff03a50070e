//! Hashing of PINs and passwords: argon2id, 9 MiB, one at a time, so that ten log-ins at once need no more memory
//! than one.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Memory in KiB: 9 MiB (OWASP's smallest for t=4, p=1).
const MEMORY_KIB: u32 = 9 * 1_024;
/// Passes.
const PASSES: u32 = 4;

static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// Why a secret could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("could not hash the secret: {0}")]
pub struct HashError(String);

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("these parameters are in argon2's range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes `secret` into a PHC string. Blocks for tens of milliseconds.
///
/// # Errors
/// [`HashError`] when argon2 refuses.
pub fn hash(secret: &str) -> Result<String, HashError> {
    argon2().hash_password(secret.as_bytes()).map(|h| h.to_string()).map_err(|e| HashError(e.to_string()))
}

/// Says whether `secret` is the one behind `phc`; a broken string is no one's. One check runs at a time.
pub async fn verify(secret: String, phc: String) -> bool {
    let Ok(_turn) = ONE_AT_A_TIME.acquire().await else { return false };
    tokio::task::spawn_blocking(move || {
        PasswordHash::new(&phc).is_ok_and(|hash| argon2().verify_password(secret.as_bytes(), &hash).is_ok())
    })
    .await
    .unwrap_or(false)
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
}
