//! The scan of a table as a node of the physical plan.

use super::meter::Meter;
use crate::{
    engine::TableView,
    store::memory::selection::{Kept, Part, ScanRequest, Selection},
};
use datafusion::{
    arrow::datatypes::SchemaRef,
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
        coop::make_cooperative,
        execution_plan::{Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType},
        stream::RecordBatchStreamAdapter,
    },
};
use std::{
    fmt::{self, Formatter},
    ops::Range,
    sync::Arc,
};

/// Reads the records that a query selects.
#[derive(Clone, Debug)]
pub(super) struct ScanExec {
    view: Arc<TableView>,
    meter: Arc<Meter>,
    schema: SchemaRef,
    columns: Vec<usize>,
    counted: Vec<usize>,
    selection: Selection,
    kept: Kept,
    limit: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    /// A scan of the columns at `columns`, in `parts` parts; `counted` are columns that count as read besides. With a
    /// `limit`, a part need not give more rows than that.
    pub(super) fn try_new(
        view: Arc<TableView>,
        meter: Arc<Meter>,
        columns: Vec<usize>,
        counted: Vec<usize>,
        selection: Selection,
        parts: usize,
        limit: Option<usize>,
    ) -> Result<Self> {
        let schema = Arc::new(view.rows.schema().project(&columns)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(parts.max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        Ok(Self { view, meter, schema, columns, counted, selection, kept: Kept::All, limit, properties })
    }

    /// The table.
    pub(super) fn view(&self) -> &TableView {
        &self.view
    }

    /// The place among the table's columns of the column at `index`.
    pub(super) fn table_column(&self, index: usize) -> Option<usize> {
        self.columns.get(index).copied()
    }

    /// What it selects.
    pub(super) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether it gives all that it selects.
    pub(super) fn is_whole(&self) -> bool {
        self.limit.is_none() && self.kept == Kept::All
    }

    /// The same with only those times.
    pub(super) fn within(&self, times: Range<i64>) -> Self {
        Self { selection: Selection { times, keys: self.selection.keys.clone() }, ..self.clone() }
    }

    /// The same with only the ends of every stream.
    pub(super) fn with_ends(&self, oldest: bool, newest: bool) -> Self {
        Self { kept: Kept::Ends { oldest, newest }, ..self.clone() }
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        let table = &self.view.table;
        write!(f, "ScanExec: {}.{}, kept={:?}, limit={:?}", table.database, table.name, self.kept, self.limit)
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn fetch(&self) -> Option<usize> {
        self.limit
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan has no children") }
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let count = self.properties.partitioning.partition_count();
        let request = ScanRequest {
            projection: self.columns.clone(),
            counted: self.counted.clone(),
            selection: self.selection.clone(),
            kept: self.kept,
            part: Part { index: partition, count },
        };
        let (mut scan, meter) = (self.view.rows.read(request), Arc::clone(&self.meter));
        let mut room = self.limit.unwrap_or(usize::MAX);
        let batches = std::iter::from_fn(move || {
            if room == 0 {
                return None;
            }
            let scanned = match scan.next()? {
                Ok(scanned) => scanned,
                Err(error) => return Some(Err(DataFusionError::External(error.into()))),
            };
            meter.count(&scanned.batch, scanned.counted_bytes);
            let rows = scanned.batch.num_rows().min(room);
            room -= rows;
            Some(Ok(scanned.batch.slice(0, rows)))
        });
        let batches = futures::stream::iter(batches);
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches));
        Ok(make_cooperative(stream))
    }
}
