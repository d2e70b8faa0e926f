//! Rows to the bytes of a Parquet file.

use super::{TableNames, VERSION_COLUMN, day_file::put_places, parquet_error};
use crate::{
    model::record::MeasureType,
    store::{
        error::StorageError,
        memory::{
            columns::arrow_type,
            sealed::SealedRows,
            series::{SeriesId, SeriesView},
        },
        pace,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use datafusion::{
    arrow::{
        array::{
            ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
        },
        datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit},
    },
    parquet::{
        arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
        basic::{Compression, Encoding, ZstdLevel},
        file::{metadata::KeyValue, properties::WriterProperties},
        schema::types::ColumnPath,
    },
};
use hashbrown::HashMap;
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// The key of what only Timebrook needs.
pub(super) const PLACES_KEY: &str = "timebrook";
/// Rows that are handed to the writer at a time; between them, a background thread may rest.
const BATCH_ROWS: usize = 8_192;
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Rows of a page: what a narrow read reads at least.
const PAGE_ROWS: usize = 8_192;

/// The bytes of a file with these rows.
///
/// # Errors
/// [`StorageError::Damaged`] when the rows cannot be written as Parquet, which no rows are known not to be.
pub(crate) fn encode(
    file: &str,
    rows: &SealedRows,
    series: &SeriesView,
    names: &TableNames,
) -> Result<Vec<u8>, StorageError> {
    let layout = Layout::of(rows, series, names);
    let mut places = Vec::new();
    put_places(&mut places, rows, series);
    let options = ArrowWriterOptions::new()
        .with_properties(layout.properties(KeyValue::new(PLACES_KEY.to_owned(), STANDARD.encode(places))))
        .with_skip_arrow_metadata(true);
    let failed = parquet_error(file);
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new_with_options(&mut bytes, Arc::clone(&layout.schema), options).map_err(&failed)?;
    for start in (0..rows.len()).step_by(BATCH_ROWS) {
        let batch = layout.batch(rows, series, names, start..(start + BATCH_ROWS).min(rows.len()));
        writer.write(&batch).map_err(&failed)?;
        pace::rest();
    }
    writer.close().map_err(&failed)?;
    Ok(bytes)
}

/// The columns of a file.
struct Layout {
    /// Those that any of its series has.
    dimensions: Vec<u16>,
    schema: SchemaRef,
}

impl Layout {
    fn of(rows: &SealedRows, series: &SeriesView, names: &TableNames) -> Self {
        let mut dimensions = BTreeSet::new();
        for run in &rows.runs {
            dimensions.extend(series.dimensions(run.series).map(|(dimension, _)| dimension));
        }
        let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let of_dimension = |id: &u16| Field::new(&*names.dimensions[usize::from(*id)], text.clone(), true);
        let mut fields: Vec<_> = dimensions.iter().map(of_dimension).collect();
        fields.push(Field::new("measure_name", text.clone(), false));
        fields.push(Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, None), false));
        if !rows.versions.is_empty() {
            fields.push(Field::new(VERSION_COLUMN, DataType::Int64, false));
        }
        for (id, column) in rows.column_ids.iter().zip(&rows.columns) {
            fields.push(Field::new(&*names.columns[usize::from(*id)].name, arrow_type(column.value_type()), true));
        }
        Self { dimensions: dimensions.into_iter().collect(), schema: Arc::new(Schema::new(fields)) }
    }

    /// Times and integers are stored as differences; of other values each distinct one once, as long as they are few,
    /// and then doubles byte by byte, which ZSTD can make more of.
    fn properties(&self, places: KeyValue) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_key_value_metadata(Some(vec![places]));
        for field in self.schema.fields() {
            let path = ColumnPath::from(field.name().as_str());
            properties = match field.data_type() {
                DataType::Dictionary(..) => properties.set_column_bloom_filter_enabled(path, true),
                DataType::Float64 => properties.set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
                DataType::Timestamp(..) | DataType::Int64 => properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
                _ => properties,
            };
        }
        properties.build()
    }

    fn batch(&self, rows: &SealedRows, series: &SeriesView, names: &TableNames, of: Range<usize>) -> RecordBatch {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for dimension in &self.dimensions {
            arrays.push(texts(rows, &of, |run, _| series.value(run, *dimension)));
        }
        arrays.push(texts(rows, &of, |_, name| Some(&names.measure_names[usize::from(name)])));
        arrays.push(Arc::new(TimestampNanosecondArray::new(rows.times.slice(of.start, of.len()), None)));
        if !rows.versions.is_empty() {
            arrays.push(Arc::new(Int64Array::new(rows.versions.slice(of.start, of.len()), None)));
        }
        arrays.extend(rows.columns.iter().map(|column| column.array().slice(of.start, of.len())));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .unwrap_or_else(|error| unreachable!("arrays are made for the schema: {error}"))
    }
}

/// A text per row that is the same for all rows of a run.
fn texts<'a>(rows: &SealedRows, of: &Range<usize>, text: impl Fn(SeriesId, u16) -> Option<&'a str>) -> ArrayRef {
    let mut distinct: HashMap<&str, i32> = HashMap::new();
    let mut values = Vec::new();
    let mut keys: Vec<Option<i32>> = Vec::with_capacity(of.len());
    let first = rows.runs.partition_point(|run| run.end as usize <= of.start);
    for run in &rows.runs[first..] {
        let key = text(run.series, run.measure_name).map(|text| {
            *distinct.entry(text).or_insert_with(|| {
                values.push(text);
                values.len() as i32 - 1
            })
        });
        keys.resize((run.end as usize).min(of.end) - of.start, key);
        if keys.len() == of.len() {
            break;
        }
    }
    let values = StringArray::from_iter_values(values);
    Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(keys), Arc::new(values)))
}

/// The number that a type has in files.
pub(super) fn type_code(value_type: MeasureType) -> u8 {
    MeasureType::ALL.iter().position(|known| *known == value_type).unwrap_or(0) as u8
}
