//! Query, PrepareQuery, CancelQuery, statements about tables.

use super::{dimension, make_table, query_all, refused, rows_of};
use crate::{clients::Clients, datum::row_texts, scenario::Scenario, wall_clock::now_ms};
use aws_sdk_timestreamquery::types::{ColumnInfo, ScalarType};
use aws_sdk_timestreamwrite::types::Record;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("query_every_datum_type", query_every_datum_type),
        Scenario::new("query_time_series", query_time_series),
        Scenario::new("query_pages", query_pages),
        Scenario::new("query_status", query_status),
        Scenario::new("cancel_query", cancel_query),
        Scenario::new("show_and_describe", show_and_describe),
        Scenario::new("empty_table", empty_table),
        Scenario::new("prepare_query", prepare_query),
        Scenario::new("query_errors", query_errors),
    ]
}

/// A table with 30 readings of three devices, one a minute and device, the newest now.
pub(super) async fn fill(clients: &Clients) {
    make_table(clients).await;
    let now = now_ms();
    let records = (0..30).map(|i| {
        let (device, minute) = (i / 10, i % 10);
        Record::builder()
            .dimensions(dimension("device", &format!("d{device}")))
            .measure_name("temperature")
            .measure_value(format!("{device}.{minute}"))
            .time((now - minute * 60_000).to_string())
            .build()
    });
    let call = clients.write.write_records().database_name("sensors").table_name("readings");
    call.set_records(Some(records.collect())).send().await.expect("written");
}

fn scalar(column: &ColumnInfo) -> (&str, Option<&ScalarType>) {
    (column.name().unwrap_or_default(), column.r#type().and_then(|kind| kind.scalar_type()))
}

async fn query_every_datum_type(clients: Clients) {
    let (columns, rows) = query_all(
        &clients,
        "SELECT 1 AS i, 'two' AS v, timestamp '2020-08-08 01:00' AS ts, interval '2' day - interval '3' hour AS ds, \
         interval '3' year - interval '5' month AS ym, time '01:00' AS t, date '2020-08-08' AS d, 2147483648 AS b, \
         1e10 AS x, true AS f, NULL AS n, ARRAY[1, NULL, 3] AS a, ROW(1, 'a') AS r",
    )
    .await;
    // observed: the first seven
    let expected = [
        ("i", ScalarType::Integer),
        ("v", ScalarType::Varchar),
        ("ts", ScalarType::Timestamp),
        ("ds", ScalarType::IntervalDayToSecond),
        ("ym", ScalarType::IntervalYearToMonth),
        ("t", ScalarType::Time),
        ("d", ScalarType::Date),
        ("b", ScalarType::Bigint),
        ("x", ScalarType::Double),
        ("f", ScalarType::Boolean),
        ("n", ScalarType::UnknownValue),
    ];
    for (column, (name, kind)) in columns.iter().zip(&expected) {
        assert_eq!(scalar(column), (*name, Some(kind)));
    }
    let array = columns[11].r#type().and_then(|kind| kind.array_column_info()).expect("an array");
    assert_eq!(scalar(array).1, Some(&ScalarType::Integer));
    assert_eq!(columns[12].r#type().map(|kind| kind.row_column_info().len()), Some(2));
    assert_eq!(
        row_texts(&rows[0]),
        [
            "1",
            "two",
            "2020-08-08 01:00:00.000000000",
            "1 21:00:00.000000000",
            "2-7",
            "01:00:00.000000000",
            "2020-08-08",
            "2147483648",
            "1.0E10",
            "true",
            "NULL",
            "[1, NULL, 3]",
            "(1, a)"
        ]
    );
}

async fn query_time_series(clients: Clients) {
    fill(&clients).await;
    let sql = "SELECT CREATE_TIME_SERIES(time, measure_value::double) AS series FROM sensors.readings \
               WHERE device = 'd2' AND time > ago(150s)";
    let (columns, rows) = query_all(&clients, sql).await;
    let kind = columns[0].r#type().and_then(|kind| kind.time_series_measure_value_column_info()).expect("a series");
    assert_eq!(scalar(kind).1, Some(&ScalarType::Double));
    let values: Vec<&str> = rows[0].data()[0]
        .time_series_value()
        .iter()
        .filter_map(|point| point.value().and_then(|value| value.scalar_value()))
        .collect();
    assert_eq!(values, ["2.2", "2.1", "2.0"]);
}

async fn query_pages(clients: Clients) {
    fill(&clients).await;
    let sql = "SELECT device, time FROM sensors.readings ORDER BY device, time";
    let whole = rows_of(&clients, sql).await;
    assert_eq!(whole.len(), 30);
    let (mut paged, mut token) = (vec![], None);
    loop {
        let call = clients.query.query().query_string(sql).max_rows(7).set_next_token(token);
        let page = call.send().await.expect("a page");
        assert!(page.rows().len() <= 7);
        paged.extend(page.rows().iter().map(row_texts));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(paged, whole);
    let forged = clients.query.query().query_string(sql).next_token("bm90IGEgdG9rZW4").send().await;
    let text = refused(forged, "ValidationException", 400);
    assert!(text.contains("Invalid pagination token"), "{text}");
}

async fn query_status(clients: Clients) {
    fill(&clients).await;
    let sql = "SELECT count(*) FROM sensors.readings WHERE device = 'd1'";
    let answer = clients.query.query().query_string(sql).send().await.expect("answered");
    let status = answer.query_status().expect("a status");
    // observed
    assert_eq!(status.cumulative_bytes_metered(), 10_000_000);
    assert!((1..10_000).contains(&status.cumulative_bytes_scanned()), "{status:?}");
    assert!(answer.query_id().chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
}

async fn cancel_query(clients: Clients) {
    // model: an unknown or finished query cannot be cancelled
    refused(
        clients.query.cancel_query().query_id("AEDACANMQDLSTQR3SPDV6HEWYACX5").send().await,
        "ValidationException",
        400,
    );
    fill(&clients).await;
    let sql = "SELECT a.time FROM sensors.readings a, sensors.readings b, sensors.readings c";
    let page = clients.query.query().query_string(sql).max_rows(1).send().await.expect("a page");
    clients.query.cancel_query().query_id(page.query_id()).send().await.expect("cancelled");
    let next = clients.query.query().query_string(sql).max_rows(1).set_next_token(page.next_token).send().await;
    let text = refused(next, "ConflictException", 409);
    assert!(text.contains("Unable to poll results for a cancelled query"), "{text}");
}

async fn show_and_describe(clients: Clients) {
    fill(&clients).await;
    assert_eq!(rows_of(&clients, "SHOW DATABASES").await, [["sensors"]]);
    assert_eq!(rows_of(&clients, "SHOW TABLES FROM \"sensors\" LIKE 'read%'").await, [["readings"]]);
    assert_eq!(
        rows_of(&clients, "SHOW MEASURES FROM sensors.readings").await,
        [["temperature", "double", "[(device, varchar)]"]]
    );
    let (columns, rows) = query_all(&clients, "DESCRIBE sensors.readings").await;
    let names: Vec<&str> = columns.iter().map(|column| scalar(column).0).collect();
    assert_eq!(names, ["Column", "Type", "Timestream attribute type"]);
    assert_eq!(
        rows.iter().map(row_texts).collect::<Vec<_>>(),
        [
            ["device", "varchar", "DIMENSION"],
            ["measure_name", "varchar", "MEASURE_NAME"],
            ["time", "timestamp", "TIMESTAMP"],
            ["measure_value::double", "double", "MEASURE_VALUE"],
        ]
    );
}

async fn empty_table(clients: Clients) {
    make_table(&clients).await;
    let (columns, rows) = query_all(&clients, "SELECT * FROM sensors.readings").await;
    // observed
    assert_eq!(
        columns.iter().map(scalar).collect::<Vec<_>>(),
        [("measure_name", Some(&ScalarType::Varchar)), ("time", Some(&ScalarType::Timestamp)),]
    );
    assert_eq!(rows.len(), 0);
}

async fn prepare_query(clients: Clients) {
    fill(&clients).await;
    let sql =
        "SELECT device AS d, avg(measure_value::double) FROM sensors.readings WHERE time > @since GROUP BY device";
    let prepared = clients.query.prepare_query().query_string(sql).validate_only(true).send().await.expect("prepared");
    assert_eq!((prepared.query_string(), prepared.columns().len()), (sql, 2));
    let first = &prepared.columns()[0];
    assert_eq!((first.name(), first.table_name(), first.aliased()), (Some("d"), Some("readings"), Some(true)));
    let kind = prepared.parameters()[0].r#type().and_then(|kind| kind.scalar_type());
    assert_eq!(kind, Some(&ScalarType::Timestamp));
}

async fn query_errors(clients: Clients) {
    fill(&clients).await;
    // observed: all four texts
    for (sql, expected) in [
        ("SELECT nope FROM sensors.readings", "line 1:8: Column 'nope' does not exist"),
        ("SHOW TABLES FROM net-example", "The query syntax is invalid at line 1:21"),
        ("DESCRIBE \"sensors\".\"unknown\"", "The table 'unknown' does not exist in database 'sensors' at line 1:1"),
        (
            "DESCRIBE \"unknown\".\"readings\"",
            "Requested database 'unknown' not found for identifier 'unknown.readings' at line 1:1",
        ),
    ] {
        let text = refused(clients.query.query().query_string(sql).send().await, "ValidationException", 400);
        assert_eq!(text, expected);
    }
}
