//! Two ports that hear each other, paced like a device: for tests, and for whatever plays the modem in this process.

use std::sync::{Arc, Weak};

use store_voice::frame::TICK;
use tokio::time::MissedTickBehavior;

use super::link::{Ending, Link};
use super::{AudioPort, Queues};

/// Two ends of a voice path. Every 20 ms of tokio's clock each hears a frame of the other, silence when the other sent
/// none. Dropping one is the loss of the device at the other.
///
/// # Panics
/// Outside of a tokio runtime with a clock.
pub fn pair(queues: Queues) -> (AudioPort, AudioPort) {
    let links = [Arc::new(Link::new(queues)), Arc::new(Link::new(queues))];
    // Each end carries what it sends; what the other is called by then does not matter.
    let [one, other] = [0, 1].map(|at| {
        let (own, far) = (links[at].clone(), Arc::downgrade(&links[1 - at]));
        let task = tokio::spawn(carry(Arc::downgrade(&own), far));
        AudioPort { link: own, ending: Ending::Task(Some(task)) }
    });
    (one, other)
}

/// Carries frames from the far end to the own one.
async fn carry(own: Weak<Link>, far: Weak<Link>) {
    let mut ticks = tokio::time::interval(TICK);
    // A machine that was held up catches up: a device would have gone on.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        let Some(own) = own.upgrade() else { return };
        let Some(far) = far.upgrade() else { return own.lose("the other end is gone") };
        let frame = far.pop_outgoing().unwrap_or_else(|| {
            far.count_starved(1);
            store_voice::Frame::SILENCE
        });
        own.push_incoming(frame);
    }
}
