//! A table as the engine scans it: what a query needs of it and no more.

use super::insights::{Insights, ScanInsight, UnloadInsight};
use crate::{
    catalog::PartitionKey,
    engine::TableView,
    model::table::{Column, ColumnKind},
    store::memory::selection::Selection,
};
use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{DataType, SchemaRef, TimeUnit},
    },
    catalog::{Session, TableProvider},
    common::{Result, ScalarValue, tree_node::Transformed},
    datasource::{TableType, provider_as_source, source_as_provider},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, LogicalPlan, Operator, TableProviderFilterPushDown, utils::split_conjunction},
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::StreamExt;
use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Counts what a query reads.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: AtomicU64,
    rows: AtomicU64,
    rows_expected: AtomicU64,
    output_bytes: AtomicU64,
    output_rows: AtomicU64,
    scans: Mutex<Vec<ScanInsight>>,
    unload: Mutex<Option<UnloadInsight>>,
}

impl Meter {
    /// Logical bytes of the columns and rows read so far: the same wherever they lie.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How much of what there is to read has been read, in percent.
    pub(super) fn progress(&self) -> f64 {
        let (rows, expected) = (self.rows.load(Ordering::Relaxed), self.rows_expected.load(Ordering::Relaxed));
        if expected == 0 { 0.0 } else { (rows as f64 / expected as f64 * 100.0).min(99.0) }
    }

    fn count(&self, batch: &RecordBatch) {
        self.bytes.fetch_add(batch_bytes(batch), Ordering::Relaxed);
        self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }

    /// Counts a batch of the result.
    pub(super) fn count_output(&self, batch: &RecordBatch) {
        self.output_bytes.fetch_add(batch_bytes(batch), Ordering::Relaxed);
        self.output_rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }

    /// What the query has read and given so far.
    pub(super) fn insights(&self) -> Insights {
        let scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tables: BTreeSet<_> = scans.iter().map(|scan| (&scan.database, &scan.table)).collect();
        Insights {
            tables: tables.len(),
            output_rows: self.output_rows.load(Ordering::Relaxed),
            output_bytes: self.output_bytes.load(Ordering::Relaxed),
            unload: *self.unload.lock().unwrap_or_else(PoisonError::into_inner),
            scans,
        }
    }

    /// Notes what an UNLOAD wrote.
    pub(super) fn note_unload(&self, unload: UnloadInsight) {
        *self.unload.lock().unwrap_or_else(PoisonError::into_inner) = Some(unload);
    }
}

fn batch_bytes(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|column| logical_bytes(column.as_ref())).sum::<usize>() as u64
}

/// The bytes of a column's values as the service meters them. # guide: metering-and-pricing.writes.html
fn logical_bytes(column: &dyn Array) -> usize {
    let present = column.len() - column.null_count();
    match column.data_type() {
        DataType::Boolean => present,
        DataType::Utf8 => {
            let offsets = column.as_string::<i32>().value_offsets();
            let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
            usize::try_from(last - first).unwrap_or(0)
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let offsets = list.value_offsets();
            let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
            logical_bytes(list.values().slice(first as usize, (last - first) as usize).as_ref())
        }
        DataType::Struct(_) => column.as_struct().columns().iter().map(|field| logical_bytes(field.as_ref())).sum(),
        _ => present * 8,
    }
}

/// The plan, which stands a second time in the whole, with tables that are not counted again: to the client a query reads a
/// table as often as it names it, whatever the plan makes of that.
pub(super) fn uncounted(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let replaced = plan.clone().transform_down_with_subqueries(|node| {
        let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
        let provider = source_as_provider(&scan.source)?;
        let Some(table) = provider.downcast_ref::<TimestreamTable>() else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        scan.source = provider_as_source(Arc::new(table.uncounted()));
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    Ok(replaced.data)
}

/// One table of one query.
#[derive(Debug)]
pub(super) struct TimestreamTable {
    view: Arc<TableView>,
    schema: SchemaRef,
    /// The first time the query may see, nanoseconds since the epoch.
    visible_from_ns: i64,
    meter: Arc<Meter>,
}

impl TimestreamTable {
    /// The table as a query at `now_ns` sees it.
    pub(super) fn new(view: Arc<TableView>, now_ns: i64, meter: Arc<Meter>) -> Self {
        let schema = view.rows.schema();
        let visible_from_ns = view.visible_from_ns(now_ns);
        Self { view, schema, visible_from_ns, meter }
    }

    /// The same table, read without being counted.
    fn uncounted(&self) -> Self {
        let (view, schema) = (Arc::clone(&self.view), Arc::clone(&self.schema));
        Self { view, schema, visible_from_ns: self.visible_from_ns, meter: Arc::default() }
    }

    /// What the filters leave to be read.
    fn selection(&self, filters: &[Expr]) -> Selection {
        let mut selection = Selection::from(self.visible_from_ns..i64::MAX);
        for filter in filters.iter().flat_map(split_conjunction) {
            if let Some(times) = time_bound(filter) {
                let all = &mut selection.times;
                *all = all.start.max(times.start)..all.end.min(times.end);
            } else if let Some((name, values)) = key_values(filter)
                && let Some(column) = self.key_column(name)
            {
                selection.keys.push((column, values));
            }
        }
        selection
    }

    /// The place of a dimension or of `measure_name`; `None` for other columns.
    fn key_column(&self, name: &str) -> Option<usize> {
        let is_key = |column: &Column| matches!(column.kind, ColumnKind::Dimension | ColumnKind::MeasureName);
        self.view.table.columns.iter().position(|column| is_key(column) && *column.name == *name)
    }

    /// What a scan of this selection looks at.
    fn insight(&self, selection: &Selection) -> ScanInsight {
        let table = &self.view.table;
        let partition_key = match &table.partition_key {
            PartitionKey::Measure => Arc::from("measure_name"),
            PartitionKey::Dimension { name, .. } => Arc::clone(name),
        };
        let coverage = self.key_column(&partition_key).map(|column| self.view.rows.coverage(selection, column));
        let spatial_coverage = coverage.map_or(0.0, |c| c.selected as f64 / c.all.max(1) as f64);
        // A bound that the query does not set is where the records begin or end.
        let times = &selection.times;
        let (oldest_ns, newest_ns) = self.view.rows.extent_ns().unwrap_or((times.start, times.start));
        let first_ns = if times.start > self.visible_from_ns { times.start } else { oldest_ns.max(times.start) };
        let last_ns = if times.end == i64::MAX { newest_ns } else { times.end - 1 };
        ScanInsight {
            database: Arc::clone(&table.database),
            table: Arc::clone(&table.name),
            partition_key,
            spatial_coverage,
            temporal_range_ns: last_ns.saturating_sub(first_ns).max(0),
        }
    }
}

#[async_trait::async_trait]
impl TableProvider for TimestreamTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Bounds of time, and values of dimensions and `measure_name`, narrow what is read; the filter itself still runs.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match time_bound(filter).is_some() || key_values(filter).is_some() {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let selection = self.selection(filters);
        let insight = self.insight(&selection);
        self.meter.scans.lock().unwrap_or_else(PoisonError::into_inner).push(insight);
        let columns: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let projected = Arc::new(self.schema.project(&columns)?);
        let expected = self.view.rows.row_count_estimate(selection.times.clone());
        self.meter.rows_expected.fetch_add(expected as u64, Ordering::Relaxed);
        let records = Records {
            view: Arc::clone(&self.view),
            schema: Arc::clone(&projected),
            columns,
            selection,
            meter: Arc::clone(&self.meter),
        };
        let partitions: Vec<Arc<dyn PartitionStream>> = vec![Arc::new(records)];
        Ok(Arc::new(StreamingTableExec::try_new(projected, partitions, None, Vec::new(), false, limit)?))
    }
}

/// The records a scan reads.
#[derive(Debug)]
struct Records {
    view: Arc<TableView>,
    schema: SchemaRef,
    columns: Vec<usize>,
    selection: Selection,
    meter: Arc<Meter>,
}

impl PartitionStream for Records {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _ctx: Arc<TaskContext>) -> SendableRecordBatchStream {
        let meter = Arc::clone(&self.meter);
        let batches = self.view.rows.scan(&self.columns, &self.selection);
        let batches = futures::stream::iter(batches).map(move |batch| {
            let batch = batch.map_err(|error| DataFusionError::External(error.into()))?;
            meter.count(&batch);
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

/// Times that hold all rows a filter lets through, when it bounds them: comparisons of `time`, `bin(time, interval)` or
/// `date_trunc(unit, time)` with a literal, and AND and OR of them. `None` for any other filter.
fn time_bound(filter: &Expr) -> Option<Range<i64>> {
    let Expr::BinaryExpr(binary) = filter else { return None };
    match binary.op {
        Operator::And => {
            return match (time_bound(&binary.left), time_bound(&binary.right)) {
                (Some(a), Some(b)) => Some(a.start.max(b.start)..a.end.min(b.end)),
                (one, other) => one.or(other),
            };
        }
        Operator::Or => {
            let (a, b) = (time_bound(&binary.left)?, time_bound(&binary.right)?);
            return Some(a.start.min(b.start)..a.end.max(b.end));
        }
        _ => {}
    }
    let (op, width, ns) = match (binary.left.as_ref(), binary.right.as_ref()) {
        (value, Expr::Literal(literal, _)) => (binary.op, bin_width(value)?, nanoseconds(literal)?),
        (Expr::Literal(literal, _), value) => (binary.op.swap()?, bin_width(value)?, nanoseconds(literal)?),
        _ => return None,
    };
    // A time lies in the bin that starts at or before it and is `width` wide.
    let (next, end) = (ns.saturating_add(1), ns.saturating_add(width));
    Some(match op {
        Operator::Eq => ns..end,
        Operator::Lt if width == 1 => i64::MIN..ns,
        Operator::Lt | Operator::LtEq => i64::MIN..end,
        Operator::Gt => next..i64::MAX,
        Operator::GtEq => ns..i64::MAX,
        _ => return None,
    })
}

/// How far a time may lie behind the value of this expression, exclusive, nanoseconds: 1 for `time` itself.
fn bin_width(value: &Expr) -> Option<i64> {
    match value {
        Expr::Column(column) if column.name == "time" => Some(1),
        Expr::ScalarFunction(call) => match (call.func.name(), &call.args[..]) {
            ("bin", [Expr::Column(time), Expr::Literal(ScalarValue::DurationNanosecond(Some(width)), _)])
                if time.name == "time" && *width > 0 =>
            {
                Some(*width)
            }
            ("date_trunc", [Expr::Literal(ScalarValue::Utf8(Some(unit)), _), Expr::Column(time)])
                if time.name == "time" =>
            {
                longest(unit)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The longest that a unit of date_trunc can be, nanoseconds.
fn longest(unit: &str) -> Option<i64> {
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "month" => 31 * 86_400,
        "quarter" => 92 * 86_400,
        "year" => 366 * 86_400,
        _ => return None,
    };
    Some(seconds * 1_000_000_000)
}

/// The column and the values that a filter of the form `column = 'a'`, `column IN ('a', …)`, or several of these for one
/// column with OR between them, lets through; `None` for any other filter.
fn key_values(filter: &Expr) -> Option<(&str, BTreeSet<Arc<str>>)> {
    match filter {
        Expr::BinaryExpr(binary) if binary.op == Operator::Eq => match (binary.left.as_ref(), binary.right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) | (Expr::Literal(value, _), Expr::Column(column)) => {
                Some((&*column.name, BTreeSet::from([text(value)?])))
            }
            _ => None,
        },
        Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
            let (name, mut values) = key_values(&binary.left)?;
            let (other, more) = key_values(&binary.right)?;
            values.extend(more);
            (name == other).then_some((name, values))
        }
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = list.expr.as_ref() else { return None };
            let values = list.list.iter().map(|value| match value {
                Expr::Literal(value, _) => text(value),
                _ => None,
            });
            Some((&*column.name, values.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<Arc<str>> {
    value.try_as_str().flatten().map(Arc::from)
}

fn nanoseconds(value: &ScalarValue) -> Option<i64> {
    match (value, value.data_type()) {
        (ScalarValue::TimestampNanosecond(ns, None), DataType::Timestamp(TimeUnit::Nanosecond, None)) => *ns,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::functions::Registry;
    use datafusion::logical_expr::{col, lit};

    #[test]
    fn times_that_filters_let_through() {
        const HOUR: i64 = 3_600_000_000_000;
        let check = |filter: Expr, expect: Option<Range<i64>>| assert_eq!(time_bound(&filter), expect, "{filter}");
        let at = |ns: i64| lit(ScalarValue::TimestampNanosecond(Some(ns), None));
        let registry = Registry::new();
        let bin = |ns: i64| {
            let width = lit(ScalarValue::DurationNanosecond(Some(ns)));
            registry.scalar("bin").expect("bin").call(vec![col("time"), width])
        };
        let truncated =
            |unit: &str| registry.scalar("date_trunc").expect("date_trunc").call(vec![lit(unit), col("time")]);
        check(col("time").eq(at(7)), Some(7..8));
        check(col("time").lt(at(7)), Some(i64::MIN..7));
        check(at(7).lt(col("time")), Some(8..i64::MAX));
        check(col("time").not_eq(at(7)), None);
        check(col("other").eq(at(7)), None);
        check(bin(HOUR).eq(at(HOUR)), Some(HOUR..2 * HOUR));
        check(bin(HOUR).lt(at(HOUR)), Some(i64::MIN..2 * HOUR));
        check(bin(HOUR).lt_eq(at(HOUR)), Some(i64::MIN..2 * HOUR));
        check(bin(HOUR).gt(at(HOUR)), Some(HOUR + 1..i64::MAX));
        check(at(HOUR).lt_eq(bin(HOUR)), Some(HOUR..i64::MAX));
        check(bin(HOUR).lt_eq(at(i64::MAX - 1)), Some(i64::MIN..i64::MAX));
        check(truncated("DAY").eq(at(0)), Some(0..24 * HOUR));
        check(truncated("month").lt(at(0)), Some(i64::MIN..31 * 24 * HOUR));
        check(truncated("eon").lt(at(0)), None);
        let both = |a: Expr, b: Expr| a.and(b);
        check(both(col("time").gt_eq(at(3)), bin(HOUR).lt(at(5))), Some(3..5 + HOUR));
        check(both(col("x").eq(lit(1)), col("time").lt(at(5))), Some(i64::MIN..5));
        check(col("time").eq(at(3)).or(col("time").eq(at(9))), Some(3..10));
        check(col("time").eq(at(3)).or(col("x").eq(lit(1))), None);
    }
}
