//! Running a plan: the engine's session, the threads it runs on, its limits and its errors.

use super::{
    error::{SqlError, error_of},
    functions::Registry,
    interrupt::Interrupt,
    metadata,
    parse::{self, Statement},
    permission::{Permission, Purpose},
    plan::{self, Context, OutputColumn, Parameters, Places, Planned},
    table::{Meter, Parallelism, TimestreamTable, early::stop_early, scan_parts},
    unload::{self, Export, RESULT_COLUMNS, UnloadContext},
};
use crate::{
    engine::{Snapshot, TableView},
    model::{access::Access, limits::QUERY_STRING_BYTES_MAX},
};
use datafusion::{
    arrow::{array::RecordBatch, datatypes::DataType},
    common::tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    datasource::provider_as_source,
    execution::{
        SendableRecordBatchStream, SessionState, SessionStateBuilder,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::GreedyMemoryPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::{Expr, LogicalPlan, TableSource},
    physical_plan::{ExecutionPlan, coop::CooperativeExec, execute_stream},
    prelude::SessionConfig,
};
use futures::{FutureExt, StreamExt};
use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
};
use tokio::sync::mpsc;

/// What a query may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Seconds of running before a query is stopped; time spent waiting for the client does not count.
    pub timeout_s: u64,
    /// Bytes of memory for a query's working state.
    pub memory_bytes_max: usize,
    /// Only the language that the developer guide documents: what else Presto has is refused.
    pub documented_only: bool,
}

/// A statement that has been planned and started.
pub(super) struct Started {
    pub(super) columns: Vec<OutputColumn>,
    pub(super) batches: mpsc::Receiver<Result<RecordBatch, SqlError>>,
    pub(super) meter: Arc<Meter>,
    /// Whether the statement is metered: SELECT is, SHOW and DESCRIBE are not. # observed: captures
    pub(super) metered: bool,
    /// The tables read and their columns.
    pub(super) reads: Vec<TableRead>,
}

/// A table that a query reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    /// Its database.
    pub database: Arc<str>,
    /// Its name.
    pub table: Arc<str>,
    /// The columns read, by name.
    pub columns: Vec<String>,
}

/// What PrepareQuery tells of a query.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The result's columns.
    pub columns: Vec<OutputColumn>,
    /// Parameters by name, without the `@`, with the type their use asks for.
    pub parameters: Vec<(String, DataType)>,
    /// The tables read and their columns.
    pub reads: Vec<TableRead>,
}

/// Everything a query is run against.
pub(super) struct Job {
    pub(super) sql: String,
    pub(super) snapshot: Snapshot,
    /// What the caller may do.
    pub(super) access: Access,
    pub(super) now_ns: i64,
    pub(super) parameters: Parameters,
    /// What the log calls the query; nothing is logged of one that is only planned.
    pub(super) query_id: String,
    pub(super) parallelism: Parallelism,
    /// `None` where nothing is run.
    pub(super) unload: Option<UnloadContext>,
}

/// Plans and starts a statement, hands out its head, then its batches until the receiver is gone. Runs on a query
/// thread from beginning to end, so that parsing, planning and dropping have the stack they need.
pub(super) async fn run(
    job: Job,
    registry: Arc<Registry>,
    limits: Limits,
    interrupt: Arc<Interrupt>,
    head: tokio::sync::oneshot::Sender<Result<Started, SqlError>>,
) {
    let (sender, batches) = mpsc::channel(1);
    let meter = Arc::new(Meter::default());
    let clock = interrupt.clock();
    let started_ns = clock.monotonic_ns();
    let started = start(&job, &registry, limits, &meter, &interrupt).await;
    let (columns, source, metered, reads) = match started {
        Ok(started) => started,
        Err(error) => {
            // The client may have gone away meanwhile; then nobody needs the error.
            let _ = head.send(Err(error));
            return;
        }
    };
    if head.send(Ok(Started { columns, batches, meter: Arc::clone(&meter), metered, reads })).is_err() {
        return;
    }
    let planned_ns = clock.monotonic_ns();
    match source {
        Source::Rows(rows) => {
            let _ = sender.send(Ok(rows)).await;
        }
        Source::Stream(stream) => {
            let sending = AssertUnwindSafe(send_all(stream, &sender, &interrupt)).catch_unwind();
            let waited_ns = match sending.await {
                Ok(waited_ns) => waited_ns,
                Err(panic) => {
                    // Without a last word the rows so far would look like all there are.
                    let _ = sender.send(Err(panicked(&*panic))).await;
                    return;
                }
            };
            let planning_us = planned_ns.saturating_sub(started_ns) / 1_000;
            let taken_ns = clock.monotonic_ns().saturating_sub(started_ns);
            let execution_us = taken_ns.saturating_sub(waited_ns) / 1_000;
            let (id, bytes, rows) = (&job.query_id, meter.bytes(), meter.rows());
            // Waiting for the client to ask for the next page is not execution.
            tracing::debug!(id, execution_us, planning_us, bytes, rows, "query");
        }
        Source::Unload(export, stream) => {
            let unloading = unload_all(*export, stream, &sender, &interrupt, &meter);
            if let Err(panic) = AssertUnwindSafe(unloading).catch_unwind().await {
                let _ = sender.send(Err(panicked(&*panic))).await;
            }
        }
    }
}

/// What a query that panicked fails with. Arrow panics where the texts or entries of one batch are more than its offsets
/// can count; every other panic is a fault of ours.
fn panicked(panic: &(dyn Any + Send)) -> SqlError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("no text");
    if text.contains("offset overflow") {
        return SqlError::Execution("The texts or arrays of the query are larger than 2 GiB together.".to_owned());
    }
    SqlError::Internal(format!("the query panicked: {text}"))
}

/// Where a statement's rows come from.
enum Source {
    Rows(RecordBatch),
    Stream(SendableRecordBatchStream),
    Unload(Box<Export>, SendableRecordBatchStream),
}

type Head = (Vec<OutputColumn>, Source, bool, Vec<TableRead>);

async fn start(
    job: &Job,
    registry: &Registry,
    limits: Limits,
    meter: &Arc<Meter>,
    interrupt: &Interrupt,
) -> Result<Head, SqlError> {
    let statement = checked_statement(&job.sql)?;
    if let Some(listing) = metadata::answer(&statement, &job.snapshot, &job.access)? {
        return Ok((listing.columns, Source::Rows(listing.rows), false, Vec::new()));
    }
    let (query, places, unload) = match statement {
        Statement::Query(query, places) => (query, places, None),
        Statement::Unload(query, places, target) => (query, places, Some(target)),
        _ => return Err(SqlError::Internal("a statement that nothing answers".into())),
    };
    let purpose = if unload.is_some() { Purpose::Unload } else { Purpose::Answer };
    let planned = plan_query((&query, &places), job, purpose, &job.parameters, registry, meter, limits)?;
    let unload = match &unload {
        Some(target) => Some(unload::plan(target, &planned.columns)?),
        None => None,
    };
    let state = session(limits)?;
    let optimized = state.optimize(&planned.plan).map_err(error_of)?;
    let reads = reads(&optimized, &planned.tables);
    let mut state = if has_lambda(&optimized)? { without_projection_pushdown(state) } else { state };
    let parts = scan_parts(&optimized, job.parallelism).map_err(error_of)?;
    state.config_mut().options_mut().execution.target_partitions = parts;
    let physical = state.query_planner().create_physical_plan(&optimized, &state).await.map_err(error_of)?;
    let physical = stop_early(physical).map_err(error_of)?;
    let stream = execute_stream(interruptible(physical)?, state.task_ctx()).map_err(error_of)?;
    let Some(unload) = unload else { return Ok((planned.columns, Source::Stream(stream), true, reads)) };
    interrupt.allow(unload::TIMEOUT_S);
    // # inferred: what a scheduled query gives goes to its target, and an UNLOAD gives no rows
    let context = job.unload.clone();
    let context = context.ok_or_else(|| SqlError::Invalid("UNLOAD cannot be a scheduled query.".to_owned()))?;
    let export = Export::new(unload, context, planned.columns, interrupt.clock().clone()).await?;
    Ok((unload_columns(), Source::Unload(Box::new(export), stream), true, reads))
}

/// The columns of an UNLOAD's row.
fn unload_columns() -> Vec<OutputColumn> {
    let column = |(name, data_type): (&str, DataType)| OutputColumn {
        label: name.to_owned(),
        aliased: false,
        data_type,
        origin: None,
    };
    RESULT_COLUMNS.map(column).to_vec()
}

/// Runs an UNLOAD within its time, for as long as somebody waits for its row.
async fn unload_all(
    export: Export,
    stream: SendableRecordBatchStream,
    sender: &mpsc::Sender<Result<RecordBatch, SqlError>>,
    interrupt: &Interrupt,
    meter: &Meter,
) {
    let outcome = tokio::select! {
        biased;
        () = interrupt.clock().sleep_until(interrupt.deadline_ns()) => Err(interrupt.timeout()),
        () = sender.closed() => return,
        outcome = export.run(stream) => outcome,
    };
    let row = outcome.map(|(row, insight)| {
        meter.note_unload(insight);
        row
    });
    // The client may have gone away meanwhile; then nobody needs the row.
    let _ = sender.send(row).await;
}

/// A parsed statement of bounded length.
fn checked_statement(sql: &str) -> Result<Statement, SqlError> {
    if sql.len() > QUERY_STRING_BYTES_MAX {
        return Err(SqlError::Invalid(format!("The query string is longer than {QUERY_STRING_BYTES_MAX} bytes.")));
    }
    parse::statement(sql)
}

/// Plans a query without running it.
pub(super) fn prepare(job: &Job, registry: &Registry, limits: Limits) -> Result<Prepared, SqlError> {
    let (query, places, unload) = match checked_statement(&job.sql)? {
        Statement::Query(query, places) => (query, places, None),
        Statement::Unload(query, places, target) => (query, places, Some(target)),
        _ => return Err(SqlError::Invalid("Only SELECT queries can be prepared.".to_owned())),
    };
    let parameters = match &job.parameters {
        Parameters::None => &Parameters::Unbound,
        bound => bound,
    };
    let purpose = if unload.is_some() { Purpose::Unload } else { Purpose::Prepare };
    let planned = plan_query((&query, &places), job, purpose, parameters, registry, &Arc::default(), limits)?;
    // A plan with parameters cannot be optimised; then every column of a table counts as read.
    let plan = match planned.parameters.is_empty() {
        true => session(limits)?.optimize(&planned.plan).map_err(error_of)?,
        false => planned.plan,
    };
    let reads = reads(&plan, &planned.tables);
    let columns = match &unload {
        Some(target) => {
            unload::plan(target, &planned.columns)?;
            unload_columns()
        }
        None => planned.columns,
    };
    Ok(Prepared { columns, parameters: planned.parameters, reads })
}

/// Plans a query against a snapshot.
fn plan_query(
    (query, places): (&datafusion::sql::sqlparser::ast::Query, &Places),
    job: &Job,
    purpose: Purpose,
    parameters: &Parameters,
    registry: &Registry,
    meter: &Arc<Meter>,
    limits: Limits,
) -> Result<Planned, SqlError> {
    let source = |view: &Arc<TableView>| -> Arc<dyn TableSource> {
        provider_as_source(Arc::new(TimestreamTable::new(Arc::clone(view), job.now_ns, Arc::clone(meter))))
    };
    let context = Context {
        snapshot: &job.snapshot,
        permission: Permission { access: &job.access, purpose },
        registry,
        now_ns: job.now_ns,
        source: &source,
        parameters,
        documented_only: limits.documented_only,
    };
    plan::plan(query, places, &context)
}

/// Hands out the batches; returns how long it waited for them to be taken, nanoseconds.
async fn send_all(
    mut stream: SendableRecordBatchStream,
    sender: &mpsc::Sender<Result<RecordBatch, SqlError>>,
    interrupt: &Interrupt,
) -> u64 {
    let clock = interrupt.clock();
    let mut waited_ns = 0;
    loop {
        let next = tokio::select! {
            biased;
            () = clock.sleep_until(interrupt.deadline_ns()) => Some(Err(interrupt.timeout())),
            () = sender.closed() => return waited_ns,
            next = stream.next() => next.map(|batch| batch.map_err(error_of)),
        };
        let Some(batch) = next else { return waited_ns };
        let failed = batch.is_err();
        let (waiting_since_ns, sent_at_ns) = (clock.now_ns(), clock.monotonic_ns());
        if sender.send(batch).await.is_err() || failed {
            return waited_ns;
        }
        waited_ns += clock.monotonic_ns().saturating_sub(sent_at_ns);
        interrupt.postpone(clock.now_ns().saturating_sub(waiting_since_ns));
    }
}

/// A session for one query, with its own memory pool and no disk.
fn session(limits: Limits) -> Result<SessionState, SqlError> {
    let runtime: RuntimeEnv = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory_bytes_max)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build()
        .map_err(error_of)?;
    let mut config = SessionConfig::new().with_target_partitions(1);
    // Of `CASE WHEN x < 1 THEN x ELSE 0 END` the logical plan knows that it is never null, the physical one does not; the
    // engine takes that for a fault of its own where rows are grouped.
    config.options_mut().execution.skip_physical_aggregate_schema_check = true;
    Ok(SessionStateBuilder::new().with_config(config).with_runtime_env(Arc::new(runtime)).build())
}

/// Whether an expression of the plan holds a lambda.
fn has_lambda(plan: &LogicalPlan) -> Result<bool, SqlError> {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            found |= expr.exists(|part| Ok(matches!(part, Expr::Lambda(_))))?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.map_err(error_of)?;
    Ok(found)
}

/// The session without the rule that merges projections and moves them below others: it gives columns new places, and
/// does not know that a lambda's parameters are counted from behind the last of them.
fn without_projection_pushdown(state: SessionState) -> SessionState {
    let rules = state.physical_optimizers().iter().filter(|rule| rule.name() != "ProjectionPushdown");
    let rules = rules.cloned().collect();
    SessionStateBuilder::new_from_existing(state).with_physical_optimizer_rules(rules).build()
}

/// Lets the plan give way regularly, so that a timeout or CancelQuery is noticed. The engine sees to that where rows are
/// read; where few rows become many, in joins and UNNEST, it has to be asked.
fn interruptible(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, SqlError> {
    let wrapped = plan.transform_up(|node| {
        if node.name().ends_with("JoinExec") || node.name() == "UnnestExec" {
            return Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>));
        }
        Ok(Transformed::no(node))
    });
    Ok(wrapped.map_err(error_of)?.data)
}

/// Which columns of which tables the optimised plan reads; a table that it reads several times is one.
fn reads(plan: &LogicalPlan, tables: &BTreeMap<String, Arc<TableView>>) -> Vec<TableRead> {
    let mut reads = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(view) = tables.get(scan.table_name.table())
        {
            let (database, table) = (&view.table.database, &view.table.name);
            let filtered = scan.filters.iter().flat_map(Expr::column_refs).map(|column| column.name.clone());
            let given = scan.projected_schema.fields().iter().map(|field| field.name().clone());
            let columns: BTreeSet<String> = given.chain(filtered).collect();
            let is_read = |column: &Arc<str>| columns.contains(&**column);
            let columns = view.table.columns.iter().map(|column| &column.name).filter(|name| is_read(name));
            let columns = columns.map(|name| name.to_string());
            let known = reads.iter_mut().find(|r: &&mut TableRead| r.database == *database && r.table == *table);
            match known {
                Some(read) => {
                    for column in columns.filter(|c| !read.columns.contains(c)).collect::<Vec<_>>() {
                        read.columns.push(column);
                    }
                }
                None => {
                    let (database, table) = (Arc::clone(database), Arc::clone(table));
                    reads.push(TableRead { database, table, columns: columns.collect() });
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself cannot fail");
    reads
}
