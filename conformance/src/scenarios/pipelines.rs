//! What leads from one table to another and out of it: a scheduled query, an UNLOAD.

use super::{queries::fill, query_all, refused, rows_of};
use crate::{
    clients::Clients,
    datum::row_texts,
    scenario::Scenario,
    target::Target,
    wall_clock::{instant, now_ms, pause},
};
use aws_sdk_timestreamquery::{
    primitives::DateTime,
    types::{
        DimensionMapping, DimensionValueType, ErrorReportConfiguration, MultiMeasureAttributeMapping,
        MultiMeasureMappings, NotificationConfiguration, S3Configuration, ScalarMeasureValueType,
        ScheduleConfiguration, ScheduledQueryRunStatus, ScheduledQueryRunSummary, ScheduledQueryState,
        SnsConfiguration, TargetConfiguration, TimestreamConfiguration,
    },
};
use std::time::Duration;

/// The longest that a run may take.
const RUN_TIME_MAX: Duration = Duration::from_secs(60);

pub(super) fn all() -> Vec<Scenario> {
    vec![Scenario::new("scheduled_query", scheduled_query), Scenario::new("unload", unload)]
}

/// Means of the readings, device by device, into the table `means`.
fn target() -> TargetConfiguration {
    let attribute = |column: &str, value_type: ScalarMeasureValueType| {
        MultiMeasureAttributeMapping::builder().source_column(column).measure_value_type(value_type).build()
    };
    let measures = MultiMeasureMappings::builder()
        .target_multi_measure_name("temperatures")
        .multi_measure_attribute_mappings(attribute("mean", ScalarMeasureValueType::Double).expect("a mapping"))
        .multi_measure_attribute_mappings(attribute("n", ScalarMeasureValueType::Bigint).expect("a mapping"))
        .build()
        .expect("measures");
    let dimension =
        DimensionMapping::builder().name("device").dimension_value_type(DimensionValueType::Varchar).build();
    let timestream = TimestreamConfiguration::builder()
        .database_name("sensors")
        .table_name("means")
        .time_column("newest")
        .dimension_mappings(dimension.expect("a dimension"))
        .multi_measure_mappings(measures)
        .build();
    TargetConfiguration::builder().timestream_configuration(timestream.expect("a target")).build()
}

/// From its creation to its deletion; its own schedule is longer than any test takes.
async fn scheduled_query(clients: Clients) {
    fill(&clients).await;
    let means = clients.write.create_table().database_name("sensors").table_name("means");
    means.send().await.expect("a table");
    let account = &clients.account;
    let topic = SnsConfiguration::builder().topic_arn(format!("arn:aws:sns:us-east-1:{account}:runs")).build();
    let reports = S3Configuration::builder().bucket_name("reports").build().expect("a bucket");
    let schedule = ScheduleConfiguration::builder().schedule_expression("rate(1 day)").build().expect("a schedule");
    let sql = "SELECT device, max(time) AS newest, round(avg(measure_value::double), 2) AS mean, count(*) AS n \
               FROM sensors.readings WHERE time BETWEEN @scheduled_runtime - 1h AND @scheduled_runtime + 1m \
               GROUP BY device";
    let created = clients
        .query
        .create_scheduled_query()
        .name("means")
        .query_string(sql)
        .schedule_configuration(schedule)
        .notification_configuration(
            NotificationConfiguration::builder().sns_configuration(topic.expect("a topic")).build(),
        )
        .error_report_configuration(ErrorReportConfiguration::builder().s3_configuration(reports).build())
        .scheduled_query_execution_role_arn(format!("arn:aws:iam::{account}:role/runner"))
        .target_configuration(target());
    let created = created.send().await.expect("a scheduled query");
    let listed = clients.query.list_scheduled_queries().send().await.expect("a list");
    assert_eq!(listed.scheduled_queries().iter().map(|query| query.arn()).collect::<Vec<_>>(), [created.arn()]);
    let describe = || clients.query.describe_scheduled_query().scheduled_query_arn(created.arn()).send();
    let described = describe().await.expect("it is there").scheduled_query.expect("it is told");
    assert_eq!(described.state(), &ScheduledQueryState::Enabled);
    assert_eq!(described.target_configuration(), Some(&target()));
    assert_eq!(described.last_run_summary(), None);

    let now = DateTime::from_millis(now_ms());
    let execute = clients.query.execute_scheduled_query().scheduled_query_arn(created.arn()).invocation_time(now);
    execute.send().await.expect("a run");
    let run = last_run(&clients, created.arn()).await;
    assert_eq!(run.run_status(), Some(&ScheduledQueryRunStatus::ManualTriggerSuccess));
    let stats = run.execution_stats().expect("what it did");
    assert_eq!((stats.query_result_rows(), stats.records_ingested()), (3, 3));
    let rows = rows_of(&clients, "SELECT device, measure_name, mean, n FROM sensors.means ORDER BY device").await;
    let expect = [
        ["d0", "temperatures", "0.45", "10"],
        ["d1", "temperatures", "1.45", "10"],
        ["d2", "temperatures", "2.45", "10"],
    ];
    assert_eq!(rows, expect);

    let delete = clients.query.delete_scheduled_query().scheduled_query_arn(created.arn());
    delete.send().await.expect("it goes");
    refused(describe().await, "ResourceNotFoundException", 404);
}

/// Asks until a run has ended.
async fn last_run(clients: &Clients, arn: &str) -> ScheduledQueryRunSummary {
    let began = instant();
    while began.elapsed() < RUN_TIME_MAX {
        let described = clients.query.describe_scheduled_query().scheduled_query_arn(arn).send().await;
        let described = described.expect("it is there").scheduled_query.expect("it is told");
        if let Some(run) = described.last_run_summary {
            return run;
        }
        pause(Duration::from_millis(20)).await;
    }
    panic!("no run ended in time");
}

/// To the S3 endpoint of the same server, and back by plain HTTP.
async fn unload(clients: Clients) {
    fill(&clients).await;
    let server = Target::from_environment().expect("a server");
    let bucket = format!("unload-{}", clients.account);
    server.exchange("PUT", &format!("/{bucket}")).await.expect("a bucket");
    let query = "SELECT device, time, measure_value::double AS value FROM sensors.readings";
    let options = "format = 'CSV', compression = 'NONE'";
    let (columns, rows) =
        query_all(&clients, &format!("UNLOAD ({query}) TO 's3://{bucket}/out' WITH ({options})")).await;
    // # guide: export-unload-concepts.html
    let names: Vec<_> = columns.iter().filter_map(|column| column.name()).collect();
    assert_eq!(names, ["rows", "metadataFile", "manifestFile"]);
    let row = row_texts(&rows[0]);
    assert_eq!(row[0], "30");
    let manifest = object(&server, &row[2]).await;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let mut unloaded = Vec::new();
    for file in manifest["result_files"].as_array().expect("files") {
        let text = object(&server, file["url"].as_str().expect("an address")).await;
        unloaded.extend(text.lines().map(str::to_owned));
    }
    unloaded.sort();
    let mut queried: Vec<_> = rows_of(&clients, query).await.iter().map(|row| row.join(",")).collect();
    queried.sort();
    assert_eq!(unloaded, queried);
}

/// The text of what an `s3://` address names, in path style.
async fn object(server: &Target, address: &str) -> String {
    let path = address.strip_prefix("s3:/").expect("an address");
    let bytes = server.exchange("GET", path).await.expect("the object");
    String::from_utf8(bytes.to_vec()).expect("a text")
}
