//! The identifiers of the shop. Each is its own type and is parsed once, at the edge; inside the system a value of
//! these types is always well formed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is no identifier of the kind wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("{what} is empty")]
    Empty {
        /// Which identifier.
        what: &'static str,
    },
    /// Too many characters.
    #[error("{what} has {length} characters, {limit} are allowed")]
    TooLong {
        /// Which identifier.
        what: &'static str,
        /// Characters given.
        length: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A character that the identifier may not hold.
    #[error("{what} may not hold the character {found:?} at position {at}")]
    Character {
        /// Which identifier.
        what: &'static str,
        /// The character.
        found: char,
        /// Its position, counted in characters from 0.
        at: usize,
    },
    /// Not a UUID (RFC 9562).
    #[error("{what} is not a UUID")]
    Uuid {
        /// Which identifier.
        what: &'static str,
    },
}

fn check(what: &'static str, text: &str, limit: usize, allowed: fn(char) -> bool) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { what });
    }
    let length = text.chars().count();
    if length > limit {
        return Err(IdError::TooLong { what, length, limit });
    }
    match text.chars().enumerate().find(|&(_, c)| !allowed(c)) {
        Some((at, found)) => Err(IdError::Character { what, found, at }),
        None => Ok(()),
    }
}

const fn topic_char(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-')
}

const fn staff_char(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.')
}

fn printed_char(c: char) -> bool {
    !c.is_control()
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:literal, $allowed:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters that it may have.
            pub const LIMIT: usize = $limit;

            /// Reads the identifier.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long, or holds a character that is not allowed.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check($what, text, Self::LIMIT, $allowed)?;
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A chain of shops; stands in MQTT topics: `[a-z0-9-]{1,32}`.
    ChainId, "chain", 32, topic_char);
text_id!(
    /// A store of the chain; stands in MQTT topics: `[a-z0-9-]{1,32}`.
    StoreId, "store", 32, topic_char);
text_id!(
    /// The shop platform's order number, any text of at most 40 characters without control characters
    /// ("2026/11/00123" is common). Unique per chain and store.
    OrderNumber, "order", 40, printed_char);
text_id!(
    /// A bag of an order, without the printed `B<order>-`.
    BagId, "bag", 20, printed_char);
text_id!(
    /// A shelf, without the printed `S`.
    ShelfId, "shelf", 20, printed_char);
text_id!(
    /// A member of staff: `[A-Za-z0-9._-]{1,32}`.
    StaffId, "staff", 32, staff_char);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes 16 bytes, as [`sans_io::Ids`] or the operating system made them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Wraps a UUID.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The 16 bytes, big-endian.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Reads the hyphenated text.
            ///
            /// # Errors
            /// [`IdError::Uuid`] when the text is no UUID.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError::Uuid { what: $what })
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A reservation: UUIDv5 of (chain, store, order), so that an order posted again is the same reservation.
    ReservationId, "reservation");
uuid_id!(
    /// A person, at random. Personal data hang on it alone.
    PersonRef, "person_ref");
uuid_id!(
    /// An event, UUIDv7. The identity of a fact wherever it is copied.
    EventId, "event id");
uuid_id!(
    /// A text message, one aggregate each.
    MessageId, "message");
uuid_id!(
    /// A case (return, complaint, cancel after the hand-over), one aggregate each.
    CaseId, "case");

/// UUIDv5 (RFC 9562 §5.5) of "reservation.store-gateway" in the DNS namespace.
const RESERVATION_NAMESPACE: Uuid = Uuid::from_u128(0x8b80_df0a_7d0d_5ebb_a19e_1d6e_d940_6c05);
/// UUIDv5 of "case.store-gateway" in the DNS namespace.
const CASE_NAMESPACE: Uuid = Uuid::from_u128(0x125b_1c5d_141a_586a_87ae_9930_fa14_7a44);

impl ReservationId {
    /// Derives the id from `chain/store/order`. The joining is unambiguous: chain and store cannot hold a slash, and
    /// the order, which can, stands last.
    pub fn derive(chain: &ChainId, store: &StoreId, order: &OrderNumber) -> Self {
        let name = format!("{chain}/{store}/{order}");
        Self(Uuid::new_v5(&RESERVATION_NAMESPACE, name.as_bytes()))
    }
}

impl CaseId {
    /// Derives the id of the case that `cause` makes necessary for `reservation`, so that it is opened once however
    /// often the duty is found.
    pub fn derive(reservation: ReservationId, cause: EventId) -> Self {
        let mut name = [0; 32];
        name[..16].copy_from_slice(&reservation.to_bytes());
        name[16..].copy_from_slice(&cause.to_bytes());
        Self(Uuid::new_v5(&CASE_NAMESPACE, &name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(chain: &str, store: &str, order: &str) -> ReservationId {
        ReservationId::derive(&chain.parse().unwrap(), &store.parse().unwrap(), &order.parse().unwrap())
    }

    #[test]
    fn a_reservation_id_is_the_uuid_v5_that_python_computes() {
        // uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "reservation.store-gateway"), "lada/wola/2026/11/00123")
        assert_eq!(reservation("lada", "wola", "2026/11/00123").to_string(), "c3ab077e-a83b-5738-be13-00cb738f804f");
        assert_eq!(reservation("lada", "wola", "48213").to_string(), "8f5813e4-f760-5f3a-9d3b-0d69a78f53a5");
    }

    #[test]
    fn the_same_letters_joined_elsewhere_are_another_reservation() {
        assert_ne!(reservation("a", "b", "c/d"), reservation("a", "b-c", "d"));
        assert_ne!(reservation("a", "b", "1"), reservation("b", "a", "1"));
    }

    #[test]
    fn chain_and_store_take_only_what_a_topic_can_carry() {
        assert!(StoreId::parse("wola-1").is_ok());
        for bad in ["", "Wola", "a/b", "a+b", "łódź", "a b", "#"] {
            assert!(StoreId::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(ChainId::parse(&"a".repeat(33)), Err(IdError::TooLong { what: "chain", length: 33, limit: 32 }));
    }

    #[test]
    fn an_order_number_counts_characters_and_refuses_control_characters() {
        assert!(OrderNumber::parse(&"ł".repeat(40)).is_ok());
        assert!(OrderNumber::parse(&"ł".repeat(41)).is_err());
        assert_eq!(OrderNumber::parse("4\n8"), Err(IdError::Character { what: "order", found: '\n', at: 1 }));
    }
}
