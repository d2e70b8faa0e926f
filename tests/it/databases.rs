//! Databases through the SDK, and on the wire where the SDK hides something.

use crate::harness::{START_NS, Timebrook};
use aws_sdk_timestreamwrite::{error::ProvideErrorMetadata, types::Tag};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_database_lives() {
    let timebrook = Timebrook::start().await;
    let write = timebrook.write();
    let created = write.create_database().database_name("sensors").send().await.unwrap().database.unwrap();
    assert_eq!(created.arn(), Some("arn:aws:timestream:us-east-1:000000000000:database/sensors"));
    assert_eq!((created.database_name(), created.table_count()), (Some("sensors"), 0));
    // # docs: never absent, the account's key unless one is given
    assert!(created.kms_key_id().unwrap().starts_with("arn:aws:kms:us-east-1:000000000000:key/"));
    assert_eq!(created.creation_time().unwrap().as_nanos(), i128::from(START_NS));
    assert_eq!(created.last_updated_time(), created.creation_time());

    write.create_table().database_name("sensors").table_name("rooms").send().await.unwrap();
    timebrook.clock.advance(Duration::from_secs(60));
    let key = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012";
    let updated = write.update_database().database_name("sensors").kms_key_id(key).send().await.unwrap();
    let updated = updated.database.unwrap();
    assert_eq!((updated.kms_key_id(), updated.table_count()), (Some(key), 1));
    assert_eq!(updated.last_updated_time().unwrap().as_nanos(), i128::from(START_NS) + 60_000_000_000);
    let described = write.describe_database().database_name("sensors").send().await.unwrap().database.unwrap();
    assert_eq!(described, updated);
    assert_eq!(described.creation_time(), created.creation_time());

    // # model: only an empty database can be deleted
    let error = write.delete_database().database_name("sensors").send().await.unwrap_err().into_service_error();
    assert!(error.is_validation_exception(), "{error:?}");
    write.delete_table().database_name("sensors").table_name("rooms").send().await.unwrap();
    write.delete_database().database_name("sensors").send().await.unwrap();
    assert!(write.list_databases().send().await.unwrap().databases().is_empty());
    write.create_database().database_name("sensors").send().await.unwrap();
}

#[tokio::test]
async fn the_wire_forms_are_the_services() {
    let timebrook = Timebrook::start().await;
    timebrook.clock.advance(Duration::from_millis(266));
    let key = "alias/own";
    let body = json!({"DatabaseName": "sensors", "KmsKeyId": key, "Tags": [{"Key": "k", "Value": "v"}]});
    let answer = timebrook.call("CreateDatabase", body.to_string()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    let id = answer.headers["x-amzn-requestid"].to_str().unwrap();
    assert!(id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte)));
    let seconds = 1_717_243_200.266; // # docs: epoch seconds with a fraction of milliseconds
    let expect = json!({"Database": {
        "Arn": "arn:aws:timestream:us-east-1:000000000000:database/sensors",
        "DatabaseName": "sensors",
        "TableCount": 0,
        "KmsKeyId": key,
        "CreationTime": seconds,
        "LastUpdatedTime": seconds,
    }});
    assert_eq!(answer.json(), expect);
    let deleted = timebrook.call("DeleteDatabase", r#"{"DatabaseName":"sensors"}"#).await;
    assert_eq!((deleted.status.as_u16(), deleted.text().as_str()), (200, "{}"));
}

#[tokio::test]
async fn absent_and_present_databases() {
    let timebrook = Timebrook::start().await;
    let write = timebrook.write();
    // # observed: the texts
    let error = write.describe_database().database_name("unknown").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    assert_eq!(error.message(), Some("The database unknown does not exist."));
    let error = write.update_database().database_name("unknown").kms_key_id("k").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = write.delete_database().database_name("unknown").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    write.create_database().database_name("sensors").send().await.unwrap();
    let error = write.create_database().database_name("sensors").send().await.unwrap_err().into_service_error();
    assert!(error.is_conflict_exception());
    assert_eq!(
        error.message(),
        Some("Timestream was unable to process this request because it contains resource that already exists.")
    );
    // # docs: names are case-sensitive
    write.create_database().database_name("Sensors").send().await.unwrap();
    let statuses = [
        (timebrook.call("DescribeDatabase", r#"{"DatabaseName":"unknown"}"#).await, 404),
        (timebrook.call("CreateDatabase", r#"{"DatabaseName":"sensors"}"#).await, 409),
    ];
    for (answer, status) in statuses {
        assert_eq!(answer.status, status);
        let name = answer.json()["__type"].as_str().unwrap().to_owned();
        assert!(name.starts_with("com.amazonaws.timestream.v20181101#"), "{name}");
    }
}

#[tokio::test]
async fn names_have_bounds() {
    let timebrook = Timebrook::start().await;
    let check = async |name: &str, expect: Option<&str>| {
        let answer = timebrook.call("CreateDatabase", json!({"DatabaseName": name}).to_string()).await;
        assert_eq!(answer.status, if expect.is_some() { 400 } else { 200 }, "{name}");
        if let Some(expect) = expect {
            let start = format!("1 validation error detected: Value '{name}' at 'databaseName' failed to satisfy");
            assert_eq!(answer.message(), format!("{start} constraint: {expect}"));
            assert_eq!(answer.json()["__type"], "com.amazon.coral.validate#ValidationException");
        }
    };
    check("abc", None).await;
    check("a.b-c_D9", None).await;
    check(&"n".repeat(256), None).await;
    check("t", None).await;
    check(&"n".repeat(257), Some("Member must have length less than or equal to 256")).await;
    check("a b c", Some("Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")).await;
}

#[tokio::test]
async fn databases_are_listed_by_name_in_pages() {
    let timebrook = Timebrook::start().await;
    let write = timebrook.write();
    let mut names: Vec<String> = (0..25).map(|i| format!("db-{:02}", (i * 7) % 25)).collect();
    for name in &names {
        write.create_database().database_name(name).send().await.unwrap();
    }
    names.sort();
    let list = async |size: Option<i32>| {
        let (mut sizes, mut listed, mut token) = (Vec::new(), Vec::new(), None);
        loop {
            let page = write.list_databases().set_max_results(size).set_next_token(token).send().await.unwrap();
            sizes.push(page.databases().len());
            listed.extend(page.databases().iter().map(|database| database.database_name().unwrap().to_owned()));
            token = page.next_token;
            if token.is_none() {
                return (sizes, listed);
            }
        }
    };
    assert_eq!(list(None).await, (vec![20, 5], names.clone()));
    assert_eq!(list(Some(10)).await, (vec![10, 10, 5], names.clone()));
    assert_eq!(list(Some(5)).await, (vec![5, 5, 5, 5, 5], names.clone()));
    // # model: 1 to 20
    for size in [0, 21, -1] {
        let answer = timebrook.call("ListDatabases", json!({"MaxResults": size}).to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"), "{size}");
    }
}

#[tokio::test]
async fn a_listing_goes_on_although_its_last_entry_is_gone() {
    let timebrook = Timebrook::start().await;
    let write = timebrook.write();
    for name in ["aaa", "bbb", "ccc"] {
        write.create_database().database_name(name).send().await.unwrap();
    }
    let page = write.list_databases().max_results(2).send().await.unwrap();
    write.delete_database().database_name("bbb").send().await.unwrap();
    let rest = write.list_databases().set_next_token(page.next_token).send().await.unwrap();
    assert_eq!(rest.databases().len(), 1);
    assert_eq!(rest.databases()[0].database_name(), Some("ccc"));
}

#[tokio::test]
async fn tokens_of_other_listings_are_refused() {
    let timebrook = Timebrook::start().await;
    let write = timebrook.write();
    for name in ["aaa", "bbb"] {
        write.create_database().database_name(name).send().await.unwrap();
        write.create_table().database_name("aaa").table_name(name).send().await.unwrap();
    }
    let tables = write.list_tables().max_results(1).send().await.unwrap().next_token.unwrap();
    let one = write.list_tables().database_name("aaa").max_results(1).send().await.unwrap().next_token.unwrap();
    let check = async |operation: &str, body: Value| {
        let answer = timebrook.call(operation, body.to_string()).await;
        assert_eq!(answer.status, 400, "{operation} {body}");
        assert_eq!(answer.message(), "Invalid pagination token.");
    };
    check("ListDatabases", json!({"NextToken": tables})).await;
    check("ListDatabases", json!({"NextToken": "nonsense"})).await;
    check("ListDatabases", json!({"NextToken": ""})).await;
    check("ListTables", json!({"NextToken": one})).await;
    check("ListTables", json!({"NextToken": tables, "DatabaseName": "aaa"})).await;
}

#[tokio::test]
async fn tags_can_be_given_at_creation() {
    let timebrook = Timebrook::start().await;
    let write = timebrook.write();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let request = write.create_database().database_name("sensors").tags(tag("team", "a")).tags(tag("cost", "1"));
    let arn = request.send().await.unwrap().database.unwrap().arn.unwrap();
    let tags = write.list_tags_for_resource().resource_arn(arn).send().await.unwrap().tags.unwrap();
    assert_eq!(tags, [tag("cost", "1"), tag("team", "a")]);
}
