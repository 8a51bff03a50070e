//! The embedded fonts in a PDF: a Type 0 font with a TrueType descendant (ISO 32000-1 §9.7), glyphs by their numbers.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish as _, Name, Pdf, Rect, Ref, Str};

use crate::font::{BOLD, REGULAR};

/// Every glyph's advance in em: 1233 of 2048 units.
pub(super) const ADVANCE: f32 = 1_233.0 / 2_048.0;

/// What a descriptor says of a font, in thousandths of an em; from the tables `head` and `hhea` of the files.
struct Metrics {
    name: Name<'static>,
    file: &'static [u8],
    bounds: [f32; 4],
    stem: f32,
}

const ASCENT: f32 = 928.0;
const DESCENT: f32 = -236.0;
const CAP_HEIGHT: f32 = 729.0;

const FACES: [Metrics; 2] = [
    Metrics { name: Name(b"DejaVuSansMono"), file: REGULAR, bounds: [-559.0, -375.0, 718.0, 1_028.0], stem: 90.0 },
    Metrics { name: Name(b"DejaVuSansMono-Bold"), file: BOLD, bounds: [-447.0, -394.0, 732.0, 1_041.0], stem: 150.0 },
];

const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Writes the font as `id`. The default width must be an integer (table 117), so the exact one stands beside it. A font
/// that shows nothing is written without its file, as pages name both weights.
pub(super) fn embed(pdf: &mut Pdf, next: &mut Ref, id: Ref, bold: bool, used: &BTreeMap<u16, char>) {
    let face = &FACES[usize::from(bold)];
    let (descendant, descriptor, unicode) = (next.bump(), next.bump(), next.bump());
    pdf.type0_font(id)
        .base_font(face.name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(descendant)
        .to_unicode(unicode);
    let mut font = pdf.cid_font(descendant);
    font.subtype(CidFontType::Type2).base_font(face.name).system_info(IDENTITY).font_descriptor(descriptor);
    font.default_width(602.0).cid_to_gid_map_predefined(Name(b"Identity"));
    font.widths().same(0, u16::MAX, ADVANCE * 1_000.0);
    font.finish();
    let file = (!used.is_empty()).then(|| next.bump());
    describe(pdf, descriptor, face, file);
    if let Some(id) = file {
        // The files have some ten thousand octets.
        pdf.stream(id, face.file).pair(Name(b"Length1"), face.file.len() as i32);
    }
    let mut map = UnicodeCmap::new(Name(b"Adobe-Identity-UCS"), IDENTITY);
    for (glyph, ch) in used {
        map.pair(*glyph, *ch);
    }
    pdf.cmap(unicode, &map.finish());
}

fn describe(pdf: &mut Pdf, id: Ref, face: &Metrics, file: Option<Ref>) {
    let [left, bottom, right, top] = face.bounds;
    let mut descriptor = pdf.font_descriptor(id);
    descriptor
        .name(face.name)
        .flags(FontFlags::FIXED_PITCH | FontFlags::SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(ASCENT)
        .descent(DESCENT)
        .cap_height(CAP_HEIGHT)
        .stem_v(face.stem);
    if let Some(file) = file {
        descriptor.font_file2(file);
    }
}
