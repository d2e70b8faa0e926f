//! Aggregates over five million rows in memory, beside the same plan on DataFusion alone over the same batches, both on all
//! cores.
//!
//! `cargo bench --bench aggregates [ROWS]` prints `<what>=<ratio>` for every query: the median of Timebrook's times over
//! the median of DataFusion's, taken in turns.

use datafusion::{
    arrow::array::RecordBatch,
    datasource::MemTable,
    error::DataFusionError,
    functions_aggregate::expr_fn::{avg, count, max, min, sum},
    logical_expr::{Expr, lit},
    physical_plan::collect,
    prelude::{SessionConfig, SessionContext, col},
};
use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};
use timebrook::{
    catalog::Tags,
    clock::Clock,
    engine::{Engine, EngineConfig, NewTable},
    model::{
        access::Access,
        record::{Dimension, Dimensions, Measure, Record, Tier, Value},
        scope::Scope,
    },
    outbound::objects::Objects,
    sql::{Limits, QueryRequest, RowWriter, Sql},
};

const NOW_NS: i64 = 1_700_000_000_000_000_000;
const ROWS: usize = 5_000_000;
const HOSTS: usize = 100;
const RUNS: usize = 7;

/// A result is counted, not printed.
struct Nothing;

impl RowWriter for Nothing {
    fn write_row(&self, _row: usize, out: &mut Vec<u8>) {
        out.push(b'0');
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn instant() -> Instant {
    Instant::now()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

async fn filled(rows: usize) -> Result<Arc<Engine>, Box<dyn Error>> {
    let engine = Engine::open(EngineConfig::default(), Clock::manual(NOW_NS)).await?;
    let scope = Scope::default();
    engine.create_database(&scope, "db", None, Tags::new(), NOW_NS).await?;
    engine.create_table(&scope, "db", "t", NewTable::default(), NOW_NS).await?;
    let hosts: Vec<String> = (0..HOSTS).map(|n| format!("host-{n}")).collect();
    let dimensions: Vec<_> = hosts.iter().map(|value| [Dimension { name: "host", value }]).collect();
    for step in 0..rows / HOSTS {
        let record = |host: usize| Record {
            index: host,
            dimensions: Dimensions { common: &[], own: &dimensions[host] },
            measure_name: "cpu",
            time_ns: NOW_NS - 3_600_000_000_000 + step as i64 * 1_000,
            version: 1,
            measure: Measure::Single(Value::Double((step * 7 + host) as f64 / 8.0)),
            tier: Tier::Memory,
        };
        let records: Vec<_> = (0..HOSTS).map(record).collect();
        engine.write(&scope, "db", "t", &records, NOW_NS).await?;
    }
    Ok(engine)
}

async fn timebrook(sql: &Sql, engine: &Engine, text: &str) -> Result<Duration, Box<dyn Error>> {
    let objects = Arc::new(Objects::in_memory());
    let start = instant();
    let request = QueryRequest {
        scope: &Scope::default(),
        access: Access::unrestricted(),
        sql: text,
        next_token: None,
        rows_max: None,
        now_ns: NOW_NS,
        row_writer: |_: &RecordBatch| Box::new(Nothing),
        random: [7; 16],
        query_id: "AE".to_owned(),
        objects: &objects,
        write_column_info: |_, _| {},
    };
    let page = sql.query(request, || engine.snapshot(&Scope::default())).await?;
    assert!(page.next_token.is_none());
    Ok(start.elapsed())
}

async fn datafusion(
    context: &SessionContext,
    keys: Vec<Expr>,
    aggregates: Vec<Expr>,
) -> Result<Duration, DataFusionError> {
    let start = instant();
    let frame = context.table("t").await?.aggregate(keys, aggregates)?;
    let plan = frame.create_physical_plan().await?;
    collect(plan, context.task_ctx()).await?;
    Ok(start.elapsed())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Cargo itself passes flags.
    let rows = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ROWS);
    let engine = filled(rows).await?;
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").ok_or("the table is there")?;
    let all: Vec<usize> = (0..view.table.columns.len()).collect();
    let batches: Vec<RecordBatch> = view.rows.scan(&all, &(i64::MIN..i64::MAX).into()).collect::<Result<_, _>>()?;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
    // Both use all cores.
    let parts = std::thread::available_parallelism()?.get();
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(parts));
    let partitions = batches.chunks(batches.len().div_ceil(parts)).map(<[_]>::to_vec).collect();
    context.register_table("t", Arc::new(MemTable::try_new(view.rows.schema(), partitions)?))?;
    let sql =
        Sql::new(Limits { timeout_s: 600, memory_bytes_max: 4 << 30, documented_only: false }, Clock::manual(NOW_NS));

    let value = || Expr::Column("measure_value::double".into());
    let aggregates = || vec![count(lit(1)), sum(value()), avg(value()), min(value()), max(value()), min(col("time"))];
    let listed = "count(*), sum(measure_value::double), avg(measure_value::double), min(measure_value::double), \
                  max(measure_value::double), min(time) FROM db.t";
    let cases = [
        ("all", format!("SELECT {listed}"), vec![]),
        ("by_host", format!("SELECT host, {listed} GROUP BY host"), vec![col("host")]),
    ];
    for (name, text, keys) in cases {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            ours.push(timebrook(&sql, &engine, &text).await?);
            theirs.push(datafusion(&context, keys.clone(), aggregates()).await?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{name}={:.3} ({:.1} ms of {:.1} ms)", ours / theirs, ours * 1e3, theirs * 1e3);
    }
    Ok(())
}
