//! The values of the answers and notices that the engine reads. `None` is a line that does not keep to its form.

use super::line::fields;
use crate::engine::{Registration, Signal};
use crate::pdu::time::Local;

/// `+CMGL: index,stat,[alpha],length` (TS 27.005 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CmglHeader {
    /// Its place in the storage.
    pub(crate) index: u16,
    /// 0 and 1 came in; 2 and 3 are kept for sending.
    pub(crate) stat: u8,
    /// Octets without the service centre's.
    pub(crate) length: usize,
}

pub(crate) fn cmgl_header(values: &str) -> Option<CmglHeader> {
    let fields = fields(values);
    let [index, stat, .., length] = fields.as_slice() else { return None };
    Some(CmglHeader { index: index.parse().ok()?, stat: stat.parse().ok()?, length: length.parse().ok()? })
}

/// The length of `+CMGR: stat,[alpha],length` (TS 27.005 §4.2).
pub(crate) fn cmgr_length(values: &str) -> Option<usize> {
    let fields = fields(values);
    if fields.len() < 2 {
        return None;
    }
    fields.last()?.parse().ok()
}

/// The length of `+CMT: [alpha],length` and `+CDS: length` (TS 27.005 §3.4.1).
pub(crate) fn direct_length(values: &str) -> Option<usize> {
    fields(values).last()?.parse().ok()
}

/// Storage and index of `+CMTI` and `+CDSI`.
pub(crate) fn new_message_place(values: &str) -> Option<(String, u16)> {
    match fields(values).as_slice() {
        [storage, index] => Some(((*storage).to_owned(), index.parse().ok()?)),
        _ => None,
    }
}

/// The reference of `+CMGS: mr[,ackpdu]` (TS 27.005 §4.3).
pub(crate) fn reference(values: &str) -> Option<u8> {
    fields(values).first()?.parse().ok()
}

/// The registration of `+CREG: n,stat[,…]`, an answer (TS 27.007 §7.2).
pub(crate) fn registration_answer(values: &str) -> Option<Registration> {
    match fields(values).as_slice() {
        [_, stat, ..] => registration(stat),
        _ => None,
    }
}

/// The registration of `+CREG: stat[,"lac","ci"…]`, a notice: it has one field, or its second is in quotes.
pub(crate) fn registration_notice(values: &str) -> Option<Registration> {
    let (stat, rest) = values.split_once(',').unwrap_or((values, "\""));
    if !rest.trim_start().starts_with('"') {
        return None;
    }
    registration(stat.trim())
}

fn registration(stat: &str) -> Option<Registration> {
    Some(match stat.parse::<u8>().ok()? {
        1 | 6 | 9 => Registration::Home,
        5 | 7 | 10 => Registration::Roaming,
        2 => Registration::Searching,
        3 => Registration::Denied,
        _ => Registration::None,
    })
}

/// `+CSQ: rssi,ber` (TS 27.007 §8.5).
pub(crate) fn csq(values: &str) -> Option<Signal> {
    let rssi: i16 = fields(values).first()?.parse().ok()?;
    if !(0..=31).contains(&rssi) {
        return Some(Signal { dbm: None, bars: 0 });
    }
    let bars = match rssi {
        0..=1 => 0,
        2..=4 => 1,
        5..=9 => 2,
        10..=14 => 3,
        15..=19 => 4,
        _ => 5,
    };
    Some(Signal { dbm: Some(2 * rssi - 113), bars })
}

/// The name in `+COPS: mode,format,"name"[,act]` (TS 27.007 §7.3); empty when there is none.
pub(crate) fn operator(values: &str) -> String {
    fields(values).get(2).map_or_else(String::new, |name| (*name).to_owned())
}

/// `+CCLK: "yy/MM/dd,hh:mm:ss±zz"`, the zone in quarters of an hour (TS 27.007 §8.15).
pub(crate) enum Clock {
    /// Milliseconds since the Unix epoch.
    Set(i64),
    /// The modem has no time of the network yet.
    Unset,
}

pub(crate) fn clock(values: &str) -> Option<Clock> {
    let text = *fields(values).first()?;
    let (time, zone) = text.split_at_checked(17)?;
    let parts: Vec<i64> = time.split(['/', ',', ':']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [year, month, day, hour, minute, second] = parts.try_into().ok()?;
    let quarters: i64 = zone.parse().ok()?;
    let local = Local { fields: [2_000 + year, month, day, hour, minute, second], quarters };
    // Modems start at 1980, 2000 or 2004 until the network tells them; this code is younger than 2024.
    let told = (24..80).contains(&year) && local.wrong_field().is_none() && quarters.abs() <= 56;
    Some(if told { Clock::Set(local.unix_ms()) } else { Clock::Unset })
}

/// What `+CPMS: (…),(…),(…)` offers (TS 27.005 §3.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Storages {
    /// For reading and deleting.
    pub(crate) reading: Vec<String>,
    /// For writing.
    pub(crate) writing: Vec<String>,
    /// For what comes in.
    pub(crate) receiving: Vec<String>,
}

pub(crate) fn storages(values: &str) -> Option<Storages> {
    let groups: Vec<Vec<String>> = fields(values)
        .iter()
        .map(|group| {
            let inner = group.trim_start_matches('(').trim_end_matches(')');
            fields(inner).into_iter().map(str::to_owned).collect()
        })
        .collect();
    let [reading, writing, receiving] = groups.try_into().ok()?;
    Some(Storages { reading, writing, receiving })
}

/// Used and total of the first storage of `+CPMS: used,total,…`.
pub(crate) fn storage_use(values: &str) -> Option<(u16, u16)> {
    match fields(values).as_slice() {
        [used, total, ..] => Some((used.parse().ok()?, total.parse().ok()?)),
        _ => None,
    }
}

/// What `+CNMI: (…),(…),(…),(…),(…)` offers and which of it is taken (TS 27.005 §3.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Indications {
    /// 2 keeps notices while the port is busy.
    pub(crate) mode: u8,
    /// 1: messages are stored and announced.
    pub(crate) mt: u8,
    /// 2: reports are stored and announced; 1: they come at once and must be acknowledged; 0: none.
    pub(crate) ds: u8,
    /// 0 hands over what was kept.
    pub(crate) bfr: u8,
}

/// Chooses among what is offered; `None` when messages can't be announced at all.
pub(crate) fn indications(values: &str) -> Option<Indications> {
    let offered: Vec<Vec<u8>> = fields(values).iter().map(|group| numbers(group)).collect();
    let pick = |group: usize, wanted: &[u8]| {
        wanted.iter().copied().find(|w| offered.get(group).is_some_and(|offer| offer.contains(w)))
    };
    Some(Indications {
        mode: pick(0, &[2, 1, 3, 0])?,
        mt: pick(1, &[1])?,
        ds: pick(3, &[2, 1, 0]).unwrap_or(0),
        bfr: pick(4, &[0, 1]).unwrap_or(0),
    })
}

/// The numbers of `(0-2,4)`.
fn numbers(group: &str) -> Vec<u8> {
    let inner = group.trim_start_matches('(').trim_end_matches(')');
    let mut found = Vec::new();
    for field in inner.split(',') {
        let (from, to) = field.split_once('-').unwrap_or((field, field));
        if let (Ok(from), Ok(to)) = (from.trim().parse::<u8>(), to.trim().parse::<u8>()) {
            found.extend(from..=to.min(9));
        }
    }
    found
}

/// The data of `+CRSM: sw1,sw2,"data"` when the SIM answered 90 00 or 91 xx (TS 27.007 §8.18).
pub(crate) fn sim_io(values: &str) -> Option<Vec<u8>> {
    match fields(values).as_slice() {
        ["144" | "145", _, data, ..] => {
            (0..data.len() / 2).map(|i| u8::from_str_radix(data.get(2 * i..2 * i + 2)?, 16).ok()).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_among_the_indications_offered() {
        // The lists of an EC25 and of a modem that can't store reports.
        let full = indications("(0-2),(0-3),(0,2),(0-2),(0,1)").unwrap();
        assert_eq!((full.mode, full.mt, full.ds, full.bfr), (2, 1, 2, 0));
        let poor = indications("(0,1),(0,1),(0),(0,1),(1)").unwrap();
        assert_eq!((poor.mode, poor.mt, poor.ds, poor.bfr), (1, 1, 1, 1));
        assert_eq!(indications("(0,1),(0),(0),(0),(0)"), None);
    }

    #[test]
    fn registration_answers_and_notices_are_told_apart() {
        assert_eq!(registration_answer("1,5"), Some(Registration::Roaming));
        assert_eq!(registration_answer("2,1,\"00C3\",\"1\",7"), Some(Registration::Home));
        assert_eq!(registration_notice("1"), Some(Registration::Home));
        assert_eq!(registration_notice("3,\"00C3\",\"1\""), Some(Registration::Denied));
        assert_eq!(registration_notice("1,5"), None);
    }

    #[test]
    fn the_clock_is_local_time_with_its_zone() {
        // 2026-05-21 12:07:33 at +2 h is 10:07:33 UTC.
        assert!(matches!(clock("\"26/05/21,12:07:33+08\""), Some(Clock::Set(1_779_358_053_000))));
        assert!(matches!(clock("\"26/05/21,05:07:33-20\""), Some(Clock::Set(1_779_358_053_000))));
        assert!(matches!(clock("\"80/01/06,00:00:10+00\""), Some(Clock::Unset)));
        assert!(clock("\"26/05/2").is_none());
    }

    #[test]
    fn signal_by_the_standards_steps() {
        assert_eq!(csq("31,99"), Some(Signal { dbm: Some(-51), bars: 5 }));
        assert_eq!(csq("0,0"), Some(Signal { dbm: Some(-113), bars: 0 }));
        assert_eq!(csq("99,99"), Some(Signal { dbm: None, bars: 0 }));
    }

    #[test]
    fn storages_by_group() {
        let found = storages("(\"ME\",\"SM\",\"SR\"),(\"ME\",\"SM\"),(\"ME\",\"SM\")").unwrap();
        assert_eq!(found.reading, ["ME", "SM", "SR"]);
        assert_eq!(found.receiving, ["ME", "SM"]);
    }

    #[test]
    fn sim_answers_need_a_good_status() {
        assert_eq!(sim_io("144,0,\"2AFF\""), Some(vec![0x2A, 0xFF]));
        assert_eq!(sim_io("148,4"), None);
        assert_eq!(sim_io("106,130,\"\""), None);
    }
}
