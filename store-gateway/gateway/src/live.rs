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
    /// Tills, printers, print jobs.
    Devices,
    /// Something was scanned at a till. Goes to the browser with this cookie only.
    Scan {
        /// The cookie.
        counter: String,
        /// The till's count.
        n: u64,
        /// What the scanner read.
        text: String,
        /// What it said the code was.
        symbology: Option<String>,
    },
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
            Self::Devices => "devices",
            Self::Scan { .. } => "scan",
        }
    }

    /// The event's data.
    pub fn data(&self) -> String {
        match self {
            Self::Order(order) => json!({ "order": order }).to_string(),
            Self::Scan { n, text, symbology, .. } => {
                json!({ "n": n, "text": text, "symbology": symbology }).to_string()
            }
            Self::Board | Self::Pill | Self::Texts | Self::Calls | Self::Devices => "{}".to_owned(),
        }
    }
}
