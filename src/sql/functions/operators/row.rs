//! `__row(a, b, …)`: `ROW(a, b)` and `(a, b)`. `__field(row, index)`: `row.name`, the index counted from 0.

use crate::sql::{
    functions::{
        Class, Family, Function,
        call::{Call, Column},
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::anonymous_row,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, StructArray},
        compute,
        datatypes::DataType,
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("__row", Family::Operator, Class::Internal, "A row of the arguments, its fields without names.")
            .custom("__row(T, U, ...) -> row(T, U, ...)", resolve_row)
            .build(),
        scalar("row", Family::Operator, Class::Documented, "A row of the arguments, its fields without names.")
            .custom("row(T, U, ...) -> row(T, U, ...)", resolve_row)
            .build(),
        scalar("__field", Family::Operator, Class::Internal, "A field of a row.")
            .custom("__field(row, bigint) -> T", resolve_field)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn resolve_row(arguments: &Arguments) -> Result<Resolved> {
    if arguments.types.is_empty() {
        return Err(unexpected_parameters(arguments, "row(T, U, ...)"));
    }
    Ok(Resolved {
        parameters: arguments.types.to_vec(),
        returns: anonymous_row(arguments.types.iter().cloned()),
        kernel: row,
    })
}

fn row(call: &Call) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.returns else { return Err(internal_datafusion_err!("not a row")) };
    let columns = call.columns.iter().map(|column| column.expand(call.rows)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, call.rows)?))
}

fn resolve_field(arguments: &Arguments) -> Result<Resolved> {
    let index = match arguments.literals.get(1).copied().flatten() {
        Some(ScalarValue::Int64(Some(index))) => usize::try_from(*index).ok(),
        Some(ScalarValue::Int32(Some(index))) => usize::try_from(*index).ok(),
        _ => None,
    };
    let field = match (arguments.types, index) {
        ([DataType::Struct(fields), _], Some(index)) => fields.get(index),
        _ => None,
    };
    let Some(field) = field else { return Err(unexpected_parameters(arguments, "__field(row, bigint)")) };
    Ok(Resolved {
        parameters: vec![arguments.types[0].clone(), DataType::Int64],
        returns: field.data_type().clone(),
        kernel: field_of,
    })
}

fn field_of(call: &Call) -> Result<ArrayRef> {
    let rows = call.column(0)?;
    let index = call.numbers::<datafusion::arrow::datatypes::Int64Type>(1)?.get(0).unwrap_or_default();
    let row = rows.array.as_struct();
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let field = row.columns().get(index).ok_or_else(|| internal_datafusion_err!("field {index}"))?;
    // The field of a NULL row is NULL.
    let field = match row.nulls() {
        Some(nulls) if *field.data_type() != DataType::Null => {
            compute::nullif(field, &BooleanArray::new(!nulls.inner(), None))?
        }
        _ => Arc::clone(field),
    };
    Column { array: field, constant: rows.constant }.expand(call.rows)
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::tests::{call, invoke};
    use crate::sql::types::parse_type;
    use datafusion::{common::ScalarValue, logical_expr::ColumnarValue};

    #[test]
    fn rows_and_their_fields() {
        assert_eq!(call("__row", &[1i32.into(), "a".into(), ScalarValue::Null]), "(1, a, NULL)");
        let row = ScalarValue::try_from(&parse_type("row(a bigint)").unwrap()).unwrap();
        assert_eq!(call("__field", &[row, 0i64.into()]), "NULL");
        let array = ScalarValue::from(7i32).to_array_of_size(2).unwrap();
        let fields = datafusion::arrow::array::StructArray::from(vec![(
            std::sync::Arc::new(datafusion::arrow::datatypes::Field::new("#0", array.data_type().clone(), true)),
            array,
        )]);
        let arguments = vec![ColumnarValue::Array(std::sync::Arc::new(fields)), ColumnarValue::Scalar(0i64.into())];
        assert_eq!(invoke("__field", arguments, 2).unwrap(), ["7", "7"]);
    }
}
