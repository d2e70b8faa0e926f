//! What the language is made of besides functions: statements, clauses and forms of expressions, each with its class.
//!
//! The planner refuses the inherited ones from this list under `--documented-only`, and the README's table is computed from
//! it and from the cases in `conformance/queries/constructs.slt`, of which every construct has one.

/// Where a construct is known from, or that it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Support {
    /// In the developer guide, or seen in a recorded answer.
    Documented,
    /// Presto has it, the guide is silent.
    Inherited,
    /// Refused with the service's error.
    Refused,
}

/// A part of the language's grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Construct {
    /// What it belongs to.
    pub chapter: &'static str,
    /// How errors, cases and the README call it.
    pub name: &'static str,
    /// Whether it is there.
    pub support: Support,
}

pub(super) const RECURSIVE: Construct = inherited(QUERIES, "WITH RECURSIVE");
pub(super) const GROUPING_SETS: Construct = inherited(GROUPING, "GROUPING SETS, CUBE or ROLLUP");
pub(super) const GROUPING_CALL: Construct = inherited(GROUPING, "GROUPING()");
pub(super) const ORDINALITY: Construct = inherited(RELATIONS, "WITH ORDINALITY");
pub(super) const STAR_ALIASES: Construct = inherited(QUERIES, "row.* with column aliases");
pub(super) const FILTER: Construct = inherited(CALLS, "FILTER (WHERE …)");
pub(super) const ORDERED_AGGREGATE: Construct = inherited(CALLS, "ORDER BY inside an aggregate");
pub(super) const GROUPS: Construct = inherited(CALLS, "GROUPS");
pub(super) const TRIM_SIDES: Construct = inherited(EXPRESSIONS, "TRIM(BOTH …)");
pub(super) const ROW_SUBSCRIPT: Construct = inherited(EXPRESSIONS, "row[n]");
pub(super) const UNICODE_TEXT: Construct = inherited(EXPRESSIONS, "U&'…'");
pub(super) const DISTINCT_FROM: Construct = inherited(EXPRESSIONS, "IS DISTINCT FROM");

const STATEMENTS: &str = "Statements";
const QUERIES: &str = "Queries";
const RELATIONS: &str = "FROM";
const GROUPING: &str = "GROUP BY";
const CALLS: &str = "Calls";
const SUBQUERIES: &str = "Subqueries";
const EXPRESSIONS: &str = "Expressions";

/// Every construct.
pub const CONSTRUCTS: &[Construct] = &[
    documented(STATEMENTS, "SELECT"),
    documented(STATEMENTS, "SHOW DATABASES"),
    documented(STATEMENTS, "SHOW TABLES"),
    documented(STATEMENTS, "SHOW MEASURES"),
    documented(STATEMENTS, "SHOW … LIKE"),
    documented(STATEMENTS, "SHOW … LIKE … ESCAPE"),
    documented(STATEMENTS, "DESCRIBE"),
    documented(STATEMENTS, "UNLOAD"),
    documented(STATEMENTS, "a trailing semicolon"),
    refused(STATEMENTS, "CREATE, ALTER, DROP"),
    refused(STATEMENTS, "INSERT, UPDATE, DELETE"),
    refused(STATEMENTS, "EXPLAIN"),
    refused(STATEMENTS, "PREPARE, EXECUTE"),
    refused(STATEMENTS, "SHOW of anything else"),
    refused(STATEMENTS, "several statements"),
    refused(STATEMENTS, "parameters in Query"),
    documented(QUERIES, "WITH"),
    RECURSIVE,
    documented(QUERIES, "SELECT DISTINCT"),
    documented(QUERIES, "SELECT *"),
    STAR_ALIASES,
    documented(QUERIES, "WHERE"),
    documented(QUERIES, "UNION"),
    documented(QUERIES, "INTERSECT"),
    documented(QUERIES, "EXCEPT"),
    documented(QUERIES, "UNION ALL"),
    documented(QUERIES, "INTERSECT ALL, EXCEPT ALL"),
    documented(QUERIES, "ORDER BY"),
    documented(QUERIES, "ORDER BY a position"),
    documented(QUERIES, "NULLS FIRST, NULLS LAST"),
    documented(QUERIES, "LIMIT"),
    documented(QUERIES, "LIMIT ALL"),
    refused(QUERIES, "OFFSET"),
    refused(QUERIES, "FETCH FIRST"),
    refused(QUERIES, "WINDOW"),
    refused(QUERIES, "QUALIFY"),
    documented(RELATIONS, "a table"),
    documented(RELATIONS, "an alias with column names"),
    documented(RELATIONS, "a query, with an alias or without"),
    documented(RELATIONS, "VALUES"),
    documented(RELATIONS, "INNER JOIN"),
    documented(RELATIONS, "LEFT, RIGHT, FULL JOIN"),
    documented(RELATIONS, "JOIN … USING"),
    documented(RELATIONS, "CROSS JOIN"),
    documented(RELATIONS, "several relations with commas"),
    documented(RELATIONS, "UNNEST of a time series"),
    documented(RELATIONS, "UNNEST of an array"),
    ORDINALITY,
    refused(RELATIONS, "NATURAL JOIN"),
    refused(RELATIONS, "LATERAL"),
    refused(RELATIONS, "TABLESAMPLE"),
    refused(RELATIONS, "MATCH_RECOGNIZE"),
    refused(RELATIONS, "table functions"),
    refused(RELATIONS, "a catalogue before the database"),
    documented(GROUPING, "GROUP BY an expression"),
    documented(GROUPING, "GROUP BY a position"),
    documented(GROUPING, "GROUP BY ()"),
    documented(GROUPING, "GROUP BY ALL, GROUP BY DISTINCT"),
    documented(GROUPING, "HAVING"),
    GROUPING_SETS,
    GROUPING_CALL,
    refused(GROUPING, "GROUP BY an alias"),
    documented(CALLS, "DISTINCT in an aggregate"),
    ORDERED_AGGREGATE,
    FILTER,
    documented(CALLS, "OVER"),
    documented(CALLS, "PARTITION BY, ORDER BY"),
    documented(CALLS, "ROWS"),
    documented(CALLS, "RANGE"),
    documented(CALLS, "IGNORE NULLS"),
    documented(CALLS, "lambda expressions"),
    GROUPS,
    refused(CALLS, "WITHIN GROUP"),
    documented(SUBQUERIES, "a value"),
    documented(SUBQUERIES, "EXISTS"),
    documented(SUBQUERIES, "IN (query)"),
    documented(SUBQUERIES, "ALL, ANY, SOME"),
    documented(SUBQUERIES, "correlated"),
    documented(EXPRESSIONS, "AND, OR, NOT"),
    documented(EXPRESSIONS, "comparisons"),
    documented(EXPRESSIONS, "BETWEEN"),
    documented(EXPRESSIONS, "IS NULL"),
    UNICODE_TEXT,
    DISTINCT_FROM,
    documented(EXPRESSIONS, "IN (values)"),
    documented(EXPRESSIONS, "LIKE"),
    documented(EXPRESSIONS, "LIKE … ESCAPE"),
    documented(EXPRESSIONS, "CASE"),
    documented(EXPRESSIONS, "arithmetic"),
    documented(EXPRESSIONS, "interval literals"),
    documented(EXPRESSIONS, "||"),
    documented(EXPRESSIONS, "ARRAY and []"),
    documented(EXPRESSIONS, "ROW and its fields"),
    ROW_SUBSCRIPT,
    TRIM_SIDES,
    refused(EXPRESSIONS, "AT TIME ZONE"),
    refused(EXPRESSIONS, "MAP, JSON, DECIMAL"),
];

const fn documented(chapter: &'static str, name: &'static str) -> Construct {
    Construct { chapter, name, support: Support::Documented }
}

const fn inherited(chapter: &'static str, name: &'static str) -> Construct {
    Construct { chapter, name, support: Support::Inherited }
}

const fn refused(chapter: &'static str, name: &'static str) -> Construct {
    Construct { chapter, name, support: Support::Refused }
}
