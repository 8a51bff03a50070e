//! The database: opening, forward-only migrations, and the witness that tells a restored copy.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use store_daemon::{ledger, secrets, writer};
use store_sync::Witness;

/// Each entry brings the database from its index to the next version; they are never changed once released.
const MIGRATIONS: &[&[&str]] = &[&[include_str!("schema.sql"), ledger::SCHEMA], &[include_str!("calls.sql")]];

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made.
    #[error("storage folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// SQLite's own reason.
    #[error("database {path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A newer release wrote it.
    #[error("database {path}: version {found} is newer than this release's {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// The witness file can't be written or read.
    #[error("witness {path}: {source}")]
    Witness {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// The files of one storage folder.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Makes the folder where there is none, closed to others.
    ///
    /// # Errors
    /// [`OpenError::Folder`].
    pub fn create(folder: &Path) -> Result<Files, OpenError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        Ok(Files { folder: folder.to_owned() })
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("hq.db")
    }

    /// Keys for sealing and indexing.
    pub fn keys(&self) -> PathBuf {
        self.folder.join("hq.keys")
    }

    /// The signing key.
    pub fn signing_key(&self) -> PathBuf {
        self.folder.join("signing.key")
    }

    /// The generation witness: must not be in a backup of the database.
    pub fn witness(&self) -> PathBuf {
        self.folder.join("hq.witness")
    }
}

/// Opens the database and brings it up to this release.
///
/// # Errors
/// [`OpenError`].
pub fn open(files: &Files) -> Result<Connection, OpenError> {
    let path = files.database();
    let database = |source| OpenError::Database { path: path.clone(), source };
    let mut connection = writer::open(&path).map_err(database)?;
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(database)?;
    let found = found as usize;
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { path, found, known: MIGRATIONS.len() });
    }
    for (version, scripts) in MIGRATIONS.iter().enumerate().skip(found) {
        let tx = connection.transaction().map_err(database)?;
        for script in *scripts {
            tx.execute_batch(script).map_err(database)?;
        }
        tx.pragma_update(None, "user_version", i64::try_from(version + 1).unwrap_or(i64::MAX)).map_err(database)?;
        tx.commit().map_err(database)?;
    }
    Ok(connection)
}

/// What the witness said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lived {
    /// Restores that this database went through.
    pub life: u64,
    /// This start is the first after one.
    pub restored: bool,
}

/// Compares the database's generation with the witness file and raises both, database first.
///
/// # Errors
/// [`OpenError`].
pub fn begin_generation(connection: &mut Connection, files: &Files) -> Result<Lived, OpenError> {
    let path = files.witness();
    let witness_error = |source| OpenError::Witness { path: path.clone(), source };
    let witness = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_or(Witness::Missing, Witness::Generation),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Witness::Missing,
        Err(e) => return Err(witness_error(e)),
    };
    let database = |source| OpenError::Database { path: files.database(), source };
    let tx = connection.transaction().map_err(database)?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (generation, life) = tx.query_row("SELECT generation, life FROM life", [], row).map_err(database)?;
    let check = witness.check(u64::try_from(generation).unwrap_or(0));
    let life = u64::try_from(life).unwrap_or(0) + u64::from(check.restored);
    let next = i64::try_from(check.generation).unwrap_or(i64::MAX);
    tx.execute("UPDATE life SET generation = ?1, life = ?2", (next, i64::try_from(life).unwrap_or(i64::MAX)))
        .map_err(database)?;
    tx.commit().map_err(database)?;
    write_witness(files, check.generation)?;
    Ok(Lived { life, restored: check.restored })
}

/// Raises the generation after a backup was taken, inside a transaction; [`write_witness`] follows its commit.
///
/// # Errors
/// SQLite's own.
pub fn raise_generation(connection: &Connection) -> rusqlite::Result<u64> {
    let raised = "UPDATE life SET generation = generation + 1 RETURNING generation";
    let generation: i64 = connection.query_row(raised, [], |row| row.get(0))?;
    Ok(u64::try_from(generation).unwrap_or(0))
}

/// Writes the generation into the file outside the database and its backups.
///
/// # Errors
/// [`OpenError::Witness`].
pub fn write_witness(files: &Files, generation: u64) -> Result<(), OpenError> {
    let path = files.witness();
    secrets::write_private(&path, format!("{generation}\n").as_bytes())
        .map_err(|source| OpenError::Witness { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_put_back_is_noticed_and_a_plain_restart_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::create(&dir.path().join("data")).unwrap();
        let start = || begin_generation(&mut open(&files).unwrap(), &files).unwrap();
        assert_eq!(start(), Lived { life: 0, restored: false });
        assert_eq!(start(), Lived { life: 0, restored: false });
        let copy = dir.path().join("copy.db");
        open(&files).unwrap().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        assert!(!start().restored);
        for tail in ["", "-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{}{tail}", files.database().display()));
        }
        std::fs::copy(&copy, files.database()).unwrap();
        assert_eq!(start(), Lived { life: 1, restored: true });
        assert_eq!(start(), Lived { life: 1, restored: false });
    }

    #[test]
    fn a_backup_put_back_within_one_run_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::create(&dir.path().join("data")).unwrap();
        let mut database = open(&files).unwrap();
        begin_generation(&mut database, &files).unwrap();
        let copy = store_daemon::backup::Backups::of(&files.database()).take().unwrap();
        write_witness(&files, raise_generation(&database).unwrap()).unwrap();
        drop(database);
        std::fs::copy(&copy, files.database()).unwrap();
        assert_eq!(begin_generation(&mut open(&files).unwrap(), &files).unwrap(), Lived { life: 1, restored: true });
    }

    #[test]
    fn a_database_of_a_later_release_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::create(dir.path()).unwrap();
        open(&files).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(open(&files), Err(OpenError::Newer { found: 99, .. })));
    }
}
