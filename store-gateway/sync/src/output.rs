//! What the cores tell the shell to do.

use std::fmt;

use sans_io::Instant;

use crate::envelope::Envelope;
use crate::ident::{AggregateKey, Epoch, EventId, Side};
use crate::ledger::AsideReason;
use crate::snapshot::SnapshotJob;
use crate::wire::Message;

/// One thing for the shell to do. The first group belongs **inside** the transaction of the call that made it, the
/// second must wait for its commit (see [`Output::inside_transaction`]).
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "outputs are drained one by one; a box for each message would cost more")]
pub enum Output {
    /// Inside: the logs of this aggregate changed; refresh what is derived from them.
    Applied {
        /// Which.
        key: AggregateKey,
    },
    /// Inside: the database turned out to be an old copy; a new epoch was begun. Every reservation in it asks for a bag
    /// scan and its messages are in doubt from now on.
    RolledBack {
        /// What told it.
        why: RolledBack,
    },
    /// Inside: the snapshot was adopted, recovery is over. Store: messages without an end become `unknown{restored}`,
    /// reservations unverified (DESIGN §3, *Effects*); the events may be appended in this same transaction.
    Restored,
    /// Inside: something that a person must hear of.
    Alert(Alert),
    /// Inside: another box holds our identity; read-only from now on.
    Superseded {
        /// HQ's open epoch.
        open: Epoch,
    },
    /// Inside: HQ's answer names our epoch again; no longer superseded.
    Reopened,
    /// Inside (HQ) or any time: telemetry of the peer; latest value wins.
    Telemetry(Box<Envelope>),
    /// After the commit: publish.
    Transmit(Message),
    /// After the commit: open one read transaction, call [`SnapshotJob::next_chunk`] in it until it says none, publish each.
    SendSnapshot(SnapshotJob),
    /// After the commit: write this number to the witness file and sync it, before anything else is sent.
    RaiseWitness(u64),
    /// Nothing more to do until this deadline (none: until something comes in).
    Wait {
        /// When to call `handle_timeout`, and which timer it will be.
        until: Option<(Instant, Timer)>,
    },
}

impl Output {
    /// True when the shell must act on it in the transaction that made it; false when it must wait for the commit.
    pub const fn inside_transaction(&self) -> bool {
        !matches!(self, Self::Transmit(_) | Self::SendSnapshot(_) | Self::RaiseWitness(_) | Self::Wait { .. })
    }
}

/// What told that a database is an old copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolledBack {
    /// The witness file is ahead of it, or missing beside a used database.
    Witness,
    /// The peer stands on an event that is not ours.
    Watermark {
        /// The sequence number that the peer named.
        seq: u64,
    },
    /// The peer knows a later epoch of ours.
    LaterEpoch {
        /// That epoch.
        epoch: Epoch,
    },
    /// HQ only: the store is in an epoch past its recovery that we never opened.
    StrangerEpoch {
        /// That epoch.
        epoch: Epoch,
    },
}

impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Witness => f.write_str("the witness file does not match"),
            Self::Watermark { seq } => write!(f, "the peer stands on another event at {seq}"),
            Self::LaterEpoch { epoch } => write!(f, "the peer knows our later epoch {epoch}"),
            Self::StrangerEpoch { epoch } => write!(f, "the store is in epoch {epoch} that was never opened here"),
        }
    }
}

/// What a person must hear of. Holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// An event of the peer was set aside or rejected.
    SetAside {
        /// The event.
        id: EventId,
        /// What it is about.
        key: AggregateKey,
        /// Who wrote it.
        author: Side,
        /// Why.
        why: AsideReason,
    },
    /// P1 events were dropped at a bound, here or at the peer.
    Skipped {
        /// Who dropped them.
        by: Side,
        /// First sequence number of the span.
        from: u64,
        /// Last sequence number of the span.
        to: u64,
    },
    /// HQ only: a box speaks under an epoch that is not the open one.
    TwoBoxes {
        /// The epoch of the other box.
        epoch: Epoch,
    },
    /// A batch or chunk held an event whose header cannot be read; nothing behind it can be taken.
    Unreadable {
        /// Where and why, without the text.
        what: String,
    },
}

/// Why a core waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A birth is due (first, repeated until answered, or rare while superseded).
    Birth,
    /// A gap or a foreign epoch has stayed too long.
    Gap,
    /// Time for a birth under a new session.
    Quiet,
    /// The snapshot was not answered.
    Request,
    /// No progress of P0.
    StallP0,
    /// No progress of P1.
    StallP1,
    /// Telemetry may go out again.
    Telemetry,
}
