//! `approx_distinct(x[, e])`: about how many different values there are. Exact while they are few, then HyperLogLog with
//! 65,536 registers: a standard error of 0.4 %, the smallest `e` that may be asked for.
//! # guide: aggregate-functions.html: 2.3 % by default, `e` in [0.0040625, 0.26000], 0 when all values are NULL

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate, row_states},
};
use crate::sql::{
    error::invalid,
    functions::{call::primitive, compare::same_zeros},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array},
        datatypes::{DataType, Float64Type},
        row::{RowConverter, SortField},
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, DefaultHasher, Hasher},
    sync::Arc,
};

pub(super) fn functions() -> Vec<Function> {
    let implementation = Implementation::Own(Own {
        accumulator: |types: &Types| {
            let hasher = RowHasher::try_new(&types.parameters[0])?;
            Ok(Box::new(Distinct { hasher, sketch: Sketch::default() }))
        },
        state: |_| vec![DataType::Binary],
        groups: Some(|types| Ok(Box::new(DistinctOfGroups::try_new(&types.parameters[0])?))),
    });
    aggregate("approx_distinct", Class::Documented, "About how many different values there are.")
        .form("approx_distinct(T) -> bigint", implementation)
        .form("approx_distinct(T, double) -> bigint", implementation)
        .build()
}

const REGISTER_BITS: u32 = 16;
const REGISTERS: usize = 1 << REGISTER_BITS;
/// Different values up to which they are counted exactly.
const EXACT_MAX: usize = 8_192;

#[derive(Debug)]
enum Sketch {
    /// The hashes seen.
    Exact(HashSet<u64, BuildHasherDefault<Hashed>>),
    /// For each register the longest run of leading zeros, plus one.
    Registers(Vec<u8>),
}

/// The hasher of what is a hash already.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only hashes come here, and they by `write_u64`; any other bytes still make some hash.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Exact(HashSet::default())
    }
}

impl Sketch {
    fn add(&mut self, hash: u64) {
        match self {
            Self::Exact(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT_MAX {
                    let mut registers = vec![0; REGISTERS];
                    hashes.iter().for_each(|hash| register(&mut registers, *hash));
                    *self = Self::Registers(registers);
                }
            }
            Self::Registers(registers) => register(registers, hash),
        }
    }

    fn count(&self) -> i64 {
        let registers = match self {
            Self::Exact(hashes) => return i64::try_from(hashes.len()).unwrap_or(i64::MAX),
            Self::Registers(registers) => registers,
        };
        let count = REGISTERS as f64;
        let sum: f64 = registers.iter().map(|run| 2f64.powi(-i32::from(*run))).sum();
        let estimate = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
        let empty = registers.iter().filter(|run| **run == 0).count();
        // While many registers are empty, their number says more than the runs do.
        let estimate = match empty {
            1.. if estimate <= 2.5 * count => count * (count / empty as f64).ln(),
            _ => estimate,
        };
        estimate.round() as i64
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Exact(hashes) => hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect(),
            Self::Registers(registers) => registers.clone(),
        }
    }

    /// Its partial state.
    fn state(&self) -> Vec<u8> {
        let tag = u8::from(matches!(self, Self::Exact(_)));
        std::iter::once(tag).chain(self.bytes()).collect()
    }

    /// Adds what another sketch's partial state tells.
    fn merge_state(&mut self, state: &[u8]) -> Result<()> {
        match state.split_first() {
            Some((1, bytes)) => self.merge(bytes, true),
            Some((0, bytes)) if bytes.len() == REGISTERS => self.merge(bytes, false),
            _ => return Err(internal_datafusion_err!("a sketch of {} bytes", state.len())),
        }
        Ok(())
    }

    fn size(&self) -> usize {
        match self {
            Self::Exact(hashes) => hashes.capacity() * 9,
            Self::Registers(registers) => registers.len(),
        }
    }

    /// Adds what another sketch has seen: its hashes, or its registers.
    fn merge(&mut self, bytes: &[u8], exact: bool) {
        if exact {
            let (hashes, _) = bytes.as_chunks::<8>();
            hashes.iter().for_each(|hash| self.add(u64::from_le_bytes(*hash)));
            return;
        }
        let mut merged = bytes.to_vec();
        match self {
            Self::Exact(hashes) => hashes.iter().for_each(|hash| register(&mut merged, *hash)),
            Self::Registers(registers) => {
                merged.iter_mut().zip(registers).for_each(|(merged, ours)| *merged = (*merged).max(*ours));
            }
        }
        *self = Self::Registers(merged);
    }
}

fn register(registers: &mut [u8], hash: u64) {
    // The lowest bits choose the register, the run is counted in the others.
    let index = usize::try_from(hash).unwrap_or(usize::MAX) % REGISTERS;
    let rest = hash >> REGISTER_BITS;
    let run = rest.leading_zeros() - REGISTER_BITS + 1;
    let run = u8::try_from(run).unwrap_or(u8::MAX);
    registers[index] = registers[index].max(run);
}

/// Hashes values of any type.
#[derive(Debug)]
struct RowHasher {
    converter: RowConverter,
}

impl RowHasher {
    fn try_new(data_type: &DataType) -> Result<Self> {
        Ok(Self { converter: RowConverter::new(vec![SortField::new(data_type.clone())])? })
    }

    /// Hands out the hash of each row that is not NULL and kept.
    fn each(
        &mut self,
        columns: &[ArrayRef],
        filter: Option<&BooleanArray>,
        mut add: impl FnMut(usize, u64),
    ) -> Result<()> {
        check_error(columns.get(1))?;
        let nulls = columns[0].logical_nulls();
        let rows = self.converter.convert_columns(&[same_zeros(&columns[0])?])?;
        for (index, row) in rows.iter().enumerate() {
            let kept = filter.is_none_or(|filter| filter.is_valid(index) && filter.value(index));
            if kept && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(index)) {
                // Its keys are fixed, so that partial results of different places fit together.
                let mut hasher = DefaultHasher::new();
                hasher.write(row.as_ref());
                add(index, hasher.finish());
            }
        }
        Ok(())
    }
}

fn check_error(errors: Option<&ArrayRef>) -> Result<()> {
    let Some(errors) = errors else { return Ok(()) };
    match primitive::<Float64Type>(errors)?.iter().next() {
        Some(error) if !error.is_some_and(|error| (0.004_062_5..=0.26).contains(&error)) => {
            // # inferred: Presto's words
            Err(invalid("Max Standard Error must be in [0.0040625, 0.26000]"))
        }
        _ => Ok(()),
    }
}

#[derive(Debug)]
struct Distinct {
    hasher: RowHasher,
    sketch: Sketch,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.hasher.each(columns, None, |_, hash| self.sketch.add(hash))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.sketch.count())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sketch.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.sketch.state()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        states[0].as_binary::<i32>().iter().flatten().try_for_each(|state| self.sketch.merge_state(state))
    }
}

/// A sketch for each group.
#[derive(Debug)]
struct DistinctOfGroups {
    data_type: DataType,
    hasher: RowHasher,
    sketches: Vec<Sketch>,
}

impl DistinctOfGroups {
    fn try_new(data_type: &DataType) -> Result<Self> {
        let hasher = RowHasher::try_new(data_type)?;
        Ok(Self { data_type: data_type.clone(), hasher, sketches: Vec::new() })
    }
}

impl GroupsAccumulator for DistinctOfGroups {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sketches.resize_with(total, Sketch::default);
        self.hasher.each(columns, filter, |row, hash| self.sketches[groups[row]].add(hash))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sketches = emit_to.take_needed(&mut self.sketches);
        Ok(Arc::new(sketches.iter().map(|sketch| Some(sketch.count())).collect::<Int64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sketches = emit_to.take_needed(&mut self.sketches);
        Ok(vec![Arc::new(BinaryArray::from_iter_values(sketches.iter().map(Sketch::state)))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.sketches.resize_with(total, Sketch::default);
        for (state, group) in states[0].as_binary::<i32>().iter().zip(groups) {
            self.sketches[*group].merge_state(state.unwrap_or_default())?;
        }
        Ok(())
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::try_new(&self.data_type)?, columns, filter)
    }

    fn size(&self) -> usize {
        let sketches: usize = self.sketches.iter().map(Sketch::size).sum();
        size_of_val(self) + sketches + self.sketches.capacity() * size_of::<Sketch>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: std::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(value);
            sketch.add(hasher.finish());
        }
        sketch
    }

    #[test]
    fn counts_are_exact_or_close() {
        let check = |count: u64| {
            let got = sketch(0..count).count() as f64;
            assert!((got - count as f64).abs() <= count as f64 * 0.02, "{got} of {count}");
        };
        assert_eq!(sketch(0..0).count(), 0);
        assert_eq!(sketch(0..8_192).count(), 8_192);
        check(8_193);
        check(100_000);
        check(200_000);
        check(500_000);
    }

    #[test]
    fn merged_sketches_count_what_either_saw() {
        let check = |left: std::ops::Range<u64>, right: std::ops::Range<u64>, expect: u64| {
            let mut merged = sketch(left);
            let right = sketch(right);
            merged.merge(&right.bytes(), matches!(right, Sketch::Exact(_)));
            let got = merged.count() as f64;
            assert!((got - expect as f64).abs() <= expect as f64 * 0.02, "{got} of {expect}");
        };
        check(0..100, 50..200, 200);
        check(0..100, 50..20_000, 20_000);
        check(0..20_000, 50..200, 20_000);
        check(0..20_000, 10_000..50_000, 50_000);
    }
}
