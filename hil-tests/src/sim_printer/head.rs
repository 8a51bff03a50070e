//! Where a command begins and ends: octets into commands, by Epson's ESC/POS command reference.

use super::command::{Body, Command, Head};

const HT: u8 = 0x09;
const LF: u8 = 0x0a;
const CR: u8 = 0x0d;
pub(super) const DLE: u8 = 0x10;
const ESC: u8 = 0x1b;
const FS: u8 = 0x1c;
const GS: u8 = 0x1d;

/// Most octets that [`head`] looks at.
pub(super) const HEAD_OCTETS: usize = 16;

/// Tells what begins here. `line_empty` is whether the print buffer holds nothing: barcodes need it so.
pub(super) fn head(octets: &[u8], line_empty: bool) -> Head {
    let Some(&first) = octets.first() else { return Head::More };
    match first {
        LF => Head::Whole(Command::LineFeed, 1),
        CR => Head::Whole(Command::Nothing, 1),
        HT => Head::Whole(Command::Tab, 1),
        DLE => real_time(octets),
        ESC => escape(octets),
        FS => file_separator(octets),
        GS => group(octets, line_empty),
        0..=0x1f => Head::Unknown(1),
        letter => Head::Whole(Command::Letter(letter), 1),
    }
}

/// Gives the command when its `length` octets are there.
fn whole(octets: &[u8], length: usize, command: impl FnOnce(&[u8]) -> Command) -> Head {
    octets.get(..length).map_or(Head::More, |own| Head::Whole(command(own), length))
}

fn word(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([octets[at], octets[at + 1]])
}

/// Real-time commands were obeyed on arrival; here they are only passed over.
fn real_time(octets: &[u8]) -> Head {
    match octets.get(1..) {
        Some([0x04 | 0x05, ..]) => whole(octets, 3, |_| Command::Nothing),
        Some([0x14, 0x01 | 0x02, ..]) => whole(octets, 5, |_| Command::Nothing),
        Some([] | [0x14]) => Head::More,
        Some([0x14, ..]) => Head::Unknown(3),
        _ => Head::Unknown(1),
    }
}

fn escape(octets: &[u8]) -> Head {
    let Some(&name) = octets.get(1) else { return Head::More };
    let one = |command: fn(u8) -> Command| whole(octets, 3, |own| command(own[2]));
    let two = |command: fn(u16) -> Command| whole(octets, 4, |own| command(word(own, 2)));
    match name {
        b'@' => Head::Whole(Command::Initialize, 2),
        b'2' => Head::Whole(Command::LineSpacing(None), 2),
        b'3' => one(|n| Command::LineSpacing(Some(n))),
        b't' => one(Command::CodePage),
        b'R' => one(Command::Variant),
        b'M' => one(Command::Font),
        b'E' => one(Command::Emphasis),
        b'G' => one(Command::DoubleStrike),
        b'-' => one(Command::Underline),
        b'!' => one(Command::PrintMode),
        b' ' => one(Command::RightSpace),
        b'a' => one(Command::Align),
        b'd' => one(Command::FeedLines),
        b'J' => one(Command::FeedDots),
        b'$' => two(Command::Position),
        b'\\' => two(Command::Move),
        b'p' => whole(octets, 5, |own| Command::Pulse(own[2])),
        b'D' => Head::ToNul { body: Body::Tabs, used: 2 },
        b'*' => columns(octets),
        _ => skipped(octets, escape_length(octets)),
    }
}

/// ESC * m nL nH, then n columns of one octet (8 dots) or three (24 dots).
fn columns(octets: &[u8]) -> Head {
    let Some(&mode) = octets.get(2) else { return Head::More };
    let octets_a_column = match mode {
        0 | 1 => 1,
        32 | 33 => 3,
        // The reference: what follows a wrong m is text.
        _ => return Head::Unknown(3),
    };
    if octets.len() < 5 {
        return Head::More;
    }
    let length = u32::from(word(octets, 3)) * octets_a_column;
    Head::Counted { body: Body::Columns(mode), used: 5, length }
}

/// Octets of the ESC commands of the reference that this printer does not have; `None`: not in the reference.
fn escape_length(octets: &[u8]) -> Option<usize> {
    match octets[1] {
        b'S' | b'L' | b'<' | 0x0c | b'i' | b'm' | b'v' => Some(2),
        b'%' | b'=' | b'?' | b'K' | b'T' | b'U' | b'V' | b'e' | b'r' | b'u' | b'{' => Some(3),
        b'c' => Some(4),
        b'W' => Some(10),
        _ => None,
    }
}

fn file_separator(octets: &[u8]) -> Head {
    let Some(&name) = octets.get(1) else { return Head::More };
    match name {
        b'(' => function(octets),
        b'&' | b'.' => skipped(octets, Some(2)),
        b'!' | b'-' | b'C' | b'W' => skipped(octets, Some(3)),
        b'S' | b'p' | b'?' => skipped(octets, Some(4)),
        _ => skipped(octets, None),
    }
}

fn group(octets: &[u8], line_empty: bool) -> Head {
    let Some(&name) = octets.get(1) else { return Head::More };
    let one = |command: fn(u8) -> Command| whole(octets, 3, |own| command(own[2]));
    let two = |command: fn(u16) -> Command| whole(octets, 4, |own| command(word(own, 2)));
    match name {
        b'!' => one(Command::Size),
        b'B' => one(Command::Reverse),
        b'L' => two(Command::LeftMargin),
        b'W' => two(Command::AreaWidth),
        b'h' => one(Command::BarcodeHeight),
        b'w' => one(Command::BarcodeModule),
        b'H' => one(Command::TextPlace),
        b'f' => one(Command::TextFont),
        b'a' => one(Command::StatusBack),
        b'r' => one(Command::Status),
        b'I' => one(Command::Identity),
        b'V' => cut(octets),
        b'k' => barcode(octets, line_empty),
        b'v' => raster(octets),
        b'(' => function(octets),
        b'8' => graphics(octets),
        b'*' => downloaded_picture(octets),
        _ => skipped(octets, group_length(octets)),
    }
}

fn group_length(octets: &[u8]) -> Option<usize> {
    match octets[1] {
        b':' | b'c' => Some(2),
        b'/' | b'T' | b'b' => Some(3),
        b'$' | b'\\' | b'P' => Some(4),
        b'^' | b'C' => Some(5),
        b'g' => Some(6),
        _ => None,
    }
}

fn cut(octets: &[u8]) -> Head {
    match octets.get(2) {
        None => Head::More,
        Some(0 | 1 | 48 | 49) => whole(octets, 3, |own| Command::Cut(own[2], 0)),
        Some(65 | 66 | 97 | 98 | 103 | 104) => whole(octets, 4, |own| Command::Cut(own[2], own[3])),
        Some(_) => Head::Unknown(3),
    }
}

/// Function A: GS k m d… NUL with m up to 6; function B: GS k m n d…. In the middle of a line what follows m is text.
fn barcode(octets: &[u8], line_empty: bool) -> Head {
    match octets.get(2) {
        None => Head::More,
        Some(0..=6 | 65..=79) if !line_empty => Head::Unknown(3),
        Some(&system @ 0..=6) => Head::ToNul { body: Body::BarcodeToNul(system), used: 3 },
        Some(&system @ 65..=79) => octets.get(3).map_or(Head::More, |&count| Head::Counted {
            body: Body::Barcode(system),
            used: 4,
            length: count.into(),
        }),
        Some(_) => Head::Unknown(3),
    }
}

/// GS v 0 m xL xH yL yH, then x octets for each of y rows.
fn raster(octets: &[u8]) -> Head {
    match octets.get(2) {
        None => return Head::More,
        Some(b'0') => {}
        Some(_) => return Head::Unknown(2),
    }
    if octets.len() < 8 {
        return Head::More;
    }
    let (mode, row_octets) = (octets[3], word(octets, 4));
    if !matches!(mode, 0..=3 | 48..=51) {
        return Head::Unknown(4);
    }
    let length = u32::from(row_octets) * u32::from(word(octets, 6));
    Head::Counted { body: Body::Raster { mode: mode & 0x03, row_octets }, used: 8, length }
}

/// GS ( x pL pH and FS ( x pL pH: every one of them tells its length.
fn function(octets: &[u8]) -> Head {
    if octets.len() < 5 {
        return Head::More;
    }
    let length = u32::from(word(octets, 3));
    let body = match (octets[0], octets[2]) {
        (GS, letter @ (b'k' | b'L' | b'H')) => Body::Function(letter),
        (lead, letter) => Body::Skipped([lead, b'(', letter]),
    };
    Head::Counted { body, used: 5, length }
}

/// GS 8 L p1 p2 p3 p4: GS ( L with room for larger pictures.
fn graphics(octets: &[u8]) -> Head {
    match octets.get(2) {
        None => return Head::More,
        Some(b'L') => {}
        Some(_) => return Head::Unknown(2),
    }
    let Some(&[p1, p2, p3, p4]) = octets.get(3..7) else { return Head::More };
    Head::Counted { body: Body::Graphics, used: 7, length: u32::from_le_bytes([p1, p2, p3, p4]) }
}

/// GS * x y, then x × y × 8 octets.
fn downloaded_picture(octets: &[u8]) -> Head {
    let Some(&[x, y]) = octets.get(2..4) else { return Head::More };
    let length = u32::from(x) * u32::from(y) * 8;
    Head::Counted { body: Body::Skipped([GS, b'*', 0]), used: 4, length }
}

/// A command without any effect here is passed over whole, so that its parameters are not printed.
fn skipped(octets: &[u8], length: Option<usize>) -> Head {
    let Some(length) = length else { return Head::Unknown(2) };
    let name = [octets[0], octets[1], 0];
    let length = u32::try_from(length - 2).unwrap_or(0);
    Head::Counted { body: Body::Skipped(name), used: 2, length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_told_from_the_reference_s_formats() {
        let cases: &[(&[u8], Head)] = &[
            (b"A", Head::Whole(Command::Letter(b'A'), 1)),
            (&[0x1b, 0x40], Head::Whole(Command::Initialize, 2)),
            (&[0x1b, 0x24, 0x2c, 0x01], Head::Whole(Command::Position(300), 4)),
            (&[0x1d, 0x56, 0x42, 0x10], Head::Whole(Command::Cut(66, 16), 4)),
            (&[0x1d, 0x56, 0x00], Head::Whole(Command::Cut(0, 0), 3)),
            (&[0x10, 0x04, 0x01], Head::Whole(Command::Nothing, 3)),
            (&[0x10, 0x14, 0x01, 0x00, 0x02], Head::Whole(Command::Nothing, 5)),
            (&[0x1d, 0x6b, 0x49, 10], Head::Counted { body: Body::Barcode(73), used: 4, length: 10 }),
            (&[0x1d, 0x6b, 0x02], Head::ToNul { body: Body::BarcodeToNul(2), used: 3 }),
            (
                &[0x1d, 0x76, 0x30, 0, 0x30, 0x00, 0x02, 0x01],
                Head::Counted { body: Body::Raster { mode: 0, row_octets: 48 }, used: 8, length: 48 * 258 },
            ),
            (&[0x1b, 0x2a, 33, 0x02, 0x01], Head::Counted { body: Body::Columns(33), used: 5, length: 774 }),
            (
                &[0x1d, 0x28, 0x45, 0x03, 0x00],
                Head::Counted { body: Body::Skipped([0x1d, 0x28, 0x45]), used: 5, length: 3 },
            ),
            (&[0x1b, 0x7b], Head::Counted { body: Body::Skipped([0x1b, 0x7b, 0]), used: 2, length: 1 }),
            (&[0x07], Head::Unknown(1)),
        ];
        for (octets, expected) in cases {
            assert_eq!(head(octets, true), *expected, "{octets:02x?}");
            if !matches!(expected, Head::Unknown(_) | Head::Counted { used: 2, .. }) {
                for end in 0..octets.len() {
                    assert_eq!(head(&octets[..end], true), Head::More, "{:02x?}", &octets[..end]);
                }
            }
        }
    }

    #[test]
    fn a_barcode_in_the_middle_of_a_line_is_text_behind_its_m() {
        assert_eq!(head(&[0x1d, 0x6b, 0x49, 10], false), Head::Unknown(3));
    }
}
