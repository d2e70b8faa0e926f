//! The numbers of UNNEST … WITH ORDINALITY.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, ListArray},
        buffer::OffsetBuffer,
        datatypes::{DataType, Field},
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};
use std::sync::Arc;

/// For each row an array of 1, 2, … as long as the longest of these arrays.
pub(super) fn ordinals(arrays: Vec<Expr>) -> Expr {
    let function = Ordinals { signature: Signature::variadic_any(Volatility::Immutable) };
    ScalarUDF::from(function).call(arrays)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Ordinals {
    signature: Signature,
}

impl ScalarUDFImpl for Ordinals {
    fn name(&self) -> &'static str {
        "__ordinals"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Int64, true))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = arrays.iter().map(list).collect::<Result<Vec<_>>>()?;
        let rows = lists.first().map_or(args.number_rows, |list| list.len());
        let longest = |row: usize| {
            let lengths = lists.iter().filter(|list| list.is_valid(row)).map(|list| list.value_length(row));
            usize::try_from(lengths.max().unwrap_or(0)).unwrap_or(0)
        };
        let lengths: Vec<usize> = (0..rows).map(longest).collect();
        let numbers: Int64Array = lengths.iter().flat_map(|length| 1..=*length as i64).collect();
        let field = Arc::new(Field::new_list_field(DataType::Int64, true));
        let list = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(numbers), None)?;
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}

fn list(array: &ArrayRef) -> Result<&ListArray> {
    array.as_list_opt::<i32>().ok_or_else(|| internal_datafusion_err!("WITH ORDINALITY of {}", array.data_type()))
}
