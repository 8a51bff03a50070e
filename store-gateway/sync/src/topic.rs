//! Names of the MQTT topics: `v1/{chain}/{store}/…` and `v1/{chain}/hq/state`.

use crate::envelope::ParseError;
use crate::ident::{EventId, Side};

/// A topic below `v1/{chain}/{store}/`, or HQ's heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// `up/events` from the store, `down/events` from HQ.
    Events(Side),
    /// `up/ack` from the store, `down/ack` from HQ.
    Ack(Side),
    /// `state`, retained, and the last will.
    State,
    /// `config/desired`, retained.
    ConfigDesired,
    /// `config/reported`, retained.
    ConfigReported,
    /// `sync/request`.
    Request,
    /// `sync/snapshot/{request}/{n}`.
    Snapshot {
        /// The request that it answers, or the snapshot's own key.
        request: EventId,
        /// The chunk's number.
        n: u32,
    },
    /// `v1/{chain}/hq/state`, retained.
    HqState,
}

/// A topic with the names it stands under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The chain, `[a-z0-9-]{1,32}`.
    pub chain: String,
    /// The store, `[a-z0-9-]{1,32}`; `hq` for the heartbeat.
    pub store: String,
    /// What it is.
    pub topic: Topic,
}

/// True for a name that may stand in a topic: `[a-z0-9-]{1,32}`.
pub fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

const fn way(side: Side) -> &'static str {
    match side {
        Side::Store => "up",
        Side::Hq => "down",
    }
}

impl Topic {
    /// The full topic of a store (the store's name is not used for [`Topic::HqState`]).
    pub fn of(&self, chain: &str, store: &str) -> String {
        let tail = match self {
            Self::Events(from) => format!("{}/events", way(*from)),
            Self::Ack(from) => format!("{}/ack", way(*from)),
            Self::State => "state".into(),
            Self::ConfigDesired => "config/desired".into(),
            Self::ConfigReported => "config/reported".into(),
            Self::Request => "sync/request".into(),
            Self::Snapshot { request, n } => format!("sync/snapshot/{request}/{n}"),
            Self::HqState => return format!("v1/{chain}/hq/state"),
        };
        format!("v1/{chain}/{store}/{tail}")
    }

    /// What a store subscribes to.
    pub fn for_store(chain: &str, store: &str) -> [String; 5] {
        let own = |tail: &str| format!("v1/{chain}/{store}/{tail}");
        [
            own("down/+"),
            own("config/desired"),
            own("sync/request"),
            own("sync/snapshot/+/+"),
            Self::HqState.of(chain, store),
        ]
    }

    /// What HQ subscribes to.
    pub fn for_hq(chain: &str) -> [String; 5] {
        let any = |tail: &str| format!("v1/{chain}/+/{tail}");
        [any("up/+"), any("state"), any("config/reported"), any("sync/request"), any("sync/snapshot/+/+")]
    }
}

impl Address {
    /// Reads a topic.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let unknown = || ParseError { what: "topic", problem: "not one of v1/{chain}/{store}/…".into() };
        let mut parts = text.splitn(4, '/');
        let (Some("v1"), Some(chain), Some(store), Some(tail)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(unknown());
        };
        if !is_name(chain) || !is_name(store) {
            return Err(unknown());
        }
        let topic = match (store, tail) {
            ("hq", "state") => Topic::HqState,
            (_, "up/events") => Topic::Events(Side::Store),
            (_, "down/events") => Topic::Events(Side::Hq),
            (_, "up/ack") => Topic::Ack(Side::Store),
            (_, "down/ack") => Topic::Ack(Side::Hq),
            (_, "state") => Topic::State,
            (_, "config/desired") => Topic::ConfigDesired,
            (_, "config/reported") => Topic::ConfigReported,
            (_, "sync/request") => Topic::Request,
            _ => snapshot(tail).ok_or_else(unknown)?,
        };
        Ok(Self { chain: chain.into(), store: store.into(), topic })
    }
}

fn snapshot(tail: &str) -> Option<Topic> {
    let (request, n) = tail.strip_prefix("sync/snapshot/")?.split_once('/')?;
    Some(Topic::Snapshot { request: request.parse().ok()?, n: n.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_read_back() {
        let request = "01890000-0000-7000-8000-000000000001".parse().unwrap();
        for topic in [
            Topic::Events(Side::Hq),
            Topic::Events(Side::Store),
            Topic::Ack(Side::Hq),
            Topic::Ack(Side::Store),
            Topic::State,
            Topic::ConfigDesired,
            Topic::ConfigReported,
            Topic::Request,
            Topic::Snapshot { request, n: 12 },
        ] {
            let text = topic.of("acme", "waw-01");
            assert_eq!(Address::parse(&text).unwrap(), Address { chain: "acme".into(), store: "waw-01".into(), topic });
        }
        assert_eq!(Address::parse("v1/acme/hq/state").unwrap().topic, Topic::HqState);
        assert_eq!(Topic::Events(Side::Store).of("acme", "waw-01"), "v1/acme/waw-01/up/events");
    }

    #[test]
    fn refuses_what_is_not_ours() {
        for text in [
            "",
            "v1",
            "v2/acme/waw-01/state",
            "v1/ACME/waw-01/state",
            "v1/acme//state",
            "v1/acme/waw-01/up",
            "v1/acme/waw-01/sync/snapshot/x/1",
            "v1/acme/waw-01/sync/snapshot/1",
            "v1/acme/waw-01/up/events/x",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
