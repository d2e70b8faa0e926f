//! What requests say of the encryption of objects.

use super::{Api, error::invalid};
use timebrook_protocol::ServiceError;

/// What asks for a key of KMS.
const SSE_KMS: &str = "SSE_KMS";

/// Refuses an `EncryptionOption` that would not be done: keys of KMS in a store that is not kept here.
///
/// # Errors
/// ValidationException.
pub(super) fn check(api: &Api, option: Option<&str>) -> Result<(), ServiceError> {
    match option {
        Some(SSE_KMS) if api.objects.endpoint().is_some() => Err(invalid(
            "EncryptionOption SSE_KMS in a store of your own (--s3-endpoint) is not implemented by Timebrook yet.",
        )),
        _ => Ok(()),
    }
}
