//! Tags of databases and tables.

use crate::harness::{Timebrook, signed};
use serde_json::{Value, json};

const DATABASE: &str = "arn:aws:timestream:us-east-1:000000000000:database/sensors";
const TABLE: &str = "arn:aws:timestream:us-east-1:000000000000:database/sensors/table/rooms";

async fn with_table() -> Timebrook {
    let timebrook = Timebrook::start().await;
    timebrook.call("CreateDatabase", r#"{"DatabaseName":"sensors"}"#).await;
    timebrook.call("CreateTable", r#"{"DatabaseName":"sensors","TableName":"rooms"}"#).await;
    timebrook
}

fn tags(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

async fn tag(timebrook: &Timebrook, arn: &str, pairs: &[(&str, &str)]) -> crate::harness::Answer {
    timebrook.call("TagResource", json!({"ResourceARN": arn, "Tags": tags(pairs)}).to_string()).await
}

async fn list(timebrook: &Timebrook, arn: &str) -> Value {
    timebrook.call("ListTagsForResource", json!({"ResourceARN": arn}).to_string()).await.json()
}

#[tokio::test]
async fn tags_are_added_overwritten_and_removed() {
    let timebrook = with_table().await;
    for arn in [DATABASE, TABLE] {
        assert_eq!(list(&timebrook, arn).await, json!({"Tags": []}));
        let answer = tag(&timebrook, arn, &[("team", "a"), ("cost", "")]).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "{}"));
        tag(&timebrook, arn, &[("team", "b"), ("Team", "c")]).await;
        assert_eq!(list(&timebrook, arn).await["Tags"], tags(&[("Team", "c"), ("cost", ""), ("team", "b")]));
        let body = json!({"ResourceARN": arn, "TagKeys": ["team", "absent"]});
        let answer = timebrook.call("UntagResource", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "{}"));
        assert_eq!(list(&timebrook, arn).await["Tags"], tags(&[("Team", "c"), ("cost", "")]));
    }
}

#[tokio::test]
async fn the_sdks_of_both_services_read_them() {
    let timebrook = with_table().await;
    tag(&timebrook, TABLE, &[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let write = timebrook.write().list_tags_for_resource().resource_arn(TABLE).send().await.unwrap();
    assert_eq!(write.tags().len(), 3);
    // # model: only the query service has pages
    let query = timebrook.query();
    let first = query.list_tags_for_resource().resource_arn(TABLE).max_results(2).send().await.unwrap();
    assert_eq!(first.tags().iter().map(|tag| tag.key()).collect::<Vec<_>>(), ["a", "b"]);
    let rest =
        query.list_tags_for_resource().resource_arn(TABLE).set_next_token(first.next_token).send().await.unwrap();
    assert_eq!(rest.tags().iter().map(|tag| tag.key()).collect::<Vec<_>>(), ["c"]);
    assert_eq!(rest.next_token(), None);
}

#[tokio::test]
async fn tags_the_service_refuses() {
    let timebrook = with_table().await;
    let check = async |pairs: &[(&str, &str)], error: &str| {
        let answer = tag(&timebrook, TABLE, pairs).await;
        assert_eq!(answer.error(), error, "{pairs:?}");
    };
    check(&[("aws:created", "v")], "ValidationException").await;
    check(&[("AWS:created", "v")], "ValidationException").await;
    check(&[("k!", "v")], "ValidationException").await;
    check(&[("k", "v;")], "ValidationException").await;
    check(&[("k", "v"), ("k", "w")], "ValidationException").await;
    check(&[("", "v")], "ValidationException").await;
    check(&[(&"k".repeat(129), "v")], "ValidationException").await;
    check(&[("k", &"v".repeat(257))], "ValidationException").await;
    assert_eq!(list(&timebrook, TABLE).await, json!({"Tags": []}));
    check(&[(&"k".repeat(128), &"v".repeat(256)), ("a b+c-d=e.f_g:h/i@é9", "")], "").await;
}

/// # docs: 50 tags per resource
#[tokio::test]
async fn a_resource_has_fifty_tags_at_most() {
    let timebrook = with_table().await;
    let keys: Vec<String> = (0..51).map(|i| format!("key{i:02}")).collect();
    let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    assert_eq!(tag(&timebrook, TABLE, &pairs).await.status, 402);
    assert_eq!(tag(&timebrook, TABLE, &pairs[..50]).await.status, 200);
    assert_eq!(tag(&timebrook, TABLE, &pairs[50..]).await.error(), "ServiceQuotaExceededException");
    assert_eq!(tag(&timebrook, TABLE, &[("key07", "other")]).await.status, 200, "overwriting adds none");
    assert_eq!(list(&timebrook, TABLE).await["Tags"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn resources_that_are_not_there() {
    let timebrook = with_table().await;
    let arn = |rest: &str| format!("arn:aws:timestream:us-east-1:000000000000:{rest}");
    let check = async |resource: String, status: u16, error: &str| {
        for (operation, member, value) in [
            ("TagResource", "Tags", tags(&[("k", "v")])),
            ("UntagResource", "TagKeys", json!(["k"])),
            ("ListTagsForResource", "Unused", json!(1)),
        ] {
            let body = json!({"ResourceARN": resource, member: value}).to_string();
            let answer = timebrook.call(operation, body).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, error), "{operation} {resource}");
        }
    };
    check(arn("database/unknown"), 404, "ResourceNotFoundException").await;
    check(arn("database/sensors/table/unknown"), 404, "ResourceNotFoundException").await;
    check(arn("scheduled-query/hourly-80e05b035236a4c3"), 404, "ResourceNotFoundException").await;
    check(DATABASE.replace("us-east-1", "eu-west-1"), 404, "ResourceNotFoundException").await;
    check(DATABASE.replace("000000000000", "111111111111"), 404, "ResourceNotFoundException").await;
    check(arn("other/sensors"), 400, "ValidationException").await;
    check("sensors".to_owned(), 400, "ValidationException").await;
    check("arn:aws:s3:::bucket".to_owned(), 400, "ValidationException").await;
    check(String::new(), 400, "ValidationException").await;
}

#[tokio::test]
async fn tags_go_with_their_resource() {
    let timebrook = with_table().await;
    tag(&timebrook, TABLE, &[("k", "v")]).await;
    timebrook.call("DeleteTable", r#"{"DatabaseName":"sensors","TableName":"rooms"}"#).await;
    timebrook.call("CreateTable", r#"{"DatabaseName":"sensors","TableName":"rooms"}"#).await;
    assert_eq!(list(&timebrook, TABLE).await, json!({"Tags": []}));
    let elsewhere =
        signed("ListTagsForResource", json!({"ResourceARN": TABLE}).to_string(), "111111111111", "us-east-1");
    assert_eq!(timebrook.send(elsewhere).await.status, 404);
}
