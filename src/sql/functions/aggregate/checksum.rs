//! `checksum(x)`: eight bytes that are the same for the same values in any order. # trino: the sum of the values' XXH64
//! hashes, each multiplied by a prime; NULL counts as that prime; no rows give NULL

use super::{
    super::{Class, Function},
    function::{Implementation, Own, aggregate, row_states},
};
use crate::sql::functions::call::{list, primitive};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array},
        compute,
        datatypes::{ArrowNativeType, DataType, Date32Type, Float64Type, Int32Type, Int64Type},
    },
    common::{ScalarValue, internal_datafusion_err, internal_err},
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::sync::Arc;
use twox_hash::XxHash64;

pub(super) fn functions() -> Vec<Function> {
    let implementation = Implementation::Own(Own {
        accumulator: |_| Ok(Box::new(Checksums { sums: vec![None] })),
        state: |_| vec![DataType::Int64],
        groups: Some(|_| Ok(Box::new(Checksums { sums: Vec::new() }))),
    });
    aggregate("checksum", Class::Inherited, "Eight bytes that tell sets of values apart, in whatever order they come.")
        .form("checksum(T) -> varbinary", implementation)
        .build()
}

/// What every hash is multiplied by. # trino
const FACTOR: i64 = 0x9e37_79b1_85eb_ca87_u64.cast_signed();

/// One sum for each group, `None` without rows; as an [`Accumulator`], of one group.
#[derive(Debug)]
struct Checksums {
    sums: Vec<Option<i64>>,
}

impl Checksums {
    fn add(&mut self, values: &ArrayRef, kept: Option<&BooleanArray>, group: impl Fn(usize) -> usize) -> Result<()> {
        for (row, hash) in hashes(values)?.into_iter().enumerate() {
            if kept.is_none_or(|kept| kept.is_valid(row) && kept.value(row)) {
                self.add_to(group(row), hash.unwrap_or(1).wrapping_mul(FACTOR));
            }
        }
        Ok(())
    }

    fn add_to(&mut self, group: usize, part: i64) {
        let sum = &mut self.sums[group];
        *sum = Some(sum.unwrap_or(0).wrapping_add(part));
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) -> Result<()> {
        let sums = primitive::<Int64Type>(&states[0])?;
        for (row, sum) in sums.iter().enumerate() {
            sum.into_iter().for_each(|sum| self.add_to(group(row), sum));
        }
        Ok(())
    }
}

impl Accumulator for Checksums {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.add(&columns[0], None, |_| 0)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Binary(self.sums[0].map(|sum| sum.to_le_bytes().to_vec())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + size_of::<Option<i64>>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(self.sums[0])])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(states, |_| 0)
    }
}

impl GroupsAccumulator for Checksums {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, None);
        self.add(&columns[0], filter, |row| groups[row])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums);
        Ok(Arc::new(sums.into_iter().map(|sum| sum.map(i64::to_le_bytes)).collect::<BinaryArray>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(Int64Array::from(emit_to.take_needed(&mut self.sums)))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.sums.resize(total, None);
        self.merge(states, |row| groups[row])
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self { sums: Vec::new() }, columns, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.capacity() * size_of::<Option<i64>>()
    }
}

/// The hash of each value, `None` for NULL.
fn hashes(values: &ArrayRef) -> Result<Vec<Option<i64>>> {
    Ok(match values.data_type() {
        DataType::Null => vec![None; values.len()],
        DataType::Boolean => values.as_boolean().iter().map(|v| v.map(|v| of_integer(i64::from(v)))).collect(),
        DataType::Int32 => primitive::<Int32Type>(values)?.iter().map(|v| v.map(|v| of_integer(v.into()))).collect(),
        DataType::Date32 => primitive::<Date32Type>(values)?.iter().map(|v| v.map(|v| of_integer(v.into()))).collect(),
        DataType::Int64 => integers(values)?.iter().map(|v| v.map(of_integer)).collect(),
        DataType::Float64 => primitive::<Float64Type>(values)?.iter().map(|v| v.map(of_double)).collect(),
        DataType::Utf8 => values.as_string::<i32>().iter().map(|v| v.map(|v| of_bytes(v.as_bytes()))).collect(),
        DataType::Binary => values.as_binary::<i32>().iter().map(|v| v.map(of_bytes)).collect(),
        // # trino: microseconds and the picoseconds that are left
        DataType::Timestamp(..) => integers(values)?.iter().map(|v| v.map(of_timestamp)).collect(),
        // # trino: a time is counted in picoseconds
        DataType::Time64(_) => integers(values)?.iter().map(|v| v.map(|v| of_integer(v.wrapping_mul(1_000)))).collect(),
        // # inferred: Presto's intervals know milliseconds at most
        DataType::Duration(_) | DataType::Interval(_) => integers(values)?.iter().map(|v| v.map(of_integer)).collect(),
        DataType::List(_) => of_lists(values)?,
        DataType::Struct(_) => of_rows(values)?,
        other => return internal_err!("no checksum of {other}"),
    })
}

fn integers(values: &ArrayRef) -> Result<Int64Array> {
    let values = compute::cast(values, &DataType::Int64)?;
    values.as_primitive_opt().cloned().ok_or_else(|| internal_datafusion_err!("no integers"))
}

fn of_bytes(bytes: &[u8]) -> i64 {
    XxHash64::oneshot(0, bytes).cast_signed()
}

fn of_integer(value: i64) -> i64 {
    of_bytes(&value.to_le_bytes())
}

fn of_double(value: f64) -> i64 {
    // One zero and one NaN, as Java's doubleToLongBits has it.
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    of_integer(value.to_bits().cast_signed())
}

fn of_timestamp(nanoseconds: i64) -> i64 {
    of_integer(nanoseconds.div_euclid(1_000)) ^ of_integer(nanoseconds.rem_euclid(1_000) * 1_000)
}

/// One hash after the other; NULL has the hash 0. # trino
fn combined(start: i64, hashes: impl Iterator<Item = Option<i64>>) -> i64 {
    hashes.fold(start, |all, hash| all.wrapping_mul(31).wrapping_add(hash.unwrap_or(0)))
}

fn of_lists(values: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let lists = list(values)?;
    let items = hashes(lists.values())?;
    let of_row = |row: usize| {
        let (from, to) = (lists.value_offsets()[row].as_usize(), lists.value_offsets()[row + 1].as_usize());
        lists.is_valid(row).then(|| combined(0, items[from..to].iter().copied()))
    };
    Ok((0..lists.len()).map(of_row).collect())
}

fn of_rows(values: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let rows = values.as_struct();
    let columns = rows.columns().iter().map(hashes).collect::<Result<Vec<_>>>()?;
    let of_row = |row: usize| rows.is_valid(row).then(|| combined(1, columns.iter().map(|column| column[row])));
    Ok((0..rows.len()).map(of_row).collect())
}
