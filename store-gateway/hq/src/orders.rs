//! Orders: their REST forms, the checks that every way in passes, placing and changing them, finding and showing them.
//!
//! `POST orders`, the import, and the page's form all end in [`form::parse_order`] and [`place::place`]; there is no
//! other way in.

pub mod check;
pub mod codes;
pub mod form;
pub mod import;
pub mod place;
pub mod query;
pub mod refusal;
pub mod view;
pub mod wish;
