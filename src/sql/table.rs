//! A table as the engine scans it: what a query needs of it and no more.

pub(super) mod early;
mod filter;
mod meter;
mod scan;
mod slices;

pub(super) use meter::Meter;

use super::insights::ScanInsight;
use crate::{
    catalog::PartitionKey,
    engine::TableView,
    model::table::{Column, ColumnKind},
    store::memory::selection::Selection,
};
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::{
        Result,
        tree_node::{Transformed, TreeNodeRecursion},
    },
    datasource::{TableType, provider_as_source, source_as_provider},
    logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, utils::split_conjunction},
    physical_plan::ExecutionPlan,
};
use filter::{is_exact_time_bound, key_values, time_bound};
use scan::ScanExec;
use std::{collections::BTreeSet, sync::Arc};

/// Rows from which on a scan is split among the processor's cores.
const PARALLEL_ROWS_MIN: usize = 32_768;

/// Into how many parts it is worth splitting the work of an optimised plan, for what it reads of tables.
///
/// # Errors
/// Those of walking the plan.
pub(super) fn scan_parts(plan: &LogicalPlan, parallelism: Parallelism) -> Result<usize> {
    let mut rows = 0_usize;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(TableScan { source, filters, fetch, .. }) = node
            && let Some(table) = source_as_provider(source)?.downcast_ref::<TimestreamTable>()
        {
            let wanted = table.view.rows.selected_estimate(&table.selection(filters));
            rows = rows.saturating_add(wanted.min(fetch.unwrap_or(usize::MAX)));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(if rows >= parallelism.rows_min { parallelism.parts } else { 1 })
}

/// How far queries are spread over the processor's cores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parallelism {
    /// Parts that a query's work is split into.
    pub(super) parts: usize,
    /// Rows to be read from which on it is.
    pub(super) rows_min: usize,
}

impl Parallelism {
    /// One part per core.
    pub(super) fn of_machine() -> Self {
        let parts = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { parts, rows_min: PARALLEL_ROWS_MIN }
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

    /// Bounds of time, and values of dimensions and `measure_name`, narrow what is read. Where that lets through just
    /// what the filter does, the filter need not run.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            let is_of_key = || key_values(filter).is_some_and(|(name, _)| self.key_column(name).is_some());
            if is_exact_time_bound(filter) || is_of_key() {
                TableProviderFilterPushDown::Exact
            } else if time_bound(filter).is_some() {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let selection = self.selection(filters);
        self.meter.note(self.insight(&selection));
        let columns: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        self.meter.expect(self.view.rows.row_count_estimate(selection.times.clone()));
        // What the selection is by has been read, be it of an index.
        let filtered: BTreeSet<&str> =
            filters.iter().flat_map(Expr::column_refs).map(|column| column.name.as_str()).collect();
        let is_counted =
            |column: &usize| !columns.contains(column) && filtered.contains(self.schema.field(*column).name().as_str());
        let counted = (0..self.schema.fields().len()).filter(is_counted).collect();
        let parts = match limit {
            Some(limit) if limit < PARALLEL_ROWS_MIN => 1,
            _ => state.config().target_partitions(),
        };
        let (view, meter) = (Arc::clone(&self.view), Arc::clone(&self.meter));
        Ok(Arc::new(ScanExec::try_new(view, meter, columns, counted, selection, parts, limit)?))
    }
}
