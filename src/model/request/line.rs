//! The fields of a line: which are there, and those of one struct at a time.
//!
//! A line is read once to find its verb, which may come last, and then once for each struct, so that serde reads
//! each from the text, and says where in it something is wrong. Fields that are null are passed over.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{self, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, StdError, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::RequestError;

/// Every field that a line may have, in the order in which they are told. A test holds it against the structs of
/// the verbs.
pub(super) const FIELDS: &[&str] = &[
    "do",
    "id",
    "expect",
    "occurred_at",
    "by",
    "phase",
    "workflow",
    "all",
    "metadata",
    "reason",
    "error",
    "exit_code",
    "signal",
    "stderr",
    "abandoned",
    "allow_unmet",
    "rerun",
    "take_over",
    "withdraw",
    "pid",
    "output",
    "outputs",
    "inputs",
    "text",
    "name",
    "seq",
    "force",
    "over_limit",
    "amount",
    "currency",
    "refund",
    "model",
    "operation",
    "limit",
    "estimate",
    "items",
    "impact",
    "auto_approve_below",
    "request",
    "event",
    "reservation",
    "per",
    "tz",
    "for",
];

/// The field of which null says something: that there is no limit.
const NULLABLE: &str = "limit";

/// A line, its verb, and which fields it has.
pub(super) struct Line<'a> {
    text: &'a str,
    /// What `do` says.
    pub verb: String,
    there: Vec<Field>,
}

/// A field that is there.
struct Field {
    name: &'static str,
    is_null: bool,
}

impl<'a> Line<'a> {
    /// Finds the verb and the fields of a line, whatever the values of the fields are.
    ///
    /// # Errors
    ///
    /// Refuses what is no object, an unknown field, one that comes twice, and a line without a verb.
    pub fn read(text: &'a str) -> Result<Self, RequestError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let (verb, there) = json.deserialize_map(Fields)?;
        json.end()?;
        Ok(Line { text, verb, there })
    }

    /// Reads a struct from those fields that are its own.
    ///
    /// # Errors
    ///
    /// Refuses a field of the wrong form, and a line without one that is needed.
    pub fn fields<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        let own = Own { there: &self.there, of: PhantomData };
        let read = serde_json::Deserializer::from_str(self.text).deserialize_map(own)?;
        read.map_err(|field| RequestError::Missing { verb: self.verb.clone(), field })
    }

    /// Refuses fields that are not among those that its verb takes.
    ///
    /// # Errors
    ///
    /// Names the first one, in the order of [`FIELDS`].
    pub fn check_surplus(&self, taken: &[&[&str]]) -> Result<(), RequestError> {
        let is_surplus =
            |field: &&Field| !field.is_null && !taken.iter().any(|fields| fields.contains(&field.name));
        let place = |name: &&'static str| FIELDS.iter().position(|known| known == name);
        match self.there.iter().filter(is_surplus).map(|field| field.name).min_by_key(place) {
            None => Ok(()),
            Some(field) => Err(RequestError::Surplus { verb: self.verb.clone(), field }),
        }
    }
}

/// Reads the verb and the names of the fields.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = (String, Vec<Field>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut verb, mut there) = (None, Vec::<Field>::new());
        while let Some(Name(name)) = map.next_key()? {
            if there.iter().any(|field| field.name == name) {
                return Err(A::Error::duplicate_field(name));
            }
            let is_null = match name {
                "do" => {
                    verb = Some(map.next_value()?);
                    false
                }
                _ => map.next_value::<Option<IgnoredAny>>()?.is_none(),
            };
            there.push(Field { name, is_null });
        }
        let verb = verb.ok_or_else(|| A::Error::missing_field("do"))?;
        Ok((verb, there))
    }
}

/// The name of a field that a line may have.
struct Name(&'static str);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Known;

        impl Visitor<'_> for Known {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E: Error>(self, found: &str) -> Result<Name, E> {
                let known = FIELDS.iter().find(|name| **name == found);
                known.map(|name| Name(name)).ok_or_else(|| E::unknown_field(found, FIELDS))
            }
        }

        from.deserialize_identifier(Known)
    }
}

/// Reads a struct from the fields that are there, or returns the name of one that is missing.
struct Own<'a, T> {
    there: &'a [Field],
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Own<'_, T> {
    type Value = Result<T, &'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        match T::deserialize(Given { map, there: self.there, fields: &[] }) {
            Ok(read) => Ok(Ok(read)),
            Err(Fault::Json(error)) => Err(error),
            Err(Fault::Missing(field)) => Ok(Err(field)),
        }
    }
}

/// The fields of a line that are there, of those of one struct.
struct Given<'a, A> {
    map: A,
    there: &'a [Field],
    fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Given<'_, A> {
    type Error = Fault<A::Error>;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_map(Given { fields, ..self })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Given<'_, A> {
    type Error = Fault<A::Error>;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        while let Some(Name(name)) = self.map.next_key()? {
            let is_given = |field: &Field| field.name == name && (!field.is_null || field.name == NULLABLE);
            if self.fields.contains(&name) && self.there.iter().any(is_given) {
                return seed.deserialize(StrDeserializer::new(name)).map(Some);
            }
            self.map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        Ok(self.map.next_value_seed(seed)?)
    }
}

/// Why a struct cannot be read.
#[derive(Debug)]
enum Fault<E> {
    Json(E),
    /// Told apart by its type, because the verb that needs the field is to be named.
    Missing(&'static str),
}

impl<E> From<E> for Fault<E> {
    fn from(error: E) -> Self {
        Fault::Json(error)
    }
}

impl<E: Error> Error for Fault<E> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Fault::Json(E::custom(message))
    }

    fn missing_field(field: &'static str) -> Self {
        Fault::Missing(field)
    }
}

impl<E: Error> StdError for Fault<E> {}

impl<E: fmt::Display> fmt::Display for Fault<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Json(error) => error.fmt(f),
            Fault::Missing(field) => write!(f, "missing field `{field}`"),
        }
    }
}

/// Returns the names of a struct's fields, as serde reads them.
pub(super) fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &[&str] = &[];
    // It has no fields to read: what it was asked for is all there is to know.
    let _ = T::deserialize(Listing(&mut fields));
    fields
}

/// Is asked for the fields of a struct, and keeps their names.
struct Listing<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Listing<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("no values"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
