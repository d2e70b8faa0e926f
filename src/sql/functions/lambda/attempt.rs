//! `__try(ignored -> expression)`: `try(expression)`. Where the expression fails for some rows, their result is NULL.
//! # guide: conditional-expressions.TRY.html

use super::{
    super::{Class, Family, Function},
    function::{Argument, HigherOrder, LambdaCall, Parameters},
};
use crate::sql::error::SqlError;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, UInt32Array, new_empty_array, new_null_array},
        compute,
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::{DataFusionError, Result},
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    HigherOrder {
        name: "__try",
        family: Family::Operator,
        class: Class::Internal,
        signatures: &["__try(function(boolean,T)) -> T"],
        summary: "TRY: NULL where the expression fails.",
        parameters: |_, arguments| match arguments {
            [Argument::Lambda(_)] => Some(Parameters::Complete(vec![vec![DataType::Boolean]])),
            _ => None,
        },
        returns: |arguments| match arguments {
            [Argument::Lambda(result)] => result.clone(),
            _ => None,
        },
        kernel: attempt,
    }
    .build()
}

fn attempt(call: &LambdaCall) -> Result<ArrayRef> {
    let rows = u32::try_from(call.rows).map_err(|_| internal_datafusion_err!("{} rows", call.rows))?;
    let all: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..rows));
    match run(call, &all) {
        Err(error) if is_mistake(&error) => {}
        settled => return settled,
    }
    // At least one row fails; only that one may become NULL.
    let results = (0..call.rows).map(|row| match run(call, &all.slice(row, 1)) {
        Err(error) if is_mistake(&error) => Ok(new_null_array(call.returns, 1)),
        settled => settled,
    });
    let results = results.collect::<Result<Vec<_>>>()?;
    let results: Vec<&dyn Array> = results.iter().map(AsRef::as_ref).collect();
    if results.is_empty() { Ok(new_empty_array(call.returns)) } else { Ok(compute::concat(&results)?) }
}

fn run(call: &LambdaCall, rows: &ArrayRef) -> Result<ArrayRef> {
    // The lambda's parameter is there because a lambda must have one; nothing reads it.
    let ignored: ArrayRef = Arc::new(BooleanArray::from(vec![true; rows.len()]));
    call.run(0, &[ignored], rows)
}

/// Whether an error comes from the values, so that TRY hides it.
fn is_mistake(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::External(error) => {
            matches!(error.downcast_ref(), Some(SqlError::Invalid(_) | SqlError::Execution(_)))
        }
        _ => false,
    }
}
