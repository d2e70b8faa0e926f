//! The README's example for the Rust SDK.
#![allow(clippy::disallowed_methods, reason = "a user's program reads the time as any program does")]

use aws_sdk_timestreamquery as timestream_query;
use aws_sdk_timestreamwrite as timestream_write;
use std::time::{SystemTime, UNIX_EPOCH};
use timestream_write::types::{Dimension, Record};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // AWS_ENDPOINT_URL and the credentials come from the environment. Over plain HTTP no TLS library is needed; with the
    // SDK's default features the line about the HTTP client can go.
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http).load().await;
    let write = timestream_write::Client::new(&config);
    let query = timestream_query::Client::new(&config);

    write.create_database().database_name("home").send().await?;
    write.create_table().database_name("home").table_name("rooms").send().await?;

    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let record = Record::builder()
        .dimensions(Dimension::builder().name("room").value("kitchen").build()?)
        .measure_name("temperature")
        .measure_value("21.5")
        .time(now_ms.to_string())
        .build();
    write.write_records().database_name("home").table_name("rooms").records(record).send().await?;

    let sql = r#"SELECT room, avg(measure_value::double) FROM "home"."rooms" GROUP BY room"#;
    for row in query.query().query_string(sql).send().await?.rows() {
        println!("{:?}", row.data().iter().map(|datum| datum.scalar_value()).collect::<Vec<_>>());
    }
    Ok(())
}
