//! The write-ahead log: entries with sequence numbers, one after the other, in segment files.
//!
//! A segment is a header and frames. A frame is `length | crc32c | seq | synced | payload`: `synced` says that every
//! frame up to that number was durable when this one was written. So when frames cannot be read, those that follow tell
//! a torn write, which nobody was told of and which is cut off, from damage to what was durable, which is an error.
//! Files are used again ([`segment`]): behind the last frame there may also be older ones.
//!
//! Sequence numbers of what is in the log have no gaps. After a failed write the log goes on in a new segment, with the
//! number after the last durable frame; what the old segment holds beyond that number does not count.

mod frame;
mod group;
mod recover;
mod segment;

pub use group::{Incoming, Ticket, Wal, WalOptions};
pub use recover::{Recovered, recover};
pub use segment::Segment;

/// The directory of the segments.
pub const WAL_DIR: &str = "wal";
