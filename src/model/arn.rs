//! Amazon resource names of databases, tables and scheduled queries.

use super::scope::Scope;

/// The ARN of a database. # docs: samples of CreateDatabase
#[must_use]
pub fn database(scope: &Scope, database: &str) -> String {
    format!("arn:aws:timestream:{}:{}:database/{database}", scope.region, scope.account)
}

/// The ARN of a table. # docs: samples of CreateTable
#[must_use]
pub fn table(scope: &Scope, database: &str, table: &str) -> String {
    format!("{}/table/{table}", self::database(scope, database))
}

/// The ARN of a scheduled query, by its id. # docs: samples of CreateScheduledQuery
#[must_use]
pub fn scheduled_query(scope: &Scope, id: &str) -> String {
    format!("arn:aws:timestream:{}:{}:scheduled-query/{id}", scope.region, scope.account)
}

/// What an ARN of this service names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `database/<name>`
    Database(String),
    /// `database/<database>/table/<name>`
    Table {
        /// The database's name.
        database: String,
        /// The table's name.
        table: String,
    },
    /// `scheduled-query/<name>-<suffix>`
    ScheduledQuery(String),
}

/// Splits an ARN of this service into whose it is and what it names; `None` when it is no such ARN.
#[must_use]
pub fn parse(arn: &str) -> Option<(Scope, Resource)> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    if prefix != "arn" || !partition.starts_with("aws") || service != "timestream" {
        return None;
    }
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let resource = match resource.split('/').collect::<Vec<_>>()[..] {
        ["database", database] => Resource::Database(database.to_owned()),
        ["database", database, "table", table] => {
            Resource::Table { database: database.to_owned(), table: table.to_owned() }
        }
        ["scheduled-query", name] => Resource::ScheduledQuery(name.to_owned()),
        _ => return None,
    };
    Some((Scope::new(account, region), resource))
}
