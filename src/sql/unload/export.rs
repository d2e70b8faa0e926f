//! Running an UNLOAD: batches to files as they come.

use super::{
    KEY_BYTES_MAX, PARTITIONS_MAX, SqlError, Unload, UnloadContext,
    csv::CsvFile,
    manifest::{self, FileMetadata, ResultFile},
    options::{Encryption, Format},
    parquet::ParquetFile,
    partition,
};
use crate::{
    clock::Clock,
    model::id::uuid,
    outbound::objects::{ObjectError, ObjectWriter},
    sql::{error::error_of, insights::UnloadInsight, plan::OutputColumn},
};
use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema},
    },
    execution::SendableRecordBatchStream,
};
use futures::StreamExt;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Bytes that all open files together may hold in memory; past that the largest is closed, and its partition goes on in
/// another.
const MEMORY_BYTES_MAX: usize = 256 << 20;
/// Rows that are encoded at once.
const SLICE_ROWS: usize = 1_024;

/// The columns of an UNLOAD's one row. # guide
pub(in crate::sql) const RESULT_COLUMNS: [(&str, DataType); 3] =
    [("rows", DataType::Int64), ("metadataFile", DataType::Utf8), ("manifestFile", DataType::Utf8)];

/// An UNLOAD that is about to run.
pub(in crate::sql) struct Export {
    unload: Unload,
    context: UnloadContext,
    columns: Vec<OutputColumn>,
    clock: Clock,
    open: BTreeMap<String, OpenFile>,
    done: Vec<ResultFile>,
    partitions: BTreeSet<String>,
}

struct OpenFile {
    key: String,
    rows: u64,
    encoder: Encoder,
    writer: ObjectWriter,
}

enum Encoder {
    Csv(Box<CsvFile>),
    Parquet(Box<ParquetFile>),
}

impl Export {
    /// Makes sure that the bucket is there.
    ///
    /// # Errors
    /// [`SqlError::Invalid`] when it is not.
    pub(in crate::sql) async fn new(
        unload: Unload,
        context: UnloadContext,
        columns: Vec<OutputColumn>,
        clock: Clock,
    ) -> Result<Self, SqlError> {
        if unload.options.encryption != Encryption::S3 && context.objects.endpoint().is_some() {
            let text =
                "encryption = 'SSE_KMS' in a store of your own (--s3-endpoint) is not implemented by Timebrook yet.";
            return Err(SqlError::Invalid(text.to_owned()));
        }
        if !context.objects.bucket_exists(&unload.bucket).await.map_err(failed)? {
            return Err(failed(ObjectError::NoBucket { bucket: unload.bucket }));
        }
        let (open, done, partitions) = Default::default();
        Ok(Self { unload, context, columns, clock, open, done, partitions })
    }

    /// Writes all that comes, then the metadata and the manifest; returns the statement's one row, and what is told of it.
    /// After a failure the files that were done stay, and there is no manifest.
    ///
    /// # Errors
    /// Those of the query; [`SqlError::Execution`] when the files cannot be written.
    pub(in crate::sql) async fn run(
        mut self,
        mut batches: SendableRecordBatchStream,
    ) -> Result<(RecordBatch, UnloadInsight), SqlError> {
        while let Some(batch) = batches.next().await {
            let written = match batch.map_err(error_of) {
                Ok(batch) => self.append(&batch).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                for file in std::mem::take(&mut self.open).into_values() {
                    file.writer.abort().await;
                }
                return Err(error);
            }
        }
        for (_, file) in std::mem::take(&mut self.open) {
            self.close(file).await?;
        }
        self.finish().await
    }

    async fn append(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        for (folder, rows) in partition::split(batch, &self.unload.options.partitioned_by)? {
            self.note_partition(&folder)?;
            for rows in rows.chunks(SLICE_ROWS) {
                let mut file = match self.open.remove(&folder) {
                    Some(file) => file,
                    None => self.new_file(&folder)?,
                };
                let width = self.unload.written(&self.columns).len();
                file.append(batch, width, rows).await?;
                if file.bytes() >= self.unload.options.file_bytes_max {
                    self.close(file).await?;
                } else {
                    self.open.insert(folder.clone(), file);
                }
            }
        }
        self.bound_memory().await
    }

    fn note_partition(&mut self, folder: &str) -> Result<(), SqlError> {
        if folder.is_empty() || self.partitions.contains(folder) {
            return Ok(());
        }
        if self.partitions.len() == PARTITIONS_MAX {
            // # inferred: the text
            return Err(SqlError::Invalid(format!("UNLOAD can write at most {PARTITIONS_MAX} partitions per query.")));
        }
        self.partitions.insert(folder.to_owned());
        Ok(())
    }

    fn new_file(&self, folder: &str) -> Result<OpenFile, SqlError> {
        let separator = if folder.is_empty() { "" } else { "/" };
        let name = format!("results/{folder}{separator}{}.{}", self.fresh_name(), self.unload.extension());
        let key = self.unload.key(&name);
        if key.len() > KEY_BYTES_MAX {
            let names = self.unload.options.partitioned_by.join(", ");
            // # guide: troubleshoot-export-unload.html
            return Err(SqlError::Invalid(format!(
                "UNLOAD result file key when using partitioned_by [{names}] will exceed the S3 allowed key length. See \
                 documentation for more details."
            )));
        }
        let columns = self.unload.written(&self.columns);
        let encoder = match self.unload.options.format {
            Format::Csv => {
                let labels: Vec<_> = columns.iter().map(|column| column.label.as_str()).collect();
                Encoder::Csv(Box::new(CsvFile::new(&self.unload.options, &labels)))
            }
            Format::Parquet => {
                Encoder::Parquet(Box::new(ParquetFile::new(&self.unload.options, columns).map_err(encoding_failed)?))
            }
        };
        let writer = self.context.objects.writer(&self.unload.bucket, &key).map_err(failed)?;
        Ok(OpenFile { key, rows: 0, encoder, writer })
    }

    async fn close(&mut self, mut file: OpenFile) -> Result<(), SqlError> {
        let end = match file.encoder {
            Encoder::Csv(csv) => csv.finish().map_err(encoding_failed)?,
            Encoder::Parquet(parquet) => parquet.finish().map_err(encoding_failed)?,
        };
        file.writer.write(&end).await.map_err(failed)?;
        let content_length_in_bytes = file.writer.finish().await.map_err(failed)?;
        let file_metadata = FileMetadata { content_length_in_bytes, row_count: file.rows };
        self.done.push(ResultFile { url: self.url(&file.key), file_metadata });
        Ok(())
    }

    async fn bound_memory(&mut self) -> Result<(), SqlError> {
        while self.open.values().map(OpenFile::memory_bytes).sum::<usize>() > MEMORY_BYTES_MAX {
            let largest = self.open.iter().max_by_key(|(_, file)| file.memory_bytes());
            let Some(folder) = largest.map(|(folder, _)| folder.clone()) else { break };
            if let Some(file) = self.open.remove(&folder) {
                self.close(file).await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<(RecordBatch, UnloadInsight), SqlError> {
        let name = self.fresh_name();
        let metadata_key = self.unload.key(&format!("{name}_metadata.json"));
        let manifest_key = self.unload.key(&format!("{name}_manifest.json"));
        let metadata = manifest::metadata(&self.columns, self.context.write_column_info);
        self.put(&metadata_key, &metadata).await?;
        let manifest = manifest::manifest(&self.done, self.unload.options.format).map_err(encoding_failed)?;
        // Last: it says that all else is there.
        self.put(&manifest_key, &manifest).await?;
        let sum = |count: fn(&FileMetadata) -> u64| self.done.iter().map(|file| count(&file.file_metadata)).sum();
        let insight = UnloadInsight {
            partitions: self.partitions.len() as u64,
            rows: sum(|file| file.row_count),
            bytes: sum(|file| file.content_length_in_bytes),
        };
        let row = result_row(insight.rows, &self.url(&metadata_key), &self.url(&manifest_key))?;
        Ok((row, insight))
    }

    async fn put(&mut self, key: &str, bytes: &[u8]) -> Result<(), SqlError> {
        // Unlike a plain put this never makes the bucket.
        let mut writer = self.context.objects.writer(&self.unload.bucket, key).map_err(failed)?;
        writer.write(bytes).await.map_err(failed)?;
        writer.finish().await.map(drop).map_err(failed)
    }

    /// `<queryid>_<UUID>`
    fn fresh_name(&self) -> String {
        format!("{}_{}", self.context.query_id, uuid(self.clock.random_bytes()))
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.unload.bucket)
    }
}

impl OpenFile {
    async fn append(&mut self, batch: &RecordBatch, width: usize, rows: &[u32]) -> Result<(), SqlError> {
        let encoded = match &mut self.encoder {
            Encoder::Csv(csv) => {
                csv.append(batch, width, rows).map_err(encoding_failed)?;
                csv.take()
            }
            Encoder::Parquet(parquet) => {
                parquet.append(batch, rows).map_err(encoding_failed)?;
                parquet.take()
            }
        };
        self.rows += rows.len() as u64;
        self.writer.write(&encoded).await.map_err(failed)
    }

    /// About the bytes that the file would have if it ended here.
    fn bytes(&self) -> u64 {
        self.writer.bytes() + self.waiting_bytes() as u64
    }

    fn memory_bytes(&self) -> usize {
        self.writer.buffered_bytes() + self.waiting_bytes()
    }

    fn waiting_bytes(&self) -> usize {
        match &self.encoder {
            Encoder::Csv(_) => 0,
            Encoder::Parquet(parquet) => parquet.waiting_bytes(),
        }
    }
}

fn result_row(rows: u64, metadata_file: &str, manifest_file: &str) -> Result<RecordBatch, SqlError> {
    let fields = RESULT_COLUMNS.map(|(name, data_type)| Field::new(name, data_type, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let rows = Int64Array::from(vec![i64::try_from(rows).unwrap_or(i64::MAX)]);
    let [metadata_file, manifest_file] = [metadata_file, manifest_file].map(|url| StringArray::from(vec![url]));
    let row = RecordBatch::try_new(schema, vec![Arc::new(rows), Arc::new(metadata_file), Arc::new(manifest_file)]);
    row.map_err(encoding_failed)
}

/// # inferred: the texts
fn failed(error: ObjectError) -> SqlError {
    match error {
        ObjectError::NoBucket { bucket } => {
            SqlError::Invalid(format!("The S3 bucket {bucket} of the UNLOAD destination does not exist."))
        }
        ObjectError::Name { bucket, .. } => {
            SqlError::Invalid(format!("The UNLOAD destination in the S3 bucket {bucket} is not a valid name."))
        }
        error => SqlError::Execution(format!("UNLOAD cannot write its results to S3: {error}")),
    }
}

fn encoding_failed(error: impl std::fmt::Display) -> SqlError {
    SqlError::Internal(format!("results cannot be encoded: {error}"))
}
