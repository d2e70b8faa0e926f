//! Prints how many records per second WriteRecords bodies of 100 single-measure records decode at on one thread:
//! `cargo run --release -p timebrook-protocol --example decode_speed`.
#![allow(clippy::disallowed_methods, reason = "measures elapsed time, which is not the server's clock")]

use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

use timebrook_protocol::{decode, shapes::write::WriteRecordsRequest};

fn main() {
    let body = body();
    let start = Instant::now();
    let mut records = 0_u32;
    while start.elapsed() < Duration::from_secs(2) {
        let request: WriteRecordsRequest = decode(black_box(body.as_bytes())).expect("a valid request");
        records += u32::try_from(black_box(&request).records.len()).expect("100");
    }
    println!("{:.0} records/s", f64::from(records) / start.elapsed().as_secs_f64());
}

fn body() -> String {
    let mut body = String::from(r#"{"DatabaseName":"bench","TableName":"t","Records":["#);
    for i in 0..100 {
        let comma = if i > 0 { "," } else { "" };
        write!(
            body,
            "{comma}{{\"Dimensions\":[{{\"Name\":\"host\",\"Value\":\"host-{i}\"}},{{\"Name\":\"region\",\"Value\":\"us-east-1\"}}],\
             \"MeasureName\":\"cpu\",\"MeasureValue\":\"7.{i}\",\"MeasureValueType\":\"DOUBLE\",\"Time\":\"1700000000000\"}}",
        )
        .expect("a string takes what is written to it");
    }
    body.push_str("]}");
    body
}
