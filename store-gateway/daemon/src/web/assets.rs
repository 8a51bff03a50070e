//! Assets that are compiled in: found by name, cached by content.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::secrets::sha256_hex;

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Name below `/assets/`.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

/// The style sheet, htmx and the live-update module that both daemons' pages use.
pub const SHARED: &[Asset] = &[];

/// A table of embedded files with their content types and tags.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    files: Vec<(Asset, HeaderValue, &'static str)>,
}

impl Assets {
    /// Takes all the files; a later one hides an earlier one of the same name.
    pub fn new(tables: &[&[Asset]]) -> Assets {
        let files = tables.iter().copied().flatten().map(|asset| {
            let tag = format!("\"{}\"", &sha256_hex(asset.bytes)[..20]);
            (*asset, HeaderValue::from_str(&tag).expect("hexadecimal digits"), content_type(asset.name))
        });
        Assets { files: files.collect() }
    }

    /// Answers a request for `name`, 304 where the browser has it.
    pub fn answer(&self, name: &str, request: &HeaderMap) -> Response {
        let Some((asset, tag, kind)) = self.files.iter().rev().find(|(asset, ..)| asset.name == name) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let fresh = request.get(header::IF_NONE_MATCH).is_some_and(|have| have == tag);
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::ETAG, tag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        if fresh { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, asset.bytes).into_response() }
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
