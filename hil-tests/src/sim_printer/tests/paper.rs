//! What stands on paper.

use std::process::Command as Process;

use super::*;

fn cell(slip: &Slip, line: usize, column: usize) -> Vec<String> {
    dots(slip, (column * 12, slip.lines[line].y), (12, 24))
}

#[test]
fn polish_letters_of_three_pages_are_the_same_letters_on_paper() {
    // "żółć": CP852 BE A2 88 86, Windows-1250 BF F3 B3 E6; "ó" alone: Windows-1252 F3.
    let slip = slip(&[b"\x1bt\x12\xbe\xa2\x88\x86\n\x1bt\x2d\xbf\xf3\xb3\xe6\n\x1bt\x10\xf3\nzolc\n"]);
    assert_eq!(slip.text(), "żółć\nżółć\nó\nzolc");
    for column in 0..4 {
        assert_eq!(cell(&slip, 0, column), cell(&slip, 1, column), "{column}");
        assert_ne!(cell(&slip, 0, column), cell(&slip, 3, column), "{column}");
    }
    assert_eq!(cell(&slip, 0, 1), cell(&slip, 2, 0));
}

#[test]
fn letters_stand_on_a_grid_of_twelve_dots_and_lines_of_thirty_rows() {
    let slip = slip(&[b"II\n\nI\n"]);
    assert_eq!((slip.lines[0].y, slip.lines[1].y), (strip::CUTTER_DOTS, strip::CUTTER_DOTS + 60));
    assert_eq!(cell(&slip, 0, 0), cell(&slip, 0, 1));
    assert_eq!(cell(&slip, 0, 0), cell(&slip, 1, 0));
    assert_eq!(cell(&slip, 0, 2), vec!["............"; 24]);
}

#[test]
fn double_letters_are_the_same_dots_twice_as_large() {
    let slip = slip(&[b"ab\n\x1d!\x11ab\n\x1d!\x00c\n"]);
    let (small, large) = (dots(&slip, (0, slip.lines[0].y), (24, 24)), dots(&slip, (0, slip.lines[1].y), (48, 48)));
    for (y, row) in large.iter().enumerate() {
        let halved: String = row.chars().step_by(2).collect();
        assert_eq!(halved, small[y / 2]);
    }
    assert_eq!((slip.lines[1].runs[0].width, slip.lines[1].runs[0].height, slip.lines[1].rows), (2, 2, 48));
    // A line of 48 rows feeds as much although the spacing is 30.
    assert_eq!(slip.lines[2].y, slip.lines[1].y + 48);
}

#[test]
fn emphasis_underline_and_reverse_are_seen_and_read() {
    let slip = slip(&[b"ab\x1bE\x01c\x1bE\x00\n\x1b-\x02d\x1b-\x00\n\x1dB\x01e\x1dB\x00\nc\x1bG\x01c\n"]);
    let looks: Vec<(&str, bool)> = slip.lines[0].runs.iter().map(|run| (run.text.as_str(), run.bold)).collect();
    assert_eq!(looks, [("ab", false), ("c", true)]);
    let black = |rows: &[String]| rows.concat().chars().filter(|&dot| dot == '#').count();
    assert!(black(&cell(&slip, 0, 2)) > black(&cell(&slip, 3, 0)));
    assert_eq!(cell(&slip, 0, 2), cell(&slip, 3, 1));
    assert_eq!(cell(&slip, 1, 0)[22..], ["############", "############"]);
    assert_eq!((slip.lines[1].runs[0].underline, slip.lines[2].runs[0].reverse), (2, true));
    assert_eq!(cell(&slip, 2, 0)[0], "############");
}

#[test]
fn alignment_margins_positions_and_tabs_place_the_text() {
    let slip = slip(&[
        b"\x1ba\x01ab\n\x1ba\x02ab\n\x1ba\x00",
        // GS L 24, GS W 240: a line of 20 letters from dot 24.
        b"\x1dL\x18\x00\x1dW\xf0\x00\x1ba\x02ab\n\x1ba\x00\x1dL\x00\x00\x1dW\x40\x02",
        // ESC $ 300, HT to column 8.
        b"a\x1b$\x2c\x01b\na\tb\n",
    ]);
    let x: Vec<usize> = slip.lines.iter().map(|line| line.x).collect();
    assert_eq!(x, [276, 552, 240, 0, 0]);
    assert_eq!(slip.lines[3].text, format!("a{}b", " ".repeat(24)));
    assert_eq!(slip.lines[4].text, "a       b");
}

#[test]
fn a_line_that_is_full_goes_on_in_the_next_one() {
    let slip = slip(&["x".repeat(48).as_bytes(), b"\ny\n", "z".repeat(49).as_bytes(), b"\n"]);
    let lengths: Vec<usize> = slip.lines.iter().map(|line| line.text.len()).collect();
    assert_eq!(lengths, [48, 1, 48, 1]);
    assert_eq!(slip.lines[1].y - slip.lines[0].y, 30);
}

/// Reads a slip's codes with zbar, a peer's tool.
fn zbar(slip: &Slip) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slip.png");
    std::fs::write(&path, slip.png().unwrap()).unwrap();
    let read = Process::new("zbarimg").arg("-q").arg("--").arg(&path).output().expect("zbarimg of Debian's zbar-tools");
    let mut lines: Vec<String> = String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn zbar_reads_code_128_ean_13_and_qr_off_the_paper() {
    let slip = slip(&[
        b"\x1ba\x01\x1dh\x60\x1dw\x02\x1dH\x02",
        b"\x1dkI\x0c{BB4-No.{C\x0c\x22",
        b"\n\x1dkI\x06{A\x1fX{1",
        b"\n\x1dk\x02590123412345\x00\n",
        // Functions 165, 167, 169, 180, 181: model 2, 6 dots, level M, store, print.
        b"\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1",
        "\x1d(k\x19\x001P0https://ryś.example/7".as_bytes(),
        b"\x1d(k\x03\x001Q0\n",
    ]);
    let read = zbar(&slip);
    for expected in ["CODE-128:B4-No.1234", "EAN-13:5901234123457", "QR-Code:https://ryś.example/7"] {
        assert!(read.iter().any(|line| line == expected), "{expected} in {read:?}");
    }
    let told: Vec<(&str, &str)> = slip.codes.iter().map(|code| (code.kind, code.text.as_str())).collect();
    assert_eq!(told[0], ("code128", "B4-No.1234"));
    assert_eq!(told[2..], [("ean13", "5901234123457"), ("qr", "https://ryś.example/7")]);
}

#[test]
fn a_barcode_wider_than_the_paper_is_fed_only_and_wrong_data_is_text() {
    let mut narrow = printer(Model { dots: 384, ..WIDE });
    let (_, slips) = print(&mut narrow, &[b"\x1dw\x06\x1dkI\x0c{B0123456789\x1dkI\x04{Xab\n", CUT].concat());
    assert!(slips[0].codes.is_empty());
    // The reference: what stands from the wrong octet on is text.
    assert_eq!(slips[0].text(), "Xab");
    assert_eq!(slips[0].lines[0].y, strip::CUTTER_DOTS + 162);
    assert_eq!(narrow.remarks().len(), 2);
}

#[test]
fn three_ways_print_the_same_picture() {
    // An 8 × 24 picture: a black column at the left, a black row at the bottom.
    let rows: Vec<u8> = (0..24).map(|y| if y == 23 { 0xff } else { 0x80 }).collect();
    let columns: Vec<u8> = (0..8).flat_map(|x| if x == 0 { [0xff; 3] } else { [0, 0, 1] }).collect();
    let raster = [b"\x1dv0\x00\x01\x00\x18\x00".as_slice(), &rows].concat();
    let stored = [b"\x1d(L\x22\x000p0\x01\x011\x08\x00\x18\x00".as_slice(), &rows, b"\x1d(L\x02\x0002"].concat();
    let column = [b"\x1b*\x21\x08\x00".as_slice(), &columns, b"\n"].concat();
    let large = [b"\x1d8L\x22\x00\x00\x000p0\x01\x011\x08\x00\x18\x00".as_slice(), &rows, b"\x1d(L\x02\x0002"].concat();
    let shown = [raster, stored, column, large].map(|octets| {
        let slip = slip(&[&octets]);
        dots(&slip, (0, strip::CUTTER_DOTS), (16, 25))
    });
    let mut expected = vec!["#...............".to_owned(); 23];
    expected.extend(["########........".to_owned(), "................".to_owned()]);
    for picture in shown {
        assert_eq!(picture, expected);
    }
}
