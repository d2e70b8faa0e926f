//! `bit_count(x, bits)`: how many bits of a number are set when it is kept in so many bits.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::{arrow::datatypes::Int64Type, error::Result};

pub(super) fn functions() -> Vec<Function> {
    scalar("bit_count", Family::Bitwise, Class::Documented, "How many bits are set in a number of so many bits.")
        .form("bit_count(bigint, bigint) -> bigint", |call| call.map2::<Int64Type, Int64Type, Int64Type>(bit_count))
        .build()
}

fn bit_count(number: i64, bits: i64) -> Result<i64> {
    if !(2..=64).contains(&bits) {
        // # trino
        return Err(invalid(format!("Bits specified in bit_count must be between 2 and 64, got {bits}")));
    }
    let unused = 64 - bits;
    // The number comes back when it fits, its sign spread over the unused bits.
    if (number << unused) >> unused != number {
        // # guide: bitwise-functions.html
        return Err(invalid(format!(
            "Number must be representable with the bits specified. {number} can not be represented with {bits} bits"
        )));
    }
    Ok(i64::from((number << unused).count_ones()))
}
