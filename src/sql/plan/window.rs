//! Window functions: OVER and its frame.

use super::{
    Planner, Typed,
    call::{Aggregated, Arguments},
    internal, planning_error,
    scope::{Ctes, Scope},
    semantic, unsupported,
};
use crate::sql::{
    construct,
    error::SqlError,
    functions::window::framed::{Edge, Framed, Measure},
    types,
};
use datafusion::{
    arrow::{
        array::{RecordBatch, RecordBatchOptions},
        compute::SortOptions,
        datatypes::{DataType, Field, FieldRef, Schema},
    },
    common::{
        Column, DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, Operator, WindowFrame, WindowFrameBound,
        WindowFrameUnits, WindowFunctionDefinition,
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
        let (mut fun, mut args, returned, ranked) = self.window_function(name, arguments, scope, ctes, at)?;
        let mut partition_by = Vec::new();
        for expr in &spec.partition_by {
            let key = self.expr(expr, scope, ctes)?;
            partition_by.push(self.same(key, self.places.of_expr(expr))?.expr);
        }
        let mut keys = Vec::with_capacity(spec.order_by.len());
        for term in &spec.order_by {
            keys.push(self.expr(&term.expr, scope, ctes)?);
        }
        let moving = match &spec.window_frame {
            Some(frame) => {
                let order = keys.iter().cloned().zip(&spec.order_by).collect::<Vec<_>>();
                self.moving_frame(frame, &order, scope, ctes, at)?
            }
            None => None,
        };
        let frame = match &spec.window_frame {
            Some(_) if moving.is_some() => WindowFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                WindowFrameBound::Following(ScalarValue::UInt64(None)),
            ),
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
        let mut filter = match arguments.modifiers.filter {
            Some(filter) => Some(Box::new(self.condition(filter, "FILTER (WHERE) clause", scope, ctes)?)),
            None => None,
        };
        if !arguments.modifiers.order_by.is_empty() {
            return Err(semantic(at, "Window function with ORDER BY is not supported"));
        }
        let mut distinct = arguments.modifiers.distinct;
        if let Some(moving) = moving
            && reads_frame(&fun)
        {
            let own = args.len();
            args.extend(moving.arguments);
            let filtered = filter.is_some();
            args.extend(filter.take().map(|filter| *filter));
            let framed = Framed::over(fun, own, std::mem::take(&mut distinct), filtered, moving.measure, moving.edges);
            fun = WindowFunctionDefinition::WindowUDF(Arc::new(framed));
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
                distinct,
            },
        };
        let expr = Expr::WindowFunction(Box::new(window));
        // The engine counts with unsigned integers; the language's are BIGINT.
        let expr = match returned {
            DataType::UInt64 => datafusion::logical_expr::cast(expr, DataType::Int64),
            _ => expr,
        };
        let returned = if returned == DataType::UInt64 { DataType::Int64 } else { returned };
        self.aggregated(Typed::new(expr, returned), ranked, at)
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

    /// The function, its arguments brought to its types, its result's type, and whether that is a rank.
    fn window_function(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<(WindowFunctionDefinition, Vec<Expr>, DataType, bool), SqlError> {
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
            let Aggregated { udf, args, returned, ranked } =
                self.aggregate_arguments(&udf, arguments, scope, ctes, at)?;
            return Ok((WindowFunctionDefinition::AggregateUDF(udf), args, returned, ranked));
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
        Ok((definition, exprs, returned.data_type().clone(), false))
    }

    fn frame(
        &mut self,
        frame: &ast::WindowFrame,
        keys: &[Typed],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<WindowFrame, SqlError> {
        if frame.units == ast::WindowFrameUnits::Groups {
            self.inherited(at, construct::GROUPS)?;
        }
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => WindowFrameUnits::Rows,
            ast::WindowFrameUnits::Range => WindowFrameUnits::Range,
            // Without keys all rows are peers, which the engine knows of RANGE only.
            ast::WindowFrameUnits::Groups if keys.is_empty() && !has_offset(frame) => WindowFrameUnits::Range,
            ast::WindowFrameUnits::Groups => WindowFrameUnits::Groups,
        };
        let start = self.bound(&frame.start_bound, Side { units, name: "starting" }, keys, scope, ctes)?;
        let end = match &frame.end_bound {
            Some(bound) => self.bound(bound, Side { units, name: "ending" }, keys, scope, ctes)?,
            None => Bound::CurrentRow,
        };
        if start.rank() > end.rank() {
            return Err(semantic(at, FRAME_ENDS_FIRST));
        }
        let unbounded = match units {
            WindowFrameUnits::Rows | WindowFrameUnits::Groups => ScalarValue::UInt64(None),
            WindowFrameUnits::Range => ScalarValue::Null,
        };
        Ok(WindowFrame::new_bounds(units, start.into_engine(&unbounded), end.into_engine(&unbounded)))
    }

    /// A frame of which a bound reads the row; `None` for any other.
    fn moving_frame(
        &mut self,
        frame: &ast::WindowFrame,
        order: &[(Typed, &ast::OrderByExpr)],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Option<MovingFrame>, SqlError> {
        let current = ast::WindowFrameBound::CurrentRow;
        let (mut edges, mut offsets, mut moves) = ([Edge::Current; 2], Vec::new(), false);
        for (edge, bound) in edges.iter_mut().zip([&frame.start_bound, frame.end_bound.as_ref().unwrap_or(&current)]) {
            let (with_offset, offset) = match bound {
                ast::WindowFrameBound::CurrentRow => continue,
                ast::WindowFrameBound::Preceding(offset) => (Edge::Preceding, offset),
                ast::WindowFrameBound::Following(offset) => (Edge::Following, offset),
            };
            *edge = if offset.is_some() { with_offset } else { Edge::Unbounded };
            let Some(offset) = offset else { continue };
            let value = self.expr(offset, scope, ctes)?;
            moves |= reads_rows(&value.expr)?;
            offsets.push((*edge, value, self.places.of_expr(offset)));
        }
        if !moves {
            return Ok(None);
        }
        let moving = match (frame.units, order) {
            (ast::WindowFrameUnits::Range, [(key, term)]) => self.moving_range(key, term, edges, offsets)?,
            (ast::WindowFrameUnits::Range, keys) => return Err(one_range_key(keys.len(), at)),
            (ast::WindowFrameUnits::Groups, []) => return Err(semantic(at, GROUPS_WITHOUT_KEYS)),
            (ast::WindowFrameUnits::Groups, keys) => {
                self.inherited(at, construct::GROUPS)?;
                self.moving_groups(keys, edges, offsets)?
            }
            (ast::WindowFrameUnits::Rows, _) => moving_rows(edges, offsets)?,
        };
        let ends_first =
            matches!(edges, [Edge::Current, Edge::Preceding] | [Edge::Following, Edge::Preceding | Edge::Current]);
        if ends_first { Err(semantic(at, FRAME_ENDS_FIRST)) } else { Ok(Some(moving)) }
    }

    /// A GROUPS frame of which a bound reads the row.
    fn moving_groups(
        &mut self,
        order: &[(Typed, &ast::OrderByExpr)],
        edges: [Edge; 2],
        offsets: Vec<(Edge, Typed, Location)>,
    ) -> Result<MovingFrame, SqlError> {
        let mut arguments = counts_of_rows(offsets, "GROUPS")?;
        for (key, term) in order {
            arguments.push(self.same(key.clone(), self.places.of_expr(&term.expr))?.expr);
        }
        Ok(MovingFrame { measure: Measure::Groups(order.len()), edges, arguments })
    }

    /// A RANGE frame of which a bound reads the row: each row's bounds are keys, computed from its own.
    fn moving_range(
        &mut self,
        key: &Typed,
        term: &ast::OrderByExpr,
        edges: [Edge; 2],
        offsets: Vec<(Edge, Typed, Location)>,
    ) -> Result<MovingFrame, SqlError> {
        let at = self.places.of_expr(&term.expr);
        let descending = !term.options.asc.unwrap_or(true);
        let order = SortOptions { descending, nulls_first: term.options.nulls_first.unwrap_or(false) };
        let plain_key = self.same(key.clone(), at)?;
        let measured_key = self.measurable(plain_key, at)?;
        let mut arguments = Vec::new();
        for (edge, offset, at) in offsets {
            range_offset_type(&offset, &key.data_type, at)?;
            let measured = self.measurable(offset.clone(), at)?;
            // What is added to a date or a timestamp stays an interval.
            let added = match key.data_type {
                DataType::Timestamp(..) | DataType::Date32 => offset,
                _ => measured.clone().cast_to(&measured_key.data_type),
            };
            let zero = Typed::literal(ScalarValue::Int64(Some(0)));
            arguments.push(self.compare(measured, Operator::GtEq, zero, at)?.expr);
            let symbol = if (edge == Edge::Preceding) == descending { "+" } else { "-" };
            let symbol = Typed::literal(ScalarValue::Utf8(Some(symbol.to_owned())));
            let bound = self.internal_call("__arith", vec![symbol, measured_key.clone(), added], at)?;
            arguments.push(self.same(bound, at)?.expr);
        }
        arguments.push(measured_key.expr);
        Ok(MovingFrame { measure: Measure::Range(order), edges, arguments })
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
        edge: Side,
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
            (WindowFrameUnits::Rows, _) => edge.count(value, "ROWS", at)?,
            (WindowFrameUnits::Groups, []) => return Err(semantic(at, GROUPS_WITHOUT_KEYS)),
            (WindowFrameUnits::Groups, _) => edge.count(value, "GROUPS", at)?,
            (_, [key]) => edge.range_offset(value, &key.data_type, at)?,
            (_, keys) => return Err(one_range_key(keys.len(), at)),
        };
        Ok(make(Some(offset)))
    }
}

const FRAME_ENDS_FIRST: &str = "Window frame starting after its end is not allowed";

/// A frame whose bounds differ from row to row.
struct MovingFrame {
    measure: Measure,
    edges: [Edge; 2],
    /// What the measure reads of each row.
    arguments: Vec<Expr>,
}

fn moving_rows(edges: [Edge; 2], offsets: Vec<(Edge, Typed, Location)>) -> Result<MovingFrame, SqlError> {
    Ok(MovingFrame { measure: Measure::Rows, edges, arguments: counts_of_rows(offsets, "ROWS")? })
}

/// Offsets that count rows or groups of them.
fn counts_of_rows(offsets: Vec<(Edge, Typed, Location)>, units: &str) -> Result<Vec<Expr>, SqlError> {
    let count = |(_, offset, at): (Edge, Typed, Location)| {
        check_count_type(&offset, units, at)?;
        Ok(offset.cast_to(&DataType::Int64).expr)
    };
    offsets.into_iter().map(count).collect()
}

/// Whether a bound of a frame has an offset.
fn has_offset(frame: &ast::WindowFrame) -> bool {
    use ast::WindowFrameBound::{Following, Preceding};
    let has = |bound: &ast::WindowFrameBound| matches!(bound, Preceding(Some(_)) | Following(Some(_)));
    has(&frame.start_bound) || frame.end_bound.as_ref().is_some_and(has)
}

/// # trino: its words
const GROUPS_WITHOUT_KEYS: &str = "Window frame of type GROUPS PRECEDING or FOLLOWING requires ORDER BY";

/// What is wrong with a RANGE frame that has another number of keys than one. # trino: its words
fn one_range_key(keys: usize, at: Location) -> SqlError {
    let needs = if keys == 0 { "ORDER BY" } else { "single sort item in ORDER BY" };
    semantic(at, format!("Window frame of type RANGE PRECEDING or FOLLOWING requires {needs}"))
}

/// Whether a function's result depends on the frame.
fn reads_frame(function: &WindowFunctionDefinition) -> bool {
    match function {
        WindowFunctionDefinition::AggregateUDF(_) => true,
        WindowFunctionDefinition::WindowUDF(udf) => ["first_value", "last_value", "nth_value"].contains(&udf.name()),
    }
}

fn check_count_type(value: &Typed, units: &str, at: Location) -> Result<(), SqlError> {
    if matches!(value.data_type, DataType::Int32 | DataType::Int64 | DataType::Null) {
        return Ok(());
    }
    // # trino: its words
    let given = types::type_name(&value.data_type);
    Err(semantic(
        at,
        format!("Window frame {units} value type must be exact numeric type with scale 0 (actual {given})"),
    ))
}

/// Whether a RANGE frame can be measured by an offset of this type.
fn range_offset_type(value: &Typed, key: &DataType, at: Location) -> Result<(), SqlError> {
    let given = &value.data_type;
    let is_number = |data_type: &DataType| matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::Float64);
    let day_to_second = matches!(given, DataType::Duration(_));
    let year_to_month = matches!(given, DataType::Interval(_));
    let fits = match key {
        DataType::Timestamp(..) | DataType::Date32 => day_to_second || year_to_month,
        DataType::Time64(_) | DataType::Duration(_) => day_to_second,
        DataType::Interval(_) => year_to_month,
        key if is_number(key) => types::coerces(given, key),
        _ => false,
    };
    if !fits {
        let (given, key) = (types::type_name(given), types::type_name(key));
        return Err(semantic(at, format!("Window frame of type RANGE cannot use {given} with an ORDER BY of {key}")));
    }
    Ok(())
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
struct Side {
    units: WindowFrameUnits,
    /// In messages: `starting` or `ending`.
    name: &'static str,
}

impl Side {
    /// How many rows, or groups of them, a frame reaches.
    fn count(self, value: Typed, units: &str, at: Location) -> Result<ScalarValue, SqlError> {
        check_count_type(&value, units, at)?;
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
        range_offset_type(&value, key, at)?;
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
            WindowFrameUnits::Rows | WindowFrameUnits::Groups => {
                format!("Window frame {} offset must not be {what}", self.name)
            }
            WindowFrameUnits::Range => "Window frame offset value must not be negative or null".to_owned(),
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
    if reads_rows(&value.expr)? {
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

fn reads_rows(expr: &Expr) -> Result<bool, SqlError> {
    expr.exists(|node| Ok(!is_constant_node(node))).map_err(internal)
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
