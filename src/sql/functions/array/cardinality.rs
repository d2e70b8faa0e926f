//! `cardinality(array)`: how many elements it has.

use crate::sql::functions::{Class, Family, Function, lists::range, scalar::scalar};
use datafusion::arrow::{array::Array, datatypes::Int64Type};

pub(super) fn functions() -> Vec<Function> {
    scalar("cardinality", Family::Array, Class::Documented, "How many elements an array has.")
        .form("cardinality(array(T)) -> bigint", |call| {
            let (list, column) = call.lists(0)?;
            call.collect::<Int64Type>(|row| {
                let at = column.index(row);
                let length = i64::try_from(range(list, at).len()).ok();
                Ok(if list.is_valid(at) { length } else { None })
            })
        })
        .build()
}
