//! Documents as pictures: glyphs, barcodes, PNG and PDF.
//!
//! The crate draws what [`shop_model::document::lay_out`] broke into lines, dot by dot as a receipt printer would
//! ([`paint`](paint::paint), [`png`](png::png)) or on pages for an office printer ([`pdf`](pdf::pdf)). Printers' drivers
//! take from it what a printer cannot do itself: a line in letters that its code page lacks, a barcode as a picture. It
//! knows no printer, file or socket, and the same lines always give the same octets.

pub mod bitmap;
mod block;
pub mod code;
pub mod font;
pub mod paint;
pub mod pdf;
pub mod png;
