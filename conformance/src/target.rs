//! The server under test.

use crate::{BoxError, wall_clock};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::net::TcpStream;

/// Where the server listens: the same port speaks HTTP and HTTPS.
#[derive(Clone, Debug)]
pub struct Target {
    /// `host:port`.
    authority: String,
}

impl Target {
    /// The server named by `TIMEBROOK_URL`, such as `http://127.0.0.1:4566`.
    ///
    /// # Errors
    /// When the variable is not set or is no HTTP address.
    pub fn from_environment() -> Result<Self, BoxError> {
        let url = env::var("TIMEBROOK_URL").map_err(|_| "TIMEBROOK_URL is not set: give the address of a server")?;
        let authority = url.strip_prefix("http://").ok_or("TIMEBROOK_URL must begin with http://")?;
        Ok(Self { authority: authority.trim_end_matches('/').to_owned() })
    }

    /// The plain address.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// The address over TLS.
    #[must_use]
    pub fn https_url(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// The certificate of the authority that signed the server's certificate, in PEM.
    ///
    /// # Errors
    /// When the server cannot be reached or answers with another status than 200.
    pub async fn ca_pem(&self) -> Result<Bytes, BoxError> {
        self.exchange("GET", "/_timebrook/ca.pem").await
    }

    /// The body that a plain request without one is answered with.
    ///
    /// # Errors
    /// When the server cannot be reached or answers with another status than 200.
    pub async fn exchange(&self, method: &str, path: &str) -> Result<Bytes, BoxError> {
        let stream = TcpStream::connect(&self.authority).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = hyper::Request::builder().method(method).uri(path).header("host", &self.authority);
        let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        if response.status() != 200 {
            return Err(format!("{method} {path} answered {}", response.status()).into());
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

/// A 12-digit account that nothing else uses: its own, empty world on the server.
#[must_use]
pub fn fresh_account() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let millis = wall_clock::now_ms().unsigned_abs();
    let process = u64::from(std::process::id());
    // Apart in time, between processes and within one.
    let mixed = millis.wrapping_mul(1_000_003) ^ (process << 17) ^ (NEXT.fetch_add(1, Ordering::Relaxed) * 7_919);
    format!("{:012}", 100_000_000_000 + mixed % 899_999_999_999)
}
