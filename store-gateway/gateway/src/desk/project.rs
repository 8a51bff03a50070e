//! The projections: one row a reservation and a person, made anew from the logs whenever these grow, and the acts that
//! the store owes in return (answers to HQ's wishes, cases).

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, named_params, params};
use shop_model::event::{Actor, HqFact};
use shop_model::ids::{PersonRef, ReservationId};
use shop_model::person::Personal;
use shop_model::reservation::{self, Presence, Reservation};
use store_daemon::ledger::SqlLedger;

use super::{Desk, ms};
use crate::app::{SCOPE, ShopError};
use crate::facts::{self, Logs};
use crate::live::Live;

/// Rounds of owed acts in one transaction; each act answers a wish for good, so two are usual.
const OWED_ROUNDS: usize = 16;

impl Desk<'_, '_> {
    /// Makes everything that hangs on a reservation fit its logs.
    pub(super) fn refresh(&mut self, id: ReservationId) -> Result<(), ShopError> {
        let mut logs = self.logs(id)?;
        if logs.hq.is_empty() {
            return Ok(());
        }
        if self.is_open_for_writing() {
            for _ in 0..OWED_ROUNDS {
                if !self.do_what_is_owed(id, &logs)? {
                    break;
                }
                logs = self.logs(id)?;
            }
        }
        let state = reservation::fold(&logs.hq, &logs.store);
        self.keep_person(&logs)?;
        self.put_row(id, &state)?;
        if state.goods.state.is_ended() {
            self.forget_code(id)?;
        } else if self.is_open_for_writing() {
            self.keep_code(id, given_code(&logs))?;
        }
        if let Some(order) = &state.order {
            self.tell(Live::Order(order.as_str().to_owned()));
        }
        self.app().messages_wake.notify_one();
        Ok(())
    }

    fn logs(&self, id: ReservationId) -> Result<Logs, ShopError> {
        facts::reservation_logs(&SqlLedger::new(self.db(), SCOPE), id)
    }

    /// A box in recovery or superseded derives, but adds nothing of its own.
    fn is_open_for_writing(&self) -> bool {
        let link = self.app().status.link();
        !link.superseded && !link.recovery
    }

    /// True when something was written.
    fn do_what_is_owed(&mut self, id: ReservationId, logs: &Logs) -> Result<bool, ShopError> {
        let owed = reservation::consequences(&logs.hq, &logs.store);
        for act in &owed {
            self.append(facts::store_event(id, &act.fact, &Actor::system(), Some(act.cause))?)?;
        }
        for case in reservation::cases_due(id, &logs.hq, &logs.store) {
            if !facts::case_is_open(&SqlLedger::new(self.db(), SCOPE), case.case)? {
                self.append(facts::case_event(id, &case)?)?;
                let kind = facts::case_word(&case);
                self.alert(&format!("case-{kind}"), &id.to_string(), "an order needs a person: see its page")?;
            }
        }
        Ok(!owed.is_empty())
    }

    fn keep_person(&self, logs: &Logs) -> Result<(), ShopError> {
        let placed = logs.hq.iter().find_map(|entry| match &entry.body {
            HqFact::Placed(placed) => Some(placed),
            _ => None,
        });
        let Some((person, personal)) = placed.and_then(|p| Some((p.person, p.personal.as_ref()?))) else {
            return Ok(());
        };
        // person.changed is newer than the order that brought the person.
        let mut known = self.db().prepare_cached("SELECT 1 FROM person WHERE person_ref = ?1")?;
        if known.exists([person.to_string()])? {
            return Ok(());
        }
        self.put_person(person, personal)
    }

    pub(crate) fn put_person(&self, person: PersonRef, personal: &Personal) -> Result<(), ShopError> {
        let mut put = self.db().prepare_cached(
            "INSERT INTO person(person_ref, name, search_key, initials, phone, last3, language, channel, email)
             VALUES (:ref, :name, :key, :initials, :phone, :last3, :language, :channel, :email)
             ON CONFLICT DO UPDATE SET name = excluded.name, search_key = excluded.search_key,
               initials = excluded.initials, phone = excluded.phone, last3 = excluded.last3,
               language = excluded.language, channel = excluded.channel, email = excluded.email",
        )?;
        put.execute(named_params! {
            ":ref": person.to_string(), ":name": personal.name, ":key": personal.search_key(),
            ":initials": personal.initials(), ":phone": personal.phone.e164(), ":last3": personal.phone.last_three(),
            ":language": personal.language.as_str(), ":channel": personal.channel.as_str(), ":email": personal.email,
        })?;
        Ok(())
    }

    /// HQ changed or erased a person.
    pub(super) fn refresh_person(&mut self, person: &str) -> Result<(), ShopError> {
        let ledger = SqlLedger::new(self.db(), SCOPE);
        match facts::person_now(&ledger, person)? {
            facts::PersonNow::Changed(reference, personal) => self.put_person(reference, &personal)?,
            facts::PersonNow::Erased => {
                self.db().execute("DELETE FROM person WHERE person_ref = ?1", [person])?;
                self.db().execute("UPDATE message SET text = '' WHERE person_ref = ?1", [person])?;
                self.db().execute("UPDATE received SET text = '', sender = '' WHERE person_ref = ?1", [person])?;
                self.db().execute("UPDATE call SET number = '' WHERE person_ref = ?1", [person])?;
                self.db().execute(
                    "UPDATE print_job SET document = '{\"parts\":[]}'
                     WHERE reservation IN (SELECT id FROM reservation WHERE person_ref = ?1)",
                    [person],
                )?;
            }
            facts::PersonNow::Unknown => return Ok(()),
        }
        self.tell(Live::Board);
        Ok(())
    }

    fn put_row(&self, id: ReservationId, state: &Reservation) -> Result<(), ShopError> {
        let Some(order) = &state.order else { return Ok(()) };
        let (arrived_ms, arrived_via, attended_by) = match &state.presence {
            Presence::Arrived { since, via, .. } => (Some(since.unix_ms), Some(via.as_str()), None),
            Presence::Attended { since, by } => (since.map(|at| at.unix_ms), None, Some(by.as_str())),
            Presence::Away | Presence::OnWay | Presence::Left => (None, None, None),
        };
        let mut shelves: Vec<&str> = state.goods.bags.iter().map(|bag| bag.shelf.as_str()).collect();
        shelves.dedup();
        let pieces: u32 = state.goods.lines.iter().map(|line| line.line.quantity).sum();
        let alerts = state.why.iter().filter(|why| why.what.is_alert()).count();
        let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let mut put = self.db().prepare_cached(PUT_ROW)?;
        put.execute(named_params! {
            ":id": id.to_string(), ":number": order.as_str(), ":person": state.person.map(|p| p.to_string()),
            ":kind": state.kind.as_str(), ":goods": state.goods.state.as_str(), ":money": state.money.state.as_str(),
            ":presence": state.presence.as_str(), ":wish": state.wish_word(),
            ":currency": state.money.currency.to_string(), ":total": state.money.total.0, ":due": state.money.due.0,
            ":pieces": pieces, ":shelves": shelves.join(" "), ":round": state.round,
            ":version": i64::try_from(state.version).unwrap_or(i64::MAX), ":alerts": number(alerts),
            ":placed": state.placed_at.map_or(self.wall().unix_ms, |at| at.unix_ms),
            ":promised": state.promised_at.map(ms), ":hold": state.goods.hold_until.map(ms),
            ":arrived": arrived_ms, ":via": arrived_via, ":attended": attended_by,
            ":handed": state.goods.hand_overs.last().map(|h| h.at.unix_ms),
        })?;
        Ok(())
    }

    /// After a restore: whether this order's own bag must be scanned before a hand-over.
    ///
    /// # Errors
    /// The database's.
    pub fn is_unverified(&self, id: ReservationId) -> Result<bool, ShopError> {
        let mut row = self.db().prepare_cached("SELECT unverified FROM reservation WHERE id = ?1")?;
        Ok(row.query_row([id.to_string()], |row| row.get(0)).optional()?.unwrap_or(false))
    }

    /// This order's own bag was scanned.
    ///
    /// # Errors
    /// The database's.
    pub fn set_verified(&self, id: ReservationId) -> Result<(), ShopError> {
        self.db().execute("UPDATE reservation SET unverified = 0 WHERE id = ?1", params![id.to_string()])?;
        Ok(())
    }

    /// Orders whose hold is over at `now`, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<ReservationId>, ShopError> {
        let mut rows = self.db().prepare_cached(
            "SELECT id FROM reservation WHERE goods IN ('ready', 'partial') AND hold_until_ms <= ?1
             ORDER BY hold_until_ms LIMIT ?2",
        )?;
        let ids = rows.query_map(params![ms(now), limit], |row| row.get::<_, String>(0))?;
        ids.map(|id| ReservationId::parse(&id?).map_err(|e| ShopError::Corrupt(e.to_string()))).collect()
    }
}

fn given_code(logs: &Logs) -> Option<&shop_model::code::PickupCode> {
    logs.hq.iter().find_map(|entry| match &entry.body {
        HqFact::Placed(placed) => placed.code.as_ref(),
        _ => None,
    })
}

const PUT_ROW: &str = "
    INSERT INTO reservation(id, number, person_ref, kind, goods, money, presence, wish, currency, total, due, pieces,
        shelves, round, version, alerts, placed_ms, promised_ms, hold_until_ms, arrived_ms, arrived_via, attended_by,
        handed_over_ms)
    VALUES (:id, :number, :person, :kind, :goods, :money, :presence, :wish, :currency, :total, :due, :pieces,
        :shelves, :round, :version, :alerts, :placed, :promised, :hold, :arrived, :via, :attended, :handed)
    ON CONFLICT (id) DO UPDATE SET person_ref = excluded.person_ref, kind = excluded.kind, goods = excluded.goods,
        money = excluded.money, presence = excluded.presence, wish = excluded.wish, currency = excluded.currency,
        total = excluded.total, due = excluded.due, pieces = excluded.pieces, shelves = excluded.shelves,
        round = excluded.round, version = excluded.version, alerts = excluded.alerts,
        placed_ms = excluded.placed_ms, promised_ms = excluded.promised_ms, hold_until_ms = excluded.hold_until_ms,
        arrived_ms = excluded.arrived_ms, arrived_via = excluded.arrived_via, attended_by = excluded.attended_by,
        handed_over_ms = excluded.handed_over_ms";
