//! Where log lines go: to standard error, as text or JSON.

use crate::config::LogFormat;
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// Sends log lines that pass `filter` to standard error. Does nothing when the process logs elsewhere already.
///
/// # Errors
/// When `filter` is no valid filter.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), ParseError> {
    // What the S3 endpoint's crate logs, the line of each request says too.
    let filter = if filter.contains("s3s") { filter.to_owned() } else { format!("{filter},s3s=off") };
    let filter = EnvFilter::builder().parse(filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}
