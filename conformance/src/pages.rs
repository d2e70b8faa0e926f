//! Following a query's pages to their end. The Rust SDK has no paginator for Query.

use aws_sdk_timestreamquery::{
    Client,
    operation::query::QueryError,
    types::{ColumnInfo, Row},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

/// The columns and all rows of a query.
///
/// # Errors
/// What any page's call fails with.
pub async fn query_all(
    client: &Client,
    sql: &str,
) -> Result<(Vec<ColumnInfo>, Vec<Row>), SdkError<QueryError, HttpResponse>> {
    let (mut rows, mut token) = (vec![], None);
    loop {
        let page = client.query().query_string(sql).set_next_token(token).send().await?;
        rows.extend(page.rows);
        token = page.next_token;
        if token.is_none() {
            return Ok((page.column_info, rows));
        }
    }
}
