//! Operations that are not there yet say so; none pretends to succeed.

use crate::harness::Timebrook;
use serde_json::{Value, json};

#[tokio::test]
async fn later_operations_are_refused_by_name() {
    let timebrook = Timebrook::start().await;
    let check = async |operation: &str, body: Value| {
        let answer = timebrook.call(operation, body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"), "{operation}");
        assert_eq!(answer.message(), format!("{operation} is not implemented by Timebrook yet."));
    };
    let task = json!({
        "DataSourceConfiguration": {"DataSourceS3Configuration": {"BucketName": "files"}, "DataFormat": "CSV"},
        "ReportConfiguration": {"ReportS3Configuration": {"BucketName": "reports"}},
        "TargetDatabaseName": "sensors",
        "TargetTableName": "rooms",
    });
    check("CreateBatchLoadTask", task).await;
    check("ListBatchLoadTasks", json!({})).await;
    check("DescribeBatchLoadTask", json!({"TaskId": "9367BE28418C5EF902676482220B631C"})).await;
    check("ResumeBatchLoadTask", json!({"TaskId": "9367BE28418C5EF902676482220B631C"})).await;
}

/// What the service would refuse is refused in its words first.
#[tokio::test]
async fn their_constraints_are_checked_all_the_same() {
    let timebrook = Timebrook::start().await;
    let answer = timebrook.call("DescribeBatchLoadTask", "{}").await;
    assert_eq!(
        answer.message(),
        "1 validation error detected: Value null at 'taskId' failed to satisfy constraint: Member must not be null"
    );
}
