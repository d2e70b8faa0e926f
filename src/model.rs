//! Plain values of the domain; no I/O, no clock.

pub mod arn;
pub mod id;
pub mod limits;
pub mod mapping;
pub mod record;
pub mod retention;
pub mod scope;
pub mod table;
