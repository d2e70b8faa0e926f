//! Files without a data model: those that hold what `SELECT *` gives, as UNLOAD writes it.
//!
//! `time` is the time and `measure_name` the measure name; `measure_value::<type>` are the values of single measures. Every
//! other column is what the table's column of that name is, or else what its type says: a text a dimension, anything else an
//! attribute of multi-measure records. Separated values have no types, so there the table must know the column.

use crate::{
    ingest::mapping::{MappingError, RowColumns, RowMapping},
    model::{
        mapping::{CellType, TypedColumn},
        record::MeasureType,
        table::{Column, ColumnKind},
    },
    sql::types::parse_timestamp,
};
use ::csv::StringRecord;

/// Why a file needs a data model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NeedsModel {
    /// A column that must be there.
    #[error("there is no column '{0}': give a model")]
    Missing(&'static str),
    /// A column that nothing says the meaning of.
    #[error("the table has no column '{0}' that would say what it is: give a model")]
    Unknown(String),
    /// A column of a type that no record can hold.
    #[error("the column '{0}' is of type {1}, which no record can hold: give a model that leaves it out")]
    Type(String, String),
    /// Columns that cannot become what they should.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// A mapping, and what has to be done to the cells before.
#[derive(Debug)]
pub(super) struct TableMapping {
    pub(super) mapping: RowMapping,
    /// Columns whose cells are timestamps as the query language prints them, to be made nanoseconds.
    stamps: Vec<usize>,
}

/// The mapping of a file of separated values with these columns.
///
/// # Errors
/// [`NeedsModel`].
pub(super) fn of_csv(header: &[String], known: &[Column]) -> Result<TableMapping, NeedsModel> {
    let kinds = header.iter().map(|name| kind_by_name(name, known).ok_or_else(|| NeedsModel::Unknown(name.clone())));
    let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
    let mapping = RowMapping::of_columns(header, &row_columns(header, &kinds)?)?;
    let is_stamp = |kind: &ColumnKind| kind.value_type() == MeasureType::Timestamp;
    let stamps = (0..kinds.len()).filter(|place| is_stamp(&kinds[*place])).collect();
    Ok(TableMapping { mapping, stamps })
}

/// The mapping of a file whose columns have types.
///
/// # Errors
/// [`NeedsModel`].
pub(super) fn of_typed(columns: &[TypedColumn], known: &[Column]) -> Result<RowMapping, NeedsModel> {
    let kind = |column: &TypedColumn| match (kind_by_name(&column.name, known), column.cells) {
        (Some(kind), _) => Ok(kind),
        (None, CellType::Measure(MeasureType::Varchar)) => Ok(ColumnKind::Dimension),
        (None, CellType::Measure(value_type)) => Ok(ColumnKind::Multi(value_type)),
        _ => Err(NeedsModel::Type(column.name.clone(), column.type_name.clone())),
    };
    let kinds = columns.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mapping = RowMapping::of_columns(&names, &row_columns(&names, &kinds)?)?;
    mapping.check_types(columns, MeasureType::Timestamp)?;
    Ok(mapping)
}

impl TableMapping {
    /// Makes the timestamps of a row's cells nanoseconds; others stay as they are, and are refused where they are read.
    pub(super) fn prepare(&self, cells: &mut StringRecord) {
        let stamp = |place: usize, cell: &str| match parse_timestamp(cell) {
            Some(ns) if self.stamps.contains(&place) => ns.to_string(),
            // A count would be taken for nanoseconds, whatever it counts.
            None if self.stamps.contains(&place) && !cell.is_empty() => format!("not a timestamp: {cell}"),
            _ => cell.to_owned(),
        };
        *cells = cells.iter().enumerate().map(|(place, cell)| stamp(place, cell)).collect();
    }
}

/// What a column is by its name alone.
fn kind_by_name(name: &str, known: &[Column]) -> Option<ColumnKind> {
    match name {
        "time" => Some(ColumnKind::Time),
        "measure_name" => Some(ColumnKind::MeasureName),
        _ => {
            let types = [
                MeasureType::Double,
                MeasureType::Bigint,
                MeasureType::Varchar,
                MeasureType::Boolean,
                MeasureType::Timestamp,
            ];
            let single = |found: &str| {
                let value_type = types.into_iter().find(|t| t.wire_name().eq_ignore_ascii_case(found))?;
                Some(ColumnKind::MeasureValue(value_type))
            };
            let known = || known.iter().find(|column| &*column.name == name).map(|column| column.kind);
            name.strip_prefix("measure_value::").and_then(single).or_else(known)
        }
    }
}

fn row_columns(names: &[String], kinds: &[ColumnKind]) -> Result<RowColumns, NeedsModel> {
    let find =
        |wanted: ColumnKind, name| kinds.iter().position(|kind| *kind == wanted).ok_or(NeedsModel::Missing(name));
    let mut columns = RowColumns {
        time: find(ColumnKind::Time, "time")?,
        measure_name: find(ColumnKind::MeasureName, "measure_name")?,
        ..RowColumns::default()
    };
    for (place, (name, kind)) in names.iter().zip(kinds).enumerate() {
        match kind {
            ColumnKind::Dimension => columns.dimensions.push((place, name.clone())),
            ColumnKind::MeasureValue(value_type) => columns.singles.push((place, *value_type)),
            ColumnKind::Multi(value_type) => columns.attributes.push((place, name.clone(), *value_type)),
            ColumnKind::Time | ColumnKind::MeasureName => {}
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::TimeUnit;

    fn known() -> Vec<Column> {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        vec![
            column("host", ColumnKind::Dimension),
            column("note", ColumnKind::Multi(MeasureType::Varchar)),
            column("seen", ColumnKind::Multi(MeasureType::Timestamp)),
        ]
    }

    /// What the records of a row hold, or why there are none.
    fn check_csv(header: &str, row: &str, expect: Result<&str, &str>) {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let mapping = of_csv(&header, &known());
        let found = mapping.as_ref().map_err(ToString::to_string).map(|mapping| {
            let mut cells: StringRecord = row.split(',').collect();
            mapping.prepare(&mut cells);
            let records = mapping.mapping.records(|place| cells.get(place).filter(|cell| !cell.is_empty())).unwrap();
            let texts = records.iter().map(|record| format!("{:?}", record.input(TimeUnit::Nanoseconds, 1)));
            texts.collect::<Vec<_>>().join("\n")
        });
        match expect {
            Ok(words) => {
                let found = found.unwrap();
                assert!(words.split(' ').all(|word| found.contains(word)), "{words}: {found}");
            }
            Err(text) => assert_eq!(found.unwrap_err(), text),
        }
    }

    #[test]
    fn rows_of_a_table_are_what_the_table_says() {
        let stamp = "2024-01-01 00:00:00.000000001";
        check_csv(
            "host,measure_name,time,measure_value::double",
            &format!("h1,cpu,{stamp},1.5"),
            Ok("h1 cpu 1704067200000000001 1.5"),
        );
        check_csv(
            "host,measure_name,time,note,seen",
            &format!("h1,all,{stamp},2024-01-01,{stamp}"),
            Ok("h1 all note 2024-01-01 seen 1704067200000000001"),
        );
        check_csv(
            "host,measure_name,time,measure_value::bigint",
            "h1,m,1704067200,7",
            Ok("not a timestamp 1704067200"),
        );
        check_csv("host,measure_name,measure_value::bigint", "", Err("there is no column 'time': give a model"));
        check_csv("host,time,note", "", Err("there is no column 'measure_name': give a model"));
        let unknown = "the table has no column 'zone' that would say what it is: give a model";
        check_csv("host,measure_name,time,zone,note", "", Err(unknown));
        check_csv("measure_name,time,note", "", Err("The mapping must have at least one dimension."));
        check_csv("host,measure_name,time", "", Err("The mapping must have at least one measure."));
        check_csv("host,host,measure_name,time,note", "", Err("The column 'host' of the mapping is ambiguous."));
    }

    #[test]
    fn types_say_what_the_table_does_not_know() {
        let typed = |name: &str, cells| TypedColumn { name: name.into(), cells, type_name: "t".into() };
        let measure = CellType::Measure;
        let rows = |more: TypedColumn| {
            let columns = [
                typed("time", measure(MeasureType::Timestamp)),
                typed("measure_name", measure(MeasureType::Varchar)),
                typed("zone", measure(MeasureType::Varchar)),
                typed("load", measure(MeasureType::Double)),
                more,
            ];
            of_typed(&columns, &known()).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(rows(typed("up", measure(MeasureType::Boolean))), Ok(()));
        assert_eq!(rows(typed("note", measure(MeasureType::Varchar))), Ok(()));
        let refused = |more, text: &str| assert_eq!(rows(more), Err(text.to_owned()));
        refused(
            typed("list", CellType::Nested),
            "the column 'list' is of type t, which no record can hold: give a model that leaves it out",
        );
        refused(
            typed("seen", measure(MeasureType::Bigint)),
            "The column 'seen' is of type t and cannot be used as TIMESTAMP.",
        );
    }
}
