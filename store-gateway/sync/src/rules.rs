//! The protocol's rules by name, so that this crate's own tests can leave one out and show what it is for.
//! Outside `cfg(test)` there is nothing to switch: [`Rules`] is empty and every rule is on.

/// A rule of DESIGN §3, or (the last two) a plain duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code, reason = "named by the tests"))]
#[repr(u8)]
pub(crate) enum Rule {
    /// Watermarks carry the id of the event they stand on; a batch names the id before its first event.
    Ids,
    /// A generation number outside the database tells a restored copy at start.
    Witness,
    /// In recovery nothing leaves before the snapshot; then own rows unknown to the peer are entered again.
    Hold,
    /// A new epoch closes the old one in the transaction before the snapshot's cut.
    Close,
    /// What is entered again is every own event whose id the snapshot lacks.
    Union,
    /// HQ in recovery takes the store's snapshot before it gives one.
    HqFirst,
    /// A snapshot asked for in recovery carries both authors' logs with ids.
    BothLogs,
    /// A restored box whose epoch HQ never opened mints again above HQ's open epoch.
    Above,
    /// Only the answer to our own last birth says that the peer is behind or that we are superseded.
    Fresh,
    /// A birth without answer, a gap that stays, a new HQ boot and a long quiet each cause a new birth.
    Rebirth,
    /// HQ takes no watermark from a retained birth.
    Retained,
    /// An `up/ack` names the box's own epoch; HQ takes it only from the open one.
    OwnEpoch,
    /// `sync.skipped` takes the span of the rows it replaces; `n` may jump after it.
    SkipSpan,
    /// What HQ sends names the store's epoch that it is meant for.
    To,
    /// A side in recovery applies no events before its snapshot.
    Deaf,
    /// A later epoch of the same machine means rolled back, not superseded.
    Box,
    /// An event that a snapshot replaces or lacks is set aside, never dropped.
    Keep,
    /// An HQ event whose `n` does not follow makes the store ask for a snapshot.
    Resnap,
    /// A superseded box goes on sending births.
    AskOn,
    /// A later epoch of the store already past its recovery tells HQ that HQ was rolled back.
    Stranger,
    /// A superseded box writes nothing.
    Quiet,
    /// An acknowledgement goes out on every duplicate.
    AckDuplicates,
    /// Being rolled back begins a new epoch.
    NewEpoch,
    /// Rows without progress are sent again.
    Resend,
}

/// Which rules are on: all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    #[cfg(test)]
    off: u32,
}

impl Rules {
    /// True unless a test of this crate left the rule out.
    #[cfg(not(test))]
    #[inline]
    pub(crate) const fn on(self, _rule: Rule) -> bool {
        true
    }

    /// True unless the test left the rule out.
    #[cfg(test)]
    pub(crate) const fn on(self, rule: Rule) -> bool {
        self.off & (1 << rule as u8) == 0
    }

    /// All rules but one.
    #[cfg(test)]
    pub(crate) fn without(rule: Option<Rule>) -> Self {
        Self { off: rule.map_or(0, |r| 1 << r as u8) }
    }
}
