//! stub
pub fn router(_: crate::app::App) -> axum::Router { axum::Router::new() }
