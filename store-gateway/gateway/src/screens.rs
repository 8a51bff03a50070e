//! The counter's screens: view structs in, HTML out.
//!
//! This module decides how a state is worded, ordered and coloured. It never reads the database, the clock or the
//! network: handlers fill in the views of [`view`] and send what the `render_*` functions return. Whole pages and the
//! fragments that htmx swaps come from the same templates, so that a page reloaded looks like the page left.

pub mod assets;
pub mod format;
pub mod lang;
mod present;
mod present_calls;
mod present_devices;
mod present_order;
mod templates;
pub mod view;
pub mod words;

#[cfg(test)]
mod tests;

pub use format::{Moment, Money};
pub use lang::Lang;

use askama::Template;
use lang::Words;
use view::{Board, Card, Frame, Login, Page, Problem, Setup, Work};

/// A screen that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write the screen {screen}")]
pub struct ScreenError {
    /// Which screen.
    pub screen: &'static str,
    /// What the template engine said.
    #[source]
    pub source: askama::Error,
}

/// What a refusal needs to know to offer a manager's override beside it.
#[derive(Clone, Debug)]
pub struct ProblemContext {
    /// The order number.
    pub order: String,
    /// The version that the override applies to.
    pub version: u64,
    /// The person may override.
    pub may_override: bool,
}

/// An order number as a path segment: everything but unreserved characters (RFC 3986 §2.3) is percent-encoded.
pub fn segment(order: &str) -> String {
    let mut text = String::with_capacity(order.len());
    for byte in order.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Writes the whole counter page.
///
/// # Errors
/// When a template cannot be written, which would be a fault of ours.
pub fn render_page(page: &Page, lang: Lang) -> Result<String, ScreenError> {
    let t = Words::of(lang);
    finish("page", &templates::PageTemplate::of(t, page))
}

/// Writes `#work`: middle, right column and keys, for an htmx request.
///
/// # Errors
/// As [`render_page`].
pub fn render_work(frame: &Frame, work: &Work, lang: Lang) -> Result<String, ScreenError> {
    finish("work", &templates::WorkTemplate::of(Words::of(lang), frame, work))
}

/// Writes the inside of `#board`.
///
/// # Errors
/// As [`render_page`].
pub fn render_board(frame: &Frame, board: &Board, lang: Lang) -> Result<String, ScreenError> {
    finish("board", &templates::BoardTemplate { t: Words::of(lang), f: frame, b: board })
}

/// Writes the inside of `#pill`.
///
/// # Errors
/// As [`render_page`].
pub fn render_pill(frame: &Frame, lang: Lang) -> Result<String, ScreenError> {
    finish("pill", &templates::PillTemplate { t: Words::of(lang), f: frame })
}

/// Writes `#card` and, out of band, `#keys`: the live refresh of the open order.
///
/// # Errors
/// As [`render_page`].
pub fn render_card(frame: &Frame, card: &Card, lang: Lang) -> Result<String, ScreenError> {
    let t = Words::of(lang);
    let mut html = finish("card", &templates::CardTemplate::of(t, frame, card))?;
    let mut keys = templates::KeysTemplate::of_card(t, frame, card);
    keys.oob = true;
    html.push_str(&finish("keys", &keys)?);
    Ok(html)
}

/// Writes `#side`: the conversation and the texts that need a person. Messages and health have none.
///
/// # Errors
/// As [`render_page`].
pub fn render_side(frame: &Frame, work: &Work, lang: Lang) -> Result<String, ScreenError> {
    match templates::side_of(work) {
        Some(side) => finish("side", &templates::SideTemplate { t: Words::of(lang), f: frame, s: side }),
        None => Ok(String::new()),
    }
}

/// Writes a refusal for `#notice`, with the override form where `context` allows it.
///
/// # Errors
/// As [`render_page`].
pub fn render_problem(
    frame: &Frame,
    problem: &Problem,
    context: Option<&ProblemContext>,
    lang: Lang,
) -> Result<String, ScreenError> {
    finish("problem", &templates::ProblemTemplate::of(Words::of(lang), frame, problem, context))
}

/// Writes the log-in page.
///
/// # Errors
/// As [`render_page`].
pub fn render_login(frame: &Frame, login: &Login, lang: Lang) -> Result<String, ScreenError> {
    finish("login", &templates::LoginTemplate::of(Words::of(lang), frame, login))
}

/// Writes the page of the first run.
///
/// # Errors
/// As [`render_page`].
pub fn render_setup(frame: &Frame, setup: &Setup, lang: Lang) -> Result<String, ScreenError> {
    finish("setup", &templates::SetupTemplate::of(Words::of(lang), frame, setup))
}

fn finish(screen: &'static str, template: &impl Template) -> Result<String, ScreenError> {
    template.render().map_err(|source| ScreenError { screen, source })
}
