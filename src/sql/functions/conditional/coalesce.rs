//! `coalesce(a, b, …)`: the first value that is not NULL. What stands after it is not evaluated: the plan turns the call
//! into CASE. # guide: conditional-expressions.COALESCE.html

use crate::sql::{
    error::invalid,
    functions::{
        Class, Definition, Entry, Family, Function,
        signature::{Arguments, unexpected_parameters},
    },
    types::{common_type, type_names},
};
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::internal_err,
    error::Result,
    logical_expr::{
        Case, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let entry = Entry {
        name: "coalesce",
        family: Family::Conditional,
        class: Class::Documented,
        signatures: vec!["coalesce(T, T, T...) -> T"],
        summary: "The first value that is not NULL.",
    };
    let function = Coalesce { signature: Signature::user_defined(Volatility::Immutable) };
    vec![Function { entry, definition: Definition::Scalar(Arc::new(ScalarUDF::from(function))) }]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coalesce {
    signature: Signature,
}

impl ScalarUDFImpl for Coalesce {
    fn name(&self) -> &str {
        "coalesce"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("coalesce is typed by its fields")
    }

    /// Types without a common one are left as they are: [`Self::return_field_from_args`] says what is wrong.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(common_type(types).map_or_else(|| types.to_vec(), |common| vec![common; types.len()]))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        if types.len() < 2 {
            let arguments = Arguments { name: "coalesce", types: &types, literals: args.scalar_arguments };
            return Err(unexpected_parameters(&arguments, "coalesce(T, T, T...)"));
        }
        // # inferred: Presto's words
        let Some(common) = common_type(&types) else {
            return Err(invalid(format!("All COALESCE operands must be the same type: {}", type_names(&types))));
        };
        Ok(Arc::new(Field::new("coalesce", common, true)))
    }

    fn simplify(&self, mut args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(last) = args.pop() else { return Ok(ExprSimplifyResult::Original(args)) };
        let branch = |value: Expr| (Box::new(value.clone().is_not_null()), Box::new(value));
        let branches = args.into_iter().map(branch).collect();
        Ok(ExprSimplifyResult::Simplified(Expr::Case(Case::new(None, branches, Some(Box::new(last))))))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("coalesce becomes CASE before it runs")
    }

    fn short_circuits(&self) -> bool {
        true
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        let (first, rest) = args.split_first()?;
        Some((vec![first], rest.iter().collect()))
    }
}
