//! The server behind its port: protocols, certificates, silence, broken input, stopping. Time is the test's own.

use crate::harness::START_NS;
use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    time_provider::TimeProvider,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use timebrook::{Server, clock::Clock, config::Config, server::ca_command};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

async fn start() -> (Server, Clock) {
    let clock = Clock::manual(START_NS);
    (Server::builder().clock(clock.clone()).start().await.unwrap(), clock)
}

/// One request for the server's health over a stream; the status.
async fn health<S>(stream: S, version: Version) -> StatusCode
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = Request::get("http://localhost/health").version(version).body(Full::<Bytes>::default()).unwrap();
    let response = if version == Version::HTTP_2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    assert_eq!(response.version(), version);
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

/// The test's time, for certificates.
#[derive(Debug)]
struct TestTime;

impl TimeProvider for TestTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_nanos(START_NS as u64)))
    }
}

/// A TLS connection to `address` by a client that trusts `authority_pem` and speaks `protocol`.
async fn tls(
    address: SocketAddr,
    name: &'static str,
    authority_pem: &str,
    protocol: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(TestTime))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
}

/// Begins a request with a body of eight bytes; when this returns the server waits for them.
async fn begin_body(stream: &mut TcpStream, path: &str) {
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 8\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
}

/// Moves time on until `done` is: the server may not have come to wait for it yet.
async fn until<T>(clock: &Clock, by: Duration, done: impl Future<Output = T>) -> T {
    let mut done = std::pin::pin!(done);
    loop {
        tokio::select! {
            biased;
            outcome = &mut done => return outcome,
            () = tokio::task::yield_now() => { clock.advance(by); }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_protocols_on_one_port() {
    let (server, _clock) = start().await;
    let address = server.address();
    let authority = ca_command::fetch(&server.url()).await.unwrap();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let plain = TcpStream::connect(address).await.unwrap();
        assert_eq!(health(plain, version).await, 200, "{version:?}");
        let protocol: &[u8] = if version == Version::HTTP_2 { b"h2" } else { b"http/1.1" };
        for name in ["localhost", "127.0.0.1", "timestream.us-east-1.example"] {
            let stream = tls(address, name, &authority, protocol).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
            assert_eq!(health(stream, version).await, 200, "{version:?} {name}");
        }
    }
    server.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_trust_the_server() {
    let (server, _clock) = start().await;
    let (other, _clock) = start().await;
    let foreign = ca_command::fetch(&other.url()).await.unwrap();
    assert!(tls(server.address(), "localhost", &foreign, b"h2").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_a_directory_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let start = async |config: Config| {
        let config = Config { port: 0, ..config };
        Server::builder().config(config).clock(Clock::manual(START_NS)).start().await.unwrap()
    };
    let own = Config { ca_dir: Some(dir.path().join("ca")), ..Config::default() };
    let first = start(own.clone()).await;
    let authority = ca_command::fetch(&first.url()).await.unwrap();
    first.shutdown().await.unwrap();
    let second = start(own).await;
    assert_eq!(ca_command::fetch(&second.url()).await.unwrap(), authority);
    let stream = tls(second.address(), "localhost", &authority, b"http/1.1").await.unwrap();
    assert_eq!(health(stream, Version::HTTP_11).await, 200);
    let beside_data = Config { data_dir: Some(dir.path().join("data")), ..Config::default() };
    let third = start(beside_data).await;
    let kept = std::fs::read_to_string(dir.path().join("data/ca/ca.pem")).unwrap();
    assert_eq!(ca_command::fetch(&third.url()).await.unwrap(), kept);
    third.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["db.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (cert_file, key_file) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let config = Config { port: 0, tls_cert: Some(cert_file), tls_key: Some(key_file), ..Config::default() };
    let server = Server::builder().config(config.clone()).clock(Clock::manual(START_NS)).start().await.unwrap();
    let stream = tls(server.address(), "db.example", &certificate.pem(), b"h2").await.unwrap();
    assert_eq!(health(stream, Version::HTTP_2).await, 200);
    let refused = ca_command::fetch(&server.url()).await.unwrap_err().to_string();
    assert!(refused.contains("404") && refused.contains("--tls-cert"), "{refused}");
    let absent = Config { tls_key: Some(dir.path().join("absent.pem")), ..config };
    let error = Server::builder().config(absent).start().await.unwrap_err().to_string();
    assert!(error.contains("absent.pem"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_an_error_that_names_it() {
    let (server, _clock) = start().await;
    let error = Server::builder().port(server.address().port()).start().await.unwrap_err().to_string();
    assert!(error.contains(&server.address().port().to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_input_harms_nobody_else() {
    let (server, _clock) = start().await;
    let random: Vec<u8> = (0..4_096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let long_head = format!("GET / HTTP/1.1\r\nhost: a\r\nlong: {}\r\n\r\n", "x".repeat(200_000));
    let inputs: Vec<&[u8]> = vec![
        &random,
        b"\x16",
        b"\x16\x03\x01\x00\x05nonsense nonsense nonsense",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense nonsense nonsense",
        b"PRI",
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\0\0\0\0\r\n\r\n",
        long_head.as_bytes(),
        b"",
    ];
    for input in inputs {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        // The server may hang up while it is being talked to.
        let _ = stream.write_all(input).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    let stream = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(health(stream, Version::HTTP_11).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_closed() {
    let (server, clock) = start().await;
    for sent in
        [&b""[..], b"\x16\x03\x01", b"P", b"POST / HTTP/1.1\r\nhost: a\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        // That it ends is what counts, not how.
        let _ = until(&clock, Duration::from_secs(130), stream.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_byte_by_byte_is_given_up() {
    let (server, clock) = start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // Every byte comes in time, but the head never ends: it ends all the same.
    let dribbling = async {
        loop {
            let mut answer = [0; 1];
            match stream.try_read(&mut answer) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => return,
            }
            if stream.write_all(b"a").await.is_err() {
                return;
            }
        }
    };
    until(&clock, Duration::from_millis(500), dribbling).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_sent_ahead_are_answered_in_order() {
    let (server, _clock) = start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let paths = ["/health", "/_timebrook/nothing", "/health", "/_timebrook/reset", "/health"];
    let requests: String = paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).collect();
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    while answers.matches("HTTP/1.1 ").count() < paths.len() {
        let mut piece = [0; 4_096];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "{answers}");
        answers.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "404", "200", "405", "200"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_reset_at_once_harm_nobody_else() {
    let (server, _clock) = start().await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..5_000 {
        let request = Request::get("http://localhost/health").body(Full::<Bytes>::default()).unwrap();
        // Dropped after it was sent: the stream is reset.
        if sender.ready().await.is_err() || futures::poll!(std::pin::pin!(sender.send_request(request))).is_ready() {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(sender);
    // The server may have ended the connection for it.
    let _ = connection.await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(health(stream, Version::HTTP_2).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_of_tls_are_refused() {
    let (server, _clock) = start().await;
    // A ClientHello of TLS 1.1 with one cipher suite of its time. # RFC 4346, section 7.4.1.2
    let hello = [&[1, 0, 0, 41, 3, 2][..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0]].concat();
    let record = [&[0x16, 3, 1, 0, u8::try_from(hello.len()).unwrap()][..], &hello].concat();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&record).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // An alert, and a fatal one. # RFC 8446, section 6
    assert_eq!((answer[0], answer[5]), (0x15, 2), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_given_up() {
    let (server, clock) = start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    begin_body(&mut stream, "/").await;
    stream.write_all(b"half").await.unwrap();
    clock.advance(Duration::from_secs(61));
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("RequestTimeoutException"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_answered() {
    let (server, _clock) = start().await;
    let length = timebrook::model::limits::REQUEST_BODY_BYTES_MAX + 1;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; length]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(String::from_utf8(answer).unwrap().starts_with("HTTP/1.1 413 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_cap_wait_their_turn() {
    let config = Config { port: 0, max_connections: 2, ..Config::default() };
    let server = Server::builder().config(config).clock(Clock::manual(START_NS)).start().await.unwrap();
    let address = server.address();
    let health = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut answer = [0; 1024];
    let mut held = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    for stream in &mut held {
        stream.write_all(health).await.unwrap();
        assert!(stream.read(&mut answer).await.unwrap() > 0);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    third.write_all(health).await.unwrap();
    for i in 0..50 {
        let stream = &mut held[i % 2];
        stream.write_all(health).await.unwrap();
        assert!(stream.read(&mut answer).await.unwrap() > 0);
        let early = third.try_read(&mut answer).map_err(|error| error.kind());
        assert_eq!(early, Err(std::io::ErrorKind::WouldBlock));
    }
    drop(held);
    assert!(third.read(&mut answer).await.unwrap() > 0);
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_requests_finish() {
    let (server, _clock) = start().await;
    let address = server.address();
    let mut busy = TcpStream::connect(address).await.unwrap();
    begin_body(&mut busy, "/_timebrook/reset").await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");

    let stopping = tokio::spawn(server.shutdown());
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(!stopping.is_finished(), "a request is still in flight");
    busy.write_all(b"the rest").await.unwrap();
    let mut answer = Vec::new();
    busy.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    stopping.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_ever() {
    let (server, clock) = start().await;
    let mut busy = TcpStream::connect(server.address()).await.unwrap();
    begin_body(&mut busy, "/").await;
    until(&clock, Duration::from_secs(1), server.shutdown()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_on_one_connection_are_answered_side_by_side() {
    let (server, _clock) = start().await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let calls = (0..100).map(|_| {
        let mut sender = sender.clone();
        async move {
            let request = Request::get("http://localhost/health").body(Full::<Bytes>::default()).unwrap();
            sender.send_request(request).await.unwrap().status()
        }
    });
    assert!(futures::future::join_all(calls).await.iter().all(|status| *status == 200));
}

#[tokio::test]
async fn the_ca_command_says_what_is_wrong() {
    let check = async |url: &str, expect: &str| {
        let error = ca_command::fetch(url).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("https://localhost:4566", "is no address of the form").await;
    check("nonsense", "is no address of the form").await;
    check("http://127.0.0.1:1", "cannot reach").await;
}
