//! What a failure of a submission means: for whom it is to act, or whether the message may be on its way after all.
//!
//! Pure functions over the codes of 3GPP TS 27.005 §3.2.5 (+CMS ERROR; 1 to 127 are RP causes of TS 24.011 annex E),
//! TS 27.007 §9.2 (+CME ERROR) and TS 23.040 §9.2.3.15 (TP-ST).

use crate::profile::Profile;

/// Who must act on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureClass {
    /// The recipient can't be reached by SMS: another way, or a person.
    Recipient,
    /// The message itself is wrong: it would fail again.
    Message,
    /// The SIM, its contract or its service centre: pause this SIM, keep the messages, tell a person.
    Subscription,
    /// Passing: try again later, a bounded number of times.
    Passing,
}

/// What a code says about a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not sent.
    Failed(FailureClass),
    /// Perhaps sent.
    Ambiguous,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCause {
    /// +CMS ERROR.
    Cms(u16),
    /// +CME ERROR.
    Cme(u16),
    /// ERROR without a code, before the PDU was given.
    Error,
    /// The prompt did not come; the PDU was never given.
    NoPrompt,
    /// The engine could not submit at that moment (not registered, paused, quiet window, busy, restarting).
    NotReady,
}

/// Why it is unknown whether a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownCause {
    /// No answer in time.
    NoAnswer,
    /// +CMS ERROR with a code that proves nothing.
    Cms(u16),
    /// +CME ERROR with a code that proves nothing.
    Cme(u16),
    /// ERROR without a code.
    Error,
    /// The answer was torn or incomplete.
    TornAnswer,
    /// The modem restarted.
    ModemRestarted,
    /// The port closed.
    PortClosed,
    /// The answer may belong to an earlier submission.
    AnswerOfAnother,
}

/// What +CMS ERROR says of a submission.
pub fn cms(code: u16, profile: &Profile) -> Verdict {
    use FailureClass::{Message, Passing, Recipient, Subscription};
    if let Some((_, verdict)) = profile.cms.iter().find(|(of, _)| *of == code) {
        return *verdict;
    }
    Verdict::Failed(match code {
        1 | 28 | 30 => Recipient,
        95..=99 | 304 | 305 => Message,
        8 | 10 | 29 | 50 | 69 | 330 => Subscription,
        314 => Passing,
        310..=318 => Subscription,
        332 | 500 | 512.. => return Verdict::Ambiguous,
        // Among them 22, 27, 38, 41, 42, 47, 320, 322 and 331.
        _ => Passing,
    })
}

/// What +CME ERROR says of a submission.
pub fn cme(code: u16) -> Verdict {
    Verdict::Failed(match code {
        // The SIM is absent, locked, broken or wrong: TS 27.005's 310 to 318 by their other numbers.
        10..=13 | 15..=18 | 32 => FailureClass::Subscription,
        31 | 100 | 512.. => return Verdict::Ambiguous,
        // Among them 14 (SIM busy) and 30 (no network service).
        _ => FailureClass::Passing,
    })
}

/// What a delivery report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Done. A long message is delivered when each part is.
    Done,
    /// The service centre is still trying.
    Trying,
    /// It gave up.
    Failed(FailureClass),
}

/// What TP-ST says; reserved values count as "service rejected", as the standard wants.
pub fn delivery(status: u8) -> Delivery {
    match status {
        0x00..=0x1F => Delivery::Done,
        0x20..=0x3F => Delivery::Trying,
        _ => Delivery::Failed(FailureClass::Recipient),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ProfileName, profile};

    /// The design's table, row by row.
    #[test]
    fn cms_codes_by_table() {
        use FailureClass::{Message, Passing, Recipient, Subscription};
        let rows: [(&[u16], Verdict); 5] = [
            (&[1, 28, 30], Verdict::Failed(Recipient)),
            (&[304, 305, 95, 96, 97, 98, 99], Verdict::Failed(Message)),
            (&[8, 10, 29, 50, 69, 310, 311, 312, 313, 315, 316, 317, 318, 330], Verdict::Failed(Subscription)),
            (&[22, 27, 38, 41, 42, 47, 314, 320, 322, 331, 21, 111, 127, 208, 300, 321], Verdict::Failed(Passing)),
            (&[332, 500, 512, 513, 1000, u16::MAX], Verdict::Ambiguous),
        ];
        for (codes, verdict) in rows {
            for code in codes {
                assert_eq!(cms(*code, profile(ProfileName::Generic)), verdict, "CMS {code}");
            }
        }
    }

    #[test]
    fn cme_codes_by_table() {
        use FailureClass::{Passing, Subscription};
        for (codes, verdict) in [
            (vec![10, 11, 12, 13, 15, 16, 17, 18, 32], Verdict::Failed(Subscription)),
            (vec![14, 30, 3, 4], Verdict::Failed(Passing)),
            (vec![31, 100, 512, 9_999], Verdict::Ambiguous),
        ] {
            for code in codes {
                assert_eq!(cme(code), verdict, "CME {code}");
            }
        }
    }

    #[test]
    fn tp_st_by_table() {
        // TS 23.040 §9.2.3.15: received; still trying (congestion); permanent; temporary, no more tries; reserved.
        for (status, delivery_) in [
            (0x00, Delivery::Done),
            (0x1F, Delivery::Done),
            (0x20, Delivery::Trying),
            (0x3F, Delivery::Trying),
            (0x40, Delivery::Failed(FailureClass::Recipient)),
            (0x46, Delivery::Failed(FailureClass::Recipient)),
            (0x7F, Delivery::Failed(FailureClass::Recipient)),
            (0x80, Delivery::Failed(FailureClass::Recipient)),
        ] {
            assert_eq!(delivery(status), delivery_, "TP-ST {status:#x}");
        }
    }
}
