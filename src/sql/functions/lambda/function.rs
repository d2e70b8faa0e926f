//! Functions of lambda expressions as DataFusion knows them: what parameters the lambdas get, what the call returns,
//! and how a lambda is run over many rows at once.

use super::super::{Class, Definition, Entry, Family, Function};
use crate::{
    model::limits::LAMBDA_BYTES_AT_ONCE,
    sql::{
        error::invalid,
        functions::{
            call::{check_batch_bytes, has_variable_size, primitive, value_bytes},
            conversion::cast::convert,
        },
        interrupt, types,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray, UInt32Array},
        compute,
        datatypes::{DataType, Field, FieldRef, UInt32Type},
    },
    common::{ScalarValue, internal_datafusion_err, utils::remove_list_null_values},
    error::Result,
    logical_expr::{
        ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature,
        HigherOrderTypeSignature, HigherOrderUDF, HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress,
        ValueOrLambda, Volatility,
    },
};
use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// The type of an argument: of a value, or of a lambda's result once it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A value of this type.
    Value(DataType),
    /// A lambda.
    Lambda(Option<DataType>),
}

/// The parameters of a call's lambdas.
#[derive(Clone, Debug)]
pub enum Parameters {
    /// Those of every lambda, in order.
    Complete(Vec<Vec<DataType>>),
    /// Those of the lambdas that have to be typed before the others can be.
    Partial(Vec<Option<Vec<DataType>>>),
}

/// What a function of lambdas is made of.
#[derive(Clone, Copy)]
pub(crate) struct HigherOrder {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) class: Class,
    pub(crate) signatures: &'static [&'static str],
    pub(crate) summary: &'static str,
    /// The lambdas' parameters; `None` when the arguments do not fit.
    pub(crate) parameters: fn(step: usize, &[Argument]) -> Option<Parameters>,
    /// The type of the call, every lambda's result known; `None` when they do not fit.
    pub(crate) returns: fn(&[Argument]) -> Option<DataType>,
    pub(crate) kernel: fn(&LambdaCall) -> Result<ArrayRef>,
}

impl HigherOrder {
    pub(crate) fn build(self) -> Vec<Function> {
        let entry = Entry {
            name: self.name,
            family: self.family,
            class: self.class,
            signatures: self.signatures.to_vec(),
            summary: self.summary,
        };
        let signature = HigherOrderSignature::new(HigherOrderTypeSignature::VariadicAny, Volatility::Immutable);
        let function = HigherOrderUDF::new_from_impl(HigherOrderFunction { parts: self, signature });
        vec![Function { entry, definition: Definition::HigherOrder(Arc::new(function)) }]
    }
}

/// A finished function. Two of one name are the same: the registry holds one of each.
struct HigherOrderFunction {
    parts: HigherOrder,
    signature: HigherOrderSignature,
}

impl std::fmt::Debug for HigherOrderFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HigherOrderFunction").field("name", &self.parts.name).finish_non_exhaustive()
    }
}

impl PartialEq for HigherOrderFunction {
    fn eq(&self, other: &Self) -> bool {
        self.parts.name == other.parts.name
    }
}

impl Eq for HigherOrderFunction {}

impl Hash for HigherOrderFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.name.hash(state);
    }
}

impl HigherOrderFunction {
    fn unexpected(&self, arguments: &[Argument]) -> datafusion::error::DataFusionError {
        let name = |argument: &Argument| match argument {
            Argument::Value(data_type) => types::type_name(data_type),
            Argument::Lambda(_) => "function".to_owned(),
        };
        let given = arguments.iter().map(name).collect::<Vec<_>>().join(", ");
        let call = |text: &&'static str| text.rsplit_once(" -> ").map_or(*text, |(call, _)| call);
        let expected = self.parts.signatures.iter().map(call).collect::<Vec<_>>().join(", ");
        invalid(format!("Unexpected parameters ({given}) for function {}. Expected: {expected}", self.parts.name))
    }
}

fn fields(types: Vec<DataType>) -> Vec<FieldRef> {
    types.into_iter().map(|data_type| Arc::new(Field::new("", data_type, true))).collect()
}

impl HigherOrderUDFImpl for HigherOrderFunction {
    fn name(&self) -> &str {
        self.parts.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn lambda_parameters(
        &self,
        step: usize,
        arguments: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let arguments: Vec<Argument> = arguments
            .iter()
            .map(|argument| match argument {
                ValueOrLambda::Value(field) => Argument::Value(field.data_type().clone()),
                ValueOrLambda::Lambda(field) => Argument::Lambda(field.as_ref().map(|field| field.data_type().clone())),
            })
            .collect();
        match (self.parts.parameters)(step, &arguments) {
            Some(Parameters::Complete(all)) => {
                Ok(LambdaParametersProgress::Complete(all.into_iter().map(fields).collect()))
            }
            Some(Parameters::Partial(some)) => {
                Ok(LambdaParametersProgress::Partial(some.into_iter().map(|types| types.map(fields)).collect()))
            }
            None => Err(self.unexpected(&arguments)),
        }
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let arguments: Vec<Argument> = args
            .arg_fields
            .iter()
            .map(|argument| match argument {
                ValueOrLambda::Value(field) => Argument::Value(field.data_type().clone()),
                ValueOrLambda::Lambda(field) => Argument::Lambda(Some(field.data_type().clone())),
            })
            .collect();
        let returns = (self.parts.returns)(&arguments).ok_or_else(|| self.unexpected(&arguments))?;
        Ok(Arc::new(Field::new(self.parts.name, returns, true)))
    }

    /// The engine would repeat a constant for every row to do this, whatever its size.
    fn clear_null_values(&self) -> bool {
        false
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let lambda_type = |field: &ValueOrLambda<FieldRef, FieldRef>| match field {
            ValueOrLambda::Value(_) => None,
            ValueOrLambda::Lambda(field) => Some(field.data_type().clone()),
        };
        let lambda_types: Vec<_> = args.arg_fields.iter().filter_map(lambda_type).collect();
        let (mut values, mut lambdas) = (Vec::new(), Vec::new());
        for argument in args.args {
            match argument {
                ValueOrLambda::Value(value) => values.push(value),
                ValueOrLambda::Lambda(lambda) => lambdas.push(lambda),
            }
        }
        let (returns, all_rows) = (args.return_field.data_type(), args.number_rows);
        let step = rows_at_once(&values, all_rows)?;
        let mut results = Pieces::default();
        // A batch without rows has one slice of none.
        for first_row in (0..all_rows.max(1)).step_by(step) {
            let rows = step.min(all_rows - first_row);
            let values = values.iter().map(|value| slice(value, first_row, rows)).collect::<Result<_>>()?;
            let (lambdas, lambda_types) = (&lambdas, &lambda_types);
            let call = LambdaCall { values, lambdas, lambda_types, first_row, rows, returns };
            results.push(convert(&(self.parts.kernel)(&call)?, returns)?)?;
        }
        Ok(ColumnarValue::Array(results.join()?))
    }
}

/// One call: its values, one for each row, and its lambdas.
#[derive(Debug)]
pub(crate) struct LambdaCall<'a> {
    pub(crate) values: Vec<ArrayRef>,
    pub(crate) lambdas: &'a [LambdaArgument],
    /// The types of the lambdas' results.
    pub(crate) lambda_types: &'a [DataType],
    /// Which row of the batch the call's first one is.
    pub(crate) first_row: usize,
    /// How many rows the values and the result have.
    pub(crate) rows: usize,
    /// The type of the result.
    pub(crate) returns: &'a DataType,
}

impl LambdaCall<'_> {
    /// The value at `index`.
    pub(crate) fn value(&self, index: usize) -> Result<&ArrayRef> {
        self.values.get(index).ok_or_else(|| internal_datafusion_err!("argument {index} is missing"))
    }

    /// The type of a lambda's result.
    pub(crate) fn lambda_type(&self, lambda: usize) -> Result<&DataType> {
        self.lambda_types.get(lambda).ok_or_else(|| internal_datafusion_err!("lambda {lambda} is missing"))
    }

    /// Runs a lambda over `parameters`, all of one length; `rows` says to which of the call's rows each place belongs,
    /// for the columns that the lambda takes from outside.
    ///
    /// Where these columns would be too large, repeated for every place, the places are halved until they are not.
    pub(crate) fn run(&self, lambda: usize, parameters: &[ArrayRef], rows: &ArrayRef) -> Result<ArrayRef> {
        interrupt::check()?;
        let argument =
            self.lambdas.get(lambda).ok_or_else(|| internal_datafusion_err!("lambda {lambda} is missing"))?;
        let length = rows.len();
        let given: Vec<_> = parameters.iter().map(|values| || Ok(Arc::clone(values))).collect();
        let given: Vec<&dyn Fn() -> Result<ArrayRef>> =
            given.iter().map(|give| give as &dyn Fn() -> Result<ArrayRef>).collect();
        let too_large = Cell::new(false);
        let result = argument.evaluate(&given, |columns| {
            let rows = self.batch_rows(rows)?;
            let bytes = columns.iter().map(|column| repeated_bytes(column, &rows)).sum();
            too_large.set(bytes > LAMBDA_BYTES_AT_ONCE && length > 1);
            check_batch_bytes(if too_large.get() { usize::MAX } else { bytes })?;
            Ok(compute::take_arrays(columns, &rows, None)?)
        });
        if too_large.get() {
            return self.run_halves(lambda, parameters, rows);
        }
        match result? {
            ColumnarValue::Array(array) => Ok(array),
            ColumnarValue::Scalar(constant) => {
                check_batch_bytes(constant_bytes(&constant)?.saturating_mul(length))?;
                constant.to_array_of_size(length)
            }
        }
    }

    fn run_halves(&self, lambda: usize, parameters: &[ArrayRef], rows: &ArrayRef) -> Result<ArrayRef> {
        let middle = rows.len() / 2;
        let mut results = Pieces::default();
        for (from, length) in [(0, middle), (middle, rows.len() - middle)] {
            let parameters: Vec<_> = parameters.iter().map(|values| values.slice(from, length)).collect();
            results.push(self.run(lambda, &parameters, &rows.slice(from, length))?)?;
        }
        results.join()
    }

    /// The rows of the batch that `rows` of this call are.
    fn batch_rows(&self, rows: &ArrayRef) -> Result<UInt32Array> {
        let first = u32::try_from(self.first_row).map_err(|_| internal_datafusion_err!("row {}", self.first_row))?;
        Ok(primitive::<UInt32Type>(rows)?.unary(|row| row.saturating_add(first)))
    }
}

/// The results for the rows of a batch, some rows after the others.
#[derive(Default)]
struct Pieces {
    arrays: Vec<ArrayRef>,
    bytes: usize,
}

impl Pieces {
    fn push(&mut self, array: ArrayRef) -> Result<()> {
        interrupt::check()?;
        // One alone was bounded by what made it.
        if !self.arrays.is_empty() {
            check_batch_bytes(self.bytes.saturating_add(array.to_data().get_slice_memory_size()?))?;
        }
        self.bytes += array.to_data().get_slice_memory_size()?;
        self.arrays.push(array);
        Ok(())
    }

    fn join(mut self) -> Result<ArrayRef> {
        if self.arrays.len() == 1 {
            return Ok(self.arrays.remove(0));
        }
        let arrays: Vec<&dyn Array> = self.arrays.iter().map(AsRef::as_ref).collect();
        Ok(compute::concat(&arrays)?)
    }
}

/// How many rows a call takes at once, so that its constants, each repeated for every row, stay small: those of a lambda
/// inside another are as many as the elements of all arrays of the one around.
fn rows_at_once(values: &[ColumnarValue], rows: usize) -> Result<usize> {
    let mut bytes = 0_usize;
    for value in values {
        if let ColumnarValue::Scalar(constant) = value {
            bytes = bytes.saturating_add(constant_bytes(constant)?);
        }
    }
    check_batch_bytes(bytes)?;
    Ok(LAMBDA_BYTES_AT_ONCE.checked_div(bytes).unwrap_or(rows).max(1))
}

/// The bytes of a constant as far as they differ from constant to constant.
fn constant_bytes(constant: &ScalarValue) -> Result<usize> {
    if !has_variable_size(&constant.data_type()) {
        return Ok(0);
    }
    Ok(value_bytes(&constant.to_array()?, 0))
}

/// The rows of a value from `first_row` on.
fn slice(value: &ColumnarValue, first_row: usize, rows: usize) -> Result<ArrayRef> {
    without_hidden_elements(match value {
        ColumnarValue::Array(array) => array.slice(first_row, rows),
        ColumnarValue::Scalar(constant) => constant.to_array_of_size(rows)?,
    })
}

/// Arrays that are NULL may hide elements, which no lambda may see.
fn without_hidden_elements(array: ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::List(_) if array.null_count() > 0 => remove_list_null_values(&array),
        _ => Ok(array),
    }
}

/// The bytes of a column from outside once it is repeated for every element: a lambda over an array may take a whole array
/// from outside.
fn repeated_bytes(column: &ArrayRef, rows: &UInt32Array) -> usize {
    if !has_variable_size(column.data_type()) {
        return 0;
    }
    // The places of one row mostly follow each other.
    let (mut last, mut bytes) = (None, 0);
    let mut bytes_of = |row: u32| {
        if last != Some(row) {
            last = Some(row);
            bytes = value_bytes(column, usize::try_from(row).unwrap_or_default());
        }
        bytes
    };
    rows.values().iter().map(|row| bytes_of(*row)).sum()
}

/// The element type of an array or time series; NULL counts as an array of nothing.
pub(crate) fn list_element(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::List(item) => Some(item.data_type().clone()),
        DataType::Null => Some(DataType::Null),
        _ => None,
    }
}

/// The array as one of lists: NULL of unknown type becomes arrays that are NULL.
pub(crate) fn as_list(array: &ArrayRef) -> Result<ListArray> {
    let array = match array.data_type() {
        DataType::Null => convert(array, &types::array(DataType::Null))?,
        _ => Arc::clone(array),
    };
    Ok(super::super::call::list(&array)?.clone())
}

/// The values of all rows' lists one after the other, and the row each belongs to.
pub(crate) fn flattened(list: &ListArray) -> Result<(ArrayRef, ArrayRef)> {
    let array: ArrayRef = Arc::new(list.clone());
    let mut rows = Vec::with_capacity(list.values().len());
    for (row, length) in list.offsets().lengths().enumerate() {
        let number = u32::try_from(row).map_err(|_| internal_datafusion_err!("row {row}"))?;
        rows.extend(std::iter::repeat_n(number, length));
    }
    Ok((datafusion::common::utils::list_values(&array)?, Arc::new(UInt32Array::from(rows))))
}
