//! Packets of sound and reports on them (RFC 3550): what is sent, and which packets are believed.
//!
//! Never trusts a length or a source because it is there: a packet counts only when it is whole, comes from the address
//! that the session description names, and belongs to the source that this leg is locked to. The media shell calls it
//! for every datagram.

mod packet;
mod receive;
mod rtcp;
mod send;
mod source;

pub use packet::{Header, Packet, PacketError};
pub use receive::{Reception, Statistics};
pub use rtcp::{MOST_BLOCKS, ReceiverReport, Report, ReportBlock, ReportError, SenderInfo};
pub use send::{First, Sender};
pub use source::{Source, SourceLock, Verdict};
