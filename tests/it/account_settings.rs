//! Settings of the account. # docs: API_query_DescribeAccountSettings, API_query_UpdateAccountSettings

use crate::harness::{START_NS, Timebrook, signed};
use serde_json::{Value, json};
use std::time::Duration;

async fn call(timebrook: &Timebrook, operation: &str, body: Value, region: &str) -> crate::harness::Answer {
    timebrook.send(signed(operation, body.to_string(), "test", region)).await
}

#[tokio::test]
async fn defaults_and_changes_per_region() {
    let timebrook = Timebrook::start().await;
    let describe = async |region: &str| call(&timebrook, "DescribeAccountSettings", json!({}), region).await.json();
    let defaults = json!({"MaxQueryTCU": 200, "QueryPricingModel": "COMPUTE_UNITS"});
    assert_eq!(describe("us-east-1").await, defaults);
    let changed = json!({"MaxQueryTCU": 8, "QueryPricingModel": "COMPUTE_UNITS"});
    let answer = call(&timebrook, "UpdateAccountSettings", changed.clone(), "us-east-1").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, changed.clone()));
    assert_eq!(describe("us-east-1").await, changed);
    assert_eq!(describe("eu-west-1").await, defaults);
    let unchanged = call(&timebrook, "UpdateAccountSettings", json!({}), "us-east-1").await;
    assert_eq!(unchanged.json(), changed);
    timebrook.send(http::Request::post("/_timebrook/reset").body(Default::default()).unwrap()).await;
    assert_eq!(describe("us-east-1").await, defaults);
}

#[tokio::test]
async fn changes_the_service_refuses() {
    let timebrook = Timebrook::start().await;
    for body in [
        json!({"MaxQueryTCU": 0}),
        json!({"MaxQueryTCU": 3}),
        json!({"MaxQueryTCU": 6}),
        json!({"MaxQueryTCU": 1004}),
        json!({"MaxQueryTCU": -4}),
        json!({"QueryPricingModel": "BYTES_SCANNED"}),
        json!({"QueryPricingModel": "FREE"}),
        // Only one region has it.
        json!({"QueryCompute": {"ComputeMode": "ON_DEMAND"}}),
    ] {
        let answer = call(&timebrook, "UpdateAccountSettings", body.clone(), "us-east-1").await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"), "{body}");
    }
    for tcu in [4, 1000] {
        let answer = call(&timebrook, "UpdateAccountSettings", json!({"MaxQueryTCU": tcu}), "us-east-1").await;
        assert_eq!(answer.json()["MaxQueryTCU"], tcu);
    }
}

#[tokio::test]
async fn provisioned_compute_where_it_exists() {
    let timebrook = Timebrook::start().await;
    let region = "ap-south-1";
    let update = async |compute: Value| {
        call(&timebrook, "UpdateAccountSettings", json!({"QueryCompute": compute}), region).await
    };
    let described = call(&timebrook, "DescribeAccountSettings", json!({}), region).await.json();
    assert_eq!(described["QueryCompute"], json!({"ComputeMode": "ON_DEMAND"}));
    let provisioned = |tcu: i32| json!({"ComputeMode": "PROVISIONED", "ProvisionedCapacity": {"TargetQueryTCU": tcu}});
    let shown = |tcu: i32| {
        let update = json!({"TargetQueryTCU": tcu, "Status": "SUCCEEDED"});
        json!({"ComputeMode": "PROVISIONED", "ProvisionedCapacity": {"ActiveQueryTCU": tcu, "LastUpdate": update}})
    };
    assert_eq!(update(provisioned(16)).await.json()["QueryCompute"], shown(16));
    assert_eq!(update(provisioned(32)).await.json()["QueryCompute"], shown(32));
    // # docs: less only an hour after the last change
    assert_eq!(update(provisioned(8)).await.status, 400);
    timebrook.clock.set(START_NS + Duration::from_secs(3_600).as_nanos() as i64);
    assert_eq!(update(provisioned(8)).await.json()["QueryCompute"], shown(8));
    for refused in [
        json!({"ComputeMode": "PROVISIONED"}),
        json!({"ComputeMode": "ON_DEMAND", "ProvisionedCapacity": {"TargetQueryTCU": 4}}),
        provisioned(10),
        provisioned(1004),
    ] {
        assert_eq!(update(refused.clone()).await.error(), "ValidationException", "{refused}");
    }
    let notified = json!({"ComputeMode": "PROVISIONED", "ProvisionedCapacity": {
        "TargetQueryTCU": 8, "NotificationConfiguration": {"RoleArn": "arn:aws:iam::000000000000:role/r"}}});
    let answer = update(notified).await;
    assert!(answer.message().ends_with("is not implemented by Timebrook yet."), "{}", answer.message());
    let answer = update(json!({"ComputeMode": "ON_DEMAND"})).await;
    assert_eq!(answer.json()["QueryCompute"], json!({"ComputeMode": "ON_DEMAND"}));
}
