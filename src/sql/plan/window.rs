//! Window functions: OVER and its frame.

use super::{
    Planner, Typed,
    call::Arguments,
    internal, planning_error,
    scope::{Ctes, Scope},
    semantic, unsupported,
};
use crate::sql::{error::SqlError, types};
use datafusion::{
    arrow::{
        array::{RecordBatch, RecordBatchOptions},
        datatypes::{DataType, Field, FieldRef, Schema},
    },
    common::{
        Column, DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
        WindowFunctionDefinition,
        execution_props::ExecutionProps,
        expr::{WindowFunction, WindowFunctionParams},
        physical_planning_context::PhysicalPlanningContext,
        type_coercion::functions::fields_with_udf,
        utils::find_window_exprs,
    },
    physical_expr::create_physical_expr,
    sql::sqlparser::{
        ast::{self, WindowType},
        tokenizer::Location,
    },
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

impl Planner<'_> {
    /// Plans a call with OVER.
    pub(super) fn window_call(
        &mut self,
        name: &str,
        function: &ast::Function,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        scope.check_aggregate("window functions", function, at)?;
        let Some(WindowType::WindowSpec(spec)) = &function.over else { return Err(unsupported(at, "A named window")) };
        if spec.window_name.is_some() {
            return Err(unsupported(at, "A named window"));
        }
        let (fun, args, returned) = self.window_function(name, arguments, scope, ctes, at)?;
        let mut partition_by = Vec::new();
        for expr in &spec.partition_by {
            let key = self.expr(expr, scope, ctes)?;
            partition_by.push(self.same(key, self.places.of_expr(expr))?.expr);
        }
        let mut keys = Vec::with_capacity(spec.order_by.len());
        for term in &spec.order_by {
            keys.push(self.expr(&term.expr, scope, ctes)?);
        }
        let frame = match &spec.window_frame {
            Some(frame) => self.frame(frame, &keys, scope, ctes, at)?,
            None => WindowFrame::new((!keys.is_empty()).then_some(false)),
        };
        let mut order_by = Vec::with_capacity(keys.len());
        if frame.units == WindowFrameUnits::Range {
            keys = keys.into_iter().map(|key| self.measurable(key, at)).collect::<Result<_, _>>()?;
        }
        for (key, term) in keys.into_iter().zip(&spec.order_by) {
            order_by.push(self.sort_key(key, term)?);
        }
        frame.regularize_order_bys(&mut order_by).map_err(|error| planning_error(error, at))?;
        let filter = match arguments.modifiers.filter {
            Some(filter) => Some(Box::new(self.condition(filter, "FILTER (WHERE) clause", scope, ctes)?)),
            None => None,
        };
        if !arguments.modifiers.order_by.is_empty() {
            return Err(semantic(at, "Window function with ORDER BY is not supported"));
        }
        let window = WindowFunction {
            fun,
            params: WindowFunctionParams {
                args,
                partition_by,
                order_by,
                window_frame: frame,
                filter,
                null_treatment: arguments.modifiers.null_treatment,
                distinct: arguments.modifiers.distinct,
            },
        };
        let expr = Expr::WindowFunction(Box::new(window));
        // The engine counts with unsigned integers; the language's are BIGINT.
        let expr = match returned {
            DataType::UInt64 => datafusion::logical_expr::cast(expr, DataType::Int64),
            _ => expr,
        };
        let returned = if returned == DataType::UInt64 { DataType::Int64 } else { returned };
        Ok(Typed::new(expr, returned))
    }

    /// Computes all window functions of `exprs` on top of `plan`, and lets the expressions read their results.
    pub(super) fn windows(
        &mut self,
        plan: LogicalPlan,
        exprs: Vec<Expr>,
    ) -> Result<(LogicalPlan, Vec<Expr>), SqlError> {
        let mut rest = find_window_exprs(&exprs);
        let mut results: HashMap<Expr, Column> = HashMap::new();
        let mut plan = plan;
        let mut first_round = true;
        while !rest.is_empty() {
            // The engine knows a result by a name made of the function's text, in which some differ no more: those wait
            // for another round, and the results so far take names of our own.
            let mut names = HashSet::new();
            let (now, later): (Vec<Expr>, Vec<Expr>) =
                rest.into_iter().partition(|window| names.insert(window.schema_name().to_string()));
            let input: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
            plan = LogicalPlanBuilder::window_plan(plan, now.clone()).map_err(internal)?;
            let mut kept = input;
            for window in now {
                let made = Column::new_unqualified(window.schema_name().to_string());
                if later.is_empty() && first_round {
                    results.insert(window, made);
                    continue;
                }
                let name = self.fresh_name();
                kept.push(Expr::Column(made).alias(&name));
                results.insert(window, Column::new_unqualified(name));
            }
            if !(later.is_empty() && first_round) {
                plan = LogicalPlanBuilder::from(plan)
                    .project(kept)
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(internal)?;
            }
            rest = later;
            first_round = false;
        }
        let exprs = exprs.into_iter().map(|expr| {
            let replaced = expr.transform_down(|node| match results.get(&node) {
                Some(column) => Ok(Transformed::new(Expr::Column(column.clone()), true, TreeNodeRecursion::Jump)),
                None => Ok(Transformed::no(node)),
            });
            replaced.map(|t| t.data).map_err(internal)
        });
        let exprs = exprs.collect::<Result<_, _>>()?;
        Ok((plan, exprs))
    }

    /// The function, its arguments brought to its types, and its result's type.
    fn window_function(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<(WindowFunctionDefinition, Vec<Expr>, DataType), SqlError> {
        let Some(udf) = self.context.registry.window(name) else {
            let Some(udf) = self.context.registry.aggregate(name) else {
                let registry = self.context.registry;
                let known = registry.scalar(name).is_some() || registry.higher_order(name).is_some();
                // # inferred: Presto's words
                let message = match known {
                    true => format!("Not a window function: {name}"),
                    false => format!("Function {name} not registered"),
                };
                return Err(semantic(at, message));
            };
            let (args, returned) = self.aggregate_arguments(&udf, arguments, scope, ctes, at)?;
            return Ok((WindowFunctionDefinition::AggregateUDF(udf), args, returned));
        };
        if arguments.star {
            return Err(semantic(at, format!("'*' is not an argument of {name}")));
        }
        if arguments.modifiers.distinct || arguments.modifiers.filter.is_some() {
            return Err(semantic(at, format!("DISTINCT and FILTER are not allowed for window function {name}")));
        }
        let mut args = Vec::with_capacity(arguments.exprs.len());
        for arg in &arguments.exprs {
            args.push(self.expr(arg, scope, ctes)?);
        }
        let fields: Vec<FieldRef> = args.iter().map(Typed::field).collect();
        let coerced = fields_with_udf(&fields, udf.as_ref()).map_err(|error| planning_error(error, at))?;
        let args: Vec<Typed> =
            args.into_iter().zip(&coerced).map(|(arg, field)| arg.cast_to(field.data_type())).collect();
        let fields: Vec<FieldRef> =
            args.iter().map(|arg| Arc::new(Field::new("", arg.data_type.clone(), true)) as FieldRef).collect();
        let definition = WindowFunctionDefinition::WindowUDF(udf);
        let returned = definition.return_field(&fields, name).map_err(|error| planning_error(error, at))?;
        let exprs = args.into_iter().map(|arg| arg.expr).collect();
        Ok((definition, exprs, returned.data_type().clone()))
    }

    fn frame(
        &mut self,
        frame: &ast::WindowFrame,
        keys: &[Typed],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<WindowFrame, SqlError> {
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => WindowFrameUnits::Rows,
            ast::WindowFrameUnits::Range => WindowFrameUnits::Range,
            ast::WindowFrameUnits::Groups => return Err(unsupported(at, "GROUPS")),
        };
        let start = self.bound(&frame.start_bound, Edge { units, name: "starting" }, keys, scope, ctes)?;
        let end = match &frame.end_bound {
            Some(bound) => self.bound(bound, Edge { units, name: "ending" }, keys, scope, ctes)?,
            None => Bound::CurrentRow,
        };
        if start.rank() > end.rank() {
            return Err(semantic(at, "Window frame starting after its end is not allowed"));
        }
        let unbounded = match units {
            WindowFrameUnits::Rows => ScalarValue::UInt64(None),
            _ => ScalarValue::Null,
        };
        Ok(WindowFrame::new_bounds(units, start.into_engine(&unbounded), end.into_engine(&unbounded)))
    }

    /// A key that the engine can measure a RANGE frame by: times and intervals as plain numbers, which have their order.
    fn measurable(&mut self, key: Typed, at: Location) -> Result<Typed, SqlError> {
        match key.data_type {
            DataType::Time64(_) | DataType::Duration(_) => {
                Ok(Typed::new(datafusion::logical_expr::cast(key.expr, DataType::Int64), DataType::Int64))
            }
            DataType::Interval(_) => self.internal_call("__months", vec![key], at),
            _ => Ok(key),
        }
    }

    fn bound(
        &mut self,
        bound: &ast::WindowFrameBound,
        edge: Edge,
        keys: &[Typed],
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Bound, SqlError> {
        let (expr, make): (_, fn(Option<ScalarValue>) -> Bound) = match bound {
            ast::WindowFrameBound::CurrentRow => return Ok(Bound::CurrentRow),
            ast::WindowFrameBound::Preceding(expr) => (expr, Bound::Preceding),
            ast::WindowFrameBound::Following(expr) => (expr, Bound::Following),
        };
        let Some(expr) = expr else { return Ok(make(None)) };
        let at = self.places.of_expr(expr);
        let value = self.expr(expr, scope, ctes)?;
        let offset = match (edge.units, keys) {
            (WindowFrameUnits::Rows, _) => edge.rows_offset(value, at)?,
            (_, [key]) => edge.range_offset(value, &key.data_type, at)?,
            // # trino: its words
            (_, []) => {
                return Err(semantic(at, "Window frame of type RANGE PRECEDING or FOLLOWING requires ORDER BY"));
            }
            _ => {
                let message = "Window frame of type RANGE PRECEDING or FOLLOWING requires single sort item in ORDER BY";
                return Err(semantic(at, message));
            }
        };
        Ok(make(Some(offset)))
    }
}

/// Where a frame begins or ends; `None` is without bound.
enum Bound {
    CurrentRow,
    Preceding(Option<ScalarValue>),
    Following(Option<ScalarValue>),
}

impl Bound {
    fn rank(&self) -> u8 {
        match self {
            Self::Preceding(_) => 0,
            Self::CurrentRow => 1,
            Self::Following(_) => 2,
        }
    }

    fn into_engine(self, unbounded: &ScalarValue) -> WindowFrameBound {
        match self {
            Self::CurrentRow => WindowFrameBound::CurrentRow,
            Self::Preceding(offset) => WindowFrameBound::Preceding(offset.unwrap_or_else(|| unbounded.clone())),
            Self::Following(offset) => WindowFrameBound::Following(offset.unwrap_or_else(|| unbounded.clone())),
        }
    }
}

/// One end of a frame, and what is said of it.
#[derive(Clone, Copy)]
struct Edge {
    units: WindowFrameUnits,
    /// In messages: `starting` or `ending`.
    name: &'static str,
}

impl Edge {
    /// How many rows a ROWS frame reaches.
    fn rows_offset(self, value: Typed, at: Location) -> Result<ScalarValue, SqlError> {
        if !matches!(value.data_type, DataType::Int32 | DataType::Int64 | DataType::Null) {
            // # trino: its words
            let given = types::type_name(&value.data_type);
            return Err(semantic(
                at,
                format!("Window frame ROWS value type must be exact numeric type with scale 0 (actual {given})"),
            ));
        }
        let rows = match constant(value, at)? {
            ScalarValue::Int32(rows) => rows.map(i64::from),
            ScalarValue::Int64(rows) => rows,
            _ => None,
        };
        let rows = rows.ok_or_else(|| self.refused("null"))?;
        let rows = u64::try_from(rows).map_err(|_| self.refused("negative"))?;
        Ok(ScalarValue::UInt64(Some(rows)))
    }

    /// How far a RANGE frame reaches in the measure of the order's key, as [`Planner::measurable`] makes it.
    fn range_offset(self, value: Typed, key: &DataType, at: Location) -> Result<ScalarValue, SqlError> {
        let given = value.data_type.clone();
        let is_number =
            |data_type: &DataType| matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::Float64);
        let day_to_second = matches!(given, DataType::Duration(_));
        let year_to_month = matches!(given, DataType::Interval(_));
        let fits = match key {
            DataType::Timestamp(..) | DataType::Date32 => day_to_second || year_to_month,
            DataType::Time64(_) | DataType::Duration(_) => day_to_second,
            DataType::Interval(_) => year_to_month,
            key if is_number(key) => types::coerces(&given, key),
            _ => false,
        };
        if !fits {
            let (given, key) = (types::type_name(&given), types::type_name(key));
            return Err(semantic(
                at,
                format!("Window frame of type RANGE cannot use {given} with an ORDER BY of {key}"),
            ));
        }
        let offset = constant(value, at)?;
        if offset.is_null() {
            return Err(self.refused("null"));
        }
        if is_negative(&offset) {
            return Err(self.refused("negative"));
        }
        match (offset, key) {
            (ScalarValue::DurationNanosecond(Some(ns)), DataType::Timestamp(..)) => {
                Ok(ScalarValue::new_interval_mdn(0, 0, ns))
            }
            (ScalarValue::DurationNanosecond(Some(ns)), DataType::Date32) => {
                match (ns % DAY_NS, i32::try_from(ns / DAY_NS)) {
                    (0, Ok(days)) => Ok(ScalarValue::new_interval_mdn(0, days, 0)),
                    // # trino: its words
                    _ => Err(semantic(at, "Cannot add hour, minutes or seconds to a date")),
                }
            }
            (ScalarValue::IntervalYearMonth(Some(months)), DataType::Timestamp(..) | DataType::Date32) => {
                Ok(ScalarValue::new_interval_mdn(months, 0, 0))
            }
            (ScalarValue::IntervalYearMonth(months), _) => Ok(ScalarValue::Int32(months)),
            (ScalarValue::DurationNanosecond(ns), _) => Ok(ScalarValue::Int64(ns)),
            (offset, key) => offset.cast_to(key).map_err(internal),
        }
    }

    /// # trino: its words, without a place
    fn refused(self, what: &str) -> SqlError {
        SqlError::Invalid(match self.units {
            WindowFrameUnits::Rows => format!("Window frame {} offset must not be {what}", self.name),
            _ => "Window frame offset value must not be negative or null".to_owned(),
        })
    }
}

/// Nanoseconds of a day.
const DAY_NS: i64 = 86_400_000_000_000;

fn is_negative(offset: &ScalarValue) -> bool {
    match offset {
        ScalarValue::Int32(Some(n)) | ScalarValue::IntervalYearMonth(Some(n)) => *n < 0,
        ScalarValue::Int64(Some(n)) | ScalarValue::DurationNanosecond(Some(n)) => *n < 0,
        ScalarValue::Float64(Some(n)) => n.is_nan() || *n < 0.0,
        _ => false,
    }
}

/// The value of an expression that reads no rows.
fn constant(value: Typed, at: Location) -> Result<ScalarValue, SqlError> {
    if let Some(value) = value.value() {
        return Ok(value.clone());
    }
    let reads = value.expr.exists(|node| Ok(!is_constant_node(node))).map_err(internal)?;
    if reads {
        return Err(unsupported(at, "A window frame bound that differs from row to row"));
    }
    let nothing = DFSchema::empty();
    let computed =
        create_physical_expr(&value.expr, &nothing, &ExecutionProps::new(), &PhysicalPlanningContext::default())
            .map_err(internal)?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options);
    let row = row.map_err(|error| internal(error.into()))?;
    match computed.evaluate(&row).map_err(|error| planning_error(error, at))? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0).map_err(internal),
    }
}

fn is_constant_node(node: &Expr) -> bool {
    matches!(
        node,
        Expr::Literal(..)
            | Expr::ScalarFunction(_)
            | Expr::Cast(_)
            | Expr::Case(_)
            | Expr::BinaryExpr(_)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
    )
}
