//! A serial port with raw PCM, as modems give it over USB. For each frame that the modem has sent it is sent one: it knows
//! best when it has room.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use store_voice::Frame;
use store_voice::frame::SAMPLES;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_serial::{ClearBuffer, SerialPort as _, SerialPortBuilderExt as _, SerialStream};

use super::OpenError;
use super::link::{Ending, Link};

/// Octets of a frame.
const FRAME_OCTETS: usize = SAMPLES * 2;
/// Octets read at once: a modem that was held up sends some frames together.
const READ_OCTETS: usize = 8 * FRAME_OCTETS;
/// Frames that wait for a modem that does not read; more are dropped, whole, so that samples stay in step.
const MOST_UNWRITTEN: usize = 10;

pub(super) fn open(link: &Arc<Link>, path: PathBuf, baud: u32) -> Result<Ending, OpenError> {
    let stream = tokio_serial::new(path.to_string_lossy(), baud).open_native_async().and_then(|stream| {
        // What an earlier call left there would shift everything after it.
        stream.clear(ClearBuffer::All)?;
        Ok(stream)
    });
    let stream = stream.map_err(|e| OpenError::Tty { path, source: e.into() })?;
    let link = link.clone();
    Ok(Ending::Task(Some(tokio::spawn(async move {
        let why = carry(&link, stream).await;
        link.lose(why);
    }))))
}

/// Carries sound until the port is gone; says why.
async fn carry(link: &Link, stream: SerialStream) -> String {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut octets = vec![0; READ_OCTETS];
    let mut assembler = Assembler::default();
    let mut unwritten = VecDeque::with_capacity(MOST_UNWRITTEN * FRAME_OCTETS);
    loop {
        tokio::select! {
            read = reader.read(&mut octets) => match read {
                Ok(0) => return "closed by the other side".to_owned(),
                Ok(count) => assembler.take(&octets[..count], |frame| {
                    link.push_incoming(frame);
                    answer(link, &mut unwritten);
                }),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return e.to_string(),
            },
            written = writer.write(unwritten.as_slices().0), if !unwritten.is_empty() => match written {
                Ok(count) => drop(unwritten.drain(..count)),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return e.to_string(),
            },
        }
    }
}

/// Queues the frame that belongs to one that came.
fn answer(link: &Link, unwritten: &mut VecDeque<u8>) {
    let frame = link.pop_outgoing();
    if unwritten.len() + FRAME_OCTETS > MOST_UNWRITTEN * FRAME_OCTETS {
        if frame.is_some() {
            link.count_outgoing_dropped();
        }
        return;
    }
    if frame.is_none() {
        link.count_starved(1);
    }
    unwritten.extend(frame.unwrap_or_default().0.into_iter().flat_map(i16::to_le_bytes));
}

/// Makes frames of octets, however they are split.
struct Assembler {
    octets: [u8; FRAME_OCTETS],
    filled: usize,
}

impl Default for Assembler {
    fn default() -> Self {
        Self { octets: [0; FRAME_OCTETS], filled: 0 }
    }
}

impl Assembler {
    fn take(&mut self, mut octets: &[u8], mut made: impl FnMut(Frame)) {
        while !octets.is_empty() {
            let (part, rest) = octets.split_at(octets.len().min(FRAME_OCTETS - self.filled));
            self.octets[self.filled..self.filled + part.len()].copy_from_slice(part);
            self.filled += part.len();
            octets = rest;
            if self.filled == FRAME_OCTETS {
                self.filled = 0;
                let mut frame = Frame::SILENCE;
                for (to, from) in frame.0.iter_mut().zip(self.octets.chunks_exact(2)) {
                    *to = i16::from_le_bytes([from[0], from[1]]);
                }
                made(frame);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::port::Queues;

    #[test]
    fn a_frame_that_does_not_fit_is_dropped_whole() {
        let link = Link::new(Queues::default());
        // Nine frames, and 64 octets of one whose beginning is written.
        let mut unwritten = VecDeque::from(vec![0; 9 * FRAME_OCTETS + 64]);
        let after = |unwritten: &mut VecDeque<u8>| {
            link.push_outgoing(&Frame([7; SAMPLES])).unwrap();
            answer(&link, unwritten);
            (unwritten.len(), link.statistics().outgoing_dropped)
        };
        assert_eq!(after(&mut unwritten), (9 * FRAME_OCTETS + 64, 1));
        unwritten.drain(..64);
        assert_eq!(after(&mut unwritten), (10 * FRAME_OCTETS, 1));
        assert_eq!(after(&mut unwritten), (10 * FRAME_OCTETS, 2));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(
            octets in prop::collection::vec(any::<u8>(), 0..2_000),
            splits in prop::collection::vec(1_usize..700, 1..50),
        ) {
            let (mut assembler, mut frames, mut rest) = (Assembler::default(), Vec::new(), &octets[..]);
            for length in splits.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (part, later) = rest.split_at(rest.len().min(*length));
                assembler.take(part, |frame| frames.push(frame));
                rest = later;
            }
            let expected: Vec<Vec<i16>> = octets
                .chunks_exact(320)
                .map(|frame| frame.chunks(2).map(|o| i16::from_le_bytes([o[0], o[1]])).collect())
                .collect();
            prop_assert_eq!(frames.iter().map(|f| f.0.to_vec()).collect::<Vec<_>>(), expected);
        }
    }
}
