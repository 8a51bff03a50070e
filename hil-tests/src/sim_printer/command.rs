//! The commands of Epson's ESC/POS command reference that this printer has.

/// A command whose octets are all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// A letter.
    Letter(u8),
    /// LF.
    LineFeed,
    /// CR, a real-time command that was obeyed on arrival, and others that change nothing on paper.
    Nothing,
    /// HT.
    Tab,
    /// ESC @.
    Initialize,
    /// ESC t.
    CodePage(u8),
    /// ESC R.
    Variant(u8),
    /// ESC M.
    Font(u8),
    /// ESC E.
    Emphasis(u8),
    /// ESC G.
    DoubleStrike(u8),
    /// ESC -.
    Underline(u8),
    /// ESC !.
    PrintMode(u8),
    /// GS !.
    Size(u8),
    /// GS B.
    Reverse(u8),
    /// ESC SP.
    RightSpace(u8),
    /// ESC a.
    Align(u8),
    /// ESC d.
    FeedLines(u8),
    /// ESC J.
    FeedDots(u8),
    /// ESC 3, and ESC 2 without a number.
    LineSpacing(Option<u8>),
    /// ESC $.
    Position(u16),
    /// ESC \, two's complement.
    Move(u16),
    /// GS L.
    LeftMargin(u16),
    /// GS W.
    AreaWidth(u16),
    /// GS h.
    BarcodeHeight(u8),
    /// GS w.
    BarcodeModule(u8),
    /// GS H.
    TextPlace(u8),
    /// GS f.
    TextFont(u8),
    /// GS V with its m and, where it has one, its n.
    Cut(u8, u8),
    /// ESC p's connector.
    Pulse(u8),
    /// GS a.
    StatusBack(u8),
    /// GS r.
    Status(u8),
    /// GS I.
    Identity(u8),
}

/// What a command with data of a length of its own is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// GS k, function B, with its system.
    Barcode(u8),
    /// GS k, function A, ended by NUL.
    BarcodeToNul(u8),
    /// ESC D, ended by NUL.
    Tabs,
    /// GS v 0 with its mode and the octets of a row.
    Raster { mode: u8, row_octets: u16 },
    /// ESC * with its mode.
    Columns(u8),
    /// GS ( with its letter.
    Function(u8),
    /// GS 8 L.
    Graphics,
    /// A command that this printer does not have, of a known length; the octets that tell which.
    Skipped([u8; 3]),
}

/// What the first octets of the buffer begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// More octets are needed to tell.
    More,
    /// A command and its octets.
    Whole(Command, usize),
    /// A command whose data of `length` octets follows `used` ones.
    Counted { body: Body, used: usize, length: u32 },
    /// A command whose data goes up to a NUL.
    ToNul { body: Body, used: usize },
    /// Octets that the reference does not have; the printer passes over so many.
    Unknown(usize),
}
