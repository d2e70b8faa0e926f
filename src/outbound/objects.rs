//! Objects in buckets: the one way to S3.
//!
//! Without an S3 of the user's own, buckets are folders, `<root>/<bucket>/<key>`, or in memory. They are there as soon as
//! something is put in them.

use futures::TryStreamExt;
use object_store::{Error, ObjectStore, ObjectStoreExt, local::LocalFileSystem, memory::InMemory, path::Path};
use std::{path::PathBuf, sync::Arc};

/// All buckets.
#[derive(Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
}

/// Why an object cannot be had or put.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no such object.
    #[error("there is no object {key} in the bucket {bucket}")]
    NotFound {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// The bucket's name or the key cannot be used.
    #[error("the bucket {bucket} or the key {key} is not a valid name")]
    Name {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The store failed.
    #[error("objects cannot be read or written: {0}")]
    Store(Error),
}

impl Objects {
    /// Buckets in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()) }
    }

    /// Buckets as folders below `root`, which is made.
    ///
    /// # Errors
    /// [`ObjectError::Store`] when the folder cannot be used.
    pub fn in_folder(root: PathBuf) -> Result<Self, ObjectError> {
        let failed =
            |source: std::io::Error| ObjectError::Store(Error::Generic { store: "folder", source: source.into() });
        std::fs::create_dir_all(&root).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(root).map_err(ObjectError::Store)?;
        Ok(Self { store: Arc::new(store.with_automatic_cleanup(true)) })
    }

    /// Puts an object, replacing what has its key.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let put = self.store.put(&path(bucket, key)?, bytes.into()).await;
        put.map(drop).map_err(ObjectError::Store)
    }

    /// An object's bytes.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, ObjectError> {
        let failed = |error| match error {
            Error::NotFound { .. } => ObjectError::NotFound { bucket: bucket.to_owned(), key: key.to_owned() },
            error => ObjectError::Store(error),
        };
        let bytes = self.store.get(&path(bucket, key)?).await.map_err(failed)?.bytes().await;
        Ok(bytes.map_err(ObjectError::Store)?.to_vec())
    }

    /// The keys of a bucket's objects, ascending.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn list(&self, bucket: &str) -> Result<Vec<String>, ObjectError> {
        let root = path(bucket, "")?;
        let found: Vec<_> = self.store.list(Some(&root)).try_collect().await.map_err(ObjectError::Store)?;
        let key = |object: object_store::ObjectMeta| {
            Some(object.location.as_ref().strip_prefix(bucket)?.get(1..)?.to_owned())
        };
        let mut keys: Vec<_> = found.into_iter().filter_map(key).collect();
        keys.sort();
        Ok(keys)
    }
}

/// Where an object is. Neither name leads out of its bucket.
fn path(bucket: &str, key: &str) -> Result<Path, ObjectError> {
    let invalid = || ObjectError::Name { bucket: bucket.to_owned(), key: key.to_owned() };
    if bucket.is_empty() || bucket.contains('/') {
        return Err(invalid());
    }
    Path::parse(format!("{bucket}/{key}")).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(objects: Objects) {
        objects.put("b", "reports/2026/a.json", b"one".to_vec()).await.unwrap();
        objects.put("b", "reports/2026/a.json", b"two".to_vec()).await.unwrap();
        objects.put("b", "c", Vec::new()).await.unwrap();
        objects.put("bb", "d", vec![0; 100_000]).await.unwrap();
        assert_eq!(objects.get("b", "reports/2026/a.json").await.unwrap(), b"two");
        assert_eq!(objects.list("b").await.unwrap(), ["c", "reports/2026/a.json"]);
        assert_eq!(objects.list("none").await.unwrap(), [""; 0]);
        let error = objects.get("b", "none").await.unwrap_err().to_string();
        assert_eq!(error, "there is no object none in the bucket b");
        for (bucket, key) in [("", "k"), ("..", "k"), ("b/c", "k"), ("b", "../k"), ("b", "a//k")] {
            assert!(
                matches!(objects.put(bucket, key, Vec::new()).await, Err(ObjectError::Name { .. })),
                "{bucket} {key}"
            );
        }
    }

    #[tokio::test]
    async fn objects_are_kept_in_memory_and_in_folders() {
        check(Objects::in_memory()).await;
        let root = tempfile::tempdir().unwrap();
        check(Objects::in_folder(root.path().join("s3")).unwrap()).await;
        assert_eq!(std::fs::read(root.path().join("s3/b/reports/2026/a.json")).unwrap(), b"two");
    }
}
