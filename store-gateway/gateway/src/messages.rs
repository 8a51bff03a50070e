//! Messages to and from customers: what is owed to whom, the queue, the journal of submissions, and what came in.
//!
//! The reconciler reads reservations and messages afresh and makes the queue fit: it runs when something changed and on
//! a timer, and may run twice. The [modem's shell](crate::modem) takes from the queue ([`sending`]) and brings back
//! what became of it ([`outcome`]). Every change of state is a row and an event in one transaction. Texts and numbers
//! stand in rows only, never in logs; the pickup code is put in on the way to the modem and kept nowhere.

mod answer;
mod compose;
pub mod inbound;
pub mod outcome;
mod plan;
mod restored;
mod row;
pub mod sending;
mod staff;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use answer::sender;
pub use compose::Fold;
pub(crate) use inbound::customer;
pub(crate) use restored::adopt as adopt_restored;
pub(crate) use row::{RESTORED, order_of};
pub use staff::{
    Preview, Settle, TextError, enqueue_staff_text, hold, mark_text_done, preview, reply_to_text, requeue,
    resume_sending, settle,
};
pub use view::{
    Counts, Filter, HistoryItem, MessageView, Page, TextView, ThreadEntry, Wanted, counts, find, list, open_texts,
    page, thread,
};

use std::time::Duration;

use serde::Deserialize;
use store_daemon::supervisor::Stop;
use store_daemon::writer::Lane;

use crate::app::{App, ShopError, go_on};

/// Passes of the reconciler in a row before other work gets its turn; each does a bounded number of things.
const PASSES: usize = 20;
/// Between two rounds of throwing away what nobody needs any more.
const HOUSEKEEPING: Duration = Duration::from_secs(600);

/// `[messages]`: the waits of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// An unknown READY or reminder without a report is sent once again after this long, in seconds.
    pub resend_s: u64,
    /// First wait after a passing failure, in milliseconds; the next is four times as long.
    pub retry_ms: u64,
    /// A long text whose parts do not all come within this time is shown as it is, in seconds.
    pub reassembly_s: u64,
    /// How often the queue is looked at when nothing happens, in milliseconds.
    pub look_ms: u64,
    /// A modem that cannot send for this long is an alert, in seconds.
    pub modem_alert_s: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self { resend_s: 900, retry_ms: 30_000, reassembly_s: 86_400, look_ms: 2_000, modem_alert_s: 60 }
    }
}

impl Timing {
    /// How often to look, never in a tight loop.
    pub fn look(&self) -> Duration {
        Duration::from_millis(self.look_ms.max(10))
    }

    fn resend_ms(&self) -> i64 {
        signed(self.resend_s.saturating_mul(1_000))
    }

    fn reassembly_ms(&self) -> i64 {
        signed(self.reassembly_s.saturating_mul(1_000))
    }

    /// The wait after the `failures`-th passing failure.
    fn retry_after_ms(&self, failures: u32) -> i64 {
        signed(self.retry_ms.saturating_mul(4_u64.saturating_pow(failures.saturating_sub(1))))
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// Keeps the queue fitting the reservations until the stop.
///
/// # Errors
/// When the database fails; the supervisor starts it again.
pub async fn run(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(app.config.messages.look());
    let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            () = app.messages_wake.notified() => drop(go_on("looking at the queue", reconcile(&app).await)?),
            _ = look.tick() => drop(go_on("looking at the queue", reconcile(&app).await)?),
            _ = housekeeping.tick() => {
                go_on("dropping old messages", app.work(Lane::Work, plan::housekeep).await)?;
            }
            () = stop.asked() => return Ok(()),
        }
    }
}

/// Makes the queue fit the reservations, now. A box that is superseded or awaits its snapshot does nothing.
///
/// # Errors
/// The database's.
pub async fn reconcile(app: &App) -> Result<(), ShopError> {
    for _ in 0..PASSES {
        let done = match app.work(Lane::Work, plan::pass).await {
            Err(ShopError::Superseded) => return Ok(()),
            other => other?,
        };
        if done > 0 {
            app.sending_wake.notify_one();
        }
        if done < plan::PASS {
            break;
        }
    }
    Ok(())
}

/// The alert under which a SIM that the network refuses stands. Sending goes on once somebody has cleared it.
pub(crate) const fn staff_paused_alert() -> (&'static str, &'static str) {
    staff::PAUSED
}

/// Whether this box may act: not superseded, and not waiting for its snapshot after a restore.
pub(crate) fn may_act(app: &App) -> bool {
    let link = app.status.link();
    !link.superseded && !link.recovery
}
