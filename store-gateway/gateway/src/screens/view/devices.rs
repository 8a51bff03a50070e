//! The devices page: tills with their printers and scanners, print jobs, and a document before it is printed.

use crate::screens::format::Moment;
use crate::screens::words::{HeldWord, PrintKindWord, PrintStateWord, ScreenWord};

/// The devices page.
#[derive(Clone)]
pub struct Devices {
    /// The path of this page of the list, to ask for it again.
    pub here: String,
    /// Where tills connect; `None` where no tills are configured, or their port is taken.
    pub address: Option<String>,
    /// The one-time code that is out, for who may add tills.
    pub code: Option<EnrolCode>,
    /// The person may add and remove tills.
    pub may_manage: bool,
    /// Tills by name.
    pub tills: Vec<Till>,
    /// Jobs that a person must look at, oldest first.
    pub asked: Vec<PrintJob>,
    /// The list, newest first.
    pub jobs: Vec<PrintJob>,
    /// The link to older ones, when there are any.
    pub older: Option<String>,
}

/// A code that enrols a till.
#[derive(Clone)]
pub struct EnrolCode {
    /// As it is typed.
    pub code: String,
    /// Good until.
    pub until: Moment,
}

/// A till.
#[derive(Clone)]
pub struct Till {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Connected since; `None` while it is not.
    pub online: Option<Moment>,
    /// When it was there last.
    pub seen: Option<Moment>,
    /// The bridge's version.
    pub version: String,
    /// Which screen shows its scans.
    pub screen: ScreenWord,
    /// Its printers.
    pub printers: Vec<Printer>,
    /// Its scanners, while it is connected.
    pub scanners: Vec<Scanner>,
    /// Scans that no screen was there for.
    pub unseen: u32,
}

/// A printer.
#[derive(Clone)]
pub struct Printer {
    /// Its name at the till.
    pub name: String,
    /// Its profile.
    pub profile: String,
    /// Characters across.
    pub columns: u16,
    /// How it is; `None` while its till is away.
    pub state: Option<HeldWord>,
    /// Its paper is near the end.
    pub paper_low: bool,
    /// It opens a drawer.
    pub drawer: bool,
}

/// A scanner.
#[derive(Clone)]
pub struct Scanner {
    /// Its name at the till.
    pub name: String,
    /// Its port is open.
    pub connected: bool,
    /// Reads.
    pub scans: u32,
    /// Half scans and garbage.
    pub dropped: u32,
}

/// A print job.
#[derive(Clone)]
pub struct PrintJob {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: PrintKindWord,
    /// The order, when it is about one.
    pub order: Option<String>,
    /// Its till's name.
    pub till: String,
    /// The printer's name.
    pub printer: String,
    /// When it was asked for.
    pub at: Moment,
    /// Who asked.
    pub by: String,
    /// How it stands.
    pub state: PrintStateWord,
    /// What keeps it, or why it ended so.
    pub why: Option<HeldWord>,
    /// It is a re-print.
    pub is_again: bool,
    /// It has not begun.
    pub may_cancel: bool,
    /// It has ended.
    pub may_again: bool,
}

/// A document before it is printed.
#[derive(Clone)]
pub struct Preview {
    /// What it is.
    pub kind: PrintKindWord,
    /// The order, when it is about one.
    pub order: Option<String>,
    /// The shelf, when it is a shelf's label.
    pub shelf: Option<String>,
    /// Tills that can print it; this screen's first.
    pub tills: Vec<PreviewTill>,
    /// Print jobs of the same order, newest first.
    pub jobs: Vec<PrintJob>,
}

/// A till that can print a document.
#[derive(Clone)]
pub struct PreviewTill {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// It is connected.
    pub online: bool,
    /// Characters across.
    pub columns: u16,
}
