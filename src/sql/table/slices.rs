//! Rows from slices of time, one after the other, until there are enough.

use super::scan::ScanExec;
use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, TimestampNanosecondArray, new_null_array},
        datatypes::TimestampNanosecondType,
    },
    common::{Result, internal_datafusion_err, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
        coalesce_partitions::CoalescePartitionsExec,
        execution_plan::{Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, stream};
use std::{
    fmt::{self, Formatter},
    ops::Range,
    sync::Arc,
};

/// Rows that the first slice is to hold for every row wanted: some will be left out, or be of one group.
const ROWS_A_ROW: usize = 4;
/// A slice is so many times as wide as the one before.
const GROWTH: i64 = 4;

/// Whether the newest slice comes first, or the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewestFirst(pub(super) bool);

/// Puts a scan in the place of the one that a plan has.
type WithScan = fn(Arc<dyn ExecutionPlan>, &ScanExec) -> Result<Arc<dyn ExecutionPlan>>;

/// Runs its plan on one slice of time after the other until it has given enough rows. Rows of one slice and rows of the
/// next never have the same key.
#[derive(Clone, Debug)]
pub(super) struct SlicesExec {
    input: Arc<dyn ExecutionPlan>,
    scan: ScanExec,
    key: Arc<dyn PhysicalExpr>,
    order: NewestFirst,
    enough: usize,
    with_scan: WithScan,
    properties: Arc<PlanProperties>,
}

impl SlicesExec {
    /// `input` is fed by `scan`; `key`, an expression of the scan, is its time or that rounded down; `enough` rows are
    /// wanted.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        scan: ScanExec,
        key: Arc<dyn PhysicalExpr>,
        order: NewestFirst,
        enough: usize,
        with_scan: WithScan,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        Self { input, scan, key, order, enough, with_scan, properties }
    }

    /// The time, rounded down as the key does.
    fn rounded_ns(&self, time_ns: i64) -> Result<i64> {
        let schema = self.scan.schema();
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                "time" => Arc::new(TimestampNanosecondArray::from(vec![time_ns])) as ArrayRef,
                _ => new_null_array(field.data_type(), 1),
            })
            .collect();
        let key = self.key.evaluate(&RecordBatch::try_new(schema, columns)?)?.into_array(1)?;
        let key = key.as_primitive_opt::<TimestampNanosecondType>();
        Ok(key.ok_or_else(|| internal_datafusion_err!("a time rounded down is a time"))?.value(0))
    }

    /// All times that there are to read.
    fn all_times(&self) -> Range<i64> {
        let times = &self.scan.selection().times;
        match self.scan.view().rows.extent_ns() {
            Some((oldest_ns, newest_ns)) => {
                times.start.max(oldest_ns)..times.end.min(newest_ns.saturating_add(1)).max(times.start.max(oldest_ns))
            }
            None => 0..0,
        }
    }

    /// How wide the first slice is, nanoseconds.
    fn first_width_ns(&self, all: &Range<i64>) -> Result<i64> {
        let rows = self.scan.view().rows.selected_estimate(self.scan.selection()).max(1);
        let wanted = self.enough.saturating_mul(ROWS_A_ROW);
        let for_rows = (all.end as f64 - all.start as f64) * (wanted as f64 / rows as f64);
        // So many rows may be of few groups, of which this many are wanted.
        let last_ns = self.rounded_ns(all.end.saturating_sub(1))?;
        let group_ns = last_ns.saturating_sub(self.rounded_ns(last_ns.saturating_sub(1))?);
        let enough = i64::try_from(self.enough).unwrap_or(i64::MAX);
        Ok((for_rows as i64).max(group_ns.saturating_mul(enough)).max(1))
    }

    /// The first `width_ns` nanoseconds of `left`, or more, so that no group is cut; and what is left after them.
    fn cut(&self, left: &Range<i64>, width_ns: i64) -> Result<(Range<i64>, Range<i64>)> {
        if self.order.0 {
            let at_ns = self.rounded_ns(left.end.saturating_sub(width_ns).max(left.start))?;
            return Ok(match at_ns > left.start {
                true => (at_ns..left.end, left.start..at_ns),
                false => (left.clone(), left.start..left.start),
            });
        }
        let mut width_ns = width_ns;
        while width_ns < left.end.saturating_sub(left.start) {
            // Rounded down, it may be where it begins.
            let at_ns = self.rounded_ns(left.start.saturating_add(width_ns))?;
            if at_ns > left.start {
                return Ok((left.start..at_ns, at_ns..left.end));
            }
            width_ns = width_ns.saturating_mul(2);
        }
        Ok((left.clone(), left.end..left.end))
    }

    fn execute_slice(&self, times: Range<i64>, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let plan = (self.with_scan)(Arc::clone(&self.input), &self.scan.within(times))?;
        match plan.properties().partitioning.partition_count() {
            1 => plan.execute(0, context),
            _ => CoalescePartitionsExec::new(plan).execute(0, context),
        }
    }
}

impl DisplayAs for SlicesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "SlicesExec: key={}, newest_first={}, enough={}", self.key, self.order.0, self.enough)
    }
}

/// Where the work is.
struct Progress {
    slices: SlicesExec,
    context: Arc<TaskContext>,
    /// The slice being read.
    current: Option<SendableRecordBatchStream>,
    left: Range<i64>,
    width_ns: i64,
    rows: usize,
}

impl Progress {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(current) = &mut self.current {
                match current.next().await.transpose()? {
                    Some(batch) => {
                        self.rows += batch.num_rows();
                        return Ok(Some((batch, self)));
                    }
                    None => self.current = None,
                }
            }
            if self.left.is_empty() || self.rows >= self.slices.enough {
                return Ok(None);
            }
            let (now, left) = self.slices.cut(&self.left, self.width_ns)?;
            self.width_ns = self.width_ns.saturating_mul(GROWTH);
            self.left = left;
            self.current = Some(self.slices.execute_slice(now, Arc::clone(&self.context))?);
        }
    }
}

impl ExecutionPlan for SlicesExec {
    fn name(&self) -> &'static str {
        "SlicesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        each: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        each(&self.key)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else { return internal_err!("slices have one child") };
        Ok(Arc::new(Self { input, ..(*self).clone() }))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let left = self.all_times();
        let width_ns = if left.is_empty() { 1 } else { self.first_width_ns(&left)? };
        let progress = Progress { slices: self.clone(), context, current: None, left, width_ns, rows: 0 };
        let batches = stream::try_unfold(progress, Progress::next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), batches)))
    }
}
