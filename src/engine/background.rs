//! Work that no request does itself, on threads of its own: they must not be those that serve sockets, and may take long.

use super::EngineError;
use std::{
    io,
    thread::{Builder, JoinHandle},
};
use tokio::sync::oneshot;

/// Starts a thread.
///
/// # Errors
/// When the system gives none.
pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(format!("timebrook-{name}")).spawn(work)
}

/// Does something on a thread of its own, and returns what came of it.
///
/// # Errors
/// [`EngineError::Storage`] when there is no thread, or it panicked.
pub(super) async fn run<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    let failed = |error: &dyn std::fmt::Display| EngineError::Storage(format!("{name}: {error}"));
    let (done, outcome) = oneshot::channel();
    // Whoever asked may have gone.
    start(name, move || drop(done.send(work()))).map_err(|error| failed(&error))?;
    outcome.await.map_err(|_| failed(&"the thread has panicked"))
}
