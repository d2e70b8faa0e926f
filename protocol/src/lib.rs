//! The wire protocol of Amazon Timestream for LiveAnalytics, and only the wire: bytes in, bytes out. Nothing here waits,
//! reads a clock or touches a file.
//!
//! - [`Operation`]: what a request's target names.
//! - [`shapes`]: what requests decode into ([`decode`]) and answers are encoded from ([`encode`]); generated.
//! - [`constraints`]: what the service demands of a request, as data; generated. `validate` words what is violated.
//! - [`ServiceError`]: an answer that is an error: its name, status and body.
//! - [`request_id`], [`query_id`]: identifiers in the service's form.
//! - [`sigv4`]: who signed a request, and whether they really did.
//!
//! Comments that begin with `#` name where a fact is from: `# guide` AWS's developer guide and API reference, `# model`
//! the service models the SDKs are made from, `# observed` an answer of the real service, `# sister services` an answer
//! of another AWS service on the same framework, `# inferred` our own reading.

pub mod constraints;
mod error;
mod id;
mod json;
mod operation;
pub mod shapes;
pub mod sigv4;
mod text;
mod timestamp;
mod validate;

pub use error::{Detail, ErrorCode, RejectedRecord, ServiceError};
pub use id::{query_id, request_id};
pub use json::{decode, encode};
pub use operation::{Operation, Service};
pub use shapes::{Input, NoOutput, Output, UnknownValue};
pub use text::Text;
pub use timestamp::Timestamp;
