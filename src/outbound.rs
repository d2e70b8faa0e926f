//! What leaves the server: objects for S3, notifications for SNS.

pub mod notifications;
pub mod objects;
