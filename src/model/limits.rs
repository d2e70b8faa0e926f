//! Every bound of the service and of this server, in one place.

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
/// Entries of one array that a function builds. # inferred
pub const ARRAY_ENTRIES_MAX: usize = 1 << 20;
/// Entries of all arrays that a function builds for one batch of rows. # inferred
pub const BATCH_ARRAY_ENTRIES_MAX: usize = 1 << 24;
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
/// Relations in FROM over a whole query: each deepens the plan. # inferred
pub const QUERY_RELATIONS_MAX: usize = 200;
/// Query results held for clients that have not asked for all pages. # inferred
pub const CURSORS_MAX: usize = 1_000;
/// How long a result is held without being asked for, nanoseconds. # model: Query (one hour)
pub const CURSOR_LIFETIME_NS: i64 = 3_600_000_000_000;
/// How long a request waits for rows before it answers with an empty page and a token, nanoseconds. # inferred
pub const FIRST_PAGE_WAIT_NS: i64 = 5_000_000_000;
