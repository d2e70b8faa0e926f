//! The structures and enums of the two services. Shapes of the same name differ between them, so each has its own module.

use std::fmt;

use serde::{Deserialize, Serialize, ser::SerializeMap};

use crate::{constraints::Structure, operation::Operation};

pub mod query;
pub mod write;

/// The input of an operation.
pub trait Input<'a>: Deserialize<'a> {
    /// The operation whose input this is.
    const OPERATION: Operation;
    /// The constraints on it.
    const SHAPE: &'static Structure;

    /// Whether every constraint holds that a decoded value can still violate: lengths, ranges and patterns.
    fn conforms(&self) -> bool;
}

/// The output of an operation.
pub trait Output: Serialize {}

/// The output of an operation that returns nothing; `{}` on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoOutput;

impl Output for NoOutput {}

impl Serialize for NoOutput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

/// A string that is none of an enum's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the enum's values")]
pub struct UnknownValue;

/// Reads a string and hands it to `parse`, without keeping it.
pub(crate) struct ValueVisitor<T> {
    pub(crate) parse: fn(&str) -> Result<T, UnknownValue>,
}

impl<T> serde::de::Visitor<'_> for ValueVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the enum")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

/// Declares an enum whose values are strings on the wire: the enum, its strings, and both directions.
macro_rules! string_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
        }

        impl $name {
            /// Every value, in the model's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The value as it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::shapes::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(crate::shapes::UnknownValue),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(crate::shapes::ValueVisitor { parse: str::parse })
            }
        }
    };
}
pub(crate) use string_enum;
