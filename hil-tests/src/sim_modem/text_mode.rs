//! Text mode (3GPP TS 27.005 §3): as much as a peer asks for. The product itself works in PDU mode.

use super::alphabet;
use super::pdu::{self, hex, unhex};
use super::sim::Slot;

/// Reads text of the terminal's character set.
pub(super) fn from_charset(text: &str, charset: &str) -> Option<String> {
    if charset == "UCS2" { unhex(text.trim()).map(|octets| pdu::ucs2_text(&octets)) } else { Some(text.to_owned()) }
}

/// Writes text in the terminal's character set; what it lacks shows as a question mark.
fn to_charset(text: &str, charset: &str) -> String {
    match charset {
        "UCS2" => hex(&pdu::ucs2_octets(text)),
        _ => text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
    }
}

/// What text mode shows of a stored PDU.
struct Shown {
    number: String,
    stamp: String,
    text: String,
}

/// One stored message as +CMGL or +CMGR shows it.
pub(super) fn listed(name: &str, index: &str, slot: &Slot, charset: &str) -> String {
    let octets = unhex(&slot.pdu).unwrap_or_default();
    let shown = shown(&octets).unwrap_or(Shown { number: String::new(), stamp: String::new(), text: String::new() });
    let (number, text) = (to_charset(&shown.number, charset), to_charset(&shown.text, charset));
    format!("{name}: {index}\"{}\",\"{number}\",,\"{}\"\r\n{text}", slot.status.word(), shown.stamp)
}

/// A message to the host as `+CMT` says it in text mode.
pub(super) fn delivered(tpdu: &[u8], charset: &str) -> String {
    let shown = shown(tpdu).unwrap_or(Shown { number: String::new(), stamp: String::new(), text: String::new() });
    format!(
        "+CMT: \"{}\",,\"{}\"\r\n{}",
        to_charset(&shown.number, charset),
        shown.stamp,
        to_charset(&shown.text, charset)
    )
}

/// A report as `+CDS` says it in text mode: `<fo>,<mr>,<ra>,<tora>,<scts>,<dt>,<st>`.
pub(super) fn reported(tpdu: &[u8]) -> Option<String> {
    let digits = usize::from(*tpdu.get(2)?);
    let end = 4 + digits.div_ceil(2);
    let number = pdu::address_text(tpdu[3], digits, tpdu.get(4..end)?);
    let (sent, done) = (stamp_text(tpdu.get(end..end + 7)?), stamp_text(tpdu.get(end + 7..end + 14)?));
    Some(format!(
        "+CDS: {},{},\"{number}\",{},\"{sent}\",\"{done}\",{}",
        tpdu[0],
        tpdu[1],
        tpdu[3],
        tpdu.get(end + 14)?
    ))
}

fn shown(tpdu: &[u8]) -> Option<Shown> {
    if tpdu.first()? & 0x03 == 0x01 {
        let submit = pdu::parse_submit(tpdu).ok()?;
        return Some(Shown { number: submit.number, stamp: String::new(), text: submit.text });
    }
    let digits = usize::from(*tpdu.get(1)?);
    let end = 3 + digits.div_ceil(2);
    let number = pdu::address_text(*tpdu.get(2)?, digits, tpdu.get(3..end)?);
    let coding = *tpdu.get(end + 1)?;
    let stamp = stamp_text(tpdu.get(end + 2..end + 9)?);
    let length = usize::from(*tpdu.get(end + 9)?);
    let data = tpdu.get(end + 10..)?;
    let header = if tpdu[0] & 0x40 != 0 { 1 + usize::from(*data.first()?) } else { 0 };
    let text = match coding & 0x0C {
        0x00 => {
            let septets = (header * 8).div_ceil(7);
            alphabet::text_of(&alphabet::unpack(data, length.checked_sub(septets)?, septets * 7))
        }
        0x08 => pdu::ucs2_text(data.get(header..)?),
        _ => hex(data.get(header..)?),
    };
    Some(Shown { number, stamp, text })
}

fn stamp_text(octets: &[u8]) -> String {
    let digits = |octet: u8| u32::from(octet & 0x0F) * 10 + u32::from(octet >> 4);
    let [year, month, day, hour, minute, second, zone] = octets else { return String::new() };
    let sign = if zone & 0x08 != 0 { '-' } else { '+' };
    let [year, month, day, hour, minute, second] = [year, month, day, hour, minute, second].map(|octet| digits(*octet));
    format!("{year:02}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}{sign}{:02}", digits(zone & !0x08))
}
