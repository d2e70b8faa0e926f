//! Scalar functions: a list of forms, each a signature and a kernel, as one DataFusion function.
//!
//! DataFusion's own coercion of arguments is not used: it knows neither Presto's rules nor literals, and it wraps the
//! texts of errors. Types are checked when the plan asks for the result's type, and arguments are converted just before
//! the kernel runs.

use super::{
    Class, Definition, Entry, Family, Function,
    call::{Call, Column, Kernel},
    conversion::cast,
    random::Generator,
    signature::{self, Arguments, Signature},
};
use crate::sql::interrupt;
use datafusion::{
    arrow::{
        array::Array,
        datatypes::{DataType, Field, FieldRef},
    },
    common::{ScalarValue, internal_datafusion_err, internal_err},
    error::Result,
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature as PlanSignature,
        Volatility,
    },
};
use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

/// What a call is resolved to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The types its arguments are converted to.
    pub parameters: Vec<DataType>,
    /// The type of its result.
    pub returns: DataType,
    /// What computes it.
    pub kernel: Kernel,
}

/// Types a call that no signature text can describe.
pub type Resolver = fn(&Arguments) -> Result<Resolved>;

#[derive(Clone, Debug)]
enum Typing {
    Forms(Vec<(Signature, Kernel)>),
    Custom(Resolver),
}

/// A scalar function under construction.
#[derive(Debug)]
pub(crate) struct Scalar {
    entry: Entry,
    typing: Typing,
    generator: Option<Arc<Generator>>,
}

/// Begins a function; its forms follow. Among forms that need conversions the first that fits is taken, so that
/// integer comes before bigint and bigint before double.
pub(crate) fn scalar(name: &'static str, family: Family, class: Class, summary: &'static str) -> Scalar {
    let entry = Entry { name, family, class, signatures: Vec::new(), summary };
    Scalar { entry, typing: Typing::Forms(Vec::new()), generator: None }
}

impl Scalar {
    /// Adds a form.
    pub(crate) fn form(mut self, text: &'static str, kernel: Kernel) -> Self {
        self.entry.signatures.push(text);
        if let Typing::Forms(forms) = &mut self.typing {
            forms.push((Signature::new(text), kernel));
        }
        self
    }

    /// Types calls by code instead of by forms; `text` is for the table.
    pub(crate) fn custom(mut self, text: &'static str, resolver: Resolver) -> Self {
        self.entry.signatures.push(text);
        self.typing = Typing::Custom(resolver);
        self
    }

    /// Gives another value for each row, drawn from `generator`: it is never folded to a constant.
    pub(crate) fn random(mut self, generator: &Arc<Generator>) -> Self {
        self.generator = Some(Arc::clone(generator));
        self
    }

    /// The function, under its name and under others.
    pub(crate) fn named(self, others: &[&'static str]) -> Vec<Function> {
        let volatility = if self.generator.is_some() { Volatility::Volatile } else { Volatility::Immutable };
        let names = std::iter::once(self.entry.name).chain(others.iter().copied());
        names
            .map(|name| {
                let entry = Entry { name, ..self.entry.clone() };
                let function = ScalarFunction {
                    name,
                    typing: self.typing.clone(),
                    signature: PlanSignature::user_defined(volatility),
                    generator: self.generator.clone(),
                };
                Function { entry, definition: Definition::Scalar(Arc::new(ScalarUDF::from(function))) }
            })
            .collect()
    }

    /// The function, under its name.
    pub(crate) fn build(self) -> Vec<Function> {
        self.named(&[])
    }
}

/// A finished function. Two of one name are the same: the registry holds one of each.
#[derive(Debug)]
struct ScalarFunction {
    name: &'static str,
    typing: Typing,
    signature: PlanSignature,
    generator: Option<Arc<Generator>>,
}

impl PartialEq for ScalarFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ScalarFunction {}

impl Hash for ScalarFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarFunction {
    fn resolve(&self, types: &[DataType], literals: &[Option<&ScalarValue>]) -> Result<Resolved> {
        let arguments = Arguments { name: self.name, types, literals };
        match &self.typing {
            Typing::Custom(resolver) => resolver(&arguments),
            Typing::Forms(forms) => {
                let (index, found) = signature::choose(forms.iter().map(|(signature, _)| signature), &arguments)?;
                let kernel = forms[index].1;
                Ok(Resolved { parameters: found.parameters, returns: found.returns, kernel })
            }
        }
    }
}

impl ScalarUDFImpl for ScalarFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &PlanSignature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{} is typed by its fields", self.name)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let resolved = self.resolve(&types, args.scalar_arguments)?;
        Ok(Arc::new(Field::new(self.name, resolved.returns, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        interrupt::check()?;
        let types: Vec<DataType> = args.args.iter().map(ColumnarValue::data_type).collect();
        let literals: Vec<Option<&ScalarValue>> = args
            .args
            .iter()
            .map(|value| match value {
                ColumnarValue::Scalar(scalar) => Some(scalar),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let resolved = self.resolve(&types, &literals)?;
        let constant = literals.iter().all(Option::is_some) && self.generator.is_none();
        let rows = if constant { 1 } else { args.number_rows };
        let columns = args
            .args
            .iter()
            .zip(&resolved.parameters)
            .map(|(value, parameter)| column(value, parameter))
            .collect::<Result<Vec<_>>>()?;
        let generator = self.generator.as_deref();
        let result = (resolved.kernel)(&Call { columns, rows, returns: &resolved.returns, generator })?;
        if result.len() != rows {
            return Err(internal_datafusion_err!("{} gave {} values for {rows} rows", self.name, result.len()));
        }
        if constant {
            return ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// An argument as a column of the parameter's type.
fn column(value: &ColumnarValue, parameter: &DataType) -> Result<Column> {
    let (array, constant) = match value {
        ColumnarValue::Array(array) => (Arc::clone(array), false),
        ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
    };
    Ok(Column { array: cast::convert(&array, parameter)?, constant })
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::Registry, *};
    use crate::sql::functions::conversion::cast::{OnFailure, cast};
    use datafusion::{common::config::ConfigOptions, error::DataFusionError};
    use std::sync::LazyLock;

    static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

    /// Calls a function of the registry with literals: the text of its result, or `error: …`.
    pub(in crate::sql::functions) fn call(name: &str, arguments: &[ScalarValue]) -> String {
        invoke(name, arguments.iter().cloned().map(ColumnarValue::Scalar).collect(), 1)
            .map(|values| values.join("; "))
            .unwrap_or_else(|error| match error.find_root() {
                DataFusionError::External(error) => format!("error: {error}"),
                error => panic!("not an error for the client: {error}"),
            })
    }

    /// Calls a function of the registry: the texts of its results.
    pub(in crate::sql::functions) fn invoke(
        name: &str,
        arguments: Vec<ColumnarValue>,
        rows: usize,
    ) -> Result<Vec<String>, DataFusionError> {
        let function = REGISTRY.scalar(name).unwrap_or_else(|| panic!("{name} is not registered"));
        let arg_fields: Vec<FieldRef> =
            arguments.iter().map(|value| Arc::new(Field::new("", value.data_type(), true))).collect();
        let literals: Vec<Option<&ScalarValue>> = arguments
            .iter()
            .map(|value| match value {
                ColumnarValue::Scalar(scalar) => Some(scalar),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let return_field = function
            .return_field_from_args(ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &literals })?;
        let result = function.invoke_with_args(ScalarFunctionArgs {
            args: arguments.clone(),
            arg_fields,
            number_rows: rows,
            return_field,
            config_options: Arc::new(ConfigOptions::new()),
        })?;
        let array = result.into_array(rows)?;
        (0..rows).map(|row| value_text(&array.slice(row, 1))).collect()
    }

    /// The text of the one value of an array: as on the wire; arrays `[a, b]`, rows `(a, b)`, NULL.
    pub(in crate::sql::functions) fn value_text(value: &datafusion::arrow::array::ArrayRef) -> Result<String> {
        use datafusion::arrow::array::AsArray;
        if value.is_null(0) || *value.data_type() == DataType::Null {
            return Ok("NULL".to_owned());
        }
        let parts = |values: &[datafusion::arrow::array::ArrayRef]| {
            values.iter().map(value_text).collect::<Result<Vec<_>>>().map(|texts| texts.join(", "))
        };
        match value.data_type() {
            DataType::List(_) => {
                let elements = value.as_list::<i32>().value(0);
                let elements: Vec<_> = (0..elements.len()).map(|index| elements.slice(index, 1)).collect();
                Ok(format!("[{}]", parts(&elements)?))
            }
            DataType::Struct(_) => Ok(format!("({})", parts(value.as_struct().columns())?)),
            _ => Ok(cast(value, &DataType::Utf8, OnFailure::Fail)?.as_string::<i32>().value(0).to_owned()),
        }
    }

    #[test]
    fn every_name_is_lower_case_and_registered_once_with_and_once_without_lambdas() {
        let takes_lambda = |entry: &Entry| entry.signatures.iter().any(|signature| signature.contains("function("));
        let mut names: Vec<_> = REGISTRY.entries().map(|entry| (entry.name, takes_lambda(entry))).collect();
        assert!(names.iter().all(|(name, _)| *name == name.to_lowercase()));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
