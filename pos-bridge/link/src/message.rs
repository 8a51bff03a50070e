//! The messages, both ways.

use serde::{Deserialize, Serialize};
use shop_model::document::Document;

/// The version of this protocol. A gateway talks to tills of its own version and the one before.
pub const PROTOCOL: u16 = 1;

/// A print job, known to both ends by this: the gateway's UUIDv7 as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

/// What a till says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromTill {
    /// The first message of a till that the gateway does not know yet.
    Enrol {
        /// [`PROTOCOL`].
        protocol: u16,
        /// The secret half of the code, in the alphabet of [`crate::code`].
        secret: String,
        /// The till's name for people.
        name: String,
    },
    /// The first message of a till that the gateway knows.
    Hello {
        /// [`PROTOCOL`].
        protocol: u16,
        /// The bridge's version.
        version: String,
        /// The till's name for people.
        name: String,
        /// Its printers.
        printers: Vec<PrinterFacts>,
        /// Its scanners.
        scanners: Vec<ScannerFacts>,
    },
    /// What became of a job; final states again at each connection until they are noted.
    Report {
        /// The job.
        job: JobId,
        /// How it stands.
        state: JobState,
    },
    /// Every job of the journal that was not noted has been reported on this connection. What the gateway thinks taken,
    /// held or begun and was not named is not known to the till any more: its journal was lost.
    Reported,
    /// A printer's state changed.
    Printer(PrinterFacts),
    /// A scanner's state changed.
    Scanner(ScannerFacts),
    /// Something was scanned just now. A scan that can't be sent at once is not sent later: the customer is gone.
    Scan {
        /// Counts this connection's scans.
        n: u64,
        /// Which scanner.
        scanner: String,
        /// What it read.
        text: String,
        /// What it said the code was, in ISO/IEC 15424's letters (`E0`, `C0`, `Q1`).
        symbology: Option<String>,
    },
    /// Nothing else to say.
    Alive,
}

/// What the gateway says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToTill {
    /// The till is known from now on by the certificate that it showed.
    Enrolled {
        /// The store's name.
        store: String,
    },
    /// The till is known.
    Welcome {
        /// The gateway's version.
        version: String,
        /// The store's name.
        store: String,
    },
    /// The connection ends.
    Refused {
        /// Why.
        why: Refusal,
    },
    /// Print this.
    Job {
        /// Its id.
        job: JobId,
        /// The printer's name at the till.
        printer: String,
        /// What to print.
        document: Document,
        /// It may begin for this many milliseconds from now on; absent: whenever the printer can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_ms: Option<u64>,
    },
    /// Don't begin this.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// A final state is in the gateway's database; the till may forget the job.
    Noted {
        /// The job.
        job: JobId,
    },
    /// A scan was passed on.
    Scanned {
        /// Its count.
        n: u64,
        /// Whether a screen of this till was there to show it.
        shown: bool,
    },
    /// Nothing else to say.
    Alive,
}

/// Why a gateway won't talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The till's certificate is not known here: it must be enrolled, or was removed.
    NotEnrolled,
    /// The code is wrong, was used, or its time is over.
    WrongCode,
    /// Too many wrong codes; later again.
    TooManyTries,
    /// Another version of the protocol.
    Protocol,
    /// The same till is connected a second time; the newer connection stays.
    Replaced,
    /// As many tills as the store may have.
    Full,
    /// The gateway can't say: its database takes nothing just now.
    NotNow,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum JobState {
    /// In the till's journal.
    Taken,
    /// In the journal; the printer can't begin it.
    Held {
        /// What keeps it.
        by: HeldBy,
    },
    /// Its first octet may have left.
    Begun,
    /// The printer said that it printed it.
    Printed,
    /// The port took all of it, and the printer can't say more.
    Sent,
    /// It began, and nobody knows whether it came out whole.
    Unknown {
        /// Why nobody knows.
        cause: Cause,
    },
    /// Its time was over before it began.
    Expired,
    /// Cancelled before it began.
    Cancelled,
    /// It can't be printed there: no such printer, or a document that the printer can't have.
    Refused {
        /// Why.
        cause: Cause,
    },
}

impl JobState {
    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Taken | Self::Held { .. } | Self::Begun)
    }
}

/// What keeps a job from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// The port can't be opened.
    Port,
    /// The printer does not answer.
    Silent,
    /// It says that it is offline.
    Offline,
    /// Its cover is open.
    CoverOpen,
    /// It has no paper.
    PaperOut,
    /// It has an error.
    Error,
}

/// Why a job ended otherwise than printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The bridge stopped in the middle.
    Restart,
    /// The port failed in the middle.
    Port,
    /// The printer did not answer at the end.
    Silent,
    /// The printer waited too long, for paper or with an open cover, in the middle.
    Held,
    /// The till has no printer of that name.
    NoPrinter,
    /// The document can't be printed there: a code that does not fit, a character that no code has.
    Document,
    /// Too many jobs wait.
    Full,
}

/// What a printer prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Slips for customers and for picking.
    Slips,
    /// Labels for bags and shelves.
    Labels,
}

/// A printer as its till sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrinterFacts {
    /// Its name at the till.
    pub name: String,
    /// Its profile.
    pub profile: String,
    /// Characters across, of ordinary size.
    pub columns: u16,
    /// Dots across.
    pub dots: u16,
    /// What it prints.
    pub duties: Vec<Duty>,
    /// Whether it has a drawer.
    pub drawer: bool,
    /// How it is.
    pub state: PrinterState,
}

/// How a printer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrinterState {
    /// Its port is open.
    pub connected: bool,
    /// What keeps it from printing, as far as it says.
    pub held: Option<HeldBy>,
    /// Its paper; `None` where it can't say.
    pub paper: Option<Paper>,
}

/// A roll of paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// Enough.
    Ok,
    /// Near its end.
    Low,
    /// None.
    Out,
}

/// A scanner as its till sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannerFacts {
    /// Its name at the till.
    pub name: String,
    /// Its port is open.
    pub connected: bool,
    /// Reads since the bridge started.
    pub scans: u64,
    /// Half scans and garbage since the bridge started.
    pub dropped: u64,
}
