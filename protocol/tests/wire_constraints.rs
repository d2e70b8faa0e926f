//! Decodes every request that is derived from the constraint tables.

#[path = "../../tests/it/wire_constraints.rs"]
mod wire_constraints;

use timebrook_protocol::{
    Operation, Service, ServiceError, decode,
    shapes::{query, write},
};

/// What the operation's decoder refuses the body with, if it does.
fn refusal(operation: Operation, service: Service, body: &[u8]) -> Option<ServiceError> {
    use Operation::*;
    match (operation, service) {
        (CancelQuery, _) => decode::<query::CancelQueryRequest>(body).err(),
        (CreateBatchLoadTask, _) => decode::<write::CreateBatchLoadTaskRequest>(body).err(),
        (CreateDatabase, _) => decode::<write::CreateDatabaseRequest>(body).err(),
        (CreateScheduledQuery, _) => decode::<query::CreateScheduledQueryRequest>(body).err(),
        (CreateTable, _) => decode::<write::CreateTableRequest>(body).err(),
        (DeleteDatabase, _) => decode::<write::DeleteDatabaseRequest>(body).err(),
        (DeleteScheduledQuery, _) => decode::<query::DeleteScheduledQueryRequest>(body).err(),
        (DeleteTable, _) => decode::<write::DeleteTableRequest>(body).err(),
        (DescribeAccountSettings, _) => decode::<query::DescribeAccountSettingsRequest>(body).err(),
        (DescribeBatchLoadTask, _) => decode::<write::DescribeBatchLoadTaskRequest>(body).err(),
        (DescribeDatabase, _) => decode::<write::DescribeDatabaseRequest>(body).err(),
        (DescribeEndpoints, Service::Query) => decode::<query::DescribeEndpointsRequest>(body).err(),
        (DescribeEndpoints, _) => decode::<write::DescribeEndpointsRequest>(body).err(),
        (DescribeScheduledQuery, _) => decode::<query::DescribeScheduledQueryRequest>(body).err(),
        (DescribeTable, _) => decode::<write::DescribeTableRequest>(body).err(),
        (ExecuteScheduledQuery, _) => decode::<query::ExecuteScheduledQueryRequest>(body).err(),
        (ListBatchLoadTasks, _) => decode::<write::ListBatchLoadTasksRequest>(body).err(),
        (ListDatabases, _) => decode::<write::ListDatabasesRequest>(body).err(),
        (ListScheduledQueries, _) => decode::<query::ListScheduledQueriesRequest>(body).err(),
        (ListTables, _) => decode::<write::ListTablesRequest>(body).err(),
        (ListTagsForResource, Service::Query) => decode::<query::ListTagsForResourceRequest>(body).err(),
        (ListTagsForResource, _) => decode::<write::ListTagsForResourceRequest>(body).err(),
        (PrepareQuery, _) => decode::<query::PrepareQueryRequest>(body).err(),
        (Query, _) => decode::<query::QueryRequest>(body).err(),
        (ResumeBatchLoadTask, _) => decode::<write::ResumeBatchLoadTaskRequest>(body).err(),
        (TagResource, Service::Query) => decode::<query::TagResourceRequest>(body).err(),
        (TagResource, _) => decode::<write::TagResourceRequest>(body).err(),
        (UntagResource, Service::Query) => decode::<query::UntagResourceRequest>(body).err(),
        (UntagResource, _) => decode::<write::UntagResourceRequest>(body).err(),
        (UpdateAccountSettings, _) => decode::<query::UpdateAccountSettingsRequest>(body).err(),
        (UpdateDatabase, _) => decode::<write::UpdateDatabaseRequest>(body).err(),
        (UpdateScheduledQuery, _) => decode::<query::UpdateScheduledQueryRequest>(body).err(),
        (UpdateTable, _) => decode::<write::UpdateTableRequest>(body).err(),
        (WriteRecords, _) => decode::<write::WriteRecordsRequest>(body).err(),
    }
}

#[test]
fn every_constraint_of_every_operation_holds() {
    let cases = wire_constraints::cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let (status, body) = match refusal(case.operation, case.service, case.body.as_bytes()) {
            Some(error) => (error.status(), error.body()),
            None => (200, b"{}".to_vec()),
        };
        wrong.extend(case.check(status, &body).err());
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // Every operation has at least its minimal request, and the tables are not empty.
    assert!(cases.len() > 700, "{}", cases.len());
}
