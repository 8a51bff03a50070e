//! Opening `shop.db`: settings, migrations, clean-shutdown marker, integrity.

use std::path::Path;

use anyhow::{Context as _, bail};
use rusqlite::{Connection, OptionalExtension as _, params};
use store_daemon::{ledger, writer};

use crate::config::Config;

/// Forward-only migrations; `user_version` counts those that ran. The release before must still open what one leaves.
const MIGRATIONS: &[&[&str]] =
    &[&[ledger::SCHEMA, include_str!("schema.sql")], &[include_str!("calls.sql")], &[include_str!("tills.sql")]];

/// Opens the main database, making folder and tables where they are missing.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn open(config: &Config) -> anyhow::Result<Connection> {
    make_folder(&config.storage)?;
    let path = config.database();
    let db = writer::open(&path).with_context(|| format!("opening {}", path.display()))?;
    migrate(&db).with_context(|| format!("bringing {} up to date", path.display()))?;
    Ok(db)
}

fn make_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("making the folder {}", path.display()))
}

/// Runs the migrations that this database has not seen, each with its count in one transaction.
///
/// # Errors
/// SQLite's own, or a database of a much later release.
pub fn migrate(db: &Connection) -> anyhow::Result<()> {
    let seen: usize = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if seen > MIGRATIONS.len() + 1 {
        bail!("the database was written by a much later release (schema {seen}, this one knows {})", MIGRATIONS.len());
    }
    for (at, scripts) in MIGRATIONS.iter().enumerate().skip(seen) {
        let tx = db.unchecked_transaction()?;
        for script in *scripts {
            tx.execute_batch(script)?;
        }
        tx.pragma_update(None, "user_version", at + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// Reads one of the database's small facts.
///
/// # Errors
/// SQLite's own.
pub fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

/// Writes one of the database's small facts.
///
/// # Errors
/// SQLite's own.
pub fn set_meta(db: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        params![key, value],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_run_once_and_a_much_later_schema_is_refused() {
        let db = Connection::open_in_memory().unwrap();
        migrate(&db).unwrap();
        set_meta(&db, "k", "1").unwrap();
        migrate(&db).unwrap();
        assert_eq!(meta(&db, "k").unwrap().as_deref(), Some("1"));
        db.pragma_update(None, "user_version", MIGRATIONS.len() + 1).unwrap();
        migrate(&db).unwrap();
        db.pragma_update(None, "user_version", MIGRATIONS.len() + 2).unwrap();
        assert!(migrate(&db).unwrap_err().to_string().contains("later release"));
    }
}
