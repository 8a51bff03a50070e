//! One RTP packet (RFC 3550 §5.1).

/// Octets of a header without sources and extension.
const FIXED: usize = 12;
/// RTP's version.
const VERSION: u8 = 2;
/// Longer datagrams are refused: 20 ms of G.711 are 172 octets, 200 ms 1 612.
const MOST_BYTES: usize = 2_048;

/// Why a datagram is no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Not version 2.
    #[error("the datagram is not RTP version 2")]
    Version,
    /// Shorter than its header says.
    #[error("the packet is shorter than its header says")]
    Short,
    /// Longer than any that is taken.
    #[error("the packet has {0} octets, {MOST_BYTES} are allowed")]
    Long(usize),
    /// Padding longer than the payload, or of no length.
    #[error("the packet's padding does not fit it")]
    Padding,
    /// A payload type that is RTCP's on a shared port (RFC 5761 §4).
    #[error("the packet is RTCP")]
    Rtcp,
}

/// The fields of a header that this product sets or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Marks the first packet after silence, or of an event.
    pub marker: bool,
    /// What the payload is.
    pub payload_type: u8,
    /// Grows by one a packet.
    pub sequence: u16,
    /// The time of the first sample, in samples.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
}

/// A packet that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    /// What it holds, without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Contributing sources and extensions are skipped.
    ///
    /// # Errors
    /// [`PacketError`] for anything that is not a whole RTP packet.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, PacketError> {
        if datagram.len() > MOST_BYTES {
            return Err(PacketError::Long(datagram.len()));
        }
        let (fixed, mut rest) = datagram.split_first_chunk::<FIXED>().ok_or(PacketError::Short)?;
        if fixed[0] >> 6 != VERSION {
            return Err(PacketError::Version);
        }
        if is_rtcp(datagram) {
            return Err(PacketError::Rtcp);
        }
        rest = rest.get(usize::from(fixed[0] & 0x0F) * 4..).ok_or(PacketError::Short)?;
        if fixed[0] & 0x10 != 0 {
            let (extension, after) = rest.split_first_chunk::<4>().ok_or(PacketError::Short)?;
            let words = u16::from_be_bytes([extension[2], extension[3]]);
            rest = after.get(usize::from(words) * 4..).ok_or(PacketError::Short)?;
        }
        if fixed[0] & 0x20 != 0 {
            let padding = usize::from(*rest.last().ok_or(PacketError::Padding)?);
            let kept = rest.len().checked_sub(padding).filter(|_| padding != 0).ok_or(PacketError::Padding)?;
            rest = &rest[..kept];
        }
        let header = Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7F,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        };
        Ok(Self { header, payload: rest })
    }

    /// The datagram, without sources, extension or padding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = &self.header;
        let mut out = Vec::with_capacity(FIXED + self.payload.len());
        out.extend([VERSION << 6, u8::from(header.marker) << 7 | header.payload_type & 0x7F]);
        out.extend(header.sequence.to_be_bytes());
        out.extend(header.timestamp.to_be_bytes());
        out.extend(header.ssrc.to_be_bytes());
        out.extend(self.payload);
        out
    }
}

/// Whether a datagram on a port shared by both is RTCP: payload types 64 to 95 with the marker (RFC 5761 §4).
pub(super) fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|second| (192..=223).contains(second))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_fields_where_rfc_3550_puts_them() {
        // V=2, P, X, two CSRCs; marker, type 8; an extension of one word; payload AA BB; two octets of padding.
        let datagram = [
            0xB2, 0x88, 0x12, 0x34, 0, 0, 0, 0xA0, 0xDE, 0xAD, 0xBE, 0xEF, 1, 1, 1, 1, 2, 2, 2, 2, 0xBE, 0xDE, 0, 1, 9,
            9, 9, 9, 0xAA, 0xBB, 0, 2,
        ];
        let packet = Packet::parse(&datagram).unwrap();
        let header = Header { marker: true, payload_type: 8, sequence: 0x1234, timestamp: 160, ssrc: 0xDEAD_BEEF };
        assert_eq!(packet, Packet { header, payload: &[0xAA, 0xBB] });
        assert_eq!(packet.to_bytes()[..2], [0x80, 0x88]);
    }

    #[test]
    fn refuses_what_is_not_whole() {
        let mut packet = [0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 5];
        assert_eq!(Packet::parse(&packet[..11]), Err(PacketError::Short));
        packet[0] = 0x40;
        assert_eq!(Packet::parse(&packet), Err(PacketError::Version));
        packet[0] = 0x81;
        assert_eq!(Packet::parse(&packet), Err(PacketError::Short), "a source that is not there");
        packet[0] = 0x90;
        assert_eq!(Packet::parse(&packet), Err(PacketError::Short), "an extension that is not there");
        packet[0] = 0xA0;
        assert_eq!(Packet::parse(&packet), Err(PacketError::Padding), "five octets of one");
        assert_eq!(Packet::parse(&packet[..12]), Err(PacketError::Padding), "no octet at all");
        packet[0] = 0x80;
        packet[1] = 200;
        assert_eq!(Packet::parse(&packet), Err(PacketError::Rtcp));
        assert_eq!(Packet::parse(&[0x80; 3_000]), Err(PacketError::Long(3_000)));
    }

    proptest! {
        #[test]
        fn no_octets_panic_and_what_was_read_is_written_and_read_the_same(octets: Vec<u8>, first: u8) {
            let datagram = [&[0x80 | (first & 0x3F)], octets.as_slice()].concat();
            if let Ok(packet) = Packet::parse(&datagram) {
                let written = packet.to_bytes();
                prop_assert_eq!(Packet::parse(&written), Ok(packet));
            }
        }
    }
}
