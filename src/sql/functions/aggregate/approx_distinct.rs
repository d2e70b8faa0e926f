//! `approx_distinct(x[, e])`: about how many different values there are. Exact while they are few, then HyperLogLog with
//! 65,536 registers: a standard error of 0.4 %, the smallest `e` that may be asked for.
//! # guide: aggregate-functions.html: 2.3 % by default, `e` in [0.0040625, 0.26000], 0 when all values are NULL

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate},
};
use crate::sql::{error::invalid, functions::call::primitive};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::{DataType, Float64Type},
        row::{RowConverter, SortField},
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::Accumulator,
};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher},
};

pub(super) fn functions() -> Vec<Function> {
    let implementation = Implementation::Own(Own {
        accumulator: |types: &Types| {
            let converter = RowConverter::new(vec![SortField::new(types.parameters[0].clone())])?;
            Ok(Box::new(Distinct { converter, sketch: Sketch::Exact(HashSet::new()) }))
        },
        state: |_| vec![DataType::Binary],
        groups: None,
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
    Exact(HashSet<u64>),
    /// For each register the longest run of leading zeros, plus one.
    Registers(Vec<u8>),
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

#[derive(Debug)]
struct Distinct {
    converter: RowConverter,
    sketch: Sketch,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        if let Some(errors) = columns.get(1) {
            let errors = primitive::<Float64Type>(errors)?;
            if let Some(error) = errors.iter().next()
                && !error.is_some_and(|error| (0.004_062_5..=0.26).contains(&error))
            {
                // # inferred: Presto's words
                return Err(invalid("Max Standard Error must be in [0.0040625, 0.26000]"));
            }
        }
        let nulls = columns[0].logical_nulls();
        let rows = self.converter.convert_columns(&columns[..1])?;
        for (index, row) in rows.iter().enumerate() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(index)) {
                // Its keys are fixed, so that partial results of different places fit together.
                let mut hasher = DefaultHasher::new();
                hasher.write(row.as_ref());
                self.sketch.add(hasher.finish());
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.sketch.count())))
    }

    fn size(&self) -> usize {
        let sketch = match &self.sketch {
            Sketch::Exact(hashes) => hashes.capacity() * 9,
            Sketch::Registers(registers) => registers.len(),
        };
        size_of_val(self) + sketch
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let tag = u8::from(matches!(self.sketch, Sketch::Exact(_)));
        let bytes = std::iter::once(tag).chain(self.sketch.bytes()).collect();
        Ok(vec![ScalarValue::Binary(Some(bytes))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for state in states[0].as_binary::<i32>().iter().flatten() {
            match state.split_first() {
                Some((1, bytes)) => self.sketch.merge(bytes, true),
                Some((0, bytes)) if bytes.len() == REGISTERS => self.sketch.merge(bytes, false),
                _ => return Err(internal_datafusion_err!("a sketch of {} bytes", state.len())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: std::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::Exact(HashSet::new());
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
