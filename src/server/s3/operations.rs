//! The operations of S3 that there are, on the buckets of this server.

use super::{
    Region, body,
    conditions::{self, unsupported},
    listing::{Asked, url_encoded},
};
use crate::{
    clock::Clock,
    outbound::objects::{
        Attributes, Listed, OWN_ATTRIBUTE_PREFIX, ObjectError, Objects,
        parts::{PARTS_MAX, Upload},
    },
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, StdError, dto};
use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, UNIX_EPOCH},
};

/// What S3 says of an object whose client said nothing. # observed: S3
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// Whose region has no name in GetBucketLocation. # guide of S3: API_GetBucketLocation.html
const FIRST_REGION: &str = "us-east-1";

/// The operations on one server's buckets.
pub(super) struct Operations {
    objects: Arc<Objects>,
    clock: Clock,
}

impl Operations {
    pub(super) fn new(objects: Arc<Objects>, clock: Clock) -> Self {
        Self { objects, clock }
    }

    async fn page(&self, bucket: &str, asked: Asked<'_>) -> S3Result<super::listing::Page> {
        let found = self.objects.list_with_prefix(bucket, asked.prefix).await.map_err(failed)?;
        Ok(asked.page(found))
    }

    /// What is known of an object, where the conditions hold.
    async fn head(
        &self,
        bucket: &str,
        key: &str,
        if_match: Option<&dto::ETagCondition>,
        if_none_match: Option<&dto::ETagCondition>,
    ) -> S3Result<(Listed, Attributes)> {
        let object = self.objects.head(bucket, key).await.map_err(failed)?;
        conditions::check(&object.etag, if_match, if_none_match)?;
        let attributes = self.objects.attributes(bucket, key, &object.etag).await.map_err(failed)?;
        Ok((object, attributes))
    }

    /// Puts what comes, and what is said of it; returns the object's ETag.
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        mut bytes: impl Stream<Item = Result<Bytes, StdError>> + Unpin,
        attributes: Attributes,
    ) -> S3Result<Option<dto::ETag>> {
        let mut writer = self.objects.writer(bucket, key).map_err(failed)?;
        while let Some(next) = bytes.next().await {
            let written = match next {
                Ok(next) => writer.write(&next).await.map_err(failed),
                Err(error) => Err(body::refused(&*error)),
            };
            if let Err(error) = written {
                writer.abort().await;
                return Err(error);
            }
        }
        writer.finish().await.map_err(failed)?;
        self.objects.put_attributes(bucket, key, attributes).await.map_err(failed)?;
        Ok(etag(&self.objects.head(bucket, key).await.map_err(failed)?))
    }

    /// The upload of that name, which must be one of this object.
    async fn upload(&self, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
        let upload = self.objects.upload(id).await.map_err(failed)?;
        upload
            .filter(|upload| upload.bucket == bucket && upload.key == key)
            .ok_or_else(|| S3ErrorCode::NoSuchUpload.into())
    }
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn list_buckets(&self, _: S3Request<dto::ListBucketsInput>) -> S3Result<S3Response<dto::ListBucketsOutput>> {
        let names = self.objects.bucket_names().map_err(failed)?;
        // When a bucket was made is not kept.
        let bucket = |name| dto::Bucket { name: Some(name), creation_date: Some(time(0)), ..dto::Bucket::default() };
        let buckets = Some(names.into_iter().map(bucket).collect());
        Ok(S3Response::new(dto::ListBucketsOutput { buckets, ..dto::ListBucketsOutput::default() }))
    }

    async fn create_bucket(
        &self,
        req: S3Request<dto::CreateBucketInput>,
    ) -> S3Result<S3Response<dto::CreateBucketOutput>> {
        let bucket = &req.input.bucket;
        if req.input.object_lock_enabled_for_bucket == Some(true) {
            return Err(unsupported("locks of objects"));
        }
        // # guide of S3: API_CreateBucket.html, only us-east-1 takes it a second time
        if self.objects.bucket_exists(bucket).await.map_err(failed)? && region(&req.extensions) != FIRST_REGION {
            return Err(S3ErrorCode::BucketAlreadyOwnedByYou.into());
        }
        self.objects.create_bucket(bucket).map_err(failed)?;
        Ok(S3Response::new(dto::CreateBucketOutput { location: Some(format!("/{bucket}")) }))
    }

    async fn head_bucket(&self, req: S3Request<dto::HeadBucketInput>) -> S3Result<S3Response<dto::HeadBucketOutput>> {
        if !self.objects.bucket_exists(&req.input.bucket).await.map_err(failed)? {
            return Err(S3ErrorCode::NoSuchBucket.into());
        }
        let bucket_region = Some(region(&req.extensions).to_owned());
        Ok(S3Response::new(dto::HeadBucketOutput { bucket_region, ..dto::HeadBucketOutput::default() }))
    }

    async fn delete_bucket(
        &self,
        req: S3Request<dto::DeleteBucketInput>,
    ) -> S3Result<S3Response<dto::DeleteBucketOutput>> {
        self.objects.delete_bucket(&req.input.bucket).await.map_err(failed)?;
        Ok(S3Response::new(dto::DeleteBucketOutput {}))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<dto::GetBucketLocationInput>,
    ) -> S3Result<S3Response<dto::GetBucketLocationOutput>> {
        if !self.objects.bucket_exists(&req.input.bucket).await.map_err(failed)? {
            return Err(S3ErrorCode::NoSuchBucket.into());
        }
        let region = region(&req.extensions);
        let location_constraint = (region != FIRST_REGION).then(|| region.to_owned().into());
        Ok(S3Response::new(dto::GetBucketLocationOutput { location_constraint }))
    }

    async fn get_object(&self, req: S3Request<dto::GetObjectInput>) -> S3Result<S3Response<dto::GetObjectOutput>> {
        let input = req.input;
        let (bucket, key) = (&input.bucket, &input.key);
        let (object, attributes) =
            self.head(bucket, key, input.if_match.as_ref(), input.if_none_match.as_ref()).await?;
        let range = match &input.range {
            Some(range) => Some(range.check(object.bytes).map_err(|_| S3Error::from(S3ErrorCode::InvalidRange))?),
            None => None,
        };
        let content_range = range
            .as_ref()
            .map(|range| format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), object.bytes));
        let opened = self.objects.open(bucket, key, range).await.map_err(failed)?;
        let length = opened.range.end.saturating_sub(opened.range.start);
        let mut output = dto::GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(dto::StreamingBlob::wrap(Exclusive(Mutex::new(opened.bytes)))),
            content_length: i64::try_from(length).ok(),
            content_range,
            e_tag: etag(&opened.object),
            last_modified: Some(time(opened.object.modified_ms)),
            ..dto::GetObjectOutput::default()
        };
        let said = Said::of(attributes);
        output.cache_control = said.cache_control;
        output.content_disposition = said.content_disposition;
        output.content_encoding = said.content_encoding;
        output.content_language = said.content_language;
        output.content_type = said.content_type;
        output.metadata = said.metadata;
        Ok(S3Response::new(output))
    }

    async fn head_object(&self, req: S3Request<dto::HeadObjectInput>) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        let input = req.input;
        if input.range.is_some() {
            return Err(unsupported("a range in HeadObject"));
        }
        let (object, attributes) =
            self.head(&input.bucket, &input.key, input.if_match.as_ref(), input.if_none_match.as_ref()).await?;
        let mut output = dto::HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(object.bytes).ok(),
            e_tag: etag(&object),
            last_modified: Some(time(object.modified_ms)),
            ..dto::HeadObjectOutput::default()
        };
        let said = Said::of(attributes);
        output.cache_control = said.cache_control;
        output.content_disposition = said.content_disposition;
        output.content_encoding = said.content_encoding;
        output.content_language = said.content_language;
        output.content_type = said.content_type;
        output.metadata = said.metadata;
        Ok(S3Response::new(output))
    }

    async fn put_object(&self, req: S3Request<dto::PutObjectInput>) -> S3Result<S3Response<dto::PutObjectOutput>> {
        let attributes = attributes(&req.headers)?;
        let input = req.input;
        let body = input.body.unwrap_or_else(|| dto::StreamingBlob::wrap(nothing()));
        let e_tag = self.put(&input.bucket, &input.key, body, attributes).await?;
        Ok(S3Response::new(dto::PutObjectOutput { e_tag, ..dto::PutObjectOutput::default() }))
    }

    async fn copy_object(&self, req: S3Request<dto::CopyObjectInput>) -> S3Result<S3Response<dto::CopyObjectOutput>> {
        let said = attributes(&req.headers)?;
        let input = req.input;
        let dto::CopySource::Bucket { bucket, key, version_id: None } = &input.copy_source else {
            return Err(unsupported("a source with an access point or a version"));
        };
        let (object, kept) = self.head(bucket, key, None, None).await?;
        let replaces = input.metadata_directive.as_ref().is_some_and(|d| d.as_str() == "REPLACE");
        // # guide of S3: API_CopyObject.html, an object is copied to itself only to change what is said of it
        if !replaces && **bucket == input.bucket && **key == input.key {
            let text = "This copy request is illegal because it is trying to copy an object to itself without changing \
                        the object's metadata.";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, text));
        }
        let opened = self.objects.open(bucket, key, None).await.map_err(failed)?;
        let bytes = opened.bytes.map(|bytes| bytes.map_err(|error| Box::new(error) as StdError)).boxed();
        let e_tag = self.put(&input.bucket, &input.key, bytes, if replaces { said } else { kept }).await?;
        let last_modified = Some(time(object.modified_ms));
        let result = dto::CopyObjectResult { e_tag, last_modified, ..dto::CopyObjectResult::default() };
        let copy_object_result = Some(result);
        Ok(S3Response::new(dto::CopyObjectOutput { copy_object_result, ..dto::CopyObjectOutput::default() }))
    }

    async fn delete_object(
        &self,
        req: S3Request<dto::DeleteObjectInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectOutput>> {
        self.objects.delete(&req.input.bucket, &req.input.key).await.map_err(failed)?;
        Ok(S3Response::with_status(dto::DeleteObjectOutput::default(), http::StatusCode::NO_CONTENT))
    }

    async fn delete_objects(
        &self,
        req: S3Request<dto::DeleteObjectsInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectsOutput>> {
        let dto::DeleteObjectsInput { bucket, delete, .. } = req.input;
        if delete.objects.len() > 1_000 {
            return Err(S3ErrorCode::MalformedXML.into());
        }
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let outcome = match object.version_id {
                None => self.objects.delete(&bucket, &object.key).await.map_err(failed),
                Some(_) => Err(unsupported("versions of objects")),
            };
            let key = Some(object.key);
            match outcome {
                Ok(()) => deleted.push(dto::DeletedObject { key, ..dto::DeletedObject::default() }),
                Err(error) if *error.code() == S3ErrorCode::NoSuchBucket => return Err(error),
                Err(error) => errors.push(dto::Error {
                    code: Some(error.code().as_str().to_owned()),
                    key,
                    message: error.message().map(str::to_owned),
                    ..dto::Error::default()
                }),
            }
        }
        let deleted = (delete.quiet != Some(true)).then_some(deleted);
        let output = dto::DeleteObjectsOutput { deleted, errors: Some(errors), ..dto::DeleteObjectsOutput::default() };
        Ok(S3Response::new(output))
    }

    async fn list_objects(
        &self,
        req: S3Request<dto::ListObjectsInput>,
    ) -> S3Result<S3Response<dto::ListObjectsOutput>> {
        let input = req.input;
        let asked = Asked {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.marker.as_deref(),
            entries_max: input.max_keys,
        };
        let page = self.page(&input.bucket, asked).await?;
        let shown = shown(input.encoding_type.as_ref());
        let output = dto::ListObjectsOutput {
            max_keys: i32::try_from(asked.entries()).ok(),
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next.as_deref().map(shown),
            contents: Some(page.objects.iter().map(|object| entry(object, shown)).collect()),
            common_prefixes: Some(page.prefixes.iter().map(|prefix| common_prefix(prefix, shown)).collect()),
            prefix: Some(shown(asked.prefix)),
            marker: Some(shown(asked.after.unwrap_or_default())),
            delimiter: asked.delimiter.map(shown),
            name: Some(input.bucket),
            encoding_type: input.encoding_type,
            ..dto::ListObjectsOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        let input = req.input;
        let continued = match &input.continuation_token {
            Some(token) => Some(read_token(token)?),
            None => None,
        };
        let asked = Asked {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: continued.as_deref().or(input.start_after.as_deref()),
            entries_max: input.max_keys,
        };
        let page = self.page(&input.bucket, asked).await?;
        let shown = shown(input.encoding_type.as_ref());
        let output = dto::ListObjectsV2Output {
            max_keys: i32::try_from(asked.entries()).ok(),
            key_count: i32::try_from(page.objects.len() + page.prefixes.len()).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|next| BASE64_STANDARD.encode(next)),
            contents: Some(page.objects.iter().map(|object| entry(object, shown)).collect()),
            common_prefixes: Some(page.prefixes.iter().map(|prefix| common_prefix(prefix, shown)).collect()),
            prefix: Some(shown(asked.prefix)),
            delimiter: asked.delimiter.map(shown),
            start_after: input.start_after.as_deref().map(shown),
            continuation_token: input.continuation_token,
            name: Some(input.bucket),
            encoding_type: input.encoding_type,
            ..dto::ListObjectsV2Output::default()
        };
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        let attributes = attributes(&req.headers)?;
        let input = req.input;
        let id = format!("{:032x}", u128::from_le_bytes(self.clock.random_bytes()));
        let upload = Upload { bucket: input.bucket, key: input.key, attributes };
        self.objects.begin_upload(&id, &upload).await.map_err(failed)?;
        let output = dto::CreateMultipartUploadOutput {
            bucket: Some(upload.bucket),
            key: Some(upload.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            ..dto::CreateMultipartUploadOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn upload_part(&self, req: S3Request<dto::UploadPartInput>) -> S3Result<S3Response<dto::UploadPartOutput>> {
        let input = req.input;
        self.upload(&input.upload_id, &input.bucket, &input.key).await?;
        let number = part_number(Some(input.part_number))?;
        let body = input.body.unwrap_or_else(|| dto::StreamingBlob::wrap(nothing()));
        let bytes = body.map(|bytes| bytes.map_err(|error| PartError(body::refused(&*error))));
        let put = self.objects.put_part(&input.upload_id, number, bytes).await;
        let e_tag = Some(dto::ETag::Strong(put.map_err(|error| error.0)?));
        Ok(S3Response::new(dto::UploadPartOutput { e_tag, ..dto::UploadPartOutput::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        let input = req.input;
        let id = &input.upload_id;
        let upload = self.upload(id, &input.bucket, &input.key).await?;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        if parts.is_empty() {
            return Err(S3ErrorCode::MalformedXML.into());
        }
        let mut numbers = Vec::with_capacity(parts.len());
        for part in parts {
            let number = part_number(part.part_number)?;
            if numbers.last().is_some_and(|last| *last >= number) {
                return Err(S3ErrorCode::InvalidPartOrder.into());
            }
            let there = self.objects.part_etag(id, number).await.map_err(failed)?;
            let given = part.e_tag.as_ref().map(dto::ETag::value);
            if there.is_none() || given.is_some_and(|given| there.as_deref() != Some(given)) {
                return Err(S3ErrorCode::InvalidPart.into());
            }
            numbers.push(number);
        }
        self.objects.complete_upload(id, &upload, &numbers).await.map_err(failed)?;
        let object = self.objects.head(&upload.bucket, &upload.key).await.map_err(failed)?;
        let output = dto::CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", upload.bucket, upload.key)),
            bucket: Some(upload.bucket),
            key: Some(upload.key),
            e_tag: etag(&object),
            ..dto::CompleteMultipartUploadOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        let input = req.input;
        self.upload(&input.upload_id, &input.bucket, &input.key).await?;
        self.objects.end_upload(&input.upload_id).await.map_err(failed)?;
        Ok(S3Response::with_status(dto::AbortMultipartUploadOutput::default(), http::StatusCode::NO_CONTENT))
    }
}

/// An error while a part is put, whichever side it comes from.
struct PartError(S3Error);

impl From<ObjectError> for PartError {
    fn from(error: ObjectError) -> Self {
        Self(failed(error))
    }
}

/// The one map from what the buckets say to what S3 says.
fn failed(error: ObjectError) -> S3Error {
    let code = match &error {
        ObjectError::NotFound { .. } => S3ErrorCode::NoSuchKey,
        ObjectError::NoBucket { .. } => S3ErrorCode::NoSuchBucket,
        ObjectError::NotEmpty { .. } => S3ErrorCode::BucketNotEmpty,
        ObjectError::Range { .. } => S3ErrorCode::InvalidRange,
        ObjectError::Name { key, .. } if key.is_empty() => S3ErrorCode::InvalidBucketName,
        ObjectError::Name { .. } => {
            let text = "Timebrook's S3 endpoint keeps no keys with empty segments, with the segments . or .., or with \
                        control characters.";
            return S3Error::with_message(S3ErrorCode::InvalidRequest, text);
        }
        ObjectError::Store(_) => S3ErrorCode::InternalError,
    };
    S3Error::with_message(code, error.to_string())
}

/// What a client says of an object in its headers.
fn attributes(headers: &http::HeaderMap) -> S3Result<Attributes> {
    let mut attributes = Attributes::new();
    for (name, value) in headers {
        let name = name.as_str();
        let is_kept = Said::HEADERS.contains(&name) || name.starts_with(OWN_ATTRIBUTE_PREFIX);
        if name == "expires" {
            return Err(unsupported("the header expires"));
        }
        if is_kept {
            let value = value.to_str().map_err(|_| unsupported(&format!("other characters than ASCII in {name}")))?;
            attributes.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(attributes)
}

/// What was said of an object, for its answer.
struct Said {
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_type: Option<String>,
    metadata: Option<dto::Metadata>,
}

impl Said {
    const HEADERS: [&str; 5] =
        ["cache-control", "content-disposition", "content-encoding", "content-language", "content-type"];

    fn of(mut attributes: Attributes) -> Self {
        let [cache_control, content_disposition, content_encoding, content_language, content_type] =
            Self::HEADERS.map(|name| attributes.remove(name));
        let own = attributes
            .into_iter()
            .filter_map(|(name, value)| name.strip_prefix(OWN_ATTRIBUTE_PREFIX).map(|name| (name.to_owned(), value)));
        let content_type = content_type.or_else(|| Some(DEFAULT_CONTENT_TYPE.to_owned()));
        let metadata = Some(own.collect());
        Self { cache_control, content_disposition, content_encoding, content_language, content_type, metadata }
    }
}

fn etag(object: &Listed) -> Option<dto::ETag> {
    Some(dto::ETag::Strong(object.etag.clone()))
}

fn time(ms: i64) -> dto::Timestamp {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH).into()
}

fn region(extensions: &http::Extensions) -> &str {
    extensions.get::<Region>().map_or(FIRST_REGION, |region| &*region.0)
}

fn part_number(given: Option<i32>) -> S3Result<u32> {
    let number = given.and_then(|number| u32::try_from(number).ok()).filter(|number| (1..=PARTS_MAX).contains(number));
    let text = || format!("Part number must be an integer between 1 and {PARTS_MAX}, inclusive");
    number.ok_or_else(|| S3Error::with_message(S3ErrorCode::InvalidArgument, text()))
}

fn read_token(token: &str) -> S3Result<String> {
    let text = BASE64_STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let message = "The continuation token provided is incorrect";
    text.ok_or_else(|| S3Error::with_message(S3ErrorCode::InvalidArgument, message))
}

/// How names are shown: as they are, or as in addresses.
fn shown(encoding: Option<&dto::EncodingType>) -> fn(&str) -> String {
    if encoding.is_some_and(|encoding| encoding.as_str() == "url") { url_encoded } else { str::to_owned }
}

fn entry(object: &Listed, shown: fn(&str) -> String) -> dto::Object {
    dto::Object {
        key: Some(shown(&object.key)),
        size: i64::try_from(object.bytes).ok(),
        last_modified: Some(time(object.modified_ms)),
        e_tag: etag(object),
        storage_class: Some(dto::ObjectStorageClass::from_static("STANDARD")),
        ..dto::Object::default()
    }
}

fn common_prefix(prefix: &str, shown: fn(&str) -> String) -> dto::CommonPrefix {
    dto::CommonPrefix { prefix: Some(shown(prefix)) }
}

fn nothing() -> impl Stream<Item = Result<Bytes, ObjectError>> + Send + Sync {
    futures::stream::empty()
}

/// A stream that only its owner polls, which is why it may be shared.
struct Exclusive(Mutex<BoxStream<'static, Result<Bytes, ObjectError>>>);

impl Stream for Exclusive {
    type Item = Result<Bytes, ObjectError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.get_mut() {
            Ok(stream) => stream.poll_next_unpin(cx),
            Err(poisoned) => poisoned.into_inner().poll_next_unpin(cx),
        }
    }
}
