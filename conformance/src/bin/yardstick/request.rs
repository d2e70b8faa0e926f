//! Raw requests over one kept-alive connection. They carry a credential but no valid signature.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use timebrook_conformance::BoxError;
use tokio::net::TcpStream;

/// Account 999999999999, so that nobody else's tables are touched.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=999999999999/20260101/us-east-1/timestream/aws4_request, \
                             SignedHeaders=host, Signature=00";

/// One connection.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects to `host:port`.
    pub(crate) async fn open(address: &str) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Calls an operation and reads its whole answer.
    pub(crate) async fn call(&mut self, operation: &str, body: String) -> Result<(StatusCode, Bytes), BoxError> {
        let request = Request::post("/")
            .header("host", "127.0.0.1")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("Timestream_20181101.{operation}"))
            .header("authorization", AUTHORIZATION)
            .body(Full::new(Bytes::from(body)))?;
        // The last answer may have been read before the connection is done with it.
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        Ok((response.status(), response.into_body().collect().await?.to_bytes()))
    }

    /// Calls an operation that must succeed.
    pub(crate) async fn must(&mut self, operation: &str, body: String) -> Result<(), BoxError> {
        let (status, answer) = self.call(operation, body).await?;
        if status == StatusCode::OK {
            return Ok(());
        }
        Err(format!("{operation} answered {status}: {}", String::from_utf8_lossy(&answer)).into())
    }
}
