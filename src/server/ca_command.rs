//! `timebrook ca`: prints the certificate authority of a running server.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header::HOST};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use std::io;
use tokio::net::TcpStream;

/// Far more than a certificate.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why the certificate cannot be printed.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The address is not of the form `http://host:port`.
    #[error("{0} is no address of the form http://host:port")]
    Address(String),
    /// Nothing listens there, or the runtime cannot start.
    #[error("cannot reach {0}: {1}")]
    Connect(String, io::Error),
    /// What listens there does not speak HTTP.
    #[error("no answer from {0}: {1}")]
    Exchange(String, Box<dyn std::error::Error + Send + Sync>),
    /// The server has none, or is no Timebrook.
    #[error("{0} answers {1}: {2}")]
    Refused(String, StatusCode, String),
    /// Standard output is closed.
    #[error("cannot print: {0}")]
    Print(io::Error),
}

/// The certificate in PEM of the server at `url`, over plain HTTP.
///
/// # Errors
/// When there is none to be had there.
pub async fn fetch(url: &str) -> Result<String, CaError> {
    let uri: Uri = url.parse().map_err(|_| CaError::Address(url.to_owned()))?;
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(CaError::Address(url.to_owned()));
    };
    let address = (host.trim_start_matches('[').trim_end_matches(']'), uri.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.map_err(|error| CaError::Connect(url.to_owned(), error))?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let (status, text) = exchange(stream, authority).await.map_err(|error| CaError::Exchange(url.to_owned(), error))?;
    match status {
        StatusCode::OK => Ok(text),
        _ => Err(CaError::Refused(url.to_owned(), status, text.trim().to_owned())),
    }
}

async fn exchange(
    stream: TcpStream,
    authority: &str,
) -> Result<(StatusCode, String), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/_timebrook/ca.pem").header(HOST, authority).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec())?))
}
