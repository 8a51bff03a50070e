//! The left column: who is at the counter, what to pick, what waits, what is done; and the link pill.

use super::calls::Call;
use crate::screens::format::Moment;
use crate::screens::words::{GoodsWord, MessageWord};

/// A customer as a board shows one.
#[derive(Clone)]
pub struct Who {
    /// Initials, for example "J.K."; empty when no name is known.
    pub initials: String,
    /// The last three digits of the telephone number; empty when there is none.
    pub tail: String,
}

/// The board: four lists in their order, each possibly cut, with the full counts.
#[derive(Clone)]
pub struct Board {
    /// Customers at the counter, longest wait first.
    pub here: Vec<BoardHere>,
    /// How many there are in all.
    pub here_count: u32,
    /// Orders to pick, oldest promise first.
    pub to_pick: Vec<BoardPick>,
    /// How many there are in all.
    pub to_pick_count: u32,
    /// Orders on the shelf, nearest deadline first.
    pub ready: Vec<BoardReady>,
    /// How many there are in all.
    pub ready_count: u32,
    /// What was handed over or refused today, newest first.
    pub done: Vec<BoardDone>,
    /// How many there are in all.
    pub done_count: u32,
    /// Missed calls that wait for somebody, oldest first.
    pub missed: Vec<Call>,
    /// How many there are in all.
    pub missed_count: u32,
    /// The order that is open, to mark its row.
    pub open: Option<String>,
    /// Holds are not expiring because the clock is not good enough.
    pub holds_paused: bool,
}

/// A customer who waits at the counter.
#[derive(Clone)]
pub struct BoardHere {
    /// The order number.
    pub order: String,
    /// The shelf; none while it is not ready.
    pub shelf: Option<String>,
    /// Whose it is.
    pub who: Who,
    /// The state of the goods.
    pub goods: GoodsWord,
    /// When the customer came.
    pub since: Moment,
    /// Who has taken care already (initials); none rings the chime.
    pub attended_by: Option<String>,
}

/// An order to pick.
#[derive(Clone)]
pub struct BoardPick {
    /// The order number.
    pub order: String,
    /// Whose it is.
    pub who: Who,
    /// How many pieces.
    pub pieces: u32,
    /// The state of the goods (received, picking, short, staged, inbound).
    pub goods: GoodsWord,
    /// When it was promised for.
    pub promised: Option<Moment>,
}

/// An order on the shelf.
#[derive(Clone)]
pub struct BoardReady {
    /// The order number.
    pub order: String,
    /// The first bag's shelf.
    pub shelf: Option<String>,
    /// Whose it is.
    pub who: Who,
    /// The state of the READY text; none when there is no number to send to.
    pub message: Option<MessageWord>,
    /// The end of the hold.
    pub until: Option<Moment>,
}

/// An order that was finished today.
#[derive(Clone)]
pub struct BoardDone {
    /// The order number.
    pub order: String,
    /// Whose it was.
    pub who: Who,
    /// Handed over, partial, refused, cancelled, expired, put back.
    pub goods: GoodsWord,
    /// When.
    pub at: Moment,
    /// Until when it can be undone; none when it can't.
    pub undo_until: Option<Moment>,
    /// The version for the undo button.
    pub version: u64,
}

/// The link to HQ as the header tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPill {
    /// In step; nothing is shown but a quiet word.
    Online,
    /// Connected, catching up.
    CatchingUp {
        /// Facts not yet acknowledged.
        to_send: u32,
    },
    /// No word from HQ.
    Offline {
        /// Since when.
        since: Moment,
        /// Facts not yet acknowledged.
        to_send: u32,
    },
    /// The box was restored and is asking HQ for its data; it goes on working.
    Recovering,
    /// Another box has taken this store's place: nothing may be written here.
    Superseded,
}
