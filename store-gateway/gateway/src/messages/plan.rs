//! One pass of the reconciler: what the reservations want said, against what the queue holds. Reads both afresh, so it
//! may run twice and be cut off anywhere.

use jiff::ToSpan as _;
use jiff::civil::Time;
use rusqlite::params;
use shop_model::config::Feature;
use shop_model::decide::Command;
use shop_model::event::{Actor, MessageFact};
use shop_model::hold::HoldRules;
use shop_model::message::{MessageState, Purpose};
use shop_model::template::TemplateKey;

use super::compose::{ORDER_COLUMNS, OrderRow, timestamp, write};
use super::row::{self, COLUMNS, Draft, MessageRow, Start, change, insert, note, put_due, put_state};
use super::{inbound, may_act};
use crate::app::ShopError;
use crate::desk::{Desk, Who};

/// Things of one kind that one pass does; the writer is free for others in between.
pub(super) const PASS: usize = 64;
/// A hold without a deadline, which no release of ours makes, is told for this long.
const NO_DEADLINE_MS: i64 = 48 * 3_600_000;
/// A reminder that is due at the last minute of the window still goes out.
const WINDOW_GRACE_MIN: u16 = 15;
/// Unknown outcomes after which only a person sends a message again.
const UNKNOWNS_MOST: u32 = 2;
/// How long a PDU is remembered, so that one announced twice counts once.
const SEEN_MS: i64 = 30 * 24 * 3_600_000;
/// How long a report without its submission is kept: no service centre tries for longer.
const EARLY_MS: i64 = 7 * 24 * 3_600_000;
/// PDUs that could not be read and are kept for support.
const UNDECODABLE_MOST: i64 = 1_000;

/// One pass; answers how much it did at most of one kind.
pub(super) fn pass(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    if !may_act(desk.app()) {
        return Ok(0);
    }
    let steps = [
        expire_holds(desk)?,
        supersede(desk)?,
        expire_messages(desk)?,
        tell_ready(desk)?,
        remind(desk)?,
        send_again(desk)?,
        keep_quiet(desk)?,
        inbound::give_up_waiting(desk)?,
    ];
    Ok(steps.into_iter().max().unwrap_or(0))
}

/// Throws away what nobody needs any more.
pub(super) fn housekeep(desk: &mut Desk<'_, '_>) -> Result<(), ShopError> {
    let now = desk.wall().unix_ms;
    let db = desk.db();
    db.execute("DELETE FROM inbound_seen WHERE at_ms < ?1", [now - SEEN_MS])?;
    db.execute("DELETE FROM report_early WHERE at_ms < ?1", [now - EARLY_MS])?;
    db.execute(
        "DELETE FROM inbound_undecodable WHERE id <= (SELECT max(id) FROM inbound_undecodable) - ?1",
        [UNDECODABLE_MOST],
    )?;
    Ok(())
}

fn decides(desk: &Desk<'_, '_>) -> bool {
    desk.wall().quality.decides_deadlines()
}

fn limit() -> i64 {
    i64::try_from(PASS).unwrap_or(i64::MAX)
}

/// Holds that are over. One that a standing wish keeps open is refused and looked at again.
fn expire_holds(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    if !decides(desk) || !desk.bundle().has(Feature::Expiry) {
        return Ok(0);
    }
    let overdue = desk.overdue(timestamp(desk.wall().unix_ms), u32::try_from(PASS).unwrap_or(u32::MAX))?;
    let mut done = 0;
    for id in overdue {
        if desk.command(id, &Command::Expire, &Who::system())?.is_ok() {
            done += 1;
        }
    }
    Ok(done)
}

/// Messages that wait for their turn and have become pointless: the order is closed, or a newer round is told.
fn supersede(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    let pointless = {
        let sql = format!(
            "SELECT {COLUMNS}, CASE WHEN r.goods IN ('ready', 'handing_over', 'partial') THEN 'newer_round' ELSE r.goods END
             FROM message m JOIN reservation r ON r.id = m.reservation
             WHERE m.state IN ('queued', 'held')
               AND m.purpose IN ('ready', 'reminder_24', 'reminder_4', 'extended')
               AND (r.goods NOT IN ('ready', 'handing_over', 'partial') OR r.round <> m.round) LIMIT ?1"
        );
        let mut rows = desk.db().prepare_cached(&sql)?;
        let rows = rows.query_map([limit()], |row| Ok((MessageRow::read(row)?, row.get::<_, String>(17)?)))?;
        rows.collect::<Result<Vec<_>, _>>()?
    };
    for (message, because) in &pointless {
        let fact = MessageFact::Superseded { message: message.id, because: because.clone() };
        change(desk, message, MessageState::Superseded, Some(because), &fact)?;
    }
    Ok(pointless.len())
}

fn expire_messages(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    if !decides(desk) {
        return Ok(0);
    }
    let late = row::select(
        desk.db(),
        "WHERE m.state IN ('queued', 'held') AND m.valid_until_ms <= ?1 LIMIT ?2",
        params![desk.wall().unix_ms, limit()],
    )?;
    for message in &late {
        expire(desk, message)?;
    }
    Ok(late.len())
}

/// It is too late for this message.
pub(super) fn expire(desk: &mut Desk<'_, '_>, message: &MessageRow) -> Result<(), ShopError> {
    change(desk, message, MessageState::Expired, None, &MessageFact::Expired { message: message.id })
}

/// READY for every waiting order whose round was not told yet. A longer hold after a READY that went out is told as
/// such.
fn tell_ready(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    let sql = format!(
        "SELECT {ORDER_COLUMNS} FROM reservation r JOIN person p ON p.person_ref = r.person_ref
         WHERE r.goods IN ('ready', 'partial') AND r.round > 0
           AND NOT EXISTS (SELECT 1 FROM message m WHERE m.reservation = r.id
                           AND m.purpose IN ('ready', 'extended') AND m.round = r.round) LIMIT ?1"
    );
    let untold: Vec<OrderRow> = {
        let mut rows = desk.db().prepare_cached(&sql)?;
        let rows = rows.query_map([limit()], OrderRow::read)?;
        rows.collect::<Result<_, _>>()?
    };
    for order in &untold {
        let (purpose, key) = match is_longer_hold(desk, order)? {
            true => (Purpose::Extended, TemplateKey::Extended),
            false => (Purpose::Ready, TemplateKey::Ready),
        };
        queue_about(desk, order, purpose, key)?;
    }
    Ok(untold.len())
}

/// Whether the customer was told of an earlier round with an earlier deadline.
fn is_longer_hold(desk: &Desk<'_, '_>, order: &OrderRow) -> Result<bool, ShopError> {
    let mut told = desk.db().prepare_cached(
        "SELECT 1 FROM message WHERE reservation = ?1 AND purpose IN ('ready', 'extended') AND round < ?2
           AND state IN ('submitting', 'sent', 'delivered', 'unknown') AND valid_until_ms < ?3",
    )?;
    Ok(told.exists(params![order.id.to_string(), order.round, order.hold_until_ms])?)
}

fn queue_about(desk: &mut Desk<'_, '_>, order: &OrderRow, purpose: Purpose, key: TemplateKey) -> Result<(), ShopError> {
    let Some(written) = write(desk, key, order.language, Some(order)) else {
        return desk.alert("template", key.as_str(), "a text cannot be filled; customers are not told");
    };
    let draft = Draft {
        reservation: Some(order.id),
        person: order.person,
        purpose,
        round: order.round,
        template: key.as_str().to_owned(),
        language: order.language,
        text: written.text,
        fold: written.fold,
        parts: written.parts,
        valid_until_ms: order.hold_until_ms.unwrap_or(desk.wall().unix_ms + NO_DEADLINE_MS),
    };
    let start = if order.is_unsure { Start::InDoubt } else { Start::Queued };
    insert(desk, draft, &Actor::system(), start).map(drop)
}

/// Reminders that are due. When the box was off over one, only the later is sent.
fn remind(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    if !decides(desk) || !desk.bundle().has(Feature::Reminders) {
        return Ok(0);
    }
    let now = desk.wall().unix_ms;
    let sql = format!(
        "SELECT {ORDER_COLUMNS} FROM reservation r JOIN person p ON p.person_ref = r.person_ref
         WHERE r.goods IN ('ready', 'partial') AND r.presence NOT IN ('arrived', 'attended') AND r.hold_until_ms > ?1
           AND NOT EXISTS (SELECT 1 FROM message m WHERE m.reservation = r.id AND m.purpose = 'reminder_4'
                           AND m.round = r.round)
         ORDER BY r.hold_until_ms"
    );
    let waiting: Vec<OrderRow> = {
        let mut rows = desk.db().prepare_cached(&sql)?;
        let rows = rows.query_map([now], OrderRow::read)?;
        rows.collect::<Result<_, _>>()?
    };
    let mut done = 0;
    for order in &waiting {
        if let Some((purpose, key)) = due_reminder(desk, order, now)?
            && done < PASS
        {
            queue_about(desk, order, purpose, key)?;
            done += 1;
        }
    }
    Ok(done)
}

fn due_reminder(desk: &Desk<'_, '_>, order: &OrderRow, now: i64) -> Result<Option<(Purpose, TemplateKey)>, ShopError> {
    let (holds, hours) = (&desk.bundle().holds, &desk.bundle().hours);
    let Some(until) = order.hold_until_ms.map(timestamp) else { return Ok(None) };
    let last_due = |ready| {
        let due = holds.reminders(hours, ready, until);
        due.into_iter().rev().find(|(_, at)| at.as_millisecond() <= now).map(|(purpose, _)| purpose)
    };
    // First without the logs: most orders have nothing due, whenever they became ready.
    let Some(purpose) = last_due(jiff::Timestamp::UNIX_EPOCH) else { return Ok(None) };
    let key = match purpose {
        Purpose::Reminder24 => TemplateKey::Reminder24,
        _ => TemplateKey::Reminder4,
    };
    let too_late = now + i64::from(holds.remind_before_end_min) * 60_000 > until.as_millisecond();
    if too_late || exists(desk, order, purpose)? {
        return Ok(None);
    }
    let ready = desk.load(order.id)?.goods.ready_at.map(|wall| timestamp(wall.unix_ms));
    Ok(ready.and_then(last_due).filter(|p| *p == purpose).map(|purpose| (purpose, key)))
}

fn exists(desk: &Desk<'_, '_>, order: &OrderRow, purpose: Purpose) -> Result<bool, ShopError> {
    let mut found =
        desk.db().prepare_cached("SELECT 1 FROM message WHERE reservation = ?1 AND purpose = ?2 AND round = ?3")?;
    Ok(found.exists(params![order.id.to_string(), purpose.as_str(), order.round])?)
}

/// The default policy for unknown ones: READY and reminders once again when no report came, with the same code, while
/// they still say the truth. All else waits for a person.
fn send_again(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    let before = desk.wall().unix_ms.saturating_sub(desk.app().config.messages.resend_ms());
    let again = row::select(
        desk.db(),
        "JOIN reservation r ON r.id = m.reservation
         WHERE m.state = 'unknown' AND m.purpose IN ('ready', 'reminder_24', 'reminder_4') AND m.attempts < ?1
           AND m.changed_ms <= ?2 AND r.goods IN ('ready', 'handing_over', 'partial') AND r.round = m.round
           AND m.valid_until_ms > ?3 LIMIT ?4",
        params![UNKNOWNS_MOST, before, desk.wall().unix_ms, limit()],
    )?;
    for message in &again {
        put_state(desk, message, MessageState::Queued, None)?;
        put_due(desk, message.id, 0)?;
        note(desk, message.id, &message.queued(), &Actor::system())?;
    }
    Ok(again.len())
}

/// Reminders that would go out at night wait for the morning.
pub(super) fn keep_quiet(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    if !decides(desk) {
        return Ok(0);
    }
    let Some(morning) = quiet_until(desk) else { return Ok(0) };
    let early = row::select(
        desk.db(),
        "WHERE m.state IN ('queued', 'held') AND m.purpose IN ('reminder_24', 'reminder_4') AND m.due_ms <= ?1 LIMIT ?2",
        params![desk.wall().unix_ms, limit()],
    )?;
    for message in &early {
        put_due(desk, message.id, morning)?;
        if message.state == MessageState::Queued {
            let fact = MessageFact::Held { message: message.id, because: "quiet_hours".into() };
            change(desk, message, MessageState::Held, Some("quiet_hours"), &fact)?;
        }
    }
    Ok(early.len())
}

/// When the quiet hours end, in milliseconds; `None` outside them.
fn quiet_until(desk: &Desk<'_, '_>) -> Option<i64> {
    let HoldRules { remind_from, remind_to, .. } = &desk.bundle().holds;
    let zone = desk.bundle().hours.zone();
    let local = timestamp(desk.wall().unix_ms).to_zoned(zone.clone()).datetime();
    let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
    let (from, to) = (remind_from.minutes(), remind_to.minutes() + WINDOW_GRACE_MIN);
    let day = match () {
        () if minute < from => local.date(),
        () if minute < to => return None,
        () => local.date().checked_add(1.day()).ok()?,
    };
    let opens = Time::new(i8::try_from(from / 60).ok()?, i8::try_from(from % 60).ok()?, 0, 0).ok()?;
    Some(day.to_datetime(opens).to_zoned(zone).ok()?.timestamp().as_millisecond())
}
