//! How long a server takes from its start until the first database is created.

use crate::{percentile, request::Connection};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};
use timebrook_conformance::{
    BoxError,
    wall_clock::{instant, pause},
};

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the server that many times, each time in memory and on a free port, and prints the times in microseconds.
pub(crate) async fn first_create(binary: &str, starts: usize) -> Result<(), BoxError> {
    let mut took_us = vec![];
    for _ in 0..starts {
        // The port is free now; the server takes it a moment later.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let start = instant();
        let mut server = Command::new(binary)
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let outcome = until_created(&format!("127.0.0.1:{port}"), &mut server).await;
        took_us.push(u64::try_from(start.elapsed().as_micros())?);
        server.kill()?;
        server.wait()?;
        outcome?;
    }
    took_us.sort_unstable();
    let slowest = took_us.last().copied().unwrap_or(0);
    println!("starts={starts} p50_us={} max_us={slowest}", percentile(&took_us, 50));
    Ok(())
}

/// Knocks until a database is created.
async fn until_created(address: &str, server: &mut Child) -> Result<(), BoxError> {
    let start = instant();
    loop {
        match Connection::open(address).await {
            Ok(mut connection) => {
                return connection.must("CreateDatabase", r#"{"DatabaseName":"first"}"#.to_owned()).await;
            }
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => {}
        }
        if let Some(status) = server.try_wait()? {
            return Err(format!("the server ended with {status}").into());
        }
        pause(Duration::from_millis(1)).await;
    }
}
