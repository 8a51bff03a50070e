//! Documents as PDF 1.7 (ISO 32000-1) for an office printer: a receipt's column in the middle of A4 pages.
//!
//! Text is text, in the embedded font and with its Unicode values, so that it can be copied and searched; codes are
//! rectangles. The file holds no date and no random id: the same lines give the same octets.

mod face;

use std::collections::BTreeMap;

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use shop_model::document::Line;

use crate::bitmap::Bitmap;
use crate::block::{Block, CELL_HEIGHT, CELL_WIDTH, Words, blocks};
use crate::font::{BASELINE, glyph_id};
use crate::paint::{PaintError, Paper};

/// A4 in points (1/72 inch): 210 × 297 mm.
const PAGE_WIDTH: f32 = 595.276;
const PAGE_HEIGHT: f32 = 841.89;
/// White above and below: 15 mm.
const MARGIN: f32 = 42.52;
/// A dot in points: 1/8 mm, enlarged to 1.3 times, as a receipt on a desk is read from farther away.
const DOT: f32 = 72.0 / 203.2 * 1.3;
/// Dots that a page takes: (841.89 − 2 · 42.52) / 0.46063.
const PAGE_DOTS: u32 = 1_643;
/// Characters of a title that are kept.
const TITLE_LIMIT: usize = 200;

const FONT_NAMES: [Name<'static>; 2] = [Name(b"F0"), Name(b"F1")];

/// Writes a document as PDF with a title for the window and the list of print jobs. A line that does not fit on a page
/// stands on the next one; a cut is a dashed line. Barcodes as in [`paint`](crate::paint::paint).
///
/// # Errors
/// [`PaintError`], with the line that cannot be drawn.
pub fn pdf(lines: &[Line], paper: Paper, title: &str) -> Result<Vec<u8>, PaintError> {
    let blocks = blocks(lines, paper, PAGE_DOTS)?;
    let mut file = File { pdf: Pdf::new(), next: Ref::new(1), used: Default::default() };
    let (catalog, tree, info) = (file.next.bump(), file.next.bump(), file.next.bump());
    let fonts = [file.next.bump(), file.next.bump()];
    let left = (PAGE_WIDTH - paper.dots as f32 * DOT) / 2.0;
    let pages: Vec<Ref> = pages(&blocks).iter().map(|page| file.page(page, tree, fonts, left)).collect();
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    file.pdf.pages(tree).kids(pages).count(count);
    for (bold, id) in [false, true].into_iter().zip(fonts) {
        face::embed(&mut file.pdf, &mut file.next, id, bold, &file.used[usize::from(bold)]);
    }
    let title: String = title.chars().take(TITLE_LIMIT).collect();
    file.pdf.document_info(info).title(TextStr(&title));
    let mut root = file.pdf.catalog(catalog);
    root.pages(tree);
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    Ok(file.pdf.finish())
}

/// Blocks with their distance from the page's top, in dots.
type Page<'a> = Vec<(u32, &'a Block)>;

/// At least one page, and no page without a block but the first.
fn pages(blocks: &[Block]) -> Vec<Page<'_>> {
    let mut pages = vec![Page::new()];
    let mut top = 0;
    for block in blocks {
        if top + block.height > PAGE_DOTS && top > 0 {
            pages.push(Page::new());
            top = 0;
        }
        if let Some(page) = pages.last_mut() {
            page.push((top, block));
        }
        top += block.height;
    }
    pages
}

struct File {
    pdf: Pdf,
    next: Ref,
    /// The glyphs used of each weight, with their characters.
    used: [BTreeMap<u16, char>; 2],
}

impl File {
    fn page(&mut self, blocks: &Page<'_>, tree: Ref, fonts: [Ref; 2], left: f32) -> Ref {
        let (page, stream) = (self.next.bump(), self.next.bump());
        let mut content = Content::new();
        let mut images = Vec::new();
        for (top, block) in blocks {
            fill(&mut content, block, *top, left);
            for words in &block.words {
                self.show(&mut content, words, *top, left);
            }
            if let Some((picture, x)) = &block.picture {
                let image = self.image(picture);
                let corner = (left + *x as f32 * DOT, height_above((*top).saturating_add(picture.height())));
                place(&mut content, images.len(), picture, corner);
                images.push(image);
            }
        }
        self.pdf.stream(stream, &content.finish());
        let mut entry = self.pdf.page(page);
        entry.parent(tree).media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT)).contents(stream);
        let mut resources = entry.resources();
        resources.fonts().pairs(FONT_NAMES.into_iter().zip(fonts));
        let names: Vec<String> = (0..images.len()).map(image_name).collect();
        resources.x_objects().pairs(names.iter().map(|name| Name(name.as_bytes())).zip(images));
        page
    }

    /// Shows glyphs by their two octets (Identity-H). A character that the font lacks is its glyph 0, a box.
    fn show(&mut self, content: &mut Content, words: &Words, top: u32, left: f32) {
        let mut glyphs = Vec::new();
        for ch in words.text.chars() {
            let id = glyph_id(ch, words.bold).map_or(0, |id| id.0);
            if id != 0 {
                self.used[usize::from(words.bold)].entry(id).or_insert(ch);
            }
            glyphs.extend(id.to_be_bytes());
        }
        let size = (CELL_WIDTH * words.scale) as f32 * DOT / face::ADVANCE;
        let baseline = (CELL_HEIGHT * words.scale) as f32 * BASELINE;
        let y = height_above(top + words.y) - baseline * DOT;
        content.begin_text();
        content.set_font(FONT_NAMES[usize::from(words.bold)], size);
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, left + words.x as f32 * DOT, y]);
        content.show(Str(&glyphs));
        content.end_text();
    }

    fn image(&mut self, picture: &Bitmap) -> Ref {
        let id = self.next.bump();
        let mut image = self.pdf.image_xobject(id, picture.octets());
        // A bitmap is at most 832 × 20 000.
        image.width(picture.width() as i32).height(picture.height() as i32).bits_per_component(1);
        image.color_space().device_gray();
        // 1 is black here and white in DeviceGray.
        image.decode([1.0, 0.0]);
        id
    }
}

/// All rectangles in one path: a viewer that smooths edges then leaves no hairline between neighbours.
fn fill(content: &mut Content, block: &Block, top: u32, left: f32) {
    for rect in &block.rects {
        let y = height_above(top + rect.y + rect.height);
        content.rect(left + rect.x as f32 * DOT, y, rect.width as f32 * DOT, rect.height as f32 * DOT);
    }
    if !block.rects.is_empty() {
        content.fill_nonzero();
    }
}

fn place(content: &mut Content, number: usize, picture: &Bitmap, (x, y): (f32, f32)) {
    let (width, height) = (picture.width() as f32 * DOT, picture.height() as f32 * DOT);
    content.save_state();
    content.transform([width, 0.0, 0.0, height, x, y]);
    content.x_object(Name(image_name(number).as_bytes()));
    content.restore_state();
}

fn image_name(number: usize) -> String {
    format!("I{number}")
}

/// The height above the page's lower edge, in points, of what is `dots` below the upper margin.
fn height_above(dots: u32) -> f32 {
    PAGE_HEIGHT - MARGIN - dots as f32 * DOT
}

#[cfg(test)]
mod tests {
    use shop_model::document::Picture;

    use super::*;

    fn text(text: &str) -> Line {
        Line::Text { text: text.into(), bold: false, scale: 1, indent: 0 }
    }

    fn count(file: &[u8], what: &str) -> usize {
        file.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
    }

    #[test]
    fn a_page_takes_the_dots_between_its_margins() {
        assert_eq!(((PAGE_HEIGHT - 2.0 * MARGIN) / DOT) as u32, PAGE_DOTS);
    }

    #[test]
    fn the_same_lines_are_the_same_octets_and_hold_no_date() {
        let lines = [text("Żółw"), Line::Barcode("SB4".into()), Line::Cut];
        let file = pdf(&lines, Paper::MM80, "Próba").unwrap();
        assert_eq!(file, pdf(&lines, Paper::MM80, "Próba").unwrap());
        assert!(file.starts_with(b"%PDF-1.7"));
        assert_eq!(count(&file, "/CreationDate") + count(&file, "/ModDate") + count(&file, "/ID"), 0);
    }

    #[test]
    fn a_weight_that_is_not_used_is_not_embedded() {
        let file = pdf(&[text("Lada")], Paper::MM80, "").unwrap();
        assert_eq!(count(&file, "/FontFile2"), 1);
        let bold = Line::Text { text: "Lada".into(), bold: true, scale: 2, indent: 0 };
        assert_eq!(count(&pdf(&[text("Lada"), bold], Paper::MM80, "").unwrap(), "/FontFile2"), 2);
        assert_eq!(count(&pdf(&[], Paper::MM80, "").unwrap(), "/FontFile2"), 0);
    }

    #[test]
    fn a_page_that_is_full_is_followed_by_another() {
        // 1643 dots take 54 lines of 30.
        let pages = |lines: usize| count(&pdf(&vec![text("a"); lines], Paper::MM58, "").unwrap(), "/MediaBox");
        assert_eq!((pages(0), pages(54), pages(55), pages(108), pages(109)), (1, 1, 2, 2, 3));
    }

    #[test]
    fn a_picture_that_is_higher_than_a_page_goes_on_on_the_next() {
        let picture = Picture { width: 8, rows: vec![vec![0xaa]; 2_000] };
        let file = pdf(&[Line::Image(picture)], Paper::MM58, "").unwrap();
        assert_eq!((count(&file, "/MediaBox"), count(&file, "/Height 1643"), count(&file, "/Height 357")), (2, 1, 1));
    }

    #[test]
    fn what_cannot_be_drawn_is_named_by_its_line() {
        let refused = pdf(&[Line::Rule, Line::Qr(String::new())], Paper::MM58, "").unwrap_err();
        assert_eq!(refused.to_string(), "the code in line 2 cannot be drawn");
    }
}
