//! The signalling with real sockets: clients of our own, other people's phones, a fake telephone company, noise.

mod harness;
mod mutations;
mod peers;
mod phones;
mod trunk;

use store_sip::Config;
