//! `bitwise_and(a, b)`, `bitwise_or(a, b)`, `bitwise_xor(a, b)`, `bitwise_not(a)`.

use crate::sql::functions::{Class, Family, Function, call::Kernel, scalar::scalar};
use datafusion::arrow::datatypes::Int64Type;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, form, summary, kernel: Kernel| {
        scalar(name, Family::Bitwise, Class::Documented, summary).form(form, kernel).build()
    };
    [
        function("bitwise_and", "bitwise_and(bigint, bigint) -> bigint", "The bits set in both.", |call| {
            call.map2::<Int64Type, Int64Type, Int64Type>(|left, right| Ok(left & right))
        }),
        function("bitwise_or", "bitwise_or(bigint, bigint) -> bigint", "The bits set in either.", |call| {
            call.map2::<Int64Type, Int64Type, Int64Type>(|left, right| Ok(left | right))
        }),
        function("bitwise_xor", "bitwise_xor(bigint, bigint) -> bigint", "The bits set in one of them only.", |call| {
            call.map2::<Int64Type, Int64Type, Int64Type>(|left, right| Ok(left ^ right))
        }),
        function("bitwise_not", "bitwise_not(bigint) -> bigint", "The bits that are not set.", |call| {
            call.map::<Int64Type, Int64Type>(|number| Ok(!number))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
