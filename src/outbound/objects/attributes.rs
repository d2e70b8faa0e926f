//! What a client says of an object beside its content: its content type and such.
//!
//! Folders have no room for it, so it lies beside the buckets, in a bucket that no user can name. It is bound to the
//! object's ETag: what was said of an object that has been replaced since is not said of the new one.

use super::{ObjectError, Objects, Place};
use object_store::{Error, ObjectStoreExt, path::Path};
use std::collections::BTreeMap;

const BUCKET: &str = ".attributes";
/// Begins the name of what the client named itself.
pub const OWN_ATTRIBUTE_PREFIX: &str = "x-amz-meta-";

/// By the names of the headers that carry them; the client's own begin with `x-amz-meta-`.
pub type Attributes = BTreeMap<String, String>;

#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    etag: String,
    attributes: Attributes,
}

impl Objects {
    /// Keeps what is said of an object that is there.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn put_attributes(&self, bucket: &str, key: &str, attributes: Attributes) -> Result<(), ObjectError> {
        let place = Place::new(bucket, key)?;
        let path = path(&place);
        let client = self.buckets.hidden(BUCKET)?;
        if attributes.is_empty() {
            return match client.delete(&path).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(ObjectError::Store(error)),
            };
        }
        let kept = Kept { etag: self.head(bucket, key).await?.etag, attributes };
        let json = serde_json::to_vec(&kept).unwrap_or_default();
        client.put(&path, json.into()).await.map(drop).map_err(ObjectError::Store)
    }

    /// What was said of the object that has this ETag.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn attributes(&self, bucket: &str, key: &str, etag: &str) -> Result<Attributes, ObjectError> {
        let place = Place::new(bucket, key)?;
        let found = self.buckets.hidden(BUCKET)?.get(&path(&place)).await;
        let bytes = match found {
            Ok(found) => found.bytes().await.map_err(ObjectError::Store)?,
            Err(Error::NotFound { .. }) => return Ok(Attributes::new()),
            Err(error) => return Err(ObjectError::Store(error)),
        };
        let kept = serde_json::from_slice::<Kept>(&bytes).ok().filter(|kept| kept.etag == etag);
        Ok(kept.map(|kept| kept.attributes).unwrap_or_default())
    }
}

fn path(place: &Place) -> Path {
    // Both are parts of paths already, and stay so together.
    Path::parse(format!("{}/{}", place.bucket, place.key)).unwrap_or_default()
}
