//! Documents as pictures: glyphs, barcodes, PNG and PDF.
