//! A server that answers WriteRecords without storing: no server can take records faster over the same sockets.
//!
//! Mode 0 drops the body; 1 decodes it into typed structs that borrow from it, allocating nothing per field, and parses
//! every number; 2 decodes it into a JSON tree.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use smallvec::SmallVec;
use std::{borrow::Cow, fmt, hint::black_box};
use timebrook_conformance::BoxError;
use tokio::net::TcpListener;

/// Text that borrows from the body unless it holds an escape. (A plain `Option<Cow<str>>` always allocates under serde.)
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

/// A value of a multi-measure record.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MeasureValue<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    r#type: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    dimensions: SmallVec<[Dimension<'a>; 8]>,
    #[serde(borrow)]
    measure_name: Option<Text<'a>>,
    #[serde(borrow)]
    measure_value: Option<Text<'a>>,
    #[serde(borrow)]
    measure_value_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    measure_values: SmallVec<[MeasureValue<'a>; 16]>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WriteRecords<'a> {
    #[serde(borrow)]
    database_name: Text<'a>,
    #[serde(borrow)]
    records: Vec<Record<'a>>,
}

fn decode_typed(body: &[u8]) -> Result<usize, serde_json::Error> {
    let request: WriteRecords<'_> = serde_json::from_slice(body)?;
    let length = |text: &Option<Text<'_>>| text.as_ref().map_or(0, |text| text.0.len());
    for record in &request.records {
        black_box(record.measure_value.as_ref().map(|value| value.0.parse::<f64>()));
        for value in &record.measure_values {
            black_box(value.value.0.parse::<f64>().is_ok());
            black_box(value.name.0.len() + value.r#type.0.len());
        }
        black_box(record.time.as_ref().map(|time| time.0.parse::<i64>()));
        black_box(record.dimensions.iter().map(|d| d.name.0.len() + d.value.0.len()).sum::<usize>());
        black_box(length(&record.measure_name) + length(&record.measure_value_type));
    }
    black_box(request.database_name.0.len());
    Ok(request.records.len())
}

fn decode_tree(body: &[u8]) -> Result<usize, serde_json::Error> {
    let tree: serde_json::Value = serde_json::from_slice(body)?;
    Ok(tree["Records"].as_array().map_or(0, Vec::len))
}

async fn answer(mode: u8, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, BoxError> {
    let body = request.into_body().collect().await?.to_bytes();
    let records = match mode {
        0 => 100,
        1 => decode_typed(&body)?,
        _ => decode_tree(&body)?,
    };
    let text = format!("{{\"RecordsIngested\":{{\"Total\":{records},\"MemoryStore\":{records},\"MagneticStore\":0}}}}");
    Ok(Response::new(Full::new(Bytes::from(text))))
}

/// Serves until it is stopped, on a free port of this machine, which it prints.
pub(crate) async fn serve(mode: u8) -> Result<(), BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("address={}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(mode, request));
            // A client that goes away ends its connection; there is nothing to tell.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
