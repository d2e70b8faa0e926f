//! What a bucket holds.

use super::{ObjectError, buckets::Buckets};
use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, path::Path};

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// When it was put, in milliseconds since the epoch.
    pub modified_ms: i64,
    /// Changes with its content; has no meaning beyond that.
    pub etag: String,
}

impl Listed {
    pub(super) fn of(meta: &ObjectMeta) -> Self {
        Self {
            key: meta.location.as_ref().to_owned(),
            bytes: meta.size,
            modified_ms: meta.last_modified.timestamp_millis(),
            etag: meta.e_tag.as_deref().unwrap_or_default().trim_matches('"').to_owned(),
        }
    }
}

/// The objects whose keys begin with `prefix`, by key. The stores list by whole segments of a key; what of a prefix stands
/// behind its last slash is compared here.
pub(super) async fn list(buckets: &Buckets, bucket: &str, prefix: &str) -> Result<Vec<Listed>, ObjectError> {
    let client = buckets.client(bucket)?;
    let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Ok(folder) = Path::parse(folder) else {
        // No key has an empty segment.
        return Ok(Vec::new());
    };
    let found: Result<Vec<_>, _> = client.list(Some(&folder)).try_collect().await;
    let found = found.map_err(|error| match error {
        Error::NotFound { .. } => ObjectError::NoBucket { bucket: bucket.to_owned() },
        error => ObjectError::Store(error),
    })?;
    let mut objects: Vec<_> = found.iter().map(Listed::of).filter(|object| object.key.starts_with(prefix)).collect();
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(objects)
}
