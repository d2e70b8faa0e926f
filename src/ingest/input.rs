//! A write as it is asked for: everything optional, nothing checked, all text borrowed.

use crate::model::record::{Dimension, MeasureType};

/// A write.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    /// The database's name.
    pub database: &'a str,
    /// The table's name.
    pub table: &'a str,
    /// `CommonAttributes`: stands in for what a record does not say, and adds to its dimensions and measure values.
    pub common: InputRecord<'a>,
    /// The records.
    pub records: &'a [InputRecord<'a>],
}

/// A record, or common attributes.
#[derive(Clone, Copy, Debug, Default)]
pub struct InputRecord<'a> {
    /// `Dimensions`.
    pub dimensions: &'a [Dimension<'a>],
    /// `MeasureName`.
    pub measure_name: Option<&'a str>,
    /// `MeasureValue`.
    pub measure_value: Option<&'a str>,
    /// `MeasureValueType`.
    pub record_type: Option<RecordType>,
    /// `MeasureValues`.
    pub measure_values: &'a [InputMeasureValue<'a>],
    /// `Time`, in `time_unit` since the epoch.
    pub time: Option<&'a str>,
    /// `TimeUnit`.
    pub time_unit: Option<TimeUnit>,
    /// `Version`.
    pub version: Option<i64>,
}

/// An attribute of a multi-measure record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputMeasureValue<'a> {
    /// `Name`.
    pub name: &'a str,
    /// `Value`.
    pub value: &'a str,
    /// `Type`.
    pub value_type: RecordType,
}

/// What `MeasureValueType` may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordType {
    /// One value of this type.
    Single(MeasureType),
    /// `MULTI`.
    Multi,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// 10⁻⁹ s.
    Nanoseconds,
    /// 10⁻⁶ s.
    Microseconds,
    /// 10⁻³ s.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl TimeUnit {
    /// How many nanoseconds it has.
    #[must_use]
    pub fn ns(self) -> i64 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::Seconds => 1_000_000_000,
        }
    }
}
