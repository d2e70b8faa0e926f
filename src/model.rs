//! Plain values of the domain; no I/O, no clock.

pub mod access;
pub mod arn;
pub mod id;
pub mod limits;
pub mod mapping;
pub mod policy;
pub mod record;
pub mod retention;
pub mod scope;
pub mod table;
