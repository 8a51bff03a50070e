//! The screens as a whole: words in three languages, colours that can be read, pages that keep to the browser's rules.

#[path = "../../examples/gallery/samples.rs"]
mod samples;

mod colours;
mod locales;
mod pages;

use crate::screens;
