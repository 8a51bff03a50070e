//! What open pages are told over server-sent events.

use serde_json::json;

/// Something that changed on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// A reservation: its row on the board, and its card where it is open.
    Order(String),
    /// Several rows of the board.
    Board,
    /// The pill: link, counts, what needs a person.
    Pill,
    /// Texts and messages that need a person.
    Texts,
    /// Calls under way, missed calls, phones.
    Calls,
}

impl Live {
    /// The event's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Board => "board",
            Self::Pill => "pill",
            Self::Texts => "texts",
            Self::Calls => "calls",
        }
    }

    /// The event's data.
    pub fn data(&self) -> String {
        match self {
            Self::Order(order) => json!({ "order": order }).to_string(),
            _ => "{}".to_owned(),
        }
    }
}
