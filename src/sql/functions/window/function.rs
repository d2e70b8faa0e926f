//! Window functions: a list of forms with one evaluator, as one DataFusion window function.

use super::super::{
    Class, Definition, Entry, Family, Function,
    signature::{self, Arguments, Match, Signature},
};
use crate::sql::error::invalid;
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    error::Result,
    logical_expr::{
        PartitionEvaluator, Signature as PlanSignature, Volatility, WindowUDF, WindowUDFImpl,
        function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
};
use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Makes an evaluator for one partition; told whether IGNORE NULLS was given.
pub(super) type MakeEvaluator = fn(ignore_nulls: bool) -> Box<dyn PartitionEvaluator>;

/// A window function of these forms.
pub(super) fn window(
    name: &'static str,
    summary: &'static str,
    signatures: &[&'static str],
    evaluator: MakeEvaluator,
) -> Vec<Function> {
    let entry =
        Entry { name, family: Family::Window, class: Class::Documented, signatures: signatures.to_vec(), summary };
    let function = WindowFunction {
        name,
        forms: signatures.iter().map(|text| Signature::new(text)).collect(),
        evaluator,
        signature: PlanSignature::user_defined(Volatility::Immutable),
    };
    vec![Function { entry, definition: Definition::Window(Arc::new(WindowUDF::from(function))) }]
}

/// A finished function. Two of one name are the same: the registry holds one of each.
#[derive(Debug)]
struct WindowFunction {
    name: &'static str,
    forms: Vec<Signature>,
    evaluator: MakeEvaluator,
    signature: PlanSignature,
}

impl PartialEq for WindowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for WindowFunction {}

impl Hash for WindowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl WindowFunction {
    fn resolve(&self, types: &[DataType]) -> Result<Match> {
        let arguments = Arguments { name: self.name, types, literals: &[] };
        signature::choose(self.forms.iter(), &arguments).map(|(_, found)| found)
    }
}

impl WindowUDFImpl for WindowFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &PlanSignature {
        &self.signature
    }

    /// Types no form takes are left as they are: [`Self::field`] says what is wrong with them.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.resolve(types).map_or_else(|_| types.to_vec(), |found| found.parameters))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.input_fields().iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(args.name(), self.resolve(&types)?.returns, true)))
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        // Functions without arguments have no NULLs to ignore, ntile none to count.
        let takes_null_treatment = !args.input_exprs().is_empty() && self.name != "ntile";
        if args.ignore_nulls() && !takes_null_treatment {
            // # inferred: Presto's words
            return Err(invalid(format!("Cannot specify null treatment clause for {} function", self.name)));
        }
        Ok((self.evaluator)(args.ignore_nulls()))
    }
}
