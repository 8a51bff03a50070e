use super::profile::RollWidth;
use super::*;

/// Draws 12 × 24 dots of black per character; codes are 16 dots wide and 2 high.
struct Blocks;

impl Raster for Blocks {
    fn text(&self, text: &str, _: bool, scale: u8, indent: u16, paper: PaperWidth) -> Picture {
        let columns = usize::from(indent) + text.chars().count() * usize::from(scale);
        assert!(columns <= paper.columns.into());
        let width = u16::try_from(columns * 12).unwrap();
        Picture { width, rows: vec![vec![0xFF; width.div_ceil(8).into()]; 24 * usize::from(scale)] }
    }

    fn barcode(&self, text: &str, _: u16) -> Picture {
        if text == "ż" {
            return Picture::default();
        }
        Picture { width: 16, rows: vec![vec![0xAA, 0x55]; 2] }
    }

    fn qr(&self, text: &str, _: u16) -> Picture {
        if text == "nothing" {
            return Picture::default();
        }
        Picture { width: 16, rows: vec![vec![0x0F, 0xF0]; 2] }
    }
}

fn profile(name: &str) -> Profile {
    Profile::named(name).unwrap()
}

/// Two code pages and all commands, on paper of 8 columns; 400 dots so that codes fit.
fn small() -> Profile {
    let widths = vec![RollWidth { mm: 80, columns: 8, dots: 400 }];
    let code_pages = vec![(CodePage::Pc852, 18), (CodePage::Wpc1250, 45)];
    Profile { widths, code_pages, ..profile("epson-tm-t20") }
}

fn text(text: &str) -> Line {
    Line::Text { text: text.into(), bold: false, scale: 1, indent: 0 }
}

fn octets(lines: &[Line], profile: &Profile) -> Vec<u8> {
    encode(lines, profile, &Blocks).unwrap().octets
}

#[test]
fn text_is_written_with_the_modes_that_change() {
    let lines = [
        Line::Text { text: "B4".into(), bold: true, scale: 2, indent: 2 },
        Line::Text { text: "B5".into(), bold: true, scale: 2, indent: 0 },
        text("ok"),
    ];
    let wanted = b"\x1B@\x1Bt\x12  \x1BE\x01\x1D!\x11B4\n\x1D!\x00\x1D!\x11B5\n\x1D!\x00\x1BE\x00ok\n";
    assert_eq!(octets(&lines, &small()), wanted);
}

#[test]
fn each_line_takes_the_first_page_with_all_its_characters() {
    // ł is 88h in PC852 and B3h in WPC1250, which alone has the euro sign (80h).
    let lines = [text("ł"), text("ł 1 €"), text("ł 2 €"), text("ok")];
    let wanted = b"\x1B@\x1Bt\x12\x88\n\x1Bt\x2D\xB3 1 \x80\n\xB3 2 \x80\n\x1Bt\x12ok\n";
    assert_eq!(octets(&lines, &small()), wanted);
}

#[test]
fn a_line_with_a_character_that_no_page_has_is_drawn_whole() {
    let encoded = encode(&[text("Львів")], &profile("epson-tm-t20"), &Blocks).unwrap();
    // 60 dots are 8 octets; 24 rows fit into one band.
    let picture = [&b"\x1B@\x1Bt\x12\x1Dv0\x00\x08\x00\x18\x00"[..], &[0xFF; 8 * 24]].concat();
    assert_eq!(encoded, Encoded { octets: picture, rastered_lines: 1 });
}

#[test]
fn no_control_character_reaches_the_printer() {
    let encoded = encode(&[text("\u{1B}p0")], &small(), &Blocks).unwrap();
    assert_eq!((encoded.rastered_lines, &encoded.octets[5..8]), (1, &b"\x1Dv0"[..]));
}

#[test]
fn without_code_pages_ascii_is_written_and_the_rest_is_drawn() {
    let profile = Profile { code_pages: Vec::new(), ..small() };
    let encoded = encode(&[text("ok"), text("ć"), Line::Rule], &profile, &Blocks).unwrap();
    assert_eq!(encoded.rastered_lines, 1);
    assert!(encoded.octets.starts_with(b"\x1B@ok\n\x1Dv0"));
    assert!(encoded.octets.ends_with(b"--------\n"));
}

#[test]
fn a_rule_is_drawn_by_characters_of_the_selected_page() {
    let bold = Line::Text { text: "x".into(), bold: true, scale: 1, indent: 0 };
    let lines = [bold, Line::Rule, text("€"), Line::Rule];
    // C4h is the box-drawing line of PC852; WPC1250 has none.
    let wanted = b"\x1B@\x1Bt\x12\x1BE\x01x\n\x1BE\x00\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\n\x1Bt\x2D\x80\n--------\n";
    assert_eq!(octets(&lines, &small()), wanted);
}

#[test]
fn codes_and_pictures_stand_in_the_middle() {
    let picture = Picture { width: 3, rows: vec![vec![0xA0]] };
    let lines = [Line::Image(picture), Line::Barcode("A1".into()), Line::Qr("O1".into()), text("ok")];
    let mut wanted = b"\x1B@\x1Bt\x12\x1Ba\x01\x1Dv0\x00\x01\x00\x01\x00\xA0".to_vec();
    wanted.extend(b"\x1Dw\x03\x1Dh\x50\x1DH\x02\x1Df\x00\x1DkI\x04{BA1");
    // 29 modules of 8 dots are 232.
    wanted.extend(b"\x1Bd\x01\x1D(k\x04\x00\x31\x41\x32\x00\x1D(k\x03\x00\x31\x43\x08\x1D(k\x03\x00\x31\x45\x31");
    wanted.extend(b"\x1D(k\x05\x00\x31\x50\x30O1\x1D(k\x03\x00\x31\x51\x30\x1Bd\x01\x1Ba\x00ok\n");
    assert_eq!(octets(&lines, &small()), wanted);
}

#[test]
fn codes_that_the_printer_does_not_know_are_drawn() {
    let encoded = encode(&[Line::Barcode("A1".into()), Line::Qr("O1".into())], &profile("xprinter-58"), &Blocks);
    let mut wanted = b"\x1B@\x1C.\x1Bt\x12\x1Ba\x01\x1Dv0\x00\x02\x00\x02\x00\xAA\x55\xAA\x55".to_vec();
    wanted.extend(b"\x1Dv0\x00\x02\x00\x02\x00\x0F\xF0\x0F\xF0");
    assert_eq!(encoded, Ok(Encoded { octets: wanted, rastered_lines: 2 }));
}

#[test]
fn paper_is_cut_as_the_printer_can() {
    let lines = [Line::Feed(2), Line::Feed(0), Line::Cut];
    let begin = b"\x1B@\x1Bt\x12\x1Bd\x02";
    let with = |cutter| octets(&lines, &Profile { cutter, ..small() });
    assert_eq!(with(Cutter::FeedAndCut), [&begin[..], b"\x1DV\x42\x00"].concat());
    assert_eq!(with(Cutter::Cut), [&begin[..], b"\x1Bd\x04\x1DV\x01"].concat());
    assert_eq!(with(Cutter::None), [&begin[..], b"\x1Bd\x04"].concat());
}

#[test]
fn the_drawer_gets_a_pulse_of_100_ms_on_its_pin() {
    let with = |drawer_pin| encode(&[Line::Drawer], &Profile { drawer_pin, ..small() }, &Blocks);
    assert_eq!(with(Some(DrawerPin::Two)).unwrap().octets[5..], *b"\x1Bp\x00\x32\x64");
    assert_eq!(with(Some(DrawerPin::Five)).unwrap().octets[5..], *b"\x1Bp\x01\x32\x64");
    assert_eq!(with(None), Err(EncodeError { line: 1, problem: Problem::NoDrawer }));
}

#[test]
fn a_barcode_too_wide_for_the_paper_is_drawn_as_the_raster_can() {
    // Start, 16, check: 18 × 11 + 13 + 20 = 231 modules of 2 dots: 462 of 400.
    let label = encode(&[Line::Barcode("B2026/11/00123-1".into())], &small(), &Blocks).unwrap();
    assert_eq!(label.rastered_lines, 1);
    let short = encode(&[Line::Barcode("SB4".into())], &small(), &Blocks).unwrap();
    assert_eq!(short.rastered_lines, 0);
}

#[test]
fn what_cannot_be_printed_names_its_line() {
    let told = |line: Line, profile: &Profile| encode(&[text("ok"), line], profile, &Blocks).unwrap_err().to_string();
    let big = |scale, indent| Line::Text { text: "abc".into(), bold: false, scale, indent };
    assert_eq!(told(big(2, 3), &small()), "line 2: text of 9 columns on paper of 8");
    assert_eq!(told(big(9, 0), &small()), "line 2: text enlarged 9 times; 1 to 8 is possible");
    assert_eq!(told(big(0, 0), &small()), "line 2: text enlarged 0 times; 1 to 8 is possible");
    assert_eq!(told(Line::Barcode("ż".into()), &small()), "line 2: a Code 128 barcode cannot hold 'ż'");
    assert_eq!(told(Line::Qr("nothing".into()), &profile("generic-58")), "line 2: could not be drawn");
    let wide = Picture { width: 401, rows: Vec::new() };
    assert_eq!(told(Line::Image(wide), &small()), "line 2: a picture of 401 dots on paper of 400");
    let torn = Picture { width: 9, rows: vec![vec![0]] };
    assert_eq!(told(Line::Image(torn), &small()), "line 2: row 0 of a picture has 1 octets instead of 2");
}

#[test]
fn a_document_that_is_too_large_is_refused_where_it_becomes_so() {
    // 50 octets a row, and 8 for each band of 128 rows: 10 500 rows are 525 664 octets, and twice that is too much.
    let tall = Line::Image(Picture { width: 400, rows: vec![vec![0; 50]; 10_500] });
    assert!(encode(std::slice::from_ref(&tall), &small(), &Blocks).is_ok());
    let error = encode(&[tall.clone(), tall.clone(), tall], &small(), &Blocks);
    assert_eq!(error, Err(EncodeError { line: 2, problem: Problem::TooLong }));
}

#[test]
fn a_label_without_codes_is_text_on_every_model() {
    let label = [
        Line::Text { text: "B4".into(), bold: true, scale: 8, indent: 4 },
        text("2026/11/00123 · J. K."),
        Line::Feed(1),
        Line::Cut,
    ];
    for profile in Profile::embedded().unwrap() {
        let encoded = encode(&label, &profile, &Blocks).unwrap();
        // The middle dot is on every page but PC852, and each profile has another page.
        assert_eq!(encoded.rastered_lines, 0, "{}", profile.name);
        assert!(encoded.octets.windows(3).any(|octets| octets == [0x1D, b'!', 0x77]), "{}", profile.name);
    }
}
