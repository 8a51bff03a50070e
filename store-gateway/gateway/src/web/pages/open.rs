//! What a screen has open and what was checked there: the server's memory, not the page's, so that no page can say that
//! a code was right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use shop_model::ids::ReservationId;

use crate::web::api::Presented;

/// Screens remembered at once: as many as sessions.
const MOST_SCREENS: usize = 1_000;

/// What one screen knows about the order that it has open.
#[derive(Clone, Default)]
pub struct OpenOrder {
    /// The order.
    pub reservation: Option<ReservationId>,
    /// What the customer showed, when it was right.
    pub proof: Option<Presented>,
    /// This order's own bag was scanned.
    pub bag: Option<String>,
    /// Another order's bag was scanned last: hand-over is blocked.
    pub other_bag: Option<String>,
    /// Pieces ticked by scanning products, by line.
    pub ticked: HashMap<u32, u32>,
}

/// The memory of every screen.
#[derive(Clone, Default)]
pub struct Screens(Arc<Mutex<HashMap<String, OpenOrder>>>);

impl Screens {
    /// What `screen` knows about `order`; nothing when it had another one open.
    pub fn of(&self, screen: &str, order: ReservationId) -> OpenOrder {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(screen).filter(|open| open.reservation == Some(order)).cloned().unwrap_or_default()
    }

    /// Changes what `screen` knows about `order`, forgetting any other order.
    pub fn change(&self, screen: &str, order: ReservationId, change: impl FnOnce(&mut OpenOrder)) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST_SCREENS && !table.contains_key(screen) {
            table.clear();
        }
        let open = table.entry(screen.to_owned()).or_default();
        if open.reservation != Some(order) {
            *open = OpenOrder { reservation: Some(order), ..OpenOrder::default() };
        }
        change(open);
    }

    /// Forgets what `screen` had open.
    pub fn close(&self, screen: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(screen);
    }
}
