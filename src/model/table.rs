//! A table's columns as queries see them.

use super::record::MeasureType;
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A dimension; always varchar.
    Dimension,
    /// `measure_name`; always varchar.
    MeasureName,
    /// `time`; always timestamp.
    Time,
    /// `measure_value::<type>`: the values of single-measure records of that type.
    MeasureValue(MeasureType),
    /// An attribute of multi-measure records.
    Multi(MeasureType),
}

impl ColumnKind {
    /// The type of the column's values.
    #[must_use]
    pub fn value_type(self) -> MeasureType {
        match self {
            Self::Dimension | Self::MeasureName => MeasureType::Varchar,
            Self::Time => MeasureType::Timestamp,
            Self::MeasureValue(value_type) | Self::Multi(value_type) => value_type,
        }
    }

    /// The third column of DESCRIBE. # observed: describe-table.json
    #[must_use]
    pub fn attribute_type(self) -> &'static str {
        match self {
            Self::Dimension => "DIMENSION",
            Self::MeasureName => "MEASURE_NAME",
            Self::Time => "TIMESTAMP",
            Self::MeasureValue(_) => "MEASURE_VALUE",
            Self::Multi(_) => "MULTI",
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As first written; `measure_value::double` for a single-measure value column.
    pub name: Arc<str>,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A measure name of a table, as SHOW MEASURES prints it: one entry per measure name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureInfo {
    /// The measure name.
    pub measure_name: Arc<str>,
    /// `double`, `bigint`, `varchar`, `boolean` or `multi`.
    pub data_type: &'static str,
    /// The dimensions the measure was written with, in order of first appearance.
    pub dimensions: Vec<Arc<str>>,
}
