//! Texts that came in: each PDU counts once, long texts are put together here, and what is whole is kept, told to HQ
//! and answered. The modem's copy goes only after the commit.

use gsm_modem::Private;
use gsm_modem::pdu::{Deliver, Encoding};
use gsm_modem::reassembly::{ConcatKey, Part, assemble, assemble_incomplete, dedup_key, part_of};
use rusqlite::{OptionalExtension as _, params};
use shop_model::event::{Actor, Received};
use shop_model::ids::{MessageId, PersonRef};
use shop_model::message::Meaning;
use shop_model::phone::Phone;
use shop_model::reply::{self, Reply};

use super::answer::{self, Sender};
use crate::app::{App, ShopError};
use crate::desk::Desk;
use crate::facts::received_event;
use crate::live::Live;
use store_daemon::writer::Lane;

/// Long texts that wait for parts; a sender who never finishes can't fill the disk.
const PARTS_MOST: i64 = 5_000;
/// Characters that HQ gets of one text; the store keeps all of it.
const TOLD_CHARS: usize = 2_000;

/// Who dealt with a text that needed nobody.
pub(super) const AUTO: &str = "auto";

/// Whether a text may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// JESTEM marks orders, words are answered.
    Act,
    /// It is kept for a person.
    KeepOnly,
}

/// Takes a PDU that came in. `Ok(())` means that it is committed and the modem's copy may go.
///
/// When acting on a text fails for a reason that is not the text's, it is kept for a person: one customer's order
/// that can't be read must not keep everybody else's texts in the modem.
///
/// # Errors
/// The database's; [`ShopError::Superseded`] when this box may not write.
pub async fn take(app: &App, message: &Deliver) -> Result<(), ShopError> {
    for effect in [Effect::Act, Effect::KeepOnly] {
        let deliver = message.clone();
        match app.work(Lane::Work, move |desk| receive(desk, &deliver, effect)).await {
            Ok(()) => {
                app.sending_wake.notify_one();
                return Ok(());
            }
            Err(e) if effect == Effect::Act && !matches!(e, ShopError::Superseded) && !e.is_passing() => {
                tracing::error!(error = %e, "a text could not be acted on; it is kept for a person");
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Keeps a PDU that can't be read.
///
/// # Errors
/// The database's.
pub fn undecodable(desk: &mut Desk<'_, '_>, hex: &str, why: &str) -> Result<(), ShopError> {
    desk.db().execute(
        "INSERT INTO inbound_undecodable(hex, why, at_ms) VALUES (?1, ?2, ?3)",
        params![hex, why, desk.wall().unix_ms],
    )?;
    match desk.alert("sms-unreadable", "modem", "an SMS came in that cannot be read; support can look at it") {
        // A superseded box keeps it and says nothing.
        Err(ShopError::Superseded) => Ok(()),
        other => other,
    }
}

fn receive(desk: &mut Desk<'_, '_>, message: &Deliver, effect: Effect) -> Result<(), ShopError> {
    let fresh = desk
        .db()
        .prepare_cached("INSERT INTO inbound_seen(dedup, at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![dedup_key(message), desk.wall().unix_ms])?;
    if fresh == 0 {
        return Ok(());
    }
    let Some((key, part)) = part_of(message) else {
        return whole(desk, &message.sender.number, message.data.text.clone(), effect);
    };
    keep_part(desk, &key, &part)?;
    let parts = kept_parts(desk, &key)?;
    match assemble(key.total, &parts) {
        Some(text) => {
            forget_parts(desk, &key)?;
            whole(desk, &key.sender, text, effect)
        }
        None => Ok(()),
    }
}

/// A part of the same number with other content belongs to a later text that got the same reference: the earlier one
/// is shown as far as it came.
fn keep_part(desk: &mut Desk<'_, '_>, key: &ConcatKey, part: &Part) -> Result<(), ShopError> {
    let there: Option<Vec<u8>> = desk
        .db()
        .prepare_cached(
            "SELECT payload FROM inbound_part WHERE sender = ?1 AND reference = ?2 AND total = ?3 AND part = ?4",
        )?
        .query_row(params![*key.sender, key.reference, key.total, part.part], |row| row.get(0))
        .optional()?;
    match there {
        Some(payload) if payload == *part.payload => return Ok(()),
        Some(_) => give_up(desk, key)?,
        None => {}
    }
    desk.db()
        .prepare_cached(
            "INSERT INTO inbound_part(sender, reference, total, part, encoding, payload, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            *key.sender,
            key.reference,
            key.total,
            part.part,
            part.encoding.as_str(),
            *part.payload,
            desk.wall().unix_ms
        ])?;
    let count: i64 = desk.db().query_row("SELECT count(*) FROM inbound_part", [], |row| row.get(0))?;
    if count > PARTS_MOST {
        give_up_oldest(desk, i64::MAX)?;
    }
    Ok(())
}

fn kept_parts(desk: &Desk<'_, '_>, key: &ConcatKey) -> Result<Vec<Part>, ShopError> {
    let mut rows = desk.db().prepare_cached(
        "SELECT part, encoding, payload FROM inbound_part WHERE sender = ?1 AND reference = ?2 AND total = ?3
         ORDER BY part",
    )?;
    let rows = rows.query_map(params![*key.sender, key.reference, key.total], |row| {
        let encoding = match row.get::<_, String>(1)?.as_str() {
            "gsm7" => Encoding::Gsm7,
            "ucs2" => Encoding::Ucs2,
            _ => Encoding::EightBit,
        };
        Ok(Part { part: row.get(0)?, encoding, payload: Private(row.get(2)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn forget_parts(desk: &Desk<'_, '_>, key: &ConcatKey) -> Result<(), ShopError> {
    desk.db()
        .prepare_cached("DELETE FROM inbound_part WHERE sender = ?1 AND reference = ?2 AND total = ?3")?
        .execute(params![*key.sender, key.reference, key.total])?;
    Ok(())
}

/// Shows long texts whose parts did not all come in time.
pub(super) fn give_up_waiting(desk: &mut Desk<'_, '_>) -> Result<usize, ShopError> {
    let before = desk.wall().unix_ms.saturating_sub(desk.app().config.messages.reassembly_ms());
    give_up_oldest(desk, before)
}

fn give_up_oldest(desk: &mut Desk<'_, '_>, before_ms: i64) -> Result<usize, ShopError> {
    let oldest: Option<(String, u16, u8)> = desk
        .db()
        .prepare_cached(
            "SELECT sender, reference, total FROM inbound_part GROUP BY sender, reference, total
             HAVING min(at_ms) <= ?1 ORDER BY min(at_ms) LIMIT 1",
        )?
        .query_row([before_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((sender, reference, total)) = oldest else { return Ok(0) };
    give_up(desk, &ConcatKey { sender: Private(sender), reference, total })?;
    Ok(1)
}

/// An incomplete text changes nothing: its missing part may say the opposite.
fn give_up(desk: &mut Desk<'_, '_>, key: &ConcatKey) -> Result<(), ShopError> {
    let text = assemble_incomplete(key.total, &kept_parts(desk, key)?);
    forget_parts(desk, key)?;
    whole(desk, &key.sender, text, Effect::KeepOnly)
}

/// Keeps a whole text, tells HQ, and answers it where the words are known.
fn whole(desk: &mut Desk<'_, '_>, number: &str, text: Private<String>, effect: Effect) -> Result<(), ShopError> {
    let sender = match Phone::parse(number) {
        Ok(phone) => answer::sender(desk.db(), &phone)?,
        Err(_) => Sender::default(),
    };
    let reply = match effect {
        Effect::Act => reply::parse(&text),
        Effect::KeepOnly => Reply::Free,
    };
    let id = keep(desk, number, &sender, &text, reply.meaning())?;
    if effect == Effect::Act && answer::act(desk, &sender, &reply)? == answer::Done::Yes {
        super::staff::put_done(desk, id, AUTO)?;
    }
    desk.tell(Live::Texts);
    desk.tell(Live::Pill);
    Ok(())
}

fn keep(
    desk: &mut Desk<'_, '_>,
    number: &str,
    sender: &Sender,
    text: &Private<String>,
    meaning: Meaning,
) -> Result<MessageId, ShopError> {
    let id = MessageId::from_bytes(desk.new_id());
    let reservation = sender.about();
    desk.db().execute(
        "INSERT INTO received(id, person_ref, sender, reservation, text, meaning, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id.to_string(),
            sender.person().map(|p| p.to_string()),
            number,
            reservation.map(|r| r.to_string()),
            **text,
            meaning.as_str(),
            desk.wall().unix_ms
        ],
    )?;
    let told: String = text.chars().take(TOLD_CHARS).collect();
    let received = Received { message: id, person: sender.person(), text: told, meaning, reservation };
    desk.append(received_event(&received, &customer(sender.person()))?)?;
    if let Some(order) = super::row::order_of(desk.db(), reservation)? {
        desk.tell(Live::Order(order));
    }
    Ok(id)
}

/// A customer as actor: by reference, never by number.
pub(crate) fn customer(person: Option<PersonRef>) -> Actor {
    Actor::customer(person.map_or_else(|| "unknown".to_owned(), |p| p.to_string()))
}
