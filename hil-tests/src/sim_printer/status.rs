//! The printer's condition and the octets that tell it (`DLE EOT`, `GS a`, `GS r`).

use serde::{Deserialize, Serialize};

/// Paper roll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// Enough.
    #[default]
    Ok,
    /// Near its end.
    Low,
    /// Ended.
    Out,
}

/// Errors that stop the printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The cutter is blocked; `DLE ENQ` lets it go on.
    Cutter,
    /// Another error that `DLE ENQ` ends.
    Recoverable,
    /// Only switching off and on helps.
    Unrecoverable,
}

/// What the sensors and switches say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Paper roll.
    pub paper: Paper,
    /// The cover is open.
    pub cover_open: bool,
    /// Error.
    pub error: Option<Fault>,
    /// Somebody pressed the button that takes it offline.
    pub offline: bool,
    /// The drawer is open; its switch pulls pin 3 of the connector up.
    pub drawer_open: bool,
}

/// Fixed bits of every `DLE EOT` answer: 1 and 4 are 1, 0 and 7 are 0.
const REAL_TIME_FIXED: u8 = 0x12;

impl Condition {
    /// Tells whether the printer takes part: neither paper nor cover nor error nor button stops it.
    pub fn is_online(&self) -> bool {
        self.paper != Paper::Out && !self.cover_open && self.error.is_none() && !self.offline
    }

    /// The octet that `DLE EOT n` is answered with, n from 1 to 4.
    pub(super) fn real_time(&self, n: u8) -> Option<u8> {
        let error = |fault| self.error == Some(fault);
        let bits = match n {
            // Printer: drawer's pin 3, offline.
            1 => bit(2, self.drawer_open) | bit(3, !self.is_online()),
            // Cause of offline: cover, paper end stops printing, error.
            2 => bit(2, self.cover_open) | bit(5, self.paper == Paper::Out) | bit(6, self.error.is_some()),
            // Cause of error: recoverable, cutter, unrecoverable.
            3 => bit(2, error(Fault::Recoverable)) | bit(3, error(Fault::Cutter)) | bit(5, error(Fault::Unrecoverable)),
            // Paper: near-end sensor in bits 2 and 3, end sensor in bits 5 and 6.
            4 => twice(2, self.paper != Paper::Ok) | twice(5, self.paper == Paper::Out),
            _ => return None,
        };
        Some(REAL_TIME_FIXED | bits)
    }

    /// The four octets of automatic status back (`GS a`).
    pub(super) fn status_back(&self) -> [u8; 4] {
        let error = |fault| self.error == Some(fault);
        let printer = 0x10 | bit(2, self.drawer_open) | bit(3, !self.is_online()) | bit(5, self.cover_open);
        let cause =
            bit(2, error(Fault::Recoverable)) | bit(3, error(Fault::Cutter)) | bit(5, error(Fault::Unrecoverable));
        // Bits 0 to 3 of the last octet are reserved; TM-T88 sets them.
        [printer, cause, self.paper_sensors(), 0x0f]
    }

    /// The octet that `GS r n` is answered with: 1 or 49 paper, 2 or 50 drawer.
    pub(super) fn transmitted(&self, n: u8) -> Option<u8> {
        match n {
            1 | 49 => Some(self.paper_sensors()),
            2 | 50 => Some(bit(0, self.drawer_open)),
            _ => None,
        }
    }

    fn paper_sensors(&self) -> u8 {
        twice(0, self.paper != Paper::Ok) | twice(2, self.paper == Paper::Out)
    }

    /// Tells whether automatic status back is due: one of the items enabled by `GS a n` differs.
    pub(super) fn differs(&self, before: &Self, enabled: u8) -> bool {
        let drawer = bit(0, self.drawer_open != before.drawer_open);
        let online = bit(1, self.is_online() != before.is_online() || self.cover_open != before.cover_open);
        let error = bit(2, self.error != before.error);
        let paper = bit(3, self.paper != before.paper);
        (drawer | online | error | paper) & enabled != 0
    }
}

fn bit(place: u8, on: bool) -> u8 {
    u8::from(on) << place
}

fn twice(place: u8, on: bool) -> u8 {
    (u8::from(on) * 0b11) << place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(condition: &Condition) -> [u8; 4] {
        [1, 2, 3, 4].map(|n| condition.real_time(n).unwrap())
    }

    /// Every octet added up by hand from the tables of DLE EOT: fixed bits 0x12, then the bits that the case sets.
    #[test]
    fn real_time_answers_follow_the_tables() {
        let well = Condition::default();
        assert_eq!(octets(&well), [0x12, 0x12, 0x12, 0x12]);
        assert_eq!(octets(&Condition { drawer_open: true, ..well }), [0x16, 0x12, 0x12, 0x12]);
        assert_eq!(octets(&Condition { cover_open: true, ..well }), [0x1a, 0x16, 0x12, 0x12]);
        assert_eq!(octets(&Condition { paper: Paper::Low, ..well }), [0x12, 0x12, 0x12, 0x1e]);
        assert_eq!(octets(&Condition { paper: Paper::Out, ..well }), [0x1a, 0x32, 0x12, 0x7e]);
        assert_eq!(octets(&Condition { offline: true, ..well }), [0x1a, 0x12, 0x12, 0x12]);
        let error = |fault| octets(&Condition { error: Some(fault), ..well });
        assert_eq!(error(Fault::Cutter), [0x1a, 0x52, 0x1a, 0x12]);
        assert_eq!(error(Fault::Recoverable), [0x1a, 0x52, 0x16, 0x12]);
        assert_eq!(error(Fault::Unrecoverable), [0x1a, 0x52, 0x32, 0x12]);
        assert_eq!(well.real_time(5), None);
    }

    #[test]
    fn automatic_status_and_gs_r_follow_their_tables() {
        let well = Condition::default();
        assert_eq!(well.status_back(), [0x10, 0x00, 0x00, 0x0f]);
        assert_eq!(Condition { cover_open: true, ..well }.status_back(), [0x38, 0x00, 0x00, 0x0f]);
        let out = Condition { paper: Paper::Out, drawer_open: true, ..well };
        assert_eq!(out.status_back(), [0x1c, 0x00, 0x0f, 0x0f]);
        assert_eq!((out.transmitted(1), out.transmitted(50), out.transmitted(9)), (Some(0x0f), Some(0x01), None));
        let low = Condition { paper: Paper::Low, error: Some(Fault::Cutter), ..well };
        assert_eq!(low.status_back(), [0x18, 0x08, 0x03, 0x0f]);
    }

    #[test]
    fn status_comes_by_itself_for_enabled_items_alone() {
        let (well, low) = (Condition::default(), Condition { paper: Paper::Low, ..Condition::default() });
        assert!(low.differs(&well, 0x08) && !low.differs(&well, 0x07));
        let open = Condition { drawer_open: true, ..well };
        assert!(open.differs(&well, 0x01) && !open.differs(&well, 0x0e));
    }
}
