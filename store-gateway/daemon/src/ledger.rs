//! The sync ledger in SQLite: `store_sync`'s traits over a handful of tables, one set for every pair in the database.
//!
//! A gateway has one pair (scope `hq`); HQ has one per store (the scope is the store's id). Everything here runs inside
//! a transaction of the [writer](crate::writer) or of a reader; nothing here decides anything.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use store_sync::{
    AggregateKey, AsideReason, EventId, Head, Ledger, LedgerRead, LogEnd, LogEntry, OutboxRow, OutboxSize, Queue,
    SeqIds, SetAside, Side, Standing,
};

/// The tables, for the first migration of either daemon.
pub const SCHEMA: &str = include_str!("ledger.sql");

/// One pair's ledger on a connection. Reads see the connection's own transaction.
#[derive(Clone, Copy)]
pub struct SqlLedger<'c> {
    db: &'c Connection,
    scope: &'c str,
}

impl<'c> SqlLedger<'c> {
    /// The ledger of the pair named `scope`.
    pub const fn new(db: &'c Connection, scope: &'c str) -> Self {
        Self { db, scope }
    }

    fn count(&self, queue: Queue, rows: i64, bytes: i64) -> rusqlite::Result<()> {
        let mut count = self.db.prepare_cached(
            "INSERT INTO sync_outbox_size(scope, queue, rows, bytes) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET rows = rows + excluded.rows, bytes = bytes + excluded.bytes",
        )?;
        count.execute(params![self.scope, queue.as_str(), rows, bytes])?;
        Ok(())
    }
}

fn blob(id: EventId) -> [u8; 16] {
    *id.0.as_bytes()
}

fn id_at(row: &Row<'_>, column: usize) -> rusqlite::Result<EventId> {
    row.get::<_, [u8; 16]>(column).map(EventId::from_bytes)
}

fn number(value: u64) -> rusqlite::Result<i64> {
    i64::try_from(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn words<T>(column: usize, word: &str, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    read(word).ok_or_else(|| {
        let why = format!("{word:?} is no word of the ledger");
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
    })
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        first: unsigned(row, 0)?,
        last: unsigned(row, 1)?,
        id: id_at(row, 2)?,
        at_ms: row.get(3)?,
        text: row.get(4)?,
    })
}

fn log_entry(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let standing: String = row.get(2)?;
    Ok(LogEntry {
        n: unsigned(row, 0)?,
        id: id_at(row, 1)?,
        standing: words(2, &standing, Standing::parse)?,
        text: row.get(3)?,
    })
}

fn key(row: &Row<'_>) -> rusqlite::Result<AggregateKey> {
    Ok(AggregateKey { kind: row.get(0)?, id: row.get(1)? })
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl LedgerRead for SqlLedger<'_> {
    type Error = rusqlite::Error;

    fn head(&self) -> rusqlite::Result<Option<Head>> {
        let mut head = self.db.prepare_cached("SELECT head FROM sync_head WHERE scope = ?1")?;
        let text: Option<String> = head.query_row([self.scope], |row| row.get(0)).optional()?;
        text.map(|text| {
            serde_json::from_str(&text)
                .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
        })
        .transpose()
    }

    fn outbox(&self, queue: Queue, after: u64, limit: usize) -> rusqlite::Result<Vec<OutboxRow>> {
        let mut rows = self.db.prepare_cached(
            "SELECT first, last, id, at_ms, text FROM sync_outbox
             WHERE scope = ?1 AND queue = ?2 AND last > ?3 ORDER BY last LIMIT ?4",
        )?;
        rows.query_map(params![self.scope, queue.as_str(), number(after)?, limited(limit)], outbox_row)?.collect()
    }

    fn outbox_size(&self, queue: Queue) -> rusqlite::Result<OutboxSize> {
        let mut size =
            self.db.prepare_cached("SELECT rows, bytes FROM sync_outbox_size WHERE scope = ?1 AND queue = ?2")?;
        let size = size.query_row(params![self.scope, queue.as_str()], |row| {
            Ok(OutboxSize { rows: unsigned(row, 0)?, bytes: unsigned(row, 1)? })
        });
        size.optional().map(Option::unwrap_or_default)
    }

    fn ids_at(&self, queue: Queue, seq: u64) -> rusqlite::Result<Option<SeqIds>> {
        let mut ids =
            self.db.prepare_cached("SELECT id, skip FROM sync_ids WHERE scope = ?1 AND queue = ?2 AND seq = ?3")?;
        ids.query_row(params![self.scope, queue.as_str(), number(seq)?], |row| {
            let skip: Option<[u8; 16]> = row.get(1)?;
            Ok(SeqIds { id: id_at(row, 0)?, skip: skip.map(EventId::from_bytes) })
        })
        .optional()
    }

    fn log_end(&self, key: &AggregateKey, author: Side) -> rusqlite::Result<LogEnd> {
        let mut end = self.db.prepare_cached(
            "SELECT coalesce(max(n), 0),
                    coalesce(max(n) FILTER (WHERE standing NOT IN ('rejected', 'waiting')), 0),
                    coalesce(max(standing IN ('rejected', 'waiting')), 0)
             FROM sync_log WHERE scope = ?1 AND kind = ?2 AND aggregate = ?3 AND author = ?4",
        )?;
        end.query_row(params![self.scope, key.kind, key.id, author.as_str()], |row| {
            Ok(LogEnd { n: unsigned(row, 0)?, seen: unsigned(row, 1)?, blocked: row.get(2)? })
        })
    }

    fn log(&self, key: &AggregateKey, author: Side, after_n: u64, limit: usize) -> rusqlite::Result<Vec<LogEntry>> {
        let mut log = self.db.prepare_cached(
            "SELECT n, id, standing, text FROM sync_log
             WHERE scope = ?1 AND kind = ?2 AND aggregate = ?3 AND author = ?4 AND n > ?5 ORDER BY n LIMIT ?6",
        )?;
        let place = params![self.scope, key.kind, key.id, author.as_str(), number(after_n)?, limited(limit)];
        log.query_map(place, log_entry)?.collect()
    }

    fn aggregates(&self, after: Option<&AggregateKey>, limit: usize) -> rusqlite::Result<Vec<AggregateKey>> {
        let mut keys = self.db.prepare_cached(
            "SELECT DISTINCT kind, aggregate FROM sync_log
             WHERE scope = ?1 AND (kind, aggregate) > (?2, ?3) ORDER BY kind, aggregate LIMIT ?4",
        )?;
        let (kind, id) = after.map_or(("", ""), |key| (key.kind.as_str(), key.id.as_str()));
        keys.query_map(params![self.scope, kind, id, limited(limit)], key)?.collect()
    }

    fn holds(&self, id: EventId) -> rusqlite::Result<bool> {
        let mut found = self.db.prepare_cached("SELECT 1 FROM sync_log WHERE scope = ?1 AND id = ?2")?;
        found.exists(params![self.scope, blob(id)])
    }

    fn is_set_aside(&self, id: EventId) -> rusqlite::Result<bool> {
        let mut found = self.db.prepare_cached("SELECT 1 FROM sync_aside WHERE scope = ?1 AND id = ?2")?;
        found.exists(params![self.scope, blob(id)])
    }

    fn kept(&self, author: Side, after: Option<&AggregateKey>, limit: usize) -> rusqlite::Result<Vec<AggregateKey>> {
        let mut keys = self.db.prepare_cached(
            "SELECT DISTINCT kind, aggregate FROM sync_log
             WHERE scope = ?1 AND standing = 'kept' AND author = ?2 AND (kind, aggregate) > (?3, ?4)
             ORDER BY kind, aggregate LIMIT ?5",
        )?;
        let (kind, id) = after.map_or(("", ""), |key| (key.kind.as_str(), key.id.as_str()));
        keys.query_map(params![self.scope, author.as_str(), kind, id, limited(limit)], key)?.collect()
    }

    fn staged(&self, snapshot: EventId, n: u32) -> rusqlite::Result<Option<String>> {
        let mut chunk =
            self.db.prepare_cached("SELECT text FROM sync_staged WHERE scope = ?1 AND snapshot = ?2 AND n = ?3")?;
        chunk.query_row(params![self.scope, blob(snapshot), n], |row| row.get(0)).optional()
    }
}

impl Ledger for SqlLedger<'_> {
    fn put_head(&mut self, head: &Head) -> rusqlite::Result<()> {
        let text = serde_json::to_string(head).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        let mut put = self.db.prepare_cached(
            "INSERT INTO sync_head(scope, head) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET head = excluded.head",
        )?;
        put.execute(params![self.scope, text])?;
        Ok(())
    }

    fn push_outbox(&mut self, queue: Queue, row: &OutboxRow) -> rusqlite::Result<()> {
        let mut push = self.db.prepare_cached(
            "INSERT INTO sync_outbox(scope, queue, first, last, id, at_ms, text)
             VALUES (:scope, :queue, :first, :last, :id, :at_ms, :text)",
        )?;
        push.execute(named_params! {
            ":scope": self.scope, ":queue": queue.as_str(), ":first": number(row.first)?, ":last": number(row.last)?,
            ":id": blob(row.id), ":at_ms": row.at_ms, ":text": row.text,
        })?;
        self.count(queue, 1, limited(row.text.len()))
    }

    fn skip_outbox(&mut self, queue: Queue, row: &OutboxRow) -> rusqlite::Result<()> {
        self.delete_outbox(queue, row.last)?;
        self.push_outbox(queue, row)
    }

    fn delete_outbox(&mut self, queue: Queue, through: u64) -> rusqlite::Result<()> {
        let place = params![self.scope, queue.as_str(), number(through)?];
        let mut gone = self.db.prepare_cached(
            "SELECT count(*), coalesce(sum(length(CAST(text AS BLOB))), 0) FROM sync_outbox
             WHERE scope = ?1 AND queue = ?2 AND last <= ?3",
        )?;
        let (rows, bytes): (i64, i64) = gone.query_row(place, |row| Ok((row.get(0)?, row.get(1)?)))?;
        if rows == 0 {
            return Ok(());
        }
        let mut delete =
            self.db.prepare_cached("DELETE FROM sync_outbox WHERE scope = ?1 AND queue = ?2 AND last <= ?3")?;
        delete.execute(place)?;
        self.count(queue, -rows, -bytes)
    }

    fn put_ids(&mut self, queue: Queue, seq: u64, ids: &SeqIds) -> rusqlite::Result<()> {
        let mut put = self.db.prepare_cached(
            "INSERT INTO sync_ids(scope, queue, seq, id, skip) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET id = excluded.id, skip = excluded.skip",
        )?;
        put.execute(params![self.scope, queue.as_str(), number(seq)?, blob(ids.id), ids.skip.map(blob)])?;
        Ok(())
    }

    fn clear_stream(&mut self) -> rusqlite::Result<()> {
        for table in ["sync_outbox", "sync_outbox_size", "sync_ids"] {
            self.db.execute(&format!("DELETE FROM {table} WHERE scope = ?1"), [self.scope])?;
        }
        Ok(())
    }

    fn append_log(&mut self, key: &AggregateKey, author: Side, entry: &LogEntry) -> rusqlite::Result<()> {
        let mut append = self.db.prepare_cached(
            "INSERT INTO sync_log(scope, kind, aggregate, author, n, id, standing, text)
             VALUES (:scope, :kind, :aggregate, :author, :n, :id, :standing, :text)",
        )?;
        append.execute(named_params! {
            ":scope": self.scope, ":kind": key.kind, ":aggregate": key.id, ":author": author.as_str(),
            ":n": number(entry.n)?, ":id": blob(entry.id), ":standing": entry.standing.as_str(), ":text": entry.text,
        })?;
        Ok(())
    }

    fn replace_log(&mut self, key: &AggregateKey, author: Side, entries: &[LogEntry]) -> rusqlite::Result<()> {
        let mut delete = self
            .db
            .prepare_cached("DELETE FROM sync_log WHERE scope = ?1 AND kind = ?2 AND aggregate = ?3 AND author = ?4")?;
        delete.execute(params![self.scope, key.kind, key.id, author.as_str()])?;
        entries.iter().try_for_each(|entry| self.append_log(key, author, entry))
    }

    fn set_standing(&mut self, id: EventId, standing: Standing) -> rusqlite::Result<()> {
        let mut set = self.db.prepare_cached("UPDATE sync_log SET standing = ?3 WHERE scope = ?1 AND id = ?2")?;
        set.execute(params![self.scope, blob(id), standing.as_str()])?;
        Ok(())
    }

    fn set_aside(&mut self, event: &SetAside) -> rusqlite::Result<()> {
        let mut put = self.db.prepare_cached(
            "INSERT INTO sync_aside(scope, id, kind, aggregate, author, why, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?;
        let why = serde_json::to_string::<AsideReason>(&event.why)
            .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        put.execute(params![
            self.scope,
            blob(event.id),
            event.key.kind,
            event.key.id,
            event.author.as_str(),
            why,
            event.text
        ])?;
        Ok(())
    }

    fn stage(&mut self, snapshot: EventId, n: u32, text: &str) -> rusqlite::Result<()> {
        let mut put = self.db.prepare_cached(
            "INSERT INTO sync_staged(scope, snapshot, n, text) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET text = excluded.text",
        )?;
        put.execute(params![self.scope, blob(snapshot), n, text])?;
        Ok(())
    }

    fn unstage(&mut self, snapshot: Option<EventId>) -> rusqlite::Result<()> {
        match snapshot {
            Some(id) => self
                .db
                .execute("DELETE FROM sync_staged WHERE scope = ?1 AND snapshot = ?2", params![self.scope, blob(id)])?,
            None => self.db.execute("DELETE FROM sync_staged WHERE scope = ?1", [self.scope])?,
        };
        Ok(())
    }
}
