//! The scenarios, and what they have in common.

mod control_plane;
mod endpoints;
mod pipelines;
mod queries;
mod writes;

use crate::{clients::Clients, datum::row_texts, pages, scenario::Scenario};
use aws_sdk_timestreamquery::types::{ColumnInfo, Row};
use aws_sdk_timestreamwrite::types::{Dimension, Record, RetentionProperties};
use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::fmt::Debug;

/// Every scenario.
#[must_use]
pub fn all() -> Vec<Scenario> {
    [control_plane::all(), writes::all(), queries::all(), pipelines::all(), endpoints::all()]
        .into_iter()
        .flatten()
        .collect()
}

/// Expects the service to have refused a call with that error name and HTTP status; returns the message.
fn refused<T: Debug, E>(answer: Result<T, SdkError<E, HttpResponse>>, code: &str, status: u16) -> String
where
    E: ProvideErrorMetadata + Debug,
{
    let error = answer.expect_err("the call must fail");
    let got = error.raw_response().map(HttpResponse::status).map(StatusCode::as_u16);
    let service = error.as_service_error().unwrap_or_else(|| panic!("not an error of the service: {error:?}"));
    assert_eq!((service.code(), got), (Some(code), Some(status)), "{service:?}");
    service.message().unwrap_or_default().to_owned()
}

/// Creates the database `sensors` with the table `readings`, whose memory store holds a day.
async fn make_table(clients: &Clients) {
    clients.write.create_database().database_name("sensors").send().await.expect("a database");
    let retention = RetentionProperties::builder()
        .memory_store_retention_period_in_hours(24)
        .magnetic_store_retention_period_in_days(7)
        .build()
        .expect("both periods are set");
    clients
        .write
        .create_table()
        .database_name("sensors")
        .table_name("readings")
        .retention_properties(retention)
        .send()
        .await
        .expect("a table");
}

/// A dimension.
fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build().expect("name and value are set")
}

/// A single-measure record of the device `d1`, of type DOUBLE.
fn reading(time_ms: i64, value: &str) -> Record {
    Record::builder()
        .dimensions(dimension("device", "d1"))
        .measure_name("temperature")
        .measure_value(value)
        .time(time_ms.to_string())
        .build()
}

/// All pages of a query: its columns and rows.
async fn query_all(clients: &Clients, sql: &str) -> (Vec<ColumnInfo>, Vec<Row>) {
    pages::query_all(&clients.query, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// All rows of a query as text.
async fn rows_of(clients: &Clients, sql: &str) -> Vec<Vec<String>> {
    query_all(clients, sql).await.1.iter().map(row_texts).collect()
}
