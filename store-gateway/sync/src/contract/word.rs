//! Small wire types: words of a closed list, and times.

use std::borrow::Cow;

use jiff::{Timestamp, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A closed list of words.
pub trait Words: Copy + 'static {
    /// Its name in the schemas.
    const NAME: &'static str;
    /// The words, in the order of the schema.
    fn words() -> Vec<&'static str>;
    /// The word of a value.
    fn word(self) -> &'static str;
    /// The value of a word.
    fn read(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($($ty:ty => $name:literal),+ $(,)?) => {
        $(impl Words for $ty {
            const NAME: &'static str = $name;
            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|v| v.as_str()).collect()
            }
            fn word(self) -> &'static str {
                self.as_str()
            }
            fn read(word: &str) -> Option<Self> {
                Self::parse(word)
            }
        })+
    };
}

words! {
    shop_model::event::OrderKind => "OrderKind",
    shop_model::event::Contract => "Contract",
    shop_model::event::MoneyState => "MoneyState",
    shop_model::event::Via => "Via",
    shop_model::event::Method => "Method",
    shop_model::event::Tender => "Tender",
    shop_model::event::Because => "Because",
    shop_model::event::ActorKind => "ActorKind",
    shop_model::event::CaseKind => "CaseKind",
    shop_model::event::Settlement => "Settlement",
    shop_model::message::Purpose => "Purpose",
    shop_model::message::Meaning => "Meaning",
    shop_model::language::Language => "Language",
    shop_model::template::TemplateKey => "TemplateKey",
    shop_model::template::Class => "Class",
}

/// A word of a closed list on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0.word())
    }
}

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = Cow::<'de, str>::deserialize(d)?;
        T::read(&word)
            .map(Word)
            .ok_or_else(|| serde::de::Error::custom(format_args!("expected one of {}", T::words().join(", "))))
    }
}

impl<T: Words> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": T::words() })
    }
}

/// A time on the wire: RFC 3339 in UTC with milliseconds; read with any offset and precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let rounded = self.0.round(Unit::Millisecond).unwrap_or(self.0);
        s.serialize_str(&rounded.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        text.parse().map(Time).map_err(|_| serde::de::Error::custom("expected a time as in RFC 3339"))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
