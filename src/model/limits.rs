//! Every bound of the service and of this server, in one place.

/// Bytes of one request's body. # inferred: no valid request of the service comes near it
pub const REQUEST_BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of all request bodies held at once; more requests wait.
pub const REQUEST_BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of one request's head.
pub const REQUEST_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 128;
/// Seconds without a byte read or written, and without a request being answered, after which a connection is closed.
pub const CONNECTION_IDLE_SECONDS: u64 = 120;
/// Seconds that a request's body may take to arrive.
pub const REQUEST_BODY_SECONDS: u64 = 60;
/// Seconds that requests in flight get to finish when the server stops.
pub const SHUTDOWN_SECONDS: u64 = 8;
/// Server certificates held ready, one per name that clients asked for.
pub const TLS_NAMES_MAX: usize = 32;
/// Bytes of a file in an object store that are read at a time.
pub const MAGNETIC_BLOCK_BYTES: usize = 512 << 10;
/// Bytes of such files that are kept in memory.
pub const MAGNETIC_CACHE_BYTES: usize = 64 << 20;
/// Bytes of such a file that are written at a time.
pub const MAGNETIC_PART_BYTES: usize = 8 << 20;
/// Tags of one resource. # guide: ts-limits.html
pub const TAGS_PER_RESOURCE_MAX: usize = 50;
/// Scheduled queries of one account in a region. # guide: ts-limits.html
pub const SCHEDULED_QUERIES_PER_ACCOUNT_MAX: usize = 10_000;
/// Runs of scheduled queries at once. # inferred
pub const SCHEDULED_RUNS_MAX: usize = 4;
/// Records that a scheduled query writes at once.
pub const MAPPED_WRITE_RECORDS: usize = 1_000;
/// Batch load tasks that an account may have that are not done. # guide: ts-limits.html
pub const ACTIVE_LOADS_PER_ACCOUNT_MAX: usize = 10;
/// Those of them for one table. # guide: ts-limits.html
pub const ACTIVE_LOADS_PER_TABLE_MAX: usize = 5;
/// Batch load tasks that are remembered of an account in a region.
pub const BATCH_LOAD_TASKS_MAX: usize = 10_000;
/// Batch load tasks at work at once; more wait.
pub const BATCH_LOADS_MAX: usize = 2;
/// Files of a batch load task. # guide: ts-limits.html
pub const LOAD_FILES_MAX: usize = 100;
/// Bytes of a file of a batch load task. # guide: ts-limits.html
pub const LOAD_FILE_BYTES_MAX: u64 = 5 << 30;
/// Bytes of all files of a batch load task. # guide: ts-limits.html
pub const LOAD_BYTES_MAX: u64 = 100 << 30;
/// Bytes of a row of a batch load task. # guide: ts-limits.html
pub const LOAD_ROW_BYTES_MAX: usize = 16 << 20;
/// Rows and records that an error report names, all together. # inferred
pub const REPORT_ERRORS_MAX: usize = 10_000;
/// Notifications that are kept to be looked at; older ones are forgotten.
pub const NOTIFICATIONS_MAX: usize = 10_000;
/// Bytes of SQL text in one request. # guide: ts-limits.html
pub const QUERY_STRING_BYTES_MAX: usize = 256 * 1024;
/// Operators in one chain (`a + b + …`, `a AND b AND …`, `UNION ALL`), counted on the tokens. # inferred
pub const QUERY_CHAIN_TERMS_MAX: usize = 5_000;
/// Levels of nesting (parentheses, brackets, CASE), counted on the tokens. # inferred
pub const QUERY_NESTING_MAX: usize = 100;
/// Entries in the result of `sequence` or `repeat`. # docs sample and Trino
pub const SEQUENCE_ENTRIES_MAX: usize = 10_000;
/// Bytes of one text that a function builds. # inferred
pub const TEXT_BYTES_MAX: usize = 4 << 20;
/// Bytes of all texts that a function builds for one batch of rows. # inferred
pub const BATCH_TEXT_BYTES_MAX: usize = 256 << 20;
/// Bytes of constants and of outer columns that are repeated for a lambda's rows at once: a batch of more rows is run in
/// slices. # inferred
pub const LAMBDA_BYTES_AT_ONCE: usize = 16 << 20;
/// Entries of one array that a function builds. # inferred
pub const ARRAY_ENTRIES_MAX: usize = 1 << 20;
/// Entries of all arrays that a function builds for one batch of rows. # inferred
pub const BATCH_ARRAY_ENTRIES_MAX: usize = 1 << 24;
/// Rows that one window function aggregates again and again as its frame moves. # inferred
pub const WINDOW_ROWS_MAX: u64 = 10_000_000_000;
/// Bytes of one page of a query's result, metadata included. # model: Query
pub const PAGE_BYTES_MAX: usize = 1_000_000;
/// Rows of one page. # model: Query
pub const PAGE_ROWS_MAX: usize = 1_000;
/// Records in one WriteRecords request. # model: WriteRecords
pub const RECORDS_PER_REQUEST_MAX: usize = 100;
/// Dimensions of one table. # guide: ts-limits.html
pub const DIMENSIONS_PER_TABLE_MAX: usize = 128;
/// Measure names of one table. # guide: ts-limits.html
pub const MEASURE_NAMES_PER_TABLE_MAX: usize = 8_192;
/// Attributes of multi-measure records in one table. # guide: ts-limits.html
pub const MULTI_ATTRIBUTES_PER_TABLE_MAX: usize = 1_024;
/// Attributes of one multi-measure record. # guide: ts-limits.html
pub const MULTI_ATTRIBUTES_PER_RECORD_MAX: usize = 256;
/// Bytes of a dimension's name. # guide: ts-limits.html
pub const DIMENSION_NAME_BYTES_MAX: usize = 60;
/// Bytes of a measure name or of the name of a multi-measure attribute. # guide: ts-limits.html
pub const MEASURE_NAME_BYTES_MAX: usize = 256;
/// Bytes of all dimension names and values of one series. # guide: ts-limits.html
pub const SERIES_BYTES_MAX: usize = 2_048;
/// Bytes of one measure value. # model: StringValue2048
pub const MEASURE_VALUE_BYTES_MAX: usize = 2_048;
/// Bytes of all values of one multi-measure record, counted as they are metered. # guide: ts-limits.html
pub const RECORD_VALUES_BYTES_MAX: usize = 2_048;
/// Databases of one account in one region. # guide: ts-limits.html
pub const DATABASES_PER_ACCOUNT_MAX: usize = 500;
/// Tables of one account in one region. # guide: ts-limits.html
pub const TABLES_PER_ACCOUNT_MAX: usize = 50_000;
/// Rows of one batch that a scan hands out.
pub const SCAN_BATCH_ROWS_MAX: usize = 8_192;
/// Relations in FROM over a whole query: each deepens the plan. # inferred
pub const QUERY_RELATIONS_MAX: usize = 200;
/// Grouping sets of one GROUP BY. # trino: `max_grouping_sets`
pub const QUERY_GROUPING_SETS_MAX: usize = 2_048;
/// How often the recursive part of WITH RECURSIVE runs. # trino: `max_recursion_depth`
pub const QUERY_RECURSION_MAX: usize = 10;
/// Nodes of a plan into which correlated subqueries have been worked: each repeats what it depends on. # inferred
pub const QUERY_PLAN_NODES_MAX: usize = 2_000;
/// Nodes of the plans of named queries, counted at each use: a query that reads the one before it twice, and so on, doubles
/// its plan with every name. # inferred
pub const QUERY_NAMED_NODES_MAX: usize = 20_000;
/// Items of one select list. # inferred: the engine's planning takes time with their square
pub const QUERY_COLUMNS_MAX: usize = 5_000;
/// How deep subqueries in expressions may nest: each level doubles the engine's work of planning. # inferred
pub const QUERY_SUBQUERY_NESTING_MAX: usize = 10;
/// How deep lambda expressions (and calls of `try`, which is one) may nest: each level doubles the engine's work of
/// planning. # inferred
pub const QUERY_LAMBDA_NESTING_MAX: usize = 8;
/// How deep calls of `coalesce` may nest, other than as each other's last argument: each level doubles the plan.
/// # inferred
pub const QUERY_DOUBLINGS_MAX: usize = 12;
/// Query results held for clients that have not asked for all pages. # inferred
pub const CURSORS_MAX: usize = 1_000;
/// How long a result is held without being asked for, nanoseconds. # model: Query (one hour)
pub const CURSOR_LIFETIME_NS: i64 = 3_600_000_000_000;
/// How long a request waits for rows before it answers with an empty page and a token, nanoseconds. # inferred
pub const FIRST_PAGE_WAIT_NS: i64 = 5_000_000_000;
/// Bytes of the file of credentials. # inferred
pub const CREDENTIALS_FILE_BYTES_MAX: u64 = 1 << 20;
/// Credentials in it. # inferred
pub const CREDENTIALS_MAX: usize = 1_000;
/// Statements of one policy. # inferred: IAM bounds a policy's text at 6,144 characters
pub const POLICY_STATEMENTS_MAX: usize = 1_000;
/// Bytes of an action or resource in a policy. # inferred
pub const POLICY_PATTERN_BYTES_MAX: usize = 2_048;
/// Faults that can be asked for at a time.
pub const FAULTS_MAX: usize = 100;
/// Seconds that a fault can delay a call.
pub const FAULT_DELAY_SECONDS_MAX: i64 = 600;
