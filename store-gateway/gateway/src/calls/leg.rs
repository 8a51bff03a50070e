//! One leg's sound: an RTP stream with its sockets, or the modem's voice path. Both give and take a frame each tick.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use sans_io::Instant;
use store_voice::Frame;
use store_voice::dtmf::{Detector, Digit, Merger, Via};
use store_voice::stream::{Heard, Statistics, Stream};
use tokio::sync::mpsc;

use super::ports::Pair;

/// A report goes out this often (RFC 3550 §6.2).
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// Datagrams taken from one socket in a row before the others have their turn.
const BATCH: usize = 16;
/// Longer datagrams are cut, and then refused.
const MOST_BYTES: usize = 2_048;
/// Frames of the modem that lie ready: its clock and ours differ, and its driver comes in lumps.
const MODEM_DEEP: usize = 5;

/// The sound of a leg.
pub(super) enum Sound {
    /// Over RTP.
    Rtp(Box<Rtp>),
    /// Through the modem.
    Modem(Box<Modem>),
}

/// A stream and its sockets.
pub(super) struct Rtp {
    pair: Pair,
    pub stream: Stream,
    report_due: Instant,
}

/// The modem's voice path.
pub(super) struct Modem {
    /// Frames for the modem; what does not fit is dropped.
    to: mpsc::Sender<Frame>,
    from: mpsc::Receiver<Frame>,
    ready: VecDeque<Frame>,
    detector: Detector,
    merger: Merger,
    heard: VecDeque<Heard>,
    counts: Statistics,
}

impl Sound {
    /// The sound of a SIP leg whose descriptions were agreed on.
    pub fn rtp(pair: Pair, stream: Stream, now: Instant) -> Self {
        Self::Rtp(Box::new(Rtp { pair, stream, report_due: now + REPORT_EVERY }))
    }

    /// The sound of the SIM's leg.
    pub fn modem(to: mpsc::Sender<Frame>, from: mpsc::Receiver<Frame>) -> Self {
        Self::Modem(Box::new(Modem {
            to,
            from,
            ready: VecDeque::with_capacity(MODEM_DEEP),
            detector: Detector::default(),
            merger: Merger::default(),
            heard: VecDeque::new(),
            counts: Statistics::default(),
        }))
    }

    /// Takes in what has come; ready when something had. The modem's frames are taken at the tick.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>, now: impl Fn() -> Instant) -> Poll<()> {
        let Self::Rtp(rtp) = self else { return Poll::Pending };
        let mut octets = [0; MOST_BYTES];
        let mut came = false;
        for (is_report, socket) in [(false, &rtp.pair.rtp), (true, &rtp.pair.rtcp)] {
            for _ in 0..BATCH {
                let mut buffer = tokio::io::ReadBuf::new(&mut octets);
                let from = match socket.poll_recv_from(cx, &mut buffer) {
                    Poll::Ready(Ok(from)) => from,
                    // What ICMP says of an earlier packet; the watch decides about the leg.
                    Poll::Ready(Err(_)) => continue,
                    Poll::Pending => break,
                };
                came = true;
                match is_report {
                    false => rtp.stream.handle_datagram(from, buffer.filled(), now()),
                    true => rtp.stream.handle_report(from, buffer.filled(), now()),
                }
            }
        }
        if came { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The next 20 ms that this side says.
    pub fn poll_frame(&mut self, now: Instant) -> Frame {
        match self {
            Self::Rtp(rtp) => rtp.stream.poll_frame(now).0,
            Self::Modem(modem) => modem.poll_frame(now),
        }
    }

    /// Keys and changes of the sound.
    pub fn poll_heard(&mut self, now: Instant) -> Option<Heard> {
        match self {
            Self::Rtp(rtp) => rtp.stream.poll_heard(now),
            Self::Modem(modem) => modem.heard.pop_front(),
        }
    }

    /// A key that was told beside the sound: SIP INFO, or the modem's own detector.
    pub fn handle_digit(&mut self, digit: Digit, via: Via, now: Instant) {
        match self {
            Self::Rtp(rtp) => rtp.stream.handle_digit(digit, via, now),
            Self::Modem(modem) => modem.handle_digit(digit, via, now),
        }
    }

    /// Says 20 ms to this side, and the report when it is due. `None` says nothing.
    pub fn send(&mut self, frame: Option<&Frame>, ntp: impl Fn() -> u64, now: Instant) {
        match self {
            Self::Rtp(rtp) => rtp.send(frame, ntp, now),
            Self::Modem(modem) => {
                if let Some(frame) = frame {
                    modem.counts.sent += u64::from(modem.to.try_send(*frame).is_ok());
                }
            }
        }
    }

    /// How it went.
    pub fn statistics(&self) -> Statistics {
        match self {
            Self::Rtp(rtp) => rtp.stream.statistics(),
            Self::Modem(modem) => modem.counts,
        }
    }
}

impl Rtp {
    fn send(&mut self, frame: Option<&Frame>, ntp: impl Fn() -> u64, now: Instant) {
        let remote = self.stream.remote();
        let socket = &self.pair.rtp;
        // A full socket buffer or an unreachable port: sound is not sent twice.
        let transmit = |socket: &tokio::net::UdpSocket, datagram: &[u8], to: SocketAddr| {
            drop(socket.try_send_to(datagram, to));
        };
        self.stream.send(frame, |datagram| transmit(socket, datagram, remote));
        if now >= self.report_due {
            self.report_due = now + REPORT_EVERY;
            let (to, report) = self.stream.report(ntp(), now);
            let socket = if self.stream.agreed().rtcp_mux { &self.pair.rtp } else { &self.pair.rtcp };
            transmit(socket, &report, to);
        }
    }
}

impl Modem {
    fn poll_frame(&mut self, now: Instant) -> Frame {
        while let Ok(frame) = self.from.try_recv() {
            self.counts.received += 1;
            if self.ready.len() == MODEM_DEEP {
                self.ready.pop_front();
                self.counts.refused += 1;
            }
            self.ready.push_back(frame);
        }
        let frame = self.ready.pop_front().unwrap_or_else(|| {
            self.counts.concealed += 1;
            Frame::SILENCE
        });
        if let Some(digit) = self.detector.handle_frame(&frame) {
            self.handle_digit(digit, Via::Tone, now);
        }
        frame
    }

    fn handle_digit(&mut self, digit: Digit, via: Via, now: Instant) {
        if let Some(digit) = self.merger.handle_digit(digit, via, now) {
            self.heard.push_back(Heard::Digit(digit, via));
        }
    }
}
