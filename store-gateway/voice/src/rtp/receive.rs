//! How well a source is heard: loss and jitter as reports give them (RFC 3550 §6.4.1, appendices A.1, A.3, A.8).

use std::time::Duration;

use sans_io::Instant;

use super::packet::Header;
use super::rtcp::ReportBlock;
use crate::frame::RATE;

/// A step forward of more than this, or back of more than [`MOST_MISORDER`], is a restart of the source (appendix A.1).
const MOST_DROPOUT: u16 = 3_000;
const MOST_MISORDER: u16 = 100;

/// What was heard of one source.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    first: u32,
    /// The highest sequence number with its wraps in the upper half.
    highest: u32,
    received: u32,
    /// Sixteen times the jitter in samples.
    jitter_16: u32,
    /// Arrival and timestamp of the last packet.
    last: (Instant, u32),
    /// Expected and received at the last report.
    reported: (u32, u32),
    /// Packets of sources before this one.
    before: u64,
    /// The middle half of the last sender's report's NTP time and when it came (§6.4.1, LSR and DLSR).
    sender_report: Option<(u32, Instant)>,
}

/// Counts for a screen or a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets that came.
    pub received: u64,
    /// Packets of the present source that did not.
    pub lost: u32,
    /// The jitter.
    pub jitter: Duration,
}

impl Reception {
    /// A source is heard for the first time.
    pub const fn new(header: &Header, now: Instant) -> Self {
        let sequence = header.sequence as u32;
        Self {
            ssrc: header.ssrc,
            first: sequence,
            highest: sequence,
            received: 1,
            jitter_16: 0,
            last: (now, header.timestamp),
            reported: (0, 0),
            before: 0,
            sender_report: None,
        }
    }

    /// Another packet of the source; one of another source begins anew and keeps the count.
    pub fn handle_packet(&mut self, header: &Header, now: Instant) {
        let step = header.sequence.wrapping_sub(self.highest as u16);
        let restarted = (MOST_DROPOUT..=u16::MAX - MOST_MISORDER).contains(&step);
        if header.ssrc != self.ssrc || restarted {
            let before = self.before + u64::from(self.received);
            *self = Self { before, ..Self::new(header, now) };
            return;
        }
        self.received = self.received.saturating_add(1);
        if step < MOST_DROPOUT {
            self.highest = self.highest.wrapping_add(u32::from(step));
        }
        self.note_jitter(header.timestamp, now);
    }

    /// A sender's report of the source came.
    pub const fn handle_sender_report(&mut self, ntp: u64, now: Instant) {
        self.sender_report = Some(((ntp >> 16) as u32, now));
    }

    /// D(i−1,i) = (R_i − R_{i−1}) − (S_i − S_{i−1}); J += (|D| − J)/16, in the integers of appendix A.8.
    fn note_jitter(&mut self, timestamp: u32, now: Instant) {
        let (arrived, sent) = self.last;
        self.last = (now, timestamp);
        if timestamp == sent {
            return;
        }
        let apart = i64::try_from(now.since(arrived).as_micros()).unwrap_or(i64::MAX / 10_000);
        let apart = apart * i64::from(RATE) / 1_000_000;
        let difference = (apart - i64::from(timestamp.wrapping_sub(sent).cast_signed())).unsigned_abs();
        // A pause between two talks is no jitter.
        let difference = u32::try_from(difference).unwrap_or(u32::MAX).min(RATE);
        self.jitter_16 = self.jitter_16 + difference - ((self.jitter_16 + 8) >> 4);
    }

    const fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }

    /// Counts so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            received: self.before + u64::from(self.received),
            lost: self.expected().saturating_sub(self.received),
            jitter: Duration::from_micros(u64::from(self.jitter_16 >> 4) * 1_000_000 / u64::from(RATE)),
        }
    }

    /// The report block for the source, and a new interval (appendix A.3).
    pub fn report(&mut self, now: Instant) -> ReportBlock {
        let expected = self.expected();
        let (before_expected, before_received) = self.reported;
        self.reported = (expected, self.received);
        let interval = expected.wrapping_sub(before_expected);
        let lost = i64::from(interval) - i64::from(self.received.wrapping_sub(before_received));
        let fraction = if interval == 0 || lost <= 0 { 0 } else { (lost << 8) / i64::from(interval) };
        let total = i64::from(expected) - i64::from(self.received);
        let (last_report, since) = match self.sender_report {
            Some((middle, at)) => (middle, now.since(at).as_micros() * 65_536 / 1_000_000),
            None => (0, 0),
        };
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: total.clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest: self.highest,
            jitter: self.jitter_16 >> 4,
            last_report,
            since_last_report: u32::try_from(since).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 8, sequence, timestamp, ssrc: 1 }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn counts_loss_over_the_wrap_of_the_sequence() {
        let mut heard = Reception::new(&header(65_534, 0), at(0));
        // 65535, 0 and 1 are lost of 65534…3: six expected, three received.
        heard.handle_packet(&header(2, 640), at(80));
        heard.handle_packet(&header(3, 800), at(100));
        assert_eq!(heard.statistics(), Statistics { received: 3, lost: 3, jitter: Duration::ZERO });
        let block = heard.report(at(100));
        // 3 of 6 in 256ths is 128; the wrapped highest is 0x10003.
        assert_eq!((block.fraction_lost, block.lost, block.highest), (128, 3, 0x1_0003));
        heard.handle_packet(&header(4, 960), at(120));
        assert_eq!((heard.report(at(120)).fraction_lost, heard.statistics().lost), (0, 3));
    }

    #[test]
    fn a_late_packet_mends_the_loss() {
        let mut heard = Reception::new(&header(1, 0), at(0));
        heard.handle_packet(&header(3, 320), at(40));
        assert_eq!(heard.statistics().lost, 1);
        heard.handle_packet(&header(2, 160), at(45));
        assert_eq!(heard.statistics().lost, 0);
    }

    #[test]
    fn jitter_follows_appendix_a_8() {
        let mut heard = Reception::new(&header(0, 0), at(0));
        // One packet 16 ms late: |D| = 128 samples, jitter_16 = 128, so 8 samples or 1 ms.
        heard.handle_packet(&header(1, 160), at(36));
        assert_eq!(heard.statistics().jitter, Duration::from_millis(1));
        // The next on time: D = −128; 128 + 128 − ((128 + 8) >> 4) = 248, 15 samples.
        heard.handle_packet(&header(2, 320), at(40));
        assert_eq!(heard.report(at(40)).jitter, 15);
    }

    #[test]
    fn a_restarted_source_begins_anew_and_keeps_the_count() {
        let mut heard = Reception::new(&header(100, 0), at(0));
        heard.handle_packet(&header(101, 160), at(20));
        heard.handle_packet(&header(40_000, 7), at(40));
        assert_eq!((heard.statistics().received, heard.statistics().lost), (3, 0));
    }

    #[test]
    fn says_how_long_ago_the_sender_s_report_came() {
        let mut heard = Reception::new(&header(0, 0), at(0));
        heard.handle_sender_report(0x1111_2222_3333_4444, at(1_000));
        let block = heard.report(at(3_500));
        // 2.5 s in 65 536ths.
        assert_eq!((block.last_report, block.since_last_report), (0x2222_3333, 163_840));
    }
}
