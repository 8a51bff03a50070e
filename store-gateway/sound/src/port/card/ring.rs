//! Samples between a sound card's callback and the thread that has the card: one writer, one reader, no locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The samples, as the bits of `f32`. Positions only grow, and wrap as numbers do.
struct Cells {
    /// A power of two of them.
    cells: Box<[AtomicU32]>,
    written: AtomicUsize,
    read: AtomicUsize,
}

impl Cells {
    fn waiting(&self) -> usize {
        self.written.load(Ordering::Acquire).wrapping_sub(self.read.load(Ordering::Acquire))
    }

    fn at(&self, position: usize) -> &AtomicU32 {
        &self.cells[position & (self.cells.len() - 1)]
    }
}

/// The end that puts samples in.
pub(super) struct Writer(Arc<Cells>);

/// The end that takes them out.
pub(super) struct Reader(Arc<Cells>);

/// A ring with room for that many samples or somewhat more.
pub(super) fn ring(samples: usize) -> (Writer, Reader) {
    let cells = (0..samples.next_power_of_two()).map(|_| AtomicU32::new(0)).collect();
    let cells = Arc::new(Cells { cells, written: AtomicUsize::new(0), read: AtomicUsize::new(0) });
    (Writer(cells.clone()), Reader(cells))
}

impl Writer {
    /// Puts in samples while there is room; says how many did not find any.
    pub(super) fn write(&mut self, samples: impl Iterator<Item = f32>) -> usize {
        let cells = &self.0;
        let mut written = cells.written.load(Ordering::Relaxed);
        // The reader only makes more room meanwhile.
        let mut room = cells.cells.len() - written.wrapping_sub(cells.read.load(Ordering::Acquire));
        let mut refused = 0;
        for sample in samples {
            if room == 0 {
                refused += 1;
                continue;
            }
            cells.at(written).store(sample.to_bits(), Ordering::Relaxed);
            written = written.wrapping_add(1);
            room -= 1;
        }
        cells.written.store(written, Ordering::Release);
        refused
    }

    /// Samples that were not taken out yet.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

impl Reader {
    /// The next sample.
    pub(super) fn next(&mut self) -> Option<f32> {
        let cells = &self.0;
        let read = cells.read.load(Ordering::Relaxed);
        if cells.written.load(Ordering::Acquire) == read {
            return None;
        }
        let sample = f32::from_bits(cells.at(read).load(Ordering::Relaxed));
        cells.read.store(read.wrapping_add(1), Ordering::Release);
        Some(sample)
    }

    /// Samples that can be taken.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_refuses_and_says_how_many() {
        let (mut writer, mut reader) = ring(4);
        assert_eq!(writer.write((1..=6).map(|n| n as f32)), 2);
        assert_eq!((writer.waiting(), reader.next(), reader.waiting()), (4, Some(1.0), 3));
        assert_eq!(writer.write([7.0].into_iter()), 0);
        let rest: Vec<f32> = std::iter::from_fn(|| reader.next()).collect();
        assert_eq!(rest, [2.0, 3.0, 4.0, 7.0]);
    }

    #[test]
    fn two_threads_hand_over_every_sample_in_order() {
        const COUNT: usize = 200_000;
        let (mut writer, mut reader) = ring(64);
        let thread = std::thread::spawn(move || {
            let mut next = 0;
            while next < COUNT {
                let upto = (next + 7).min(COUNT);
                let refused = writer.write((next..upto).map(|n| n as f32));
                next = upto - refused;
            }
        });
        for expected in 0..COUNT {
            let sample = loop {
                if let Some(sample) = reader.next() {
                    break sample;
                }
                std::thread::yield_now();
            };
            assert_eq!(sample, expected as f32);
        }
        thread.join().unwrap();
    }
}
