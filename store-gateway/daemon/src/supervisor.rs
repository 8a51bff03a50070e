//! Restarts a failed task with bounded backoff. A task that keeps failing makes [`Supervisor::watch`] return, and the
//! process then ends with a failure: a box without its uplink or its modem task must not look healthy.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

/// First wait after a failure.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait between two starts.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Failures in a row before the supervisor gives up.
const MOST_FAILURES: u32 = 8;
/// A run this long counts as healthy: the count of failures starts again.
const CALM: Duration = Duration::from_secs(60);

/// Tells tasks to stop; clones share it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until the process stops.
    pub async fn asked(&mut self) {
        // An error means that the supervisor is gone, which is a stop too.
        drop(self.0.wait_for(|stopping| *stopping).await);
    }

    /// True once the process stops.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}

/// Runs named tasks.
pub struct Supervisor {
    tasks: JoinSet<&'static str>,
    stop: watch::Sender<bool>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl Supervisor {
    /// The signal that tasks listen to.
    pub fn stop_signal(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Runs what `make` makes, again after each failure (an error or a panic). A task that returns `Ok` has stopped
    /// because it was asked to.
    pub fn keep<F, Fut>(&mut self, name: &'static str, mut make: F)
    where
        F: FnMut(Stop) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut stop = self.stop_signal();
        self.tasks.spawn(async move {
            let mut failures = 0;
            loop {
                let started = Instant::now();
                let why = match tokio::spawn(make(stop.clone())).await {
                    Ok(Ok(())) => return name,
                    Ok(Err(e)) => format!("{e:#}"),
                    Err(e) => e.to_string(),
                };
                failures = if started.elapsed() >= CALM { 1 } else { failures + 1 };
                if stop.is_asked() {
                    return name;
                }
                if failures >= MOST_FAILURES {
                    tracing::error!(task = name, failures, why, "task keeps failing; giving up");
                    return name;
                }
                let wait = (FIRST_WAIT * 2_u32.pow(failures - 1)).min(LONGEST_WAIT);
                tracing::error!(
                    task = name,
                    failures,
                    why,
                    wait_ms = wait.as_millis(),
                    "task failed; starting it again"
                );
                tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.asked() => return name }
            }
        });
    }

    /// Waits until a task has ended for good, and names it. Pending while all run.
    pub async fn watch(&mut self) -> &'static str {
        match self.tasks.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a supervised task",
            None => std::future::pending().await,
        }
    }

    /// Asks all tasks to stop and waits for them, at most `limit`; what has not ended by then is aborted.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("some tasks did not stop in time");
        }
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_failed_task_starts_again_and_a_hopeless_one_is_named() {
        let runs = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&runs);
        let mut supervisor = Supervisor::default();
        supervisor.keep("hopeless", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            async { anyhow::bail!("no") }
        });
        assert_eq!(supervisor.watch().await, "hopeless");
        assert_eq!(runs.load(Ordering::SeqCst), MOST_FAILURES);
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_and_a_stop_ends_all() {
        let mut supervisor = Supervisor::default();
        let runs = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&runs);
        supervisor.keep("shaky", move |mut stop| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(n > 0, "the first run panics");
                stop.asked().await;
                Ok(())
            }
        });
        while runs.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        supervisor.stop(Duration::from_secs(5)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }
}
