//! Who may come in, and how often a source may be wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sans_io::Instant;
use store_voice::dial::Extension;

use super::Agent;
use crate::message::Request;
use crate::registrar::{Stale, Verdict};

/// Sources whose failures are remembered; beyond it the oldest count is forgotten.
const MOST_SOURCES: usize = 256;
/// Failures are counted by the minute.
const MINUTE: Duration = Duration::from_secs(60);

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// Ask for credentials.
    Challenge(Stale),
    /// This source was wrong too often: 403 without a look.
    TooOften,
}

/// Wrong credentials by source.
pub(super) struct Failures {
    most: u32,
    counts: BTreeMap<IpAddr, (Instant, u32)>,
}

impl Failures {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, counts: BTreeMap::new() }
    }

    fn are_too_many(&self, source: IpAddr, now: Instant) -> bool {
        self.counts.get(&source).is_some_and(|(since, count)| now.since(*since) < MINUTE && *count >= self.most)
    }

    fn add(&mut self, source: IpAddr, now: Instant) {
        self.counts.retain(|_, (since, _)| now.since(*since) < MINUTE);
        if self.counts.len() >= MOST_SOURCES
            && let Some(oldest) = self.counts.iter().min_by_key(|(_, (since, _))| *since).map(|(ip, _)| *ip)
        {
            self.counts.remove(&oldest);
        }
        self.counts.entry(source).or_insert((now, 0)).1 += 1;
    }
}

impl Agent {
    /// The phone that a request proves to come from.
    pub(super) fn authenticated(&mut self, request: &Request, source: IpAddr, now: Instant) -> Result<Extension, No> {
        let has_credentials =
            request.headers.get("Authorization").is_some() || request.headers.get("Proxy-Authorization").is_some();
        if has_credentials && self.failures.are_too_many(source, now) {
            return Err(No::TooOften);
        }
        match self.registrar.authenticate(request, source, now) {
            Verdict::Known(extension) => Ok(extension),
            Verdict::Challenge(stale) => {
                if has_credentials && stale == Stale::No {
                    self.failures.add(source, now);
                    tracing::warn!(%source, "a phone's credentials are wrong");
                }
                Err(No::Challenge(stale))
            }
        }
    }
}
