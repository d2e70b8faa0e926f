//! The runner of `.slt` files: SQL and the rows or error it must give, through the real SDK.

use crate::{
    BoxError,
    clients::{Clients, Mode},
    datum::row_texts,
    fixtures, pages,
    scenario::Tally,
    target::Target,
};
use async_trait::async_trait;
use aws_sdk_timestreamquery::operation::query::QueryError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sqllogictest::{AsyncDB, ColumnType, DBOutput, Record, Runner, parse_file, strict_column_validator};
use std::{
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
};

/// Every column prints as text: a file gives one letter a column, whichever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextColumn;

impl ColumnType for TextColumn {
    fn from_char(_: char) -> Option<Self> {
        Some(Self)
    }

    fn to_char(&self) -> char {
        'T'
    }
}

/// A refused query, as `statement error (ValidationException) line 1:8: …` matches it; that is a regular expression, in
/// which the parentheses are only a group.
#[derive(Debug)]
pub struct Refusal {
    code: String,
    message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl Error for Refusal {}

impl From<SdkError<QueryError, HttpResponse>> for Refusal {
    fn from(error: SdkError<QueryError, HttpResponse>) -> Self {
        let told = error.as_service_error();
        let code = told.and_then(ProvideErrorMetadata::code).unwrap_or("no error of the service").to_owned();
        let message = told.and_then(ProvideErrorMetadata::message).map_or_else(|| format!("{error:?}"), str::to_owned);
        Self { code, message }
    }
}

/// The server as a database of the runner.
#[derive(Clone, Debug)]
struct Queries(Clients);

#[async_trait]
impl AsyncDB for Queries {
    type Error = Refusal;
    type ColumnType = TextColumn;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<TextColumn>, Refusal> {
        let (columns, rows) = pages::query_all(&self.0.query, sql).await?;
        let types = vec![TextColumn; columns.len()];
        let rows = rows.iter().map(|row| row_texts(row).into_iter().map(cell).collect()).collect();
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "timebrook"
    }
}

/// An empty text would vanish in a file.
fn cell(text: String) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text }
}

/// Expected and actual lines are compared as they are: white space is part of a value.
#[allow(clippy::ptr_arg, reason = "the runner's type for normalizers")]
fn exactly(line: &String) -> String {
    line.clone()
}

/// Runs every `.slt` file at or under those paths, every record of it whatever became of the ones before, and prints
/// what failed.
///
/// # Errors
/// When the server cannot be reached, the fixture tables cannot be made, or a file cannot be read or parsed.
pub async fn run_paths(paths: impl Iterator<Item = PathBuf>, target: &Target) -> Result<Tally, BoxError> {
    let mut files = vec![];
    for path in paths {
        collect(&path, &mut files)?;
    }
    files.sort();
    let clients = Clients::fresh(Mode::Explicit, target).await?;
    fixtures::write(&clients).await?;
    let mut tally = Tally::default();
    for file in files {
        run_file(&file, &clients, &mut tally).await?;
    }
    Ok(tally)
}

async fn run_file(file: &Path, clients: &Clients, tally: &mut Tally) -> Result<(), BoxError> {
    let mut runner = Runner::new(|| async { Ok(Queries(clients.clone())) });
    runner.with_normalizer(exactly);
    runner.with_column_validator(strict_column_validator);
    let records = parse_file::<TextColumn>(file).map_err(|error| format!("{}: {error}", file.display()))?;
    for record in records {
        match record {
            Record::Halt { .. } => break,
            Record::Statement { .. } | Record::Query { .. } => {
                let outcome = runner.run_async(record).await;
                if let Err(error) = &outcome {
                    println!("FAILED slt {}", error.display(false));
                }
                tally.count(outcome.is_ok());
            }
            // Comments and settings of the runner; an error in one is an error in the file.
            other => {
                runner.run_async(other).await?;
            }
        }
    }
    Ok(())
}

/// Adds the file, or the folder's files at any depth.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), BoxError> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "slt") {
        files.push(path.to_owned());
    } else if !path.exists() {
        return Err(format!("{} does not exist", path.display()).into());
    }
    Ok(())
}
