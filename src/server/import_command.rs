//! `timebrook import`: files of this machine into a table of a data directory.

use crate::{
    api::batch_load::read_model,
    batch_load::{BatchLoader, Import, Imported},
    catalog::batch_load_task::{CsvFormat, LoadProgress},
    clock::Clock,
    config::ImportOptions,
    engine::{Engine, EngineConfig, EngineError},
    model::scope::Scope,
    outbound::objects::Objects,
};
use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    sync::Arc,
};

/// How often the progress is shown.
const SHOWN_EVERY_NS: i64 = 200_000_000;
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
    let json = std::fs::read(&options.model)
        .map_err(|error| ImportError::Model(format!("{}: {error}", options.model.display())))?;
    let model = read_model(&json).map_err(|error| ImportError::Model(error.message.to_string()))?;
    let config = EngineConfig { data_dir: Some(options.data_dir), memory_bytes_max: Some(memory_bytes_max) };
    let engine = Engine::open(config, clock.clone()).await?;
    let scope = Scope::new(&options.account, &options.region);
    engine.writer(&scope, &options.database, &options.table)?;
    let import = Import {
        database: options.database,
        table: options.table,
        model,
        csv: CsvFormat { separator: Some(options.separator), null_value: options.null_value, ..CsvFormat::default() },
        version: options.record_version,
    };
    let loader = BatchLoader::new(Arc::clone(&engine), Arc::new(Objects::in_memory()), clock.clone());
    let (mut progress, mut failed) = (LoadProgress::default(), None);
    for file in &options.files {
        let loading = loader.import(&scope, &import, file, progress);
        match shown(loading, &loader, &scope, &import, progress, &clock).await {
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

/// Waits for a file while the progress is shown, where somebody looks.
async fn shown(
    loading: impl Future<Output = Result<Imported, String>>,
    loader: &BatchLoader,
    scope: &Scope,
    import: &Import,
    before: LoadProgress,
    clock: &Clock,
) -> Result<Imported, String> {
    let mut loading = std::pin::pin!(loading);
    loop {
        tokio::select! {
            biased;
            loaded = &mut loading => return loaded,
            () = clock.sleep_until(clock.now_ns().saturating_add(SHOWN_EVERY_NS)) => {
                if io::stderr().is_terminal() {
                    let progress = loader.import_progress(scope, import, before);
                    eprint!("\r{} rows read, {} records stored", progress.processed, progress.ingested);
                }
            }
        }
    }
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
