use aws_sdk_timestreamquery::{self as query, config::Credentials, primitives::DateTime, types::*};
use aws_sdk_timestreamwrite as write;
use std::{error::Error, time::Duration};
use timebrook::{Server, clock::Clock};

/// 2026-01-01 00:00:00 UTC, in seconds.
const START: i64 = 1_767_225_600;

#[tokio::test]
async fn a_day_has_24_runs() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().clock(Clock::manual(START * 1_000_000_000)).start().await?;
    let http = aws_smithy_http_client::Builder::new().build_http();
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = write::Config::builder()
        .behavior_version(write::config::BehaviorVersion::latest())
        .region(write::config::Region::new("us-east-1"))
        .credentials_provider(credentials.clone())
        .http_client(http.clone())
        .endpoint_url(server.url());
    let write = write::Client::from_conf(config.build());
    let config = query::Config::builder()
        .behavior_version(query::config::BehaviorVersion::latest())
        .region(query::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .http_client(http)
        .endpoint_url(server.url());
    let query = query::Client::from_conf(config.build());

    write.create_database().database_name("home").send().await?;
    write.create_table().database_name("home").table_name("beats").send().await?;
    let timestream = TimestreamConfiguration::builder()
        .database_name("home")
        .table_name("beats")
        .time_column("at")
        .dimension_mappings(
            DimensionMapping::builder().name("heart").dimension_value_type(DimensionValueType::Varchar).build()?,
        )
        .mixed_measure_mappings(
            MixedMeasureMapping::builder()
                .source_column("beat")
                .measure_value_type(MeasureValueType::Bigint)
                .build()?,
        );
    let topic = SnsConfiguration::builder().topic_arn("arn:aws:sns:us-east-1:000000000000:beats").build()?;
    let reports = S3Configuration::builder().bucket_name("reports").build()?;
    let created = query
        .create_scheduled_query()
        .name("beat")
        .query_string("SELECT 'mine' AS heart, @scheduled_runtime AS at, 1 AS beat")
        .schedule_configuration(ScheduleConfiguration::builder().schedule_expression("cron(0 * * * ? *)").build()?)
        .notification_configuration(NotificationConfiguration::builder().sns_configuration(topic).build())
        .error_report_configuration(ErrorReportConfiguration::builder().s3_configuration(reports).build())
        .scheduled_query_execution_role_arn("arn:aws:iam::000000000000:role/runner")
        .target_configuration(TargetConfiguration::builder().timestream_configuration(timestream.build()?).build())
        .send()
        .await?;

    server.advance(Duration::from_secs(24 * 60 * 60)).await?;

    let described = query.describe_scheduled_query().scheduled_query_arn(created.arn()).send().await?;
    let previous = described.scheduled_query().and_then(|query| query.previous_invocation_time());
    assert_eq!(previous, Some(&DateTime::from_secs(START + 24 * 60 * 60)));
    let counted = query.query().query_string("SELECT count(*) FROM home.beats").send().await?;
    assert_eq!(counted.rows()[0].data()[0].scalar_value(), Some("24"));
    Ok(())
}
