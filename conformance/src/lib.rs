//! Scenarios over sockets against a running server, through the official Rust SDKs, and the runner of the `.slt` files.
//!
//! Nothing here links the server: all that is known of it is its address, in `TIMEBROOK_URL`.
//!
//! - [`target`]: the server's address; [`clients`]: the SDK's clients, in each way to reach it
//! - [`scenario`], [`scenarios`]: what is done with them, under the names that every language's suite uses
//! - [`slt`], [`fixtures`]: queries and their expected rows in `.slt` files, and the tables they read
//! - [`pages`]: a query's pages; [`datum`]: a result's cells as text; [`wall_clock`]: the time

pub mod clients;
pub mod datum;
pub mod fixtures;
pub mod pages;
pub mod scenario;
pub mod scenarios;
pub mod slt;
pub mod target;
pub mod wall_clock;

/// What a step outside of a scenario's own assertions can fail with; its text is for a person.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
