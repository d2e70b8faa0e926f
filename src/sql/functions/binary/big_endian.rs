//! `from_big_endian_64(bytes)`, `to_big_endian_64(number)`: a bigint as eight bytes, the highest first; the same for four
//! bytes of an integer.

use super::bytes::{Bytes, collect};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::{
    arrow::datatypes::{Float64Type, Int32Type, Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, class, summary| scalar(name, Family::Binary, class, summary);
    [
        // # guide: data-modeling.html uses it
        function("from_big_endian_64", Class::Documented, "The bigint of eight bytes, the highest first.")
            .form("from_big_endian_64(varbinary) -> bigint", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect::<Int64Type>(|row| {
                    values.get(row).map(sized).transpose().map(|b| b.map(i64::from_be_bytes))
                })
            })
            .build(),
        function("to_big_endian_64", Class::Inherited, "A bigint as eight bytes, the highest first.")
            .form("to_big_endian_64(bigint) -> varbinary", |call| {
                let numbers = call.numbers::<Int64Type>(0)?;
                collect(call, |row| Ok(numbers.get(row).map(i64::to_be_bytes)))
            })
            .build(),
        function("from_big_endian_32", Class::Inherited, "The integer of four bytes, the highest first.")
            .form("from_big_endian_32(varbinary) -> integer", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect::<Int32Type>(|row| {
                    values.get(row).map(sized).transpose().map(|b| b.map(i32::from_be_bytes))
                })
            })
            .build(),
        function("to_big_endian_32", Class::Inherited, "An integer as four bytes, the highest first.")
            .form("to_big_endian_32(integer) -> varbinary", |call| {
                let numbers = call.numbers::<Int32Type>(0)?;
                collect(call, |row| Ok(numbers.get(row).map(i32::to_be_bytes)))
            })
            .build(),
        function("from_ieee754_64", Class::Inherited, "The double of eight bytes in the form of IEEE 754.")
            .form("from_ieee754_64(varbinary) -> double", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect::<Float64Type>(|row| {
                    values.get(row).map(sized).transpose().map(|b| b.map(f64::from_be_bytes))
                })
            })
            .build(),
        function("to_ieee754_64", Class::Inherited, "A double as eight bytes in the form of IEEE 754.")
            .form("to_ieee754_64(double) -> varbinary", |call| {
                let numbers = call.numbers::<Float64Type>(0)?;
                collect(call, |row| Ok(numbers.get(row).map(f64::to_be_bytes)))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    // # trino
    bytes.try_into().map_err(|_| invalid(format!("expected {N}-byte input, but got instead: {}", bytes.len())))
}
