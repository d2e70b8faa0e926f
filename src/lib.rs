//! Timebrook is Amazon Timestream for LiveAnalytics on your own machine.
//!
//! Code map, from the outside in; a module imports only what stands below it:
//!
//! - [`server`]: sockets, TLS, HTTP, identity, dispatch; the only user of hyper and rustls
//! - [`api`]: the wire's requests and responses to use cases and back; the one error map
//! - [`schedule`]: scheduled queries and their runs
//! - [`sql`]: the query language on DataFusion; [`ingest`]: records from request to stored form
//! - [`engine`]: the only owner of the write-ahead log, the catalog and the store
//! - [`catalog`]: databases, tables, schemas, tags; [`store`]: bytes and batches
//! - [`outbound`]: what leaves the server: objects for S3, notifications for SNS
//! - [`model`]: plain values; [`clock`]: time and randomness
//!
//! Rust tests can have a server of their own: `Server::builder().start().await` listens on a free port,
//! `Server::builder().clock(…).in_process().await` is a [`tower::Service`] without sockets, on a clock of the test's.

pub mod api;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod engine;
pub mod ingest;
pub mod model;
pub mod outbound;
pub mod schedule;
pub mod server;
pub mod sql;
pub mod store;

pub use server::Server;
