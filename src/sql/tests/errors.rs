//! What the service says to mistakes, and where. The not-found family and the syntax error are observed, the rest are the
//! words of the Presto that the language descends from. # inferred

use super::*;

#[test]
fn mistakes() {
    check("SELECT nope FROM (VALUES 1) t(x)", "line 1:8: Column 'nope' does not exist");
    check("SELECT t.nope FROM (VALUES 1) t(x)", "line 1:8: Column 't.nope' does not exist");
    check("SELECT 1 FROM (VALUES 1) t(x) WHERE nope = 1", "line 1:37: Column 'nope' does not exist");
    check("SELECT x FROM (SELECT 1 AS x), (SELECT 2 AS x)", "line 1:8: Column 'x' is ambiguous");
    check("SELECT * FROM nowhere.t", "Requested database 'nowhere' not found for identifier 'nowhere.t' at line 1:15");
    check("SELECT * FROM t", "line 1:15: Schema must be specified when session schema is not set");
    check("SELECT * FROM a.b.c", "line 1:15: A table name of more than two parts is not supported");
    check("SELECT nope(1)", "line 1:8: Function nope not registered");
    check("SELECT time_series(now(), 1)", "line 1:8: Function time_series not registered");
    check(
        "SELECT abs('a')",
        "line 1:8: Unexpected parameters (varchar) for function abs. Expected: abs(integer), abs(bigint), abs(double)",
    );
    check(
        "SELECT abs()",
        "line 1:8: Unexpected parameters () for function abs. Expected: abs(integer), abs(bigint), abs(double)",
    );
    check("SELECT rank()", "line 1:8: Window function rank requires an OVER clause");
    check("SELECT abs(1) OVER ()", "line 1:8: Not a window function: abs");
    check("SELECT nope(1) OVER ()", "line 1:8: Function nope not registered");
    check(
        "SELECT sum(sum(x)) FROM (VALUES 1) t(x)",
        "line 1:12: Cannot nest aggregations inside aggregation: [sum(x)]",
    );
    check(
        "SELECT sum(row_number() OVER ()) FROM (VALUES 1) t(x)",
        "line 1:12: Cannot nest window functions inside aggregation: [row_number() OVER ()]",
    );
    check(
        "SELECT filter(ARRAY[1], v -> sum(v) > 0)",
        "line 1:30: Lambda expression cannot contain aggregations: [sum(v)]",
    );
    check("SELECT filter(ARRAY[1], v -> v IN (SELECT 1))", "line 1:32: Lambda expression cannot contain subqueries");
    check(
        "SELECT 1 FROM (VALUES 1) t(x) WHERE sum(x) > 1",
        "line 1:37: WHERE clause cannot contain aggregations, window functions or grouping operations: [sum(x)]",
    );
    check(
        "SELECT 1 FROM (VALUES 1) t(x) WHERE rank() OVER () = 1",
        "line 1:37: WHERE clause cannot contain aggregations, window functions or grouping operations: [rank() OVER ()]",
    );
    check(
        "SELECT 1 FROM (VALUES 1) t(x) GROUP BY sum(x)",
        "line 1:40: GROUP BY clause cannot contain aggregations, window functions or grouping operations: [sum(x)]",
    );
    check(
        "SELECT 1 FROM (VALUES 1) t(x) JOIN (VALUES 1) u(y) ON sum(x) = y",
        "line 1:55: JOIN clause cannot contain aggregations, window functions or grouping operations: [sum(x)]",
    );
    check(
        "SELECT sum(x) FROM (VALUES 1) t(x) GROUP BY 1",
        "line 1:45: GROUP BY clause cannot contain aggregations: ['sum(x)']",
    );
    check(
        "SELECT a, sum(b) FROM (VALUES (1, 2)) t(a, b)",
        "line 1:8: 'a' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        "SELECT a + b FROM (VALUES (1, 2)) t(a, b) GROUP BY a",
        "line 1:10: 'a + b' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        "SELECT bin(a, 5m) FROM (VALUES (now(), 2)) t(a, b) GROUP BY b",
        "line 1:8: 'bin(a, 5m)' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        "SELECT CAST(a AS ROW(x BIGINT)) FROM (VALUES (ROW(1), 2)) t(a, b) GROUP BY b",
        "line 1:8: 'CAST(a AS ROW ( x BIGINT ))' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        "SELECT a FROM (VALUES (1, 2)) t(a, b) GROUP BY a ORDER BY b",
        "line 1:59: 'b' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        "SELECT a FROM (VALUES (1, 2)) t(a, b) GROUP BY a HAVING b > 1",
        "line 1:59: 'b > 1' must be an aggregate expression or appear in GROUP BY clause",
    );
    check(
        "SELECT a, (SELECT b) FROM (VALUES (1, 2)) t(a, b) GROUP BY a",
        "line 1:11: '(SELECT b)' must be an aggregate expression or appear in GROUP BY clause",
    );
    check("SELECT a AS k FROM (VALUES 1) t(a) GROUP BY k", "line 1:45: Column 'k' does not exist");
    check("SELECT a AS k FROM (VALUES 1) t(a) GROUP BY a HAVING k > 1", "line 1:54: Column 'k' does not exist");
    check(
        "SELECT grouping(b) FROM (VALUES (1, 2)) t(a, b) GROUP BY a",
        "line 1:1: The arguments to GROUPING() must be expressions referenced by the GROUP BY",
    );
    check("SELECT 1 WHERE 1", "line 1:16: WHERE clause must evaluate to a boolean: actual type integer");
    check("SELECT count(*) HAVING 'a'", "line 1:24: HAVING clause must evaluate to a boolean: actual type varchar");
    check(
        "SELECT 1 FROM (VALUES 1) t(x) JOIN (VALUES 1) u(y) ON 1",
        "line 1:55: JOIN ON clause must evaluate to a boolean: actual type integer",
    );
    check(
        "SELECT 1 AND true",
        "line 1:8: Left side of logical expression must evaluate to a boolean (actual: integer)",
    );
    check(
        "SELECT true OR 1m",
        "line 1:16: Right side of logical expression must evaluate to a boolean (actual: interval day to second)",
    );
    check("SELECT NOT 1", "line 1:12: Value of logical NOT expression must evaluate to a boolean (actual: integer)");
    check(
        "SELECT CASE WHEN 1 THEN 2 END",
        "line 1:18: CASE WHEN clause must evaluate to a boolean: actual type integer",
    );
    check(
        "SELECT CASE 1 WHEN 'a' THEN 2 END",
        "line 1:15: CASE operand type does not match WHEN clause operand type: integer vs varchar",
    );
    check("SELECT CASE WHEN true THEN 1 ELSE 'a' END", "line 1:35: All CASE results must be the same type: integer");
    check("SELECT if(1, 2)", "line 1:11: IF condition must evaluate to a boolean: actual type integer");
    check("SELECT 1 = 'a'", "line 1:10: '=' cannot be applied to integer, varchar");
    check("SELECT true < 1", "line 1:13: '<' cannot be applied to boolean, integer");
    check("SELECT 1 <> 'a'", "line 1:10: '<>' cannot be applied to integer, varchar");
    check("SELECT 1 + 'a'", "line 1:10: '+' cannot be applied to integer, varchar");
    check("SELECT 1 IN ('a')", "line 1:14: IN value and list items must be the same type: integer");
    check("SELECT 1 IN (2.0, 3, 'a')", "line 1:22: IN value and list items must be the same type: double");
    check("SELECT if(true, 1, 'a')", "line 1:8: Result types for IF must be the same: integer vs varchar");
    check("SELECT 1 + 2 - 3 + 'a' + 4", "line 1:18: '+' cannot be applied to integer, varchar");
    check("SELECT (1 + 2) * (- -'a')", "line 1:21: '-' cannot be applied to varchar");
    check("SELECT 1 - -(-'a')", "line 1:14: '-' cannot be applied to varchar");
    check("SELECT 1 - (CAST(2 AS bigint) - -DATE '2020-01-01')", "line 1:33: '-' cannot be applied to date");
    check("SELECT 1 - (CAST(2 AS bigint) - DATE '2020-01-01')", "line 1:31: '-' cannot be applied to bigint, date");
    check("SELECT 'a' || 'b' || 1", "line 1:19: '||' cannot be applied to varchar, integer");
    check("SELECT +'a'", "line 1:8: Unary '+' operator cannot by applied to varchar type");
    check(
        "SELECT 1 FROM (VALUES 1) WHERE 1 + 1",
        "line 1:34: WHERE clause must evaluate to a boolean: actual type integer",
    );
    check(
        "SELECT true AND EXISTS (SELECT 1) AND NOT (1 * 2)",
        "line 1:46: Value of logical NOT expression must evaluate to a boolean (actual: integer)",
    );
    check("SELECT 1 = ROW(1)", "line 1:10: '=' cannot be applied to integer, row(integer)");
    check("SELECT 1 = (SELECT 'a')", "line 1:10: '=' cannot be applied to integer, varchar");
    check("SELECT 1 = (WITH t AS (SELECT 1) SELECT 'a')", "line 1:10: '=' cannot be applied to integer, varchar");
    check("SELECT 1 = CASE WHEN true THEN 'a' END", "line 1:10: '=' cannot be applied to integer, varchar");
    check("SELECT 1 = ARRAY[1][1] || 'a'", "line 1:24: '||' cannot be applied to integer, varchar");
    check(
        "SELECT 1\n  NOT BETWEEN 5m AND 2",
        "line 2:3: Cannot check if integer is BETWEEN interval day to second and integer",
    );
    check("SELECT (1 IS DISTINCT FROM 'a')", "line 1:11: 'IS DISTINCT FROM' cannot be applied to integer, varchar");
    check(
        "SELECT 1 = ANY (SELECT 'a')",
        "line 1:10: Value expression and result of subquery must be of the same type for quantified comparison: integer vs varchar",
    );
    check(
        "SELECT 1 > ALL (VALUES 'a')",
        "line 1:10: Value expression and result of subquery must be of the same type for quantified comparison: integer vs varchar",
    );
    check("SELECT ARRAY[1, 2.5, 1 || 'a']", "line 1:24: '||' cannot be applied to integer, varchar");
    check("SELECT ARRAY[1, 2.5, 'a']", "line 1:22: All ARRAY elements must be the same type: double");
    check(
        "SELECT ARRAY[NULL, ARRAY['a'], ARRAY[1]]",
        "line 1:32: All ARRAY elements must be the same type: array(varchar)",
    );
    check("SELECT coalesce(NULL, 1, 'a')", "line 1:26: All COALESCE operands must be the same type: integer");
    check("SELECT nullif(1, 'a')", "line 1:8: Types are not comparable with NULLIF: integer vs varchar");
    check(
        "SELECT 1 UNION (SELECT 2) UNION ALL SELECT 'a'",
        "line 1:27: column 1 in UNION query has incompatible types: integer, varchar",
    );
    check("SELECT 1 BETWEEN 'a' AND 'b'", "line 1:10: Cannot check if integer is BETWEEN varchar and varchar");
    check("SELECT 1 LIKE 'a'", "line 1:8: Left side of LIKE expression must evaluate to a varchar (actual: integer)");
    check("SELECT 'a' LIKE 1", "line 1:17: Pattern for LIKE expression must evaluate to a varchar (actual: integer)");
    check("SELECT 'a' LIKE 'b' ESCAPE 'xx'", "line 1:12: Escape string must be a single character");
    check(
        "SELECT 'a' LIKE 'ab!c' ESCAPE '!'",
        "line 1:17: Escape character must be followed by '%', '_' or the escape character itself",
    );
    check("SELECT x.y FROM (VALUES 1) t(x)", "line 1:8: Expression is not of type ROW: integer");
    check("SELECT (SELECT 1, 2)", "line 1:8: Multiple columns returned by subquery are not yet supported. Found 2");
    check("SELECT (SELECT x FROM (VALUES 1, 2) t(x))", "Scalar sub-query has returned multiple rows");
    check(
        "SELECT 1 IN (SELECT 'a')",
        "line 1:10: value and result of subquery must be of the same type for IN expression: integer vs varchar",
    );
    check("SELECT 1 UNION SELECT 1, 2", "line 1:10: UNION query has different number of fields: 1, 2");
    check(
        "SELECT 1 INTERSECT SELECT 'a'",
        "line 1:10: column 1 in INTERSECT query has incompatible types: integer, varchar",
    );
    check("VALUES (1, 'a'), (2)", "line 1:1: Values rows have mismatched types: [integer, varchar] vs [integer]");
    check("VALUES (1), ('a')", "line 1:1: Values rows have mismatched types: [integer] vs [varchar]");
    check("SELECT 1 ORDER BY 2", "line 1:19: ORDER BY position 2 is not in select list");
    check("SELECT 1 ORDER BY 0", "line 1:19: ORDER BY position 0 is not in select list");
    check("SELECT 1 GROUP BY 2", "line 1:19: GROUP BY position 2 is not in select list");
    check(
        "SELECT DISTINCT a FROM (VALUES (1, 2)) t(a, b) ORDER BY b",
        "line 1:57: For SELECT DISTINCT, ORDER BY expressions must appear in select list",
    );
    check(
        "WITH a AS (SELECT 1), A AS (SELECT 2) SELECT * FROM a",
        "line 1:23: WITH query name 'A' specified more than once",
    );
    check(
        "SELECT x FROM (VALUES (1, 2)) AS t(x)",
        "line 1:34: Column alias list has 1 entries but 't' has 2 columns available",
    );
    check(
        "WITH a(x, y) AS (SELECT 1) SELECT x FROM a",
        "line 1:6: Column alias list has 2 entries but 'a' has 1 columns available",
    );
    check("SELECT *", "line 1:8: SELECT * not allowed in queries without FROM clause");
    check("SELECT u.* FROM (VALUES 1) t(x)", "line 1:8: Table 'u' not found");
    check("SELECT x.* FROM (VALUES 1) t(x)", "line 1:8: expression under .* must be of type ROW");
    check(
        "SELECT * FROM (VALUES 1) a(x) JOIN (VALUES 1) b(y) USING (x)",
        "line 1:44: Column 'x' is missing from one side of join",
    );
    check("SELECT 99999999999999999999", "line 1:8: Invalid numeric literal: 99999999999999999999");
    check("SELECT @x", "line 1:8: Parameter '@x' has no value");
    check("SELECT DATE 'x'", "line 1:8: 'x' is not a valid date literal");
    check("SELECT now() > 'x'", "line 1:14: 'x' is not a valid timestamp literal");
    check(
        "SELECT X'1F'",
        "line 1:1: Column 1 of the result is of type varbinary, which results cannot carry: use to_hex or to_base64",
    );
    check("SELECT 1[1]", "line 1:8: Cannot use integer for subscript of integer");
    check("SELECT 1 / 0", "Division by zero");
    check("SELECT 2147483647 + 1", "integer addition overflow: 2147483647 + 1");
    check("SELECT sequence(1, 10001)", "result of sequence function must not have more than 10000 entries");
    check(
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t",
        "Recursion depth limit exceeded (10)",
    );
    check(
        "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT * FROM t",
        "line 1:16: missing column aliases in recursive WITH query 't'",
    );
    check("SELECT 1 OFFSET 1", "line 1:1: OFFSET is not supported");
    check("SELECT now() AT TIME ZONE 'UTC'", "line 1:8: AT TIME ZONE is not supported");
    check("SELECT * FROM (VALUES 1) t(x) NATURAL JOIN (VALUES 1) u(x)", "line 1:52: NATURAL JOIN is not supported");
    check("SELECT * FROM (VALUES 1) t(x), LATERAL (SELECT x)", "line 1:41: LATERAL is not supported");
    check("SELECT CAST(now() AS TIMESTAMP WITH TIME ZONE)", "line 1:8: Unknown type: TIMESTAMP WITH TIME ZONE");
    check("SELECT CAST(1 AS DECIMAL(10, 2))", "line 1:8: Unknown type: DECIMAL");
    check("SELECT CAST('a' AS JSON)", "line 1:8: Unknown type: JSON");
    check("SELECT MAP(ARRAY[1], ARRAY[2])", "line 1:8: Function map not registered");
    check("EXPLAIN SELECT 1", "The query syntax is invalid at line 1:1");
    check("INSERT INTO a.b VALUES 1", "The query syntax is invalid at line 1:1");
    check("TABLE a.b", "The query syntax is invalid at line 1:1");
    check("SELECT 1 FROM", "The query syntax is invalid at line 1:14");
    check("SELECT FROM (VALUES 1) t(x)", "The query syntax is invalid at line 1:8");
    check("SELECT (1", "The query syntax is invalid at line 1:10");
    check("SELECT 1)", "The query syntax is invalid at line 1:9");
    check("SELECT 1,, 2", "The query syntax is invalid at line 1:10");
    check("SELECT t.* EXCLUDE (x) FROM (VALUES 1) t(x)", "The query syntax is invalid at line 1:12");
}

#[test]
fn what_only_presto_has_can_be_refused() {
    let refused = |sql: &str, what: &str| {
        let expect = format!("{what} is not in the developer guide, and --documented-only is set");
        let answer = run_in(sql, true);
        assert!(answer.ends_with(&expect), "{sql}: {answer}");
        let answer = run(sql);
        assert!(!answer.starts_with("line "), "{sql}: {answer}");
    };
    let t = "FROM (VALUES (1, 2)) t(a, b)";
    refused(&format!("SELECT a, sum(b) {t} GROUP BY GROUPING SETS ((a), ())"), "GROUPING SETS, CUBE or ROLLUP");
    refused(&format!("SELECT a, sum(b) {t} GROUP BY CUBE (a)"), "GROUPING SETS, CUBE or ROLLUP");
    refused(&format!("SELECT a, sum(b) {t} GROUP BY ROLLUP (a)"), "GROUPING SETS, CUBE or ROLLUP");
    refused(&format!("SELECT grouping(a) {t} GROUP BY a"), "GROUPING()");
    refused(&format!("SELECT count(*) FILTER (WHERE a > 1) {t}"), "FILTER (WHERE …)");
    refused(&format!("SELECT array_agg(a ORDER BY b) {t}"), "ORDER BY inside an aggregate");
    refused("SELECT * FROM UNNEST(ARRAY[1]) WITH ORDINALITY", "WITH ORDINALITY");
    refused(
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 2 FROM t WHERE n = 1) SELECT n FROM t",
        "WITH RECURSIVE",
    );
    refused("SELECT (ROW(1, 2)).* AS (x, y)", "row.* with column aliases");
    refused("SELECT 1 IS DISTINCT FROM 2", "IS DISTINCT FROM");
    refused("SELECT contains(ARRAY[1], 1)", "Function contains");
    refused("SELECT array_sort(ARRAY[2, 1], (a, b) -> a - b)", "Function array_sort");
    assert_eq!(run_in("SELECT array_sort(ARRAY[2, 1])", true), "[1  2]");
    assert_eq!(run_in("SELECT length('abc'), count(*), max(1) OVER () FROM (VALUES 1) t(x)", true), "3|1|1");
    assert_eq!(run_in("SELECT bin(TIMESTAMP '2020-01-01', 5m) IN (SELECT now())", true), "false");
}

/// The cases of the README's table, each under `--documented-only`.
#[test]
fn inherited_constructs_can_be_refused_and_no_others() {
    use crate::sql::construct::{CONSTRUCTS, Support};
    const REFUSAL: &str = " is not in the developer guide, and --documented-only is set";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/queries/constructs.slt");
    let text = std::fs::read_to_string(file).unwrap();
    let mut refused = std::collections::BTreeSet::new();
    for case in text.split("\n\n") {
        let names: Vec<&str> = case.lines().filter_map(|line| line.strip_prefix("# construct: ")).collect();
        let sql = case.lines().skip_while(|line| !line.starts_with("query ") && !line.starts_with("statement ")).nth(1);
        let Some(sql) = sql else { continue };
        let answer = run_in(sql, true);
        let inherited = CONSTRUCTS.iter().filter(|c| names.contains(&c.name) && c.support == Support::Inherited);
        match inherited.map(|construct| construct.name).next() {
            // A case of one may hold another, as GROUPING() needs GROUPING SETS.
            Some(name) if answer.ends_with(REFUSAL) => {
                refused.insert(name);
            }
            Some(name) => panic!("{name}: {sql}: {answer}"),
            None => assert!(!answer.ends_with(REFUSAL), "{sql}: {answer}"),
        }
    }
    assert_eq!(refused.len(), CONSTRUCTS.iter().filter(|c| c.support == Support::Inherited).count());
}
