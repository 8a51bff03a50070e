//! What a restored database means for the shop (the effects of a restore): messages may have gone out already, bags
//! may have left already.

use rusqlite::params;
use shop_model::event::{Actor, MessageFact};
use shop_model::ids::{MessageId, ReservationId};
use shop_model::reservation::GoodsState;

use super::Desk;
use crate::app::ShopError;
use crate::live::Live;
use crate::messages::{self, RESTORED};

impl Desk<'_, '_> {
    /// This database turned out to be an old copy. Nothing of ours goes to HQ before the snapshot; what it holds is in
    /// doubt from now on.
    pub(super) fn rolled_back(&mut self, why: &str) -> Result<(), ShopError> {
        {
            let app = self.app();
            let mut link = app.status.link();
            link.recovery = true;
            link.superseded = false; // A new epoch asks HQ anew who speaks for this store.
        }
        self.doubt_everything()?;
        self.clear_alert("superseded", "box")?;
        self.alert("rolled-back", "database", &format!("this database is an older copy: {why}"))
    }

    /// HQ's snapshot was adopted.
    pub(super) fn restored(&mut self) -> Result<(), ShopError> {
        self.app().status.link().recovery = false;
        self.doubt_everything()?;
        self.refresh_open()?;
        messages::adopt_restored(self)?;
        let mut waiting =
            self.db().prepare("SELECT id FROM message WHERE state IN ('queued', 'held', 'submitting')")?;
        let ids: Vec<String> = waiting.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        drop(waiting);
        for id in ids {
            let message = MessageId::parse(&id).map_err(|e| ShopError::Corrupt(e.to_string()))?;
            self.db().execute(
                "UPDATE message SET state = 'unknown', cause = ?2, changed_ms = ?3 WHERE id = ?1",
                params![id, RESTORED, self.wall().unix_ms],
            )?;
            let fact = MessageFact::Unknown { message, cause: RESTORED.into() };
            self.append_message(message, &fact, &Actor::system())?;
        }
        // One retry of an unknown may be spent already: those wait for a person.
        self.db().execute("UPDATE message SET attempts = max(attempts, 2) WHERE state = 'unknown'", [])?;
        self.tell(Live::Board);
        self.tell(Live::Texts);
        Ok(())
    }

    /// What a box in recovery left undone for the orders in the snapshot: their codes, and the answers that it owes.
    fn refresh_open(&mut self) -> Result<(), ShopError> {
        let open: Vec<String> = {
            let mut rows = self.db().prepare("SELECT id, goods FROM reservation")?;
            let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            let is_open = |goods: &str| GoodsState::parse(goods).is_some_and(|state| !state.is_ended());
            rows.into_iter().filter(|(_, goods)| is_open(goods)).map(|(id, _)| id).collect()
        };
        for id in open {
            let id = ReservationId::parse(&id).map_err(|e| ShopError::Corrupt(e.to_string()))?;
            self.refresh(id)?;
        }
        Ok(())
    }

    fn doubt_everything(&self) -> Result<(), ShopError> {
        self.db().execute("UPDATE reservation SET unverified = 1, unsure = 1", [])?;
        Ok(())
    }
}
