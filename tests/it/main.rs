//! The one test binary that links the server: in process, on a manual clock, driven by the SDKs and by raw requests.

mod a_day_of_runs;
mod account_settings;
mod admin;
mod bad_input;
mod compatibility;
mod constraints;
mod databases;
mod durability;
mod endpoints;
mod harness;
mod hostile_queries;
mod identity;
mod imports;
mod permissions;
mod queries;
mod records;
mod scheduled_queries;
mod signatures;
mod sockets;
mod tables;
mod tags;
mod wire_constraints;
