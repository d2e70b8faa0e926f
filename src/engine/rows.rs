//! The rows of a write as they are logged: a row says only what differs from the row before.
//!
//! A series is written in full once, with its number, and by its number from then on. What a checkpoint lets go may hold
//! the full form, so with every checkpoint all series count as not written yet, and the log is kept from there.

use super::entry::{read_type, type_code};
use crate::{
    model::record::{MeasureType, Value},
    store::{
        codec::{Malformed, Reader, put_i64, put_str, put_u64, put_usize},
        memory::{open::NewRow, series::SeriesId},
    },
};
use smallvec::SmallVec;

const SAME_SERIES: u8 = 1;
const SAME_MEASURE_NAME: u8 = 2;
const SAME_COLUMNS: u8 = 4;
const HAS_VERSION: u8 = 8;
/// The series was written in full before; only its number follows.
const KNOWN_SERIES: u8 = 16;

/// Writes rows one after the other.
#[derive(Debug)]
pub(super) struct RowWriter {
    pub(super) bytes: Vec<u8>,
    last: Option<(SeriesId, u16, i64)>,
    last_columns: SmallVec<[u16; 16]>,
    /// Per series: the period in which it was last written in full.
    written_in: Vec<u32>,
    period: u32,
}

impl Default for RowWriter {
    fn default() -> Self {
        let (bytes, last_columns) = (Vec::new(), SmallVec::new());
        // Series that were never written have 0.
        Self { bytes, last: None, last_columns, written_in: Vec::new(), period: 1 }
    }
}

impl RowWriter {
    /// Forgets all rows, but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.last = None;
        self.last_columns.clear();
    }

    /// From now on every series is written in full again, once.
    pub(super) fn forget_series(&mut self) {
        self.period += 1;
    }

    /// Appends a row. `dimensions` are those of its series.
    pub(super) fn put<'a>(&mut self, row: &NewRow<'_>, dimensions: impl ExactSizeIterator<Item = (u16, &'a str)>) {
        let columns = row.values.iter().map(|(column, _)| *column);
        let series = row.key.series;
        let (mut flags, mut last_time_ns) = (0, 0);
        if let Some((last_series, last_measure_name, time_ns)) = self.last {
            last_time_ns = time_ns;
            flags |= if series == last_series { SAME_SERIES } else { 0 };
            flags |= if row.key.measure_name == last_measure_name { SAME_MEASURE_NAME } else { 0 };
            flags |= if columns.clone().eq(self.last_columns.iter().copied()) { SAME_COLUMNS } else { 0 };
        }
        if flags & SAME_SERIES == 0 && !self.is_new(series) {
            flags |= KNOWN_SERIES;
        }
        if row.version != 1 {
            flags |= HAS_VERSION;
        }
        let out = &mut self.bytes;
        out.push(flags);
        if flags & SAME_SERIES == 0 {
            put_u64(out, series.into());
        }
        if flags & (SAME_SERIES | KNOWN_SERIES) == 0 {
            put_usize(out, dimensions.len());
            for (dimension, value) in dimensions {
                put_u64(out, dimension.into());
                put_str(out, value);
            }
        }
        if flags & SAME_MEASURE_NAME == 0 {
            put_u64(out, row.key.measure_name.into());
        }
        put_i64(out, row.key.time_ns.wrapping_sub(last_time_ns));
        if flags & HAS_VERSION != 0 {
            put_i64(out, row.version);
        }
        if flags & SAME_COLUMNS == 0 {
            put_usize(out, row.values.len());
            for (column, value) in row.values {
                put_u64(out, (*column).into());
                out.push(type_code(value.measure_type()));
            }
            self.last_columns = columns.collect();
        }
        row.values.iter().for_each(|(_, value)| put_value(out, value));
        self.last = Some((series, row.key.measure_name, row.key.time_ns));
    }

    /// Whether a series is to be written in full, which it then is.
    fn is_new(&mut self, series: SeriesId) -> bool {
        let place = series as usize;
        if place >= self.written_in.len() {
            self.written_in.resize(place + 1, 0);
        }
        std::mem::replace(&mut self.written_in[place], self.period) != self.period
    }
}

/// Reads rows one after the other.
#[derive(Debug)]
pub(super) struct RowReader<'a> {
    reader: Reader<'a>,
    series: SeriesId,
    dimensions: Vec<(u16, &'a str)>,
    measure_name: u16,
    time_ns: i64,
    columns: Vec<(u16, MeasureType)>,
    values: Vec<(u16, Value<'a>)>,
}

/// A row as it is read.
#[derive(Debug)]
pub(super) struct ReadRow<'r, 'a> {
    /// The number that the series had for the writer.
    pub(super) series: SeriesId,
    /// The dimensions of the series, when this is where it is written in full.
    pub(super) dimensions: Option<&'r [(u16, &'a str)]>,
    pub(super) measure_name: u16,
    pub(super) time_ns: i64,
    pub(super) version: i64,
    pub(super) values: &'r [(u16, Value<'a>)],
}

impl<'a> RowReader<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        let (dimensions, columns, values) = (Vec::new(), Vec::new(), Vec::new());
        Self { reader, series: 0, dimensions, measure_name: 0, time_ns: 0, columns, values }
    }

    /// The next row; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<ReadRow<'_, 'a>>, Malformed> {
        let reader = &mut self.reader;
        if reader.is_empty() {
            return Ok(None);
        }
        let flags = reader.u8()?;
        if flags & SAME_SERIES == 0 {
            self.series = reader.number()?;
        }
        let is_in_full = flags & (SAME_SERIES | KNOWN_SERIES) == 0;
        if is_in_full {
            self.dimensions.clear();
            for _ in 0..reader.length()? {
                self.dimensions.push((reader.number()?, reader.str()?));
            }
        }
        if flags & SAME_MEASURE_NAME == 0 {
            self.measure_name = reader.number()?;
        }
        self.time_ns = self.time_ns.wrapping_add(reader.i64()?);
        let version = if flags & HAS_VERSION == 0 { 1 } else { reader.i64()? };
        if flags & SAME_COLUMNS == 0 {
            self.columns.clear();
            for _ in 0..reader.length()? {
                self.columns.push((reader.number()?, read_type(reader)?));
            }
        }
        self.values.clear();
        for (column, value_type) in &self.columns {
            self.values.push((*column, read_value(reader, *value_type)?));
        }
        Ok(Some(ReadRow {
            series: self.series,
            dimensions: is_in_full.then_some(&*self.dimensions),
            measure_name: self.measure_name,
            time_ns: self.time_ns,
            version,
            values: &self.values,
        }))
    }
}

fn put_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Double(value) => out.extend_from_slice(&value.to_le_bytes()),
        Value::Bigint(value) | Value::Timestamp(value) => put_i64(out, *value),
        Value::Boolean(value) => out.push(u8::from(*value)),
        Value::Varchar(text) => put_str(out, text),
    }
}

fn read_value<'a>(reader: &mut Reader<'a>, value_type: MeasureType) -> Result<Value<'a>, Malformed> {
    Ok(match value_type {
        MeasureType::Double => Value::Double(f64::from_bits(reader.fixed_u64()?)),
        MeasureType::Bigint => Value::Bigint(reader.i64()?),
        MeasureType::Boolean => Value::Boolean(reader.bool()?),
        MeasureType::Varchar => Value::Varchar(reader.str()?),
        MeasureType::Timestamp => Value::Timestamp(reader.i64()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::{
            schema::{MeasureUse, SchemaGrowth},
            state::TableId,
        },
        engine::entry::{Entry, put_write, read_entry},
        model::table::{Column, ColumnKind},
        store::memory::open::RowKey,
    };

    #[test]
    fn rows_come_back_whatever_they_share_with_the_row_before() {
        let key = |series, measure_name, time_ns| RowKey { series, measure_name, time_ns };
        let double: &[(u16, Value<'_>)] = &[(0, Value::Double(-1.5))];
        let all: &[(u16, Value<'_>)] = &[
            (1, Value::Bigint(i64::MIN)),
            (2, Value::Boolean(true)),
            (5, Value::Varchar("é")),
            (9, Value::Timestamp(7)),
        ];
        let rows = [
            NewRow { key: key(0, 0, 0), version: 1, values: double },
            NewRow { key: key(0, 0, 5), version: i64::MAX, values: double },
            NewRow { key: key(1, 0, i64::MAX), version: 1, values: all },
            NewRow { key: key(1, 3, i64::MIN), version: 2, values: all },
            NewRow { key: key(0, 0, 5), version: 1, values: double },
        ];
        let dimensions = [vec![(0, "a"), (4, "")], vec![(0, "b")]];
        let growth = SchemaGrowth {
            dimensions: vec!["host".into()],
            measure_names: vec!["cpu".into()],
            columns: vec![
                Column { name: "measure_value::double".into(), kind: ColumnKind::MeasureValue(MeasureType::Double) },
                Column { name: "x".into(), kind: ColumnKind::Multi(MeasureType::Timestamp) },
            ],
            uses: vec![
                MeasureUse { measure_name: 0, kind: None, dimension: 0 },
                MeasureUse { measure_name: 0, kind: Some(MeasureType::Bigint), dimension: 0 },
            ],
        };
        let mut writer = RowWriter::default();
        let write = |writer: &mut RowWriter| {
            writer.clear();
            rows.iter().for_each(|row| writer.put(row, dimensions[row.key.series as usize].iter().copied()));
            let mut bytes = Vec::new();
            put_write(&mut bytes, TableId(8), &growth);
            bytes.extend_from_slice(&writer.bytes);
            bytes
        };
        let in_full = write(&mut writer);
        let by_number = write(&mut writer);
        writer.forget_series();
        assert_eq!(write(&mut writer), in_full);
        for (bytes, first_rows) in [(in_full, vec![0, 2]), (by_number, vec![])] {
            let Ok(Entry::Write { table, growth: read, rows: mut reader }) = read_entry(&bytes) else {
                panic!("a write")
            };
            assert_eq!((table, &read), (TableId(8), &growth));
            for (i, row) in rows.iter().enumerate() {
                let read = reader.next().unwrap().unwrap();
                let in_full = first_rows.contains(&i).then(|| &*dimensions[row.key.series as usize]);
                assert_eq!((read.series, read.dimensions), (row.key.series, in_full));
                assert_eq!(
                    (read.measure_name, read.time_ns, read.version),
                    (row.key.measure_name, row.key.time_ns, row.version)
                );
                assert_eq!(read.values, row.values);
            }
            assert!(reader.next().unwrap().is_none());
        }
    }
}
