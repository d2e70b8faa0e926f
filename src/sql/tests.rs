//! The language in process, through the whole of `sql`: what needs no wire.

mod errors;
mod hostile;
mod scans;
mod words;

use super::*;
use crate::{engine::Snapshot, model::scope::Scope, outbound::objects::Objects};
use datafusion::arrow::array::RecordBatch;

/// Writes cells through the engine's own display: enough to tell values apart.
struct Plain(RecordBatch);

impl RowWriter for Plain {
    fn write_row(&self, row: usize, out: &mut Vec<u8>) {
        for (i, column) in self.0.columns().iter().enumerate() {
            if i > 0 {
                out.push(b'|');
            }
            let text = datafusion::arrow::util::display::array_value_to_string(column, row);
            out.extend_from_slice(text.unwrap_or_default().as_bytes());
        }
    }
}

fn run(sql: &str) -> String {
    run_in(sql, false)
}

fn run_in(sql: &str, documented_only: bool) -> String {
    let clock = Clock::manual(1_700_000_000_000_000_000);
    let limits = Limits { timeout_s: 60, memory_bytes_max: 1 << 30, documented_only };
    let side = Sql::new(limits, clock.clone());
    let scope = Scope::default();
    let request = request(&scope, sql, None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match runtime.block_on(side.query(request, || Snapshot::empty(&scope))) {
        Ok(page) => String::from_utf8(page.rows.to_vec()).expect("text").replace(',', " "),
        Err(error) => format!("{error:?}").split("message").next().map(|_| error.to_string()).unwrap_or_default(),
    }
}

fn check(sql: &str, expect: &str) {
    assert_eq!(run(sql), expect, "{sql}");
}

#[test]
fn select_without_tables() {
    check("SELECT 1", "1");
    check("SELECT 1 + 2 * 3 AS x", "7");
    check("SELECT x FROM (VALUES 1, 2, 3) AS t(x) WHERE x > 1 ORDER BY x DESC", "3 2");
    check("SELECT 1 AS a, 1 AS a, a FROM (SELECT 2 AS a)", "1|1|2");
    check("WITH t AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT sum(x.a + y.a) FROM t x, t y", "12");
}

#[test]
fn grouping_and_order() {
    let t = "(VALUES ('a', 1), ('a', 2), ('b', 3), ('c', NULL)) AS t(k, v)";
    check(&format!("SELECT k, sum(v) FROM {t} GROUP BY k ORDER BY 2 DESC, k"), "a|3 b|3 c|");
    check(&format!("SELECT k FROM {t} GROUP BY 1 HAVING count(*) > 1"), "a");
    check(&format!("SELECT count(), count(v), count(DISTINCT k) FROM {t}"), "4|3|3");
    check(&format!("SELECT k || '!' AS k FROM {t} GROUP BY k ORDER BY k LIMIT 2"), "a! b!");
    check(
        &format!("SELECT k, v FROM {t} GROUP BY k"),
        "line 1:11: 'v' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        &format!("SELECT DISTINCT k FROM {t} ORDER BY v"),
        "line 1:95: For SELECT DISTINCT, ORDER BY expressions must appear in select list",
    );
}

#[test]
fn names() {
    check("SELECT A FROM (VALUES 1) AS t(a)", "1");
    check("SELECT a FROM (VALUES (1, 2)) AS t(A, \"a\")", "2");
    check("SELECT x FROM (VALUES (1, 2)) AS t(a, b)", "line 1:8: Column 'x' does not exist");
    check("SELECT A FROM (SELECT 1 AS a, 2 AS a)", "line 1:8: Column 'A' is ambiguous");
    check("SELECT * FROM nowhere.t", "Requested database 'nowhere' not found for identifier 'nowhere.t' at line 1:15");
    check("SELECT foo(1)", "line 1:8: Function foo not registered");
    check("SELECT 1\nFROM WHERE", "The query syntax is invalid at line 2:6");
}

#[test]
fn types_of_operands() {
    check("SELECT 1 WHERE 1", "line 1:16: WHERE clause must evaluate to a boolean: actual type integer");
    check(
        "SELECT 1 WHERE true AND 60000ms",
        "line 1:25: Right side of logical expression must evaluate to a boolean (actual: interval day to second)",
    );
    check("SELECT 1 = 'a'", "line 1:10: '=' cannot be applied to integer, varchar(1)".replace("(1)", "").as_str());
    check("SELECT 1 IS DISTINCT FROM 2 AND false, NULL IS NOT DISTINCT FROM NULL OR false", "false|true");
    check("SELECT 3 IS DISTINCT FROM 1 + 2, NOT 1 IS NOT DISTINCT FROM 1", "false|false");
    check("SELECT 2147483647 + 1", "integer addition overflow: 2147483647 + 1");
    check("SELECT 1 / 0", "Division by zero");
}

#[test]
fn joins_and_subqueries() {
    let (a, b) = ("(VALUES (1, 'x'), (2, 'y')) AS a(id, v)", "(VALUES (2, 'p'), (3, 'q')) AS b(id, w)");
    check(&format!("SELECT a.id, w FROM {a} JOIN {b} ON a.id = b.id"), "2|p");
    check(&format!("SELECT * FROM {a} FULL JOIN {b} USING (id) ORDER BY id"), "1|x| 2|y|p 3||q");
    check(&format!("SELECT v FROM {a} WHERE id IN (SELECT id FROM {b})"), "y");
    check(&format!("SELECT v FROM {a} WHERE NOT EXISTS (SELECT 1 FROM {b} WHERE b.id = a.id)"), "x");
    check(&format!("SELECT v, (SELECT max(w) FROM {b} WHERE b.id = a.id) FROM {a} ORDER BY v"), "x| y|p");
    check("SELECT 3 > ALL (VALUES 1, 2), 2 >= ANY (VALUES 3, NULL), 1 < ALL (SELECT 1 WHERE false)", "true||true");
    check("SELECT EXISTS (SELECT 1)", "true");
    check("SELECT 1 IN (VALUES 1, 2), 3 NOT IN (VALUES 1, 2), 1 + (VALUES 3), EXISTS (VALUES 1)", "true|true|4|true");
    check("SELECT * FROM ((VALUES 1)) a(x), (VALUES 2) b(y) WHERE x = (VALUES 1) AND (VALUES true)", "1|2");
    check("SELECT 1 UNION ALL (VALUES 2) ORDER BY 1", "1 2");
    check("(VALUES 1)", "1");
}

#[test]
fn unnest_after_grouping_keeps_every_sort_and_grouping_key() {
    let grouped = "SELECT k, array_agg(v) AS vs FROM (VALUES ('a', 2), ('a', 1), ('b', 3)) AS t(k, v) GROUP BY k";
    check(&format!("SELECT k, v FROM ({grouped}) CROSS JOIN UNNEST(vs) AS u(v) ORDER BY k, v"), "a|1 a|2 b|3");
    check(
        &format!("SELECT k, v, count(*) FROM ({grouped}) CROSS JOIN UNNEST(vs) AS u(v) GROUP BY k, v ORDER BY 1, 2"),
        "a|1|1 a|2|1 b|3|1",
    );
}

#[test]
fn long_chains_run_and_longer_ones_are_refused() {
    let chain = |operator: &str, term: &str, terms: usize| vec![term; terms].join(operator);
    let values = "FROM (VALUES (1, true, 'a')) AS t(n, b, s)";
    check(&format!("SELECT {} {values}", chain(" + ", "n", 5_000)), "5000");
    check(&format!("SELECT {} {values}", chain(" AND ", "b", 5_000)), "true");
    check(&format!("SELECT {} {values}", chain(" OR ", "n = 1", 2_500)), "true");
    check(&format!("SELECT count(*) FROM ({})", chain(" UNION ALL ", "SELECT 1", 1_000)), "1000");
    check(&format!("SELECT {} LIKE 'aa%a' {values}", chain(" || ", "s", 4_999)), "true");
    check(&format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100)), "1");
    let quarter_mib = 256 * 1024;
    let subqueries = |levels: usize| format!("SELECT {}1{}", "(SELECT ".repeat(levels), ")".repeat(levels));
    check(&subqueries(10), "1");
    assert!(run(&subqueries(11)).contains("subqueries nest more than 10 levels"));
    let doubling = (1..30).map(|i| format!("a{i} AS (SELECT l.x FROM a{j} l, a{j} r)", j = i - 1)).collect::<Vec<_>>();
    let doubled = run(&format!("WITH a0 AS (SELECT 1 AS x), {} SELECT count(*) FROM a29", doubling.join(", ")));
    assert_eq!(doubled, "The query is too complex: its named queries read each other too often.");
    for part in [" + 1", " AND true", " || 'a'", " UNION ALL SELECT 1", "(", "- ", "NOT ", "[1]", ".a", " = 1", "CASE "]
    {
        let text = part.repeat(quarter_mib / part.len());
        for sql in [format!("SELECT 1{text}"), format!("SELECT {text}1")] {
            let answer = run(&sql[..sql.len().min(quarter_mib)]);
            let refused = answer.contains("too complex") || answer.starts_with("The query syntax is invalid");
            assert!(refused, "{part}: {answer}");
        }
    }
}

#[test]
fn a_query_says_which_columns_it_reads() {
    let clock = Clock::manual(1_700_000_000_000_000_000);
    let scope = Scope::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let engine = crate::engine::Engine::open(crate::engine::EngineConfig::default(), clock.clone()).await.unwrap();
        let now_ns = clock.now_ns();
        engine.create_database(&scope, "db1", None, Default::default(), now_ns).await.unwrap();
        engine.create_table(&scope, "db1", "tab", Default::default(), now_ns).await.unwrap();
        let side = Sql::new(Limits { timeout_s: 60, memory_bytes_max: 1 << 30, documented_only: false }, clock.clone());
        let read = async |sql: &str| {
            let prepared = side
                .prepare(sql, Parameters::None, engine.snapshot(&scope), Access::unrestricted(), now_ns)
                .await
                .unwrap();
            prepared.reads.iter().map(|r| format!("{}.{}{:?}", r.database, r.table, r.columns)).collect::<Vec<_>>()
        };
        assert_eq!(read("SELECT max(time) FROM db1.tab").await, [r#"db1.tab["time"]"#]);
        let both = "SELECT 1 WHERE EXISTS (SELECT measure_name FROM db1.tab) OR 1 IN (SELECT count(time) FROM db1.tab)";
        assert_eq!(read(both).await, [r#"db1.tab["time"]"#]);
        assert_eq!(read("SELECT time FROM db1.tab WHERE time > @x").await, [r#"db1.tab["measure_name", "time"]"#]);
    });
}

/// A query that would take hours, batch after batch.
fn thousands_cubed() -> String {
    let thousands = "UNNEST(sequence(1, 10000))";
    format!("SELECT count(*) FROM {thousands} a(x), {thousands} b(y), {thousands} c(z)")
}

/// Queries that would take minutes or hours over one batch of rows.
fn long_batches() -> Vec<String> {
    let over_rows = |value: &str| format!("SELECT max({value}) FROM UNNEST(sequence(1, 8000)) AS t(x)");
    let text = "rpad(cast(x AS varchar), 1000, 'a')";
    vec![
        over_rows(&format!(
            "reduce(sequence(1, 4000), 0, (s, a) -> s + cast(regexp_like({text}, '(?=(a*)b)\\1c') AS integer), s -> s)"
        )),
        over_rows(&format!(
            "reduce(sequence(1, 4000), 0, (s, a) -> s + levenshtein_distance({text}, reverse({text})), s -> s)"
        )),
        over_rows(
            "reduce(sequence(1, 4000), x, (s, a) -> s + reduce(sequence(1, 4000), x, (t, b) -> (t + b) % 7, t -> t), s -> s)",
        ),
        over_rows("cardinality(filter(sequence(1, 10000), a -> any_match(sequence(1, 10000), b -> b = a + x)))"),
    ]
}

/// Runs a query that would take hours, on a clock that rushes on by itself; `act` sees its first answer.
fn endless(sql: &str, timeout_s: u64, act: impl AsyncFnOnce(&Sql, &Scope, &str, Result<Page, PageError>)) {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// Stops the clock however the test ends.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let clock = Clock::manual(1_700_000_000_000_000_000);
    let side = Sql::new(Limits { timeout_s, memory_bytes_max: 1 << 30, documented_only: false }, clock.clone());
    let scope = Scope::default();
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                clock.advance(std::time::Duration::from_millis(10));
                std::thread::yield_now();
            }
        });
        let _over = Over(&over);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let first = side.query(request(&scope, sql, None), || Snapshot::empty(&scope)).await;
            act(&side, &scope, sql, first).await;
            while side.running_count() > 0 {
                tokio::task::yield_now().await;
            }
        });
    });
}

fn request<'a>(scope: &'a Scope, sql: &'a str, next_token: Option<&'a str>) -> QueryRequest<'a> {
    // Every page has a token of its own.
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    static OBJECTS: std::sync::LazyLock<Arc<Objects>> = std::sync::LazyLock::new(|| Arc::new(Objects::in_memory()));
    QueryRequest {
        scope,
        access: Access::unrestricted(),
        sql,
        next_token,
        rows_max: None,
        now_ns: 1_700_000_000_000_000_000,
        row_writer: |batch| Box::new(Plain(batch.clone())),
        random: NEXT
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
            .to_le_bytes()
            .repeat(2)
            .try_into()
            .expect("16 bytes"),
        query_id: "AEQUERY".to_owned(),
        objects: &OBJECTS,
        write_column_info: |_, out| out.extend_from_slice(b"[]"),
    }
}

#[test]
fn cancelling_stops_the_work() {
    for sql in long_batches().into_iter().chain([thousands_cubed()]) {
        endless(&sql, u64::from(u32::MAX), async |side, scope, sql, first| {
            let first = first.expect("an empty page");
            assert!(first.rows.is_empty(), "{sql}");
            assert_eq!(side.cancel(&first.query_id, scope, 1_700_000_000_000_000_000), CancelOutcome::Stopped);
            assert_eq!(side.cancel(&first.query_id, scope, 1_700_000_000_000_000_000), CancelOutcome::Repeated);
            let next = side.query(request(scope, sql, first.next_token.as_deref()), || Snapshot::empty(scope)).await;
            assert!(matches!(next, Err(PageError::Cancelled)), "{sql}: {next:?}");
        });
    }
}

#[test]
fn a_query_that_takes_too_long_is_stopped() {
    for sql in long_batches().into_iter().chain([thousands_cubed()]) {
        check_timeout(&sql);
    }
}

/// The query times out, after any number of pages without a row.
fn check_timeout(sql: &str) {
    endless(sql, 60, async |side, scope, sql, mut answer| {
        while let Ok(page) = answer {
            assert!(page.rows.is_empty() && page.next_token.is_some(), "{sql}");
            answer = side.query(request(scope, sql, page.next_token.as_deref()), || Snapshot::empty(scope)).await;
        }
        let error = answer.expect_err("no result");
        assert_eq!(error.to_string(), "The query timed out after 60 seconds.", "{sql}");
    });
}

/// What has no rows is computed while the query is planned.
#[test]
fn a_constant_that_takes_too_long_is_stopped() {
    let sum = "reduce(sequence(1, 10000), 0, (s, a) -> s + reduce(sequence(1, 10000), a, (t, b) -> (t + b) % 7, t -> t), s -> s)";
    check_timeout(&format!("SELECT {sum}"));
}
