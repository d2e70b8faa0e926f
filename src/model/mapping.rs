//! How columns become records: the target of a scheduled query, the data model of a batch load.

use super::record::MeasureType;
use serde::{Deserialize, Serialize};

/// Which column becomes what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The column of the records' time.
    pub time_column: String,
    /// The records' dimensions.
    pub dimensions: Vec<DimensionMapping>,
    /// The column of the records' measure name.
    pub measure_name_column: Option<String>,
    /// The records' values.
    pub measures: MeasureMappings,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionMapping {
    /// Where its value comes from.
    pub source_column: String,
    /// Its name; `None`: the column's.
    pub name: Option<String>,
}

/// The values of the records of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MeasureMappings {
    /// `MultiMeasureMappings`: one multi-measure record a row.
    Multi {
        /// Its measure name; `None`: that of the measure name column.
        measure_name: Option<String>,
        /// Its attributes.
        attributes: Vec<AttributeMapping>,
    },
    /// `MixedMeasureMappings`: as many records a row as there are entries that apply to it.
    Mixed(Vec<MixedMapping>),
}

/// An attribute of a multi-measure record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeMapping {
    /// Where its value comes from.
    pub source_column: String,
    /// Its name; `None`: the column's.
    pub name: Option<String>,
    /// Its type.
    pub value_type: MeasureType,
}

/// A record of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixedMapping {
    /// With a measure name column: the name that its rows have there.
    pub measure_name: Option<String>,
    /// Where a single measure's value comes from.
    pub source_column: Option<String>,
    /// The record's measure name; `None`: `measure_name`, or else the column's.
    pub target_measure_name: Option<String>,
    /// The type of a single measure's value; `None`: the record is a multi-measure record.
    pub value_type: Option<MeasureType>,
    /// The attributes of a multi-measure record.
    pub attributes: Vec<AttributeMapping>,
}

/// What the cells of a column with a type are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// A value that a record can hold as it is.
    Measure(MeasureType),
    /// Another scalar, which has a text: date, time, interval.
    OtherScalar,
    /// Only NULL.
    Null,
    /// What has no text: an array, a row, a time series, a type that the query language does not have.
    Nested,
}

/// A column with a type.
#[derive(Clone, Debug)]
pub struct TypedColumn {
    /// Its name.
    pub name: String,
    /// What its cells are.
    pub cells: CellType,
    /// Its type, as its users know it.
    pub type_name: String,
}

/// What times may be, in columns with types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeCells {
    /// Timestamps.
    Timestamps,
    /// Timestamps, or else whole numbers that count a unit of time: all of them the same.
    TimestampsOrCounts,
}
