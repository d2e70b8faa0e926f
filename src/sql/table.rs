//! A table as the engine scans it: what a query needs of it and no more.

use crate::engine::TableView;
use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{DataType, SchemaRef, TimeUnit},
    },
    catalog::{Session, TableProvider},
    common::{Result, ScalarValue},
    datasource::TableType,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, Operator, TableProviderFilterPushDown, utils::split_conjunction},
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::StreamExt;
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Counts what a query reads.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: AtomicU64,
    rows: AtomicU64,
    rows_expected: AtomicU64,
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
        let bytes: usize = batch.columns().iter().map(|column| logical_bytes(column.as_ref())).sum();
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }
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
        _ => present * 8,
    }
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
}

#[async_trait::async_trait]
impl TableProvider for TimestreamTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Time bounds narrow what is read; the filter itself still runs.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match time_bound(filter) {
                Some(_) => TableProviderFilterPushDown::Inexact,
                None => TableProviderFilterPushDown::Unsupported,
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
        let times = filters
            .iter()
            .flat_map(split_conjunction)
            .filter_map(time_bound)
            .fold(self.visible_from_ns..i64::MAX, |all, one| all.start.max(one.start)..all.end.min(one.end));
        let columns: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let projected = Arc::new(self.schema.project(&columns)?);
        let expected = self.view.rows.row_count_estimate(times.clone());
        self.meter.rows_expected.fetch_add(expected as u64, Ordering::Relaxed);
        let records = Records {
            view: Arc::clone(&self.view),
            schema: Arc::clone(&projected),
            columns,
            times,
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
    times: Range<i64>,
    meter: Arc<Meter>,
}

impl PartitionStream for Records {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _ctx: Arc<TaskContext>) -> SendableRecordBatchStream {
        let meter = Arc::clone(&self.meter);
        let batches = self.view.rows.scan(&self.columns, self.times.clone());
        let batches = futures::stream::iter(batches).map(move |batch| {
            meter.count(&batch);
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

/// The times that a filter of the form `time <op> literal` lets through; `None` for any other filter.
fn time_bound(filter: &Expr) -> Option<Range<i64>> {
    let Expr::BinaryExpr(binary) = filter else { return None };
    let (op, ns) = match (binary.left.as_ref(), binary.right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _)) if column.name == "time" => (binary.op, nanoseconds(value)?),
        (Expr::Literal(value, _), Expr::Column(column)) if column.name == "time" => {
            (binary.op.swap()?, nanoseconds(value)?)
        }
        _ => return None,
    };
    let next = ns.saturating_add(1);
    Some(match op {
        Operator::Eq => ns..next,
        Operator::Lt => i64::MIN..ns,
        Operator::LtEq => i64::MIN..next,
        Operator::Gt => next..i64::MAX,
        Operator::GtEq => ns..i64::MAX,
        _ => return None,
    })
}

fn nanoseconds(value: &ScalarValue) -> Option<i64> {
    match (value, value.data_type()) {
        (ScalarValue::TimestampNanosecond(ns, None), DataType::Timestamp(TimeUnit::Nanosecond, None)) => *ns,
        _ => None,
    }
}
