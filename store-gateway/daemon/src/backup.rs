//! Backups of a database that is in use, and what becomes of a damaged one: it is set aside, never deleted, and the last
//! sound backup takes its place.
//!
//! It never decides when: the daemons call it. What a restored copy means is the sync protocol's business (the generation
//! witness stands beside the database and never in a backup).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use nix::sys::statvfs::statvfs;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Copies kept: the newest and the one before it, should the newest have caught damage that no check saw.
const COPIES: usize = 2;
/// Damaged databases kept for whoever wants to look, besides the newest; older ones are deleted.
const SET_ASIDE: usize = 2;
/// And none longer than this: what was erased since stands in them still.
const SET_ASIDE_FOR: Duration = Duration::from_secs(14 * 86_400);
/// Bytes that must stay free beside the copy, so that a backup never fills the disk of a working shop.
const SPARE_BYTES: u64 = 16 << 20;

/// Why there is no new backup, or no restored database.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A folder or file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// SQLite's own reason.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The copy would leave too little room.
    #[error("{path}: a backup of {needed} bytes does not fit into the {free} bytes that are free")]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// Bytes that the copy and its spare room take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The copy was made and is damaged: so is the database.
    #[error("{path}: the copy is damaged: {damage}")]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What the check found.
        damage: String,
    },
    /// The database was locked the whole time.
    #[error("{path}: the database stayed locked")]
    Locked {
        /// The database.
        path: PathBuf,
    },
}

/// A backup that is still being taken when its database turns out to be damaged must not move the copies under a restore.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What [`Backups::restore`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// This backup serves as the database now.
    From(PathBuf),
    /// There was no sound backup: the database begins empty.
    Empty,
}

/// The backups of one database: a folder `backup` beside it.
#[derive(Clone, Debug)]
pub struct Backups {
    database: PathBuf,
}

impl Backups {
    /// Those of the database at `path`.
    pub fn of(path: &Path) -> Backups {
        Backups { database: path.to_owned() }
    }

    fn beside(&self, folder: &str) -> PathBuf {
        self.database.with_file_name(folder)
    }

    fn copy(&self, age: usize) -> PathBuf {
        let mut name = self.database.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{age}"));
        self.beside("backup").join(name)
    }

    /// The newest backup, when there is one.
    pub fn newest(&self) -> Option<PathBuf> {
        (1..=COPIES).map(|age| self.copy(age)).find(|path| path.exists())
    }

    /// True when the database is gone or empty though there are backups: a restore was cut short.
    pub fn is_missing(&self) -> bool {
        let size = std::fs::metadata(&self.database).map_or(0, |meta| meta.len());
        size == 0 && self.newest().is_some()
    }

    /// Copies the database while it is in use, checks the copy, and puts it durably in place of the one before. Blocks
    /// for as long as the disk takes; writers go on meanwhile.
    ///
    /// # Errors
    /// [`BackupError`]; the earlier backups then stand as they were.
    pub fn take(&self) -> Result<PathBuf, BackupError> {
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        forget_aged(&self.beside("damaged"))?;
        let folder = self.beside("backup");
        make_folder(&folder)?;
        self.refuse_without_room(&folder)?;
        let temporary = folder.join("new");
        remove(&temporary)?;
        let outcome = self.copy_to(&temporary);
        if let Err(e) = outcome {
            remove(&temporary)?;
            return Err(e);
        }
        for age in (1..COPIES).rev() {
            rename_if_there(&self.copy(age), &self.copy(age + 1))?;
        }
        rename_if_there(&temporary, &self.copy(1))?;
        sync_folder(&folder)?;
        Ok(self.copy(1))
    }

    fn refuse_without_room(&self, folder: &Path) -> Result<(), BackupError> {
        let size = |tail: &str| std::fs::metadata(with_tail(&self.database, tail)).map_or(0, |meta| meta.len());
        let needed = size("") + size("-wal") + SPARE_BYTES;
        let room = statvfs(folder).map_err(|e| file_error(folder)(e.into()))?;
        let free = room.blocks_available() * room.fragment_size();
        if free < needed {
            return Err(BackupError::NoRoom { path: folder.to_owned(), needed, free });
        }
        Ok(())
    }

    fn copy_to(&self, target: &Path) -> Result<(), BackupError> {
        let of = database_error;
        let source = Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(of(&self.database))?;
        source.busy_timeout(crate::writer::BUSY_WAIT).map_err(of(&self.database))?;
        let mut copy = Connection::open(target).map_err(of(target))?;
        {
            // One step: a step-wise copy begins anew at each commit of the shop. Readers block no writer in WAL mode.
            let backup = Backup::new(&source, &mut copy).map_err(of(target))?;
            match backup.step(-1).map_err(of(target))? {
                StepResult::Done => {}
                _ => return Err(BackupError::Locked { path: self.database.clone() }),
            }
        }
        // A copy of its own, without a log beside it.
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(of(target))?;
        if let Some(damage) = damage(&copy).map_err(of(target))? {
            return Err(BackupError::Damaged { path: target.to_owned(), damage });
        }
        drop(copy);
        File::open(target).and_then(|file| file.sync_all()).map_err(file_error(target))
    }

    /// Sets the damaged database aside under `stamp` and puts the newest sound backup in its place. Nothing may have
    /// the database open. The copy stands ready before the damaged file is moved; cut short at any point, the next call
    /// finishes it ([`Backups::is_missing`] tells).
    ///
    /// # Errors
    /// [`BackupError`] when files can't be moved or copied.
    pub fn restore(&self, stamp: &str) -> Result<Restored, BackupError> {
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = with_tail(&self.database, ".new");
        remove(&ready)?;
        let from = self.lay_out(&ready)?;
        let aside = self.beside("damaged");
        make_folder(&aside)?;
        // The log goes last: a file without its log would look like a sound, older database.
        for tail in ["", "-wal", "-shm"] {
            let file = with_tail(&self.database, tail);
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            rename_if_there(&file, &aside.join(format!("{stamp}-{name}")))?;
        }
        sync_folder(&aside)?;
        rename_if_there(&ready, &self.database)?;
        sync_folder(self.database.parent().unwrap_or(Path::new(".")))?;
        forget_oldest(&aside, stamp)?;
        Ok(from.map_or(Restored::Empty, Restored::From))
    }

    /// Copies the newest sound backup to `ready`. Where there is no room for a copy the backup itself is taken.
    fn lay_out(&self, ready: &Path) -> Result<Option<PathBuf>, BackupError> {
        for copy in (1..=COPIES).map(|age| self.copy(age)).filter(|path| path.exists()) {
            if let Some(why) = unsound(&copy) {
                tracing::error!(backup = %copy.display(), why, "this backup is damaged too");
                continue;
            }
            match std::fs::copy(&copy, ready) {
                Err(e) if e.kind() == std::io::ErrorKind::StorageFull => {
                    remove(ready)?;
                    rename_if_there(&copy, ready)?;
                }
                done => drop(done.map_err(file_error(ready))?),
            }
            File::open(ready).and_then(|file| file.sync_all()).map_err(file_error(ready))?;
            return Ok(Some(copy));
        }
        Ok(None)
    }
}

/// What `quick_check` finds; `None` when all is well.
///
/// # Errors
/// SQLite's own.
pub fn damage(db: &Connection) -> rusqlite::Result<Option<String>> {
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((verdict != "ok").then_some(verdict))
}

/// True for the errors by which SQLite says that the file itself is damaged.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn unsound(copy: &Path) -> Option<String> {
    let checked = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|db| damage(&db));
    checked.unwrap_or_else(|e| Some(e.to_string()))
}

/// Keeps what was just set aside and the newest few of what was there before.
fn forget_oldest(aside: &Path, stamp: &str) -> Result<(), BackupError> {
    let mut earlier = set_aside(aside)?;
    // By name would be by a clock that may not have known the time.
    earlier.retain(|(_, path)| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(stamp)));
    earlier.sort();
    let too_many = earlier.len().saturating_sub(SET_ASIDE);
    earlier.drain(..too_many).try_for_each(|(_, path)| remove_whole(&path))
}

/// Deletes what was set aside long ago.
fn forget_aged(aside: &Path) -> Result<(), BackupError> {
    let is_old = |at: SystemTime| at.elapsed().is_ok_and(|age| age > SET_ASIDE_FOR);
    let old = set_aside(aside)?.into_iter().filter(|(at, _)| is_old(*at));
    old.map(|(_, path)| path).try_for_each(|path| remove_whole(&path))
}

/// The databases in the folder, with the time when each was last written.
fn set_aside(aside: &Path) -> Result<Vec<(SystemTime, PathBuf)>, BackupError> {
    let entries = match std::fs::read_dir(aside) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(file_error(aside))?,
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|e| e.path()));
    let databases = paths.filter(|path| path.extension().is_some_and(|extension| extension == "db"));
    Ok(databases.filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path))).collect())
}

fn remove_whole(database: &Path) -> Result<(), BackupError> {
    ["-wal", "-shm", ""].iter().try_for_each(|tail| remove(&with_tail(database, tail)))
}

fn with_tail(path: &Path, tail: &str) -> PathBuf {
    let mut whole = path.as_os_str().to_owned();
    whole.push(tail);
    PathBuf::from(whole)
}

fn make_folder(path: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(file_error(path))
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), BackupError> {
    match std::fs::rename(from, to) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(file_error(from)),
    }
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(file_error(path)),
    }
}

fn sync_folder(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(file_error(path))
}

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::File { path: path.clone(), source }
}

fn database_error(path: &Path) -> impl Fn(rusqlite::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::Database { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt as _;

    /// A database with `rows` rows in a folder of its own, still open.
    fn shop(rows: u32) -> (tempfile::TempDir, Backups, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.db");
        let db = crate::writer::open(&path).unwrap();
        db.execute_batch("CREATE TABLE t(a INTEGER, b TEXT) STRICT").unwrap();
        add(&db, rows);
        (dir, Backups::of(&path), db)
    }

    fn add(db: &Connection, rows: u32) {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                   INSERT INTO t SELECT i, hex(randomblob(100)) FROM n";
        db.execute(sql, [rows]).unwrap();
    }

    fn count(path: &Path) -> u32 {
        Connection::open(path).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_backup_holds_what_was_committed_and_the_one_before_is_kept() {
        let (_dir, backups, db) = shop(1_000);
        assert_eq!(backups.newest(), None);
        let first = backups.take().unwrap();
        add(&db, 500);
        let second = backups.take().unwrap();
        assert_eq!(first, second);
        assert_eq!(count(&second), 1_500);
        assert_eq!(count(&backups.copy(2)), 1_000);
        assert!(!with_tail(&second, "-wal").exists());
    }

    #[test]
    fn a_damaged_database_is_set_aside_and_the_backup_takes_its_place() {
        let (_dir, backups, db) = shop(1_000);
        backups.take().unwrap();
        add(&db, 500);
        drop(db);
        let file = File::options().write(true).open(&backups.database).unwrap();
        for page in 1..20 {
            file.write_all_at(&[0xA5; 2_048], page * 4_096 + 1_024).unwrap();
        }
        assert!(unsound(&backups.database).is_some());
        assert_eq!(backups.restore("20261122T101500").unwrap(), Restored::From(backups.copy(1)));
        assert_eq!(count(&backups.database), 1_000);
        assert!(backups.beside("damaged").join("20261122T101500-shop.db").exists());
    }

    #[test]
    fn a_damaged_backup_is_passed_over_and_without_any_the_database_begins_empty() {
        let (_dir, backups, db) = shop(100);
        backups.take().unwrap();
        add(&db, 100);
        backups.take().unwrap();
        std::fs::write(backups.copy(1), b"no database at all, though it lies where one should").unwrap();
        drop(db);
        assert_eq!(backups.restore("1").unwrap(), Restored::From(backups.copy(2)));
        assert_eq!(count(&backups.database), 100);
        std::fs::write(backups.copy(2), b"nor this").unwrap();
        assert_eq!(backups.restore("2").unwrap(), Restored::Empty);
        assert!(!backups.database.exists());
    }

    #[test]
    fn a_restore_that_was_cut_short_is_noticed_and_finished() {
        let (_dir, backups, db) = shop(100);
        backups.take().unwrap();
        drop(db);
        assert!(!backups.is_missing());
        // The power went after the damaged file was moved.
        std::fs::remove_file(&backups.database).unwrap();
        assert!(backups.is_missing());
        std::fs::write(&backups.database, b"").unwrap();
        assert!(backups.is_missing());
        backups.restore("1").unwrap();
        assert_eq!(count(&backups.database), 100);
        assert!(!backups.is_missing());
    }

    #[test]
    fn what_was_set_aside_long_ago_is_deleted() {
        let (_dir, backups, db) = shop(10);
        std::fs::create_dir(backups.beside("damaged")).unwrap();
        let old = backups.beside("damaged").join("2026-1-shop.db");
        std::fs::write(&old, b"x").unwrap();
        File::options().write(true).open(&old).unwrap().set_modified(SystemTime::now() - SET_ASIDE_FOR * 2).unwrap();
        backups.take().unwrap();
        assert!(!old.exists());
        drop(db);
    }

    #[test]
    fn only_the_last_few_damaged_databases_are_kept() {
        let (_dir, backups, db) = shop(10);
        drop(db);
        for stamp in 1..=5 {
            std::fs::write(&backups.database, b"x").unwrap();
            backups.restore(&format!("2026-{stamp}")).unwrap();
        }
        let mut left: Vec<_> =
            std::fs::read_dir(backups.beside("damaged")).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["2026-3-shop.db", "2026-4-shop.db", "2026-5-shop.db"]);
    }

    #[test]
    fn a_database_that_is_damaged_gives_no_backup_and_the_old_ones_stay() {
        let (_dir, backups, db) = shop(1_000);
        backups.take().unwrap();
        drop(db);
        let file = File::options().write(true).open(&backups.database).unwrap();
        file.write_all_at(&[0; 4_096 * 4], 4_096 * 3).unwrap();
        backups.take().unwrap_err();
        assert_eq!(count(&backups.copy(1)), 1_000);
        assert!(!backups.beside("backup").join("new").exists());
    }
}
