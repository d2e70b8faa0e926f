//! Endpoint discovery and what is not implemented.

use super::refused;
use crate::{clients::Clients, scenario::Scenario};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("describe_endpoints", describe_endpoints),
        Scenario::new("not_implemented_operations", not_implemented_operations),
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

async fn not_implemented_operations(clients: Clients) {
    let text = refused(clients.write.list_batch_load_tasks().send().await, "ValidationException", 400);
    assert_eq!(text, "ListBatchLoadTasks is not implemented by Timebrook yet.");
    let text = refused(clients.query.list_scheduled_queries().send().await, "ValidationException", 400);
    assert_eq!(text, "ListScheduledQueries is not implemented by Timebrook yet.");
}
