//! `__same(x)`: what stands for a value where the engine compares by bits: sorting, grouping, partitions, DISTINCT.

use crate::sql::functions::{Class, Family, Function, call::Column, compare::same_zeros, scalar::scalar};

pub(super) fn functions() -> Vec<Function> {
    scalar("__same", Family::Operator, Class::Internal, "The value, with one zero and one NaN for all.")
        .form("__same(T) -> T", |call| {
            let column = call.column(0)?;
            Column { array: same_zeros(&column.array)?, constant: column.constant }.expand(call.rows)
        })
        .build()
}
