//! Tables through the SDK, and on the wire where the SDK hides something.

use crate::harness::{START_NS, Timebrook};
use aws_sdk_timestreamwrite::{
    error::ProvideErrorMetadata,
    types::{RetentionProperties, TableStatus},
};
use serde_json::{Value, json};
use std::time::Duration;

async fn with_database() -> Timebrook {
    let timebrook = Timebrook::start().await;
    timebrook.write().create_database().database_name("sensors").send().await.unwrap();
    timebrook
}

/// The body of a request about the table `rooms`, with more members.
fn rooms(more: Value) -> String {
    let mut body = json!({"DatabaseName": "sensors", "TableName": "rooms"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

/// The service's answer about `rooms` with these differences.
fn expected(more: Value) -> Value {
    let seconds = START_NS as f64 / 1e9;
    let mut table = json!({
        "Arn": "arn:aws:timestream:us-east-1:000000000000:database/sensors/table/rooms",
        "TableName": "rooms",
        "DatabaseName": "sensors",
        "TableStatus": "ACTIVE",
        // # docs: quotas
        "RetentionProperties": {"MemoryStoreRetentionPeriodInHours": 6, "MagneticStoreRetentionPeriodInDays": 73000},
        "CreationTime": seconds,
        "LastUpdatedTime": seconds,
        "MagneticStoreWriteProperties": {"EnableMagneticStoreWrites": false},
        // # docs: also of a table created without a schema
        "Schema": {"CompositePartitionKey": [{"Type": "MEASURE"}]},
    });
    table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Table": table})
}

#[tokio::test]
async fn a_table_has_the_services_defaults() {
    let timebrook = with_database().await;
    let answer = timebrook.call("CreateTable", rooms(json!({}))).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected(json!({}))));
    let described = timebrook.call("DescribeTable", rooms(json!({}))).await;
    assert_eq!(described.json(), answer.json());
}

#[tokio::test]
async fn settings_are_kept_as_given() {
    let check = async |given: Value, shown: Value| {
        let timebrook = with_database().await;
        let answer = timebrook.call("CreateTable", rooms(given.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected(shown.clone())), "{given}");
        assert_eq!(timebrook.call("DescribeTable", rooms(json!({}))).await.json(), expected(shown));
    };
    let same = async |settings: Value| check(settings.clone(), settings).await;
    let retention = |hours: i64, days: i64| {
        let periods = json!({"MemoryStoreRetentionPeriodInHours": hours, "MagneticStoreRetentionPeriodInDays": days});
        json!({"RetentionProperties": periods})
    };
    same(retention(1, 1)).await;
    same(retention(8_766, 73_000)).await;
    let magnetic = |properties: Value| json!({"MagneticStoreWriteProperties": properties});
    same(magnetic(json!({"EnableMagneticStoreWrites": true}))).await;
    same(magnetic(json!({"EnableMagneticStoreWrites": true, "MagneticStoreRejectedDataLocation": {}}))).await;
    let all =
        json!({"BucketName": "rejects", "ObjectKeyPrefix": "a/b", "EncryptionOption": "SSE_KMS", "KmsKeyId": "key"});
    for s3 in [all, json!({"BucketName": "rejects"}), json!({"BucketName": "rejects", "EncryptionOption": "SSE_S3"})] {
        let location = json!({"S3Configuration": s3});
        same(magnetic(json!({"EnableMagneticStoreWrites": true, "MagneticStoreRejectedDataLocation": location}))).await;
    }
    let key = |key: Value| json!({"Schema": {"CompositePartitionKey": [key]}});
    same(key(json!({"Type": "MEASURE"}))).await;
    same(key(json!({"Type": "DIMENSION", "Name": "hostId", "EnforcementInRecord": "REQUIRED"}))).await;
    let optional = key(json!({"Type": "DIMENSION", "Name": "hostId", "EnforcementInRecord": "OPTIONAL"}));
    same(optional.clone()).await;
    // # docs: the default is shown
    check(key(json!({"Type": "DIMENSION", "Name": "hostId"})), optional).await;
    check(json!({"Schema": {}}), json!({})).await;
}

#[tokio::test]
async fn settings_the_service_refuses() {
    let timebrook = with_database().await;
    let check = async |settings: Value, text: &str| {
        let answer = timebrook.call("CreateTable", rooms(settings.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"), "{settings}");
        assert!(answer.message().contains(text), "{}", answer.message());
    };
    let keys = |keys: Value| json!({"Schema": {"CompositePartitionKey": keys}});
    let dimension = json!({"Type": "DIMENSION", "Name": "hostId"});
    // # observed
    let too_many = "You have specified too many partition keys to be used in your composite partition key. Only 1 \
                    partition keys can be specified.";
    check(keys(json!([dimension, dimension])), too_many).await;
    check(keys(json!([])), "at 'schema.compositePartitionKey' failed").await;
    check(keys(json!([{"Type": "MEASURE", "Name": "hostId"}])), "MEASURE").await;
    check(keys(json!([{"Type": "MEASURE", "EnforcementInRecord": "OPTIONAL"}])), "MEASURE").await;
    check(keys(json!([{"Type": "DIMENSION"}])), "Name").await;
    check(keys(json!([{"Type": "DIMENSION", "Name": "ts_host"}])), "reserved").await;
    check(keys(json!([{"Type": "OTHER"}])), "Member must satisfy enum value set").await;
    let location = json!({"S3Configuration": {"BucketName": "rejects"}});
    let disabled = json!({"EnableMagneticStoreWrites": false, "MagneticStoreRejectedDataLocation": location});
    check(json!({"MagneticStoreWriteProperties": disabled}), "MagneticStoreRejectedDataLocation").await;
    let retention = |properties: Value| json!({"RetentionProperties": properties});
    check(retention(json!({"MemoryStoreRetentionPeriodInHours": 1})), "Member must not be null").await;
    for (hours, days) in [(0, 1), (8_767, 1), (1, 0), (1, 73_001), (-1, 1)] {
        let periods = json!({"MemoryStoreRetentionPeriodInHours": hours, "MagneticStoreRetentionPeriodInDays": days});
        check(retention(periods), "Member must have value").await;
    }
    assert!(timebrook.write().list_tables().send().await.unwrap().tables().is_empty(), "nothing was created");
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let timebrook = with_database().await;
    let key = |enforcement: &str| {
        let key = json!({"Type": "DIMENSION", "Name": "hostId", "EnforcementInRecord": enforcement});
        json!({"CompositePartitionKey": [key]})
    };
    timebrook.call("CreateTable", rooms(json!({"Schema": key("OPTIONAL")}))).await;
    timebrook.clock.advance(Duration::from_secs(1));
    let later = START_NS as f64 / 1e9 + 1.0;
    let periods = json!({"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 7});
    let magnetic = json!({"EnableMagneticStoreWrites": true});
    let mut shown = json!({"Schema": key("OPTIONAL"), "LastUpdatedTime": later});
    for (member, value) in
        [("RetentionProperties", periods), ("MagneticStoreWriteProperties", magnetic), ("Schema", key("REQUIRED"))]
    {
        shown[member] = value.clone();
        let answer = timebrook.call("UpdateTable", rooms(json!({member: value}))).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected(shown.clone())), "{member}");
    }
    assert_eq!(timebrook.call("DescribeTable", rooms(json!({}))).await.json(), expected(shown.clone()));
    // # model: name and type of the key stay
    for other in [json!({"Type": "MEASURE"}), json!({"Type": "DIMENSION", "Name": "other"})] {
        let schema = json!({"Schema": {"CompositePartitionKey": [other]}});
        let answer = timebrook.call("UpdateTable", rooms(schema)).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"));
    }
    assert_eq!(timebrook.call("DescribeTable", rooms(json!({}))).await.json(), expected(shown));
}

#[tokio::test]
async fn absent_and_present_tables() {
    let timebrook = with_database().await;
    let write = timebrook.write();
    let created = write.create_table().database_name("sensors").table_name("rooms").send().await.unwrap();
    assert_eq!(created.table.unwrap().table_status(), Some(&TableStatus::Active));
    let error = write.create_table().database_name("sensors").table_name("rooms").send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_conflict_exception());
    assert_eq!(
        error.message(),
        Some("Timestream was unable to process this request because it contains resource that already exists.")
    );
    // # observed: the texts
    let check = async |operation: &str, database: &str, table: &str, text: &str| {
        let body = json!({"DatabaseName": database, "TableName": table});
        let answer = timebrook.call(operation, body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "ResourceNotFoundException"));
        assert_eq!(answer.message(), text, "{operation}");
    };
    for operation in ["DescribeTable", "UpdateTable", "DeleteTable"] {
        check(operation, "unknown", "rooms", "The database unknown does not exist.").await;
        check(operation, "sensors", "unknown", "The table unknown does not exist.").await;
        check(operation, "sensors", "Rooms", "The table Rooms does not exist.").await;
    }
    check("CreateTable", "unknown", "rooms", "The database unknown does not exist.").await;
    write.delete_table().database_name("sensors").table_name("rooms").send().await.unwrap();
    check("DeleteTable", "sensors", "rooms", "The table rooms does not exist.").await;
    write.create_table().database_name("sensors").table_name("rooms").send().await.unwrap();
}

#[tokio::test]
async fn tables_are_listed_of_one_database_or_of_all() {
    let timebrook = with_database().await;
    let write = timebrook.write();
    write.create_database().database_name("alpha").send().await.unwrap();
    for (database, table) in [("sensors", "t-2"), ("sensors", "t-1"), ("alpha", "t-3"), ("alpha", "t-1")] {
        write.create_table().database_name(database).table_name(table).send().await.unwrap();
    }
    let list = async |database: Option<&str>, size: i32| {
        let (mut listed, mut token) = (Vec::new(), None);
        loop {
            let request = write.list_tables().set_database_name(database.map(str::to_owned)).max_results(size);
            let page = request.set_next_token(token).send().await.unwrap();
            assert!(page.tables().len() <= size as usize);
            for table in page.tables() {
                listed.push(format!("{}/{}", table.database_name().unwrap(), table.table_name().unwrap()));
            }
            token = page.next_token;
            if token.is_none() {
                return listed;
            }
        }
    };
    for size in [1, 2, 20] {
        assert_eq!(list(None, size).await, ["alpha/t-1", "alpha/t-3", "sensors/t-1", "sensors/t-2"]);
        assert_eq!(list(Some("sensors"), size).await, ["sensors/t-1", "sensors/t-2"]);
    }
    let error = write.list_tables().database_name("unknown").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    let counts = write.list_databases().send().await.unwrap();
    assert_eq!(counts.databases().iter().map(|database| database.table_count()).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn retention_through_the_sdk() {
    let timebrook = with_database().await;
    let write = timebrook.write();
    let periods = RetentionProperties::builder()
        .memory_store_retention_period_in_hours(12)
        .magnetic_store_retention_period_in_days(5)
        .build()
        .unwrap();
    let request =
        write.create_table().database_name("sensors").table_name("rooms").retention_properties(periods.clone());
    let table = request.send().await.unwrap().table.unwrap();
    assert_eq!(table.retention_properties(), Some(&periods));
}
