//! A record: a series, a measure name, a time, a version and measure values, borrowed from the request it came in.

use super::limits::{DIMENSIONS_PER_TABLE_MAX, MEASURE_NAMES_PER_TABLE_MAX, MULTI_ATTRIBUTES_PER_TABLE_MAX};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of a stored measure value. `MULTI` is no type of a value: it says that a record holds several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Double, Self::Bigint, Self::Boolean, Self::Varchar, Self::Timestamp];

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

    /// The type's name on the wire, as in `MeasureValueType`.
    #[must_use]
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Double => "DOUBLE",
            Self::Bigint => "BIGINT",
            Self::Boolean => "BOOLEAN",
            Self::Varchar => "VARCHAR",
            Self::Timestamp => "TIMESTAMP",
        }
    }
}

impl fmt::Display for MeasureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql_name())
    }
}

/// A measure value, its text borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// 64-bit floating point; never NaN or infinite.
    Double(f64),
    /// 64-bit signed integer.
    Bigint(i64),
    /// True or false.
    Boolean(bool),
    /// Text.
    Varchar(&'a str),
    /// Nanoseconds since the epoch.
    Timestamp(i64),
}

impl Value<'_> {
    /// The value's type.
    #[must_use]
    pub fn measure_type(&self) -> MeasureType {
        match self {
            Self::Double(_) => MeasureType::Double,
            Self::Bigint(_) => MeasureType::Bigint,
            Self::Boolean(_) => MeasureType::Boolean,
            Self::Varchar(_) => MeasureType::Varchar,
            Self::Timestamp(_) => MeasureType::Timestamp,
        }
    }

    /// Whether both hold the same data: type and bits. `0.0` and `-0.0` differ, so that neither silently stands for the
    /// other.
    #[must_use]
    pub fn is_same(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

/// A dimension of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension<'a> {
    /// Its name, the column it stands in.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// The dimensions of a record: the common ones of its request, then its own. No name occurs twice.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions<'a> {
    /// From `CommonAttributes`.
    pub common: &'a [Dimension<'a>],
    /// From the record.
    pub own: &'a [Dimension<'a>],
}

impl<'a> Dimensions<'a> {
    /// All of them, common ones first.
    pub fn iter(self) -> impl Iterator<Item = Dimension<'a>> + Clone {
        self.common.iter().chain(self.own).copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.common.len() + self.own.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// An attribute of a multi-measure record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// Its name, the column it stands in.
    pub name: &'a str,
    /// Its value.
    pub value: Value<'a>,
}

/// What a record measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure<'a> {
    /// One value, in the column `measure_value::<type>`.
    Single(Value<'a>),
    /// Several, each in its own column; no name occurs twice.
    Multi(Vec<Attribute<'a>>),
}

/// The logical tier that a record's time puts it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Within the memory store's retention.
    Memory,
    /// Older than that, within the magnetic store's.
    Magnetic,
}

/// A record that is valid in itself; what the table says to it is not decided yet.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Its place in the request, from 0.
    pub index: usize,
    /// At least one.
    pub dimensions: Dimensions<'a>,
    /// Not empty.
    pub measure_name: &'a str,
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// At least 1.
    pub version: i64,
    /// The values.
    pub measure: Measure<'a>,
    /// Where its time puts it.
    pub tier: Tier,
}

/// Why one record of a request is not stored, in the service's words where they are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// The time is not within the memory store, and the table takes no late records. # observed
    #[error(
        "The record timestamp is outside the time range [{}, {}) of the memory store.",
        iso_millis(*.from_ns), iso_millis(*.until_ns)
    )]
    OutsideMemoryStore {
        /// First time accepted, nanoseconds since the epoch.
        from_ns: i64,
        /// First time no longer accepted.
        until_ns: i64,
    },
    /// The time is in neither store. # observed
    #[error(
        "The record timestamp is outside the time range [{}, {}) of the data ingestion window.",
        iso_millis(*.from_ns), iso_millis(*.until_ns)
    )]
    OutsideIngestionWindow {
        /// First time accepted, nanoseconds since the epoch.
        from_ns: i64,
        /// First time no longer accepted.
        until_ns: i64,
    },
    /// Another value under the same key has a higher version. # observed
    #[error(
        "The record version {version} is lower than the existing version {existing}. A higher version is required to \
         update the measure value."
    )]
    LowerVersion {
        /// The record's version.
        version: i64,
        /// The stored version.
        existing: i64,
    },
    /// Another value under the same key has the same version. # observed
    #[error(
        "A record already exists with the same time, dimensions, measure name, and record version. A higher record \
         version must be specified in order to update the measure value. Specifying record version is supported by the \
         latest SDKs."
    )]
    SameVersion,
    /// # inferred: no public text
    #[error("The record does not have the dimension '{0}', which the table's partition key requires.")]
    PartitionKeyMissing(String),
    /// # inferred: no public text
    #[error("The name of a dimension is {0} bytes long. The maximum is {max}.", max = super::limits::DIMENSION_NAME_BYTES_MAX)]
    DimensionNameTooLong(usize),
    /// # inferred: no public text
    #[error(
        "The names and values of the record's dimensions are {0} bytes long together. The maximum is {max}.",
        max = super::limits::SERIES_BYTES_MAX
    )]
    DimensionsTooLong(usize),
    /// # inferred: no public text
    #[error(
        "The record has {0} dimensions. The maximum is {max}.", max = super::limits::DIMENSIONS_PER_TABLE_MAX
    )]
    TooManyDimensions(usize),
    /// # inferred: no public text
    #[error("A name of a measure is {0} bytes long. The maximum is {max}.", max = super::limits::MEASURE_NAME_BYTES_MAX)]
    MeasureNameTooLong(usize),
    /// # inferred: no public text
    #[error("A measure value is {0} bytes long. The maximum is {max}.", max = super::limits::MEASURE_VALUE_BYTES_MAX)]
    MeasureValueTooLong(usize),
    /// # inferred: no public text
    #[error(
        "The measure values of the record are {0} bytes long together. The maximum is {max}.",
        max = super::limits::RECORD_VALUES_BYTES_MAX
    )]
    RecordTooLong(usize),
    /// # inferred: no public text
    #[error(
        "The record has {0} multi-measure attributes. The maximum is {max}.",
        max = super::limits::MULTI_ATTRIBUTES_PER_RECORD_MAX
    )]
    TooManyAttributes(usize),
    /// # inferred: no public text
    #[error("The table would have more than {DIMENSIONS_PER_TABLE_MAX} dimensions.")]
    TableDimensions,
    /// # inferred: no public text
    #[error("The table would have more than {MEASURE_NAMES_PER_TABLE_MAX} measure names.")]
    TableMeasureNames,
    /// # inferred: no public text
    #[error("The table would have more than {MULTI_ATTRIBUTES_PER_TABLE_MAX} multi-measure attributes.")]
    TableAttributes,
    /// # inferred: no public text
    #[error("The multi-measure attribute '{name}' is of type {} in this table, not {}.", .stored.wire_name(), .given.wire_name())]
    AttributeType {
        /// The attribute.
        name: String,
        /// Its type in the table.
        stored: MeasureType,
        /// Its type in the record.
        given: MeasureType,
    },
    /// # guide: writes.html, "Column names can not be duplicated"
    #[error(
        "The name '{0}' is used for a dimension and for a multi-measure attribute. Column names can not be duplicated."
    )]
    ColumnClash(String),
}

impl RejectReason {
    /// The `ExistingVersion` of the answer: only a stored version that is higher is told. # observed: the answers to
    /// an equal version carry none
    #[must_use]
    pub fn existing_version(&self) -> Option<i64> {
        match self {
            Self::LowerVersion { existing, .. } => Some(*existing),
            _ => None,
        }
    }
}

/// A record that is not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Why.
    pub reason: RejectReason,
}

/// A time as rejections print it: ISO 8601 in UTC with milliseconds. # observed
fn iso_millis(time_ns: i64) -> impl fmt::Display {
    chrono::DateTime::from_timestamp_nanos(time_ns).format("%Y-%m-%dT%H:%M:%S%.3fZ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_worded_as_the_service_words_them() {
        let check = |reason: RejectReason, expect: &str| assert_eq!(reason.to_string(), expect);
        // # observed: reference of rejected records, 2021 and 2023
        check(
            RejectReason::OutsideMemoryStore {
                from_ns: 1_637_280_424_593_000_000,
                until_ns: 1_637_369_224_593_000_000,
            },
            "The record timestamp is outside the time range [2021-11-19T00:07:04.593Z, 2021-11-20T00:47:04.593Z) of the \
             memory store.",
        );
        check(
            RejectReason::OutsideIngestionWindow {
                from_ns: 1_700_721_939_648_000_000,
                until_ns: 1_701_199_539_648_000_000,
            },
            "The record timestamp is outside the time range [2023-11-23T06:45:39.648Z, 2023-11-28T19:25:39.648Z) of the \
             data ingestion window.",
        );
        check(
            RejectReason::LowerVersion { version: 2, existing: 200 },
            "The record version 2 is lower than the existing version 200. A higher version is required to update the \
             measure value.",
        );
        check(
            RejectReason::SameVersion,
            "A record already exists with the same time, dimensions, measure name, and record version. A higher record \
             version must be specified in order to update the measure value. Specifying record version is supported by \
             the latest SDKs.",
        );
    }

    #[test]
    fn only_a_higher_stored_version_is_told() {
        assert_eq!(RejectReason::LowerVersion { version: 2, existing: 200 }.existing_version(), Some(200));
        assert_eq!(RejectReason::SameVersion.existing_version(), None);
    }

    #[test]
    fn values_are_the_same_when_type_and_bits_are() {
        assert!(Value::Double(1.0).is_same(&Value::Double(1.00)));
        assert!(!Value::Double(0.0).is_same(&Value::Double(-0.0)));
        assert!(!Value::Double(1.0).is_same(&Value::Bigint(1)));
        assert!(!Value::Timestamp(1).is_same(&Value::Bigint(1)));
        assert!(Value::Varchar("a").is_same(&Value::Varchar("a")));
    }
}
