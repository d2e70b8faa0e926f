//! Queries meant to exhaust the server: each ends soon, with rows or with an error that is the client's.

use super::*;

const QUARTER_MIB: usize = 256 * 1024;

/// A query's answer in little memory: its rows, or its error's text. A fault of the server's own fails the test.
fn answer(sql: &str) -> String {
    let clock = Clock::manual(1_700_000_000_000_000_000);
    let limits = Limits { timeout_s: 60, memory_bytes_max: 16 << 20, documented_only: false };
    let side = Sql::new(limits, clock);
    let scope = Scope::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match runtime.block_on(side.query(request(&scope, sql, None), || Snapshot::empty(&scope))) {
        Ok(page) => String::from_utf8_lossy(&page.rows).into_owned(),
        Err(PageError::Query(SqlError::Internal(text))) => panic!("{}: {text}", sql.get(..200).unwrap_or(sql)),
        Err(error) => error.to_string(),
    }
}

fn check(sql: &str, expect: &str) {
    let answer = answer(sql);
    let (shown, sql) = (answer.get(..200).unwrap_or(&answer), sql.get(..200).unwrap_or(sql));
    assert!(answer.contains(expect), "{sql}: {shown}");
}

fn repeated(part: &str, count: usize, between: &str) -> String {
    vec![part; count].join(between)
}

#[test]
fn long_texts() {
    let fill = |open: &str, part: &str, close: &str| {
        let count = (QUARTER_MIB - open.len() - close.len()) / part.len();
        format!("{open}{}{close}", part.repeat(count))
    };
    check(&fill("SELECT length('", "x", "')"), "262127");
    check(&fill("SELECT 1 /*", "x", "*/"), "1");
    check(&fill("SELECT 1 --", "x", ""), "1");
    check(&fill("SELECT ", "1", ""), "Invalid numeric literal");
    check(&fill("SELECT ", "a", ""), "does not exist");
    check(&fill("SELECT \"", "a", "\""), "does not exist");
    check(&fill("SELECT ", "a", "(1)"), "not registered");
    check(&fill("SELECT 1 FROM ", "a", ".t"), "not found");
    check(&fill("SELECT 1 AS ", "a", ""), "1");
    check(&fill("SELECT ", ";", ""), "The query syntax is invalid");
    check(&fill("SELECT '", "''", "'"), "'");
    check(&fill("", "SELECT ", ""), "The query syntax is invalid");
    check(&fill("", "\n", "SELECT"), "The query syntax is invalid");
    check(&format!("SELECT ARRAY[{}]", repeated("1", 20_000, ",")), "1, 1");
    check(&fill("SELECT 1", ",1", ""), "columns");
    check(&fill("SELECT concat('a'", ",'a'", ")"), "");
    check(&format!("SELECT * FROM (VALUES {}) AS t(x) LIMIT 1", repeated("1", 20_000, ",")), "1");
    check(&fill("SELECT count(*) FROM (SELECT 1)", ",(SELECT 1)", ""), "too complex");
    check(&"SELECT 1 ".repeat(QUARTER_MIB / 9 + 1), "longer than");
}

#[test]
fn long_lists() {
    let numbers: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    check(&format!("SELECT count(*) FROM (VALUES 1, 50000) AS t(x) WHERE x IN ({})", numbers.join(",")), "1");
    check(&format!("SELECT 1 IN ({})", repeated("2", 10_000, ",")), "false");
    let columns: Vec<String> = (0..2_000).map(|n| format!("x AS c{n}")).collect();
    check(&format!("SELECT {} FROM (VALUES 1) AS t(x)", columns.join(",")), "1|1|1");
    check(&format!("SELECT count(*) FROM (VALUES ({}))", repeated("1", 1_500, ",")), "1");
    check(&format!("SELECT count(*) FROM ({})", repeated("SELECT 1", 500, " UNION ALL ")), "500");
    check(&format!("SELECT count(*) FROM ({})", repeated("SELECT 1", 500, " UNION ")), "1");
    let cases = repeated("WHEN x = 2 THEN 3", 1_000, " ");
    check(&format!("SELECT CASE {cases} ELSE 4 END FROM (VALUES 1) AS t(x)"), "4");
    let names: Vec<String> = (1..500).map(|n| format!("a{n} AS (SELECT x FROM a{})", n - 1)).collect();
    check(&format!("WITH a0 AS (SELECT 1 AS x), {} SELECT x FROM a499", names.join(",")), "");
    let sets = repeated("a", 40, ",");
    check(&format!("SELECT count(*) FROM (VALUES 1) AS t(a) GROUP BY CUBE ({sets})"), "2048 grouping sets");
}

#[test]
fn deep_nesting() {
    for (open, close) in [
        ("(", ")"),
        ("ARRAY[", "]"),
        ("ROW(", ")"),
        ("abs(", ")"),
        ("(SELECT ", ")"),
        ("CASE WHEN true THEN ", " END"),
        ("transform(ARRAY[1], x -> ", ")"),
        ("try(", ")"),
        ("NOT ", ""),
        ("- ", ""),
        ("1 + (", ")"),
        ("cast(", " AS bigint)"),
        ("1 IN (", ")"),
        ("coalesce(", ", 1)"),
    ] {
        for depth in [5, 30, 90, 10_000] {
            // Types, syntax and bounds differ; a fault of the server's own is what may not be.
            let query = format!("SELECT {}1{}", open.repeat(depth), close.repeat(depth));
            let answer = answer(&query[..query.len().min(QUARTER_MIB)]);
            assert!(depth < 10_000 || answer.contains("too complex") || answer.contains("syntax"), "{open}: {answer}");
        }
    }
    check(&format!("SELECT {}1{} FROM", "(".repeat(10_000), ")".repeat(10_000)), "too complex");
    let nested = |levels: usize| format!("{}SELECT 1{}", "SELECT * FROM (".repeat(levels), ")".repeat(levels));
    check(&nested(60), "1");
    check(&nested(10_000), "too complex");
    check(&format!("SELECT cast(NULL AS {}bigint{})", "array(".repeat(10_000), ")".repeat(10_000)), "too complex");
}

#[test]
fn results_that_explode() {
    check("SELECT sequence(1, 10001)", "10000");
    check("SELECT sequence(0, 9223372036854775807)", "10000");
    check("SELECT sequence(-9223372036854775807, 9223372036854775807, 9223372036854775807)", "");
    check("SELECT sequence(from_nanoseconds(0), now(), 1ns)", "10000");
    check("SELECT repeat(1, 10001)", "10000");
    check("SELECT rpad('', 2147483647, 'x')", "");
    check("SELECT lpad('', 9223372036854775807, 'x')", "");
    check("SELECT rpad(rpad('', 4000000, 'x'), 4194305, 'y')", "larger than 4194304");
    check("SELECT array_join(repeat(rpad('', 1000, 'x'), 10000), '')", "larger than");
    check("SELECT replace(rpad('', 4000, 'a'), 'a', rpad('', 4000, 'b'))", "larger than");
    check("SELECT regexp_replace(rpad('', 4000, 'a'), 'a', rpad('', 4000, 'b'))", "larger than");
    check("SELECT length(reduce(sequence(1, 100), 'a', (s, x) -> s || s, s -> s))", "larger than");
    check("SELECT cardinality(reduce(sequence(1, 100), ARRAY[1], (s, x) -> s || s, s -> s))", "entries");
    check("SELECT cardinality(flatten(repeat(sequence(1, 10000), 10000)))", "larger than");
    check("SELECT cardinality(combinations(sequence(1, 10000), 5))", "");
    check("SELECT cardinality(ngrams(sequence(1, 10000), 300))", "");
    check("SELECT cardinality(transform(sequence(1, 10000), x -> sequence(1, 10000)))", "");
    check("SELECT cardinality(split(rpad('', 4000000, 'a'), 'a'))", "entries");
    check("SELECT array_agg(rpad('', 4000000, 'x')) FROM UNNEST(sequence(1, 1000))", "larger than 2 GiB");
    let rows = "UNNEST(sequence(1, 10000)) a(x), UNNEST(sequence(1, 10000)) b(y)";
    check(&format!("SELECT x, y FROM {rows} ORDER BY y, x"), "more memory than");
    check(&format!("SELECT x, y, count(*) FROM {rows} GROUP BY x, y"), "more memory than");
    check(&format!("SELECT cardinality(array_agg(x)) FROM {rows}"), "");
    check(&format!("SELECT x, rank() OVER (ORDER BY y) FROM {rows}"), "more memory than");
}

#[test]
fn expressions_that_explode() {
    let text = "rpad('', 60, 'a')";
    answer(&format!("SELECT regexp_like({text}, '(a|aa)+\\1?b$')"));
    // A pattern in a column is compiled row by row.
    answer(&format!("SELECT regexp_extract_all({text}, p) FROM (VALUES '^(?=((a+)+)+b)\\1c', '(') AS t(p)"));
    check(&format!("SELECT regexp_like('a', '{}')", "(".repeat(30_000)), "Unclosed group");
    check("SELECT regexp_like('a', rpad('', 100000, 'a?'))", "larger than");
    check(&format!("SELECT {text} LIKE '{}b'", "%a".repeat(25_000)), "The pattern of LIKE is too large");
    check(&format!("SELECT x LIKE '{}b' FROM (VALUES {text}) AS t(x)", "%a".repeat(20)), "false");
}

#[test]
fn texts_that_are_no_sql() {
    for sql in [
        "\0",
        "SELECT \0",
        "SELECT '\0'",
        "\u{feff}SELECT 1",
        "SELECT\u{a0}1",
        "SELECT 'é' || \"é",
        "SELECT 🦀",
        "'",
        "\"",
        "`",
        "/*",
        "--",
        "@",
        "$1",
        ":a",
        "?",
        "SELECT ?",
        "SELECT 1e",
        "SELECT 0x",
        "SELECT 1e999999999",
        "SELECT 1..2",
        "SELECT .",
        "SELECT 1::bigint",
        "SELECT {}",
        "SELECT {a: 1}",
        "SELECT a[",
        "SELECT [1]",
        "SELECT x'0g'",
        "SELECT U&'\\zzzz'",
        "SELECT 'a' 'b'",
        "SELECT E'\\x'",
        "SELECT $$a$$",
        "SELECT -> 1",
        "SELECT x -> 1",
        "SELECT (x, y) -> 1",
        "SELECT @@x",
        "SELECT #1",
        "SELECT 5m5m",
        "SELECT 99999999999999999999d",
        "SELECT INTERVAL '1' FOO",
        "SELECT DATE ''",
        "\u{202e}1 TCELES",
        "SELECT 1 LIMIT -1",
        "SELECT 1 LIMIT 99999999999999999999",
        "SELECT 1 LIMIT 1e3",
        "VALUES",
        "VALUES ()",
        "WITH",
        "(((",
        ")",
    ] {
        answer(sql);
    }
    check("SELECT '\0' || 'a'", "\0a");
    check("CREATE TABLE t", "The query syntax is invalid at line 1:1");
}

#[test]
fn lambdas_over_large_constants() {
    // Repeated for every row at once, the constant would take 400 MB.
    let rows = "(SELECT x, chr(98 + x % 2) AS y FROM UNNEST(sequence(1, 4000)) AS t(x))";
    let constant = "ARRAY[rpad('', 100000, 'a'), 'b', 'c']";
    let found = format!("filter({constant}, a -> a = y)");
    check(&format!("SELECT count_if({found} = ARRAY[y]), count_if(y = 'b') FROM {rows}"), "4000|2000");
    let numbers = format!("zip_with(sequence(x, x + 2), {constant}, (p, q) -> p)");
    check(&format!("SELECT count_if({numbers} = sequence(x, x + 2)) FROM {rows}"), "4000");
    // A text from outside is repeated for every element: 300 MB.
    let rows =
        "(SELECT x % 10 + 1 AS x, rpad('', 30000, 'a') || chr(98 + x % 2) AS y FROM UNNEST(sequence(1, 1000)) AS t(x))";
    check(&format!("SELECT count_if(filter(sequence(1, 10), a -> y > 'a' AND a = x) = ARRAY[x]) FROM {rows}"), "1000");
    let nested = "filter(sequence(1, 2500), a -> any_match(sequence(1, 1500), b -> b = a))";
    check(&format!("SELECT cardinality({nested})"), "1500");
    let rows = "UNNEST(sequence(1, 8000)) AS t(x)";
    check(&format!("SELECT transform(sequence(1, 10000), a -> sequence(1, 10000)) FROM {rows}"), "larger than");
}
