//! `__concat(a, b, c, …)`: `a || b || c`, of varchars or of arrays and elements.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, TextBuilder},
        lists::{Lists, element_type, range},
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{array, array_element, comparable, type_name},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::DataType,
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("__concat", Family::Operator, Class::Internal, "A chain of ||; NULL when an operand is.")
        .custom("__concat(T, U, ...) -> V", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let [first, rest @ ..] = arguments.types else {
        return Err(unexpected_parameters(arguments, "__concat(T, U, ...)"));
    };
    let mut returns = first.clone();
    for right in rest {
        returns = step_type(&returns, right).ok_or_else(|| {
            invalid(format!("'||' cannot be applied to {}, {}", type_name(&returns), type_name(right)))
        })?;
    }
    let count = arguments.types.len();
    Ok(match array_element(&returns) {
        None => Resolved { parameters: vec![DataType::Utf8; count], returns: DataType::Utf8, kernel: concat_texts },
        Some(element) => {
            // An operand is an array of elements or one element; what is neither was refused above.
            let parameter = |operand: &DataType| match comparable(operand, &returns) {
                Some(_) => returns.clone(),
                None => element.clone(),
            };
            let parameters = arguments.types.iter().map(parameter).collect();
            Resolved { parameters, kernel: concat_arrays, returns: returns.clone() }
        }
    })
}

/// The type of `left || right`.
fn step_type(left: &DataType, right: &DataType) -> Option<DataType> {
    match (array_element(left), array_element(right)) {
        (None, None) => match (left, right) {
            (DataType::Utf8 | DataType::Null, DataType::Utf8 | DataType::Null) => Some(DataType::Utf8),
            _ => None,
        },
        (Some(element), _) => comparable(left, right).or_else(|| comparable(element, right).map(array)),
        (None, Some(element)) => comparable(left, right).or_else(|| comparable(left, element).map(array)),
    }
}

/// Texts one after the other, NULL when one is; also what `concat` of varchars does.
pub(in crate::sql::functions) fn concat_texts(call: &Call) -> Result<ArrayRef> {
    let texts = (0..call.columns.len()).map(|index| call.texts(index)).collect::<Result<Vec<_>>>()?;
    let mut builder = TextBuilder::new(call.rows);
    let mut joined = String::new();
    for row in 0..call.rows {
        joined.clear();
        let parts = texts.iter().try_for_each(|texts| texts.get(row).map(|text| joined.push_str(text)));
        builder.append(parts.map(|()| joined.as_str()))?;
    }
    Ok(builder.finish())
}

/// Arrays and elements one after the other, NULL when one is; also what `concat` of arrays does.
pub(in crate::sql::functions) fn concat_arrays(call: &Call) -> Result<ArrayRef> {
    let element = element_type(call.returns)?;
    let is_array = |index: usize| call.columns[index].array.data_type() == call.returns;
    let source = |index: usize| match is_array(index) {
        true => Ok(Arc::clone(call.lists(index)?.0.values())),
        false => Ok(Arc::clone(&call.columns[index].array)),
    };
    let count = call.columns.len();
    let sources = (0..count).map(source).collect::<Result<Vec<_>>>()?;
    let mut lists = Lists::new(element, sources);
    for row in 0..call.rows {
        let mut missing = false;
        for (index, column) in call.columns.iter().enumerate() {
            let at = column.index(row);
            if column.array.is_null(at) {
                missing = true;
            } else if is_array(index) {
                lists.extend(index, range(call.lists(index)?.0, at));
            } else {
                lists.push(index, at);
            }
        }
        if missing { lists.end_null_row() } else { lists.end_row()? }
    }
    lists.finish(call.returns)
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::tests::call;
    use datafusion::{arrow::datatypes::DataType, common::ScalarValue};

    #[test]
    fn chains() {
        let list = |values: &[i32]| {
            let values: Vec<ScalarValue> = values.iter().map(|value| (*value).into()).collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Int32))
        };
        let check = |operands: &[ScalarValue], expect: &str| assert_eq!(call("__concat", operands), expect);
        check(&["a".into(), "b".into(), "c".into()], "abc");
        check(&["a".into(), ScalarValue::Null], "NULL");
        check(&["a".into(), 1i32.into()], "error: '||' cannot be applied to varchar, integer");
        check(&[list(&[1]), list(&[2, 3]), 4i32.into()], "[1, 2, 3, 4]");
        check(&[0i64.into(), list(&[1])], "[0, 1]");
        check(&[list(&[1]), 0.5.into()], "[1.0, 0.5]");
        check(&[list(&[1]), ScalarValue::Null], "NULL");
        check(&[list(&[1]), ScalarValue::Int32(None)], "NULL");
        check(&[list(&[1]), "a".into()], "error: '||' cannot be applied to array(integer), varchar");
        check(&[1i32.into(), 2i32.into()], "error: '||' cannot be applied to integer, integer");
    }
}
