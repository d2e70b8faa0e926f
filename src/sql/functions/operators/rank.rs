//! `__rank_first(x)`, `__rank_last(x)`: integers in the order of doubles, NaN before or after all others. `__ranked(n)`: the
//! double of such an integer. The engine's aggregates each treat NaN in a way of their own; integers they all order alike.

use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{Float64Type, Int64Type},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Operator, Class::Internal, summary);
    [
        function("__rank_first", "An integer in the order of doubles, NaN the least.")
            .form("__rank_first(double) -> bigint", |call| ranks(call, i64::MIN))
            .build(),
        function("__rank_last", "An integer in the order of doubles, NaN the greatest.")
            .form("__rank_last(double) -> bigint", |call| ranks(call, i64::MAX))
            .build(),
        function("__ranked", "The double of such an integer.")
            .form("__ranked(bigint) -> double", |call| call.map::<Int64Type, Float64Type>(|rank| Ok(double(rank))))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn ranks(call: &Call, nan: i64) -> Result<ArrayRef> {
    call.map::<Float64Type, Int64Type>(|value| {
        Ok(if value.is_nan() { nan } else { in_order(value.to_bits().cast_signed()) })
    })
}

/// The bits of a double as an integer that orders like it; its own inverse.
fn in_order(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn double(rank: i64) -> f64 {
    match rank {
        // Of no double but some NaN.
        i64::MIN | i64::MAX => f64::NAN,
        rank => f64::from_bits(in_order(rank).cast_unsigned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_order_like_doubles() {
        let doubles =
            [f64::NEG_INFINITY, f64::MIN, -1.5, -f64::from_bits(1), -0.0, 0.0, f64::from_bits(1), 2.0, f64::INFINITY];
        let ranks = doubles.map(|value: f64| in_order(value.to_bits().cast_signed()));
        assert!(ranks.is_sorted() && ranks[0] > i64::MIN && ranks[8] < i64::MAX);
        assert_eq!(ranks.map(|rank| double(rank).to_bits()), doubles.map(f64::to_bits));
        assert!(double(i64::MIN).is_nan() && double(i64::MAX).is_nan());
    }
}
