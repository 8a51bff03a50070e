//! What stands between a port's owner and the task or thread that has the device: two bounded queues and the counts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;

use store_voice::Frame;
use tokio::sync::Notify;

use super::{Lost, Queues, Statistics};

/// Shared by both sides. None of its locks is held while anything waits.
#[derive(Debug)]
pub(super) struct Link {
    incoming: Queue,
    outgoing: Queue,
    /// A frame or the loss of the device.
    news: Notify,
    lost: OnceLock<Lost>,
    /// The owner is gone.
    pub(super) is_ending: AtomicBool,
    /// The thread that has the device, if it is one.
    thread: OnceLock<Thread>,
    received: AtomicU64,
    sent: AtomicU64,
    starved: AtomicU64,
    overruns: AtomicU64,
}

impl Link {
    pub(super) fn new(queues: Queues) -> Self {
        Self {
            incoming: Queue::new(queues.incoming),
            outgoing: Queue::new(queues.outgoing),
            news: Notify::new(),
            lost: OnceLock::new(),
            is_ending: AtomicBool::new(false),
            thread: OnceLock::new(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            starved: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
        }
    }

    pub(super) async fn next_incoming(&self) -> Result<Frame, Lost> {
        loop {
            // Looked at before the queue: what came before the loss is read first.
            let lost = self.lost.get();
            if let Some(frame) = self.incoming.pop() {
                return Ok(frame);
            }
            if let Some(lost) = lost {
                return Err(lost.clone());
            }
            // There is one owner, so a frame that came since then has left its permit.
            self.news.notified().await;
        }
    }

    pub(super) fn push_outgoing(&self, frame: &Frame) -> Result<(), Lost> {
        if let Some(lost) = self.lost.get() {
            return Err(lost.clone());
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.outgoing.push(*frame);
        self.wake_thread();
        Ok(())
    }

    /// A frame that the device made.
    pub(super) fn push_incoming(&self, frame: Frame) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.incoming.push(frame);
        self.news.notify_one();
    }

    /// A frame for the device.
    pub(super) fn pop_outgoing(&self) -> Option<Frame> {
        self.outgoing.pop()
    }

    /// A frame that the device could not take after it had left the queue.
    pub(super) fn count_outgoing_dropped(&self) {
        self.outgoing.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// The device wanted a frame and there was none; that counts once the owner has begun to send.
    pub(super) fn count_starved(&self, frames: u64) {
        if self.sent.load(Ordering::Relaxed) > 0 {
            self.starved.fetch_add(frames, Ordering::Relaxed);
        }
    }

    /// The device is gone; the first reason stands.
    pub(super) fn lose(&self, why: impl Into<String>) {
        if self.lost.set(Lost { why: why.into() }).is_ok() {
            self.news.notify_one();
        }
    }

    /// Wakes the thread that has the device. Neither blocks nor allocates.
    pub(super) fn wake_thread(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(super) fn statistics(&self) -> Statistics {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Statistics {
            received: count(&self.received),
            sent: count(&self.sent),
            incoming_dropped: count(&self.incoming.dropped),
            outgoing_dropped: count(&self.outgoing.dropped),
            starved: count(&self.starved),
            overruns: count(&self.overruns),
        }
    }
}

/// What only a sound card needs.
#[cfg(feature = "cpal")]
impl Link {
    /// Frames for the device that wait.
    pub(super) fn outgoing_waiting(&self) -> usize {
        lock(&self.outgoing.frames).len()
    }

    pub(super) fn count_overruns(&self, times: u64) {
        self.overruns.fetch_add(times, Ordering::Relaxed);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.get().is_some()
    }

    pub(super) fn set_thread(&self, thread: Thread) {
        drop(self.thread.set(thread));
    }
}

/// Frames that wait, the oldest dropped when there are too many.
#[derive(Debug)]
struct Queue {
    most: usize,
    frames: Mutex<VecDeque<Frame>>,
    dropped: AtomicU64,
}

impl Queue {
    fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, frames: Mutex::new(VecDeque::with_capacity(most)), dropped: AtomicU64::new(0) }
    }

    fn push(&self, frame: Frame) {
        let mut frames = lock(&self.frames);
        if frames.len() == self.most {
            frames.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        frames.push_back(frame);
    }

    fn pop(&self) -> Option<Frame> {
        lock(&self.frames).pop_front()
    }
}

/// A queue is whole after every statement.
fn lock(frames: &Mutex<VecDeque<Frame>>) -> std::sync::MutexGuard<'_, VecDeque<Frame>> {
    frames.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends what has the device when the port is dropped.
#[derive(Debug)]
pub(super) enum Ending {
    /// A task that is aborted.
    Task(Option<tokio::task::JoinHandle<()>>),
    /// A thread that sees that its link is ending.
    #[cfg_attr(not(feature = "cpal"), expect(dead_code, reason = "only a sound card has a thread"))]
    Thread(Arc<Link>, Option<std::thread::JoinHandle<()>>),
}

impl Ending {
    fn begin(&self) {
        match self {
            Self::Task(Some(task)) => task.abort(),
            Self::Task(None) => {}
            Self::Thread(link, _) => {
                link.is_ending.store(true, Ordering::Release);
                link.wake_thread();
            }
        }
    }

    /// Ends it and waits for that.
    pub(super) async fn end(mut self) {
        self.begin();
        match &mut self {
            Self::Task(task) => {
                if let Some(task) = task.take() {
                    // Aborted is what it should be.
                    drop(task.await);
                }
            }
            Self::Thread(_, thread) => {
                if let Some(thread) = thread.take() {
                    drop(tokio::task::spawn_blocking(move || drop(thread.join())).await);
                }
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.begin();
    }
}

#[cfg(test)]
mod tests {
    use store_voice::frame::SAMPLES;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_drops_its_oldest_and_counts_it() {
        let link = Link::new(Queues { incoming: 3, outgoing: 2 });
        for n in 1..=5 {
            link.push_incoming(Frame([n; SAMPLES]));
            link.push_outgoing(&Frame([n; SAMPLES])).unwrap();
        }
        link.lose("pulled out");
        link.lose("said again");
        let mut heard = Vec::new();
        let lost = loop {
            match link.next_incoming().await {
                Ok(frame) => heard.push(frame.0[0]),
                Err(lost) => break lost,
            }
        };
        assert_eq!((heard, lost.why.as_str()), (vec![3, 4, 5], "pulled out"));
        assert_eq!([link.pop_outgoing(), link.pop_outgoing()].map(|f| f.map(|f| f.0[0])), [Some(4), Some(5)]);
        let expected =
            Statistics { received: 5, sent: 5, incoming_dropped: 2, outgoing_dropped: 3, ..Default::default() };
        assert_eq!(link.statistics(), expected);
        assert!(link.push_outgoing(&Frame::SILENCE).is_err());
    }
}
