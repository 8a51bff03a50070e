//! What the signalling is told at its start, with bounds for everything.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use store_voice::dial::Extension;
use store_voice::session;

use crate::digest::Ha1;
use crate::message::Transport;

/// A phone of the store.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Its extension, which is its user name too.
    pub extension: Extension,
    /// Its HA1 by SHA-256.
    pub ha1_sha256: Option<Ha1>,
    /// Its HA1 by MD5, for a phone that knows nothing better.
    pub ha1_md5: Option<Ha1>,
}

/// The account at a telephone company or exchange.
#[derive(Clone)]
pub struct Trunk {
    /// Host, or host and port, of the registrar.
    pub registrar: String,
    /// How it is reached.
    pub transport: Transport,
    /// The account's user name.
    pub user: String,
    /// The account's password.
    pub password: String,
    /// The domain in addresses; the registrar's host when absent.
    pub domain: Option<String>,
    /// The registration's time that is asked for.
    pub expires: Duration,
    /// The user part in `From` of calls outward; the account's when absent.
    pub from_user: Option<String>,
}

impl Trunk {
    /// An account with the usual choices: UDP, 10 minutes.
    pub fn new(registrar: impl Into<String>, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            registrar: registrar.into(),
            transport: Transport::Udp,
            user: user.into(),
            password: password.into(),
            domain: None,
            expires: Duration::from_secs(600),
            from_user: None,
        }
    }
}

impl fmt::Debug for Trunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registrar, transport, domain, expires, .. } = self;
        let mut shown = f.debug_struct("Trunk");
        shown.field("registrar", registrar).field("transport", transport).field("domain", domain);
        shown.field("expires", expires).finish_non_exhaustive()
    }
}

/// Bounds of registrations.
#[derive(Clone, Copy, Debug)]
pub struct Registrations {
    /// The shortest time; less is refused with 423.
    pub shortest: Duration,
    /// The longest time; more is cut to it.
    pub longest: Duration,
    /// Contacts of one phone; the one that was refreshed longest ago goes first.
    pub most_contacts: usize,
}

impl Default for Registrations {
    /// One minute to one hour, three contacts.
    fn default() -> Self {
        Self { shortest: Duration::from_secs(60), longest: Duration::from_secs(3_600), most_contacts: 3 }
    }
}

/// What one source may send before anything is parsed: a bucket of messages that fills again by time.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Messages at once.
    pub burst: u32,
    /// Messages a second after that.
    pub per_second: u32,
}

impl Default for Rate {
    /// 200 at once and 50 a second: a phone sends one or two a second in its worst minute, a small exchange some thirty.
    fn default() -> Self {
        Self { burst: 200, per_second: 50 }
    }
}

/// The timers of RFC 3261 §17, table 4.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// Round-trip time. A transaction gives up after 64 of it.
    pub t1: Duration,
    /// The longest pause between repetitions.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Default for Timers {
    /// The standard's.
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timers {
    /// How long a transaction waits: 32 s by the standard.
    pub fn give_up(&self) -> Duration {
        self.t1 * 64
    }
}

/// Everything that the signalling is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the phones reach us, UDP and TCP alike. Port 0 takes one that is free for both.
    pub listen: SocketAddr,
    /// The address that `Contact` and `Via` say, when it is another than that of `listen`.
    pub external: Option<IpAddr>,
    /// The realm of the phones' passwords.
    pub realm: String,
    /// `User-Agent` and `Server`.
    pub user_agent: String,
    /// The store's phones.
    pub phones: Vec<Phone>,
    /// The account outside.
    pub trunk: Option<Trunk>,
    /// Legs at a time; beyond it calls are refused with 503 and `Retry-After`.
    pub most_legs: usize,
    /// Session timers (RFC 4028).
    pub session: session::Config,
    /// How long a nonce serves.
    pub nonce_life: Duration,
    /// Bounds of registrations.
    pub registrations: Registrations,
    /// What one source on the phones' side may send.
    pub phone_rate: Rate,
    /// What the trunk may send.
    pub trunk_rate: Rate,
    /// Wrong passwords a minute and source; beyond it a source's credentials are not looked at for the rest of it.
    pub most_failures: u32,
    /// The protocol's timers. Other than the standard's are for tests.
    pub timers: Timers,
}

impl Default for Config {
    /// A listener on this machine alone, without phones.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5060)),
            external: None,
            realm: "store".to_owned(),
            user_agent: "store-gateway".to_owned(),
            phones: Vec::new(),
            trunk: None,
            most_legs: 200,
            session: session::Config::default(),
            nonce_life: Duration::from_secs(300),
            registrations: Registrations::default(),
            phone_rate: Rate::default(),
            trunk_rate: Rate { burst: 2_000, per_second: 1_000 },
            most_failures: 20,
            timers: Timers::default(),
        }
    }
}
