//! Comparisons that the engine makes otherwise than the language: of doubles, where NaN equals nothing and -0.0 equals 0.0,
//! and of arrays and rows, where a null inside leaves the answer open.

use crate::sql::{error::invalid, functions::compare};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StructArray},
        datatypes::{DataType, Float64Type},
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};
use std::cmp::Ordering;

/// `left op right`, both of one type, a double, array or row.
pub(super) fn own_comparison(left: Expr, op: Operator, right: Expr) -> Expr {
    let function = Comparison { op, signature: Signature::any(2, Volatility::Immutable) };
    ScalarUDF::from(function).call(vec![left, right])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Comparison {
    op: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Comparison {
    fn name(&self) -> &str {
        match self.op {
            Operator::Eq => "__equal",
            Operator::NotEq => "__not_equal",
            Operator::Lt => "__less",
            Operator::LtEq => "__less_or_equal",
            Operator::Gt => "__greater",
            _ => "__greater_or_equal",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = &arrays[..] else { return Err(internal_datafusion_err!("two arguments")) };
        let result = match left.data_type() {
            DataType::Float64 => doubles(self.op, left, right)?,
            _ if matches!(self.op, Operator::Eq | Operator::NotEq) => equalities(self.op, left, right)?,
            _ => orders(self.op, left, right)?,
        };
        Ok(ColumnarValue::Array(std::sync::Arc::new(result)))
    }
}

fn doubles(op: Operator, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let double = |array: &ArrayRef| array.as_primitive_opt::<Float64Type>().cloned();
    let (Some(left), Some(right)) = (double(left), double(right)) else {
        return Err(internal_datafusion_err!("doubles"));
    };
    // As the processor compares them: NaN is not less than, greater than or equal to anything.
    let holds = |l: f64, r: f64| match op {
        Operator::Eq => l == r,
        Operator::NotEq => l != r,
        Operator::Lt => l < r,
        Operator::LtEq => l <= r,
        Operator::Gt => l > r,
        _ => l >= r,
    };
    Ok(left.iter().zip(right.iter()).map(|(l, r)| Some(holds(l?, r?))).collect())
}

fn equalities(op: Operator, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let parts = Parts::new(left, right)?;
    Ok((0..left.len()).map(|row| parts.equal(row, row).map(|equal| equal == (op == Operator::Eq))).collect())
}

fn orders(op: Operator, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let order = compare::order(left, right)?;
    let answer = |row: usize| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        if has_null(left, row) || has_null(right, row) {
            // # inferred: Presto's words
            return Err(invalid(match left.data_type() {
                DataType::List(_) => "ARRAY comparison not supported for arrays with null elements",
                _ => "ROW comparison not supported for fields with null elements",
            }));
        }
        let order = order(row, row);
        Ok(Some(match op {
            Operator::Lt => order == Ordering::Less,
            Operator::LtEq => order != Ordering::Greater,
            Operator::Gt => order == Ordering::Greater,
            _ => order != Ordering::Less,
        }))
    };
    (0..left.len()).map(answer).collect()
}

/// Whether a value is null or has a null in it.
fn has_null(array: &ArrayRef, row: usize) -> bool {
    if array.is_null(row) {
        return true;
    }
    match array.data_type() {
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).any(|item| has_null(&items, item))
        }
        DataType::Struct(_) => array.as_struct().columns().iter().any(|column| has_null(column, row)),
        _ => false,
    }
}

/// Two columns side by side, taken apart to values that are compared as a whole.
enum Parts {
    Whole { equal: Box<dyn Fn(usize, usize) -> bool>, left: ArrayRef, right: ArrayRef },
    Lists { left: ListArray, right: ListArray, items: Box<Parts> },
    Rows { left: StructArray, right: StructArray, fields: Vec<Parts> },
}

impl Parts {
    fn new(left: &ArrayRef, right: &ArrayRef) -> Result<Self> {
        if let (Some(l), Some(r)) = (left.as_list_opt::<i32>(), right.as_list_opt::<i32>()) {
            let items = Box::new(Self::new(l.values(), r.values())?);
            return Ok(Self::Lists { left: l.clone(), right: r.clone(), items });
        }
        if let (Some(l), Some(r)) = (left.as_struct_opt(), right.as_struct_opt()) {
            let fields = l.columns().iter().zip(r.columns()).map(|(l, r)| Self::new(l, r)).collect::<Result<_>>()?;
            return Ok(Self::Rows { left: l.clone(), right: r.clone(), fields });
        }
        let equal = Box::new(compare::equality(left, right)?);
        Ok(Self::Whole { equal, left: left.clone(), right: right.clone() })
    }

    /// `None` when a null leaves it open.
    fn equal(&self, i: usize, j: usize) -> Option<bool> {
        match self {
            Self::Whole { equal, left, right } => (left.is_valid(i) && right.is_valid(j)).then(|| equal(i, j)),
            Self::Lists { left, right, items } => {
                if left.is_null(i) || right.is_null(j) {
                    return None;
                }
                if left.value_length(i) != right.value_length(j) {
                    return Some(false);
                }
                let start = |offset: i32| usize::try_from(offset).unwrap_or(0);
                let (l, r) = (start(left.value_offsets()[i]), start(right.value_offsets()[j]));
                all((0..start(left.value_length(i))).map(|item| items.equal(l + item, r + item)))
            }
            Self::Rows { left, right, fields } => {
                if left.is_null(i) || right.is_null(j) {
                    return None;
                }
                all(fields.iter().map(|field| field.equal(i, j)))
            }
        }
    }
}

/// AND of three values.
fn all(mut parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut open = false;
    let differs = parts.any(|part| {
        open |= part.is_none();
        part == Some(false)
    });
    if differs { Some(false) } else { (!open).then_some(true) }
}
