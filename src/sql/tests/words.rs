//! Which words may be names.

use super::*;

/// # guide: ts-limits.html (reserved keywords)
const RESERVED: &str = "ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_DATE CURRENT_TIME \
    CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT \
    FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LOCALTIME LOCALTIMESTAMP \
    NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT TABLE THEN TRUE UESCAPE UNION \
    UNNEST USING VALUES WHEN WHERE WITH";

/// Words with a meaning in the grammar that the guide does not reserve.
const FREE: &str = "TIMESTAMP DATE TIME RANK HOUR DAY MINUTE SECOND MONTH YEAR WEEK QUARTER AVG SUM COUNT MIN MAX VALUE \
    MEASURE_VALUE ASC DESC FIRST LAST ALL ANY SOME ROW ROWS RANGE PRECEDING FOLLOWING UNBOUNDED CURRENT PARTITION OVER \
    FILTER IGNORE RESPECT NULLS SETS SHOW TABLES DATABASES MEASURES UNLOAD EXPLAIN ANALYZE FORMAT TYPE VIEW SCHEMA \
    SCHEMAS CATALOGS COLUMN COLUMNS FUNCTIONS SESSION SET RESET START COMMIT ROLLBACK TRANSACTION USE CALL GRANT REVOKE \
    ROLE ROLES USER IF REPLACE RENAME ADD TO ZONE AT ONLY NO NEXT POSITION SUBSTRING TRIM LATERAL WINDOW QUALIFY \
    ORDINALITY TABLESAMPLE BERNOULLI SYSTEM ARRAY MAP INTERVAL DOUBLE BIGINT VARCHAR BOOLEAN INTEGER INT SMALLINT TINYINT \
    DECIMAL REAL CHAR JSON DATA LEVEL READ WRITE WORK TOP SORT CLUSTER DISTRIBUTE MINUS PIVOT UNPIVOT SEMI ANTI ASOF \
    GLOBAL RETURNING EXCLUDE OPEN CLOSE INDEX KEY LOAD STATE TEXT TRY TRY_CAST EXTRACTED PROPERTIES PREFIX CURRENT_CATALOG SESSION_USER CURRENT_ROLE \
    CONVERT PRIOR MATCH STRUCT OVERLAY CEIL FLOOR SAFE_CAST LAMBDA";

#[test]
fn reserved_words_are_names_only_in_quotes() {
    let words: Vec<&str> = RESERVED.split_whitespace().collect();
    assert_eq!(words.len(), 69);
    for word in words {
        for word in [word.to_owned(), word.to_lowercase()] {
            for sql in [
                format!("SELECT 1 AS {word}"),
                format!("SELECT 1 FROM (VALUES 1) AS {word}"),
                format!("SELECT 1 FROM (VALUES 1) AS t({word})"),
                format!("WITH {word} AS (SELECT 1) SELECT 1"),
            ] {
                let answer = run(&sql);
                assert!(answer.starts_with("The query syntax is invalid at line 1:"), "{sql}: {answer}");
            }
            check(&format!("SELECT \"{word}\" AS \"{word}\" FROM (VALUES 7) AS \"{word}\"(\"{word}\")"), "7");
        }
    }
}

#[test]
fn other_words_are_names() {
    for word in FREE.split_whitespace() {
        check(&format!("SELECT 7 AS {word}"), "7");
        check(&format!("SELECT 7 FROM (VALUES 1) AS {word}"), "7");
        check(&format!("SELECT t.{word} FROM (VALUES 7) AS t({word})"), "7");
        check(&format!("WITH {word} AS (SELECT 7 AS x) SELECT x FROM {word}"), "7");
    }
}

#[test]
fn other_words_are_columns_and_bare_aliases() {
    // ALL after SELECT is its quantifier; TABLESAMPLE after a relation is refused as such.
    for word in FREE.split_whitespace().filter(|word| !["ALL", "TABLESAMPLE"].contains(word)) {
        check(&format!("SELECT {word} FROM (VALUES 7) AS t({word})"), "7");
        check(&format!("SELECT 7 {word}"), "7");
        check(&format!("SELECT 7 FROM (VALUES 1) {word}"), "7");
        check(&format!("SELECT {word} + 1 FROM (VALUES 6) AS t({word}) WHERE {word} = 6 ORDER BY {word}"), "7");
    }
}
