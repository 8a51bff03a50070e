//! Reports (RFC 3550 §6): sender's and receiver's reports, the source's name, goodbye.

use super::packet::is_rtcp;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// The item of a source description that every compound packet has (§6.5.1).
const CNAME: u8 = 1;

/// Report blocks of one report (five bits count them).
pub const MOST_BLOCKS: usize = 31;
/// Longer datagrams are refused.
const MOST_BYTES: usize = 1_500;
/// Packets of one compound that are looked at.
const MOST_PACKETS: usize = 16;

/// Why a datagram is no compound RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Not RTCP version 2, or padding where there may be none.
    #[error("the datagram is not RTCP")]
    Version,
    /// A length that does not fit.
    #[error("the report is shorter than its header says")]
    Short,
    /// Longer or more packets than are taken.
    #[error("the report is longer than is allowed")]
    Long,
    /// The first packet is no report (§6.1).
    #[error("the compound does not begin with a report")]
    NoReport,
}

/// What a source has sent (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The wall clock: seconds since 1900 in the upper half, their fraction in the lower.
    pub ntp: u64,
    /// The same moment as a timestamp of the stream.
    pub timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Octets of payload sent.
    pub octets: u32,
}

/// How one source is heard (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost in all, 24 bits with a sign.
    pub lost: i32,
    /// The highest sequence number with its wraps.
    pub highest: u32,
    /// Jitter in samples.
    pub jitter: u32,
    /// The middle of the last sender's report's NTP time.
    pub last_report: u32,
    /// 65 536ths of a second since it came.
    pub since_last_report: u32,
}

/// A receiver's part: everything of a report but who sends.
pub type ReceiverReport = Vec<ReportBlock>;

/// A compound packet: what of it this product makes and understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose report it is.
    pub ssrc: u32,
    /// What it has sent, if it has.
    pub sender: Option<SenderInfo>,
    /// How it hears others; at most [`MOST_BLOCKS`].
    pub blocks: ReceiverReport,
    /// Its name; at most 255 octets are written.
    pub name: Option<String>,
    /// It leaves.
    pub goodbye: bool,
}

impl Report {
    /// Whether a datagram on a port shared with RTP is a report (RFC 5761 §4).
    pub fn is_report(datagram: &[u8]) -> bool {
        is_rtcp(datagram)
    }

    /// Reads a compound packet. Packets and sources beyond the first are read over.
    ///
    /// # Errors
    /// [`ReportError`] for anything that is not a whole compound packet with a report in front.
    pub fn parse(datagram: &[u8]) -> Result<Self, ReportError> {
        if datagram.len() > MOST_BYTES {
            return Err(ReportError::Long);
        }
        let (mut report, mut rest) = Self::parse_first(datagram)?;
        for _ in 0..MOST_PACKETS {
            if rest.is_empty() {
                return Ok(report);
            }
            let (packet, after) = Piece::split(rest)?;
            match packet.kind {
                SOURCE_DESCRIPTION => report.name = report.name.or_else(|| name_of(packet.body, report.ssrc)),
                GOODBYE if packet.count > 0 => report.goodbye |= word(packet.body, 0)? == report.ssrc,
                _ => {}
            }
            rest = after;
        }
        Err(ReportError::Long)
    }

    fn parse_first(datagram: &[u8]) -> Result<(Self, &[u8]), ReportError> {
        let (packet, rest) = Piece::split(datagram)?;
        let (sender, blocks_at) = match packet.kind {
            SENDER_REPORT => (Some(sender_info(packet.body)?), 24),
            RECEIVER_REPORT => (None, 4),
            _ => return Err(ReportError::NoReport),
        };
        let ssrc = word(packet.body, 0)?;
        let blocks = (0..packet.count).map(|i| block(packet.body, blocks_at + 24 * i)).collect::<Result<_, _>>()?;
        Ok((Self { ssrc, sender, blocks, name: None, goodbye: false }, rest))
    }

    /// The datagram: the report, the name, the goodbye.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        let blocks = &self.blocks[..self.blocks.len().min(MOST_BLOCKS)];
        let mut body = self.ssrc.to_be_bytes().to_vec();
        if let Some(sender) = &self.sender {
            body.extend(sender.ntp.to_be_bytes());
            [sender.timestamp, sender.packets, sender.octets].iter().for_each(|w| body.extend(w.to_be_bytes()));
        }
        for block in blocks {
            body.extend(block.ssrc.to_be_bytes());
            body.push(block.fraction_lost);
            body.extend(&block.lost.to_be_bytes()[1..]);
            let words = [block.highest, block.jitter, block.last_report, block.since_last_report];
            words.iter().for_each(|w| body.extend(w.to_be_bytes()));
        }
        let kind = if self.sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        put(&mut out, blocks.len(), kind, &body);
        if let Some(name) = &self.name {
            let mut length = name.len().min(255);
            while !name.is_char_boundary(length) {
                length -= 1;
            }
            let mut body = self.ssrc.to_be_bytes().to_vec();
            body.extend([CNAME, length as u8]);
            body.extend(&name.as_bytes()[..length]);
            // At least one zero ends the list of items, and the body is whole words (§6.5).
            body.resize((body.len() / 4 + 1) * 4, 0);
            put(&mut out, 1, SOURCE_DESCRIPTION, &body);
        }
        if self.goodbye {
            put(&mut out, 1, GOODBYE, &self.ssrc.to_be_bytes());
        }
        out
    }
}

/// One packet of a compound.
struct Piece<'a> {
    count: usize,
    kind: u8,
    body: &'a [u8],
}

impl<'a> Piece<'a> {
    fn split(datagram: &'a [u8]) -> Result<(Self, &'a [u8]), ReportError> {
        let (head, rest) = datagram.split_first_chunk::<4>().ok_or(ReportError::Short)?;
        if head[0] >> 6 != 2 {
            return Err(ReportError::Version);
        }
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
        let (mut body, after) = rest.split_at_checked(length).ok_or(ReportError::Short)?;
        if head[0] & 0x20 != 0 {
            // Only the last packet may be padded (§6.4.1).
            let padding = usize::from(*body.last().ok_or(ReportError::Short)?);
            let kept = body.len().checked_sub(padding).filter(|_| after.is_empty() && padding != 0);
            body = &body[..kept.ok_or(ReportError::Version)?];
        }
        Ok((Self { count: usize::from(head[0] & 0x1F), kind: head[1], body }, after))
    }
}

fn put(out: &mut Vec<u8>, count: usize, kind: u8, body: &[u8]) {
    out.extend([0x80 | count as u8, kind]);
    out.extend(((body.len() / 4) as u16).to_be_bytes());
    out.extend(body);
}

fn word(body: &[u8], at: usize) -> Result<u32, ReportError> {
    let bytes = body.get(at..at + 4).and_then(|b| b.first_chunk::<4>());
    bytes.map(|b| u32::from_be_bytes(*b)).ok_or(ReportError::Short)
}

fn sender_info(body: &[u8]) -> Result<SenderInfo, ReportError> {
    Ok(SenderInfo {
        ntp: u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?),
        timestamp: word(body, 12)?,
        packets: word(body, 16)?,
        octets: word(body, 20)?,
    })
}

fn block(body: &[u8], at: usize) -> Result<ReportBlock, ReportError> {
    let loss = word(body, at + 4)?;
    Ok(ReportBlock {
        ssrc: word(body, at)?,
        fraction_lost: (loss >> 24) as u8,
        // Shifted up and back, so that the 24th bit is the sign.
        lost: (loss << 8).cast_signed() >> 8,
        highest: word(body, at + 8)?,
        jitter: word(body, at + 12)?,
        last_report: word(body, at + 16)?,
        since_last_report: word(body, at + 20)?,
    })
}

/// The CNAME in the first chunk, if it is the reporter's.
fn name_of(body: &[u8], ssrc: u32) -> Option<String> {
    if word(body, 0).ok()? != ssrc {
        return None;
    }
    let mut items = &body[4..];
    while let [kind @ 1..=255, length, rest @ ..] = items {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *kind == CNAME {
            return String::from_utf8(value.to_vec()).ok();
        }
        items = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Report {
        Report {
            ssrc: 0x0102_0304,
            sender: Some(SenderInfo { ntp: 0x1122_3344_5566_7788, timestamp: 160, packets: 3, octets: 480 }),
            blocks: vec![ReportBlock {
                ssrc: 9,
                fraction_lost: 128,
                lost: -2,
                highest: 0x1_0003,
                jitter: 15,
                last_report: 4,
                since_last_report: 5,
            }],
            name: Some("ab".to_owned()),
            goodbye: true,
        }
    }

    #[test]
    fn is_laid_out_as_in_rfc_3550() {
        let bytes = example().to_bytes();
        // SR with one block: 4 + 24 + 24 octets, so 12 words after the first; then SDES of 3 words and BYE of 2.
        assert_eq!(bytes[..8], [0x81, 200, 0, 12, 1, 2, 3, 4]);
        assert_eq!(bytes[28..36], [0, 0, 0, 9, 128, 0xFF, 0xFF, 0xFE]);
        assert_eq!(bytes[52..68], [0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'a', b'b', 0, 0, 0, 0]);
        assert_eq!(bytes[68..], [0x81, 203, 0, 1, 1, 2, 3, 4]);
        assert_eq!(Report::parse(&bytes), Ok(example()));
        assert!(Report::is_report(&bytes));
    }

    #[test]
    fn refuses_what_is_not_whole() {
        let bytes = example().to_bytes();
        assert_eq!(Report::parse(&bytes[..51]), Err(ReportError::Short));
        assert_eq!(Report::parse(&bytes[52..]), Err(ReportError::NoReport));
        assert_eq!(Report::parse(&[0x40, 200, 0, 0]), Err(ReportError::Version));
        assert_eq!(Report::parse(&[0x81, 201, 0, 1, 0, 0, 0, 1]), Err(ReportError::Short), "a block that is not there");
        assert_eq!(Report::parse(&[0; 2_000]), Err(ReportError::Long));
    }

    proptest! {
        #[test]
        fn no_octets_panic_and_what_was_read_is_written_and_read_the_same(octets: Vec<u8>, sender: bool, count in 0_u8..4) {
            let head = [0x80 | count, if sender { 200 } else { 201 }, 0, (octets.len() / 4) as u8];
            let datagram = [&head, &octets[..octets.len() / 4 * 4]].concat();
            if let Ok(report) = Report::parse(&datagram) {
                prop_assert_eq!(Report::parse(&report.to_bytes()), Ok(report));
            }
            prop_assert!(Report::parse(&octets).map_or(true, |r| r.blocks.len() <= MOST_BLOCKS));
        }
    }
}
