//! Configuration bundles: a version a change, checked whole, signed, published retained. The store tries it and says
//! whether it runs; drift is what it runs against what is wanted.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};
use shop_model::config::Bundle;

use crate::app::Outgoing;
use crate::desk::Desk;
use crate::live::Live;
use crate::orders::refusal::{FieldError, Refusal};

/// Bytes of a bundle that are read.
pub const BUNDLE_MAX: usize = 64 * 1_024;
/// Versions that a store's history shows.
const HISTORY: usize = 50;

/// A version of a store's configuration.
#[derive(Clone, Debug)]
pub struct Signed {
    /// HQ's number.
    pub version: i64,
    /// The bundle as JSON: exactly the bytes that were signed.
    pub text: String,
    /// Ed25519 over them, base64.
    pub sig: String,
    /// When it was made, milliseconds since 1970.
    pub created_at: i64,
    /// By whom.
    pub created_by: String,
}

impl Signed {
    /// The body of `config/desired`.
    pub fn payload(&self) -> Vec<u8> {
        json!({ "version": self.version, "bundle": self.text, "sig": self.sig }).to_string().into_bytes()
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Signed> {
        Ok(Signed {
            version: row.get(0)?,
            text: row.get(1)?,
            sig: row.get(2)?,
            created_at: row.get(3)?,
            created_by: row.get(4)?,
        })
    }
}

/// The newest version for a store.
///
/// # Errors
/// The database's.
pub fn newest(db: &Connection, store: &str) -> Result<Option<Signed>, Refusal> {
    let mut find = db.prepare_cached(
        "SELECT version, text, sig, created_at, created_by FROM bundle WHERE store = ?1 ORDER BY version DESC LIMIT 1",
    )?;
    Ok(find.query_row([store], Signed::read).optional()?)
}

/// Its number alone.
///
/// # Errors
/// The database's.
pub fn version_of(db: &Connection, store: &str) -> Result<Option<i64>, Refusal> {
    let mut find = db.prepare_cached("SELECT max(version) FROM bundle WHERE store = ?1")?;
    Ok(find.query_row([store], |row| row.get(0))?)
}

/// The newest versions, newest first.
///
/// # Errors
/// The database's.
pub fn history(db: &Connection, store: &str) -> Result<Vec<Signed>, Refusal> {
    let mut find = db.prepare_cached(
        "SELECT version, text, sig, created_at, created_by FROM bundle WHERE store = ?1 ORDER BY version DESC LIMIT ?2",
    )?;
    let rows = find.query_map(params![store, i64::try_from(HISTORY).unwrap_or(i64::MAX)], Signed::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads and checks a bundle. What is left out keeps its built-in value; what is misspelt is refused, for it would be
/// left out silently.
///
/// # Errors
/// [`Refusal`] naming the path.
pub fn parse(body: &[u8]) -> Result<Bundle, Refusal> {
    if body.len() > BUNDLE_MAX {
        return Err(Refusal::TooLarge { limit: BUNDLE_MAX });
    }
    let value: Value = serde_json::from_slice(body).map_err(|e| Refusal::Malformed { why: e.to_string() })?;
    let shape = serde_json::to_value(Bundle::default()).unwrap_or_default();
    unknown_keys(&value, &shape, "")?;
    let bundle: Bundle = crate::orders::form::read_value(value)?;
    bundle.validate().map_err(|e| Refusal::field(e.path.clone(), e.why.clone()))?;
    Ok(bundle)
}

fn unknown_keys(value: &Value, shape: &Value, at: &str) -> Result<(), Refusal> {
    let Some(known) = shape.as_object() else { return Ok(()) };
    let Some(object) = value.as_object() else {
        return Err(Refusal::field(if at.is_empty() { "$" } else { at }, "expected an object"));
    };
    for (key, inner) in object {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match (path.as_str(), known.get(key)) {
            // Open maps: features by name, exceptions by date.
            ("features" | "hours.exceptions", _) => {}
            (_, Some(shape)) => unknown_keys(inner, shape, &path)?,
            (_, None) => return Err(Refusal::Invalid(vec![FieldError::new(path, "no such setting")])),
        }
    }
    Ok(())
}

/// Whether a bundle made a new version.
#[derive(Clone, Debug)]
pub enum Put {
    /// It did.
    Made(Signed),
    /// The newest version says the same.
    Same(Signed),
}

impl Put {
    /// The version in force at HQ.
    pub const fn signed(&self) -> &Signed {
        match self {
            Self::Made(signed) | Self::Same(signed) => signed,
        }
    }
}

/// Makes the next version of a store's configuration and has it published.
///
/// # Errors
/// The database's.
pub fn put(desk: &mut Desk<'_, '_>, store: &str, mut bundle: Bundle, actor: &str) -> Result<Put, Refusal> {
    desk.register(store, "config")?;
    let last = newest(desk.db(), store)?;
    let floor: Option<i64> =
        desk.db().query_row("SELECT config FROM store WHERE id = ?1", [store], |row| row.get(0))?;
    if let Some(last) = last {
        bundle.version = u64::try_from(last.version).unwrap_or(0);
        if serde_json::from_str::<Bundle>(&last.text).is_ok_and(|kept| kept == bundle) {
            desk.send(Outgoing::Config { store: store.to_owned() });
            return Ok(Put::Same(last));
        }
    } else {
        bundle.version = 0;
    }
    // A store that runs a later version than ours (HQ was restored) must see this one as new.
    let version = i64::try_from(bundle.version).unwrap_or(i64::MAX - 1).max(floor.unwrap_or(0)) + 1;
    bundle.version = u64::try_from(version).unwrap_or(0);
    let text = serde_json::to_string(&bundle).map_err(|e| Refusal::Storage(e.to_string()))?;
    let sig = desk.app().signer.sign(text.as_bytes());
    let signed = Signed { version, text, sig, created_at: desk.unix_ms(), created_by: actor.to_owned() };
    desk.db().execute(
        "INSERT INTO bundle(store, version, text, sig, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![store, version, signed.text, signed.sig, signed.created_at, signed.created_by],
    )?;
    desk.audit(actor, "config", &format!("{store} {version}"))?;
    desk.send(Outgoing::Config { store: store.to_owned() });
    desk.tell(Live::Store(store.to_owned()));
    Ok(Put::Made(signed))
}
