//! What is told of an UNLOAD beside its results.

use super::{WriteColumnInfo, options::Format};
use crate::sql::plan::OutputColumn;
use serde::Serialize;

/// A file of results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ResultFile {
    /// `s3://bucket/key`
    pub(super) url: String,
    pub(super) file_metadata: FileMetadata,
}

/// What a file of results holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FileMetadata {
    pub(super) content_length_in_bytes: u64,
    pub(super) row_count: u64,
}

#[derive(Serialize)]
struct Manifest<'a> {
    result_files: &'a [ResultFile],
    query_metadata: QueryMetadata,
    author: Author,
}

#[derive(Serialize)]
struct QueryMetadata {
    content_length_in_bytes: u64,
    total_row_count: u64,
    result_format: &'static str,
    result_version: &'static str,
}

#[derive(Serialize)]
struct Author {
    name: &'static str,
    manifest_file_version: &'static str,
}

/// The manifest's bytes.
pub(super) fn manifest(result_files: &[ResultFile], format: Format) -> Result<Vec<u8>, serde_json::Error> {
    let sum = |count: fn(&FileMetadata) -> u64| result_files.iter().map(|file| count(&file.file_metadata)).sum();
    serde_json::to_vec(&Manifest {
        result_files,
        query_metadata: QueryMetadata {
            content_length_in_bytes: sum(|file| file.content_length_in_bytes),
            total_row_count: sum(|file| file.row_count),
            result_format: match format {
                Format::Csv => "CSV",
                Format::Parquet => "PARQUET",
            },
            result_version: "Amazon Timestream version 1.0.0",
        },
        author: Author { name: "Amazon Timestream", manifest_file_version: "1.0" },
    })
}

/// The metadata file's bytes: every column of the query.
pub(super) fn metadata(columns: &[OutputColumn], write_column_info: WriteColumnInfo) -> Vec<u8> {
    let mut out = b"{\"ColumnInfo\":".to_vec();
    write_column_info(columns, &mut out);
    out.extend_from_slice(br#","Author":{"Name":"Amazon Timestream","MetadataFileVersion":"1.0"}}"#);
    out
}
