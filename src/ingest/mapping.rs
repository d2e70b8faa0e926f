//! Rows to records: a mapping against the columns that there are.
//!
//! # guide: scheduledqueries-mappings.html, batch-load-data-model-mappings.html

use super::{InputMeasureValue, InputRecord, RecordType, TimeUnit};
use crate::model::{
    mapping::{AttributeMapping, CellType, Mapping, MeasureMappings, MixedMapping, TimeCells, TypedColumn},
    record::{Dimension, MeasureType},
};

/// Why a mapping cannot be used. # inferred: the words
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A column that is not there.
    #[error("The column '{0}' of the mapping does not exist.")]
    NoColumn(String),
    /// A column name that several columns have.
    #[error("The column '{0}' of the mapping is ambiguous.")]
    Ambiguous(String),
    /// No dimension.
    #[error("The mapping must have at least one dimension.")]
    NoDimensions,
    /// A multi-measure record without attributes, or no record at all.
    #[error("The mapping must have at least one measure.")]
    NoMeasures,
    /// Nothing says what multi-measure records are called.
    #[error("TargetMultiMeasureName must be set when there is no MeasureNameColumn.")]
    NoMultiName,
    /// Two things say what multi-measure records are called.
    #[error("TargetMultiMeasureName and MeasureNameColumn cannot both be set.")]
    TwoMultiNames,
    /// A mixed entry without the name that rows have in the measure name column.
    #[error("MeasureName must be set in every MixedMeasureMapping when there is a MeasureNameColumn.")]
    NoMeasureName,
    /// A mixed entry with such a name, but without that column.
    #[error("MeasureName cannot be set in a MixedMeasureMapping when there is no MeasureNameColumn.")]
    MeasureNameAlone,
    /// A single measure without its column.
    #[error("SourceColumn must be set in a MixedMeasureMapping whose MeasureValueType is not MULTI.")]
    NoSource,
    /// A single measure with what only multi-measure records have.
    #[error("MultiMeasureAttributeMappings can only be set in a MixedMeasureMapping whose MeasureValueType is MULTI.")]
    AttributesOfSingle,
    /// A multi-measure record with what only single measures have.
    #[error("SourceColumn cannot be set in a MixedMeasureMapping whose MeasureValueType is MULTI.")]
    SourceOfMulti,
    /// A multi-measure record without a name.
    #[error("TargetMeasureName must be set in a MixedMeasureMapping whose MeasureValueType is MULTI.")]
    NoTargetName,
    /// Single measures of a type that they cannot have. # model: MeasureValueType
    #[error("The MeasureValueType of a single measure cannot be TIMESTAMP.")]
    SingleTimestamp,
    /// A column's type.
    #[error("The column '{column}' is of type {found} and cannot be used as {wanted}.")]
    ColumnType {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What it is mapped to.
        wanted: &'static str,
    },
}

/// Why a row makes no record. # inferred: the words
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row has no time.
    #[error("The row has no value in the time column.")]
    NoTime,
    /// The row has no dimension.
    #[error("The row has no value in any dimension column.")]
    NoDimensions,
    /// The row has no measure name.
    #[error("The row has no value in the measure name column.")]
    NoMeasureName,
    /// No entry is for the row's measure name.
    #[error("The row's measure name is none of the mapping's.")]
    UnknownMeasureName,
    /// All that could be measured is NULL. # guide: it is a user error
    #[error("The row has no value in any measure column.")]
    NoMeasures,
}

/// A mapping whose columns are places in a row.
#[derive(Clone, Debug)]
pub struct RowMapping {
    time: usize,
    dimensions: Vec<(usize, String)>,
    measure_name: Option<usize>,
    measures: Vec<RecordMapping>,
}

/// Columns whose meaning is known: those of a row as `SELECT *` gives it. Places count from 0.
#[derive(Clone, Debug, Default)]
pub struct RowColumns {
    /// The time.
    pub time: usize,
    /// The measure name.
    pub measure_name: usize,
    /// Dimensions and their names.
    pub dimensions: Vec<(usize, String)>,
    /// Values of single measures.
    pub singles: Vec<(usize, MeasureType)>,
    /// Attributes of multi-measure records, and their names.
    pub attributes: Vec<(usize, String, MeasureType)>,
}

/// One record of a row.
#[derive(Clone, Debug)]
struct RecordMapping {
    /// The measure name that the row must have.
    only: Option<String>,
    /// The record's measure name; `None`: the row's.
    name: Option<String>,
    values: Values,
}

#[derive(Clone, Debug)]
enum Values {
    Single(usize, MeasureType),
    Multi(Vec<(usize, String, MeasureType)>),
}

/// A record of a row, all its values as text.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedRecord<'a> {
    dimensions: Vec<Dimension<'a>>,
    measure_name: &'a str,
    time: &'a str,
    value: Option<(MeasureType, &'a str)>,
    attributes: Vec<InputMeasureValue<'a>>,
}

impl MappedRecord<'_> {
    /// The record as ingestion takes it; its time is in `time_unit`.
    #[must_use]
    pub fn input(&self, time_unit: TimeUnit, version: i64) -> InputRecord<'_> {
        InputRecord {
            dimensions: &self.dimensions,
            measure_name: Some(self.measure_name),
            measure_value: self.value.map(|(_, text)| text),
            record_type: Some(self.value.map_or(RecordType::Multi, |(value_type, _)| RecordType::Single(value_type))),
            measure_values: &self.attributes,
            time: Some(self.time),
            time_unit: Some(time_unit),
            version: Some(version),
        }
    }
}

/// What a column is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// As the records' time.
    Time,
    /// As a dimension or a measure name.
    Name,
    /// As a measure value of this type.
    Value(MeasureType),
}

impl Use {
    fn name(self) -> &'static str {
        match self {
            Self::Time => "TimeColumn",
            Self::Name => "a dimension or a measure name",
            Self::Value(value_type) => value_type.wire_name(),
        }
    }

    /// Whether cells of a type can become that. `times`: what the record's time is read from. # inferred: the service
    /// writes rows as texts and reads these as the mapped type, so what is always such a text can
    fn takes(self, cells: CellType, times: MeasureType) -> bool {
        match (cells, self) {
            (CellType::Null, _) => true,
            (CellType::Nested, _) => false,
            // All times of a record are in one unit.
            (CellType::Measure(found), Self::Time | Self::Value(MeasureType::Timestamp)) => found == times,
            (CellType::Measure(MeasureType::Timestamp), _) => false,
            (_, Self::Name | Self::Value(MeasureType::Varchar)) => true,
            (CellType::Measure(found), Self::Value(wanted)) => {
                found == wanted || (found, wanted) == (MeasureType::Bigint, MeasureType::Double)
            }
            _ => false,
        }
    }
}

impl RowMapping {
    /// Finds the mapping's columns among `columns`.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn new(mapping: &Mapping, columns: &[&str]) -> Result<Self, MappingError> {
        let find = |name: &str| {
            let mut places = columns.iter().enumerate().filter(|(_, column)| **column == name).map(|(i, _)| i);
            let place = places.next().ok_or_else(|| MappingError::NoColumn(name.to_owned()))?;
            if places.next().is_some() { Err(MappingError::Ambiguous(name.to_owned())) } else { Ok(place) }
        };
        if mapping.dimensions.is_empty() {
            return Err(MappingError::NoDimensions);
        }
        let dimensions = mapping.dimensions.iter().map(|dimension| {
            let name = dimension.name.as_ref().unwrap_or(&dimension.source_column);
            Ok((find(&dimension.source_column)?, name.clone()))
        });
        let has_name_column = mapping.measure_name_column.is_some();
        Ok(Self {
            time: find(&mapping.time_column)?,
            dimensions: dimensions.collect::<Result<_, _>>()?,
            measure_name: mapping.measure_name_column.as_deref().map(find).transpose()?,
            measures: match &mapping.measures {
                MeasureMappings::Multi { measure_name, attributes } => {
                    vec![multi(measure_name.as_ref(), attributes, has_name_column, &find)?]
                }
                MeasureMappings::Mixed(entries) if entries.is_empty() => return Err(MappingError::NoMeasures),
                MeasureMappings::Mixed(entries) => {
                    entries.iter().map(|entry| mixed(entry, has_name_column, &find)).collect::<Result<_, _>>()?
                }
            },
        })
    }

    /// Finds the mapping's columns among columns whose types say what they can be used for.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn typed(mapping: &Mapping, columns: &[TypedColumn], times: TimeCells) -> Result<Self, MappingError> {
        let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
        let found = Self::new(mapping, &names)?;
        let is_counted = times == TimeCells::TimestampsOrCounts
            && columns[found.time].cells == CellType::Measure(MeasureType::Bigint);
        found.check_types(columns, if is_counted { MeasureType::Bigint } else { MeasureType::Timestamp })?;
        Ok(found)
    }

    /// The mapping of columns called `names` whose meaning is known. A row makes a record of each single measure that it has a
    /// value of, and one of its attributes.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn of_columns(names: &[String], columns: &RowColumns) -> Result<Self, MappingError> {
        if let Some(twice) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            return Err(MappingError::Ambiguous(twice.1.clone()));
        }
        let RowColumns { time, measure_name, dimensions, singles, attributes } = columns;
        let record = |values| RecordMapping { only: None, name: None, values };
        let mut measures: Vec<_> = singles.iter().map(|(place, t)| record(Values::Single(*place, *t))).collect();
        if !attributes.is_empty() {
            measures.push(record(Values::Multi(attributes.clone())));
        }
        match (dimensions.is_empty(), measures.is_empty()) {
            (true, _) => Err(MappingError::NoDimensions),
            (_, true) => Err(MappingError::NoMeasures),
            _ => {
                let dimensions = dimensions.clone();
                Ok(Self { time: *time, dimensions, measure_name: Some(*measure_name), measures })
            }
        }
    }

    /// Whether columns of these types can become what they are mapped to; `times` is the type of all times.
    ///
    /// # Errors
    /// [`MappingError::ColumnType`].
    pub fn check_types(&self, columns: &[TypedColumn], times: MeasureType) -> Result<(), MappingError> {
        let refused = self.uses().find(|(place, used)| !used.takes(columns[*place].cells, times));
        refused.map_or(Ok(()), |(place, used)| {
            Err(MappingError::ColumnType {
                column: columns[place].name.clone(),
                found: columns[place].type_name.clone(),
                wanted: used.name(),
            })
        })
    }

    /// Every column that is read, and what for.
    fn uses(&self) -> impl Iterator<Item = (usize, Use)> + '_ {
        let names = self.dimensions.iter().map(|(column, _)| *column).chain(self.measure_name);
        let values = self.measures.iter().flat_map(|record| match &record.values {
            Values::Single(column, value_type) => vec![(*column, Use::Value(*value_type))],
            Values::Multi(attributes) => attributes.iter().map(|(column, _, t)| (*column, Use::Value(*t))).collect(),
        });
        std::iter::once((self.time, Use::Time)).chain(names.map(|column| (column, Use::Name))).chain(values)
    }

    /// The records of a row, whose cells are texts or NULL.
    ///
    /// # Errors
    /// [`RowError`]: the row makes no record.
    pub fn records<'a>(&'a self, cell: impl Fn(usize) -> Option<&'a str>) -> Result<Vec<MappedRecord<'a>>, RowError> {
        let time = cell(self.time).ok_or(RowError::NoTime)?;
        // A dimension without a value is left out. # inferred: as a record leaves it out
        let dimension = |(column, name): &'a (usize, String)| Some(Dimension { name, value: cell(*column)? });
        let dimensions: Vec<_> = self.dimensions.iter().filter_map(dimension).collect();
        if dimensions.is_empty() {
            return Err(RowError::NoDimensions);
        }
        let row_name = match self.measure_name {
            Some(column) => Some(cell(column).ok_or(RowError::NoMeasureName)?),
            None => None,
        };
        let mut wanted =
            self.measures.iter().filter(|m| m.only.as_deref().is_none_or(|only| Some(only) == row_name)).peekable();
        if wanted.peek().is_none() {
            return Err(RowError::UnknownMeasureName);
        }
        let mut records = Vec::new();
        for RecordMapping { name, values, .. } in wanted {
            // Resolving the mapping saw to it that one of the two says it.
            let measure_name = name.as_deref().or(row_name).unwrap_or_default();
            let (value, attributes) = match values {
                Values::Single(column, value_type) => (cell(*column).map(|text| (*value_type, text)), Vec::new()),
                Values::Multi(attributes) => (None, attributes_of(attributes, &cell)),
            };
            // What is NULL is not written. # guide
            if value.is_some() || !attributes.is_empty() {
                records.push(MappedRecord { dimensions: dimensions.clone(), measure_name, time, value, attributes });
            }
        }
        if records.is_empty() { Err(RowError::NoMeasures) } else { Ok(records) }
    }
}

fn attributes_of<'a>(
    attributes: &'a [(usize, String, MeasureType)],
    cell: impl Fn(usize) -> Option<&'a str>,
) -> Vec<InputMeasureValue<'a>> {
    let value = |(column, name, value_type): &'a (usize, String, MeasureType)| {
        Some(InputMeasureValue { name, value: cell(*column)?, value_type: RecordType::Single(*value_type) })
    };
    attributes.iter().filter_map(value).collect()
}

type Find<'a> = &'a dyn Fn(&str) -> Result<usize, MappingError>;

fn multi(
    name: Option<&String>,
    attributes: &[AttributeMapping],
    has_name_column: bool,
    find: Find<'_>,
) -> Result<RecordMapping, MappingError> {
    match (name.is_some(), has_name_column) {
        (false, false) => return Err(MappingError::NoMultiName),
        (true, true) => return Err(MappingError::TwoMultiNames),
        _ => {}
    }
    Ok(RecordMapping { only: None, name: name.cloned(), values: multi_values(attributes, find)? })
}

fn multi_values(attributes: &[AttributeMapping], find: Find<'_>) -> Result<Values, MappingError> {
    if attributes.is_empty() {
        return Err(MappingError::NoMeasures);
    }
    let attribute = |attribute: &AttributeMapping| {
        let name = attribute.name.as_ref().unwrap_or(&attribute.source_column);
        Ok((find(&attribute.source_column)?, name.clone(), attribute.value_type))
    };
    Ok(Values::Multi(attributes.iter().map(attribute).collect::<Result<_, _>>()?))
}

fn mixed(entry: &MixedMapping, has_name_column: bool, find: Find<'_>) -> Result<RecordMapping, MappingError> {
    match (entry.measure_name.is_some(), has_name_column) {
        (false, true) => return Err(MappingError::NoMeasureName),
        (true, false) => return Err(MappingError::MeasureNameAlone),
        _ => {}
    }
    let name = entry.target_measure_name.as_ref().or(entry.measure_name.as_ref());
    let (name, values) = match (entry.value_type, &entry.source_column) {
        (Some(MeasureType::Timestamp), _) => return Err(MappingError::SingleTimestamp),
        (Some(_), _) if !entry.attributes.is_empty() => return Err(MappingError::AttributesOfSingle),
        (Some(_), None) => return Err(MappingError::NoSource),
        (Some(value_type), Some(column)) => (name.unwrap_or(column).clone(), Values::Single(find(column)?, value_type)),
        (None, Some(_)) => return Err(MappingError::SourceOfMulti),
        (None, None) => (name.ok_or(MappingError::NoTargetName)?.clone(), multi_values(&entry.attributes, find)?),
    };
    Ok(RecordMapping { only: entry.measure_name.clone(), name: Some(name), values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::DimensionMapping;

    const COLUMNS: [&str; 6] = ["region", "hour", "measure_name", "a", "b", "c"];

    fn mapping(measure_name_column: Option<&str>, measures: MeasureMappings) -> Mapping {
        Mapping {
            time_column: "hour".into(),
            dimensions: vec![DimensionMapping { source_column: "region".into(), name: None }],
            measure_name_column: measure_name_column.map(Into::into),
            measures,
        }
    }

    fn attribute(column: &str, name: Option<&str>) -> AttributeMapping {
        AttributeMapping { source_column: column.into(), name: name.map(Into::into), value_type: MeasureType::Double }
    }

    fn single(measure_name: Option<&str>, column: &str, target: Option<&str>) -> MixedMapping {
        MixedMapping {
            measure_name: measure_name.map(Into::into),
            source_column: Some(column.into()),
            target_measure_name: target.map(Into::into),
            value_type: Some(MeasureType::Double),
            attributes: Vec::new(),
        }
    }

    fn group(target: &str, attributes: Vec<AttributeMapping>) -> MixedMapping {
        MixedMapping {
            measure_name: None,
            source_column: None,
            target_measure_name: Some(target.into()),
            value_type: None,
            attributes,
        }
    }

    /// The records of a row, as `name: value` or `name: {attribute=value}`.
    fn check(mapping: &Mapping, row: [Option<&str>; 6], expect: Result<&[&str], RowError>) {
        let mapping = RowMapping::new(mapping, &COLUMNS).unwrap();
        let records = mapping.records(|column| row[column]);
        let text = |record: &MappedRecord<'_>| match record.value {
            Some((_, value)) => format!("{}: {value}", record.measure_name),
            None => {
                let attributes = record.attributes.iter().map(|a| format!("{}={}", a.name, a.value));
                format!("{}: {{{}}}", record.measure_name, attributes.collect::<Vec<_>>().join(", "))
            }
        };
        let texts = records.as_ref().map(|records| records.iter().map(text).collect::<Vec<_>>()).map_err(|e| *e);
        let expect = expect.map(|expect| expect.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(texts, expect, "{row:?}");
    }

    const ROW: [Option<&str>; 6] = [Some("eu"), Some("1"), Some("m"), Some("1.5"), Some("2.5"), None];

    #[test]
    fn one_multi_measure_record_a_row() {
        let attributes = vec![attribute("a", Some("x")), attribute("b", None), attribute("c", None)];
        let multi = MeasureMappings::Multi { measure_name: Some("agg".into()), attributes: attributes.clone() };
        check(&mapping(None, multi.clone()), ROW, Ok(&["agg: {x=1.5, b=2.5}"]));
        let by_column = MeasureMappings::Multi { measure_name: None, attributes };
        check(&mapping(Some("measure_name"), by_column), ROW, Ok(&["m: {x=1.5, b=2.5}"]));
        let none = [Some("eu"), Some("1"), Some("m"), None, None, None];
        check(&mapping(None, multi), none, Err(RowError::NoMeasures));
    }

    #[test]
    fn mixed_records_a_row() {
        let groups = vec![group("g1", vec![attribute("a", None)]), group("g2", vec![attribute("c", None)])];
        check(&mapping(None, MeasureMappings::Mixed(groups)), ROW, Ok(&["g1: {a=1.5}"]));
        let columns = vec![single(None, "a", None), single(None, "b", Some("total")), single(None, "c", None)];
        check(&mapping(None, MeasureMappings::Mixed(columns)), ROW, Ok(&["a: 1.5", "total: 2.5"]));
        let names = vec![
            single(Some("m"), "a", None),
            single(Some("m"), "b", Some("renamed")),
            single(Some("other"), "a", None),
        ];
        let by_name = mapping(Some("measure_name"), MeasureMappings::Mixed(names));
        check(&by_name, ROW, Ok(&["m: 1.5", "renamed: 2.5"]));
        let unknown = [ROW[0], ROW[1], Some("third"), ROW[3], ROW[4], ROW[5]];
        check(&by_name, unknown, Err(RowError::UnknownMeasureName));
    }

    #[test]
    fn rows_without_what_a_record_needs_make_none() {
        let multi = MeasureMappings::Multi { measure_name: None, attributes: vec![attribute("a", None)] };
        let mapping = mapping(Some("measure_name"), multi);
        let without = |column: usize| {
            let mut row = ROW;
            row[column] = None;
            row
        };
        check(&mapping, without(0), Err(RowError::NoDimensions));
        check(&mapping, without(1), Err(RowError::NoTime));
        check(&mapping, without(2), Err(RowError::NoMeasureName));
        check(&mapping, without(3), Err(RowError::NoMeasures));
    }

    #[test]
    fn types_say_what_columns_can_be_used_for() {
        use MeasureType::{Bigint, Boolean, Double, Timestamp, Varchar};
        let measure = CellType::Measure;
        // The types of the time column, the dimension's and the value's, and what the value is mapped to.
        let check = |cells: [CellType; 3], wanted: MeasureType, times: TimeCells, expect: Option<(&str, &str)>| {
            let names = ["hour", "region", "a"].into_iter().zip(cells);
            let typed =
                names.map(|(name, cells)| TypedColumn { name: name.into(), cells, type_name: format!("{cells:?}") });
            let value = AttributeMapping { value_type: wanted, ..attribute("a", None) };
            let mapping =
                mapping(None, MeasureMappings::Multi { measure_name: Some("m".into()), attributes: vec![value] });
            let refused = RowMapping::typed(&mapping, &typed.collect::<Vec<_>>(), times).err();
            let refused = refused.map(|error| match error {
                MappingError::ColumnType { column, wanted, .. } => (column, wanted),
                error => panic!("{error}"),
            });
            assert_eq!(refused, expect.map(|(column, wanted)| (column.to_owned(), wanted)), "{cells:?} {wanted:?}");
        };
        let (stamps, counts) = (TimeCells::Timestamps, TimeCells::TimestampsOrCounts);
        let of = |value| [measure(Timestamp), measure(Varchar), value];
        for same in [Bigint, Boolean, Double, Timestamp, Varchar] {
            check(of(measure(same)), same, stamps, None);
            check(of(CellType::Null), same, stamps, None);
            check(of(CellType::Nested), same, stamps, Some(("a", same.wire_name())));
        }
        check(of(measure(Bigint)), Double, stamps, None);
        check(of(measure(Double)), Bigint, stamps, Some(("a", "BIGINT")));
        check(of(measure(Varchar)), Double, stamps, Some(("a", "DOUBLE")));
        check(of(measure(Boolean)), Varchar, stamps, None);
        check(of(CellType::OtherScalar), Varchar, stamps, None);
        check(of(CellType::OtherScalar), Double, stamps, Some(("a", "DOUBLE")));
        check(of(measure(Timestamp)), Varchar, stamps, Some(("a", "VARCHAR")));
        check(of(measure(Bigint)), Timestamp, counts, Some(("a", "TIMESTAMP")));
        let counted = |value| [measure(Bigint), measure(Varchar), value];
        check(counted(measure(Double)), Double, counts, None);
        check(counted(measure(Double)), Double, stamps, Some(("hour", "TimeColumn")));
        check(counted(measure(Bigint)), Timestamp, counts, None);
        check(counted(measure(Timestamp)), Timestamp, counts, Some(("a", "TIMESTAMP")));
        check([measure(Varchar), measure(Varchar), measure(Double)], Double, counts, Some(("hour", "TimeColumn")));
        check(
            [measure(Timestamp), CellType::Nested, measure(Double)],
            Double,
            counts,
            Some(("region", "a dimension or a measure name")),
        );
    }

    #[test]
    fn mappings_that_cannot_be_used_are_refused() {
        let refused = |mapping: Mapping, expect: MappingError| {
            assert_eq!(RowMapping::new(&mapping, &COLUMNS).unwrap_err(), expect);
        };
        let multi =
            |name: Option<&str>, attributes| MeasureMappings::Multi { measure_name: name.map(Into::into), attributes };
        let a = || vec![attribute("a", None)];
        refused(mapping(None, multi(None, a())), MappingError::NoMultiName);
        refused(mapping(Some("measure_name"), multi(Some("m"), a())), MappingError::TwoMultiNames);
        refused(mapping(None, multi(Some("m"), vec![])), MappingError::NoMeasures);
        refused(mapping(None, multi(Some("m"), vec![attribute("z", None)])), MappingError::NoColumn("z".into()));
        refused(mapping(None, MeasureMappings::Mixed(vec![])), MappingError::NoMeasures);
        let mixed = |entry| MeasureMappings::Mixed(vec![entry]);
        refused(mapping(None, mixed(single(Some("m"), "a", None))), MappingError::MeasureNameAlone);
        refused(mapping(Some("measure_name"), mixed(single(None, "a", None))), MappingError::NoMeasureName);
        let base = single(None, "a", None);
        refused(mapping(None, mixed(MixedMapping { source_column: None, ..base.clone() })), MappingError::NoSource);
        refused(mapping(None, mixed(MixedMapping { value_type: None, ..base.clone() })), MappingError::SourceOfMulti);
        let both = MixedMapping { attributes: a(), ..base.clone() };
        refused(mapping(None, mixed(both)), MappingError::AttributesOfSingle);
        let time = MixedMapping { value_type: Some(MeasureType::Timestamp), ..base };
        refused(mapping(None, mixed(time)), MappingError::SingleTimestamp);
        let unnamed = MixedMapping { target_measure_name: None, ..group("", a()) };
        refused(mapping(None, mixed(unnamed)), MappingError::NoTargetName);
        let without = Mapping { dimensions: vec![], ..mapping(None, multi(Some("m"), a())) };
        refused(without, MappingError::NoDimensions);
        let twice = RowMapping::new(&mapping(None, multi(Some("m"), a())), &["region", "hour", "a", "a"]);
        assert_eq!(twice.unwrap_err(), MappingError::Ambiguous("a".into()));
    }
}
