//! What was drawn is read back by tools of others: `zbarimg` (Debian package zbar-tools), `pdftotext` and `pdftoppm`
//! (poppler-utils). A tool that is missing fails the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use shop_model::document::{
    Document, Line, Part, Picture, Size, Style, Weight, bag_label, door_qr, lay_out, shelf_label, test_page,
};
use shop_model::event::StagedBag;
use shop_model::ids::{BagId, OrderNumber, ShelfId};
use shop_model::language::Language;
use store_paper::bitmap::Bitmap;
use store_paper::paint::{Paper, barcode, paint, qr_picture};
use store_paper::pdf::pdf;
use store_paper::png::png;

fn kept(name: &str, octets: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, octets).unwrap();
    path
}

fn run(tool: &str, package: &str, arguments: &[&str], file: &Path, rest: &[&str]) -> Vec<u8> {
    let output = Command::new(tool).args(arguments).arg(file).args(rest).output();
    let output = output.unwrap_or_else(|e| panic!("{tool} (Debian package {package}) cannot be run: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?} {} ended with {}: {said}", file.display(), output.status);
    output.stdout
}

/// What the codes of a picture say, each with its kind, sorted.
fn scanned(picture: &Path) -> Vec<String> {
    let text = run("zbarimg", "zbar-tools", &["--quiet", "--nodbus"], picture, &[]);
    let mut codes: Vec<String> = String::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
    codes.sort();
    codes
}

fn scanned_bitmap(name: &str, bitmap: &Bitmap) -> Vec<String> {
    scanned(&kept(name, &png(bitmap)))
}

fn page_text(file: &Path) -> String {
    String::from_utf8(run("pdftotext", "poppler-utils", &["-layout"], file, &["-"])).unwrap()
}

/// The pages as PNG at 200 dpi.
fn page_pictures(file: &Path, pages: usize) -> Vec<PathBuf> {
    let stem = file.with_extension("");
    let stem = stem.to_str().unwrap();
    run("pdftoppm", "poppler-utils", &["-r", "200", "-gray", "-png"], file, &[stem]);
    (1..=pages).map(|page| PathBuf::from(format!("{stem}-{page}.png"))).collect()
}

fn bag(order: &str, bag: &str) -> Document {
    let staged = StagedBag { bag: BagId::parse(bag).unwrap(), shelf: ShelfId::parse("B4").unwrap() };
    bag_label(&OrderNumber::parse(order).unwrap(), &staged, "J. K.")
}

#[test]
fn a_scanner_reads_the_labels_on_both_widths_of_paper() {
    for paper in [Paper::MM58, Paper::MM80] {
        let read = |name: &str, document: &Document| {
            let bitmap = paint(&lay_out(document, paper.columns), paper).unwrap();
            scanned_bitmap(&format!("{name}-{}.png", paper.columns), &bitmap)
        };
        assert_eq!(read("bag", &bag("48213", "1")), ["CODE-128:B48213-1"]);
        assert_eq!(read("shelf", &shelf_label(&ShelfId::parse("B4").unwrap())), ["CODE-128:SB4"]);
        // Sixteen characters with changes of set fit on 80 mm only; on 58 mm a QR code says the same.
        let kind = if paper == Paper::MM80 { "CODE-128" } else { "QR-Code" };
        assert_eq!(read("long", &bag("2026/11/00123", "1")), [format!("{kind}:B2026/11/00123-1")]);
        assert_eq!(
            read("test", &test_page(Language::Uk, paper.columns)),
            ["CODE-128:STORE-2026", "QR-Code:STORE TEST 0123456789"]
        );
    }
}

#[test]
fn a_scanner_reads_every_character_of_code_128_and_the_changes_of_set() {
    let printable: String = (' '..='~').collect();
    let characters: Vec<char> = printable.chars().collect();
    for (i, part) in characters.chunks(8).enumerate() {
        // A scanner's text could lose outer blanks.
        let text = format!("|{}|", part.iter().collect::<String>());
        assert_eq!(
            scanned_bitmap(&format!("set-{i}.png"), &barcode(&text, 576).unwrap()),
            [format!("CODE-128:{text}")]
        );
    }
    for (i, text) in ["1234", "12345", "A1234B", "A12345B", "12a3456b789012c3"].into_iter().enumerate() {
        let bitmap = barcode(text, 576).unwrap();
        assert_eq!(scanned_bitmap(&format!("digits-{i}.png"), &bitmap), [format!("CODE-128:{text}")]);
    }
}

#[test]
fn a_phone_reads_the_qr_codes() {
    for (i, text) in ["https://lada.example/wola?s=1", "Я ТУТ – „ł”", &"0123456789".repeat(40)].into_iter().enumerate()
    {
        let bitmap = qr_picture(text, 384).unwrap();
        assert_eq!(scanned_bitmap(&format!("qr-{i}.png"), &bitmap), [format!("QR-Code:{text}")]);
    }
    let poster = door_qr("Lada Wola", "Wyślij SMS", "https://lada.example/wola", Language::Pl);
    let bitmap = paint(&lay_out(&poster, 32), Paper::MM58).unwrap();
    assert_eq!(scanned_bitmap("door.png", &bitmap), ["QR-Code:https://lada.example/wola"]);
}

#[test]
fn the_text_of_a_pdf_is_found_in_polish_and_ukrainian() {
    let bold = Style { weight: Weight::Bold, size: Size::Double, ..Style::default() };
    let document = Document::default()
        .text("Zażółć gęślą jaźń – „tak”…", Style::default())
        .text("Щастя, єдність, їжак, ґава", bold)
        .with(Part::Row { left: "Karma".into(), right: "12,50 zł".into(), style: Style::default() })
        .with(Part::Barcode("B48213-1".into()));
    let file = kept("text.pdf", &pdf(&lay_out(&document, 48), Paper::MM80, "Щастя").unwrap());
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: Vec<String> = page_text(&file).lines().map(words).filter(|line| !line.is_empty()).collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    Zażółć gęślą jaźń – „tak”…
    Щастя, єдність, їжак,
    ґава
    Karma 12,50 zł
    B48213-1
    ");
    let info = String::from_utf8(run("pdfinfo", "poppler-utils", &[], &file, &[])).unwrap();
    assert!(info.contains("Щастя") && info.contains("595.276 x 841.89 pts (A4)"), "{info}");
    let fonts = String::from_utf8(run("pdffonts", "poppler-utils", &[], &file, &[])).unwrap();
    let embedded = |line: &&str| line.contains("CID TrueType") && line.contains("Identity-H") && line.contains("yes");
    assert_eq!(fonts.lines().filter(embedded).count(), 2, "{fonts}");
}

#[test]
fn the_letters_of_a_pdf_stand_in_their_columns() {
    let row = Part::Row { left: "Karma".into(), right: "12,50".into(), style: Style::default() };
    let file = kept("columns.pdf", &pdf(&lay_out(&Document::default().with(row), 48), Paper::MM80, "").unwrap());
    let boxes = String::from_utf8(run("pdftotext", "poppler-utils", &["-bbox"], &file, &["-"])).unwrap();
    let side = |name: &str, word: &str| -> f32 {
        let line = boxes.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word} is not in {boxes}"));
        line.split_once(name).unwrap().1.split('"').nth(1).unwrap().parse().unwrap()
    };
    // 48 columns of 12 dots of 0.46063 points are 265.32 points, in the middle of 595.28: from 164.98 to 430.30. Five
    // columns are 27.64 points.
    let wanted =
        [("xMin", "Karma", 164.98), ("xMax", "Karma", 192.62), ("xMin", "12,50", 402.66), ("xMax", "12,50", 430.30)];
    for (name, word, points) in wanted {
        assert!((side(name, word) - points).abs() < 0.1, "{name} of {word} should be {points}: {boxes}");
    }
}

#[test]
fn a_scanner_reads_the_codes_of_a_printed_pdf() {
    let lines = lay_out(&test_page(Language::Pl, 48), 48);
    let file = kept("codes.pdf", &pdf(&lines, Paper::MM80, "").unwrap());
    let pages = page_pictures(&file, 1);
    assert_eq!(scanned(&pages[0]), ["CODE-128:STORE-2026", "QR-Code:STORE TEST 0123456789"]);
}

#[test]
fn a_long_pdf_goes_on_on_the_next_page_and_loses_nothing() {
    let mut lines = Vec::new();
    for i in 0..120 {
        lines.push(Line::Text { text: format!("linia {i}"), bold: false, scale: 1, indent: 0 });
    }
    lines.push(Line::Qr("https://lada.example/strona".into()));
    let file = kept("long.pdf", &pdf(&lines, Paper::MM58, "").unwrap());
    let text = page_text(&file);
    let found: Vec<&str> = text.split(['\n', '\u{c}']).map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, (0..120).map(|i| format!("linia {i}")).collect::<Vec<_>>());
    assert_eq!(text.matches('\u{c}').count(), 3);
    assert_eq!(scanned(&page_pictures(&file, 3)[2]), ["QR-Code:https://lada.example/strona"]);
}

#[test]
fn a_picture_on_a_page_is_upright_and_black_where_it_was_black() {
    let mut picture = Bitmap::new(200, 400).unwrap();
    picture.fill_rect(0, 0, 100, 200);
    let lines = [Line::Image(Picture::from(&picture))];
    let file = kept("picture.pdf", &pdf(&lines, Paper::MM58, "").unwrap());
    let stem = file.with_extension("");
    run("pdftoppm", "poppler-utils", &["-r", "72", "-gray", "-singlefile"], &file, &[stem.to_str().unwrap()]);
    let page = std::fs::read(stem.with_extension("pgm")).unwrap();
    // At 72 dpi a pixel is a point: A4 is 596 × 842. A dot is 0.46063 points, so the picture is 92 × 184 points, in the
    // middle of the width and 42.5 points below the edge.
    let header = b"P5\n596 842\n255\n";
    assert!(page.starts_with(header), "{:?}", String::from_utf8_lossy(&page[..20]));
    let shade = |x: usize, y: usize| page[header.len() + y * 596 + x];
    let (left, right, upper, lower) = (298 - 23, 298 + 23, 43 + 46, 43 + 138);
    assert_eq!([shade(left, upper), shade(right, upper), shade(left, lower), shade(right, lower)], [0, 255, 255, 255]);
    assert_eq!([shade(298 - 44, 45), shade(298 - 49, 60), shade(260, 40)], [0, 255, 255]);
}
