//! Objects in buckets: the one way to S3.
//!
//! Without an S3 of the user's own, buckets are folders, `<root>/<bucket>/<key>`, or in memory. They are there as soon as
//! something is put in them. With one, every bucket is its bucket, and nothing is kept here.

mod attributes;
mod buckets;
mod listing;
pub mod parts;
mod writer;

pub use attributes::{Attributes, OWN_ATTRIBUTE_PREFIX};
pub use listing::Listed;
pub use writer::ObjectWriter;

use buckets::Buckets;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt, path::Path};
use std::{ops::Range, path::PathBuf, sync::Arc};

/// Bytes of the longest key. # guide of S3: object-keys.html
const KEY_BYTES_MAX: usize = 1_024;

/// All buckets.
#[derive(Debug)]
pub struct Objects {
    buckets: Buckets,
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
    /// There is no such bucket.
    #[error("there is no bucket {bucket}")]
    NoBucket {
        /// Its name.
        bucket: String,
    },
    /// A bucket that is to be deleted still holds objects.
    #[error("the bucket {bucket} is not empty")]
    NotEmpty {
        /// Its name.
        bucket: String,
    },
    /// The bucket's name or the key cannot be used.
    #[error("the bucket {bucket} or the key {key} is not a valid name")]
    Name {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The bytes asked for lie behind the object's end.
    #[error("the object {key} in the bucket {bucket} has no such range of bytes")]
    Range {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// The store failed.
    #[error("objects cannot be read or written: {0}")]
    Store(Error),
}

/// An object that is being read.
pub struct Opened {
    /// What is known of the object.
    pub object: Listed,
    /// Which of its bytes are read.
    pub range: Range<u64>,
    /// The bytes, piece by piece.
    pub bytes: BoxStream<'static, Result<Bytes, ObjectError>>,
}

impl Objects {
    /// Buckets in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { buckets: Buckets::in_memory() }
    }

    /// Buckets as folders below `root`, which is made.
    ///
    /// # Errors
    /// [`ObjectError::Store`] when the folder cannot be used.
    pub fn in_folder(root: PathBuf) -> Result<Self, ObjectError> {
        Ok(Self { buckets: Buckets::in_folder(root)? })
    }

    /// The buckets of the S3-compatible store at `endpoint` (an address such as `http://127.0.0.1:9000`), spoken to in
    /// path style with the credentials and region of the usual AWS variables.
    #[must_use]
    pub fn at_endpoint(endpoint: &str) -> Self {
        Self { buckets: Buckets::at_endpoint(endpoint.to_owned()) }
    }

    /// Where the objects are, when they are not kept here.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.buckets.endpoint()
    }

    /// The bucket itself, for who knows what to do with it. That one elsewhere exists is not known before it is used.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Name`], [`ObjectError::Store`].
    pub fn bucket(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        self.buckets.client(bucket)
    }

    /// Whether there is a bucket of that name.
    ///
    /// # Errors
    /// [`ObjectError::Name`], [`ObjectError::Store`].
    pub async fn bucket_exists(&self, bucket: &str) -> Result<bool, ObjectError> {
        self.buckets.exists(bucket).await
    }

    /// Makes a bucket, when there is none of that name.
    ///
    /// # Errors
    /// [`ObjectError::Name`], [`ObjectError::Store`].
    pub fn create_bucket(&self, bucket: &str) -> Result<(), ObjectError> {
        self.buckets.client_or_new(bucket).map(drop)
    }

    /// Deletes an empty bucket.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::NotEmpty`], [`ObjectError::Name`], [`ObjectError::Store`].
    pub async fn delete_bucket(&self, bucket: &str) -> Result<(), ObjectError> {
        let client = self.buckets.client(bucket)?;
        if client.list(None).try_next().await.map_err(ObjectError::Store)?.is_some() {
            return Err(ObjectError::NotEmpty { bucket: bucket.to_owned() });
        }
        self.buckets.remove(bucket)
    }

    /// The names of the buckets that are kept here, ascending.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub fn bucket_names(&self) -> Result<Vec<String>, ObjectError> {
        self.buckets.names()
    }

    /// Puts an object, replacing what has its key. A bucket that is kept here is made when it is missing.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let place = Place::new(bucket, key)?;
        let client = self.buckets.client_or_new(bucket)?;
        let put = client.put(&place.path, bytes.into()).await;
        put.map(drop).map_err(|error| place.put_failed(error))
    }

    /// Begins an object of any size, which is there when it is finished. The bucket must exist.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Name`].
    pub fn writer(&self, bucket: &str, key: &str) -> Result<ObjectWriter, ObjectError> {
        let place = Place::new(bucket, key)?;
        Ok(ObjectWriter::new(self.buckets.client(bucket)?, place))
    }

    /// An object's bytes.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, ObjectError> {
        let mut opened = self.open(bucket, key, None).await?;
        let mut all = Vec::new();
        while let Some(bytes) = opened.bytes.next().await {
            all.extend_from_slice(&bytes?);
        }
        Ok(all)
    }

    /// Reads an object, or a range of its bytes, piece by piece. A range that ends behind the object's end is cut.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn open(&self, bucket: &str, key: &str, range: Option<Range<u64>>) -> Result<Opened, ObjectError> {
        let place = Place::new(bucket, key)?;
        let client = self.buckets.client(bucket)?;
        if let Some(range) = &range
            && range.start >= self.head(bucket, key).await?.bytes
        {
            return Err(ObjectError::Range { bucket: place.bucket, key: place.key });
        }
        let range = range.map(Into::into);
        let options = GetOptions { range, ..GetOptions::default() };
        let found = client.get_opts(&place.path, options).await.map_err(|error| place.get_failed(error))?;
        let (object, range) = (Listed::of(&found.meta), found.range.clone());
        let bytes = found.into_stream().map_err(ObjectError::Store).boxed();
        Ok(Opened { object, range, bytes })
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Listed, ObjectError> {
        let place = Place::new(bucket, key)?;
        let found = self.buckets.client(bucket)?.head(&place.path).await;
        Ok(Listed::of(&found.map_err(|error| place.get_failed(error))?))
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Name`], [`ObjectError::Store`].
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), ObjectError> {
        let place = Place::new(bucket, key)?;
        match self.buckets.client(bucket)?.delete(&place.path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(ObjectError::Store(error)),
        }
    }

    /// The keys of a bucket's objects, ascending; none when there is no such bucket.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn list(&self, bucket: &str) -> Result<Vec<String>, ObjectError> {
        match self.list_with_prefix(bucket, "").await {
            Ok(found) => Ok(found.into_iter().map(|object| object.key).collect()),
            Err(ObjectError::NoBucket { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The objects of a bucket whose keys begin with `prefix`, by key, ascending.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Name`], [`ObjectError::Store`].
    pub async fn list_with_prefix(&self, bucket: &str, prefix: &str) -> Result<Vec<Listed>, ObjectError> {
        listing::list(&self.buckets, bucket, prefix).await
    }
}

/// Where an object is. Neither name leads out of its bucket.
#[derive(Clone, Debug)]
struct Place {
    bucket: String,
    key: String,
    path: Path,
}

impl Place {
    fn new(bucket: &str, key: &str) -> Result<Self, ObjectError> {
        let invalid = || ObjectError::Name { bucket: bucket.to_owned(), key: key.to_owned() };
        let path = Path::parse(key).map_err(|_| invalid())?;
        // A key that begins or ends with a slash would come back as another one.
        if !buckets::is_name(bucket) || key.is_empty() || key.len() > KEY_BYTES_MAX || path.as_ref() != key {
            return Err(invalid());
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), path })
    }

    fn get_failed(&self, error: Error) -> ObjectError {
        match error {
            error if is_missing_bucket(&error) => ObjectError::NoBucket { bucket: self.bucket.clone() },
            Error::NotFound { .. } => ObjectError::NotFound { bucket: self.bucket.clone(), key: self.key.clone() },
            error => ObjectError::Store(error),
        }
    }

    /// What is not found when something is put is the bucket.
    fn put_failed(&self, error: Error) -> ObjectError {
        match error {
            Error::NotFound { .. } => ObjectError::NoBucket { bucket: self.bucket.clone() },
            error if is_missing_bucket(&error) => ObjectError::NoBucket { bucket: self.bucket.clone() },
            error => ObjectError::Store(error),
        }
    }
}

/// Whether a store elsewhere says that it has no such bucket: it does so in words only.
fn is_missing_bucket(error: &Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.to_string().contains("NoSuchBucket") {
            return true;
        }
        next = error.source();
    }
    false
}

/// A client of one bucket.
type Client = Arc<dyn ObjectStore>;

#[cfg(test)]
mod tests;
