//! Endpoint discovery, and what nothing is there of yet.

use super::refused;
use crate::{clients::Clients, scenario::Scenario};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("describe_endpoints", describe_endpoints),
        Scenario::new("nothing_scheduled_or_loaded", nothing_scheduled_or_loaded),
    ]
}

async fn describe_endpoints(clients: Clients) {
    let told = clients.write.describe_endpoints().send().await.expect("endpoints");
    let [endpoint] = told.endpoints() else { panic!("one endpoint, not {told:?}") };
    // The SDK puts https:// before it, so it has to be host:port.
    assert!(!endpoint.address().contains("://") && endpoint.address().contains(':'), "{endpoint:?}");
    assert_eq!(endpoint.cache_period_in_minutes(), 1440);
    let told = clients.query.describe_endpoints().send().await.expect("endpoints");
    assert_eq!(told.endpoints().len(), 1);
}

async fn nothing_scheduled_or_loaded(clients: Clients) {
    let tasks = clients.write.list_batch_load_tasks().send().await.unwrap();
    assert!(tasks.batch_load_tasks().is_empty());
    let queries = clients.query.list_scheduled_queries().send().await.unwrap();
    assert!(queries.scheduled_queries().is_empty());
    let task = clients.write.describe_batch_load_task().task_id("9367BE28418C5EF902676482220B631C").send().await;
    refused(task, "ResourceNotFoundException", 404);
    let arn = "arn:aws:timestream:us-east-1:000000000000:scheduled-query/hourly-80e05b035236a4c3";
    let query = clients.query.describe_scheduled_query().scheduled_query_arn(arn).send().await;
    refused(query, "ResourceNotFoundException", 404);
}
