//! The people of the store: in the database, with hashed PINs.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use shop_model::decide::Role;
use shop_model::event::Actor;
use shop_model::ids::StaffId;

use crate::app::ShopError;
use crate::desk::Who;

/// Digits in a PIN.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=8;
/// Characters in a name.
const NAME_CHARS: usize = 60;

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What they log in with.
    pub id: StaffId,
    /// What screens call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Person {
    /// This person at a screen.
    pub fn at(&self, device: &str) -> Who {
        Who { actor: Actor::staff(self.id.as_str()), role: self.role, device: device.to_owned() }
    }

    /// Initials for the corner of the screen.
    pub fn initials(&self) -> String {
        self.name
            .split_whitespace()
            .filter_map(|word| word.chars().next())
            .take(2)
            .flat_map(char::to_uppercase)
            .collect()
    }
}

/// Why somebody can't be entered.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The id is none.
    #[error("id: {0}")]
    Id(String),
    /// The name is none.
    #[error("name: must be 1 to {NAME_CHARS} characters")]
    Name,
    /// The role is none.
    #[error("role: {0:?} is none of clerk, senior, manager")]
    Role(String),
    /// The PIN is none.
    #[error("PIN: must be {} to {} digits", PIN_DIGITS.start(), PIN_DIGITS.end())]
    Pin,
    /// The PIN could not be hashed.
    #[error(transparent)]
    Hash(#[from] store_daemon::pin::HashError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
}

/// A checked entry with a hashed PIN.
#[derive(Debug)]
pub struct Entry {
    person: Person,
    pin: String,
}

impl Entry {
    /// Checks the fields and hashes the PIN, which takes tens of milliseconds.
    ///
    /// # Errors
    /// [`StaffError`] naming the field.
    pub fn new(id: &str, name: &str, role: &str, pin: &str) -> Result<Entry, StaffError> {
        let id = StaffId::parse(id).map_err(|e| StaffError::Id(e.to_string()))?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS {
            return Err(StaffError::Name);
        }
        let role = Role::parse(role).ok_or_else(|| StaffError::Role(role.to_owned()))?;
        if !PIN_DIGITS.contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
            return Err(StaffError::Pin);
        }
        let hashed = store_daemon::pin::hash(pin)?;
        Ok(Entry { person: Person { id, name: name.to_owned(), role }, pin: hashed })
    }

    /// Writes it; a person who is there gets the new name, role and PIN.
    ///
    /// # Errors
    /// The database's.
    pub fn put(&self, db: &Connection, now_ms: i64) -> rusqlite::Result<()> {
        db.execute(
            "INSERT INTO staff(id, name, role, pin, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET name = excluded.name, role = excluded.role, pin = excluded.pin, active = 1",
            params![self.person.id.as_str(), self.person.name, self.person.role.as_str(), self.pin, now_ms],
        )?;
        Ok(())
    }
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    let bad =
        |column, e: String| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into());
    let (id, role): (String, String) = (row.get(0)?, row.get(2)?);
    Ok(Person {
        id: StaffId::parse(&id).map_err(|e| bad(0, e.to_string()))?,
        name: row.get(1)?,
        role: Role::parse(&role).ok_or_else(|| bad(2, format!("no role {role:?}")))?,
    })
}

/// Everybody who may log in, by name.
///
/// # Errors
/// The database's.
pub fn all(db: &Connection) -> Result<Vec<Person>, ShopError> {
    let mut rows = db.prepare_cached("SELECT id, name, role FROM staff WHERE active = 1 ORDER BY name, id")?;
    Ok(rows.query_map([], person)?.collect::<Result<_, _>>()?)
}

/// Somebody and the hash of their PIN.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, id: &str) -> Result<Option<(Person, String)>, ShopError> {
    let mut row = db.prepare_cached("SELECT id, name, role, pin FROM staff WHERE id = ?1 AND active = 1")?;
    Ok(row.query_row([id], |row| Ok((person(row)?, row.get(3)?))).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_field_is_named() {
        let said = |id, name, role, pin| Entry::new(id, name, role, pin).unwrap_err().to_string();
        assert!(said("", "Anna", "clerk", "1234").starts_with("id"));
        assert!(said("anna", " ", "clerk", "1234").starts_with("name"));
        assert!(said("anna", "Anna", "boss", "1234").starts_with("role"));
        for pin in ["123", "123456789", "12a4", "１２３４"] {
            assert!(said("anna", "Anna", "clerk", pin).starts_with("PIN"), "{pin}");
        }
    }

    #[test]
    fn somebody_entered_twice_has_the_second_pin() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        Entry::new("anna", "Anna Kos", "clerk", "1234").unwrap().put(&db, 1).unwrap();
        Entry::new("anna", "Anna Kos", "manager", "5678").unwrap().put(&db, 2).unwrap();
        let (found, pin) = find(&db, "anna").unwrap().unwrap();
        assert_eq!((found.role, found.initials().as_str()), (Role::Manager, "AK"));
        assert!(pin.starts_with("$argon2id$"));
        assert_eq!(all(&db).unwrap().len(), 1);
        assert!(find(&db, "ewa").unwrap().is_none());
    }
}
