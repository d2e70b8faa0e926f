//! awsJson1.0: requests decoded in one pass, answers encoded.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer, Serialize,
    de::{self, IgnoredAny, MapAccess},
};

use crate::{
    error::ServiceError,
    shapes::{Input, Output},
    validate,
};

/// The input in a request's body.
///
/// One pass makes the typed value, which borrows from the body, and its constraints are checked on it. Only when
/// something is wrong is the body read a second time, to find and word everything that is. Members that the model does
/// not know are skipped, members that are `null` count as absent, of members that are there twice the last one counts,
/// and an empty body counts as `{}`.
///
/// # Errors
///
/// SerializationException when the body is not JSON or a value is of the wrong type; ValidationException (the
/// framework's) with every violation when a constraint does not hold.
pub fn decode<'a, T: Input<'a>>(body: &'a [u8]) -> Result<T, ServiceError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let outcome = serde_json::from_slice::<T>(body);
    match outcome {
        Ok(input) if input.conforms() => Ok(input),
        Ok(_) => Err(validate::explain(body, T::SHAPE, None)),
        Err(error) => Err(validate::explain(body, T::SHAPE, Some(error))),
    }
}

/// The body of an answer.
#[must_use]
pub fn encode<T: Output>(output: &T) -> Vec<u8> {
    to_bytes(output)
}

/// The JSON of a value whose keys are all strings, as all of ours are.
pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value with string keys can be written to memory")
}

/// A structure that is decoded from the members of a JSON object, and from nothing else. (What serde derives would also
/// take an array, and refuse a member that is there twice.)
pub(crate) trait Object<'de>: Sized {
    /// The structure with these members.
    fn from_members<A: MapAccess<'de>>(members: A) -> Result<Self, A::Error>;
}

/// Decodes a structure from a JSON object.
pub(crate) fn decode_object<'de, T: Object<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object<'de>> de::Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::from_members(members)
    }
}

/// Reads over the value of a member that the model does not know. It nests as deeply as it likes: nothing recurses here.
pub(crate) fn skip_value<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value::<IgnoredAny>().map(drop)
}

/// A required member, or the error that it is missing.
pub(crate) fn required<T, E: de::Error>(member: Option<T>, name: &'static str) -> Result<T, E> {
    member.ok_or_else(|| E::missing_field(name))
}
