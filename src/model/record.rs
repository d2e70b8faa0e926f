//! A record as it is stored: a series, a measure name, a time, a version and measure values.

use std::fmt;

/// The type of a stored measure value. `MULTI` is no type of a value: it says that a record holds several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MeasureType {
    /// 64-bit floating point.
    Double,
    /// 64-bit signed integer.
    Bigint,
    /// True or false.
    Boolean,
    /// Text.
    Varchar,
    /// Nanoseconds since the epoch; only inside multi-measure records.
    Timestamp,
}

impl MeasureType {
    /// The type's name in SQL, as DESCRIBE prints it and as it follows `measure_value::`.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Bigint => "bigint",
            Self::Boolean => "boolean",
            Self::Varchar => "varchar",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for MeasureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql_name())
    }
}
