//! Pickup codes: sealed and indexed while the order is open, gone when it is closed.

use rusqlite::{OptionalExtension as _, params};
use shop_model::code::{CodePool, PickupCode};
use shop_model::decide::Check;
use shop_model::event::{Actor, StoreFact};
use shop_model::ids::ReservationId;
use store_daemon::secrets::seed;

use super::Desk;
use crate::app::ShopError;
use crate::facts;

/// What codes are sealed for, with the reservation's id behind it.
const SEAL: &str = "pickup-code";
/// What codes are looked up by.
const LOOKUP: &str = "pickup-code";

impl Desk<'_, '_> {
    /// Keeps the code that came with the order, or mints one when there is none or another open order has it.
    pub(super) fn keep_code(&mut self, id: ReservationId, given: Option<&PickupCode>) -> Result<(), ShopError> {
        let mut kept = self.db().prepare_cached("SELECT 1 FROM code WHERE reservation = ?1")?;
        let is_kept = kept.exists([id.to_string()])?;
        drop(kept);
        if is_kept {
            return Ok(());
        }
        let (code, minted) = match given {
            // HQ keeps its codes apart; a code that it gave twice anyway would open two orders.
            Some(code) if self.order_of_code(code)?.is_none() => (*code, false),
            _ => match self.open_codes()?.mint(seed) {
                Ok(code) => (code, true),
                Err(e) => return self.alert("codes", "pool", &e.to_string()),
            },
        };
        let plain = code.reveal().as_bytes();
        self.db().execute(
            "INSERT INTO code(reservation, sealed, lookup) VALUES (?1, ?2, ?3)",
            params![
                id.to_string(),
                self.app().keys.seal(&format!("{SEAL}:{id}"), plain),
                self.app().keys.index(LOOKUP, plain)
            ],
        )?;
        if minted {
            self.append(facts::store_event(id, &StoreFact::CodeSet, &Actor::system(), None)?)?;
        }
        Ok(())
    }

    /// Forgets the code of a closed order.
    pub(super) fn forget_code(&self, id: ReservationId) -> Result<(), ShopError> {
        self.db().prepare_cached("DELETE FROM code WHERE reservation = ?1")?.execute([id.to_string()])?;
        Ok(())
    }

    /// Compares what was typed or scanned with the order's code, by index.
    ///
    /// # Errors
    /// The database's.
    pub fn check_code(&self, id: ReservationId, code: &PickupCode) -> Result<Check, ShopError> {
        Ok(if self.order_of_code(code)? == Some(id) { Check::Right } else { Check::Wrong })
    }

    /// The open order with this code.
    ///
    /// # Errors
    /// The database's.
    pub fn order_of_code(&self, code: &PickupCode) -> Result<Option<ReservationId>, ShopError> {
        let index = self.app().keys.index(LOOKUP, code.reveal().as_bytes());
        let mut found = self.db().prepare_cached("SELECT reservation FROM code WHERE lookup = ?1")?;
        let id: Option<String> = found.query_row([index], |row| row.get(0)).optional()?;
        id.map(|id| ReservationId::parse(&id).map_err(|e| ShopError::Corrupt(e.to_string()))).transpose()
    }

    /// The code in the clear, for a text that goes to the order's own phone.
    ///
    /// # Errors
    /// The database's, or when the key file is another.
    pub fn reveal_code(&self, id: ReservationId) -> Result<Option<PickupCode>, ShopError> {
        let mut found = self.db().prepare_cached("SELECT sealed FROM code WHERE reservation = ?1")?;
        let sealed: Option<Vec<u8>> = found.query_row([id.to_string()], |row| row.get(0)).optional()?;
        sealed.map(|sealed| self.unseal(&id.to_string(), &sealed)).transpose()
    }

    fn unseal(&self, reservation: &str, sealed: &[u8]) -> Result<PickupCode, ShopError> {
        let plain = self
            .app()
            .keys
            .open(&format!("{SEAL}:{reservation}"), sealed)
            .map_err(|e| ShopError::Corrupt(e.to_string()))?;
        let text = String::from_utf8(plain).map_err(|e| ShopError::Corrupt(e.to_string()))?;
        PickupCode::parse(&text).map_err(|e| ShopError::Corrupt(e.to_string()))
    }

    fn open_codes(&self) -> Result<CodePool, ShopError> {
        let mut all = self.db().prepare_cached("SELECT reservation, sealed FROM code")?;
        let rows = all.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.map(|row| row.map_err(ShopError::from).and_then(|(id, sealed)| self.unseal(&id, &sealed))).collect()
    }
}
