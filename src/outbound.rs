//! What leaves the server: objects for S3.

pub mod objects;
