//! Plans that need not read all that they select.
//!
//! - Of a query that asks for nothing but the newest or oldest values of each group of series, the ends of every series
//!   are read, and no other record.
//! - `ORDER BY time DESC LIMIT n`, also by `bin(time, …)` and grouped by it, is answered from slices of time, the newest
//!   first, until there are rows enough.

use super::{
    scan::ScanExec,
    slices::{NewestFirst, SlicesExec},
};
use crate::model::table::ColumnKind;
use datafusion::{
    common::{
        Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    physical_expr::{
        PhysicalExpr, ScalarFunctionExpr,
        aggregate::AggregateFunctionExpr,
        expressions::{Column, Literal},
    },
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        coalesce_partitions::CoalescePartitionsExec,
        filter::FilterExec,
        projection::ProjectionExec,
        repartition::RepartitionExec,
        sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
    },
};
use std::sync::Arc;

type Plan = Arc<dyn ExecutionPlan>;
type Expr = Arc<dyn PhysicalExpr>;

/// The plan with such scans.
///
/// # Errors
/// Those of making plans.
pub(in crate::sql) fn stop_early(plan: Plan) -> Result<Plan> {
    let plan = plan.transform_up(|node| match ends(&node)? {
        Some(changed) => Ok(Transformed::yes(changed)),
        None => Ok(Transformed::no(node)),
    })?;
    let plan = plan.data.transform_down(|node| match slices(&node)? {
        Some(changed) => Ok(Transformed::yes(changed)),
        None => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

/// The expression of a node's output as one of what its scan gives; `None` when the node is not fed by one scan alone,
/// through nodes that keep rows as they are, leave some out, or group them.
fn of_scan(plan: &Plan, expr: Expr) -> Result<Option<Expr>> {
    if plan.downcast_ref::<ScanExec>().is_some() {
        return Ok(Some(expr));
    }
    let [input] = plan.children()[..] else { return Ok(None) };
    let outputs: Vec<Expr> = if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        projection.expr().iter().map(|part| Arc::clone(&part.expr)).collect()
    } else if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        if !aggregate.group_expr().is_single() {
            return Ok(None);
        }
        aggregate.group_expr().expr().iter().map(|(expr, _)| Arc::clone(expr)).collect()
    } else if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        if filter.fetch().is_some() {
            return Ok(None);
        }
        columns(input, filter.projection().as_deref())
    } else if plan.downcast_ref::<RepartitionExec>().is_some()
        || (plan.downcast_ref::<CoalescePartitionsExec>().is_some() && plan.fetch().is_none())
    {
        columns(input, None)
    } else {
        return Ok(None);
    };
    match replaced(expr, &outputs)? {
        Some(expr) => of_scan(input, expr),
        None => Ok(None),
    }
}

/// All columns of a node, or those at `places`.
fn columns(plan: &Plan, places: Option<&[usize]>) -> Vec<Expr> {
    let schema = plan.schema();
    let column = |place: usize| -> Expr { Arc::new(Column::new(schema.field(place).name(), place)) };
    match places {
        Some(places) => places.iter().map(|place| column(*place)).collect(),
        None => (0..schema.fields().len()).map(column).collect(),
    }
}

/// The expression with `outputs` in the place of columns; `None` when there is none for one.
fn replaced(expr: Expr, outputs: &[Expr]) -> Result<Option<Expr>> {
    let mut is_whole = true;
    let replaced = expr.transform_down(|part| {
        let Some(column) = part.downcast_ref::<Column>() else { return Ok(Transformed::no(part)) };
        match outputs.get(column.index()) {
            Some(output) => Ok(Transformed::new(Arc::clone(output), true, TreeNodeRecursion::Jump)),
            None => {
                is_whole = false;
                Ok(Transformed::no(part))
            }
        }
    })?;
    Ok(is_whole.then_some(replaced.data))
}

/// The one scan that a node is fed by.
fn scan_of(plan: &Plan) -> Option<&ScanExec> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        return Some(scan);
    }
    let [input] = plan.children()[..] else { return None };
    scan_of(input)
}

/// The plan with another scan.
fn with_scan(plan: Plan, scan: &ScanExec) -> Result<Plan> {
    let changed = plan.transform_up(|node| {
        if node.downcast_ref::<ScanExec>().is_some() {
            return Ok(Transformed::yes(Arc::new(scan.clone()) as Plan));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(changed.data)
}

/// What kind of column an expression of a scan is.
fn kind(scan: &ScanExec, expr: &Expr) -> Option<ColumnKind> {
    let column = expr.downcast_ref::<Column>()?;
    Some(scan.view().table.columns[scan.table_column(column.index())?].kind)
}

/// An aggregate of the ends of series alone.
fn ends(node: &Plan) -> Result<Option<Plan>> {
    let Some(aggregate) = node.downcast_ref::<AggregateExec>() else { return Ok(None) };
    let input = aggregate.input();
    let Some(scan) = scan_of(input).filter(|scan| scan.is_whole()) else { return Ok(None) };
    // Between them, nothing may leave rows out or group them.
    if !is_passed_on(input) || !aggregate.group_expr().is_single() || aggregate.aggr_expr().is_empty() {
        return Ok(None);
    }
    for (expr, _) in aggregate.group_expr().expr() {
        let Some(expr) = of_scan(input, Arc::clone(expr))? else { return Ok(None) };
        if !matches!(kind(scan, &expr), Some(ColumnKind::Dimension | ColumnKind::MeasureName)) {
            return Ok(None);
        }
    }
    let (mut oldest, mut newest) = (false, false);
    for (aggregate, filter) in aggregate.aggr_expr().iter().zip(aggregate.filter_expr()) {
        let Some(key) = key(aggregate).filter(|_| filter.is_none()) else { return Ok(None) };
        let Some(key) = of_scan(input, key)? else { return Ok(None) };
        if kind(scan, &key) != Some(ColumnKind::Time) {
            return Ok(None);
        }
        *(if aggregate.fun().name().starts_with("max") { &mut newest } else { &mut oldest }) = true;
    }
    let scan = scan.with_ends(oldest, newest);
    Ok(Some(with_scan(Arc::clone(node), &scan)?))
}

/// What an aggregate takes the row with the largest or smallest of.
fn key(aggregate: &AggregateFunctionExpr) -> Option<Expr> {
    if aggregate.is_distinct() || !aggregate.order_bys().is_empty() {
        return None;
    }
    match (aggregate.fun().name(), &aggregate.expressions()[..]) {
        ("max_by" | "min_by", [_, key]) | ("max" | "min", [key]) => Some(Arc::clone(key)),
        _ => None,
    }
}

/// Whether a node gives all rows of its scan.
fn is_passed_on(plan: &Plan) -> bool {
    if plan.downcast_ref::<ScanExec>().is_some() {
        return true;
    }
    let is_kept = plan.downcast_ref::<ProjectionExec>().is_some() || plan.downcast_ref::<RepartitionExec>().is_some();
    is_kept && plan.children().iter().all(|input| is_passed_on(input))
}

/// A sort by time of which only the first rows are wanted.
fn slices(node: &Plan) -> Result<Option<Plan>> {
    // Where parts are sorted by themselves and then merged, one sort of all takes the place of that.
    if let Some(merge) = node.downcast_ref::<SortPreservingMergeExec>() {
        return match merge.fetch() {
            Some(fetch) => in_slices(merge.input(), true, fetch),
            None => Ok(None),
        };
    }
    match node.downcast_ref::<SortExec>().and_then(SortExec::fetch) {
        Some(fetch) => in_slices(node, false, fetch),
        None => Ok(None),
    }
}

/// The sort below projections, if any, with slices as its input; `is_merged` tells whether it is one of parts.
fn in_slices(node: &Plan, is_merged: bool, fetch: usize) -> Result<Option<Plan>> {
    if let Some(projection) = node.downcast_ref::<ProjectionExec>().filter(|_| is_merged) {
        let Some(input) = in_slices(projection.input(), is_merged, fetch)? else { return Ok(None) };
        let projected = ProjectionExec::try_new(projection.expr().to_vec(), input)?;
        return Ok(Some(Arc::new(projected)));
    }
    let Some(sort) = node.downcast_ref::<SortExec>() else { return Ok(None) };
    if sort.preserve_partitioning() != is_merged || sort.fetch() != Some(fetch) {
        return Ok(None);
    }
    let (input, first) = (sort.input(), sort.expr().first());
    let Some(scan) = scan_of(input).filter(|scan| scan.is_whole()) else { return Ok(None) };
    let Some(key) = of_scan(input, Arc::clone(&first.expr))? else { return Ok(None) };
    if !rises_with_time(scan, &key) {
        return Ok(None);
    }
    let order = NewestFirst(first.options.descending);
    let slices = SlicesExec::new(Arc::clone(input), scan.clone(), key, order, fetch, with_scan);
    let sorted = SortExec::new(sort.expr().clone(), Arc::new(slices)).with_fetch(Some(fetch));
    Ok(Some(Arc::new(sorted)))
}

/// Whether an expression is the time, or the time rounded down.
fn rises_with_time(scan: &ScanExec, expr: &Expr) -> bool {
    if kind(scan, expr) == Some(ColumnKind::Time) {
        return true;
    }
    let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() else { return false };
    let is_literal = |expr: &Expr| expr.downcast_ref::<Literal>().is_some();
    match (call.fun().name(), call.args()) {
        ("bin", [time, width]) => kind(scan, time) == Some(ColumnKind::Time) && is_literal(width),
        ("date_trunc", [unit, time]) => kind(scan, time) == Some(ColumnKind::Time) && is_literal(unit),
        _ => false,
    }
}
