//! `__opaque(x)`: x itself, unrecognisable to the optimiser.
//!
//! The engine carries "this column determines all others" from an aggregation through UNNEST, where it is no longer
//! true, and then drops sort and grouping keys. A column behind this function determines nothing.

use crate::sql::functions::{
    Class, Family, Function,
    call::Call,
    scalar::{Resolved, scalar},
    signature::{Arguments, unexpected_parameters},
};
use datafusion::{arrow::array::ArrayRef, common::internal_datafusion_err, error::Result};

pub(super) fn functions() -> Vec<Function> {
    scalar("__opaque", Family::Operator, Class::Internal, "The argument.")
        .custom("__opaque(T) -> T", resolve)
        .build()
        .into_iter()
        .collect()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    match arguments.types {
        [data_type] => {
            Ok(Resolved { parameters: vec![data_type.clone()], returns: data_type.clone(), kernel: identity })
        }
        _ => Err(unexpected_parameters(arguments, "__opaque(T)")),
    }
}

fn identity(call: &Call) -> Result<ArrayRef> {
    let column = call.columns.first().ok_or_else(|| internal_datafusion_err!("no argument"))?;
    column.expand(call.rows)
}
