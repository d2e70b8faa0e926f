//! `timebrook import`: files of this machine into a table of a data directory.

use crate::{
    api::batch_load::read_model,
    batch_load::{BatchLoader, Import, Imported},
    catalog::batch_load_task::{CsvFormat, LoadModel, LoadProgress},
    clock::Clock,
    config::ImportOptions,
    engine::{Engine, EngineConfig, EngineError},
    model::scope::Scope,
    outbound::objects::{ObjectError, Objects},
    server::magnetic_location,
};
use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    sync::Arc,
};

/// How often the progress is shown.
const SHOWN_EVERY_NS: i64 = 200_000_000;
/// Characters of the bar that shows it.
const BAR_WIDTH: usize = 40;
/// Errors of a file that are printed.
const ERRORS_SHOWN: usize = 10;

/// Why an import did not do all that it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The model.
    #[error("--model: {0}")]
    Model(String),
    /// The data directory.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file could not be read or stored.
    #[error("{0}")]
    File(String),
    /// The bucket of the magnetic store cannot be used.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// Some rows are not stored.
    #[error("{0} rows or records were not stored")]
    Incomplete(i64),
    /// The runtime cannot start, or standard output is closed.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Imports, and prints what was done.
pub(super) async fn import(options: ImportOptions, memory_bytes_max: usize) -> Result<(), ImportError> {
    let clock = Clock::system();
    let model = options.model.as_deref().map(model).transpose()?;
    let elsewhere = options.s3_endpoint.as_deref().map(Objects::at_endpoint);
    let magnetic = match &elsewhere {
        Some(objects) => magnetic_location(objects, options.magnetic_url.as_ref())?,
        None => None,
    };
    let config = EngineConfig { data_dir: Some(options.data_dir), memory_bytes_max: Some(memory_bytes_max), magnetic };
    let engine = Engine::open(config, clock.clone()).await?;
    let scope = Scope::new(&options.account, &options.region);
    engine.writer(&scope, &options.database, &options.table)?;
    // What UNLOAD wrote is written in its own way. # guide: export-unload-concepts.html: escaped_by
    let escape = model.is_none().then(|| "\\".to_owned());
    let csv = CsvFormat {
        separator: Some(options.separator),
        null_value: options.null_value,
        escape,
        ..CsvFormat::default()
    };
    let import =
        Import { database: options.database, table: options.table, model, csv, version: options.record_version };
    let loader = BatchLoader::new(Arc::clone(&engine), Arc::new(Objects::in_memory()), clock.clone());
    let (mut progress, mut failed) = (LoadProgress::default(), None);
    for file in &options.files {
        let read = Arc::default();
        let loading = loader.import(&scope, &import, file, progress, &read);
        let stored = || loader.import_progress(&scope, &import, progress).ingested;
        match shown(loading, || bar(file, read.share(), stored()), &clock).await {
            Ok(imported) => {
                progress = imported.progress;
                print_errors(file, &imported)?;
            }
            Err(text) => {
                failed = Some(text);
                break;
            }
        }
    }
    engine.close().await?;
    let lost = progress.parse_failures + progress.ingestion_failures + progress.file_failures;
    writeln!(io::stdout(), "{} rows read, {} records stored", progress.processed, progress.ingested)?;
    match failed {
        Some(text) => Err(ImportError::File(text)),
        None if lost > 0 => Err(ImportError::Incomplete(lost)),
        None => Ok(()),
    }
}

fn model(path: &Path) -> Result<LoadModel, ImportError> {
    let failed = |error: &dyn std::fmt::Display| ImportError::Model(format!("{}: {error}", path.display()));
    let json = std::fs::read(path).map_err(|error| failed(&error))?;
    read_model(&json).map_err(|error| failed(&error.message))
}

/// Waits for a file while its progress is shown, where somebody looks.
async fn shown(
    loading: impl Future<Output = Result<Imported, String>>,
    bar: impl Fn() -> String,
    clock: &Clock,
) -> Result<Imported, String> {
    let mut loading = std::pin::pin!(loading);
    let is_seen = io::stderr().is_terminal();
    let loaded = loop {
        tokio::select! {
            biased;
            loaded = &mut loading => break loaded,
            () = clock.sleep_until(clock.now_ns().saturating_add(SHOWN_EVERY_NS)) => {
                if is_seen {
                    eprint!("\r{}", bar());
                }
            }
        }
    };
    if is_seen {
        eprintln!("\r{}", bar());
    }
    loaded
}

/// A line such as `rows.csv [########            ]  40 % 1200000 records stored`.
fn bar(file: &Path, share: f64, stored: i64) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let filled = (share * BAR_WIDTH as f64) as usize;
    let (full, percent) = ("#".repeat(filled), share * 100.0);
    format!("{name} [{full:BAR_WIDTH$}] {percent:3.0} % {stored} records stored")
}

fn print_errors(file: &Path, imported: &Imported) -> io::Result<()> {
    let mut out = io::stderr().lock();
    for (reason, ranges) in imported.errors.iter().take(ERRORS_SHOWN) {
        let lines: Vec<_> = ranges.iter().take(ERRORS_SHOWN).map(|(first, last)| format!("{first}-{last}")).collect();
        let more = if ranges.len() > ERRORS_SHOWN { ", …" } else { "" };
        writeln!(out, "{}: {reason} (lines {}{more})", file.display(), lines.join(", "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        let check = |share: f64, expect: &str| assert_eq!(bar(Path::new("d/rows.csv"), share, 7), expect);
        check(0.0, "rows.csv [                                        ]   0 % 7 records stored");
        check(0.5, "rows.csv [####################                    ]  50 % 7 records stored");
        check(1.0, "rows.csv [########################################] 100 % 7 records stored");
    }
}
