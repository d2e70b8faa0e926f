//! Window functions: OVER and its frame.

use super::{
    Planner, Typed,
    call::Arguments,
    internal, planning_error, position,
    query::sort_key,
    scope::{Ctes, Scope},
    semantic, unsupported,
};
use crate::sql::{error::SqlError, lex::syntax, types};
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{
        ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
        WindowFunctionDefinition,
        expr::{WindowFunction, WindowFunctionParams},
        type_coercion::functions::fields_with_udf,
        utils::find_window_exprs,
    },
    sql::sqlparser::{
        ast::{self, WindowType},
        tokenizer::Location,
    },
};
use std::sync::Arc;

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
            partition_by.push(self.expr(expr, scope, ctes)?.expr);
        }
        let mut order_by = Vec::new();
        let mut key_type = DataType::Null;
        for term in &spec.order_by {
            let key = self.expr(&term.expr, scope, ctes)?;
            key_type = key.data_type.clone();
            order_by.push(sort_key(key.expr, term)?);
        }
        let frame = match &spec.window_frame {
            Some(frame) => self.frame(frame, &key_type, scope, ctes, at)?,
            None => WindowFrame::new((!order_by.is_empty()).then_some(false)),
        };
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
        key_type: &DataType,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<WindowFrame, SqlError> {
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => WindowFrameUnits::Rows,
            ast::WindowFrameUnits::Range => WindowFrameUnits::Range,
            ast::WindowFrameUnits::Groups => return Err(unsupported(at, "GROUPS")),
        };
        let start = self.bound(&frame.start_bound, units, key_type, scope, ctes)?;
        let end = match &frame.end_bound {
            Some(bound) => self.bound(bound, units, key_type, scope, ctes)?,
            None => WindowFrameBound::CurrentRow,
        };
        let rank = |bound: &WindowFrameBound| match bound {
            WindowFrameBound::Preceding(_) => 0,
            WindowFrameBound::CurrentRow => 1,
            WindowFrameBound::Following(_) => 2,
        };
        if rank(&start) > rank(&end) {
            return Err(semantic(at, "Window frame starting after its end is not allowed"));
        }
        Ok(WindowFrame::new_bounds(units, start, end))
    }

    fn bound(
        &mut self,
        bound: &ast::WindowFrameBound,
        units: WindowFrameUnits,
        key_type: &DataType,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<WindowFrameBound, SqlError> {
        let (expr, make): (_, fn(ScalarValue) -> WindowFrameBound) = match bound {
            ast::WindowFrameBound::CurrentRow => return Ok(WindowFrameBound::CurrentRow),
            ast::WindowFrameBound::Preceding(expr) => (expr, WindowFrameBound::Preceding),
            ast::WindowFrameBound::Following(expr) => (expr, WindowFrameBound::Following),
        };
        let Some(expr) = expr else { return Ok(make(unbounded(units, key_type))) };
        let at = position::of_expr(expr);
        let value = self.expr(expr, scope, ctes)?;
        let Some(value) = value.value() else { return Err(unsupported(at, "A window frame bound that is no literal")) };
        let offset = match (units, value) {
            (WindowFrameUnits::Rows, ScalarValue::Int32(Some(n))) => u64::try_from(*n).ok(),
            (WindowFrameUnits::Rows, ScalarValue::Int64(Some(n))) => u64::try_from(*n).ok(),
            (WindowFrameUnits::Rows, _) => return Err(syntax(at)),
            _ => return Ok(make(range_offset(value, key_type, at)?)),
        };
        let offset = offset.ok_or_else(|| semantic(at, "Window frame offset must not be negative"))?;
        Ok(make(ScalarValue::UInt64(Some(offset))))
    }
}

fn unbounded(units: WindowFrameUnits, key_type: &DataType) -> ScalarValue {
    match units {
        WindowFrameUnits::Range => ScalarValue::try_from(key_type).unwrap_or(ScalarValue::Null),
        _ => ScalarValue::UInt64(None),
    }
}

/// How far a RANGE frame reaches in the order key's own measure.
fn range_offset(value: &ScalarValue, key_type: &DataType, at: Location) -> Result<ScalarValue, SqlError> {
    match (value, key_type) {
        (ScalarValue::DurationNanosecond(Some(ns)), DataType::Timestamp(..)) => {
            Ok(ScalarValue::new_interval_mdn(0, 0, *ns))
        }
        (ScalarValue::IntervalYearMonth(Some(months)), DataType::Timestamp(..)) => {
            Ok(ScalarValue::new_interval_mdn(*months, 0, 0))
        }
        (value, DataType::Int32 | DataType::Int64 | DataType::Float64) => value.cast_to(key_type).map_err(internal),
        (value, key) => {
            let (value, key) = (types::type_name(&value.data_type()), types::type_name(key));
            Err(semantic(at, format!("Window frame of type RANGE cannot use {value} with an ORDER BY of {key}")))
        }
    }
}

/// Computes all window functions of `exprs` on top of `plan`, and lets the expressions read their results.
pub(super) fn compute(plan: LogicalPlan, exprs: Vec<Expr>) -> Result<(LogicalPlan, Vec<Expr>), SqlError> {
    let windows = find_window_exprs(&exprs);
    if windows.is_empty() {
        return Ok((plan, exprs));
    }
    let plan = LogicalPlanBuilder::window_plan(plan, windows.clone()).map_err(internal)?;
    let exprs = exprs.into_iter().map(|expr| {
        let replaced = expr.transform_down(|node| match node {
            Expr::WindowFunction(_) => {
                let name = node.schema_name().to_string();
                let column = Expr::Column(datafusion::common::Column::new_unqualified(name));
                Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
            }
            other => Ok(Transformed::no(other)),
        });
        replaced.map(|t| t.data).map_err(internal)
    });
    Ok((plan, exprs.collect::<Result<_, _>>()?))
}
