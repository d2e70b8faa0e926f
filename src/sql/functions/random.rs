//! `rand()`, `random()`, `random(n)`, `random(m, n)`, `shuffle(array)`: another result for each row.

use super::{
    Class, Family, Function,
    call::Call,
    lists::{Lists, element_type, range},
    scalar::scalar,
};
use crate::sql::error::invalid;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, Float64Array},
        datatypes::{Int32Type, Int64Type},
    },
    error::Result,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub(super) fn functions(generator: &Arc<Generator>) -> Vec<Function> {
    [
        scalar(
            "random",
            Family::Math,
            Class::Documented,
            "A random number from 0 to below 1, from 0 to below n, or from m to below n.",
        )
        .form("random() -> double", random)
        .form("random(integer) -> integer", |call| {
            let bounds = call.numbers::<Int32Type>(0)?;
            call.collect::<Int32Type>(|row| match bounds.get(row) {
                Some(bound) => Ok(i32::try_from(below(call, i64::from(bound))?).ok()),
                None => Ok(None),
            })
        })
        .form("random(bigint) -> bigint", |call| {
            let bounds = call.numbers::<Int64Type>(0)?;
            call.collect::<Int64Type>(|row| bounds.get(row).map(|bound| below(call, bound)).transpose())
        })
        .form("random(bigint, bigint) -> bigint", |call| {
            let (lows, highs) = (call.numbers::<Int64Type>(0)?, call.numbers::<Int64Type>(1)?);
            call.collect::<Int64Type>(|row| match (lows.get(row), highs.get(row)) {
                (Some(low), Some(high)) => between(call, low, high).map(Some),
                _ => Ok(None),
            })
        })
        .random(generator)
        .build(),
        scalar("rand", Family::Math, Class::Documented, "A random number from 0 to below 1.")
            .form("rand() -> double", random)
            .random(generator)
            .build(),
        scalar("shuffle", Family::Array, Class::Documented, "The elements of an array in random order.")
            .form("shuffle(array(T)) -> array(T)", shuffle)
            .random(generator)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Random numbers in a sequence that its seed decides: SplitMix64, whose state only ever counts up, so that threads can
/// share it. Not fit for secrets.
#[derive(Debug)]
pub struct Generator(AtomicU64);

impl Generator {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: [u8; 16]) -> Self {
        let folded = std::array::from_fn(|index| seed[index] ^ seed[index + 8]);
        Self(AtomicU64::new(u64::from_le_bytes(folded)))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    fn fraction(&self) -> f64 {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 * UNIT
    }

    /// A whole number from 0 to below `bound`, which is not 0.
    fn below(&self, bound: u64) -> u64 {
        let scaled = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(scaled).unwrap_or_default()
    }
}

fn random(call: &Call) -> Result<ArrayRef> {
    let generator = call.generator()?;
    Ok(Arc::new((0..call.rows).map(|_| Some(generator.fraction())).collect::<Float64Array>()))
}

fn below(call: &Call, bound: i64) -> Result<i64> {
    match u64::try_from(bound) {
        Ok(bound @ 1..) => Ok(i64::try_from(call.generator()?.below(bound)).unwrap_or_default()),
        _ => Err(invalid("bound must be positive")), // # inferred: Presto's words
    }
}

/// # trino: `random(m, n)`, its words
fn between(call: &Call, low: i64, high: i64) -> Result<i64> {
    if low >= high {
        return Err(invalid("start value must be less than stop value"));
    }
    let drawn = call.generator()?.below(high.abs_diff(low));
    Ok(low.wrapping_add_unsigned(drawn))
}

fn shuffle(call: &Call) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let generator = call.generator()?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(list.values())]);
    for row in 0..call.rows {
        let at = column.index(row);
        if list.is_null(at) {
            lists.end_null_row();
            continue;
        }
        let mut places: Vec<usize> = range(list, at).collect();
        // Every element changes places with one of those up to it.
        for last in (1..places.len()).rev() {
            let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
            let other = usize::try_from(generator.below(bound)).unwrap_or_default();
            places.swap(last, other);
        }
        places.into_iter().for_each(|place| lists.push(0, place));
        lists.end_row()?;
    }
    lists.finish(call.returns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_within_their_bounds_and_vary() {
        let generator = Generator::new([7; 16]);
        let mut seen = [0; 10];
        for _ in 0..1_000 {
            seen[usize::try_from(generator.below(10)).unwrap()] += 1;
            assert!((0.0..1.0).contains(&generator.fraction()));
        }
        assert!(seen.iter().all(|count| (50..200).contains(count)), "{seen:?}");
        assert_eq!(generator.below(1), 0);
    }

    #[test]
    fn a_seed_decides_the_sequence() {
        let draw = |seed: u8| {
            let generator = Generator::new(std::array::from_fn(|index| if index == 0 { seed } else { 0 }));
            (generator.next(), generator.next())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1).0, draw(1).1);
    }
}
