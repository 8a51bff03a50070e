//! HQ's own people: id, name and password; the first one is made on the set-up page or by `user add`.

use rusqlite::{Connection, OptionalExtension as _, params};
use store_daemon::pin;

/// Characters of an id.
const ID_MAX: usize = 32;
/// Characters of a name.
const NAME_MAX: usize = 80;
/// Fewest characters of a password.
pub const PASSWORD_MIN: usize = 8;
/// Most characters of a password, so that hashing a hostile one costs nothing.
pub const PASSWORD_MAX: usize = 128;

/// Somebody who may log in.
#[derive(Clone, Debug)]
pub struct User {
    /// What they log in as.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Argon2id, PHC string.
    pub secret: String,
}

/// A checked new user whose password is hashed.
pub struct NewUser(User);

/// Why a user can't be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UserError {
    /// The id.
    #[error("the id needs 1 to {ID_MAX} of a-z, 0-9, dot, dash and underscore")]
    Id,
    /// The name.
    #[error("the name needs 1 to {NAME_MAX} printable characters")]
    Name,
    /// The password.
    #[error("the password needs {PASSWORD_MIN} to {PASSWORD_MAX} characters")]
    Password,
    /// It could not be hashed.
    #[error("{0}")]
    Hash(String),
}

/// Checks a new user and hashes the password. Blocks for tens of milliseconds.
///
/// # Errors
/// [`UserError`] naming the field.
pub fn check(id: &str, name: &str, password: &str) -> Result<NewUser, UserError> {
    let id_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if id.is_empty() || id.len() > ID_MAX || !id.chars().all(id_char) {
        return Err(UserError::Id);
    }
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(UserError::Name);
    }
    if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&password.chars().count()) {
        return Err(UserError::Password);
    }
    let secret = pin::hash(password).map_err(|e| UserError::Hash(e.to_string()))?;
    Ok(NewUser(User { id: id.to_owned(), name: name.to_owned(), secret }))
}

/// Enters a user, or changes name and password of one who is there.
///
/// # Errors
/// The database's.
pub fn put(db: &Connection, new: &NewUser, now_ms: i64) -> rusqlite::Result<()> {
    let NewUser(user) = new;
    db.execute(
        "INSERT INTO user(id, name, secret, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, secret = excluded.secret",
        params![user.id, user.name, user.secret, now_ms],
    )?;
    Ok(())
}

/// Finds a user.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, id: &str) -> rusqlite::Result<Option<User>> {
    let row = |row: &rusqlite::Row<'_>| Ok(User { id: row.get(0)?, name: row.get(1)?, secret: row.get(2)? });
    db.query_row("SELECT id, name, secret FROM user WHERE id = ?1", [id], row).optional()
}

/// Whether there is anybody.
///
/// # Errors
/// The database's.
pub fn any(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM user)", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_field_is_wrong() {
        for (id, name, password, wrong) in [
            ("", "Ops", "long enough", UserError::Id),
            ("Ops", "Ops", "long enough", UserError::Id),
            ("ops", " ", "long enough", UserError::Name),
            ("ops", "O\u{7}", "long enough", UserError::Name),
            ("ops", "Ops", "short", UserError::Password),
        ] {
            assert_eq!(check(id, name, password).err(), Some(wrong));
        }
        assert!(check("ops", "Ops", "zażółć gęślą").is_ok());
    }
}
