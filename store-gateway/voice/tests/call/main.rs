//! Calls with a scripted world: the menu, the look-ups, the phones, and every way in which a call ends.

mod menu;
mod phones;
mod random;
mod world;
