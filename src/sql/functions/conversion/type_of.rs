//! `typeof(x)`: the name of a type. The guide uses it without describing it.

use crate::sql::{
    functions::{
        Class, Family, Function,
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types,
};
use datafusion::{
    arrow::{array::StringArray, datatypes::DataType},
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("typeof", Family::Conversion, Class::Documented, "The name of the argument's type.")
        .custom("typeof(T) -> varchar", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let [data_type] = arguments.types else { return Err(unexpected_parameters(arguments, "typeof(T)")) };
    Ok(Resolved {
        parameters: vec![data_type.clone()],
        returns: DataType::Utf8,
        kernel: |call| {
            let name = types::type_name(call.column(0)?.array.data_type());
            Ok(Arc::new(StringArray::from(vec![name; call.rows])))
        },
    })
}
