//! What open pages are told, so that they fetch what changed.

/// A change. Holds references only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// Something about a store.
    Store(String),
    /// Something about an order, by its reservation's id.
    Order(String),
    /// The alerts.
    Alerts,
}

impl Live {
    /// The name of the server-sent event and its data.
    pub fn event(&self) -> (&'static str, &str) {
        match self {
            Self::Store(id) => ("store", id),
            Self::Order(id) => ("order", id),
            Self::Alerts => ("alerts", ""),
        }
    }
}
