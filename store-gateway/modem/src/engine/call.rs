//! What the shell asks about voice calls and what it is told.

use std::fmt;

use crate::Private;

/// Names one call of the SIM. Not reused while the engine lives, as long as the shell does not reuse its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallId {
    /// Somebody called the SIM; the engine counts these.
    Incoming(u64),
    /// The SIM called somebody; the shell chose the number in [`super::Command::Dial`].
    Outgoing(u64),
}

/// A key of a telephone: `0`–`9`, `*`, `#`, `A`–`D`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digit(char);

impl Digit {
    /// The key with this sign, if there is one.
    pub fn new(sign: char) -> Option<Self> {
        matches!(sign, '0'..='9' | '*' | '#' | 'A'..='D').then_some(Self(sign))
    }

    /// Its sign.
    pub const fn as_char(self) -> char {
        self.0
    }
}

impl fmt::Debug for Digit {
    /// Shows nothing: the keys of a call may make up a code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<digit>")
    }
}

/// What happens to calls. A call that was told of (`Incoming`, or a `Dial` not answered by `NotPossible`) always comes to
/// exactly one `Ended`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// Somebody calls: [`super::Command::Answer`] or [`super::Command::HangUp`] it. Told once a call.
    Incoming {
        /// The call.
        call: CallId,
        /// Who calls, `+` and digits when international; `None` when withheld or not known.
        number: Option<Private<String>>,
    },
    /// The number called rings.
    Alerting {
        /// The call.
        call: CallId,
    },
    /// It was answered, and the way for the sound is open.
    Connected {
        /// The call.
        call: CallId,
    },
    /// The modem refused to open the way for the sound of a call that is connected.
    NoSound {
        /// The call.
        call: CallId,
    },
    /// The other end pressed a key, and the modem heard it.
    Digit {
        /// The call.
        call: CallId,
        /// The key.
        digit: Digit,
    },
    /// It is over.
    Ended {
        /// The call.
        call: CallId,
        /// How.
        why: CallEnd,
    },
    /// Somebody called while there was a call; it was refused as busy where the modem can.
    MissedWhileBusy {
        /// Who called.
        number: Option<Private<String>>,
    },
    /// A [`super::Command::Dial`] that did not become a call.
    NotPossible {
        /// The call that was wished for.
        call: CallId,
        /// Why not.
        why: NotPossible,
    },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// By [`super::Command::HangUp`].
    HungUp,
    /// By the other end or the network. Before `Connected` it is a missed call, or one that was not taken.
    Remote,
    /// The number called is engaged.
    Busy,
    /// The number called does not answer.
    NoAnswer,
    /// With the modem: it restarted, its port went away, or it did not do what it was told.
    Lost,
}

/// Why a number can't be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPossible {
    /// It is no number: an optional plus sign and 1 to 20 digits. Codes with `*` and `#` would change the SIM's services
    /// (TS 22.030) and are never dialled.
    Number,
    /// There is a call already.
    Busy,
    /// The modem can't do voice calls.
    NoVoice,
    /// The modem is not set up, or not registered.
    NotReady,
    /// The modem refused.
    Refused,
}
