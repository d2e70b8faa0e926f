//! The memory store: one table's records in time chunks.
//!
//! A row is known by its key: series (a set of dimensions), measure name and time. New rows go to the open chunk, whose
//! rows are found by hash; a full chunk is frozen, and sealed once all its rows are settled: sorted by series, measure
//! name and time, so that it needs no index of its own. Rows are grouped by the set of value columns that they have,
//! so a column costs nothing to the rows that lack it.

pub(crate) mod chunk_codec;
pub mod columns;
pub mod dead;
mod doubles;
mod ends;
mod filter;
pub mod open;
pub mod scan;
pub mod sealed;
pub mod selection;
pub mod series;
pub mod streams;
pub mod table;
