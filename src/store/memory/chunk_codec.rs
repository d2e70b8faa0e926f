//! The bytes of a chunk: its series in full, so that it can be read on its own but for the schema of its table.

use super::{
    columns::{ColumnArray, ColumnTail},
    doubles::{put_doubles, read_doubles},
    sealed::{Run, SealedRows},
    series::{SeriesId, SeriesView},
};
use crate::{
    model::record::{MeasureType, Value},
    store::{
        codec::{Malformed, Reader, put_i64, put_str, put_u64, put_usize},
        pace,
    },
};
use datafusion::arrow::{
    array::{Array, Float64Array},
    buffer::NullBuffer,
};
use hashbrown::HashMap;

/// Marks a column's type when its values are packed ([`super::doubles`]); the first version did not pack.
const PACKED: u8 = 0x80;

/// A chunk as it is read: its series are numbered within it.
#[derive(Debug)]
pub(crate) struct DecodedChunk {
    /// The dimensions of every series.
    pub(crate) series: Vec<Vec<(u16, String)>>,
    pub(crate) rows: SealedRows,
}

/// Appends a chunk.
pub(crate) fn put_chunk(out: &mut Vec<u8>, rows: &SealedRows, series: &SeriesView) {
    let mut numbers: HashMap<SeriesId, usize> = HashMap::new();
    let mut listed = Vec::new();
    for run in &rows.runs {
        numbers.entry(run.series).or_insert_with(|| {
            listed.push(run.series);
            listed.len() - 1
        });
    }
    put_usize(out, listed.len());
    for id in listed {
        let dimensions = series.dimensions(id);
        put_usize(out, dimensions.len());
        for (dimension, value) in dimensions {
            put_u64(out, dimension.into());
            put_str(out, value);
        }
    }
    put_usize(out, rows.runs.len());
    for (i, run) in rows.runs.iter().enumerate() {
        put_usize(out, numbers[&run.series]);
        put_u64(out, run.measure_name.into());
        put_usize(out, rows.run_rows(i).len());
    }
    let mut last = 0_i64;
    for time_ns in &rows.times {
        put_i64(out, time_ns.wrapping_sub(last));
        last = *time_ns;
    }
    out.push(u8::from(!rows.versions.is_empty()));
    rows.versions.iter().for_each(|version| put_i64(out, *version));
    put_usize(out, rows.columns.len());
    for (id, column) in rows.column_ids.iter().zip(&rows.columns) {
        put_u64(out, (*id).into());
        put_column(out, column);
        pace::rest();
    }
}

/// Reads a chunk, which must be all there is.
pub(crate) fn read_chunk(reader: &mut Reader<'_>) -> Result<DecodedChunk, Malformed> {
    let mut series = Vec::new();
    for _ in 0..reader.length()? {
        let mut dimensions = Vec::new();
        for _ in 0..reader.length()? {
            dimensions.push((reader.number()?, reader.str()?.to_owned()));
        }
        series.push(dimensions);
    }
    let (mut runs, mut end) = (Vec::new(), 0_u32);
    for _ in 0..reader.length()? {
        let number: SeriesId = reader.number()?;
        if number as usize >= series.len() {
            return Err(Malformed);
        }
        let measure_name = reader.number()?;
        end = end.checked_add(reader.number()?).ok_or(Malformed)?;
        runs.push(Run { series: number, measure_name, end });
    }
    let rows = end as usize;
    let mut last = 0_i64;
    let mut times = Vec::new();
    for _ in 0..rows {
        last = last.wrapping_add(reader.i64()?);
        times.push(last);
    }
    let mut versions = Vec::new();
    if reader.bool()? {
        for _ in 0..rows {
            versions.push(reader.i64()?);
        }
    }
    let (mut column_ids, mut columns) = (Vec::new(), Vec::new());
    for _ in 0..reader.length()? {
        column_ids.push(reader.number()?);
        columns.push(read_column(reader, rows)?);
    }
    let rows = SealedRows::new(runs, times.into(), versions.into(), column_ids, columns).ok_or(Malformed)?;
    Ok(DecodedChunk { series, rows })
}

fn put_column(out: &mut Vec<u8>, column: &ColumnArray) {
    let number = MeasureType::ALL.iter().position(|known| *known == column.value_type()).unwrap_or(0) as u8;
    match column {
        ColumnArray::Double(array) => {
            out.push(number | PACKED);
            put_packed(out, array);
        }
        ColumnArray::Bigint(array) => put_plain(out, number, array, |out, row| put_i64(out, array.value(row))),
        ColumnArray::Boolean(array) => put_plain(out, number, array, |out, row| out.push(u8::from(array.value(row)))),
        ColumnArray::Varchar(array) => put_plain(out, number, array, |out, row| put_str(out, array.value(row))),
        ColumnArray::Timestamp(array) => put_plain(out, number, array, |out, row| put_i64(out, array.value(row))),
    }
}

/// Which values are there, and then those.
fn put_packed(out: &mut Vec<u8>, array: &Float64Array) {
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            out.push(0);
            put_doubles(out, array.values());
        }
        Some(nulls) => {
            out.push(1);
            out.extend(nulls.iter().map(u8::from));
            put_doubles(out, &array.iter().flatten().collect::<Vec<_>>());
        }
    }
}

/// Row by row whether there is a value, and it.
fn put_plain(out: &mut Vec<u8>, number: u8, array: &dyn Array, put: impl Fn(&mut Vec<u8>, usize)) {
    let has_absent = array.null_count() > 0;
    out.extend([number, u8::from(has_absent)]);
    for row in 0..array.len() {
        if has_absent {
            out.push(u8::from(array.is_valid(row)));
        }
        if array.is_valid(row) {
            put(out, row);
        }
    }
}

fn read_column(reader: &mut Reader<'_>, rows: usize) -> Result<ColumnArray, Malformed> {
    let tag = reader.u8()?;
    let value_type = *MeasureType::ALL.get(usize::from(tag & !PACKED)).ok_or(Malformed)?;
    let has_absent = reader.bool()?;
    match (tag & PACKED != 0, value_type) {
        (false, _) => read_plain(reader, rows, value_type, has_absent),
        (true, MeasureType::Double) => read_packed(reader, rows, has_absent),
        (true, _) => Err(Malformed),
    }
}

fn read_packed(reader: &mut Reader<'_>, rows: usize, has_absent: bool) -> Result<ColumnArray, Malformed> {
    if !has_absent {
        return Ok(ColumnArray::Double(Float64Array::new(read_doubles(reader, rows)?.into(), None)));
    }
    let nulls = (0..rows).map(|_| reader.bool()).collect::<Result<NullBuffer, _>>()?;
    let mut there = read_doubles(reader, rows - nulls.null_count())?.into_iter();
    let values = nulls.iter().map(|is_there| if is_there { there.next().unwrap_or(0.0) } else { 0.0 }).collect();
    Ok(ColumnArray::Double(Float64Array::new(values, Some(nulls))))
}

fn read_plain(
    reader: &mut Reader<'_>,
    rows: usize,
    value_type: MeasureType,
    has_absent: bool,
) -> Result<ColumnArray, Malformed> {
    let mut column = ColumnTail::new(value_type);
    for _ in 0..rows {
        let is_valid = !has_absent || reader.bool()?;
        let value = match value_type {
            _ if !is_valid => None,
            // As the first version wrote them.
            MeasureType::Double => Some(Value::Double(f64::from_bits(reader.fixed_u64()?))),
            MeasureType::Bigint => Some(Value::Bigint(reader.i64()?)),
            MeasureType::Boolean => Some(Value::Boolean(reader.bool()?)),
            MeasureType::Varchar => Some(Value::Varchar(reader.str()?)),
            MeasureType::Timestamp => Some(Value::Timestamp(reader.i64()?)),
        };
        column.push(value);
    }
    Ok(column.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::series::SeriesTable;

    #[test]
    fn a_chunk_comes_back_and_no_part_of_one_does() {
        let mut series = SeriesTable::default();
        series.add(0, [(0, "never used")].into_iter());
        series.add(1, [(0, "a"), (3, "é")].into_iter());
        series.add(2, [(1, "b")].into_iter());
        let column = |values: [Option<Value<'_>>; 3]| {
            let mut column = ColumnTail::new(values[0].map_or(MeasureType::Varchar, |value| value.measure_type()));
            values.into_iter().for_each(|value| column.push(value));
            column.freeze()
        };
        let rows = SealedRows::new(
            vec![Run { series: 1, measure_name: 0, end: 2 }, Run { series: 2, measure_name: 7, end: 3 }],
            vec![-5, 9, i64::MIN].into(),
            vec![1, 2, i64::MAX].into(),
            vec![0, 1, 2, 3, 4],
            vec![
                column([Some(Value::Double(-0.0)), Some(Value::Double(1.0)), Some(Value::Double(f64::MAX))]),
                column([Some(Value::Bigint(i64::MIN)), None, Some(Value::Bigint(3))]),
                column([Some(Value::Boolean(true)), Some(Value::Boolean(false)), None]),
                column([None, Some(Value::Varchar("")), Some(Value::Varchar("é"))]),
                column([Some(Value::Timestamp(0)), Some(Value::Timestamp(1)), Some(Value::Timestamp(i64::MAX))]),
            ],
        )
        .unwrap();
        let mut bytes = Vec::new();
        put_chunk(&mut bytes, &rows, &series.view());
        let decoded = read_chunk(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(decoded.series, [vec![(0, "a".to_owned()), (3, "é".to_owned())], vec![(1, "b".to_owned())]]);
        let numbers = [0, 1];
        assert_eq!(decoded.rows.runs.iter().map(|run| run.series).collect::<Vec<_>>(), numbers);
        assert_eq!((&decoded.rows.times, &decoded.rows.versions), (&rows.times, &rows.versions));
        for (read, written) in decoded.rows.columns.iter().zip(&rows.columns) {
            assert_eq!(read.array().to_data(), written.array().to_data());
        }
        for length in 0..bytes.len() {
            assert!(read_chunk(&mut Reader::new(&bytes[..length])).is_err(), "cut at {length}");
        }
    }
}
