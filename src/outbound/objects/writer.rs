//! An object that is written piece by piece.

use super::{Client, ObjectError, Place};
use object_store::{MultipartUpload, ObjectStoreExt};

/// Bytes of the first parts of a large object. # guide of S3: qfacts.html, the least that a part may have
const PART_BYTES: usize = 5 << 20;
/// Parts of one size; then they double, so that the 10,000 parts there may be suffice for the largest object.
const PARTS_OF_ONE_SIZE: usize = 1_000;

/// Writes one object; it is there when [`ObjectWriter::finish`] has returned, and never in part. Holds at most a part of
/// it in memory.
#[derive(Debug)]
pub struct ObjectWriter {
    client: Client,
    place: Place,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    parts: usize,
    bytes: u64,
}

impl ObjectWriter {
    pub(super) fn new(client: Client, place: Place) -> Self {
        Self { client, place, buffer: Vec::new(), upload: None, parts: 0, bytes: 0 }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that wait in memory.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Store`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.buffer.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        if self.buffer.len() >= self.part_bytes() { self.put_part().await } else { Ok(()) }
    }

    /// Makes the object; returns its length.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Store`].
    pub async fn finish(mut self) -> Result<u64, ObjectError> {
        if self.upload.is_none() {
            let put = self.client.put(&self.place.path, std::mem::take(&mut self.buffer).into()).await;
            put.map_err(|error| self.place.put_failed(error))?;
            return Ok(self.bytes);
        }
        if !self.buffer.is_empty() {
            self.put_part().await?;
        }
        if let Some(mut upload) = self.upload.take() {
            upload.complete().await.map_err(|error| self.place.put_failed(error))?;
        }
        Ok(self.bytes)
    }

    /// Gives the object up; what was sent of it is deleted if that can be done.
    pub async fn abort(mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(bucket = self.place.bucket, key = self.place.key, %error, "parts of an object are left");
        }
    }

    fn part_bytes(&self) -> usize {
        PART_BYTES << (self.parts / PARTS_OF_ONE_SIZE).min(8)
    }

    async fn put_part(&mut self) -> Result<(), ObjectError> {
        let part = std::mem::take(&mut self.buffer);
        let failed = |error| self.place.put_failed(error);
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let begun = self.client.put_multipart(&self.place.path).await.map_err(failed)?;
                self.upload.insert(begun)
            }
        };
        self.parts += 1;
        upload.put_part(part.into()).await.map_err(failed)
    }
}
