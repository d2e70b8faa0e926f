//! Objects that a client uploads in parts: the parts wait in a bucket that no user can name.

use super::{Attributes, Client, ObjectError, Objects, Place};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::{Error, ObjectStoreExt, path::Path};
use std::pin::pin;

const BUCKET: &str = ".uploads";
/// The parts that an object may have. # guide of S3: qfacts.html
pub const PARTS_MAX: u32 = 10_000;

/// What is known of an upload.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Upload {
    /// Where the object will be.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// What the client says of it.
    pub attributes: Attributes,
}

impl Objects {
    /// Begins an upload under a name that is new.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Name`], [`ObjectError::Store`].
    pub async fn begin_upload(&self, id: &str, upload: &Upload) -> Result<(), ObjectError> {
        let place = Place::new(&upload.bucket, &upload.key)?;
        self.buckets.client(&place.bucket)?;
        let json = serde_json::to_vec(upload).unwrap_or_default();
        let put = self.buckets.hidden(BUCKET)?.put(&head_path(id), json.into()).await;
        put.map(drop).map_err(ObjectError::Store)
    }

    /// The upload of that name; `None` when there is none.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn upload(&self, id: &str) -> Result<Option<Upload>, ObjectError> {
        if !is_id(id) {
            return Ok(None);
        }
        match self.buckets.hidden(BUCKET)?.get(&head_path(id)).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(ObjectError::Store)?;
                Ok(serde_json::from_slice(&bytes).ok())
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(ObjectError::Store(error)),
        }
    }

    /// Puts a part of an upload that is there, replacing what has its number; returns its ETag.
    ///
    /// # Errors
    /// Those of `bytes`, or [`ObjectError`].
    pub async fn put_part<E: From<ObjectError>>(
        &self,
        id: &str,
        number: u32,
        bytes: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<String, E> {
        let client = self.buckets.hidden(BUCKET)?;
        let path = part_path(id, number);
        let place = Place { bucket: BUCKET.to_owned(), key: path.as_ref().to_owned(), path: path.clone() };
        let mut writer = super::ObjectWriter::new(client.clone(), place);
        let mut bytes = pin!(bytes);
        while let Some(next) = bytes.next().await {
            match next {
                Ok(next) => writer.write(&next).await?,
                Err(error) => {
                    writer.abort().await;
                    return Err(error);
                }
            }
        }
        writer.finish().await?;
        part_etag(&client, &path).await.map_err(E::from)?.ok_or_else(|| missing(id).into())
    }

    /// The ETag of a part; `None` when there is none of that number.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn part_etag(&self, id: &str, number: u32) -> Result<Option<String>, ObjectError> {
        part_etag(&self.buckets.hidden(BUCKET)?, &part_path(id, number)).await
    }

    /// Makes the object of its parts, in this order, and ends the upload.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn complete_upload(&self, id: &str, upload: &Upload, numbers: &[u32]) -> Result<(), ObjectError> {
        let client = self.buckets.hidden(BUCKET)?;
        let mut writer = self.writer(&upload.bucket, &upload.key)?;
        for number in numbers {
            let part = client.get(&part_path(id, *number)).await.map_err(|_| missing(id))?;
            let mut bytes = part.into_stream();
            while let Some(next) = bytes.try_next().await.map_err(ObjectError::Store)? {
                writer.write(&next).await?;
            }
        }
        writer.finish().await?;
        self.put_attributes(&upload.bucket, &upload.key, upload.attributes.clone()).await?;
        self.end_upload(id).await
    }

    /// Ends an upload: its parts are deleted.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn end_upload(&self, id: &str) -> Result<(), ObjectError> {
        let client = self.buckets.hidden(BUCKET)?;
        let mut found = client.list(Some(&Path::from(id)));
        while let Some(part) = found.try_next().await.map_err(ObjectError::Store)? {
            match client.delete(&part.location).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(ObjectError::Store(error)),
            }
        }
        Ok(())
    }
}

async fn part_etag(client: &Client, path: &Path) -> Result<Option<String>, ObjectError> {
    match client.head(path).await {
        Ok(meta) => Ok(Some(super::Listed::of(&meta).etag)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(ObjectError::Store(error)),
    }
}

fn missing(id: &str) -> ObjectError {
    ObjectError::NotFound { bucket: BUCKET.to_owned(), key: id.to_owned() }
}

/// Names of uploads are ours: hexadecimal digits.
fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn head_path(id: &str) -> Path {
    Path::from(format!("{id}/upload.json"))
}

fn part_path(id: &str, number: u32) -> Path {
    Path::from(format!("{id}/{number:05}"))
}
