//! Style, scripts and icon, compiled in: the browser never asks anybody else for anything.

use std::sync::OnceLock;

/// A file that the browser fetches from `/assets/`.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// The path below `/assets/`.
    pub path: &'static str,
    /// The media type.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

macro_rules! own {
    ($name:literal, $kind:expr) => {
        Asset { path: $name, content_type: $kind, bytes: include_bytes!(concat!("../../assets/", $name)) }
    };
}

/// From the folder that the gateway shares with HQ.
macro_rules! shared {
    ($name:literal, $kind:expr) => {
        Asset { path: $name, content_type: $kind, bytes: include_bytes!(concat!("../../../daemon/assets/", $name)) }
    };
}

/// Every asset.
pub const ALL: &[Asset] = &[
    shared!("theme.css", CSS),
    shared!("htmx.min.js", JS),
    shared!("live.js", JS),
    shared!("election.js", JS),
    shared!("ticks.js", JS),
    own!("counter.css", CSS),
    own!("counter.js", JS),
    own!("guard.js", JS),
    own!("keys.js", JS),
    own!("login.js", JS),
    own!("scan.js", JS),
    own!("segments.js", JS),
    own!("sound.js", JS),
    own!("icon.svg", "image/svg+xml"),
];

impl Asset {
    /// The entity tag, quotes included (RFC 9110 §8.8.3): FNV-1a of the content.
    pub fn etag(&self) -> &'static str {
        static TAGS: OnceLock<Vec<(&'static str, String)>> = OnceLock::new();
        let tags = TAGS.get_or_init(|| ALL.iter().map(|asset| (asset.path, tag(asset.bytes))).collect());
        tags.iter().find(|(path, _)| *path == self.path).map_or("\"\"", |(_, tag)| tag)
    }
}

/// Finds the asset of a path below `/assets/`.
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.path == path)
}

/// FNV-1a, 64 bits: tells versions of our own files apart; nobody else writes them.
fn tag(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("\"{hash:016x}\"")
}
