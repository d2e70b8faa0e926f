//! Functions whose value is the moment the query started: the same wherever they occur in it.
//! # guide: date-time-functions.html; without zone, unlike Presto

use crate::sql::{
    error::invalid,
    functions::{
        Class, Definition, Entry, Family, Function,
        signature::{Arguments, Signature, choose},
    },
    types::{TIME, TIMESTAMP, calendar::DAY_NS},
};
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{ScalarValue, internal_err},
    error::Result,
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature as PlanSignature,
        Volatility,
    },
};
use std::sync::Arc;

/// Name, signature, what it says.
const FUNCTIONS: [(&str, &str, &str); 7] = [
    ("ago", "ago(interval day to second) -> timestamp", "now() minus the interval."),
    ("current_date", "current_date() -> date", "The date the query started; written without parentheses."),
    ("current_time", "current_time() -> time", "The time of day the query started; written without parentheses."),
    ("current_timestamp", "current_timestamp() -> timestamp", "now(); written without parentheses."),
    ("localtime", "localtime() -> time", "current_time; written without parentheses."),
    ("localtimestamp", "localtimestamp() -> timestamp", "now(); written without parentheses."),
    ("now", "now() -> timestamp", "The moment the query started."),
];

pub(in crate::sql::functions) fn functions() -> Vec<Function> {
    FUNCTIONS
        .into_iter()
        .map(|(name, signature, summary)| Function {
            entry: Entry {
                name,
                family: Family::DateTime,
                class: Class::Documented,
                signatures: vec![signature],
                summary,
            },
            definition: Definition::Planner,
        })
        .collect()
}

/// See [`super::super::at_query_start`].
pub(in crate::sql::functions) fn at_query_start(name: &str, now_ns: i64) -> Option<Arc<ScalarUDF>> {
    let (name, signature, _) = FUNCTIONS.into_iter().find(|(known, _, _)| *known == name)?;
    Some(made(name, signature, now_ns))
}

/// See [`super::super::now`].
pub(in crate::sql::functions) fn now(now_ns: i64) -> Arc<ScalarUDF> {
    made("now", "now() -> timestamp", now_ns)
}

/// See [`super::super::ago`].
pub(in crate::sql::functions) fn ago(now_ns: i64) -> Arc<ScalarUDF> {
    made("ago", "ago(interval day to second) -> timestamp", now_ns)
}

fn made(name: &'static str, signature: &'static str, now_ns: i64) -> Arc<ScalarUDF> {
    let plan_signature = PlanSignature::user_defined(Volatility::Immutable);
    // Milliseconds, in spite of nine digits. # guide: date-time-functions.html, every example
    let now_ns = now_ns - now_ns.rem_euclid(1_000_000);
    Arc::new(ScalarUDF::from(QueryStart { name, signature, now_ns, plan_signature }))
}

/// Immutable: the moment is part of the function, so that the plan folds it to a constant.
#[derive(Debug, PartialEq, Eq, Hash)]
struct QueryStart {
    name: &'static str,
    signature: &'static str,
    now_ns: i64,
    plan_signature: PlanSignature,
}

impl QueryStart {
    fn value(&self) -> ScalarValue {
        let timestamp_ns = self.now_ns;
        match self.name {
            // 2^63 nanoseconds are about 106,752 days.
            "current_date" => ScalarValue::Date32(i32::try_from(timestamp_ns.div_euclid(DAY_NS)).ok()),
            "current_time" | "localtime" => ScalarValue::Time64Nanosecond(Some(timestamp_ns.rem_euclid(DAY_NS))),
            _ => ScalarValue::TimestampNanosecond(Some(timestamp_ns), None),
        }
    }

    fn moved_back(&self, by: &ScalarValue) -> Result<ScalarValue> {
        match by {
            ScalarValue::DurationNanosecond(Some(ns)) => match self.now_ns.checked_sub(*ns) {
                Some(moved) => Ok(ScalarValue::TimestampNanosecond(Some(moved), None)),
                None => Err(invalid("timestamp is out of range")),
            },
            _ => Ok(ScalarValue::TimestampNanosecond(None, None)),
        }
    }
}

impl ScalarUDFImpl for QueryStart {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &PlanSignature {
        &self.plan_signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{} is typed by its fields", self.name)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let arguments = Arguments { name: self.name, types: &types, literals: args.scalar_arguments };
        let (_, found) = choose([Signature::new(self.signature)].iter(), &arguments)?;
        debug_assert!(found.returns == TIMESTAMP || found.returns == TIME || found.returns == DataType::Date32);
        Ok(Arc::new(Field::new(self.name, found.returns, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            None => Ok(ColumnarValue::Scalar(self.value())),
            Some(ColumnarValue::Scalar(by)) => self.moved_back(by).map(ColumnarValue::Scalar),
            Some(ColumnarValue::Array(by)) => {
                let moved = (0..by.len()).map(|row| self.moved_back(&ScalarValue::try_from_array(by, row)?));
                let moved = moved.collect::<Result<Vec<_>>>()?;
                if moved.is_empty() {
                    return Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(&TIMESTAMP)));
                }
                Ok(ColumnarValue::Array(ScalarValue::iter_to_array(moved)?))
            }
        }
    }
}
